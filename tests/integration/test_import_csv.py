"""Tables of metrics: files as Python's csv module, pandas and json write them, read back by the real MLflow."""

import csv
import json
import math
import os
import random
import shutil
import subprocess

import pytest
from databases import rows_by_table
from programs import MLFLOW_HEADS, ORACLE, mlflow_run
from summaries import check_summary, counts, notes

T0 = 1700000000
MS = T0 * 1000


def keras_csv_logger(path, epochs, append=False):
    """As keras.callbacks.CSVLogger writes: DictWriter, "NA" for what an epoch has not."""
    with open(path, "a" if append else "w", newline="") as f:
        writer = csv.DictWriter(f, fieldnames=["epoch", "accuracy", "loss", "val_loss"])
        writer.writeheader()
        for epoch, logs in epochs:
            writer.writerow({"epoch": epoch} | {k: logs.get(k, "NA") for k in ("accuracy", "loss", "val_loss")})


def lightning_csv_logger(folder, rows, hparams):
    """As lightning's CSVLogger writes: every key a column, what a row has not is empty."""
    folder.mkdir(parents=True)
    keys = sorted({k for row in rows for k in row})
    with open(folder / "metrics.csv", "w", newline="") as f:
        writer = csv.DictWriter(f, fieldnames=keys)
        writer.writeheader()
        writer.writerows(rows)
    (folder / "hparams.yaml").write_text(hparams)


def read_back(uri):
    """{run name: {"params", "tags", "histories": {key: [[step, timestamp, value]]}, ...}} as MLflow's client sees."""
    code = """
import json, sys, mlflow
from mlflow.tracking import MlflowClient
client = MlflowClient(tracking_uri=sys.argv[1])
out = {}
for e in client.search_experiments():
    for r in client.search_runs([e.experiment_id]):
        h = {k: [[m.step, m.timestamp, str(m.value)] for m in client.get_metric_history(r.info.run_id, k)]
             for k in r.data.metrics}
        out[r.info.run_name] = {"params": r.data.params, "tags": r.data.tags, "histories": h,
                                "latest": {k: str(v) for k, v in r.data.metrics.items()}, "status": r.info.status,
                                "experiment": e.name, "times": [r.info.start_time, r.info.end_time]}
print(json.dumps(out))
"""
    return mlflow_run(ORACLE, code, uri)


def client_uri(db):
    return db.uri if db.kind == "sqlite" else db.psycopg2


@pytest.fixture
def logs(tmp_path):
    """A folder with a run of every kind that is recognised."""
    root = tmp_path / "logs"
    rows = [{"epoch": 0, "step": 9, "train_loss": 0.5}, {"epoch": 0, "step": 9, "val_loss": 0.75}]
    lightning_csv_logger(root / "pl/version_0", rows, "lr: 0.001\nlayers: [16, 32]\nopt:\n  name: adam\n")
    lightning_csv_logger(root / "pl/version_1", rows, "{}\n")
    keras_csv_logger(root / "keras.csv", [(0, {"accuracy": 0.5, "loss": 1.5}), (1, {"loss": math.nan})])
    keras_csv_logger(root / "keras.csv", [(2, {"accuracy": 0.75, "loss": 1.25, "val_loss": 1e-9})], append=True)
    (root / "yolo/train").mkdir(parents=True)
    (root / "yolo/train/results.csv").write_text(
        "                  epoch,         train/box_loss,       metrics/mAP50(B)\n"
        "                      1,                 1.2345,                 0.5\n"
    )
    (root / "yolo/train/args.yaml").write_text("task: detect\nlr0: 0.01\nresume: false\n")
    for n in (5, 10):
        (root / f"hf/checkpoint-{n}").mkdir(parents=True)
        state = {"epoch": 1.0, "log_history": [{"epoch": 0.5, "loss": 2.5, "step": s} for s in range(5, n + 1, 5)]}
        (root / f"hf/checkpoint-{n}/trainer_state.json").write_text(json.dumps(state, indent=2))
    (root / "ray/PPO_0").mkdir(parents=True)
    (root / "ray/PPO_0/params.json").write_text(json.dumps({"lr": 5e-5, "model": {"fcnet": [64, 64]}}))
    with open(root / "ray/PPO_0/result.json", "w") as f:
        for i in (1, 2):
            row = {"training_iteration": i, "timestamp": T0 + i, "done": False, "date": "2023-11-14_22-13-20"}
            f.write(json.dumps(row | {"info": {"loss": -math.inf}, "config": {"lr": 5e-5}}) + "\n")
    os.utime(root / "pl/version_0/metrics.csv", (T0, T0))
    with open(root / "long.csv", "w", newline="") as f:
        writer = csv.writer(f)
        writer.writerow(["run", "key", "step", "timestamp", "value"])
        for i in range(10):
            writer.writerow([f"sweep {i % 2}", 'quoted "loss", really', i, (T0 + i) * 1000, i / 8])
    return root


