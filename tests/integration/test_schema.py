"""`mltrack-bulk schema`: every head MLflow ever released is known, what does not fit is refused by name, and a schema
made by us is the one that MLflow makes."""

import json
import os
import resource
import sqlite3
import subprocess

import pytest

import programs
import schema_shapes as shapes
from pg_server import free_port
from programs import MLFLOW_HEADS
from schema_shapes import DEFAULT_HEAD, HEADS, NEWEST_HEAD, replaced

BACKENDS = ("sqlite", "postgresql", "postgresql-ml")


@pytest.fixture
def head_uri(new_owned_db, tmp_path):
    """head_uri(head, backend) -> URI of a new database with that schema."""

    def make(head, backend):
        if backend == "sqlite":
            return shapes.make_sqlite(tmp_path / f"{head}.db", head)
        if backend == "postgresql":
            return new_owned_db(head).uri
        return shapes.load_in_schema(new_owned_db(), head, "ml")

    return make


def check(run_bulk, uri, expect=0):
    return run_bulk("schema", "check", "--to", uri, "--json", check=expect).json


def fatal(report):
    return [(d["table"], d["column"], d["what"]) for d in report["differences"] if d["fatal"]]


def warnings(report):
    return [d["what"] for d in report["differences"] if not d["fatal"]]


# Known heads


def test_there_are_26_heads():
    assert len(HEADS) == 26


@pytest.mark.once
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("head", HEADS)
def test_every_head_is_accepted_with_its_features(run_bulk, head_uri, head, backend):
    report = check(run_bulk, head_uri(head, backend))
    assert report["accepted"] is True
    assert report["differences"] == []
    assert report["head"] == head
    assert report["features"] == shapes.features_of(head)
    assert report["schema"] == {"sqlite": None, "postgresql": "public", "postgresql-ml": "ml"}[backend]


def test_limits_are_the_declared_lengths(run_bulk, new_owned_db, tmp_path):
    old = run_bulk("schema", "show", "--to", new_owned_db("97727af70f4d").uri, "--json", check=0).json
    new = run_bulk("schema", "show", "--to", new_owned_db(NEWEST_HEAD).uri, "--json", check=0).json
    lite = shapes.make_sqlite(tmp_path / "l.db", NEWEST_HEAD)
    assert (old["limits"]["params.value"], new["limits"]["params.value"]) == (500, 8000)
    assert (old["limits"]["tags.value"], new["limits"]["tags.value"]) == (5000, 8000)
    assert old["limits"]["experiment_tags.value"] == 5000 and "experiment_tags.value" not in new["limits"]
    assert run_bulk("schema", "show", "--to", lite, "--json", check=0).json["limits"] == {}


def test_show_says_which_tables_are_there(run_bulk, head_uri):
    report = run_bulk("schema", "show", "--to", head_uri("3500859a5d39", "sqlite"), "--json", check=0).json
    assert report["tables"]["registered_model_aliases"] is True
    assert report["tables"]["datasets"] is False
    assert report["mlflow"] == {"first": "2.3.0", "last": "2.3.2"}


@pytest.mark.parametrize("command", ("check", "show"))
def test_text_names_head_and_releases(run_bulk, head_uri, command):
    text = run_bulk("schema", command, "--to", head_uri(DEFAULT_HEAD, "sqlite"), check=0).stdout
    assert f"{DEFAULT_HEAD} (MLflow 3.1.1 to 3.1.4)" in text


# Differences

