"""A store that holds everything a FileStore can hold, written by the real MLflow: our import gives the rows of
`mlflow migrate-filestore`, but for what that loses, in every head of MLflow's schema."""

import re
import sys

import pytest

from databases import TABLES, SqliteDatabase, rows_by_table
from equality import assert_equal_stores
from mlflow_tools import copy_without_duplicates, full_store, migrate_filestores
from programs import HEADS_DIR, MLFLOW_HEADS, ORACLE
from shared import made_once
from summaries import check_summary, counts, notes

pytestmark = pytest.mark.both

ALL_HEADS = sorted(p.name.split(".")[0] for p in HEADS_DIR.glob("*.pg.sql"))
VALUE_COLUMNS = {  # table: (key column, value column)
    "params": ("key", "value"),
    "tags": ("key", "value"),
    "experiment_tags": ("key", "value"),
    "logged_model_params": ("param_key", "param_value"),
    "logged_model_tags": ("tag_key", "tag_value"),
    "registered_model_tags": ("key", "value"),
    "model_version_tags": ("key", "value"),
}


class FullStore:
    """.root: the store; .info: what is in it; .duplicates: lines migrate-filestore cannot take; .oracle: the database
    it makes without them, repaired; .lost: what it lost."""

    def __init__(self, tmp_path_factory, version):
        folder, self.info = full_store(tmp_path_factory, version)
        self.root = folder / "mlruns"
        folder, made = made_once(tmp_path_factory, f"migrated-{version}", lambda f: migrate(self.root, f))
        self.duplicates, self.lost = made
        self.oracle = SqliteDatabase(folder / "oracle.db")


def migrate(root, folder):
    duplicates = copy_without_duplicates(root, folder / "copy" / "mlruns")
    oracle = SqliteDatabase(folder / "oracle.db")
    assert migrate_filestores([(folder / "copy" / "mlruns", oracle)]) == [None]
    return duplicates, repair(oracle, root)


def repair(oracle, root):
    """Puts back what migrate-filestore is known to lose, and says how often: CR (text is read with newline
    translation), and NaN and infinities of logged models (stored as NULL and as they are, where MLflow's own SQL store
    has 0 and the largest double)."""
    lost = {"carriage returns": 0, "nan": 0, "infinities": 0}
    files = [p for p in root.rglob("*") if p.is_file() and p.name != "meta.yaml" and b"\r" in p.read_bytes()]
    for path in files:
        raw = path.read_bytes().decode()
        read = raw.replace("\r\n", "\n").replace("\r", "\n")
        for table, (key, value) in VALUE_COLUMNS.items():
            change = f"UPDATE {table} SET {value} = %s WHERE {key} = %s AND {value} = %s RETURNING rowid"
            lost["carriage returns"] += len(oracle.query(change, (raw, path.name, read)))
    mend = "UPDATE logged_model_metrics SET metric_value = %s WHERE metric_value IS %s RETURNING rowid"
    lost["nan"] = len(oracle.query(mend, (0.0, None)))
    lost["infinities"] = len(oracle.query(mend, (sys.float_info.max, float("inf"))))
    return lost


@pytest.fixture(scope="session")
def full(tmp_path_factory):
    return FullStore(tmp_path_factory, ORACLE)


@pytest.fixture(scope="session")
def full_2x(tmp_path_factory):
    return FullStore(tmp_path_factory, "2.22.5")


def test_migrate_filestore_loses_what_we_say_it_loses(full, full_2x):
    assert full.lost == {"carriage returns": 7, "nan": 1, "infinities": 1}
    assert full_2x.lost == {"carriage returns": 6, "nan": 0, "infinities": 0}
    assert full.duplicates == {"metrics": 7, "logged_model_metrics": 1}


@pytest.mark.parametrize("store", ["full", "full_2x"])
def test_every_row_is_that_of_migrate_filestore(run_bulk, request, store, target):
    store = request.getfixturevalue(store)
    summary = check_summary(run_bulk("import", store.root, "--to", target.uri, "--json", check=0), db=target)
    assert_equal_stores(store.oracle, target)
    assert counts(summary, "merged") == {t: n for t, n in store.duplicates.items() if n}
    assert counts(summary, "rejected") == {} and summary["conflicts"] == 0
    ignored = {k: n for k, n in summary["ignored"].items() if n}
    assert ignored == {k: store.info[k] for k in ("traces", "assessments") if store.info[k]}
    assert {n["kind"] for n in summary["notes"]} <= {"ignored", "changed"}


def test_artifact_locations_are_kept(run_bulk, full, target):
    run_bulk("import", full.root, "--to", target.uri, "--artifacts", "keep", check=0)
    for columns in ("name, artifact_location FROM experiments", "run_uuid, artifact_uri FROM runs"):
        assert sorted(target.query(f"SELECT {columns}")) == sorted(full.oracle.query(f"SELECT {columns}"))
    models = "SELECT model_id, artifact_location FROM logged_models"
    assert sorted(target.query(models)) == sorted(full.oracle.query(models))


