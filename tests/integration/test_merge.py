"""Rows for runs that exist. The oracle is MLflow's own store: the same data, once through its calls and once through an
import, must leave the same rows in every table."""

import json
import random
import signal
import time
from pathlib import Path

import pytest

from equality import assert_equal_stores
from programs import MLFLOW_HEADS, ORACLE, mlflow_run
from stores.filestore import T0, FileStore, as_yaml, run_id, small_store, write
from summaries import check_summary, counts, notes
from writers import all_at_once, assert_latest, live_batches, one_after_the_other, start_import

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


# ---- a store that has grown ----


def grow(store, run=2):
    """What a run gets that goes on."""
    folder = store.root / "234567890123456789" / run_id(run)
    with open(folder / "metrics" / "loss", "a") as f:
        f.write(f"{T0 + 1} 0.125 2\n{T0 + 2} nan 3\n")
    write(folder / "metrics" / "accuracy", f"{T0} 0.5 0\n")
    write(folder / "params" / "more", "1")
    write(folder / "tags" / "more", "2")
    meta = (folder / "meta.yaml").read_text().replace("status: 1\n", "status: 3\n")
    write(folder / "meta.yaml", meta.replace("end_time: null", f"end_time: {T0 + 99}"))


def running_store(root):
    store = small_store(root)
    meta = store.root / "234567890123456789" / run_id(2) / "meta.yaml"
    text = meta.read_text().replace("status: 3\n", "status: 1\n").replace(f"end_time: {T0 + 10}", "end_time: null")
    write(meta, text)
    return store


@pytest.fixture
def grown(run_bulk, target, copy_db, tmp_path):
    """(store that has grown since it was imported into the target, a database with one clean import of it)"""
    store = running_store(tmp_path / "mlruns")
    clean = copy_db(target)
    run_bulk("import", store.root, "--to", target.uri, check=0)
    grow(store)
    run_bulk("import", store.root, "--to", clean.uri, check=0)
    return store, clean


def test_a_store_that_has_grown_is_completed(run_bulk, target, grown):
    store, clean = grown
    dry = check_summary(run_bulk("import", store.root, "--to", target.uri, "--json", "--dry-run", check=0))
    summary = check_summary(run_bulk("import", store.root, "--to", target.uri, "--json", check=0))
    assert_equal_stores(clean, target)
    assert dry["tables"] == summary["tables"]
    assert counts(summary, "inserted") == {"params": 1, "tags": 1, "metrics": 3, "latest_metrics": 1}
    assert counts(summary, "updated") == {"runs": 1, "latest_metrics": 1}
    assert summary["tables"]["runs"]["present"] == 2
    again = check_summary(run_bulk("import", store.root, "--to", target.uri, "--json", check=0))
    assert not counts(again, "inserted") and not counts(again, "updated")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE params SET value = '0.2'",
        "UPDATE tags SET value = 'other'",
        "UPDATE metrics SET value = 0.75 WHERE step = 1 AND",
        "UPDATE latest_metrics SET value = 0.75",
        "UPDATE runs SET status = 'KILLED'",
    ],
)
def test_a_run_that_has_grown_and_differs_is_a_conflict(run_bulk, target, grown, change):
    store, _ = grown
    target.query(f"{change if change.endswith('AND') else change + ' WHERE'} run_uuid = '{run_id(2)}'")
    before = target.dump()
    result = run_bulk("import", store.root, "--to", target.uri, "--on-error", "skip", "--json", check=2)
    (conflict,) = notes(check_summary(result), "conflict")
    assert (conflict["id"], conflict["code"]) == (run_id(2), "run-conflict") and "--load merge" in conflict["reason"]
    assert target.dump() == before


def test_append_takes_no_run_that_has_grown(run_bulk, target, grown):
    store, _ = grown
    before = target.dump()
    options = ("--load", "append", "--on-error", "skip", "--json")
    summary = check_summary(run_bulk("import", store.root, "--to", target.uri, *options, check=2))
    assert [n["id"] for n in notes(summary, "conflict")] == [run_id(2)] and target.dump() == before


def test_merging_names_what_it_leaves(run_bulk, target, grown):
    store, _ = grown
    where = f"WHERE run_uuid = '{run_id(2)}'"
    target.query(f"UPDATE params SET value = '0.2' {where}")
    target.query(f"UPDATE runs SET user_id = 'other', artifact_uri = '/there' {where}")
    target.query(f"UPDATE runs SET lifecycle_stage = 'deleted', deleted_time = 9 WHERE run_uuid = '{run_id(3)}'")
    options = ("--load", "merge", "--on-error", "skip", "--json")
    summary = check_summary(run_bulk("import", store.root, "--to", target.uri, *options, check=2))
    found = {n["code"]: n for n in summary["notes"]}
    assert set(found) == {"param-conflict", "run-deleted", "kept"}
    assert found["param-conflict"]["id"] == run_id(2)
    assert all(word in found["param-conflict"]["reason"] for word in ("'lr'", "'0.2'", "'0.1'"))
    assert "user_id" in found["kept"]["reason"] and "artifact_uri" in found["kept"]["reason"]
    assert target.query(f"SELECT user_id, artifact_uri, status FROM runs {where}") == [("other", "/there", "FINISHED")]
    assert target.query(f"SELECT count(*) FROM metrics {where}") == [(5,)]
    stopped = run_bulk("import", store.root, "--to", target.uri, "--load", "merge", check=65)
    assert "lr" in stopped.stderr or "deleted" in stopped.stderr