PG_DIFFERENCES = {
    "missing table": ("DROP TABLE latest_metrics", "latest_metrics", None, "is missing"),
    "renamed table": ("ALTER TABLE params RENAME TO params_old", "params", None, "is missing"),
    "missing table of a feature": (
        "DROP TABLE input_tags",
        "input_tags",
        None,
        "is missing (MLflow 2.4.0 and later have it)",
    ),
    "renamed column": ("ALTER TABLE runs RENAME artifact_uri TO artifact_root", "runs", "artifact_uri", "is missing"),
    "missing column": ("ALTER TABLE runs DROP deleted_time", "runs", "deleted_time", "is missing"),
    "missing column of a feature": (
        "ALTER TABLE inputs DROP step",
        "inputs",
        "step",
        "is missing (MLflow 3.0.0 and later have it)",
    ),
    "narrowed": (
        "ALTER TABLE runs ALTER artifact_uri TYPE varchar(150)",
        "runs",
        "artifact_uri",
        "holds 150 characters, in MLflow's schema at least 200",
    ),
    "narrowed below the oldest": (
        "ALTER TABLE params ALTER value TYPE varchar(250)",
        "params",
        "value",
        "holds 250 characters, in MLflow's schema at least 500",
    ),
    "narrowed text": (
        "ALTER TABLE datasets ALTER dataset_source TYPE varchar(9000)",
        "datasets",
        "dataset_source",
        "holds 9000 characters, in MLflow's schema any number",
    ),
    "retyped": (
        "ALTER TABLE metrics ALTER step TYPE integer",
        "metrics",
        "step",
        "is of type integer, in MLflow's schema bigint",
    ),
    "widened id": (
        "ALTER TABLE experiment_tags DROP CONSTRAINT experiment_tags_experiment_id_fkey; "
        "ALTER TABLE experiment_tags ALTER experiment_id TYPE bigint",
        "experiment_tags",
        "experiment_id",
        "is of type bigint, in MLflow's schema integer",
    ),
    "domain": (
        "CREATE DOMAIN word AS varchar(250); ALTER TABLE tags ALTER key TYPE word",
        "tags",
        "key",
        "is of type word, in MLflow's schema character varying or text",
    ),
    "surprising NOT NULL": (
        "ALTER TABLE runs ADD tenant text NOT NULL",
        "runs",
        "tenant",
        "is NOT NULL without a default and unknown to mltrack",
    ),
    "NOT NULL where NULL is stored": (
        "ALTER TABLE runs ALTER end_time SET NOT NULL",
        "runs",
        "end_time",
        "is NOT NULL, but in MLflow's schema it may be NULL",
    ),
    "no sequence": (
        "ALTER TABLE experiments ALTER experiment_id DROP DEFAULT",
        "experiments",
        "experiment_id",
        "has no sequence or default to number new experiments",
    ),
    "missing unique index": (
        "ALTER TABLE params DROP CONSTRAINT param_pk",
        "params",
        None,
        "has no valid unique index on (key, run_uuid)",
    ),
    "partial unique index": (
        "ALTER TABLE params DROP CONSTRAINT param_pk; "
        "CREATE UNIQUE INDEX param_pk ON params (key, run_uuid) WHERE key <> ''",
        "params",
        None,
        "has no valid unique index on (key, run_uuid)",
    ),
    "unique expression": (
        "ALTER TABLE input_tags DROP CONSTRAINT input_tags_pk; "
        "CREATE UNIQUE INDEX input_tags_pk ON input_tags (input_uuid, lower(name))",
        "input_tags",
        None,
        "has no valid unique index on (input_uuid, name)",
    ),
    "names not unique": (
        "ALTER TABLE experiments DROP CONSTRAINT uq_experiments_workspace_name",
        "experiments",
        None,
        "has no valid unique index on (name)",
    ),
    "trigger": (
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; "
        "CREATE TRIGGER audit BEFORE INSERT ON tags FOR EACH ROW EXECUTE FUNCTION f()",
        "tags",
        None,
        "has a trigger, audit, which MLflow's schema has not",
    ),
    "rule": (
        "CREATE RULE divert AS ON INSERT TO tags DO ALSO NOTHING",
        "tags",
        None,
        "has a rule, divert, which MLflow's schema has not",
    ),
    "row security": (
        "ALTER TABLE runs ENABLE ROW LEVEL SECURITY",
        "runs",
        None,
        "has row level security, which MLflow's schema has not",
    ),
    "view": (
        "ALTER TABLE input_tags RENAME TO real_tags; CREATE VIEW input_tags AS SELECT * FROM real_tags",
        "input_tags",
        None,
        "is a view, not a table",
    ),
    "two heads": ("INSERT INTO alembic_version VALUES ('0123')", "alembic_version", None, "has 2 rows instead of one"),
    "no head": ("DELETE FROM alembic_version", "alembic_version", None, "has 0 rows instead of one"),
}


@pytest.mark.parametrize("name", PG_DIFFERENCES)
def test_a_difference_in_postgresql_is_refused_by_name(run_bulk, new_owned_db, name):
    sql, *expected = PG_DIFFERENCES[name]
    db = new_owned_db(NEWEST_HEAD)
    db.query(sql)
    report = check(run_bulk, db.uri, expect=78)
    assert report["accepted"] is False
    assert fatal(report) == [tuple(expected)]
    text = run_bulk("schema", "check", "--to", db.uri, check=78).stdout
    assert expected[0] in text and expected[2] in text


