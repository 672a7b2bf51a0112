"""Fills a database with what mlflow-export-import exports. Runs inside an MLflow release's own interpreter:

    make_export_store.py URI  ->  on the last line of output, ids of what was made

URI is a tracking server's. Two experiments, runs with every kind of value, nested runs, inputs, a registry with stages,
aliases and tags, and with MLflow 3 a logged model.
"""

import json
import sys

from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.tracking import MlflowClient

T0 = 1_700_000_000_000
NAN, INF = float("nan"), float("inf")
TEXTS = {
    "plain": "0.1",
    "empty": "",
    "newline": "first\nsecond\r\n",
    "blanks": " \t ",
    "wide": "\u00e9\u4e2d\U0001f600" * 50,
    "long": "x" * 5000,
    "a/b/c": "nested",
    "quotes": "'\"\\ \\N \\u0041 %s",
    "control": "\x01\x1b[31m\x7f",
    "json": '{"a": [1, {"b": null}]}',
    "K" * 250: "longest key",
}
POINTS = {
    "loss": [(1 / (i + 1), T0 + i, i) for i in range(10000)],
    "val/f1 score": [(0.5, T0, 0)],
    "special": [(NAN, T0, 0), (INF, T0, 1), (-INF, T0, 2), (5e-324, T0, 3), (1e308, T0, 4), (-0.0, T0, 5)],
    "nan is latest": [(-1.0, T0, 0), (NAN, T0 + 1, 0)],
    "steps": [(1.0, T0, -5), (2.0, T0, 2**63 - 1), (3.0, T0, -(2**63)), (1 / 3, T0 + 1, 7)],
    "same step": [(v, T0, 1) for v in (3.0, 9.0, -2.0, 123456789.123456789, 1e22)],
}
STATUSES = ("FINISHED", "FAILED", "KILLED", "RUNNING", "SCHEDULED")


def run(client, experiment_id, i, parent=None):
    tags = {"team": f"t{i}", "note \u00e9": "x"}
    if parent:
        tags["mlflow.parentRunId"] = parent
    made = client.create_run(experiment_id, start_time=T0 + i, tags=tags, run_name=f"run {i}")
    run_id = made.info.run_id
    client.log_batch(
        run_id,
        params=[Param(k, v) for k, v in TEXTS.items()] if i == 0 else [Param("i", str(i))],
        tags=[RunTag(k, v) for k, v in TEXTS.items()] if i == 0 else [],
    )
    points = [Metric(k, v, t, s) for k, p in POINTS.items() for v, t, s in p] if i == 0 else [Metric("m", i, T0, 0)]
    for at in range(0, len(points), 1000):
        client.log_batch(run_id, metrics=points[at : at + 1000])
    if i != 3:
        client.set_terminated(run_id, STATUSES[i % 3], end_time=T0 + 1000 + i)
    return run_id


def inputs(client, run_id):
    dataset = Dataset("train", "d1", "local", "file:///d", schema='{"x": 1}', profile="p")
    client.log_inputs(run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])])
    client.log_inputs(run_id, [DatasetInput(Dataset("eval", "d2", "s3", "s3://b/d"), [])])


def registry(client, run_ids):
    client.create_registered_model("digits", tags={"team": "vision"}, description="a model\nof digits")
    client.create_registered_model("bare")
    for i, run_id in enumerate(run_ids):
        client.create_model_version(
            "digits", f"runs:/{run_id}/model", run_id, tags={"reviewed": str(i)}, description=f"version {i}"
        )
    client.transition_model_version_stage("digits", "1", "Staging")
    client.transition_model_version_stage("digits", "2", "Production")
    client.set_registered_model_alias("digits", "champion", "2")
    client.set_registered_model_alias("digits", "challenger", "1")


def logged_model(client, experiment_id, run_id):
    model = client.create_logged_model(
        experiment_id, "net", run_id, tags={"kind": "cnn"}, params={"depth": "3"}, model_type="agent"
    )
    client.log_metric(run_id, "holdout", 0.75, T0, 1, dataset_name="eval", dataset_digest="d2", model_id=model.model_id)
    client.finalize_logged_model(model.model_id, "READY")
    return model.model_id


def main(uri):
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    first = client.create_experiment("first \u00e9", tags={"owner": "a", "mlflow.note.content": "text"})
    second = client.create_experiment("second", artifact_location="file:///nowhere/second")
    runs = [run(client, first, i) for i in range(5)]
    child = run(client, second, 5, parent=runs[0])
    inputs(client, runs[0])
    inputs(client, runs[1])
    inputs(client, child)
    registry(client, [runs[0], runs[1], child])
    models = [logged_model(client, first, runs[0])] if hasattr(client, "create_logged_model") else []
    print(json.dumps({"first": first, "second": second, "runs": runs, "child": child, "models": models}))


main(sys.argv[1])
