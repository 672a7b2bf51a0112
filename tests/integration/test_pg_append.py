"""Appending beside a live MLflow: nothing is locked above ROW EXCLUSIVE at any moment, MLflow's own store works on, and
locks are taken in one order. --load rebuild, killed at any moment, leaves everything as it was."""

import json
import os
import signal
import subprocess
import threading
import time

import psycopg2
import pytest

import programs
from pg_server import LOADER, OWNER
from postgres_facts import orphans, shape
from stores.filestore import wide_store

pytestmark = pytest.mark.both

HEAD = programs.MLFLOW_HEADS[programs.ORACLE]
RUNS, POINTS = 150, 200
LARGE_RUNS, LARGE_POINTS = 50, 3000
MINE = "application_name ~ '^mltrack/'"
STRONG = f"""
SELECT DISTINCT l.relation::regclass::text, l.mode FROM pg_locks l JOIN pg_stat_activity a USING (pid)
 WHERE {MINE} AND l.locktype = 'relation'
   AND l.mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"""


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return wide_store(tmp_path_factory.mktemp("store") / "mlruns", RUNS, POINTS).root


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """Whose indexes take a while to build."""
    return wide_store(tmp_path_factory.mktemp("large") / "mlruns", LARGE_RUNS, LARGE_POINTS).root


def start(bulk, source, dsn, home, *more):
    return subprocess.Popen(
        [str(bulk), "import", str(source), "--to", dsn, "--json", *more],
        env=programs.clean_env(home), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )


class Sampler(threading.Thread):
    """Another session that looks at pg_locks all the time."""

    def __init__(self, db):
        super().__init__()
        self.connection, self.stop, self.strong, self.seen, self.looks = db.connect(), False, set(), set(), 0
        self.start()

    def run(self):
        with self.connection.cursor() as cursor:
            while not self.stop:
                cursor.execute(STRONG)
                self.strong |= set(cursor.fetchall())
                cursor.execute(f"SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE {MINE}")
                self.seen |= set(cursor.fetchall())
                self.looks += 1

    def end(self):
        self.stop = True
        self.join()
        self.connection.close()


@pytest.mark.parametrize("trust", [[], ["--trust-runs"]])
def test_a_live_mlflow_works_on_beside_an_append(bulk, new_pg_db, store, tmp_path, trust):
    db = new_pg_db(HEAD, role=OWNER if trust else LOADER)
    programs.run_bulk(bulk, "schema", "init", "--ledger", "--to", db.uri, home=tmp_path, check=0)  # its own tables are locked then
    script = programs.ROOT / "tests/integration/live_writer.py"
    live = subprocess.Popen(
        [programs.mlflow_python(programs.ORACLE), script, db.psycopg2, str(tmp_path / "artifacts"), str(tmp_path)],
        env=programs.mlflow_env(tmp_path), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )
    try:
        while not (tmp_path / "ready").exists():
            assert live.poll() is None, live.communicate()
            time.sleep(0.05)
        sampler = Sampler(db)
        (tmp_path / "importing").touch()
        process = start(bulk, store, db.uri, tmp_path, "--load", "append", "-j", "3", "--batch-rows", "5000", *trust)
        out, errors = process.communicate(timeout=200)
        (tmp_path / "importing").unlink()
        sampler.end()
        assert process.returncode == 0, errors
        (tmp_path / "stop").touch()
        said, failures = live.communicate(timeout=120)
        assert live.returncode == 0, failures
    finally:
        live.kill()
        live.communicate()
    assert sampler.looks > 20 and max(sampler.seen)[0] > 0
    assert sampler.strong == set()
    outcome = json.loads(said.splitlines()[-1])
    assert outcome["while_importing"] > 0
    assert outcome["slowest"] < 10
    assert db.query("SELECT count(*) FROM runs") == [(RUNS + len(outcome["runs"]),)]
    assert db.query("SELECT count(*) FROM metrics") == [(RUNS * POINTS * 2 + 30 * len(outcome["runs"]),)]
    assert orphans(db) == {}