# name: (edit of MLflow's script, statement after it, table, column, what)
SQLITE_DIFFERENCES = {
    "missing table": (None, "DROP TABLE latest_metrics", "latest_metrics", None, "is missing"),
    "renamed column": (
        None,
        "ALTER TABLE runs RENAME artifact_uri TO artifact_root",
        "runs",
        "artifact_uri",
        "is missing",
    ),
    "missing column": (None, "ALTER TABLE runs DROP deleted_time", "runs", "deleted_time", "is missing"),
    "retyped": (
        replaced("dataset_source TEXT NOT NULL", "dataset_source BLOB NOT NULL"),
        None,
        "datasets",
        "dataset_source",
        "is of type BLOB, in MLflow's schema character varying or text",
    ),
    "surprising NOT NULL": (
        replaced("dataset_source TEXT NOT NULL", "tenant TEXT NOT NULL, dataset_source TEXT NOT NULL"),
        None,
        "datasets",
        "tenant",
        "is NOT NULL without a default and unknown to mltrack",
    ),
    "NOT NULL where NULL is stored": (
        replaced("dataset_profile TEXT", "dataset_profile TEXT NOT NULL"),
        None,
        "datasets",
        "dataset_profile",
        "is NOT NULL, but in MLflow's schema it may be NULL",
    ),
    "missing unique index": (
        replaced("CONSTRAINT dataset_pk PRIMARY KEY (experiment_id, name, digest)", "CONSTRAINT dataset_pk CHECK (1)"),
        None,
        "datasets",
        None,
        "has no valid unique index on (experiment_id, name, digest)",
    ),
    "trigger": (
        None,
        "CREATE TRIGGER audit AFTER INSERT ON tags BEGIN SELECT 1; END",
        "tags",
        None,
        "has a trigger, audit, which MLflow's schema has not",
    ),
    "two heads": (
        None,
        "INSERT INTO alembic_version VALUES ('0123')",
        "alembic_version",
        None,
        "has 2 rows instead of one",
    ),
}


@pytest.mark.parametrize("name", SQLITE_DIFFERENCES)
def test_a_difference_in_sqlite_is_refused_by_name(run_bulk, tmp_path, name):
    edit, sql, *expected = SQLITE_DIFFERENCES[name]
    uri = shapes.make_sqlite(tmp_path / "m.db", NEWEST_HEAD, edit or str, [sql] if sql else [])
    report = check(run_bulk, uri, expect=78)
    assert fatal(report) == [tuple(expected)]


def test_a_view_in_place_of_a_table_is_refused_in_sqlite(run_bulk, tmp_path):
    move = ["ALTER TABLE input_tags RENAME TO real_tags", "CREATE VIEW input_tags AS SELECT * FROM real_tags"]
    uri = shapes.make_sqlite(tmp_path / "m.db", NEWEST_HEAD, then=move)
    assert fatal(check(run_bulk, uri, expect=78)) == [("input_tags", None, "is a view, not a table")]


def test_every_difference_is_listed(run_bulk, new_owned_db):
    db = new_owned_db(NEWEST_HEAD)
    db.query("DROP TABLE latest_metrics; ALTER TABLE tags ADD a text NOT NULL; ALTER TABLE runs DROP user_id")
    assert [d[:2] for d in fatal(check(run_bulk, db.uri, expect=78))] == [
        ("runs", "user_id"),
        ("tags", "a"),
        ("latest_metrics", None),
    ]
    assert "refused: 3 differences" in run_bulk("schema", "check", "--to", db.uri, check=78).stdout


def test_additions_of_users_are_fine(run_bulk, new_owned_db, tmp_path):
    additions = (
        "CREATE TABLE notes (id integer NOT NULL)",
        "ALTER TABLE runs ADD COLUMN note text",
        "ALTER TABLE runs ADD COLUMN tenant text DEFAULT 'a' NOT NULL",
        "CREATE INDEX runs_by_name ON runs (name)",
        "CREATE VIEW last_runs AS SELECT * FROM runs",
    )
    db = new_owned_db(NEWEST_HEAD)
    db.query("; ".join(additions))
    db.query("ALTER TABLE runs ADD n bigint GENERATED ALWAYS AS IDENTITY; ALTER TABLE params ALTER value TYPE text")
    assert check(run_bulk, db.uri)["differences"] == []
    uri = shapes.make_sqlite(tmp_path / "m.db", NEWEST_HEAD, then=additions)
    assert check(run_bulk, uri)["differences"] == []