def test_every_kind_is_read_back_by_mlflow(run_bulk, target, logs):
    result = run_bulk("import", logs, "--to", target.uri, "--json", check=0)
    check_summary(result, db=target)
    assert result.json["format"] == "csv"
    runs = read_back(client_uri(target))
    assert set(runs) == {"pl/version_0", "pl/version_1", "keras", "yolo/train", "hf", "ray/PPO_0", "sweep 0", "sweep 1"}
    assert {r["experiment"] for r in runs.values()} == {"logs"} and {r["status"] for r in runs.values()} == {"FINISHED"}
    pl, keras, ray, sweep = (runs[n] for n in ("pl/version_0", "keras", "ray/PPO_0", "sweep 1"))
    assert pl["histories"] == {
        "epoch": [[9, MS, "0.0"]], "train_loss": [[9, MS, "0.5"]], "val_loss": [[9, MS, "0.75"]]
    }  # fmt: skip
    assert pl["params"] == {"lr": "0.001", "layers": "[16, 32]", "opt/name": "adam"} and pl["times"] == [MS] * 2
    assert pl["tags"]["mlflow.source.name"] == "pl/version_0/metrics.csv"
    assert [[s, v] for s, _, v in keras["histories"]["loss"]] == [[0, "1.5"], [1, "nan"], [2, "1.25"]]
    assert [[s, v] for s, _, v in keras["histories"]["accuracy"]] == [[0, "0.5"], [2, "0.75"]]
    assert runs["yolo/train"]["latest"] == {"train/box_loss": "1.2345", "metrics/mAP50B": "0.5"}
    assert runs["yolo/train"]["params"] == {"task": "detect", "lr0": "0.01", "resume": "False"}
    assert [s for s, _, _ in runs["hf"]["histories"]["loss"]] == [5, 10]
    assert ray["histories"]["info/loss"] == [[i, (T0 + i) * 1000, str(-1.7976931348623157e308)] for i in (1, 2)]
    assert ray["params"]["lr"] == "5e-05" and ray["times"] == [(T0 + 1) * 1000, (T0 + 2) * 1000]
    assert sweep["histories"] == {"quoted _loss__ really": [[i, (T0 + i) * 1000, str(i / 8)] for i in (1, 3, 5, 7, 9)]}


def test_importing_again_changes_nothing(run_bulk, target, logs):
    first = run_bulk("import", logs, "--to", target.uri, "--json", check=0).json
    before = rows_by_table(target)
    second = check_summary(run_bulk("import", logs, "--to", target.uri, "--json", check=0), before, target)
    assert counts(second, "inserted") == {} and counts(second, "present") == counts(first, "inserted")


def test_one_file_of_a_folder_is_the_run_it_was(run_bulk, new_sqlite_db, logs):
    db = new_sqlite_db()
    run_bulk("import", logs / "pl", "--to", db.uri, "--json", check=0)
    again = run_bulk("import", logs / "pl/version_0/metrics.csv", "--to", db.uri, "--json", check=0).json
    assert counts(again, "present")["runs"] == 1 and counts(again, "inserted") == {}


