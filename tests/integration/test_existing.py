"""Importing into databases that hold something already: nothing there is overwritten, ids stay usable."""

import pytest
from mlflow_tools import open_stores
from programs import MLFLOW_HEADS, ORACLE, mlflow_run
from stores.filestore import FileStore, run_id, small_store
from summaries import check_summary, counts, notes

HEAD = MLFLOW_HEADS[ORACLE]

CREATE_EXPERIMENTS = """
import json, sys
from mlflow.tracking import MlflowClient
create = lambda uri, name: int(MlflowClient(uri).create_experiment(name))
print(json.dumps([[create(uri, "new one"), create(uri, "new two")] for uri in sys.argv[1:]]))
"""


@pytest.fixture
def store(tmp_path):
    return small_store(tmp_path / "mlruns")


def add_experiment(db, number, name, stage="active"):
    db.query(
        "INSERT INTO experiments (experiment_id, name, artifact_location, lifecycle_stage, creation_time,"
        " last_update_time) VALUES (%s, %s, '/there', %s, 5, 6)",
        (number, name, stage),
    )


def experiment_ids(db):
    return {name: number for number, name in db.query("SELECT experiment_id, name FROM experiments")}


def do_import(run_bulk, store, db, *more, check=0):
    result = run_bulk("import", store.root, "--to", db.uri, "--json", *more, check=check)
    return result, result.json


def test_an_experiment_is_matched_by_name(run_bulk, store, target):
    add_experiment(target, 41, "sound")
    _, summary = do_import(run_bulk, store, target)
    assert experiment_ids(target)["sound"] == 41
    assert target.query("SELECT DISTINCT experiment_id FROM runs WHERE run_uuid <> %s", (run_id(1),)) == [(41,)]
    assert target.query("SELECT artifact_location, creation_time FROM experiments WHERE experiment_id = 41") == [
        ("/there", 5)
    ]
    matched = {e["name"]: e for e in summary["experiments"]}["sound"]
    assert (matched["id"], matched["created"]) == (41, False)
    assert summary["tables"]["experiments"]["present"] == 1
    assert target.query("SELECT key, value FROM experiment_tags WHERE experiment_id = 41") == [("team", "a")]


def test_a_tag_that_the_experiment_has_is_left_alone(run_bulk, store, target):
    add_experiment(target, 41, "sound")
    target.query("INSERT INTO experiment_tags (key, value, experiment_id) VALUES ('team', 'theirs', 41)")
    stopped = run_bulk("import", store.root, "--to", target.uri, check=65)
    assert "'team'" in stopped.stderr and "sound" in stopped.stderr
    result, summary = do_import(run_bulk, store, target, "--on-error", "skip", check=2)
    assert target.query("SELECT value FROM experiment_tags WHERE experiment_id = 41") == [("theirs",)]
    assert [(n["table"], n["code"]) for n in notes(summary, "conflict")] == [("experiment_tags", "tag-conflict")]
    assert counts(check_summary(result), "inserted")["runs"] == 3


def test_experiment_zero_stays_zero_where_it_is_free(run_bulk, store, target):
    do_import(run_bulk, store, target)
    assert experiment_ids(target)["Default"] == 0


def test_experiment_zero_of_another_name_gets_a_number(run_bulk, store, target):
    add_experiment(target, 0, "somebody else's")
    do_import(run_bulk, store, target)
    ids = experiment_ids(target)
    assert ids["somebody else's"] == 0 and ids["Default"] > 0
    assert target.query("SELECT experiment_id FROM runs WHERE run_uuid = %s", (run_id(1),)) == [(ids["Default"],)]


def test_default_is_matched_by_name_even_where_it_is_not_zero(run_bulk, store, target):
    add_experiment(target, 0, "first")
    add_experiment(target, 12, "Default")
    do_import(run_bulk, store, target)
    assert experiment_ids(target)["Default"] == 12


