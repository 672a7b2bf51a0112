"""MLflow's own databases as sources: every column of every table arrives, whatever MLflow and whichever of the two
databases wrote it, and what does not arrive is named."""

import json
import shutil
import sqlite3

import pytest

from databases import TABLES, SqliteDatabase, rows_by_table
from equality import assert_equal_stores
from mlflow_tools import STORES
from programs import HEADS_DIR, MLFLOW_HEADS, NEWEST, ORACLE, mlflow_run
from shared import made_once
from summaries import check_summary, counts, notes
from test_sqlite_live import KEYS, RUNS, STEPS, LiveMlflow, make_filestore

ALL_HEADS = sorted(p.name.split(".")[0] for p in HEADS_DIR.glob("*.pg.sql"))
KINDS = ["sqlite", "postgres"]
RUN = "0123456789abcdef0123456789abcde"  # and one digit


def make_full(version, uri, folder):
    return mlflow_run(version, STORES / "make_full_database.py", uri, folder)


def import_all(run_bulk, source, target, *options):
    result = run_bulk("import", source.owner_uri, "--to", target.uri, "--json", *options, check=0)
    return check_summary(result)


@pytest.fixture(scope="session")
def full_databases(tmp_path_factory, request):
    """full_databases(version, kind) -> a database with everything in it, made by that MLflow; for reading only."""
    made = {}

    def get(version, kind):
        if kind == "sqlite":
            name = f"full-database-{version}"
            folder, _ = made_once(
                tmp_path_factory, name, lambda f: make_full(version, f"sqlite:///{f}/mlflow.db", f)
            )
            return SqliteDatabase(folder / "mlflow.db")
        if version not in made:
            db = request.getfixturevalue("pg_server").create_database()
            make_full(version, db.psycopg2, tmp_path_factory.mktemp("artifacts"))
            made[version] = db
        return made[version]

    return get


@pytest.fixture
def full(full_databases):
    return full_databases(ORACLE, "sqlite")


# ---- everything MLflow writes ----

# What a release wrote wrongly, and the code under which it is told: 3.1 gave every metric of a logged model experiment 0.
MENDED = {"3.1.4": {"logged_model_metrics.experiment_id": "experiment-mended"}}