def test_artifacts_have_the_place_that_mlflow_would_give_them(run_bulk, target, tmp_path):
    """In a new experiment as its create_experiment has it, in one that is there as its create_run."""
    for name in ("new", "old"):
        (tmp_path / f"{name}.csv").write_text("step,loss\n1,2\n")
    target.query(
        "INSERT INTO experiments (experiment_id, name, artifact_location, lifecycle_stage, creation_time,"
        " last_update_time) VALUES (7, 'old', 's3://bucket/a?x=1', 'active', 1, 1)"
        + (" RETURNING 1" if target.kind == "postgres" else "")
    )
    for _ in range(2):
        for name in ("new", "old"):
            run_bulk("import", tmp_path / f"{name}.csv", "--to", target.uri, check=0)
    rows = target.query("SELECT e.name, experiment_id, artifact_location, run_uuid, artifact_uri"
                        " FROM experiments e JOIN runs USING (experiment_id) ORDER BY e.name")  # fmt: skip
    (_, new_id, location, new_run, new_uri), (_, _, _, old_run, old_uri) = rows
    root = "mlflow-artifacts:" if target.kind == "postgres" else f"{target.path.parent}/mlruns"
    assert location == f"{root}/{new_id}" and new_uri == f"{location}/{new_run}/artifacts"
    assert old_uri == f"s3://bucket/a/{old_run}/artifacts?x=1"


def test_an_experiment_whose_place_leaves_its_runs_no_room(run_bulk, new_pg_db, tmp_path):
    """A location may have 256 characters, a run's, which is longer by 43, 200: PostgreSQL would refuse the batch."""
    db = new_pg_db(MLFLOW_HEADS[ORACLE])
    (tmp_path / "t.csv").write_text("step,loss\n0,1\n")
    for length, code in ((158, 65), (157, 0)):
        db.query("DELETE FROM experiments")
        db.query("INSERT INTO experiments (name, artifact_location, lifecycle_stage) VALUES ('t', %s, 'active')", ("/" + "x" * (length - 1),))
        done = run_bulk("import", tmp_path / "t.csv", "--to", db.uri)
        assert done.returncode == code, done.explain()
        assert code == 0 or "201 characters" in done.stderr and "runs.artifact_uri holds 200" in done.stderr, done.explain()
    assert db.query("SELECT length(artifact_uri) FROM runs") == [(200,)]


def test_a_table_that_has_grown_adds_what_is_new(run_bulk, target, tmp_path):
    table = tmp_path / "t.csv"
    rows = [f"{i},{T0 + i},{i / 4}\n" for i in range(10)]
    table.write_text("step,wall_time,loss\n" + "".join(rows[:6]))
    run_bulk("import", table, "--to", target.uri, "--json", check=0)
    table.write_text("step,wall_time,loss\n" + "".join(rows))
    grown = check_summary(run_bulk("import", table, "--to", target.uri, "--json", check=0))
    assert counts(grown, "inserted")["metrics"] == 4 and counts(grown, "present")["metrics"] == 6
    assert target.query("SELECT end_time FROM runs") == [((T0 + 9) * 1000,)]


def keeps_births(path):
    """Does the file system know when a file began to be?"""
    return int(subprocess.run(["stat", "-c", "%W", path], capture_output=True, text=True, check=True).stdout) > 0


def test_a_table_without_times_has_those_of_its_file(run_bulk, target, tmp_path):
    """Its points are of the time when the file began, which stays when it grows; or, older, when a copy was changed."""
    table = tmp_path / "t.csv"
    table.write_text("step,loss\n1,2\n")
    run_bulk("import", table, "--to", target.uri, check=0)
    with open(table, "a") as f:
        f.write("2,3\n")
    os.utime(table, (os.stat(table).st_mtime + 60,) * 2)
    grown = run_bulk("import", table, "--to", target.uri, "--json", check=0 if keeps_births(table) else 65)
    if keeps_births(table):
        assert counts(check_summary(grown), "inserted")["metrics"] == 1
        [(first, last, n)] = target.query("SELECT min(timestamp), max(timestamp), count(*) FROM metrics")
        assert first == last and n == 2
        assert target.query("SELECT end_time - start_time >= 60000 FROM runs")[0][0]
    os.utime(table, (T0, T0))
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copy2(table, copy / "u.csv")
    run_bulk("import", copy / "u.csv", "--to", target.uri, check=0)
    assert target.query("SELECT DISTINCT timestamp FROM metrics ORDER BY 1")[0] == (MS,)
    again = shutil.copy2(copy / "u.csv", tmp_path / "u.csv")
    same = run_bulk("import", again, "--to", target.uri, "--json", check=0).json
    assert counts(same, "present")["runs"] == 1


