"""A private PostgreSQL cluster for tests: made, started, and stopped by its pid. Knows MLflow's schema heads only as
the DDL files under sql/mlflow."""

import functools
import itertools
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg2

from programs import HEADS_DIR, bulk_path, run_bulk

ACCOUNT = "mltrack-test"
WORKSPACE_ROW = (
    "INSERT INTO workspaces (name, description) VALUES ('default', 'Default workspace for legacy resources')"
)


def bin_folder():
    given = os.environ.get("MLTRACK_PG_BIN")
    if given:
        return Path(given)
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: float(p.parent.name))
    if found:
        return found[-1]
    on_path = shutil.which("initdb")
    assert on_path, "no PostgreSQL server found: install one, or set MLTRACK_PG_BIN"
    return Path(on_path).parent


def unprivileged():
    """The account to run the server under: PostgreSQL refuses root. None = the caller's own."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", ACCOUNT):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    subprocess.run(["useradd", "--system", "--no-create-home", ACCOUNT], check=True)
    return pwd.getpwnam(ACCOUNT)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def statements_of_head(revision):
    """MLflow's DDL at a head as one script, with the rows its migrations leave."""
    script = (HEADS_DIR / f"{revision}.pg.sql").read_text()
    script += f"\nINSERT INTO public.alembic_version VALUES ('{revision}');\n"
    if "CREATE TABLE public.workspaces" in script:
        script += WORKSPACE_ROW.replace("workspaces", "public.workspaces") + ";\n"
    return script


OWNER, LOADER = "postgres", "mlt_least"


def role_for(load):
    """Who may load in that way: a rebuild drops and makes indexes."""
    return OWNER if load == "rebuild" else LOADER


class PgDatabase:
    """.uri is the owner's, or that of a role that has what `mltrack-bulk grants` prints and nothing else; queries are the
    owner's."""

    kind = "postgres"

    def __init__(self, server, name, role=OWNER):
        self.server, self.name, self.role = server, name, role
        self.owner_uri = f"postgresql://postgres@127.0.0.1:{server.port}/{name}"
        self.uri = self.uri_of(role)
        self.psycopg2 = f"postgresql+psycopg2://postgres@127.0.0.1:{server.port}/{name}"

    def uri_of(self, role):
        """As another role sees it; "role:password", too."""
        return self.owner_uri.replace(f"{OWNER}@", f"{role}@")

    def connect(self):
        connection = psycopg2.connect(self.owner_uri)
        connection.autocommit = True
        return connection

    def query(self, sql, args=None):
        """Runs SQL; its rows as tuples, or [] when it gives none."""
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, args)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def load_head(self, revision):
        """MLflow's schema of a head, as its own migrations leave it (no experiment yet)."""
        self.query(statements_of_head(revision))
        return self

    def admit_loader(self):
        """Grants the role what an import takes. The ledger is made for it, too: it may make nothing."""
        public = f'REVOKE ALL ON DATABASE "{self.name}" FROM PUBLIC; REVOKE ALL ON SCHEMA public FROM PUBLIC'
        self.query(f"DO $$ BEGIN CREATE ROLE {LOADER} LOGIN; EXCEPTION WHEN duplicate_object THEN END $$; {public}")
        with tempfile.TemporaryDirectory() as home:
            run = functools.partial(run_bulk, bulk_path(), home=home, cwd=home, check=0)
            run("schema", "init", "--ledger", "--to", self.uri)
            self.query(run("grants", "--role", LOADER, "--to", self.uri).stdout)
        return self

    def drop(self):
        self.server.admin(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')

    def dump(self):
        """All data with sequence values, as sorted lines: equal before and after = nothing was written."""
        out = self.server.run("pg_dump", "--data-only", "--exclude-schema=mltrack", "--no-owner", "-d", self.owner_uri)
        return sorted(line for line in out.splitlines() if not re.match(r"\\(un)?restrict ", line))


class PgServer:
    def __init__(self, folder, settings=None):
        self.settings_given = settings or {}
        self.folder, self.bin, self.account = Path(folder), bin_folder(), unprivileged()
        self.port = free_port()
        self.process = None
        self.templates = {}
        self.numbers = itertools.count(1)

    def _as_account(self):
        if self.account is None:
            return {}
        return {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []}

    def run(self, program, *args):
        done = subprocess.run(
            [self.bin / program, *map(str, args)],
            cwd="/",
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
            **self._as_account(),
        )
        assert done.returncode == 0, f"{program} failed: {done.stdout}{done.stderr}"
        return done.stdout

    def own_folder(self):
        if self.account is not None:
            os.chown(self.folder, self.account.pw_uid, self.account.pw_gid)

    def start(self):
        self.own_folder()
        data = self.folder / "data"
        self.run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        self.launch()

    def launch(self):
        """Starts the server on its data folder, which is there."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self.folder,
            "fsync": "off",
            "full_page_writes": "off",
            "autovacuum": "off",  # its locks are those of another session: whether it comes is a matter of luck
            "max_connections": 50,
            "log_min_messages": "warning",
        } | self.settings_given
        self.log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen(
            [self.bin / "postgres", "-D", self.folder / "data", *(f"-c{k}={v}" for k, v in settings.items())],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
            **self._as_account(),
        )
        self._wait_until_ready()

    def _wait_until_ready(self):
        deadline = time.monotonic() + 60
        while True:
            try:
                self.admin("SELECT 1")
                return
            except psycopg2.OperationalError:
                alive = self.process.poll() is None
                log = (self.folder / "log").read_text(errors="replace")
                assert alive and time.monotonic() < deadline, f"PostgreSQL did not start:\n{log}"
                time.sleep(0.1)

    def stop(self):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGINT)  # fast shutdown
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(timeout=30)
        self.log.close()

    def admin(self, sql):
        connection = psycopg2.connect(f"postgresql://postgres@127.0.0.1:{self.port}/postgres")
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql)
        finally:
            connection.close()

    def create_database(self, head=None, role=OWNER):
        """A new database: empty, or with MLflow's schema at a head (loaded once, then copied), and for whom."""
        if head is not None and (head, role) not in self.templates:
            made = self._create(f"{role}_{head}").load_head(head)
            self.templates[head, role] = made.admit_loader() if role == LOADER else made
        return self._create(f"t{next(self.numbers)}", self.templates[head, role].name if head else "template0", role)

    def copy_database(self, db):
        """All of a database that nobody is connected to."""
        return self._create(f"t{next(self.numbers)}", db.name, db.role)

    def _create(self, name, template="template0", role=OWNER):
        self.admin(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        if role == LOADER:  # rights on the database itself are not copied
            self.admin(f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC; GRANT CONNECT, TEMPORARY ON DATABASE "{name}" TO {LOADER}')
        return PgDatabase(self, name, role)
