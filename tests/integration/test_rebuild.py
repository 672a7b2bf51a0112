"""Loading empty tables without their indexes (src/pg/rebuild.h): afterwards everything on the tables is what it was,
whatever it was and however the load ended; where that cannot be had, the tables are left alone."""

import os
import re
import time

import psycopg2
import pytest

import programs
from postgres_facts import major_version, shape
from probe import Probe, probe_as, probe_of

pytestmark = pytest.mark.both

TWO_INDEXES, THREE_INDEXES = programs.MLFLOW_HEADS["3.1.4"], programs.MLFLOW_HEADS[programs.NEWEST]
METRIC_INDEXES = "SELECT count(*) FROM pg_index WHERE indrelid = 'metrics'::regclass"
ROWS = {"metrics": 3000, "latest_metrics": 60, "params": 60, "tags": 60}
LOAD = "load 3 20 50"

EXTRAS = """
COMMENT ON INDEX index_metrics_run_uuid IS E'it''s \\\\ an "index"\nof two lines';
COMMENT ON INDEX metric_pk IS 'the index';
COMMENT ON CONSTRAINT metric_pk ON metrics IS 'the key';
COMMENT ON CONSTRAINT metrics_run_uuid_fkey ON metrics IS 'the foreign key';
ALTER INDEX index_metrics_run_uuid SET (fillfactor = 70, deduplicate_items = off);
ALTER INDEX metric_pk SET (fillfactor = 80);
CREATE INDEX "my ""own""; index" ON metrics
  USING btree (lower(key) DESC NULLS LAST, abs(step), run_uuid COLLATE "C" varchar_pattern_ops) INCLUDE (value)
  WITH (fillfactor = 60) WHERE step > 10 AND key <> 'a''b';
ALTER INDEX "my ""own""; index" ALTER COLUMN 1 SET STATISTICS 321;
ALTER INDEX "my ""own""; index" ALTER COLUMN 2 SET STATISTICS 0;
CREATE INDEX brin_of_mine ON metrics USING brin (step) WITH (pages_per_range = 8);
ALTER TABLE metrics CLUSTER ON index_metrics_run_uuid;
ALTER TABLE metrics REPLICA IDENTITY USING INDEX metric_pk;
ALTER TABLE metrics ADD CONSTRAINT small CHECK (length(key) < 1000);
CREATE STATISTICS both_of (dependencies) ON key, step FROM metrics;
ALTER TABLE latest_metrics DROP CONSTRAINT latest_metrics_run_uuid_fkey;
ALTER TABLE latest_metrics ADD CONSTRAINT "late one" FOREIGN KEY (run_uuid) REFERENCES runs
  ON UPDATE CASCADE ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE latest_metrics ADD CONSTRAINT once UNIQUE (run_uuid, key) INCLUDE (value) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE latest_metrics ADD CONSTRAINT once_more UNIQUE (key, run_uuid, step) DEFERRABLE;
ALTER TABLE params DROP CONSTRAINT params_run_uuid_fkey;
ALTER TABLE params ADD CONSTRAINT params_run_uuid_fkey FOREIGN KEY (run_uuid) REFERENCES runs NOT VALID;
ALTER TABLE tags DROP CONSTRAINT tags_run_uuid_fkey;
ALTER TABLE tags REPLICA IDENTITY FULL;
CREATE UNIQUE INDEX tags_backwards ON tags (run_uuid, key DESC);
CREATE TRIGGER sleeping BEFORE INSERT ON metrics FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
ALTER TABLE metrics DISABLE TRIGGER sleeping;
CREATE VIEW totals AS SELECT run_uuid, count(*) FROM metrics GROUP BY run_uuid;
"""
EXTRAS_SINCE = {
    15: "ALTER TABLE tags ADD CONSTRAINT nulls_once UNIQUE NULLS NOT DISTINCT (value, key, run_uuid)",
    18: """
        ALTER TABLE tags ADD CONSTRAINT idle FOREIGN KEY (run_uuid) REFERENCES runs NOT ENFORCED;
        ALTER TABLE metrics RENAME CONSTRAINT metrics_step_not_null TO stepped""",
}
def add_extras(db):
    db.query(EXTRAS)
    for version, sql in EXTRAS_SINCE.items():
        if version <= major_version(db):
            db.query(sql)


def rows(db, schema="public"):
    return {t: db.query(f"SELECT count(*) FROM \"{schema}\".{t}")[0][0] for t in ROWS}


def rebuild(probe):
    """A whole load; insists that metrics had no index meanwhile."""
    probe.do("begin 500 2 64")
    assert probe.do(METRIC_INDEXES) == "0"
    probe.do(LOAD, "finish", "commit")


