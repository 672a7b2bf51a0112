"""Options and states that meet, each of which is tested by itself elsewhere."""

import json
import time

import pytest
from programs import MLFLOW_HEADS, ORACLE
from stores.filestore import FileStore, as_yaml, run_id, small_store, write
from summaries import check_summary, counts, notes

pytestmark = pytest.mark.both

BEFORE_LOGGED_MODELS = MLFLOW_HEADS["2.22.5"]
EXPERIMENT = "234567890123456789"
MODEL = "m-" + "5" * 32


def add_output(store, step):
    meta = {"source_type": "RUN_OUTPUT", "source_id": run_id(2), "destination_type": "MODEL_OUTPUT"}
    folder = store.root / EXPERIMENT / run_id(2) / "outputs" / MODEL
    write(folder / "meta.yaml", as_yaml(meta | {"destination_id": MODEL, "tags": "{}", "step": step}))


def do_import(run_bulk, store, db, *more, check=0):
    options = ("--on-error", "skip", "--json")
    return check_summary(run_bulk("import", store.root, "--to", db.uri, *options, *more, check=check))


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_what_the_schema_has_no_place_for_is_rejected_every_time(run_bulk, new_db, tmp_path, kind):
    store, db = small_store(tmp_path / "mlruns"), new_db(kind, BEFORE_LOGGED_MODELS)
    add_output(store, 0)
    for _ in range(2):
        assert counts(do_import(run_bulk, store, db, check=2), "rejected") == {"inputs": 1}


def test_an_output_that_is_there_keeps_its_step(run_bulk, target, tmp_path):
    store = small_store(tmp_path / "mlruns")
    add_output(store, 1)
    do_import(run_bulk, store, target)
    add_output(store, 2)
    before = target.dump()
    refused = do_import(run_bulk, store, target, check=2)
    assert [(n["code"], "steps" in n["reason"]) for n in notes(refused, "conflict")] == [("run-conflict", True)]
    merged = do_import(run_bulk, store, target, "--load", "merge")
    assert merged["tables"]["inputs"]["present"] == 1
    assert [(n["code"], n["table"]) for n in notes(merged, "changed")] == [("kept", "inputs")]
    assert target.dump() == before


@pytest.mark.parametrize("load", ["auto", "merge"])
@pytest.mark.parametrize("rows", [1, 1000])
def test_a_dry_run_counts_a_run_that_is_there_twice(run_bulk, target, tmp_path, load, rows):
    store = FileStore(tmp_path / "mlruns")
    for experiment in ("1", "2"):
        store.experiment(experiment, f"experiment {experiment}")
        store.run(experiment, run_id(1), {"lr": "1"}, metrics={"loss": "1 2 3\n"})
    options = ("--load", load, "--batch-rows", str(rows))
    dry = do_import(run_bulk, store, target, *options, "--dry-run", check=2)
    done = do_import(run_bulk, store, target, *options, check=2)
    assert dry["tables"] == done["tables"] and dry["conflicts"] == done["conflicts"]
    assert counts(done, "inserted")["runs"] == counts(done, "rejected")["runs"] == 1


def test_a_dry_run_says_what_it_cannot_tell(run_bulk, target, tmp_path):
    """Of runs whose lines come in several windows, also when they are there."""
    lines = [{"type": "run", "run_id": run_id(1), "experiment": "e", "name": "r", "start_time": 1}]
    lines += [{"type": "tag", "run_id": run_id(1), "key": "t", "value": str(i)} for i in range(30)]
    path = tmp_path / "x.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    def lines_in(*options):
        return check_summary(run_bulk("import", path, "--to", target.uri, "--json", *options, check=0))

    for there in (False, True):
        small = lines_in("--batch-rows", "10", "--dry-run")
        assert small["changed"]["dry-run"] >= 2 and "several parts" in json.dumps(small["notes"])
        dry, done = lines_in("--dry-run"), lines_in()
        assert "dry-run" not in {*dry["changed"], *done["changed"]} and dry["tables"] == done["tables"]
        assert counts(done, "present" if there else "inserted")["runs"] == 1


def add_dataset(store):
    folder = store.root / EXPERIMENT / "datasets" / "d1"
    meta = {"name": "d", "digest": "1", "source_type": "local", "source": "'{}'", "schema": "null", "profile": "null"}
    write(folder / "meta.yaml", as_yaml(meta))


def test_every_row_of_a_rejected_experiment_is_in_the_rejects(run_bulk, target, tmp_path):
    store = small_store(tmp_path / "mlruns")
    do_import(run_bulk, store, target)
    target.query("UPDATE experiments SET lifecycle_stage = 'deleted' WHERE name = 'sound'")
    add_dataset(store)
    summary = do_import(run_bulk, store, target, "--rejects", tmp_path / "rejects", check=2)
    rejects = [json.loads(line) for line in (tmp_path / "rejects").read_text().splitlines()]
    assert {"experiment_tags", "datasets"} <= counts(summary, "rejected").keys()
    assert sum(r["rows"] for r in rejects) == summary["rejects"] == sum(counts(summary, "rejected").values())


def test_a_dry_run_is_refused_where_the_rebuild_is(run_bulk, new_owned_db, tmp_path):
    store, db = small_store(tmp_path / "mlruns"), new_owned_db(MLFLOW_HEADS[ORACLE])
    rebuild = ("import", store.root, "--to", db.uri, "--load", "rebuild")
    before = db.dump()
    run_bulk(*rebuild, "--dry-run", check=0)
    assert db.dump() == before
    run_bulk(*rebuild, check=0)
    dry, done = run_bulk(*rebuild, "--dry-run", check=64), run_bulk(*rebuild, check=64)
    assert "it holds rows" in dry.stderr and dry.stderr == done.stderr


def test_rows_that_a_merge_changes_are_paced(run_bulk, target, tmp_path):
    """Only a lower bound: a busy machine makes it slower."""
    runs, tags, rate = 6, 60, 200
    for state in ("before", "after"):
        store = FileStore(tmp_path / state)
        store.experiment("1", "x")
        for n in range(runs):
            store.run("1", run_id(n + 1), tags={f"t{k}": state for k in range(tags)})
        started = time.monotonic()
        pace = ("--load", "merge", "--max-rows-per-second", str(rate), "--batch-rows", str(tags), "-j", "1")
        summary = do_import(run_bulk, store, target, *(pace if state == "after" else ()))
        took = time.monotonic() - started
    assert summary["tables"]["tags"]["updated"] == runs * tags
    assert took >= (runs - 2) * tags / rate


def test_rows_of_a_run_that_is_gone_are_named(run_bulk, new_sqlite_db, tmp_path):
    store, db = small_store(tmp_path / "mlruns"), new_sqlite_db()
    do_import(run_bulk, store, db)
    db.query("DELETE FROM runs WHERE run_uuid = %s", (run_id(2),))
    before = db.dump()
    refused = run_bulk("import", store.root, "--to", db.uri, "--on-error", "skip", check=65)
    assert "params.key, params.run_uuid" in refused.stderr and "foreign_key_check" in refused.stderr
    assert db.dump() == before
