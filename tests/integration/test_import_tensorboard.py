"""TensorBoard logdirs made by real writers: our rows are the points that TensorBoard itself reads."""

import shutil

import numpy as np
import pytest
import tensorboard_logs as logs
from databases import rows_by_table
from programs import MLFLOW_HEADS, ORACLE, mlflow_run
from summaries import check_summary, counts, notes

BIG = 1.7976931348623157e308


def as_stored(points):
    """What MLflow makes of scalars: (step, milliseconds, value, is_nan), each once."""
    return {
        (s, round(t * 1000), 0.0 if v != v else max(-BIG, min(BIG, v)), v != v)
        for s, t, v in points
    }  # fmt: skip


def key_of(tag):
    return tag.translate(str.maketrans("", "", "()[]{}"))


def check_rows(db, logdir, run_names=None):
    """Every run of TensorBoard's is there with its scalars and hyperparameters, and nothing else is."""
    expected = logs.read_runs(logdir)
    names = {r: str(r)[len(str(logdir)) :].strip("/") or logdir.name for r in expected}
    found = dict(db.query("SELECT name, run_uuid FROM runs"))
    assert set(found) == set(names.values())
    for run, seen in expected.items():
        rows = {}
        for key, step, time, value, is_nan in db.query(
            "SELECT key, step, timestamp, value, is_nan FROM metrics WHERE run_uuid = %s", (found[names[run]],)
        ):
            rows.setdefault(key, set()).add((step, time, value, bool(is_nan)))
        assert rows == {key_of(tag): as_stored(points) for tag, points in seen["scalars"].items()}, run
        params = dict(db.query("SELECT key, value FROM params WHERE run_uuid = %s", (found[names[run]],)))
        assert set(params) == set(seen["params"])
        for key, value in seen["params"].items():
            assert params[key] == str(value) if isinstance(value, (str, bool)) else float(params[key]) == value


@pytest.fixture
def logdir(tmp_path):
    root = tmp_path / "logs"
    logs.write_tensorboardx(root / "plain")
    logs.write_tensorboardx(root / "restarted", 60, suffix=".0")
    logs.write_tensorboardx(root / "restarted", 80, purge_step=40, offset=0.5, suffix=".1")
    logs.write_hparams(root / "tuned")
    logs.write_tensors(root / "deep/er", np.random.default_rng(1))
    logs.write_tensorboardx(root)
    return root


def test_scalars_are_those_that_tensorboard_reads(run_bulk, target, logdir):
    result = run_bulk("import", logdir, "--to", target.uri, "--json", check=0)
    summary = check_summary(result, db=target)
    assert summary["format"] == "tensorboard"
    check_rows(target, logdir)
    ignored = summary["ignored"]
    assert ignored["images"] == ignored["histograms"] == ignored["texts"] == 4
    assert ignored["scalars from before a restart, which TensorBoard drops, too"] == 20 + 2  # and two of val/acc


def test_importing_again_changes_nothing(run_bulk, target, logdir):
    first = run_bulk("import", logdir, "--to", target.uri, "--json", check=0).json
    before = rows_by_table(target)
    second = check_summary(run_bulk("import", logdir, "--to", target.uri, "--json", check=0), before, target)
    assert counts(second, "inserted") == {} and counts(second, "present") == counts(first, "inserted")


def test_mlflow_reads_it_back(run_bulk, target, logdir):
    run_bulk("import", logdir, "--to", target.uri, "--experiment", "tb", "--json", check=0)
    code = """
import json, sys
from mlflow.tracking import MlflowClient
c = MlflowClient(tracking_uri=sys.argv[1])
e = c.get_experiment_by_name("tb")
out = {r.info.run_name: [r.data.params, r.info.status, len(c.get_metric_history(r.info.run_id, "train/loss"))]
       for r in c.search_runs([e.experiment_id])}
print(json.dumps(out))
"""
    runs = mlflow_run(ORACLE, code, target.uri if target.kind == "sqlite" else target.psycopg2)
    assert runs["plain"] == [{}, "FINISHED", 100] and runs["restarted"][2] == 80
    tuned = runs["tuned/trial"]
    assert tuned[0] == {"lr": "0.125", "layers": "3", "opt": "adam", "nesterov": "True", "tiny": "1e-07"}


