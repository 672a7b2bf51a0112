"""JSON lines: every type of line, read back by the real MLflow; compressed, from standard input, hostile."""

import gzip
import json
import os
import subprocess
import threading

import pytest
from databases import rows_by_table
from programs import ORACLE, mlflow_run
from summaries import check_summary, counts, notes
from test_import_csv import client_uri, read_back

RUN, OTHER, MODEL = "a" * 32, "b" * 32, "m-" + "c" * 32
HEADER = {"type": "mltrack", "version": 1, "complete": True}


def text(*lines):
    return "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)


def run_line(run_id=RUN, **more):
    return {"type": "run", "run_id": run_id, "experiment": "e", "name": "first", "user": "ann", "start_time": 5} | more


def metric(value, step=0, key="loss", run_id=RUN, timestamp=9):
    return {"type": "metric", "run_id": run_id, "key": key, "value": value, "step": step, "timestamp": timestamp}


DATASET = {"name": "d", "digest": "1", "source_type": "local", "source": "{}", "schema": "{}", "profile": "{}"}
EVERYTHING = [
    {"type": "experiment", "name": "e", "tags": {"team": "vision"}},
    run_line(params={"lr": "0.1"}, tags={"color": "blue"}),
    metric(0.5, 1),
    metric("NaN", 2),
    metric("-Infinity", 3),
    {"type": "metrics", "run_id": RUN, "step": 4, "timestamp": 10, "values": {"loss": 0.25, "acc": 1}},
    {"type": "points", "run_id": RUN, "key": "f1", "step": [1, 2], "timestamp": [11, 12], "value": [0.5, 0.75]},
    {"type": "param", "run_id": RUN, "key": "depth", "value": "3"},
    {"run_id": RUN, "key": "color", "value": "gr\u00fcn \U0001f600\n\"\u2028", "type": "tag"},
    {"type": "dataset", "run_id": RUN, **DATASET, "context": "train", "tags": {"k": "v"}},
    {"type": "model_output", "run_id": RUN, "model_id": MODEL, "step": 2},
    {"type": "end", "run_id": RUN, "end_time": 99},
    run_line(OTHER, name="second", parent_run_id=RUN, source_type="JOB"),
    {"type": "model_input", "run_id": OTHER, "model_id": MODEL},
    {"type": "logged_model", "model_id": MODEL, "experiment": "e", "name": "net", "artifact_location": "s3://b/m",
     "creation_time": 1, "last_updated_time": 2, "status": "READY", "source_run_id": RUN, "params": {"a": "b"},
     "tags": {"c": "d"}},
    {"type": "model_metric", "model_id": MODEL, "run_id": RUN, "key": "acc", "value": 1, "timestamp": 3},
    {"type": "registered_model", "name": "net", "description": "it", "tags": {"x": "y"}, "aliases": {"best": "2"}},
    {"type": "model_version", "name": "net", "version": 1, "creation_time": 1, "current_stage": "None",
     "status": "READY", "source": "s3://b/m", "run_id": RUN},
    {"type": "model_version", "name": "net", "version": 2, "creation_time": 2, "current_stage": "Production",
     "status": "READY", "source": "s3://b/m2", "tags": {"p": "q"}},
]  # fmt: skip
ROWS = {
    "experiments": 1, "experiment_tags": 1, "runs": 2, "params": 2, "tags": 4, "metrics": 7, "latest_metrics": 3,
    "datasets": 1, "inputs": 3, "input_tags": 2, "logged_models": 1, "logged_model_params": 1, "logged_model_tags": 1,
    "logged_model_metrics": 1, "registered_models": 1, "registered_model_tags": 1, "model_versions": 2,
    "model_version_tags": 1, "registered_model_aliases": 1,
}  # fmt: skip

READ_REST = """
import json, sys
from mlflow.tracking import MlflowClient
client = MlflowClient(tracking_uri=sys.argv[1], registry_uri=sys.argv[1])
run = client.get_run(sys.argv[2])
inputs = [[i.dataset.name, i.dataset.source, {t.key: t.value for t in i.tags}] for i in run.inputs.dataset_inputs]
model = client.get_logged_model(sys.argv[3])
version = client.get_model_version_by_alias("net", "best")
print(json.dumps({"inputs": inputs, "outputs": [[o.model_id, o.step] for o in run.outputs.model_outputs],
                  "model": [model.name, str(model.status), model.params, [[m.key, m.value] for m in model.metrics]],
                  "version": [int(version.version), version.current_stage, version.tags]}))
"""


def write(path, *lines):
    path.write_text(text(*lines))
    return path


