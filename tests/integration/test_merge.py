"""Rows for runs that exist. The oracle is MLflow's own store: the same data, once through its calls and once through an
import, must leave the same rows in every table."""

import json
import random

import pytest

from equality import assert_equal_stores
from programs import MLFLOW_HEADS, ORACLE, mlflow_run
from pathlib import Path
from stores.filestore import T0, FileStore, as_yaml, run_id, small_store, write
from summaries import check_summary, counts, notes

HEAD = MLFLOW_HEADS[ORACLE]
SCRIPT = Path(__file__).with_name("merge_oracle.py")
EXPERIMENT = "345678901234567890"
KEYS = ("loss", "val/loss", "a b", "é")
VALUES = (0.0, -0.0, 1.0, -1.0, 0.5, 1e-320, 1.7976931348623157e308, float("nan"), float("inf"), float("-inf"))
STATUS = {"RUNNING": 1, "SCHEDULED": 2, "FINISHED": 3, "FAILED": 4, "KILLED": 5}


# ---- random cases ----


def points(rng, earlier=()):
    """Points in no order, with ties in step and time, repeats, and what a database cannot hold."""
    made = []
    for _ in range(rng.choice((0, 1, 3, 10))):
        if (earlier or made) and rng.random() < 0.3:
            made.append(rng.choice([*earlier, *made]))
        else:
            value = rng.choice(VALUES) if rng.random() < 0.7 else rng.uniform(-2, 2)
            made.append((rng.choice(KEYS), T0 + rng.randrange(3), value, rng.randrange(-1, 4)))
    return made


def pick(rng, keys, values):
    return {k: rng.choice(values) for k in keys if rng.random() < 0.5}


def inputs(rng):
    names = [("d1", "a1"), ("d1", "a2"), ("d2", "a1")]
    return [(n, d, pick(rng, ("mlflow.data.context", "t"), ("x", "y"))) for n, d in names if rng.random() < 0.4]


def case(rng, number):
    before = {
        "points": points(rng),
        "params": pick(rng, ("lr", "seed", "a/b"), ("1", "2")),
        "tags": pick(rng, ("t", "u", "é"), ("v", "w", "")),
        "inputs": inputs(rng),
        "end": rng.choice((None, (rng.choice(list(STATUS)), T0 + 5, f"run {number}"))),
    }
    name = f"run {number}" if rng.random() < 0.7 else f"renamed {number}"
    after = {
        "points": points(rng, before["points"]),
        "params": pick(rng, ("lr", "seed", "new"), ("1", "2")),
        "tags": pick(rng, ("t", "u", "new"), ("v", "w", "")),
        "inputs": inputs(rng),
        "end": (rng.choice(list(STATUS)), T0 + rng.randrange(4, 8), name),
    }
    return {"name": f"run {number}", "deleted": rng.random() < 0.05, "before": before, "after": after}


def plan(seed, cases):
    rng = random.Random(seed)
    return {
        "experiment": "merged",
        "experiment_tags": pick(rng, ("x", "y"), ("1", "2")),
        "more_experiment_tags": pick(rng, ("x", "y", "z"), ("1", "2")),
        "cases": [case(rng, n) for n in range(cases)],
    }


def store_of(plan, root):
    """What the runs get afterwards, as a FileStore."""
    store = FileStore(root)
    folder = store.experiment(EXPERIMENT, plan["experiment"], tags=plan["more_experiment_tags"])
    for run, one in zip(plan["runs"], plan["cases"], strict=True):
        after = one["after"]
        status, end, name = after["end"]
        lines = {}
        for key, timestamp, value, step in after["points"]:
            lines[key] = lines.get(key, "") + f"{timestamp} {value!r} {step}\n"
        fields = {"status": STATUS[status], "end_time": end, "run_name": name, "user_id": "tester"}
        fields["artifact_uri"] = run["artifact_uri"]
        tags = after["tags"] | {"mlflow.runName": name}
        made = store.run(EXPERIMENT, run["run_id"], after["params"], tags, lines, **fields)
        for number, (dataset, digest, tags) in enumerate(after["inputs"]):
            own = f"{dataset}-{digest}"
            meta = {"name": dataset, "digest": digest, "source_type": "local", "source": "'{\"uri\": \"/d\"}'"}
            write(folder / "datasets" / own / "meta.yaml", as_yaml(meta | {"schema": "null", "profile": "null"}))
            meta = {"source_type": "DATASET", "source_id": own, "destination_type": "RUN", "destination_id": own}
            write(made / "inputs" / str(number) / "meta.yaml", as_yaml(meta | {"tags": json.dumps(tags)}))
    return store


def mlflow(do, plan, folder, db):
    path = folder / f"{do}-{db.kind}.json"
    path.write_text(json.dumps(plan))
    return mlflow_run(ORACLE, SCRIPT, do, path, db.psycopg2 if db.kind == "postgres" else db.uri)


LONG = [pytest.param(seed, 1000, marks=pytest.mark.long) for seed in (2, 3)]


@pytest.mark.parametrize("seed, cases", [(1, 100), *LONG])
def test_merged_runs_are_what_mlflow_makes_of_the_same_calls(run_bulk, target, copy_db, tmp_path, seed, cases):
    work = plan(seed, cases)
    work["runs"] = mlflow("begin", work, tmp_path, target)
    expected = copy_db(target)
    mlflow("go-on", work, tmp_path, expected)
    store = store_of(work, tmp_path / "mlruns")
    options = ("--load", "merge", "--on-error", "skip", "--json")
    dry = check_summary(run_bulk("import", store.root, "--to", target.uri, *options, "--dry-run", check=2))
    result = run_bulk("import", store.root, "--to", target.uri, *options, check=2)
    summary = check_summary(result)
    assert_equal_stores(expected, target, by_mlflow=True)
    assert dry["tables"] == summary["tables"] and dry["conflicts"] == summary["conflicts"]
    assert counts(summary, "inserted")["metrics"] and counts(summary, "updated").keys() >= {
        "runs",
        "tags",
        "latest_metrics",
    }
    before = target.dump()
    again = check_summary(run_bulk("import", store.root, "--to", target.uri, *options, check=2))
    assert target.dump() == before and not counts(again, "inserted") and not counts(again, "updated")
    assert again["conflicts"] == summary["conflicts"]
