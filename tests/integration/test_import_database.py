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

ALL_HEADS = sorted(p.name.split(".")[0] for p in HEADS_DIR.glob("*.pg.sql"))
KINDS = ["sqlite", "postgres"]
RUN = "0123456789abcdef0123456789abcde"  # and one digit


def make_full(version, uri, folder):
    return mlflow_run(version, STORES / "make_full_database.py", uri, folder)


def import_all(run_bulk, source, target, *options):
    result = run_bulk("import", source.uri, "--to", target.uri, "--json", *options, check=0)
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


@pytest.mark.parametrize("to", KINDS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("version", MLFLOW_HEADS)
def test_every_row_arrives(run_bulk, full_databases, new_db, version, kind, to):
    source = full_databases(version, kind)
    target = new_db(to, MLFLOW_HEADS[version])
    summary = import_all(run_bulk, source, target)
    assert summary["format"] == {"sqlite": "sqlite", "postgres": "postgresql"}[kind]
    assert_equal_stores(source, target)
    assert rows_by_table(target) == rows_by_table(source)
    assert counts(summary, "rejected") == {} and summary["conflicts"] == summary["changes"] == 0
    assert summary["ignored"]["traces"] == 3

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
    assert target.query(deleted) == full.query(deleted) != []


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
