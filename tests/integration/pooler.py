"""A PgBouncer before a test's PostgreSQL, run under the server's account."""

import contextlib
import os
import shutil
import socket
import subprocess
import time

from pg_server import LOADER, OWNER, free_port

CONFIG = """\
[databases]
* = host=127.0.0.1 port={server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {users}
pool_mode = {mode}
server_round_robin = 1
min_pool_size = {least}
default_pool_size = {most}
"""


def wait_for_port(port, process):
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert process.poll() is None and time.monotonic() < deadline, "PgBouncer did not start"
            time.sleep(0.05)


@contextlib.contextmanager
def pooler_before(server, least=4, most=8, mode="transaction"):
    """The pooler's port, while it runs with so many connections to each database."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program, "PgBouncer is not installed: tools/dev/install-packages test"
    port = free_port()
    users, config = server.folder / "users.txt", server.folder / "pgbouncer.ini"
    users.write_text(f'"{OWNER}" ""\n"{LOADER}" ""\n')
    config.write_text(CONFIG.format(server=server.port, port=port, users=users, least=least, most=most, mode=mode))
    account = server.account
    identity = {} if account is None else {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    process = subprocess.Popen([program, "-q", config], stdin=subprocess.DEVNULL, **identity)
    try:
        wait_for_port(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)
