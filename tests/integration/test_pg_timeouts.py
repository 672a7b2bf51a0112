"""Timeouts that somebody set for the role are kept: loads go within them, or end with a word on which one it was."""

import re
import time

import psycopg2
import pytest

import programs
from postgres_facts import major_version, orphans
from probe import probe_as
from stores.filestore import wide_store

HEAD = programs.MLFLOW_HEADS[programs.NEWEST]
RUNS, POINTS = 10, 3000
RUN = "b" * 32


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return wide_store(tmp_path_factory.mktemp("store") / "mlruns", RUNS, POINTS).root


@pytest.fixture
def db(new_owned_db):
    db = new_owned_db(HEAD)
    db.query("INSERT INTO experiments (experiment_id, name) VALUES (0, 'Default')")
    return db


@pytest.fixture
def role_with(db):
    """role_with(setting=value, ...) -> a superuser's DSN whose role has them (ALTER ROLE ... SET)."""
    role = f"hurried in {db.name}"
    db.query(f'CREATE ROLE "{role}" LOGIN SUPERUSER')

    def make(**settings):
        for name, value in settings.items():
            db.query(f"""ALTER ROLE "{role}" SET {name} = '{value}'""")
        db.role = role
        return psycopg2.extensions.make_dsn(db.uri, user=role)

    yield make
    db.query(f'DROP OWNED BY "{role}"; DROP ROLE "{role}"')


def timeouts_of(db):
    """Those that can end a rebuild, in the version at hand."""
    names = ["statement_timeout", "idle_in_transaction_session_timeout"]
    return names + (["transaction_timeout"] if major_version(db) >= 17 else [])


def test_auto_keeps_away_from_a_rebuild_that_could_be_ended(run_bulk, store, db, role_with):
    for name in timeouts_of(db):
        dsn = role_with(**{name: "10min"})
        said = run_bulk("import", store, "--to", dsn, "--json", "--dry-run", check=0).json
        assert said["load"] == "append"
        said = run_bulk("import", store, "--to", dsn, "--json", check=0).json
        assert said["load"] == "append"
        assert f"{name} of 600000 ms" in said["load_reason"]
        role_with(**{name: "0"})
        db.query("DELETE FROM metrics; DELETE FROM latest_metrics; DELETE FROM params; DELETE FROM tags; DELETE FROM runs")


@pytest.mark.parametrize("settings", [{}, {"statement_timeout": "1h", "idle_in_transaction_session_timeout": "1d"},
                                      {"idle_session_timeout": "1min", "lock_timeout": "1min"}])
def test_timeouts_that_leave_room_do_not_matter(run_bulk, store, db, role_with, settings):
    said = run_bulk("import", store, "--to", role_with(**settings), "--json", check=0).json
    assert said["load"] == "rebuild"


def copies(db, log_from):
    """How many COPYs of metrics the server logged since then."""
    log = (db.server.folder / "log").read_text(errors="replace")[log_from:]
    return [line for line in log.splitlines() if "COPY" in line and '"metrics"' in line or "COPY" in line and ".metrics" in line]


def test_a_copy_stays_well_below_statement_timeout(run_bulk, store, db, role_with):
    """log_min_duration_statement tells how long each took."""
    dsn = role_with(statement_timeout="1s", log_min_duration_statement="0", log_min_messages="log")
    log_from = len((db.server.folder / "log").read_text(errors="replace"))
    said = run_bulk("import", store, "--to", dsn, "--json", "-j", "2", check=0).json
    assert said["tables"]["metrics"]["inserted"] == RUNS * POINTS * 2
    logged = copies(db, log_from)
    took = [float(line.split("duration: ")[1].split(" ms")[0]) for line in logged if "duration: " in line]
    assert len(took) > 3, logged
    assert max(took) < 900
    assert orphans(db) == {}


@pytest.mark.parametrize("paced", [False, True])
def test_statement_timeouts_that_a_whole_copy_would_exceed(run_bulk, store, db, role_with, paced):
    """60000 points as one COPY take a multiple of this, paced or not."""
    more = ("--max-rows-per-second", "20000", "--batch-rows", "100000") if paced else ()
    args = ("import", store, "--to", role_with(statement_timeout="400ms"), "--json", "-j", "1", *more)
    said = run_bulk(*args, check=0).json
    assert said["tables"]["metrics"]["inserted"] == RUNS * POINTS * 2
    assert said["load"] == "append"


