"""--trust-runs: no foreign-key check for rows whose runs we wrote or hold ourselves; only where the user asks, the role
may, and nothing else on the tables depends on triggers. Nothing is ever orphaned."""

import threading
import time

import psycopg2
import pytest

import programs
from postgres_facts import major_version, orphans
from probe import probe_as, probe_of
from stores.filestore import wide_store

HEAD = programs.MLFLOW_HEADS[programs.NEWEST]
RUNS, POINTS = 60, 40
RUN = "a" * 32
NEW_RUN = f"INSERT INTO runs (run_uuid, experiment_id) VALUES ('{RUN}', 0)"
NEW_EXPERIMENT = "INSERT INTO experiments (experiment_id, name) VALUES (0, 'Default')"


@pytest.fixture
def db(new_owned_db):
    db = new_owned_db(HEAD)
    db.query(NEW_EXPERIMENT)
    return db


@pytest.fixture
def store(tmp_path):
    return wide_store(tmp_path / "mlruns", RUNS, POINTS).root


@pytest.fixture
def writer(db):
    """A role that may read and write MLflow's tables and nothing else."""
    role = f"writer of {db.name}"
    db.query(f'CREATE ROLE "{role}" LOGIN')
    db.query(f'GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO "{role}"')
    db.query(f'GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO "{role}"')
    yield role
    db.query(f'DROP OWNED BY "{role}"')
    db.query(f'DROP ROLE "{role}"')


def as_role(db, role):
    return psycopg2.extensions.make_dsn(db.uri, user=role)



def row_counts(db):
    return {t: db.query(f"SELECT count(*) FROM {t}")[0][0] for t in ("runs", "params", "tags", "metrics", "latest_metrics")}


ALL_ROWS = {
    "runs": RUNS,
    "params": RUNS * 2,
    "tags": RUNS,
    "metrics": RUNS * POINTS * 2,
    "latest_metrics": RUNS * 2,
}


@pytest.mark.parametrize("load", ["append", "rebuild", "auto"])
def test_a_superuser_may(run_bulk, db, store, load):
    said = run_bulk("import", store, "--to", db.uri, "--json", "--trust-runs", "--load", load, "-j", "4",
                    "--batch-rows", "500", check=0).json
    assert said["load"] == ("append" if load == "append" else "rebuild")
    assert row_counts(db) == ALL_ROWS
    assert orphans(db) == {}


def test_only_the_four_tables_are_unchecked(db):
    with probe_of(db) as probe:
        probe.do("trust", "append", f"rows 1 1 {RUN}")  # trusts us: there is no such run
        assert probe.do("SHOW session_replication_role") == "origin"
        said = probe.ask(f"INSERT INTO inputs (input_uuid, source_type, source_id, destination_type, destination_id)"
                         f" VALUES ('i', 'x', 'y', 'z', 'w')")
        assert said.startswith("ok")
        assert "foreign key" in probe.ask(f"INSERT INTO runs (run_uuid, experiment_id) VALUES ('{RUN}', 77)")
        probe.do("rollback")
        assert probe.do("SHOW session_replication_role") == "origin"
        probe.do("append", f"INSERT INTO runs (run_uuid, experiment_id) VALUES ('{RUN}', 0)", f"rows 1 1 {RUN}", "commit")
        assert probe.do("SHOW session_replication_role") == "origin"
    assert orphans(db) == {}


def test_without_the_option_nothing_is_skipped(db):
    with probe_of(db) as probe:
        probe.do("append")
        assert "foreign key" in probe.ask(f"rows 1 1 {RUN}")
        probe.do("rollback")


def test_a_role_without_the_right_is_refused(run_bulk, db, store, writer):
    result = run_bulk("import", store, "--to", as_role(db, writer), "--trust-runs", check=77)
    assert f'role "{writer}" may not set session_replication_role' in result.stderr
    if major_version(db) >= 15:
        assert f'GRANT SET ON PARAMETER session_replication_role TO "{writer}"' in result.stderr
    else:
        assert "before PostgreSQL 15 only a superuser may" in result.stderr
    assert row_counts(db)["runs"] == 0
    run_bulk("import", store, "--to", as_role(db, writer), "--trust-runs", "--dry-run", check=77)


def test_a_role_with_the_grant_may(run_bulk, db, store, writer):
    grant = f'GRANT SET ON PARAMETER session_replication_role TO "{writer}"'
    if major_version(db) < 15:
        with pytest.raises(psycopg2.Error):
            db.query(grant)
        return
    db.query(grant)
    said = run_bulk("import", store, "--to", as_role(db, writer), "--trust-runs", "--json", "-j", "3",
                    "--batch-rows", "500", check=0).json
    assert said["load"] == "append"  # it does not own the tables
    assert row_counts(db) == ALL_ROWS
    assert orphans(db) == {}


FUNCTION = "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; "
OBSTACLES = {
    "table metrics has a trigger, audit": FUNCTION
    + "CREATE TRIGGER audit BEFORE INSERT ON metrics FOR EACH ROW EXECUTE FUNCTION f()",
    "table tags has a trigger, mirrored": FUNCTION
    + "CREATE TRIGGER mirrored BEFORE INSERT ON tags FOR EACH ROW EXECUTE FUNCTION f();"
    "ALTER TABLE tags ENABLE REPLICA TRIGGER mirrored",
    "table params has the constraint mine": "CREATE TABLE known (key varchar PRIMARY KEY);"
    "ALTER TABLE params ADD CONSTRAINT mine FOREIGN KEY (key) REFERENCES known",
    "table latest_metrics has the constraint once": "ALTER TABLE latest_metrics ADD CONSTRAINT once"
    " UNIQUE (run_uuid, step, key) DEFERRABLE",
}