@pytest.mark.parametrize("seed", range(6))
def test_restarts_purge_as_in_tensorboard(run_bulk, new_sqlite_db, tmp_path, seed):
    rng = np.random.default_rng(seed)
    root = tmp_path / "logs"
    for n in range(12):
        for part in range(int(rng.integers(1, 4))):
            events = logs.random_restarts(rng, [None, 1, 2, 2][n % 4])
            logs.write_events(root / f"run{n}" / f"events.out.tfevents.{1700000000 + part}.host", events)
    db = new_sqlite_db(MLFLOW_HEADS[ORACLE])
    check_summary(run_bulk("import", root, "--to", db.uri, "--json", check=0), db=db)
    check_rows(db, root)


def test_a_truncated_record_is_the_normal_end(run_bulk, new_sqlite_db, tmp_path):
    root = tmp_path / "logs"
    logs.write_tensorboardx(root / "a", 30)
    (path,) = (root / "a").iterdir()
    whole = path.read_bytes()
    for n, cut in enumerate((1, 3, 5, 13, 17, 40)):
        target = root / f"cut{n}"
        target.mkdir()
        (target / path.name).write_bytes(whole[:-cut])
    db = new_sqlite_db(MLFLOW_HEADS[ORACLE])
    check_summary(run_bulk("import", root, "--to", db.uri, "--json", check=0), db=db)
    check_rows(db, root)


@pytest.mark.parametrize("where", ["length", "length checksum", "data", "data checksum"])
def test_damage_is_told_with_its_place_and_ends_the_file(run_bulk, new_sqlite_db, tmp_path, where):
    root = tmp_path / "logs"
    logs.write_tensorboardx(root / "a", 30)
    (path,) = (root / "a").iterdir()
    offset, data = list(logs.records(path))[10]
    at = offset + {"length": 1, "length checksum": 9, "data": 15, "data checksum": 12 + len(data)}[where]
    damaged = bytearray(path.read_bytes())
    damaged[at] ^= 0x40
    path.write_bytes(damaged)
    db = new_sqlite_db(MLFLOW_HEADS[ORACLE])
    stopped = run_bulk("import", root, "--to", db.uri, check=65)
    assert f"the record at byte {offset} is damaged" in stopped.stderr
    result = run_bulk("import", root, "--to", db.uri, "--on-error", "skip", "--json", check=2)
    (note,) = notes(check_summary(result), "reject")
    assert note["code"] == "bad-record" and note["path"] == f"a/{path.name}"
    check_rows(db, root)  # TensorBoard, too, stops there


def test_what_is_no_event_or_no_number_is_told(run_bulk, new_sqlite_db, tmp_path):
    path = tmp_path / "logs/a/events.out.tfevents.1.x"
    good = logs.scalar_event(1, logs.T0, a=0.5)
    pair = logs.event_pb2.Event(wall_time=logs.T0, step=2)
    pair.summary.value.append(logs.tensor_value("pair", np.float32([1, 2])))
    text = logs.event_pb2.Event(wall_time=logs.T0, step=3)
    text.summary.value.append(logs.tensor_value("text", "x"))
    logs.write_events(path, [good, pair, text])
    path.write_bytes(path.read_bytes() + logs.frame(b"\xff\xff") + logs.frame(good.SerializeToString()))
    db = new_sqlite_db(MLFLOW_HEADS[ORACLE])
    result = run_bulk("import", path.parents[1], "--to", db.uri, "--on-error", "skip", "--json", check=2)
    summary = check_summary(result, db=db)
    assert sorted(n["code"] for n in notes(summary, "reject")) == ["bad-record", "bad-value", "bad-value"]
    assert counts(summary, "inserted")["metrics"] == 1 and counts(summary, "rejected")["metrics"] == 3


def test_one_file_is_the_run_of_its_folder(run_bulk, new_sqlite_db, logdir):
    db = new_sqlite_db()
    run_bulk("import", logdir, "--to", db.uri, "--json", check=0)
    (path,) = (logdir / "plain").iterdir()
    again = run_bulk("import", path, "--to", db.uri, "--json", check=0).json
    assert counts(again, "inserted") == {} and counts(again, "present")["runs"] == 1


def test_a_logdir_without_events_is_said(run_bulk, tmp_path):
    (tmp_path / "logs").mkdir()
    none = run_bulk("import", tmp_path / "logs", "--format", "tensorboard", "--to", f"sqlite:///{tmp_path}/x.db", check=66)
    assert "no event files" in none.stderr
    shutil.rmtree(tmp_path / "logs")