@pytest.mark.parametrize("head", [TWO_INDEXES, THREE_INDEXES])
def test_the_schema_is_what_it_was(new_owned_db, head):
    db = new_owned_db(head)
    before = shape(db)
    with probe_of(db, head) as probe:
        rebuild(probe)
    assert shape(db) == before
    assert rows(db) == ROWS


def test_everything_on_the_tables_is_what_it_was(new_owned_db, pg_server):
    db = new_owned_db(THREE_INDEXES)
    add_extras(db)
    before = shape(db)
    with probe_of(db, default_tablespace="pg_global", search_path="public", enable_indexscan="off") as probe:
        rebuild(probe)
    assert shape(db) == before
    assert rows(db) == ROWS


def test_indexes_stay_in_their_tablespaces(new_owned_db, pg_server):
    db = new_owned_db(THREE_INDEXES)
    folder = pg_server.folder / "another disk"
    folder.mkdir()
    if pg_server.account is not None:
        os.chown(folder, pg_server.account.pw_uid, pg_server.account.pw_gid)
    pg_server.admin(f"""CREATE TABLESPACE "it's fast" LOCATION '{folder}'""")
    for index in ("metric_pk", "index_metrics_run_uuid", "index_tags_run_uuid"):
        db.query(f"""ALTER INDEX {index} SET TABLESPACE "it's fast" """)
    before = shape(db)
    assert [flags[4] for flags in before[1]].count("it's fast") == 3
    with probe_of(db) as probe:
        rebuild(probe)
    assert shape(db) == before


def test_constraints_hold_again(new_owned_db):
    db = new_owned_db(THREE_INDEXES)
    with probe_of(db) as probe:
        rebuild(probe)
    with pytest.raises(psycopg2.errors.UniqueViolation):
        db.query("INSERT INTO metrics SELECT * FROM metrics LIMIT 1")
    with pytest.raises(psycopg2.errors.ForeignKeyViolation):
        db.query("DELETE FROM runs")
    with pytest.raises(psycopg2.errors.ForeignKeyViolation):
        db.query("INSERT INTO params (key, value, run_uuid) VALUES ('k', 'v', 'no run')")


def test_bad_rows_are_found_when_the_keys_are_made(new_owned_db):
    db = new_owned_db(THREE_INDEXES)
    before = shape(db)
    row = "INSERT INTO metrics (key, value, timestamp, step, run_uuid) VALUES ('k', 1, 1, 1, '{}')"
    with probe_of(db) as probe:
        probe.do("begin 500 0 0", row.format("no run"))
        assert re.fullmatch(r"error DATA: making the indexes of table metrics again: .*no run.*", probe.ask("finish"))
        probe.do("rollback")
    with probe_of(db) as probe:
        probe.do("begin 500 0 0", "load 1 1 1", *[row.format("0" * 32)] * 2)
        assert re.fullmatch(r"error DATA: making the indexes of table metrics again: .*duplicated.*", probe.ask("finish"))
        probe.do("rollback")
    assert shape(db) == before
    assert set(rows(db).values()) == {0}


def test_a_foreign_key_that_is_not_valid_still_checks_our_rows(new_owned_db):
    db = new_owned_db(THREE_INDEXES)
    add_extras(db)
    with probe_of(db) as probe:
        probe.do("begin 500 0 0")
        assert probe.ask("INSERT INTO params VALUES ('k', 'v', 'no run')").startswith("error DATA")
        probe.do("rollback")


def test_only_empty_tables_lose_their_indexes(new_owned_db):
    db = new_owned_db(THREE_INDEXES)
    with probe_of(db) as probe:
        rebuild(probe)
    db.query("DELETE FROM metrics; DELETE FROM params")
    before = shape(db)
    indexes = "SELECT string_agg(DISTINCT indrelid::regclass::text, ' ') FROM pg_index WHERE indrelid::regclass::text IN"
    with probe_of(db) as probe:
        probe.do("begin 500 0 0")
        assert probe.do(f"{indexes} ('metrics', 'latest_metrics', 'params', 'tags')") == "latest_metrics tags"
        held = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = 'public.tags'::regclass"
        assert probe.do(held) == "0"
        probe.do("finish", "commit")
    assert shape(db) == before