def test_tables_among_the_artifacts_of_runs_are_left_alone(run_bulk, new_sqlite_db, tmp_path):
    run = tmp_path / "mlruns/0" / ("0123456789abcdef" * 2)
    for folder in (run / "artifacts", run / "artifacts/deeper", tmp_path / "mlruns/mine/artifacts"):
        folder.mkdir(parents=True)
        (folder / "results.csv").write_text("epoch,loss\n1,2\n")
    db = new_sqlite_db()
    done = run_bulk("import", tmp_path / "mlruns", "--format", "csv", "--to", db.uri, "--json", check=0)
    assert check_summary(done)["ignored"] == {"artifact folders of MLflow's runs": 1}
    assert db.query("SELECT name FROM runs") == [("mine/artifacts",)]
    run_bulk("import", run / "artifacts", "--format", "csv", "--to", db.uri, check=0)  # unless they are what is meant
    assert db.query("SELECT count(*) FROM runs") == [(3,)]


def pandas_frames(folder, seed):
    """Random frames in pandas' dialects, and what pandas itself reads from them: {file: {column: [[step, value]]}}."""
    code = """
import json, random, sys
import numpy as np, pandas as pd
folder, seed = sys.argv[1], int(sys.argv[2])
rng, out = np.random.default_rng(seed), {}
for n in range(8):
    rows = int(rng.integers(1, 400))
    frame = pd.DataFrame({"step": np.sort(rng.integers(-5, 10**12, rows))})
    for c in range(int(rng.integers(1, 12))):
        v = rng.standard_normal(rows) * 10.0 ** rng.integers(-300, 300, rows)
        v[rng.random(rows) < 0.2] = np.nan
        v[rng.random(rows) < 0.05] = np.inf
        frame[f'm{c} "x"{"," * (c % 2)}'] = v
    frame["host"] = ["a,b", 'c"d', "e\\nf"][n % 3]
    path = f"{folder}/f{n}.csv"
    sep = ",;\\t|"[n % 4]
    frame.to_csv(path, sep=sep, index=bool(n & 1), na_rep=["", "NA"][n // 2 % 2], quoting=[0, 1, 2, 0][n // 4],
                 lineterminator=["\\n", "\\r\\n"][n % 2], encoding=["utf-8", "utf-8-sig"][n // 4])
    back = pd.read_csv(path, sep=sep, float_precision="round_trip", encoding="utf-8-sig")
    out[f"f{n}"] = {c: [[int(s), repr(float(v))] for s, v in zip(back["step"], back[c]) if v == v]
                    for c in back.columns if c.startswith("m")}
print(json.dumps(out))
"""
    return mlflow_run(ORACLE, code, str(folder), str(seed))


@pytest.mark.parametrize("seed", range(3))
def test_values_are_those_that_pandas_reads(run_bulk, new_sqlite_db, tmp_path, seed):
    db = new_sqlite_db(MLFLOW_HEADS[ORACLE])
    expected = pandas_frames(tmp_path, seed)
    result = run_bulk("import", tmp_path, "--to", db.uri, "--json", check=0)
    check_summary(result, db=db)
    big = 1.7976931348623157e308
    for name, columns in expected.items():
        for column, points in columns.items():
            key = column.replace('"', "_").replace(",", "_")
            found = db.query(
                "SELECT m.step, m.value FROM metrics m JOIN runs r USING (run_uuid) WHERE r.name = %s AND m.key = %s"
                " ORDER BY m.step, m.value",
                (name, key),
            )
            wanted = {(s, max(-big, min(big, float(v)))) for s, v in points}
            assert set(found) == wanted and len(found) == len(wanted), (name, column)