@pytest.fixture
def everything(tmp_path):
    return write(tmp_path / "all.jsonl", *EVERYTHING)


def test_every_type_of_line_is_read_back_by_mlflow(run_bulk, target, everything):
    result = run_bulk("import", everything, "--to", target.uri, "--json", check=0)
    assert counts(check_summary(result, db=target), "inserted") == ROWS and result.json["format"] == "jsonl"
    runs = read_back(client_uri(target))
    first, second = runs["first"], runs["second"]
    assert first["params"] == {"lr": "0.1", "depth": "3"} and first["tags"]["color"] == "gr\u00fcn \U0001f600\n\"\u2028"
    assert first["status"] == "FINISHED" and first["times"] == [5, 99] and second["status"] == "RUNNING"
    assert first["histories"]["loss"] == [
        [1, 9, "0.5"], [2, 9, "nan"], [3, 9, str(-1.7976931348623157e308)], [4, 10, "0.25"]
    ]  # fmt: skip
    assert first["histories"]["f1"] == [[1, 11, "0.5"], [2, 12, "0.75"]] and first["latest"]["acc"] == "1.0"
    assert second["tags"]["mlflow.parentRunId"] == RUN
    rest = mlflow_run(ORACLE, READ_REST, client_uri(target), RUN, MODEL)
    assert rest["inputs"] == [["d", "{}", {"mlflow.data.context": "train", "k": "v"}]]
    assert rest["outputs"] == [[MODEL, 2]] and rest["version"] == [2, "Production", {"p": "q"}]
    assert rest["model"] == ["net", "READY", {"a": "b"}, [["acc", 1.0]]]


def test_importing_again_changes_nothing(run_bulk, target, everything):
    run_bulk("import", everything, "--to", target.uri, "--json", check=0)
    before = target.dump()
    again = run_bulk("import", everything, "--to", target.uri, "--json", check=0).json
    assert counts(again, "inserted") == {} and target.dump() == before


def packed(data, how):
    if how == "plain":
        return data
    if how == "gzip, two members":
        return gzip.compress(data[:700]) + gzip.compress(data[700:])
    done = subprocess.run(["zstd", "-q", "-19"], input=data, stdout=subprocess.PIPE, check=True)
    return done.stdout


@pytest.mark.parametrize("way", ["file", "standard input", "fifo"])
@pytest.mark.parametrize("how", ["plain", "gzip, two members", "zstd"])
def test_compression_is_seen_by_content_from_anywhere(run_bulk, new_sqlite_db, tmp_path, how, way):
    db, data = new_sqlite_db(), packed(text(*EVERYTHING).encode(), how)
    path = tmp_path / "store"  # no suffix says what it is
    if way == "fifo":
        os.mkfifo(path)
        writer = threading.Thread(target=path.write_bytes, args=(data,))
        writer.start()
        result = run_bulk("import", path, "--to", db.uri, "--json", check=0)
        writer.join()
    else:
        path.write_bytes(data)
        with open(path, "rb") as f:
            source = "-" if way == "standard input" else path
            result = run_bulk("import", source, "--to", db.uri, "--json", check=0, stdin=f)
    assert counts(check_summary(result, db=db), "inserted") == ROWS


def test_a_pipe_that_gives_little_at_a_time(run_bulk, new_sqlite_db, everything):
    db, data = new_sqlite_db(), everything.read_bytes()
    code = "import sys, time\nfor i in range(0, %d, 97):\n sys.stdout.buffer.write(%r[i:i + 97])\n sys.stdout.flush()"
    feeder = subprocess.Popen(["python3", "-c", code % (len(data), data)], stdout=subprocess.PIPE)
    result = run_bulk("import", "-", "--format", "jsonl", "--to", db.uri, "--json", check=0, stdin=feeder.stdout)
    assert feeder.wait() == 0 and counts(result.json, "inserted") == ROWS


def test_complete_runs_are_loaded_as_any_stores(run_bulk, new_sqlite_db, tmp_path):
    """A new SQLite file is built at once, and another state of the run is a conflict."""
    lines = [HEADER, {"type": "experiment", "name": "e"}]
    for i in range(20):
        lines += [run_line(f"{i:032x}", status="FINISHED"), metric(i, run_id=f"{i:032x}"), {"type": "end", "run_id": f"{i:032x}"}]  # fmt: skip
    path, db = write(tmp_path / "c.jsonl", *lines), tmp_path / "new.db"
    made = run_bulk("import", path, "--to", f"sqlite:///{db}", "--json", check=0).json
    assert counts(made, "inserted")["runs"] == 20 and made["load"] == "rebuild"
    lines[3]["value"] = 7
    result = run_bulk("import", write(path, *lines), "--to", f"sqlite:///{db}", "--json", "--on-error", "skip", check=2)
    (conflict,) = notes(result.json, "conflict")
    assert conflict["code"] == "run-conflict" and counts(result.json, "present")["runs"] == 19