def test_a_missing_index_is_a_warning(run_bulk, new_owned_db, tmp_path):
    expected = ["has no valid index on (run_uuid): MLflow reads it slowly"]
    drop = "DROP INDEX index_latest_metrics_run_uuid"
    db = new_owned_db(NEWEST_HEAD)
    db.query(drop)
    assert warnings(check(run_bulk, db.uri)) == expected
    assert warnings(check(run_bulk, shapes.make_sqlite(tmp_path / "m.db", NEWEST_HEAD, then=[drop]))) == expected


def test_a_partitioned_table_is_fine(run_bulk, new_owned_db):
    db = new_owned_db(NEWEST_HEAD)
    db.query(
        "ALTER TABLE metrics RENAME TO old; CREATE TABLE metrics (LIKE old INCLUDING DEFAULTS, PRIMARY KEY "
        "(key, timestamp, step, run_uuid, value, is_nan)) PARTITION BY HASH (run_uuid); CREATE TABLE metrics_0 PARTITION "
        "OF metrics FOR VALUES WITH (MODULUS 1, REMAINDER 0); CREATE INDEX ON metrics (run_uuid, key, step)"
    )
    assert check(run_bulk, db.uri)["differences"] == []


# Unknown heads


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_unknown_head_of_known_shape_is_accepted_with_a_warning(run_bulk, new_owned_db, tmp_path, backend):
    rename = "UPDATE alembic_version SET version_num = '0123456789ab'"
    if backend == "sqlite":
        uri = shapes.make_sqlite(tmp_path / "m.db", NEWEST_HEAD, then=[rename])
    else:
        db = new_owned_db() if backend == "postgresql-ml" else new_owned_db(NEWEST_HEAD)
        uri = db.uri if backend == "postgresql" else shapes.load_in_schema(db, NEWEST_HEAD, "ml")
        db.query(rename if backend == "postgresql" else rename.replace("alembic", "ml.alembic"))
    report = check(run_bulk, uri)
    assert (report["head"], report["mlflow"], report["accepted"]) == ("0123456789ab", None, True)
    assert len(report["differences"]) == 1 and "0123456789ab" in warnings(report)[0]
    assert report["features"] == shapes.features_of(NEWEST_HEAD)


def test_an_unknown_head_of_another_shape_is_refused_naming_each_difference(run_bulk, new_owned_db):
    db = new_owned_db(NEWEST_HEAD)
    db.query(
        "UPDATE alembic_version SET version_num = '0123456789ab'; "
        "ALTER TABLE metrics ADD node text NOT NULL; DROP TABLE logged_model_params"
    )
    report = check(run_bulk, db.uri, expect=78)
    assert [d[:2] for d in fatal(report)] == [("metrics", "node"), ("logged_model_params", None)]
    assert "0123456789ab" in warnings(report)[0]


# Databases that are none


def test_a_database_that_is_not_mlflows_says_how_to_make_one(run_bulk, pg_db, tmp_path):
    sqlite3.connect(tmp_path / "other.db").execute("CREATE TABLE t (a)").connection.close()
    for uri in (pg_db.uri, f"sqlite:///{tmp_path}/other.db"):
        report = check(run_bulk, uri, expect=78)
        assert report["head"] is None
        assert "is not an MLflow database (no alembic_version)" in fatal(report)[0][2]
        assert "schema init" in run_bulk("schema", "show", "--to", uri, check=78).stderr


@pytest.mark.parametrize("command", ["check", "show", "init"])
def test_what_cannot_be_looked_at_is_a_document_too(run_bulk, tmp_path, command):
    for uri, status, code in (
        (f"postgresql://nobody:secret@127.0.0.1:{free_port()}/none", 69, "UNAVAILABLE"),
        (f"sqlite:///{tmp_path}/no/such/folder/a.db", 66 if command != "init" else 73, None),
        ("mysql://h/db", 64, "USAGE"),
    ):
        done = run_bulk("schema", command, "--to", uri, "--json", check=status)
        report = json.loads(done.stdout)
        assert report["schema_version"] == 1 and report["error"]["message"] in done.stderr
        assert report["error"]["code"] == (code or report["error"]["code"])
        assert "secret" not in done.stdout + done.stderr