@pytest.mark.parametrize(
    "obstacle",
    [
        "CREATE VIEW v AS SELECT key, run_uuid, value FROM params GROUP BY key, run_uuid",
        "CREATE TRIGGER t BEFORE INSERT ON params FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    ],
)
def test_a_table_that_must_keep_its_indexes_does_not_keep_the_others_from_losing_theirs(new_owned_db, obstacle):
    db = new_owned_db(THREE_INDEXES)
    db.query(obstacle)
    before = shape(db)
    with probe_of(db) as probe:
        probe.do("begin 500 0 0")
        assert probe.do(METRIC_INDEXES) == "0"
        assert probe.do(METRIC_INDEXES.replace("metrics", "params")) == "2"
        probe.do("rollback", "begin 500 0 0", "finish", "commit")
    assert shape(db) == before


REFUSED = {
    "it holds rows": """
        INSERT INTO experiments (experiment_id, name) VALUES (1, 'e');
        INSERT INTO runs (run_uuid, experiment_id) VALUES ('r', 1);
        INSERT INTO metrics (key, value, timestamp, step, run_uuid) VALUES ('k', 1, 1, 1, 'r')""",
    "the trigger audit: drop or disable it": """
        CREATE TRIGGER audit AFTER INSERT ON metrics FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()""",
    'the rule "no more"': 'CREATE RULE "no more" AS ON DELETE TO metrics DO INSTEAD NOTHING',
    "row security": "ALTER TABLE metrics ENABLE ROW LEVEL SECURITY",
    "inheritance": "CREATE TABLE child () INHERITS (metrics)",
    "not a plain table": """
        ALTER TABLE metrics RENAME TO parted_from;
        CREATE TABLE metrics (LIKE parted_from) PARTITION BY HASH (run_uuid)""",
    "published by p1": "CREATE PUBLICATION p1 FOR TABLE metrics",
    "published by p2": "CREATE PUBLICATION p2 FOR ALL TABLES",
    "a security label of guard": "INSERT INTO pg_seclabel VALUES ('metrics'::regclass, 'pg_class'::regclass, 0, 'guard', 'x')",
    "index_metrics_run_uuid is not valid": """
        UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'index_metrics_run_uuid'::regclass""",
    "the exclusion constraint lonely": "ALTER TABLE metrics ADD CONSTRAINT lonely EXCLUDE USING btree (step WITH =)",
    "the event trigger watch would fire": """
        CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
        CREATE EVENT TRIGGER watch ON sql_drop EXECUTE FUNCTION f()""",
    "constraint mine on table": """
        CREATE TABLE other (key varchar, t bigint, s bigint, r varchar, v float8, n boolean, CONSTRAINT mine
          FOREIGN KEY (key, t, s, r, v, n) REFERENCES metrics (key, timestamp, step, run_uuid, value, is_nan))""",
    r"function f\(\) depends on constraint metric_pk": """
        CREATE FUNCTION f() RETURNS void LANGUAGE SQL BEGIN ATOMIC
          INSERT INTO metrics VALUES ('k') ON CONFLICT ON CONSTRAINT metric_pk DO NOTHING; END""",
    "index index_metrics_run_uuid has a property": "ALTER INDEX index_metrics_run_uuid DEPENDS ON EXTENSION plpgsql",
    "constraint metrics_run_uuid_fkey has a property": "ALTER TABLE metrics DISABLE TRIGGER ALL",
}


@pytest.mark.parametrize("why", REFUSED)
def test_refused_and_left_alone(new_owned_db, why):
    db = new_owned_db(THREE_INDEXES)
    db.query(REFUSED[why])
    before, count = shape(db), rows(db)
    with probe_of(db) as probe:
        said = probe.ask("begin 500 0 0")
        assert re.match(f"refused table metrics: .*{why}", said), said
        assert probe.do("SELECT pg_current_xact_id_if_assigned()") == ""
        probe.do("BEGIN", "ROLLBACK")  # a warning only, were a transaction open
        assert probe.do(
            "SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND mode LIKE '%Exclusive%' AND locktype = 'relation'"
        ) == "0"
    assert (shape(db), rows(db)) == (before, count)


def test_a_published_schema_counts(new_owned_db):
    db = new_owned_db(THREE_INDEXES)
    since_15 = "TABLES IN SCHEMA public" if major_version(db) >= 15 else "TABLE metrics"
    db.query(f"CREATE PUBLICATION p3 FOR {since_15}")
    with probe_of(db) as probe:
        assert "published by p3" in probe.ask("begin 500 0 0")


def test_an_event_trigger_for_other_commands_does_not_matter(new_owned_db):
    db = new_owned_db(THREE_INDEXES)
    db.query("CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'")
    db.query("CREATE EVENT TRIGGER w ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION f()")
    with probe_of(db) as probe:
        rebuild(probe)


@pytest.mark.parametrize("table", ["metrics", "tags", "runs"])
def test_tables_in_use_are_not_waited_for_long(new_owned_db, table):
    db = new_owned_db(THREE_INDEXES)
    reader = db.connect()
    reader.autocommit = False
    reader.cursor().execute(f"SELECT * FROM {table}")
    with probe_of(db, lock_timeout="12s") as probe:
        start = time.monotonic()
        assert probe.ask("begin 200 0 0") == "refused other sessions use the tables"
        assert 0.2 <= time.monotonic() - start < 5
        reader.close()
        probe.do("begin 200 0 0")
        assert probe.do("SHOW lock_timeout") == "12s"
        probe.do("rollback")


def test_an_upgraded_schema_is_an_error(new_owned_db):
    db = new_owned_db(THREE_INDEXES)
    db.query("UPDATE alembic_version SET version_num = 'newer'")
    with probe_of(db) as probe:
        assert probe.ask("begin 500 0 0").startswith("error SCHEMA: MLflow's schema was upgraded")
        assert probe.do("SELECT pg_current_xact_id_if_assigned()") == ""


def end_by_rollback(db, probe):
    probe.do("rollback")


def end_by_kill(db, probe):
    probe.kill()


TERMINATE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'mltrack test'"


def end_by_termination(db, probe):
    db.query(TERMINATE)
    assert probe.ask("finish").startswith("error UNAVAILABLE")


def end_amid_the_builds(db, probe):
    probe.send("finish")
    building = " AND pid IN (SELECT pid FROM pg_stat_progress_create_index)"
    deadline = time.monotonic() + 30
    while not db.query(TERMINATE + building):
        assert time.monotonic() < deadline
    assert probe.answer().startswith("error UNAVAILABLE")


@pytest.mark.parametrize("end", [end_by_rollback, end_by_kill, end_by_termination, end_amid_the_builds])
def test_however_a_load_ends_the_tables_are_as_before(new_owned_db, end):
    db = new_owned_db(THREE_INDEXES)
    add_extras(db)
    before = shape(db)
    with probe_of(db) as probe:
        probe.do("begin 500 0 0", "load 5 20 2000")
        end(db, probe)
    assert shape(db) == before
    assert set(rows(db).values()) == {0}
    with probe_of(db) as probe:
        rebuild(probe)


def test_a_difference_is_noticed_before_the_commit(new_owned_db):
    db = new_owned_db(THREE_INDEXES)
    with probe_of(db) as probe:
        probe.do("begin 500 0 0", "ALTER TABLE metrics ADD CONSTRAINT late CHECK (step > 0)")
        assert "constraint late is not as it was before the load" in probe.ask("finish")


def roles(db):
    """An owner of the tables who is nobody special, and a writer with every grant."""
    owner, writer = f"owner of {db.name}", f"writer of {db.name}"
    for role in (owner, writer):
        db.query(f'CREATE ROLE "{role}" LOGIN')
    db.query(f'GRANT ALL ON ALL TABLES IN SCHEMA public TO "{writer}"; GRANT CREATE ON SCHEMA public TO "{writer}"')
    for (table,) in db.query("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"):
        db.query(f'ALTER TABLE public.{table} OWNER TO "{owner}"')
    db.query(f'ALTER SEQUENCE experiments_experiment_id_seq OWNER TO "{owner}"')
    db.query(f'GRANT ALL ON SCHEMA public TO "{owner}"')
    return owner, writer


def test_an_owner_without_special_rights_may_do_it(new_owned_db):
    db = new_owned_db(THREE_INDEXES)
    owner, _ = roles(db)
    before = shape(db)
    with probe_as(db, owner) as probe:
        rebuild(probe)
    assert shape(db) == before


def test_a_superuser_does_not_become_the_owner(new_owned_db):
    db = new_owned_db(THREE_INDEXES)
    roles(db)
    before = shape(db)
    with probe_of(db) as probe:
        rebuild(probe)
    assert shape(db) == before


def test_a_role_that_may_not_do_it_is_refused(new_owned_db):
    db = new_owned_db(THREE_INDEXES)
    owner, writer = roles(db)
    before = shape(db)
    with probe_as(db, writer) as probe:
        assert f'refused table metrics: it belongs to role "{owner}"' in probe.ask("begin 500 0 0")
    db.query(f'REVOKE ALL ON SCHEMA public FROM "{owner}", PUBLIC; GRANT USAGE ON SCHEMA public TO "{owner}"')
    after_revoke = shape(db)
    with probe_as(db, owner) as probe:
        assert probe.ask("begin 500 0 0") == "refused table metrics: permission denied for schema public"
    assert shape(db) == after_revoke
    assert before[1] == after_revoke[1]


def test_tables_in_another_schema(new_owned_db):
    db = new_owned_db(THREE_INDEXES)
    add_extras(db)
    name = "Odd Schema"
    db.query(f'ALTER SCHEMA public RENAME TO "{name}"; CREATE SCHEMA public; CREATE TABLE public.runs (run_uuid text)')
    before = shape(db)
    dsn = psycopg2.extensions.make_dsn(db.uri, options=r'-csearch_path="Odd\ Schema",public')
    probe = Probe(dsn, THREE_INDEXES)
    probe.do("begin 500 2 64")
    assert probe.do(METRIC_INDEXES) == "0"
    probe.do(LOAD, "finish", "commit")
    probe.end()
    probe.process.stdout.close()
    assert shape(db) == before
    assert rows(db, name) == ROWS