def test_a_merge_stays_below_statement_timeout(run_bulk, store, db, role_with):
    """As one statement it takes a multiple of this."""
    dsn = role_with(statement_timeout="400ms")
    run_bulk("import", store, "--to", db.uri, check=0)
    db.query("DELETE FROM metrics WHERE step % 3 <> 0")
    said = run_bulk("import", store, "--to", dsn, "--json", "-j", "1", "--load", "merge", check=0).json
    counts = said["tables"]["metrics"]
    assert counts["inserted"] + counts["present"] == RUNS * POINTS * 2
    assert counts["inserted"] > counts["present"] > 0
    assert db.query("SELECT count(*) FROM metrics")[0][0] == RUNS * POINTS * 2


def test_a_statement_timeout_that_strikes_is_named(db, role_with):
    role_with(statement_timeout="200ms")
    with probe_as(db, db.role) as probe:
        said = probe.ask("SELECT pg_sleep(10)")
    assert said.startswith("error TEMPFAIL: canceling statement")
    assert "statement_timeout is 200 ms here" in said
    assert f'ALTER ROLE "{db.role}" SET statement_timeout' in said


def test_the_program_names_it_too(run_bulk, db, role_with):
    dsn = role_with(statement_timeout="200ms")
    blocker = db.connect()
    blocker.autocommit = False
    blocker.cursor().execute("LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE")
    try:
        done = run_bulk("schema", "check", "--to", dsn, check=75)
    finally:
        blocker.close()
    assert "statement_timeout is 200 ms here" in done.stderr


@pytest.mark.parametrize(
    "name, since, says",
    [
        ("idle_in_transaction_session_timeout", 14, "error UNAVAILABLE: .*idle-in-transaction timeout"),
        ("transaction_timeout", 17, "error UNAVAILABLE: .*transaction timeout"),
    ],
)
def test_sessions_that_are_ended_are_named(db, role_with, name, since, says):
    if major_version(db) < since:
        return
    role_with(**{name: "300ms"})
    with probe_as(db, db.role) as probe:
        probe.do("append")
        time.sleep(1)
        said = probe.ask(f"rows 1 1 {RUN}")
    assert re.match(says, said)
    assert f"{name} is 300 ms here: raise it" in said


def test_an_idle_session_that_was_ended_connects_again(db, role_with):
    role_with(idle_session_timeout="300ms")
    with probe_as(db, db.role) as probe:
        probe.do("append", "rollback")
        time.sleep(1)
        probe.do("append", f"INSERT INTO runs (run_uuid, experiment_id) VALUES ('{RUN}', 0)", f"rows 2 3 {RUN}", "commit")
    assert db.query("SELECT count(*) FROM metrics") == [(6,)]


def test_append_is_not_idle_in_its_transactions(run_bulk, store, db, role_with):
    dsn = role_with(idle_in_transaction_session_timeout="150ms", idle_session_timeout="150ms")
    said = run_bulk("import", store, "--to", dsn, "--json", "-j", "3", "--batch-rows", "7000", check=0).json
    assert said["tables"]["metrics"]["inserted"] == RUNS * POINTS * 2
    assert said["batches"] > 5


def test_a_shorter_lock_timeout_is_kept(db, role_with):
    """Ours is 800 ms; the role's is a tenth of that."""
    blocker = db.connect()
    blocker.autocommit = False
    blocker.cursor().execute("LOCK TABLE metrics IN ACCESS EXCLUSIVE MODE")
    role_with(lock_timeout="80ms")
    with probe_as(db, db.role) as probe:
        probe.send("append")
        waited = 0
        started = time.monotonic()
        assert probe.answer().startswith("error TEMPFAIL: canceling statement due to lock timeout")
        waited = time.monotonic() - started
        assert probe.do("SHOW lock_timeout") == "80ms"
        blocker.close()
        probe.do("append")
        assert probe.do("SHOW lock_timeout") == "80ms"
        probe.do("rollback")
    assert waited < 0.7