def test_mlflow_can_create_experiments_right_after(run_bulk, store, new_pg_db, new_sqlite_db):
    """Also where ids were inserted by hand, ahead of the sequence."""
    plain, ahead, lite = new_pg_db(HEAD), new_pg_db(HEAD), new_sqlite_db(HEAD)
    for number in (1, 2, 3, 7):
        add_experiment(ahead, number, f"by hand {number}")
    databases = (plain, ahead, lite)
    for db in databases:
        do_import(run_bulk, store, db)
    before = [set(experiment_ids(db).values()) for db in databases]
    made = mlflow_run(ORACLE, CREATE_EXPERIMENTS, plain.psycopg2, ahead.psycopg2, lite.uri)
    for ids, new in zip(before, made, strict=True):
        assert len(set(new)) == 2 and not ids & set(new)


def test_a_deleted_experiment_of_that_name_is_not_revived(run_bulk, store, target):
    add_experiment(target, 41, "sound", "deleted")
    result, summary = do_import(run_bulk, store, target, "--on-error", "skip", check=2)
    check_summary(result)
    rejected = [n for n in summary["notes"] if n["code"] == "experiment-deleted"]
    assert rejected and "restore" in rejected[0]["reason"], result.explain()
    assert counts(summary, "rejected")["runs"] == 2
    assert {r for (r,) in target.query("SELECT run_uuid FROM runs")} == {run_id(1)}
    assert target.query("SELECT lifecycle_stage FROM experiments WHERE experiment_id = 41") == [("deleted",)]
    stopped = run_bulk("import", store.root, "--to", target.uri, check=65)
    assert "restore" in stopped.stderr and "sound" in stopped.stderr


def test_a_deleted_experiment_goes_into_a_deleted_one(run_bulk, target, tmp_path):
    store = FileStore(tmp_path / "mlruns")
    store.experiment("0", "Default")
    store.experiment("234567890123456789", "gone", "deleted", folder=".trash/234567890123456789")
    store.run(".trash/234567890123456789", run_id(5), lifecycle_stage="deleted")
    add_experiment(target, 41, "gone", "deleted")
    do_import(run_bulk, store, target)
    assert target.query("SELECT experiment_id FROM runs") == [(41,)]