def test_a_missing_file_is_said_to_be_missing(run_bulk, tmp_path):
    done = run_bulk("schema", "check", "--to", f"sqlite:///{tmp_path}/none.db", check=66)
    assert "none.db" in done.stderr and "schema init" in done.stderr
    assert not (tmp_path / "none.db").exists()


def test_a_file_that_is_no_database_is_bad_input(run_bulk, tmp_path):
    (tmp_path / "a.db").write_text("this is not a database, however long it is. " * 100)
    run_bulk("schema", "check", "--to", f"sqlite:///{tmp_path}/a.db", check=65)


def test_a_database_in_another_encoding_is_refused(run_bulk, pg_server):
    pg_server.admin("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    try:
        uri = f"postgresql://postgres@127.0.0.1:{pg_server.port}/latin"
        done = run_bulk("schema", "check", "--to", uri, check=78)
        assert "LATIN1" in done.stdout + done.stderr
    finally:
        pg_server.admin("DROP DATABASE latin")


def test_check_and_show_write_nothing(run_bulk, new_owned_db, tmp_path):
    db = new_owned_db(NEWEST_HEAD)
    path = tmp_path / "m.db"
    shapes.make_sqlite(path, NEWEST_HEAD)
    before, content = db.dump(), path.read_bytes()
    for command in ("check", "show"):
        run_bulk("schema", command, "--to", db.uri, check=0)
        run_bulk("schema", command, "--to", f"sqlite:///{path}", check=0)
    assert db.dump() == before
    assert path.read_bytes() == content
    assert os.listdir(tmp_path) == ["m.db"]


# New databases

OPEN_AND_USE = """
import json, sys
from mlflow import MlflowClient
client = MlflowClient(tracking_uri=sys.argv[1], registry_uri=sys.argv[1])
experiment = client.create_experiment("made by us")
run = client.create_run(experiment)
client.log_metric(run.info.run_id, "loss", 0.5)
client.create_registered_model("m")
names = sorted(e.name for e in client.search_experiments())
print(json.dumps([names, client.get_run(run.info.run_id).data.metrics]))
"""

OPEN = """
import json, sys
from mlflow import MlflowClient
print(json.dumps(len(MlflowClient(tracking_uri=sys.argv[1]).search_experiments())))
"""

# Schema of a database at one revision, as the store makes it: the initial tables, then the migrations.
UPGRADE = """
import json, logging, sys
import sqlalchemy
from alembic import command
from mlflow.store.db.utils import _get_alembic_config
from mlflow.store.tracking.dbmodels.initial_models import Base
logging.disable(logging.CRITICAL)
uri, revision = sys.argv[1:]
engine = sqlalchemy.create_engine(uri)
if not sqlalchemy.inspect(engine).get_table_names():
    Base.metadata.create_all(engine)
config = _get_alembic_config(uri)
with engine.begin() as connection:
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
print(json.dumps(revision))
"""


def release_of(version):
    return ".".join(version.split(".")[:2])


@pytest.mark.once
@pytest.mark.parametrize("version", MLFLOW_HEADS)
def test_a_new_sqlite_file_is_what_mlflow_makes(run_bulk, mlflow_run, tmp_path, version):
    ours, theirs = tmp_path / "ours.db", tmp_path / "theirs.db"
    done = run_bulk(
        "schema", "init", "--to", f"sqlite:///{ours}", "--mlflow-version", release_of(version), "--json", check=0
    )
    assert done.json["head"] == MLFLOW_HEADS[version]
    mlflow_run(version, OPEN, f"sqlite:///{theirs}")
    assert shapes.sqlite_shape(ours) == shapes.sqlite_shape(theirs)


@pytest.mark.once
@pytest.mark.parametrize("version", MLFLOW_HEADS)
def test_a_new_postgresql_schema_is_what_mlflow_makes(run_bulk, mlflow_run, new_owned_db, version):
    ours, theirs = new_owned_db(), new_owned_db()
    run_bulk("schema", "init", "--to", ours.uri, "--mlflow-version", release_of(version), check=0)
    mlflow_run(version, OPEN, theirs.psycopg2)
    assert shapes.pg_shape(ours) == shapes.pg_shape(theirs)


@pytest.mark.once
@pytest.mark.long
def test_every_head_is_what_mlflows_migrations_make(run_bulk, mlflow_run, new_owned_db, tmp_path):
    path, theirs = tmp_path / "theirs.db", new_owned_db()
    for head in heads_in_order(run_bulk, tmp_path):
        mlflow_run(programs.NEWEST, UPGRADE, f"sqlite:///{path}", head)
        mlflow_run(programs.NEWEST, UPGRADE, theirs.psycopg2, head)
        ours, mine = new_owned_db(), tmp_path / f"{head}.db"
        release = first_release(run_bulk, tmp_path, head)
        run_bulk("schema", "init", "--to", ours.uri, "--mlflow-version", release, check=0)
        run_bulk("schema", "init", "--to", f"sqlite:///{mine}", "--mlflow-version", release, check=0)
        assert shapes.pg_shape(ours) == shapes.pg_shape(theirs), head
        assert shapes.sqlite_shape(mine) == shapes.sqlite_shape(path), head
        ours.drop()


def first_release(run_bulk, tmp_path, head):
    path = tmp_path / f"known-{head}.db"
    if not path.exists():
        shapes.make_sqlite(path, head)
    return check(run_bulk, f"sqlite:///{path}")["mlflow"]["first"]


def heads_in_order(run_bulk, tmp_path):
    return sorted(HEADS, key=lambda head: [int(n) for n in first_release(run_bulk, tmp_path, head).split(".")])


def test_quiet_commands_say_nothing_when_all_is_well(run_bulk, tmp_path):
    for action in ("init", "check"):
        done = run_bulk("schema", action, "--to", f"sqlite:///{tmp_path}/mlflow.db", "-q", check=0)
        assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.once
@pytest.mark.parametrize("version", [v for v in MLFLOW_HEADS if not v.startswith("2.")])
def test_every_mlflow_3_opens_a_default_file(run_bulk, mlflow_run, tmp_path, version):
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    assert run_bulk("schema", "init", "--to", uri, "--json", check=0).json["head"] == DEFAULT_HEAD
    names, metrics = mlflow_run(version, OPEN_AND_USE, uri)
    assert (names, metrics) == (["Default", "made by us"], {"loss": 0.5})
    report = check(run_bulk, uri)  # a newer MLflow has migrated it
    assert (report["head"], report["differences"]) == (MLFLOW_HEADS[version], [])


@pytest.mark.once
def test_mlflow_2_opens_a_file_made_for_it(run_bulk, mlflow_run, tmp_path):
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    run_bulk("schema", "init", "--to", uri, "--mlflow-version", "2.22", check=0)
    assert mlflow_run("2.22.5", OPEN_AND_USE, uri) == [["Default", "made by us"], {"loss": 0.5}]
    assert check(run_bulk, uri)["head"] == MLFLOW_HEADS["2.22.5"]


@pytest.mark.once
def test_mlflow_opens_a_postgresql_schema_of_any_name(run_bulk, mlflow_run, pg_db):
    pg_db.query("CREATE SCHEMA ml")
    options = "?options=-csearch_path%3Dml"
    run_bulk("schema", "init", "--to", pg_db.uri + options, "--mlflow-version", release_of(programs.ORACLE), check=0)
    assert mlflow_run(programs.ORACLE, OPEN_AND_USE, pg_db.psycopg2 + options)[1] == {"loss": 0.5}
    assert pg_db.query("SELECT count(*) FROM ml.metrics") == [(1,)]
    assert pg_db.query("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace") == [(0,)]


@pytest.mark.once
@pytest.mark.parametrize("head", HEADS)
def test_what_init_makes_is_accepted(run_bulk, new_owned_db, tmp_path, head):
    release = first_release(run_bulk, tmp_path, head)
    db = new_owned_db()
    db.query("CREATE SCHEMA ml")
    for uri in (f"sqlite:///{tmp_path}/new.db", f"{db.uri}?options=-csearch_path%3Dml"):
        run_bulk("schema", "init", "--to", uri, "--mlflow-version", release, check=0)
        report = check(run_bulk, uri)
        assert (report["head"], report["differences"]) == (head, [])


def test_init_refuses_a_database_that_has_mlflows_tables(run_bulk, new_owned_db, tmp_path):
    db = new_owned_db(NEWEST_HEAD)
    path = tmp_path / "m.db"
    uri = shapes.make_sqlite(path, NEWEST_HEAD)
    before, content = db.dump(), path.read_bytes()
    for target in (db.uri, uri):
        done = run_bulk("schema", "init", "--to", target, check=73)
        assert "experiments" in done.stderr and "alembic_version" in done.stderr
    assert db.dump() == before
    assert path.read_bytes() == content


@pytest.mark.parametrize("table", ("metrics", "alembic_version", "trace_info"))
def test_one_table_of_mlflow_is_enough_to_refuse(run_bulk, pg_db, tmp_path, table):
    pg_db.query(f"CREATE TABLE {table} (version_num text)")
    sqlite3.connect(tmp_path / "m.db").execute(f"CREATE TABLE {table} (version_num text)").connection.close()
    for uri in (pg_db.uri, f"sqlite:///{tmp_path}/m.db"):
        assert f"already: {table}\n" in run_bulk("schema", "init", "--to", uri, check=73).stderr


def test_init_goes_beside_other_tables(run_bulk, pg_db, tmp_path):
    pg_db.query("CREATE TABLE customers (a integer)")
    sqlite3.connect(tmp_path / "m.db").execute("CREATE TABLE customers (a integer)").connection.close()
    for uri in (pg_db.uri, f"sqlite:///{tmp_path}/m.db"):
        run_bulk("schema", "init", "--to", uri, check=0)
        assert check(run_bulk, uri)["differences"] == []
    assert pg_db.query("SELECT count(*) FROM customers") == [(0,)]


def test_an_empty_file_is_filled(run_bulk, tmp_path):
    (tmp_path / "m.db").touch()
    run_bulk("schema", "init", "--to", f"sqlite:///{tmp_path}/m.db", check=0)
    check(run_bulk, f"sqlite:///{tmp_path}/m.db")


def test_init_leaves_settings_of_the_database_alone(run_bulk, pg_db):
    run_bulk("schema", "init", "--to", pg_db.uri, check=0)
    assert pg_db.query("SELECT * FROM pg_db_role_setting") == []
    assert pg_db.query("SELECT count(*) FROM experiments") == [(0,)]


def test_init_in_a_schema_that_does_not_exist_says_so(run_bulk, pg_db):
    done = run_bulk("schema", "init", "--to", f"{pg_db.uri}?options=-csearch_path%3Dnowhere", check=78)
    assert "search_path" in done.stderr


def test_init_in_a_folder_that_does_not_exist_says_so(run_bulk, tmp_path):
    done = run_bulk("schema", "init", "--to", f"sqlite:///{tmp_path}/none/m.db", check=73)
    assert "m.db" in done.stderr


@pytest.mark.parametrize("version", ("1.30", "three", "", "3.1.4.1"))
def test_an_unknown_release_is_a_usage_error(run_bulk, tmp_path, version):
    done = run_bulk("schema", "init", "--to", f"sqlite:///{tmp_path}/m.db", "--mlflow-version", version, check=64)
    assert "2.0.0" in done.stderr
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("kib", (1, 50, 200))
def test_a_crash_leaves_no_half_made_database(bulk, tmp_path, kib):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (kib * 1024, kib * 1024))

    path = tmp_path / "m.db"
    args = [bulk, "schema", "init", "--to", f"sqlite:///{path}"]
    done = subprocess.run(args, preexec_fn=limit, capture_output=True, env=programs.clean_env(tmp_path))
    assert done.returncode != 0
    assert not path.exists()
    subprocess.run(args, check=True, capture_output=True, env=programs.clean_env(tmp_path))
    assert path.stat().st_size > 200 * 1024


def test_several_at_once_make_one_whole_database(bulk, run_bulk, tmp_path):
    path = tmp_path / "m.db"
    args = [bulk, "schema", "init", "--to", f"sqlite:///{path}"]
    running = [
        subprocess.Popen(args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=programs.clean_env(tmp_path))
        for _ in range(6)
    ]
    codes = [p.wait(timeout=60) for p in running]
    assert 0 in codes and set(codes) <= {0, 73}
    assert check(run_bulk, f"sqlite:///{path}")["differences"] == []
    assert os.listdir(tmp_path) == ["m.db"]
