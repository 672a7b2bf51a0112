"""Runs that are added to: calls as JSON lines, in any order of runs, in one file and in several, must leave what the same
calls leave when MLflow's own store takes them one by one."""

import json
import random
import subprocess
import time
from pathlib import Path

import pytest

from equality import assert_equal_stores
from programs import MLFLOW_HEADS, ORACLE, clean_env, mlflow_run
from stores.filestore import T0
from summaries import check_summary, counts, notes
from writers import all_at_once, assert_latest, for_mlflow, live_batches, one_after_the_other

HEAD = MLFLOW_HEADS[ORACLE]
SCRIPT = Path(__file__).with_name("adding_oracle.py")
KEYS = ("loss", "val/loss", "a b", "é")
VALUES = (0.0, -0.0, 1.0, -1.0, 0.5, 1e-320, 1.7976931348623157e308, "NaN", "Infinity", "-Infinity")
STATUS = ("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED")
NOBODY = "f" * 32  # a run that is never made


def run_id(rng):
    return f"{rng.getrandbits(128):032x}"


def lines_of(calls):
    return "".join(json.dumps(c) + "\n" for c in calls)


# ---- random calls ----


def value(rng):
    return rng.choice(VALUES) if rng.random() < 0.6 else rng.uniform(-2, 2)


def point(rng):
    return {"value": value(rng), "step": rng.randrange(-1, 4), "timestamp": T0 + rng.randrange(3)}


def metric(rng, run):
    if rng.random() < 0.7:
        return {"type": "metric", "run_id": run, "key": rng.choice(KEYS), **point(rng)}
    if rng.random() < 0.5:
        shared = {"step": rng.randrange(4), "timestamp": T0 + rng.randrange(3)}
        return {"type": "metrics", "run_id": run, "values": {k: value(rng) for k in rng.sample(KEYS, 2)}, **shared}
    some = [point(rng) for _ in range(rng.randrange(1, 6))]
    columns = {what: [p[what] for p in some] for what in ("step", "timestamp", "value")}
    return {"type": "points", "run_id": run, "key": rng.choice(KEYS), **columns}


def tag(rng, run):
    key = rng.choice(("t", "u", "é", "mlflow.runName"))
    return {"type": "tag", "run_id": run, "key": key, "value": rng.choice(("v", "w", "", f"name {rng.randrange(9)}"))}


def dataset(rng, run):
    name, digest = rng.choice((("d1", "a1"), ("d1", "a2"), ("d2", "a1")))
    made = {"source_type": "local", "source": '{"uri": "/d"}', "schema": None, "profile": '{"rows": 3}'}
    context = {"context": rng.choice(("train", "eval"))} if rng.random() < 0.5 else {}
    tags = {"k": rng.choice("xy")} if rng.random() < 0.5 else {}
    return {"type": "dataset", "run_id": run, "name": name, "digest": digest, **made, **context, "tags": tags}


def end(rng, run):
    time_ = {"end_time": T0 + rng.randrange(4, 8)} if rng.random() < 0.7 else {}
    return {"type": "end", "run_id": run, "status": rng.choice(STATUS), **time_}


def param(rng, run):
    return {"type": "param", "run_id": run, "key": rng.choice(("lr", "seed", "a/b")), "value": rng.choice("123")}


def begin_run(rng, experiment, number):
    more = {"experiment": experiment, "name": f"run {number}", "user": "tester", "start_time": T0}
    return {"type": "run", "run_id": run_id(rng), **more}


def experiment(rng, name):
    tags = {k: rng.choice("12") for k in "xyz" if rng.random() < 0.4}
    times = {"creation_time": T0, "last_update_time": T0}
    return {"type": "experiment", "name": name, "artifact_location": f"/made/{name}", "tags": tags, **times}


class Calls:
    """Calls on runs that come into being on the way. What ends a window, too: a run's line, or an experiment's, that
    comes again."""

    def __init__(self, rng):
        self.rng, self.runs, self.experiments = rng, [], ["before"]

    def next(self):
        rng, dice = self.rng, self.rng.random()
        if not self.runs or dice < 0.02:
            self.runs.append(begin_run(rng, rng.choice(self.experiments), len(self.runs)))
            return [self.runs[-1]]
        if dice < 0.03:
            name = rng.choice(("before", "made", "made too"))
            self.experiments += [name] * (name not in self.experiments)
            return [experiment(rng, name)]
        if dice < 0.04:
            cut = begin_run(rng, "before", "cut")
            return [cut, cut]
        run = NOBODY if rng.random() < 0.01 else rng.choice(self.runs[-8:])["run_id"]
        weights = {metric: 10, param: 4, tag: 4, dataset: 1, end: 1}
        return [rng.choices(list(weights), weights.values())[0](rng, run)]

    def take(self, n):
        calls = []
        while len(calls) < n:
            calls += self.next()
        return calls