@pytest.mark.parametrize("why", OBSTACLES)
def test_refused_where_something_else_needs_triggers(run_bulk, db, store, why):
    """A trigger is refused by the schema check already, whatever the options."""
    db.query(OBSTACLES[why])
    result = run_bulk("import", store, "--to", db.uri, "--trust-runs", "--load", "append", check=78)
    assert why in result.stderr
    assert row_counts(db)["runs"] == 0


def test_what_is_disabled_or_elsewhere_does_not_matter(run_bulk, db, store):
    db.query(FUNCTION + "CREATE TRIGGER t BEFORE INSERT ON metrics FOR EACH ROW EXECUTE FUNCTION f();"
             "ALTER TABLE metrics DISABLE TRIGGER t;"
             "CREATE TABLE notes (key varchar, run_uuid varchar, FOREIGN KEY (key, run_uuid) REFERENCES tags)")
    run_bulk("import", store, "--to", db.uri, "--trust-runs", "--load", "append", check=0)
    assert orphans(db) == {}


def test_a_trigger_that_comes_later_ends_it(db):
    with probe_of(db) as probe:
        probe.do("trust", "append", "rollback")
        db.query(OBSTACLES["table metrics has a trigger, audit"])
        assert "table metrics has the trigger audit" in probe.ask("append")
        assert probe.do("SELECT pg_current_xact_id_if_assigned()") == ""


class Other(threading.Thread):
    """Another session that runs one statement and says when it was done."""

    def __init__(self, db, sql):
        super().__init__()
        self.connection, self.sql, self.error, self.done_at = db.connect(), sql, None, None
        self.pid = self.connection.info.backend_pid
        self.start()

    def run(self):
        try:
            self.connection.cursor().execute(self.sql)
        except psycopg2.Error as error:
            self.error = error
        self.done_at = time.monotonic()
        self.connection.close()

    def waits(self, db):
        """True once it waits for a lock; False if it ended first."""
        while self.is_alive():
            if db.query("SELECT 1 FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'", (self.pid,)):
                return True
            time.sleep(0.01)
        return False


def test_who_deletes_a_run_that_is_held_waits(db):
    db.query(NEW_RUN)
    with probe_of(db) as probe:
        probe.do("trust", "append", f"hold {RUN}")
        other = Other(db, f"DELETE FROM runs WHERE run_uuid = '{RUN}'")
        assert other.waits(db)
        probe.do(f"rows 2 3 {RUN}")
        assert other.is_alive()
        committing = time.monotonic()
        probe.do("commit")
        other.join(30)
    assert other.done_at > committing
    assert "foreign key" in str(other.error)  # our rows are there: the run must stay
    assert (row_counts(db)["runs"], row_counts(db)["metrics"]) == (1, 6)
    assert orphans(db) == {}


def test_a_run_that_was_deleted_before_is_not_written_to(db):
    db.query(NEW_RUN)
    with probe_of(db) as probe:
        probe.do("trust", "append")
        db.query(f"DELETE FROM runs WHERE run_uuid = '{RUN}'")
        assert probe.ask(f"hold {RUN}").startswith("error TEMPFAIL: 1 runs were deleted")
        probe.do("rollback")
    assert orphans(db) == {}


def test_a_run_that_is_just_being_deleted_is_waited_for(db):
    db.query(NEW_RUN)
    deleter = db.connect()
    deleter.autocommit = False
    deleter.cursor().execute(f"DELETE FROM runs WHERE run_uuid = '{RUN}'")
    with probe_of(db) as probe:
        probe.do("trust", "append")
        probe.send(f"hold {RUN}")
        while not db.query("SELECT 1 FROM pg_stat_activity WHERE application_name = 'mltrack test' AND wait_event_type = 'Lock'"):
            time.sleep(0.01)
        deleter.commit()
        deleter.close()
        assert probe.answer().startswith("error TEMPFAIL: 1 runs were deleted")
        probe.do("rollback")


def test_updates_of_a_run_that_is_held_do_not_wait(db):
    """MLflow ends a run, renames it, deletes it its way: none of that touches the key."""
    db.query(NEW_RUN)
    with probe_of(db) as probe:
        probe.do("trust", "append", f"hold {RUN}")
        db.query(f"SET lock_timeout = '5s'; UPDATE runs SET status = 'FINISHED', lifecycle_stage = 'deleted'")
        probe.do(f"rows 1 1 {RUN}", "commit")
    assert orphans(db) == {}


def test_a_granted_role_holds_runs_only_if_it_may_lock_them(db, writer):
    if major_version(db) >= 15:
        db.query(f'GRANT SET ON PARAMETER session_replication_role TO "{writer}"; GRANT UPDATE ON runs TO "{writer}"')
        db.query(NEW_RUN)
        with probe_as(db, writer) as probe:
            probe.do("trust", "append", f"hold {RUN}", f"rows 1 1 {RUN}", "commit")
        assert orphans(db) == {}