# ---- several at a time ----

HOT = 5  # runs that everybody writes to


def part_of_all(rng, writer, points=3000):
    """Points of a writer for each of the runs; those of writers overlap."""
    made = {}
    for run in range(HOT):
        for _ in range(points // HOT):
            step = rng.randrange(points // 8)
            key = f"k{rng.randrange(30):02}"
            made.setdefault((run, key), set()).add((T0 + step, 1 / (1 + step + run), step))
        made.setdefault((run, f"own{writer}"), set()).add((T0, float(writer), 0))
    return made


def writers_store(root, runs, parts):
    store = FileStore(root)
    store.experiment(EXPERIMENT, "merged")
    for number, run in enumerate(runs):
        lines = {}
        for (r, key), points_ in parts.items():
            if r == number:
                lines[key] = "".join(f"{t} {v!r} {s}\n" for t, v, s in sorted(points_))
        fields = {"artifact_uri": run["artifact_uri"], "user_id": "tester", "run_name": f"run {number}"}
        store.run(EXPERIMENT, run["run_id"], {"lr": "1"}, {"mlflow.runName": f"run {number}", "t": "v"}, lines, **fields)
    return store


def begin_hot(db, tmp_path):
    case = {"points": [], "params": {}, "tags": {}, "inputs": [], "end": None}
    cases = [{"name": f"run {n}", "deleted": False, "before": case, "after": case} for n in range(HOT)]
    return mlflow("begin", {"experiment": "merged", "experiment_tags": {}, "cases": cases}, tmp_path, db)


@pytest.mark.parametrize("kind, writers", [("postgres", 8), ("sqlite", 3)])
def test_many_writers_and_mlflow_at_once_lose_nothing(bulk, run_bulk, new_db, copy_db, tmp_path, kind, writers):
    db, rng = new_db(kind, HEAD), random.Random(7)
    runs = begin_hot(db, tmp_path)
    expected = copy_db(db)
    parts = [part_of_all(rng, w) for w in range(writers)]
    stores = [writers_store(tmp_path / f"part{w}", runs, part) for w, part in enumerate(parts)]
    live = {"runs": [r["run_id"] for r in runs], "batches": live_batches(rng, HOT)}
    roots, options = [s.root for s in stores], ("--load", "merge", "--batch-rows", "1000")
    all_at_once(bulk, db, roots, live, tmp_path, *options)
    one_after_the_other(run_bulk, expected, roots, live, tmp_path, *options)
    assert_equal_stores(expected, db, by_mlflow=True)
    assert_latest(db)


def test_a_merge_that_was_killed_is_finished_by_the_next(bulk, run_bulk, target, copy_db, tmp_path):
    runs = begin_hot(target, tmp_path)
    expected = copy_db(target)
    store = writers_store(tmp_path / "part", runs, part_of_all(random.Random(1), 0, 20000))
    for after in (0.03, 0.1, 0.2, 0.4):
        process = start_import(bulk, store.root, target, tmp_path, "--load", "merge", "--batch-rows", "1000")
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
    run_bulk("import", store.root, "--to", target.uri, "--load", "merge", check=0)
    run_bulk("import", store.root, "--to", expected.uri, "--load", "merge", check=0)
    assert_equal_stores(expected, target)


def test_a_role_is_told_which_grants_merging_takes(run_bulk, new_owned_db, tmp_path):
    db = new_owned_db(HEAD)
    store = running_store(tmp_path / "mlruns")
    run_bulk("import", store.root, "--to", db.uri, check=0)
    grow(store)
    role = f"merger_{db.name}"
    db.query(f'REVOKE TEMPORARY ON DATABASE "{db.name}" FROM PUBLIC; CREATE ROLE {role} LOGIN')
    db.query(f"GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO {role}")
    db.query(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}")
    uri = db.uri_of(role)
    updates = "experiment_tags, public.runs, public.tags, public.latest_metrics"
    grants = f"GRANT TEMPORARY ON DATABASE {db.name} TO {role}; GRANT UPDATE ON public.{updates} TO {role};"
    try:
        refused = run_bulk("import", store.root, "--to", uri, "--load", "merge", check=77)
        assert grants in refused.stderr and f"--role {role}" in refused.stderr
        # by default it is not known yet that runs have grown
        refused = run_bulk("import", store.root, "--to", uri, check=77)
        assert grants in refused.stderr and "now and then" in refused.stderr
        db.query(grants)
        run_bulk("import", store.root, "--to", uri, "--load", "merge", check=0)
    finally:
        db.query(f"DROP OWNED BY {role}; DROP ROLE {role}")