@pytest.mark.parametrize("to", KINDS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("version", MLFLOW_HEADS)
def test_every_row_arrives(run_bulk, full_databases, new_db, version, kind, to):
    source = full_databases(version, kind)
    target = new_db(to, MLFLOW_HEADS[version])
    summary = import_all(run_bulk, source, target)
    assert summary["format"] == {"sqlite": "sqlite", "postgres": "postgresql"}[kind]
    assert_equal_stores(source, target, ignore=MENDED.get(version, {}))
    assert rows_by_table(target) == rows_by_table(source)
    assert counts(summary, "rejected") == {} and summary["conflicts"] == 0
    assert set(summary["changed"]) == set(MENDED.get(version, {}).values())
    # one release's traces go into tables of the same release
    assert "traces" not in summary["ignored"] and counts(summary, "inserted")["trace_info"] == 3

    again = import_all(run_bulk, source, target)
    assert counts(again, "inserted") == {}
    assert counts(again, "present") == counts(summary, "inserted")


def test_the_full_database_is_itself_whole(full):
    rows = rows_by_table(full)
    assert all(rows[t] > 0 for t in TABLES), rows


def test_ids_of_experiments_stay_in_sqlite(run_bulk, full, new_sqlite_db):
    target = new_sqlite_db()
    import_all(run_bulk, full, target)
    ids = "SELECT experiment_id, name, lifecycle_stage FROM experiments ORDER BY 1"
    assert target.query(ids) == full.query(ids)
    deleted = "SELECT run_uuid, lifecycle_stage, deleted_time FROM runs WHERE lifecycle_stage = 'deleted'"
    assert sorted(target.query(deleted)) == sorted(full.query(deleted)) != []


def test_a_store_of_the_corpus(run_bulk, corpus_sqlite, target):
    source = SqliteDatabase(corpus_sqlite)
    before = corpus_sqlite.read_bytes()
    summary = check_summary(run_bulk("import", corpus_sqlite, "--to", target.uri, "--json", check=0), db=target)
    assert summary["format"] == "sqlite"
    assert_equal_stores(source, target)
    assert corpus_sqlite.read_bytes() == before


# ---- every head ----


def value_of(column, declared, n):
    """Something that fits a column of the head, from its name and type."""
    fixed = {
        "lifecycle_stage": "active",
        "status": "FINISHED",
        "source_type": "LOCAL",
        "current_stage": "None",
        "workspace": "default",
        "experiment_id": 0,
        "run_uuid": RUN + "1",
        "run_id": RUN + "1",
        "is_nan": False,
        "version": 1,
    }
    if column in fixed:
        return fixed[column]
    if "CHAR" in declared or "TEXT" in declared:
        return f"{column}-{n}"[:30]
    return 0.5 + n if declared in ("FLOAT", "DOUBLE") else n


def rows_for_a_head(db):
    """Two rows of most tables, put in by hand: (table, {column: value})."""
    columns = {
        t: [(name, declared.upper()) for _, name, declared, *_ in db.query(f"SELECT * FROM pragma_table_info('{t}')")]
        for t in TABLES
    }
    own = {
        "datasets": lambda n: {"dataset_uuid": f"{n:032x}"},
        "inputs": lambda n: {
            "input_uuid": f"{n + 10:032x}", "source_type": "DATASET", "source_id": f"{n:032x}",
            "destination_type": "RUN", "destination_id": RUN + "1", "step": 0,
        },
        "input_tags": lambda n: {"input_uuid": f"{n + 10:032x}"},
        "logged_models": lambda n: {"model_id": f"m-{n}", "status": 2, "source_run_id": None},
        "logged_model_metrics": lambda n: {"dataset_uuid": None},
        "experiments": lambda n: {"experiment_id": n},
        "runs": lambda n: {"run_uuid": f"{RUN}{n}"},
        "model_versions": lambda n: {"version": n + 1, "name": "name-0", "status": "READY"},
        "model_version_tags": lambda n: {"name": "name-0"},
        "registered_model_tags": lambda n: {"name": "name-0"},
        "registered_model_aliases": lambda n: {"name": "name-0"},
        "metrics": lambda n: {"key": "m"},
        "latest_metrics": lambda n: {"key": "m", "value": 1.5, "timestamp": 1, "step": 1},
    }
    for table in TABLES:
        for n in range(1 if table == "latest_metrics" else 2):
            row = {c: value_of(c, declared, n) for c, declared in columns[table]}
            if "model_id" in row and table != "logged_models":
                row["model_id"] = "m-0"
            row |= {c: v for c, v in own.get(table, lambda _: {})(n).items() if c in row}
            if row:
                yield table, row


def fill(db, rows):
    for table, row in rows:
        names = ", ".join(f'"{c}"' for c in row)
        db.query(f"INSERT INTO {table} ({names}) VALUES ({', '.join(['%s'] * len(row))})", tuple(row.values()))


@pytest.mark.parametrize("head", ALL_HEADS)
def test_every_head_is_read(run_bulk, new_db, head):
    """SQLite -> SQLite -> PostgreSQL -> SQLite, all of that head, and then the newest."""
    first = new_db("sqlite", head)
    fill(first, rows_for_a_head(first))
    source = first
    for kind in ("sqlite", "postgres", "sqlite"):
        target = new_db(kind, head)
        summary = import_all(run_bulk, source, target)
        assert counts(summary, "rejected") == {} and summary["changes"] == 0
        assert_equal_stores(first, target)
        assert rows_by_table(target) == rows_by_table(first)
        source = target
    newest = new_db("sqlite", MLFLOW_HEADS[NEWEST])
    import_all(run_bulk, first, newest)
    theirs, ours = rows_by_table(first), rows_by_table(newest)
    assert {t: ours[t] for t in theirs} == theirs


# ---- rows that are no good ----


@pytest.fixture
def small(new_sqlite_db):
    """A database with two runs and a bit of everything, at a head with workspaces; foreign keys are not enforced."""
    db = new_sqlite_db(MLFLOW_HEADS[ORACLE])
    fill(db, rows_for_a_head(db))
    return db


def rejected(summary):
    """{(table, code): rows}"""
    found = {}
    for n in notes(summary, "reject"):
        found[n["table"], n["code"]] = found.get((n["table"], n["code"]), 0) + n["rows"]
    return found


R0, R1 = RUN + "0", RUN + "1"
DEFECTS = {
    "no status": (f"UPDATE runs SET status = NULL WHERE run_uuid = '{R1}'", {("runs", "bad-status"): 1},
                    f"runs '{R1}': it has no status"),
    "unknown status": ("PRAGMA ignore_check_constraints = ON; UPDATE runs SET status = 'DONE' WHERE run_uuid = "
                       f"'{R1}'", {("runs", "bad-status"): 1},
                    f"runs '{R1}': its status 'DONE' is none of MLflow's"),
    "no lifecycle": (f"UPDATE runs SET lifecycle_stage = NULL WHERE run_uuid = '{R1}'", {("runs", "bad-lifecycle"): 1},
                    f"runs '{R1}': its lifecycle_stage is neither active nor deleted: MLflow could not read it"),
    "no experiment": (f"UPDATE runs SET experiment_id = 77 WHERE run_uuid = '{R1}'", {("runs", "no-experiment"): 1},
                    f"runs '{R1}': its experiment 77 does not exist"),
    "a run of none": (f"UPDATE runs SET experiment_id = NULL WHERE run_uuid = '{R1}'", {("runs", "no-experiment"): 1},
                    f"runs '{R1}': it belongs to no experiment"),
    "an experiment nobody finds": ("UPDATE experiments SET lifecycle_stage = NULL WHERE experiment_id = 0",
                                   {("experiments", "bad-lifecycle"): 1, ("runs", "experiment-rejected"): 2,
                                    ("experiment_tags", "owner-rejected"): 2, ("datasets", "owner-rejected"): 2,
                                    ("logged_models", "experiment-rejected"): 2},
                    "experiments '0': its lifecycle_stage is neither active nor deleted: MLflow would not find it"),
    "lost params": ("INSERT INTO params (key, value, run_uuid) VALUES ('a', '1', 'nobody'), ('b', '1', 'nobody'), "
                    "('a', '1', 'nobody else')", {("params", "no-owner"): 3},
                    "params 'nobody': 2 rows of table params belong to 'nobody', which does not exist"),
    "lost metrics": ("INSERT INTO metrics VALUES ('a', 1.0, 1, 'nobody', 0, 0), ('a', 1.0, 2, 'nobody', 0, 0)",
                     {("metrics", "no-owner"): 2},
                    "metrics 'nobody': 2 rows of table metrics belong to 'nobody', which does not exist"),
    "lost inputs": ("INSERT INTO inputs VALUES ('i', 'DATASET', 'd', 'RUN', 'nobody', 0)", {("inputs", "no-owner"): 1},
                    "inputs 'nobody': 1 row of table inputs belongs to 'nobody', which does not exist"),
    "lost input tags": ("INSERT INTO input_tags VALUES ('nothing', 'a', 'b')", {("input_tags", "no-owner"): 1},
                    "input_tags 'nothing': 1 row of table input_tags belongs to 'nothing', which does not exist"),
    "an input without its dataset": (
        f"INSERT INTO inputs VALUES ('0', 'DATASET', 'no such', 'RUN', '{R1}', 0); "
        "INSERT INTO input_tags VALUES ('0', 'a', 'b')",
        {("inputs", "bad-input"): 1, ("input_tags", "owner-rejected"): 1},
                    f"inputs '{R1}': input 0: its dataset does not exist"),
    "an input of a new kind": (f"INSERT INTO inputs VALUES ('0', 'PROMPT', 'x', 'RUN', '{R1}', 0)",
                               {("inputs", "bad-input"): 1},
                    f"inputs '{R1}': input 0: it is of a kind that mltrack does not know"),
    "an edge that is no run's": ("INSERT INTO inputs VALUES ('0', 'PROMPT', 'x', 'TRACE', 'y', 0)",
                                 {("inputs", "no-owner"): 1},
                    "inputs 'x': 1 row of table inputs belongs to 'x', which does not exist"),
    "a latest value of no points": (f"INSERT INTO latest_metrics VALUES ('a', 1.0, 1, 0, 0, '{R1}'), "
                                    f"('z', 1.0, 1, 0, 0, '{R1}')", {("latest_metrics", "no-points"): 2},
                    f"latest_metrics '{R1}': the latest value of a metric that has no points in table metrics"),
    "text for a number": (f"UPDATE runs SET start_time = 'soon' WHERE run_uuid = '{R1}'", {("runs", "bad-value"): 1},
                    f"runs '{R1}': its start_time is not of the column's type"),
    "a blob for a time": (f"UPDATE metrics SET timestamp = x'00' WHERE value = 0.5", {("metrics", "bad-value"): 1},
                    f"metrics '{R1}': a value in the column timestamp is not of the column's type"),
    "tags of no version": ("INSERT INTO model_version_tags (key, value, name, version) VALUES ('a', 'b', 'name-0', 0), "
                           "('a', 'b', 'name-0', 9)", {("model_version_tags", "no-owner"): 2},
                    "model_version_tags 'name-0': what it belongs to does not exist"),
    "tags of no model": ("INSERT INTO registered_model_tags (key, value, name) VALUES ('a', 'b', 'none')",
                         {("registered_model_tags", "no-owner"): 1},
                    "registered_model_tags 'none': 1 row of table registered_model_tags belongs to 'none', which does not exist"),
    "version 0": ("INSERT INTO model_versions (name, version) VALUES ('name-0', 0)", {("model_versions", "bad-version"): 1},
                    "model_versions 'name-0': its version is not a positive 32-bit number"),
    "params of no logged model": ("INSERT INTO logged_model_params VALUES ('m-77', 0, 'k', 'v')",
                                  {("logged_model_params", "no-owner"): 1},
                    "logged_model_params 'm-77': 1 row of table logged_model_params belongs to 'm-77', which does not exist"),
    "a logged model of no status": ("UPDATE logged_models SET status = 9 WHERE model_id = 'm-1'",
                                    {("logged_models", "bad-status"): 1},
                    "logged_models 'm-1': its status is none of MLflow's"),
}
RUN_GOES = {("params", "owner-rejected"), ("tags", "owner-rejected"), ("metrics", "owner-rejected"),
            ("latest_metrics", "owner-rejected"), ("inputs", "owner-rejected"), ("input_tags", "owner-rejected")}


def change(db, script):
    connection = sqlite3.connect(db.path)
    connection.executescript(script)
    connection.close()


@pytest.mark.parametrize("name", DEFECTS)
def test_a_bad_row_costs_itself_and_what_belongs_to_it(run_bulk, small, new_sqlite_db, name):
    script, expected, says = DEFECTS[name]
    change(small, script)
    target = new_sqlite_db()
    result = run_bulk("import", small.path, "--to", target.uri, "--mlflow-version", "3.17", "--on-error", "skip",
                      "--json", check=2)
    summary = check_summary(result)
    found = rejected(summary)
    beside = {k: n for k, n in found.items() if k not in expected}
    if any(table == "runs" for table, _ in expected):
        beside = {k: n for k, n in beside.items() if k not in RUN_GOES | {("logged_model_metrics", "no-such-run")}}
    if name.startswith("an experiment"):
        beside = {k: n for k, n in beside.items() if k[1] != "owner-rejected"}
    assert {k: found.get(k) for k in expected} == expected and beside == {}, result.explain()
    # every row of the source is somewhere
    for table, rows in rows_by_table(small).items():
        c = summary["tables"][table]
        assert c["read"] == rows, (table, c, rows)
    # and on the word, nothing of it is silent either
    stopped = run_bulk("import", small.path, "--to", new_sqlite_db().uri, check=65)
    assert f"error: {says}" in stopped.stderr, stopped.explain()


def test_other_workspaces_are_named(run_bulk, small, new_sqlite_db):
    change(small, "INSERT INTO workspaces (name) VALUES ('team b'), ('team a');"
           "INSERT INTO experiments (experiment_id, name, lifecycle_stage, workspace) VALUES (10, 'x', 'active', 'team b'),"
           " (11, 'x', 'active', 'team a'), (12, 'y', 'active', 'team a');"
           f"INSERT INTO runs (run_uuid, experiment_id, status, lifecycle_stage) VALUES ('{RUN}9', 10, 'FINISHED', 'active');"
           f"INSERT INTO params VALUES ('k', 'v', '{RUN}9');"
           "INSERT INTO experiment_tags VALUES ('k', 'v', 11);"
           "INSERT INTO registered_models (name, workspace) VALUES ('name-0', 'team a');"
           "INSERT INTO model_versions (name, version, workspace) VALUES ('name-0', 7, 'team a');")
    target = new_sqlite_db()
    summary = check_summary(run_bulk("import", small.path, "--to", target.uri, "--json", check=0))
    assert summary["ignored"] == {"runs of other workspaces": 1, "experiments of other workspaces": 3,
                                  "registered models of other workspaces": 1}
    assert {n["field"] for n in notes(summary, "ignored")} == {"team a, team b", "team a"}
    assert target.query("SELECT count(*) FROM experiments") == [(2,)]
    text = run_bulk("import", small.path, "--to", target.uri, check=0).stdout
    assert "3 experiments of other workspaces (team a, team b)" in text


def test_values_come_back_as_mlflow_stores_them(run_bulk, small, new_db):
    """Of what stands for NaN and infinity, and of a largest double that is just that."""
    most = 1.7976931348623157e308
    change(small, f"DELETE FROM metrics; DELETE FROM latest_metrics;"
           f"INSERT INTO metrics VALUES ('nan', 0.0, 1, '{R1}', 0, 1), ('most', {most!r}, 1, '{R1}', 0, 0),"
           f" ('least', -{most!r}, 1, '{R1}', 0, 0), ('tie', 0.0, 1, '{R1}', 0, 0), ('tie', 0.0, 1, '{R1}', 0, 1),"
           f" ('tie 2', 0.0, 1, '{R1}', 0, 0), ('tie 2', 0.0, 1, '{R1}', 0, 1);"
           f"INSERT INTO latest_metrics VALUES ('nan', 0.0, 1, 0, 1, '{R1}'), ('most', {most!r}, 1, 0, 0, '{R1}'),"
           f" ('least', -{most!r}, 1, 0, 0, '{R1}'), ('tie', 0.0, 1, 0, 1, '{R1}'), ('tie 2', 0.0, 1, 0, 0, '{R1}');")
    for kind in KINDS:
        target = new_db(kind, MLFLOW_HEADS[ORACLE])
        summary = import_all(run_bulk, small, target)
        assert summary["changes"] == 0
        assert_equal_stores(small, target)


def test_a_latest_value_that_is_not_the_latest_is_computed_anew_and_told(run_bulk, small, new_sqlite_db):
    change(small, "UPDATE latest_metrics SET value = 99.0")
    target = new_sqlite_db()
    summary = import_all(run_bulk, small, target)
    assert summary["changed"] == {"latest-recomputed": 1}
    assert target.query("SELECT value FROM latest_metrics") == [(1.5,)]


# ---- files and servers in all states ----


def test_a_database_is_not_read_into_itself(run_bulk, full, tmp_path, new_pg_db):
    copy = tmp_path / "mlflow.db"
    shutil.copy(full.path, copy)
    (tmp_path / "link.db").symlink_to(copy)
    (tmp_path / "hard.db").hardlink_to(copy)
    for name in ("mlflow.db", "link.db", "hard.db"):
        result = run_bulk("import", copy, "--to", f"sqlite:///{tmp_path / name}", check=64)
        assert "is the source and the target" in result.stderr
    db = new_pg_db(MLFLOW_HEADS[ORACLE])
    other = db.uri.replace("127.0.0.1", "localhost")
    assert "is the source and the target" in run_bulk("import", db.uri, "--to", other, check=64).stderr


def test_passwords_of_sources_are_not_shown(run_bulk, tmp_path):
    for uri in ("postgresql://u:s3cret@127.0.0.1:1/x", "postgresql://u:s3cret@127.0.0.1:port/x",
                "host=127.0.0.1 port=1 password=s3cret dbname=x"):
        result = run_bulk("import", uri, "--to", f"sqlite:///{tmp_path}/o.db", "--json", "-v")
        assert result.returncode != 0
        assert "s3cret" not in result.stdout + result.stderr


@pytest.mark.parametrize("journal", ["delete", "wal", "truncate", "persist"])
def test_a_file_in_use(run_bulk, full, tmp_path, new_sqlite_db, journal):
    """Somebody has it open with rows in the WAL, reads, and writes again while we read."""
    path = tmp_path / "mlflow.db"
    shutil.copy(full.path, path)
    writer = sqlite3.connect(path, isolation_level=None)
    assert writer.execute(f"PRAGMA journal_mode = {journal}").fetchone() == (journal,)
    writer.execute("PRAGMA wal_autocheckpoint = 0")
    writer.execute("INSERT INTO params SELECT 'only in the wal', 'v', run_uuid FROM runs")
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM runs").fetchone()
    target = new_sqlite_db()
    import_all(run_bulk, SqliteDatabase(path), target)
    assert_equal_stores(SqliteDatabase(path), target)
    reader.close()
    writer.execute("DELETE FROM params WHERE key = 'only in the wal'")
    writer.close()


def test_a_locked_file_is_a_temporary_failure(run_bulk, full, tmp_path):
    path = tmp_path / "mlflow.db"
    shutil.copy(full.path, path)
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    result = run_bulk("import", path, "--to", f"sqlite:///{tmp_path}/o.db", check=75)
    assert "locked" in result.stderr and not (tmp_path / "o.db").exists()
    writer.close()


def test_a_hot_journal_is_told_apart(run_bulk, full, tmp_path):
    """The last writer died: its journal must be rolled back first, which a reader may not do."""
    path, copy = tmp_path / "mlflow.db", tmp_path / "crashed.db"
    shutil.copy(full.path, path)
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("PRAGMA cache_size = 1")
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("UPDATE metrics SET value = value + 1")
    shutil.copy(path, copy)
    shutil.copy(f"{path}-journal", f"{copy}-journal")
    writer.close()
    result = run_bulk("import", copy, "--to", f"sqlite:///{tmp_path}/o.db")
    assert result.returncode == 77 and "roll that back" in result.stderr, result.explain()


@pytest.mark.parametrize(
    "script, status, words",
    [
        ("DROP TABLE alembic_version", 78, "not an MLflow database"),
        ("DELETE FROM alembic_version", 78, "has 0 rows"),
        ("UPDATE alembic_version SET version_num = 'feedfacef00d'", 0, None),
        ("UPDATE alembic_version SET version_num = 'feedfacef00d'; ALTER TABLE runs DROP COLUMN user_id", 78, "user_id"),
        ("DROP TABLE params", 78, "table params is missing"),
        ("CREATE TABLE _alembic_tmp_runs (x)", 75, "migration"),
        ("CREATE TRIGGER t AFTER INSERT ON runs BEGIN SELECT 1; END; DROP INDEX index_params_run_uuid", 0, None),
    ],
)
def test_schemas(run_bulk, small, tmp_path, script, status, words):
    change(small, script)
    result = run_bulk("import", small.path, "--to", f"sqlite:///{tmp_path}/o.db", check=status)
    if words:
        assert words in result.stderr and not (tmp_path / "o.db").exists()


def test_what_is_no_database_of_mlflow(run_bulk, tmp_path):
    to = ("--to", f"sqlite:///{tmp_path}/o.db")
    (tmp_path / "empty.db").write_bytes(b"")
    assert "not an MLflow database" in run_bulk("import", tmp_path / "empty.db", *to, check=78).stderr
    sqlite3.connect(tmp_path / "other.db").execute("CREATE TABLE t (x)").connection.commit()
    other = run_bulk("import", tmp_path / "other.db", *to, check=78).stderr
    assert "not an MLflow database" in other and "schema init" not in other  # that is for targets
    assert run_bulk("import", "sqlite:///nowhere.db", *to, check=66).stderr
    (tmp_path / "text.db").write_text("hello")
    assert run_bulk("import", tmp_path / "text.db", "--format", "sqlite", *to, check=65).stderr
    assert run_bulk("import", tmp_path / "text.db", *to, check=66).stderr
    assert not (tmp_path / "o.db").exists()


def test_damaged_files_end_with_a_word(run_bulk, full, tmp_path):
    """A page of zeros at every tenth page, and a file cut short: an error that says so, or a sound import of the rest
    is never more than what was there."""
    raw = full.path.read_bytes()
    page = int.from_bytes(raw[16:18], "big")
    path = tmp_path / "mlflow.db"
    outcomes = set()
    for n in range(1, len(raw) // page, max(1, len(raw) // page // 20)):
        path.write_bytes(raw[: n * page] + bytes(page) + raw[(n + 1) * page :])
        (tmp_path / "o.db").unlink(missing_ok=True)
        outcomes.add(run_bulk("import", path, "--to", f"sqlite:///{tmp_path}/o.db", "--on-error", "skip").returncode)
    path.write_bytes(raw[: len(raw) // 2])
    outcomes.add(run_bulk("import", path, "--to", f"sqlite:///{tmp_path}/o.db", "--on-error", "skip").returncode)
    assert outcomes <= {0, 2, 65, 78} and 65 in outcomes, outcomes


def test_postgres_while_its_schema_changes(run_bulk, full_databases, tmp_path, new_pg_db):
    """The tables are locked by a migration: told as such, after a while."""
    db = new_pg_db(MLFLOW_HEADS[ORACLE])
    with db.connect() as connection:
        connection.autocommit = False
        connection.cursor().execute("LOCK TABLE runs IN ACCESS EXCLUSIVE MODE")
        result = run_bulk("import", db.owner_uri, "--to", f"sqlite:///{tmp_path}/o.db", check=75)
        assert not (tmp_path / "o.db").exists() and result.stderr
        connection.rollback()


@pytest.mark.parametrize("where", ["delete", "wal", "postgres"])
def test_a_live_mlflow_goes_on_while_its_database_is_read(run_bulk, tmp_path, new_db, where):
    """What arrives is of one moment, though runs are written all the while; and the writer is not kept waiting."""
    server = new_db("postgres") if where == "postgres" else None
    uri = server.uri if server else f"sqlite:///{tmp_path}/mlflow.db"
    with LiveMlflow(ORACLE, tmp_path, where, server and server.psycopg2) as live:
        run_bulk("import", make_filestore(tmp_path / "mlruns"), "--to", uri, "--load", "append", check=0)
        live.importing(True)
        summaries, targets = [], [new_db("sqlite"), new_db("postgres", MLFLOW_HEADS[ORACLE])]
        for target in targets:
            summaries.append(check_summary(run_bulk("import", uri, "--to", target.uri, "--json", check=0)))
        live.importing(False)
        outcome = live.stop()
    assert outcome["while_importing"] > 0, "the two did not meet: nothing was tested"
    assert outcome["slowest"] < 15, "MLflow gives up on a lock after 20 s"
    source = server or SqliteDatabase(tmp_path / "mlflow.db")
    for target, summary in zip(targets, summaries, strict=True):
        assert counts(summary, "rejected") == {} and summary["changes"] == 0
        finished = target.query("SELECT run_uuid FROM runs WHERE status = 'FINISHED'")
        assert len(finished) > RUNS
        for sql in (
            "SELECT run_uuid, key, value, step, timestamp FROM metrics",
            "SELECT run_uuid, key, value FROM params",
            "SELECT run_uuid, key, value, step FROM latest_metrics",
        ):
            assert set(target.query(sql)) <= set(source.query(sql))
        # a run that had ended then has all of its rows
        whole = "SELECT count(*) FROM metrics WHERE run_uuid IN (SELECT run_uuid FROM runs WHERE status = 'FINISHED')"
        assert target.query(whole) == [(RUNS * KEYS * STEPS + 30 * (len(finished) - RUNS),)]