def test_locks_are_taken_in_one_order(bulk, store, new_pg_db, tmp_path):
    """Of the tables that an import waits at, all before it are locked and none behind: two imports cannot deadlock."""
    db = new_pg_db(HEAD)
    order = ["experiments", "runs", "params", "tags", "metrics", "latest_metrics"]
    granted = (
        "SELECT l.relation::regclass::text FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
        f" WHERE {MINE} AND l.granted AND l.mode = 'RowExclusiveLock' AND l.locktype = 'relation'"
    )
    for at, table in enumerate(order):
        blocker = db.connect()
        blocker.autocommit = False
        blocker.cursor().execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        process = start(bulk, store, db.uri, tmp_path, "--load", "append", "-j", "1")
        held, waits = set(), False
        deadline = time.monotonic() + 30
        while not waits and process.poll() is None and time.monotonic() < deadline:
            waits = db.query(f"SELECT 1 FROM pg_stat_activity WHERE {MINE} AND wait_event_type = 'Lock'")
            held = {t for (t,) in db.query(granted)} if waits else held
        process.kill()
        process.communicate()
        blocker.close()
        assert waits, table
        assert held.isdisjoint(order[at:]), (table, held)


def wait_for(condition, process):
    deadline = time.monotonic() + 120
    while not condition():
        if process.poll() is not None or time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def phases(db):
    """When to strike, by what the server says our session does."""
    return {
        "in the transaction": lambda: db.query(f"SELECT 1 FROM pg_stat_activity WHERE {MINE} AND xact_start IS NOT NULL"),
        "while rows are copied": lambda: db.query("SELECT 1 FROM pg_stat_progress_copy WHERE tuples_processed > 1000"),
        "while indexes are built": lambda: db.query("SELECT 1 FROM pg_stat_progress_create_index WHERE tuples_total > 1000"),
    }


def kill_program(db, process):
    process.kill()


def end_backend(db, process):
    db.query(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {MINE}")


def crash_server(db, process):
    """What the kernel would do to a backend: the server restarts all of them and recovers."""
    for (pid,) in db.query(f"SELECT pid FROM pg_stat_activity WHERE {MINE}"):
        os.kill(pid, signal.SIGKILL)


def wait_until_up(db):
    deadline = time.monotonic() + 60
    while True:
        try:
            if not db.query(f"SELECT 1 FROM pg_stat_activity WHERE {MINE}"):
                return
        except psycopg2.Error:
            pass
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize("phase", ["in the transaction", "while rows are copied", "while indexes are built"])
@pytest.mark.parametrize("strike", [kill_program, end_backend, crash_server])
def test_a_rebuild_that_is_killed_leaves_everything_as_it_was(bulk, run_bulk, large, new_owned_db, tmp_path, phase, strike):
    db = new_owned_db(HEAD)
    before = shape(db)
    process = start(bulk, large, db.uri, tmp_path, "--load", "rebuild", "--retry-timeout", "0")
    assert wait_for(phases(db)[phase], process), process.communicate()
    strike(db, process)
    process.communicate(timeout=60)
    assert process.returncode in (-signal.SIGKILL, 69), process.returncode
    wait_until_up(db)
    assert shape(db) == before
    assert db.query("SELECT (SELECT count(*) FROM runs) + (SELECT count(*) FROM metrics)") == [(0,)]
    assert run_bulk("import", large, "--to", db.uri, "--json", "--load", "rebuild", check=0).json["load"] == "rebuild"
    assert db.query("SELECT count(*) FROM metrics") == [(LARGE_RUNS * LARGE_POINTS * 2,)]
    assert shape(db) == before
    assert orphans(db) == {}


LOADS = [["--load", "append"], ["--load", "append", "--trust-runs"], ["--load", "rebuild"]]
EVERY_HEAD = sorted(p.name.removesuffix(".pg.sql") for p in programs.HEADS_DIR.glob("*.pg.sql"))
TWO = {programs.MLFLOW_HEADS["3.1.4"], programs.MLFLOW_HEADS[programs.NEWEST]}


@pytest.mark.parametrize("load", LOADS, ids=["append", "trust", "rebuild"])
@pytest.mark.parametrize("head", [pytest.param(h, marks=[] if h in TWO else pytest.mark.long) for h in EVERY_HEAD])
def test_every_load_on_every_head(run_bulk, new_pg_db, tmp_path, head, load):
    db = new_pg_db(head, role=LOADER if load == LOADS[0] else OWNER)
    before = shape(db)
    small = wide_store(tmp_path / "mlruns", 20, 20).root
    said = run_bulk("import", small, "--to", db.uri, "--json", *load, check=0).json
    assert said["load"] == load[1]
    assert db.query("SELECT count(*) FROM metrics") == [(20 * 20 * 2,)]
    assert shape(db) == before
    assert orphans(db) == {}