def plan(seed, calls, deletes):
    rng = random.Random(seed)
    made, segments = Calls(rng), []
    for _ in range(3):
        some = made.take(calls // 3)
        gone = [r["run_id"] for r in made.runs[-8:] if rng.random() < 0.3] if deletes else []
        before = segments[-1]["deleted"] if segments else []
        back = [r for r in before if rng.random() < 0.5]
        segments.append({"calls": some, "deleted": [r for r in gone if r not in before], "restored": back})
    return {"now": T0, "before": ["before"], "segments": segments}


def mlflow(do, work, folder, db):
    path = folder / f"{do}-{db.kind}.json"
    path.write_text(json.dumps(work))
    return mlflow_run(ORACLE, SCRIPT, do, path, for_mlflow(db))


def delete_and_restore(db, segment):
    """As MLflow's delete_run and restore_run do."""
    for run in segment["deleted"]:
        db.query(f"UPDATE runs SET lifecycle_stage = 'deleted', deleted_time = {T0} WHERE run_uuid = '{run}'")
    for run in segment["restored"]:
        db.query(f"UPDATE runs SET lifecycle_stage = 'active', deleted_time = NULL WHERE run_uuid = '{run}'")


def pieces(rng, calls):
    """The calls, cut at random. A run is begun by one line of one file."""
    cuts = sorted(rng.sample(range(1, len(calls)), min(4, len(calls) - 1)))
    return [calls[a:b] for a, b in zip([0, *cuts], [*cuts, len(calls)], strict=True)]


def bring_in(run_bulk, db, folder, calls, *more):
    """(the summary, what was rejected)"""
    file, rejects = folder / "calls.jsonl", folder / "rejects"
    file.write_text(lines_of(calls))
    options = ("--on-error", "skip", "--rejects", rejects, "--json", *more)
    result = run_bulk("import", file, "--to", db.uri, *options)
    assert result.returncode in (0, 2), result.explain()
    return check_summary(result), [json.loads(line) for line in rejects.read_text().splitlines()]


def refused_params(rejected, calls):
    """Each with its run and key, whose line says so."""
    found = set()
    for note in rejected:
        if note["code"] in ("param-conflict", "conflicting-value") and note["id"] != NOBODY:
            line = calls[note["line"] - 1]
            assert (line["type"], line["run_id"], line["key"]) == ("param", note["id"], note["field"])
            found.add((note["id"], note["field"]))
    return found


LONG = [pytest.param(seed, 3000, seed % 2, marks=pytest.mark.long) for seed in (3, 4, 5, 6)]


@pytest.mark.parametrize("seed, calls, deletes", [(1, 600, 1), (2, 600, 0), *LONG])
def test_lines_leave_what_mlflow_makes_of_the_same_calls(run_bulk, target, copy_db, tmp_path, seed, calls, deletes):
    work, rng = plan(seed, calls, deletes), random.Random(seed)
    mlflow("begin", work, tmp_path, target)
    expected, in_pieces = copy_db(target), copy_db(target)
    refused = mlflow("calls", work, tmp_path, expected)
    found = set()
    for segment in work["segments"]:
        dry, _ = bring_in(run_bulk, target, tmp_path, segment["calls"], "--dry-run")
        done, rejected = bring_in(run_bulk, target, tmp_path, segment["calls"])
        assert counts(dry, "read") == counts(done, "read")
        found |= refused_params(rejected, segment["calls"])
        for piece in pieces(rng, segment["calls"]):
            bring_in(run_bulk, in_pieces, tmp_path, piece, "--batch-rows", str(rng.randrange(1, 20)))
        delete_and_restore(target, segment)
        delete_and_restore(in_pieces, segment)
    assert_equal_stores(expected, target, by_mlflow=True)
    assert_equal_stores(expected, in_pieces, by_mlflow=True)
    if not deletes:
        assert found == {tuple(r) for r in refused} != set()
        again, _ = bring_in(run_bulk, target, tmp_path, sum((s["calls"] for s in work["segments"]), []))
        assert not counts(again, "inserted")
        assert_equal_stores(expected, target, by_mlflow=True)


# ---- several at a time ----

HOT = 5  # runs that everybody writes to


def shared_run(number):
    run = {"type": "run", "run_id": f"{number:032x}", "experiment": "shared", "name": f"run {number}"}
    return {**run, "user": "tester", "start_time": T0}


def part(rng, writer, metrics=4000):
    """What one of several writers has to say, in many windows: of runs that are there, and of some that each of them
    makes. Points overlap."""
    runs = [shared_run(n) for n in range(2 * HOT)]
    calls = runs[HOT:]
    for n in range(metrics):
        run, step = rng.choice(runs)["run_id"], rng.randrange(metrics // 8)
        key, measured = f"k{rng.randrange(30):02}", 1 / (1 + step)
        calls.append({"type": "metric", "run_id": run, "key": key, "value": measured, "step": step, "timestamp": T0})
        if n % 500 == 0:  # one that comes again begins a window
            calls += [shared_run(100 + writer)] * 2
    for run in (r["run_id"] for r in runs):
        calls.append({"type": "param", "run_id": run, "key": "lr", "value": "1"})
        calls.append({"type": "tag", "run_id": run, "key": f"own{writer}", "value": "v"})
        made = {"source_type": "local", "source": "{}", "context": "train"}
        calls.append({"type": "dataset", "run_id": run, "name": "d", "digest": "1", **made})
        calls.append({"type": "end", "run_id": run, "status": "FINISHED", "end_time": T0 + 9})
    return calls


@pytest.mark.parametrize("kind", ["postgres", "sqlite"])
def test_four_importers_and_mlflow_write_the_same_runs(bulk, run_bulk, new_db, copy_db, tmp_path, kind):
    db, rng = new_db(kind, HEAD), random.Random(11)
    mlflow("begin", {"now": T0, "before": ["shared"]}, tmp_path, db)
    bring_in(run_bulk, db, tmp_path, [shared_run(n) for n in range(HOT)])
    expected = copy_db(db)
    files = [tmp_path / f"part{n}.jsonl" for n in range(4)]
    for number, file in enumerate(files):
        file.write_text(lines_of(part(rng, number)))
    live = {"runs": [shared_run(n)["run_id"] for n in range(HOT)], "batches": live_batches(rng, HOT)}
    all_at_once(bulk, db, files, live, tmp_path)
    one_after_the_other(run_bulk, expected, files, live, tmp_path)
    assert_equal_stores(expected, db, by_mlflow=True)
    assert_latest(db)


# ---- how it is loaded ----


def test_a_rebuild_is_refused_and_says_what_to_do(run_bulk, target, tmp_path):
    file = tmp_path / "calls.jsonl"
    file.write_text(lines_of([shared_run(1)]))
    refused = run_bulk("import", file, "--to", target.uri, "--load", "rebuild", check=64)
    assert "--load" in refused.stderr and "complete" in refused.stderr
    summary = check_summary(run_bulk("import", file, "--to", target.uri, "--json", check=0))
    assert summary["load"] in ("append", "insert") and "adds to runs" in (summary["load_reason"] or "adds to runs")


def test_each_window_is_in_when_the_next_stops(run_bulk, target, tmp_path):
    """Of a file that fails in its middle what stood before is in: also in a SQLite file that was not there."""
    target.drop() if target.kind == "sqlite" else None
    calls = [shared_run(1), shared_run(1), {"type": "param", "run_id": NOBODY, "key": "lr", "value": "1"}]
    file = tmp_path / "calls.jsonl"
    file.write_text(lines_of(calls))
    stopped = run_bulk("import", file, "--to", target.uri, check=65)
    assert NOBODY in stopped.stderr and "calls.jsonl" in stopped.stderr and "3" in stopped.stderr
    assert target.query("SELECT name FROM runs") == [("run 1",)]


def wait_for(what, seconds=60):
    deadline = time.monotonic() + seconds
    while not (there := what()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.1)
    return there


def test_what_came_through_a_pipe_is_in_while_the_pipe_is_open(bulk, target, tmp_path):
    """A training job writes and goes quiet, in the middle of a line, too."""
    tag = {"type": "tag", "run_id": shared_run(1)["run_id"], "key": "k", "value": "v"}
    text = lines_of([shared_run(1), tag]).encode()
    command = [bulk, "import", "-", "--format", "jsonl", "--to", target.uri, "--batch-time", "1"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=clean_env(tmp_path), cwd=tmp_path) as process:
        process.stdin.write(text[:-9])
        process.stdin.flush()
        wait_for(lambda: target.query("SELECT name FROM runs") == [("run 1",)])
        assert not target.query("SELECT 1 FROM tags WHERE key = 'k'")
        process.stdin.write(text[-9:])
        process.stdin.flush()
        wait_for(lambda: target.query("SELECT value FROM tags WHERE key = 'k'") == [("v",)])
        process.stdin.close()
        assert process.wait(timeout=60) == 0
