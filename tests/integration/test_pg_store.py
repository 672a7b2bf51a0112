"""The PostgreSQL store against a real server, and through a pooler that hands every transaction to another server
process: starts the test programs of tests/helpers on a database of their own."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

import programs
from pg_server import free_port

HEADS = ["97727af70f4d", *(programs.MLFLOW_HEADS[v] for v in ("3.1.4", programs.NEWEST))]
POOLER = """\
[databases]
* = host=127.0.0.1 port={server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {users}
pool_mode = transaction
server_round_robin = 1
min_pool_size = 4
default_pool_size = 8
"""


def run_helper(name, conninfo, head):
    env = {k: v for k, v in os.environ.items() if k in programs.PASSED_ON}
    env |= {"MLT_TEST_PG": conninfo, "MLT_TEST_HEAD": head, "HOME": "/nonexistent"}
    build = Path(os.environ.get("MLTRACK_BUILD") or programs.ROOT / "build")
    program = build.resolve() / "tests" / f"helper_{name}"
    done = subprocess.run([program], env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def wait_for_port(port, process):
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert process.poll() is None and time.monotonic() < deadline, "PgBouncer did not start"
            time.sleep(0.05)


@pytest.fixture
def pooler_port(pg_server):
    """The port of a PgBouncer in transaction mode before the server, run under the server's account."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program, "PgBouncer is not installed: tools/dev/install-packages test"
    port = free_port()
    users, config = pg_server.folder / "users.txt", pg_server.folder / "pgbouncer.ini"
    users.write_text('"postgres" ""\n')
    config.write_text(POOLER.format(server=pg_server.port, port=port, users=users))
    account = pg_server.account
    identity = {} if account is None else {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    process = subprocess.Popen([program, "-q", config], stdin=subprocess.DEVNULL, **identity)
    try:
        wait_for_port(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("name", ["pg_store", "pg_session"])
def test_store_on_a_real_server(new_pg_db, name, head):
    run_helper(name, new_pg_db(head).uri, head)


def test_rows_go_through_a_pooler_in_transaction_mode(new_pg_db, pooler_port):
    head = programs.MLFLOW_HEADS[programs.NEWEST]
    db = new_pg_db(head)
    run_helper("pg_store", f"postgresql://postgres@127.0.0.1:{pooler_port}/{db.name}", head)