CHANGES = {
    "a param": "UPDATE params SET value = '0.2'",
    "a tag": "UPDATE tags SET value = 'other' WHERE key = 't'",
    "a metric": "UPDATE metrics SET value = 0.75 WHERE step = 1",
    "a latest metric": "UPDATE latest_metrics SET value = 0.75",
    "one param more": "INSERT INTO params (key, value, run_uuid) VALUES ('more', '1', '{run}')",
    "the status": "UPDATE runs SET status = 'FAILED'",
    "running, but renamed": "UPDATE runs SET status = 'RUNNING', end_time = NULL, name = 'other'",
    "the end": "UPDATE runs SET end_time = 99",
    "the name": "UPDATE runs SET name = 'renamed'",
    "the artifact uri": "UPDATE runs SET artifact_uri = '/elsewhere'",
    "deleted since": "UPDATE runs SET lifecycle_stage = 'deleted', deleted_time = 9",
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_run_that_differs_is_a_conflict_and_stays(run_bulk, store, target, change):
    do_import(run_bulk, store, target)
    sql = CHANGES[change].format(run=run_id(2))
    if " WHERE " in sql:
        sql += f" AND run_uuid = '{run_id(2)}'"
    elif not sql.startswith("INSERT"):
        sql += f" WHERE run_uuid = '{run_id(2)}'"
    target.query(sql)
    before = target.dump()
    result, summary = do_import(run_bulk, store, target, "--on-error", "skip", check=2)
    check_summary(result)
    assert target.dump() == before, "nothing is overwritten, nothing added"
    conflicts = notes(summary, "conflict")
    assert [c["id"] for c in conflicts] == [run_id(2)] and summary["conflicts"] == 1, result.explain()
    assert conflicts[0]["code"] == "run-conflict"
    assert summary["tables"]["runs"] | {"changed": 0} == {
        "read": 3,
        "inserted": 0,
        "present": 2,
        "updated": 0,
        "merged": 0,
        "rejected": 1,
        "changed": 0,
    }
    stopped = run_bulk("import", store.root, "--to", target.uri, check=65)
    assert run_id(2) in stopped.stderr
    assert target.dump() == before


def test_a_conflict_names_what_differs(run_bulk, store, target):
    do_import(run_bulk, store, target)
    target.query("UPDATE params SET value = '0.2' WHERE run_uuid = %s", (run_id(2),))
    _, summary = do_import(run_bulk, store, target, "--on-error", "skip", check=2)
    reason = notes(summary, "conflict")[0]["reason"]
    assert "param" in reason and "lr" in reason


def test_new_runs_join_those_that_are_there(run_bulk, store, target):
    do_import(run_bulk, store, target)
    store.run("234567890123456789", run_id(9), params={"lr": "0.9"})
    result, summary = do_import(run_bulk, store, target)
    check_summary(result)
    assert counts(summary, "inserted") == {"runs": 1, "params": 1}
    assert summary["tables"]["runs"]["present"] == 3


def test_stores_with_the_same_experiment_names_come_together(run_bulk, store, target, tmp_path):
    """Two machines' folders into one database."""
    other = FileStore(tmp_path / "other")
    other.experiment("0", "Default", artifact_location="/elsewhere/0")
    other.experiment("987654321098765432", "sound", tags={"team": "a", "more": "b"})
    other.run("987654321098765432", run_id(20))
    do_import(run_bulk, store, target)
    do_import(run_bulk, other, target)
    ids = experiment_ids(target)
    assert set(ids) == {"Default", "sound"}
    assert target.query("SELECT count(*) FROM runs WHERE experiment_id = %s", (ids["sound"],)) == [(3,)]


def test_a_dry_run_creates_no_file(run_bulk, store, tmp_path):
    target = tmp_path / "new.db"
    result = run_bulk("import", store.root, "--to", f"sqlite:///{target}", "--dry-run", "--json", check=0)
    dry = check_summary(result)
    assert not target.exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mlruns"]
    real = run_bulk("import", store.root, "--to", f"sqlite:///{target}", "--json", check=0)
    assert check_summary(real)["tables"] == dry["tables"]


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_dry_run_into_a_filled_database_writes_nothing(run_bulk, store, new_db, kind):
    db = new_db(kind, HEAD)
    add_experiment(db, 0, "somebody else's")
    add_experiment(db, 3, "sound")
    do_import(run_bulk, store, db)
    db.query("UPDATE params SET value = '0.2' WHERE run_uuid = %s", (run_id(2),))
    store.experiment("345678901234567890", "brand new")
    store.run("345678901234567890", run_id(30), params={"x": "1"})
    before, raw = db.dump(), db.path.read_bytes() if kind == "sqlite" else None
    dry = check_summary(do_import(run_bulk, store, db, "--dry-run", "--on-error", "skip", check=2)[0])
    assert db.dump() == before
    if raw is not None:
        assert db.path.read_bytes() == raw and not list(db.path.parent.glob("*-*"))
    real = check_summary(do_import(run_bulk, store, db, "--on-error", "skip", check=2)[0])
    assert dry["tables"] == real["tables"] and dry["conflicts"] == real["conflicts"] == 1
    assert [e["name"] for e in dry["experiments"]] == [e["name"] for e in real["experiments"]]


def test_a_database_made_by_mlflow_itself_takes_an_import(run_bulk, store, new_pg_db, new_sqlite_db):
    lite, pg = new_sqlite_db(), new_pg_db()
    open_stores(ORACLE, lite.uri, pg.psycopg2)
    for db in (lite, pg):
        result, summary = do_import(run_bulk, store, db)
        assert summary["head"] == HEAD
        matched = {e["name"]: e for e in summary["experiments"]}["Default"]
        assert (matched["id"], matched["created"]) == (0, False)
        assert counts(summary, "inserted")["runs"] == 3


def test_another_workspace_is_left_alone(run_bulk, store, target):
    """A name is unique within a workspace: the experiment of another one is not ours."""
    add_experiment(target, 41, "sound")
    target.query("UPDATE experiments SET workspace = 'team-b' WHERE experiment_id = 41")
    do_import(run_bulk, store, target)
    assert target.query("SELECT count(*) FROM runs WHERE experiment_id = 41") == [(0,)]
    rows = target.query("SELECT workspace FROM experiments WHERE name = 'sound' ORDER BY 1")
    assert rows == [("default",), ("team-b",)]