def test_values_keep_every_byte(run_bulk, full, target):
    run_bulk("import", full.root, "--to", target.uri, check=0)
    rich = full.root / full.info["main"] / full.info["runs"]["rich"]
    for table, folder in (("params", "params"), ("tags", "tags")):
        files = {p.relative_to(rich / folder).as_posix(): p for p in (rich / folder).rglob("*") if p.is_file()}
        rows = target.query(f"SELECT key, value FROM {table} WHERE run_uuid = %s", (rich.name,))
        assert {k: v.encode() for k, v in rows} == {k: p.read_bytes() for k, p in files.items()}


def test_the_report_maps_experiments(run_bulk, full, target):
    summary = run_bulk("import", full.root, "--to", target.uri, "--json", check=0).json
    in_target = dict(target.query("SELECT name, experiment_id FROM experiments"))
    assert {e["name"]: e["id"] for e in summary["experiments"]} == in_target
    assert {e["name"]: e["source"] for e in summary["experiments"]}["deleted one"] == full.info["deleted"]
    assert {e["name"] for e in summary["experiments"] if e["deleted"]} == {"deleted one"}
    assert all(e["created"] for e in summary["experiments"])
    assert in_target["Default"] == 0
    if target.kind == "sqlite":
        assert all(str(e["id"]) == e["source"] for e in summary["experiments"])


def test_every_input_has_an_id_of_its_own(run_bulk, full, target):
    run_bulk("import", full.root, "--to", target.uri, check=0)
    for table, column in (("datasets", "dataset_uuid"), ("inputs", "input_uuid")):
        ids = [i for (i,) in target.query(f"SELECT {column} FROM {table}")]
        assert len(set(ids)) == len(ids) > 0
        assert all(re.fullmatch("[0-9a-f]{32}", i) for i in ids), ids


def import_at_head(run_bulk, store, db, oracle_rows):
    """Imports into a head that may lack tables and columns' widths of the newest: what it has room for is in."""
    args = ("import", store.root, "--to", db.uri, "--on-error", "skip", "--json")
    result = run_bulk(*args)
    summary = check_summary(result, db=db)
    have = rows_by_table(db)
    from_a_file_store = {t: n if t in TABLES else 0 for t, n in oracle_rows.items()}  # traces come from databases alone
    assert have == {t: from_a_file_store[t] for t in have} | expected_at(db, have, oracle_rows)
    missing = {t: oracle_rows[t] for t in TABLES if t not in have and oracle_rows[t]}
    assert result.returncode == (2 if counts(summary, "rejected") else 0)
    assert {n["code"] for n in notes(summary, "reject")} <= {"no-such-table", "too-long"}, result.explain()
    for table in missing:
        assert summary["tables"][table]["rejected"] > 0
    return summary, missing


def expected_at(db, have, oracle_rows):
    """Rows that a head has no place for though it has their table: edges to logged models before 3.0."""
    expected = {}
    if "inputs" in have and "logged_models" not in have and oracle_rows["logged_models"]:
        expected["inputs"] = len(db.query("SELECT 1 FROM inputs WHERE source_type = 'DATASET'"))
    return expected


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
@pytest.mark.parametrize("head", MLFLOW_HEADS.values(), ids=MLFLOW_HEADS.keys())
def test_rows_at_the_heads_of_installed_releases(run_bulk, full, full_2x, new_db, kind, head):
    store = full_2x if head == MLFLOW_HEADS["2.22.5"] else full
    db = new_db(kind, head)
    result = run_bulk("import", store.root, "--to", db.uri, "--json", check=0)
    assert check_summary(result, db=db)["head"] == head
    assert_equal_stores(store.oracle, db)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
@pytest.mark.parametrize("head", ALL_HEADS)
def test_rows_at_every_head(run_bulk, full, new_db, kind, head):
    db = new_db(kind, head)
    summary, missing = import_at_head(run_bulk, full, db, rows_by_table(full.oracle))
    assert summary["head"] == head
    if not missing and not counts(summary, "changed"):
        assert_equal_stores(full.oracle, db)


def test_a_head_without_the_tables_stops_the_import_by_name(run_bulk, full, new_db):
    db = new_db("sqlite", MLFLOW_HEADS["2.22.5"])
    result = run_bulk("import", full.root, "--to", db.uri, "--json", check=65)
    assert result.json["status"] == "failed"
    assert "logged models" in result.json["error"]["message"] and "3.0" in result.json["error"]["message"]


def test_the_description_of_the_store_is_itself_whole(full):
    """Should MLflow stop writing something, this test would no longer try it."""
    rows = rows_by_table(full.oracle)
    assert all(rows[t] > 0 for t in TABLES), rows
