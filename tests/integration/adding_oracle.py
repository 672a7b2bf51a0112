"""What MLflow's own store makes of calls, one by one, run in a release's venv by test_adding.py.

Usage: adding_oracle.py begin PLAN URI    makes the experiments that are there before; prints nothing of use
       adding_oracle.py calls PLAN URI    makes the plan's calls in order; prints which params, of which run, were refused
                                          for their value
PLAN is the JSON file that test_adding.plan() makes: {"now", "before": [names], "segments": [{"calls", "deleted",
"restored"}]}. The clock stands still at "now", and runs get the ids that their lines have, so that what is left can be
compared. The last line printed is a JSON document.
"""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

from mlflow.entities import Dataset, DatasetInput, ExperimentTag, InputTag, Metric, Param, RunStatus, RunTag
from mlflow.exceptions import MlflowException
from mlflow.store.tracking import sqlalchemy_store
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore


def experiment(store, line):
    found = store.get_experiment_by_name(line["name"])
    tags = line.get("tags", {})
    if found is None:
        store.create_experiment(line["name"], line["artifact_location"], [ExperimentTag(*t) for t in tags.items()])
        return
    for key, value in tags.items():
        store.set_experiment_tag(found.experiment_id, ExperimentTag(key, value))


def run(store, line):
    """Its line may come again, and says the same then."""
    own, experiment_id = store._made, store.get_experiment_by_name(line["experiment"]).experiment_id
    if line["run_id"] in own:
        return
    own.add(line["run_id"])
    real, sqlalchemy_store.uuid = sqlalchemy_store.uuid, SimpleNamespace(
        uuid4=lambda: SimpleNamespace(hex=line["run_id"])
    )
    try:
        store.create_run(experiment_id, line["user"], line["start_time"], [], line["name"])
    finally:
        sqlalchemy_store.uuid = real


def dataset(store, line):
    tags = dict(line["tags"])
    if "context" in line:
        tags["mlflow.data.context"] = line["context"]
    made = Dataset(line["name"], line["digest"], line["source_type"], line["source"], line["schema"], line["profile"])
    store.log_inputs(line["run_id"], [DatasetInput(made, [InputTag(*t) for t in tags.items()])])


def metrics(store, line):
    for key, value in line["values"].items():
        store.log_metric(line["run_id"], Metric(key, float(value), line["timestamp"], line["step"]))


def points(store, line):
    for step, timestamp, value in zip(line["step"], line["timestamp"], line["value"], strict=True):
        store.log_metric(line["run_id"], Metric(line["key"], float(value), timestamp, step))


DO = {
    "experiment": experiment,
    "run": run,
    "dataset": dataset,
    "metric": lambda s, c: s.log_metric(c["run_id"], Metric(c["key"], float(c["value"]), c["timestamp"], c["step"])),
    "metrics": metrics,
    "points": points,
    "param": lambda s, c: s.log_param(c["run_id"], Param(c["key"], c["value"])),
    "tag": lambda s, c: s.set_tag(c["run_id"], RunTag(c["key"], c["value"])),
    "end": lambda s, c: s.update_run_info(c["run_id"], RunStatus.from_string(c["status"]), c.get("end_time"), None),
}


def go(store, plan):
    """Whatever the store refuses is left out: params with another value, everything of runs deleted or unknown."""
    store._made = set()
    refused = []
    for segment in plan["segments"]:
        for call in segment["calls"]:
            try:
                DO[call["type"]](store, call)
            except MlflowException as e:
                assert e.error_code in ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST"), (call, e)
                if "Changing param values is not allowed" in str(e):
                    refused.append((call["run_id"], call["key"]))
        for run_id in segment["deleted"]:
            store.delete_run(run_id)
        for run_id in segment["restored"]:
            store.restore_run(run_id)
    return refused


if __name__ == "__main__":
    what, plan_file, uri = sys.argv[1:]
    plan = json.loads(Path(plan_file).read_text())
    store = SqlAlchemyStore(uri, "/artifacts")
    sqlalchemy_store.get_current_time_millis = lambda: plan["now"]
    if what == "begin":
        for name in plan["before"]:
            store.create_experiment(name, None, [])
        print("{}")
    else:
        print(json.dumps(go(store, plan)))