def test_mixed_runs_are_each_whole(run_bulk, target, tmp_path):
    rng = random.Random(7)
    rows = [(f"r{rng.choice([0, 0, 0, 1, 2, rng.randrange(50)])}", f"k{i % 3}", i, T0 + i, i) for i in range(60000)]
    with open(tmp_path / "big.csv", "w", newline="") as f:
        csv.writer(f).writerows([("run", "key", "step", "timestamp", "value"), *rows])
    result = run_bulk("import", tmp_path / "big.csv", "--to", target.uri, "--time-unit", "s", "--json", check=0)
    summary = check_summary(result, db=target)
    assert counts(summary, "inserted")["metrics"] == len(rows)
    assert [n for n in summary["notes"] if n["kind"] == "changed"] == []
    wanted = {}
    for run, key, step, time, value in rows:
        wanted.setdefault(run, set()).add((key, step, time * 1000, value))
    for run, points in wanted.items():
        found = target.query(
            "SELECT key, step, timestamp, value FROM metrics JOIN runs USING (run_uuid) WHERE name = %s", (run,)
        )
        assert set(found) == points
        times = sorted(t for _, _, t, _ in points)
        assert target.query("SELECT start_time, end_time FROM runs WHERE name = %s", (run,)) == [(times[0], times[-1])]


BAD = "step,wall_time,loss\n1,1700000000,0.5\n2,never,1\nx,1700000002,2\n4,1700000003,oops\n5,1700000004\n6,1700000005,3\n"


def test_bad_rows_stop_the_import_or_are_listed(run_bulk, target, tmp_path):
    (tmp_path / "bad.csv").write_text(BAD)
    stopped = run_bulk("import", tmp_path / "bad.csv", "--to", target.uri, check=65)
    assert "bad.csv:3: 'wall_time' is 'never', which is no time" in stopped.stderr
    rejects = tmp_path / "rejects.jsonl"
    result = run_bulk(
        "import", tmp_path / "bad.csv", "--to", target.uri, "--on-error", "skip", "--rejects", rejects, "--json",
        check=2,
    )  # fmt: skip
    summary = check_summary(result)
    assert counts(summary, "inserted")["metrics"] == 2 and counts(summary, "rejected") == {"metrics": 4}
    listed = [json.loads(line) for line in rejects.read_text().splitlines()]
    assert [(n["path"], n["line"], n["code"], n["field"]) for n in listed] == [
        ("bad.csv", 3, "bad-time", "wall_time"),
        ("bad.csv", 4, "bad-step", "step"),
        ("bad.csv", 5, "bad-value", "loss"),
        ("bad.csv", 6, "bad-row", None),
    ]
    assert notes(summary, "reject") != []


def test_what_cannot_be_read_is_said(run_bulk, tmp_path):
    db = f"sqlite:///{tmp_path}/x.db"
    (tmp_path / "empty").mkdir()
    none = run_bulk("import", tmp_path / "empty", "--format", "csv", "--to", db, check=66)
    assert "no table of metrics" in none.stderr
    (tmp_path / "two").mkdir()
    for name in ("a.csv", "b.csv"):
        (tmp_path / "two" / name).write_text("step,x\n1,2\n")
    both = run_bulk("import", tmp_path / "two", "--run", "r", "--to", db, check=64)
    assert "--run" in both.stderr
    missing = run_bulk("import", tmp_path / "two/a.csv", "--step-field", "nope", "--to", db, check=65)
    assert "there is no column 'nope'" in missing.stderr
    assert not (tmp_path / "x.db").exists() or rows_by_table_of(tmp_path / "x.db") == 0


def rows_by_table_of(path):
    from databases import SqliteDatabase

    return rows_by_table(SqliteDatabase(path))["runs"]