@pytest.mark.parametrize("how", ["gzip", "zstd"])
def test_a_stream_that_is_cut_off_is_told(run_bulk, new_sqlite_db, tmp_path, how):
    db, path = new_sqlite_db(), tmp_path / "x.jsonl.packed"
    lines = text(run_line(), *(metric(i, i) for i in range(5000))).encode()
    data = packed(lines, how) if how == "zstd" else gzip.compress(lines)
    path.write_bytes(data[: len(data) // 2])
    assert "it is cut off there" in run_bulk("import", path, "--to", db.uri, check=65).stderr
    skipped = run_bulk("import", path, "--to", db.uri, "--on-error", "skip", "--json", check=2).json
    (note,) = notes(skipped, "reject")
    assert note["code"] == "bad-compression"
    if how == "gzip":  # zstd's one block is not there at all
        assert 0 < rows_by_table(db)["metrics"] == note["line"] - 1 < 5000


def test_bombs_are_refused(run_bulk, new_sqlite_db, tmp_path):
    path = tmp_path / "x.jsonl.zst"
    blank = b" " * 1023 + b"\n"
    path.write_bytes(packed(text(run_line()).encode() + blank * 100_000, "zstd"))
    done = run_bulk("import", path, "--to", new_sqlite_db().uri, check=65)
    assert "unpacks to more than 1000 times its size" in done.stderr and "zstd -dc FILE | mltrack-bulk import -" in done.stderr


def test_what_is_no_source(run_bulk, new_sqlite_db, tmp_path):
    to = new_sqlite_db().uri
    (tmp_path / "empty.jsonl").write_text("\n")
    assert "there is no line in it" in run_bulk("import", tmp_path / "empty.jsonl", "--to", to, check=65).stderr
    run_bulk("import", tmp_path / "none.jsonl", "--format", "jsonl", "--to", to, check=66)
    run_bulk("import", tmp_path, "--format", "jsonl", "--to", to, check=66)
    assert "there is no line in it" in run_bulk("import", "-", "--to", to, check=65).stderr


@pytest.mark.parametrize("way", ["file", "standard input"])
@pytest.mark.parametrize("how", ["plain", "gzip, two members", "zstd"])
def test_rows_of_metrics(run_bulk, new_sqlite_db, tmp_path, how, way):
    """The wide form; NaN as Python's json writes it."""
    rows = [{"step": i, "time": 1700000000 + i, "loss": 1 / (i + 1), "val": {"acc": i / 8}} for i in range(8)]
    rows[3]["loss"] = float("nan")
    path, db = tmp_path / "wide.jsonl", new_sqlite_db()
    path.write_bytes(packed(text("", *rows, '{"step":9,"loss":"high"}').encode(), how))
    options = ("--experiment", "lab", "--run", "monday", "--time-unit", "s", "--on-error", "skip", "--json")
    with open(path, "rb") as f:
        source = "-" if way == "standard input" else path
        result = run_bulk("import", source, "--to", db.uri, *options, check=2, stdin=f)
    (run,) = read_back(client_uri(db)).values()
    assert run["experiment"] == "lab" and run["tags"]["mlflow.runName"] == "monday"
    assert run["times"] == [1700000000_000, 1700000007_000]
    assert run["histories"]["val/acc"] == [[i, (1700000000 + i) * 1000, str(i / 8)] for i in range(8)]
    assert [v for _, _, v in run["histories"]["loss"]][2:5] == [str(1 / 3), "nan", "0.2"]
    assert {n["line"] for n in notes(result.json, "reject")} == {10}


def test_memory_stays_bounded_whatever_the_lines(bulk, new_sqlite_db, tmp_path):
    """A million metrics of many runs, interleaved: 100 MiB of lines in windows of 8."""
    path = tmp_path / "many.jsonl"
    ids = [f"{i:032x}" for i in range(100)]
    with open(path, "w") as f:
        f.write(text(*(run_line(i) for i in ids)))
        for i in range(300_000):
            f.write(f'{{"type":"metric","run_id":"{ids[i % 100]}","key":"k{i % 7}","value":{i},"step":{i},"timestamp":1}}\n')
    command = [str(bulk), "import", str(path), "--to", new_sqlite_db().uri, "--dry-run", "--memory", "32M", "--quiet"]
    done = subprocess.run(["/usr/bin/env", "time", "-f", "%M", *command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stderr.split()[-1]) < 150 * 1024
