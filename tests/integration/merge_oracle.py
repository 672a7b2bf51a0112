"""What MLflow itself makes of calls on runs that exist, run in a release's venv by test_merge.py.

Usage: merge_oracle.py begin PLAN URI    makes the plan's runs, logs what each has before; prints their rows
       merge_oracle.py go-on PLAN URI    logs what each gets afterwards, one call a param and in order otherwise
PLAN is the JSON file that test_merge.plan() makes. The last line printed is a JSON document.
"""

import json
import sys
from pathlib import Path

from mlflow.entities import Dataset, DatasetInput, ExperimentTag, InputTag, Metric, Param, RunStatus, RunTag
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore


def log(store, run_id, what):
    """Whatever the store refuses is left out: params with another value, everything of a deleted run."""
    points = [Metric(key, value, timestamp, step) for key, timestamp, value, step in what["points"]]
    calls = [lambda: store.log_batch(run_id, points, [], [])]
    calls += [lambda k=k, v=v: store.log_param(run_id, Param(k, v)) for k, v in what["params"].items()]
    calls += [lambda: store.log_batch(run_id, [], [], [RunTag(k, v) for k, v in what["tags"].items()])]
    for name, digest, tags in what["inputs"]:
        used = DatasetInput(
            Dataset(name, digest, "local", '{"uri": "/d"}', None, None), [InputTag(k, v) for k, v in tags.items()]
        )
        calls.append(lambda used=used: store.log_inputs(run_id, [used]))
    if what["end"]:
        status, end, name = what["end"]
        calls.append(lambda: store.update_run_info(run_id, RunStatus.from_string(status), end, name))
    refused = 0
    for call in calls:
        try:
            call()
        except MlflowException as e:
            assert e.error_code == "INVALID_PARAMETER_VALUE", e
            refused += 1
    return refused


def begin(store, plan):
    experiment = store.create_experiment(plan["experiment"], None, [])
    for key, value in plan["experiment_tags"].items():
        store.set_experiment_tag(experiment, ExperimentTag(key, value))
    runs = []
    for case in plan["cases"]:
        run = store.create_run(experiment, "tester", 1_700_000_000_000, [], case["name"])
        assert log(store, run.info.run_id, case["before"]) == 0
        if case["deleted"]:
            store.delete_run(run.info.run_id)
        runs.append({"run_id": run.info.run_id, "artifact_uri": run.info.artifact_uri})
    return runs


def go_on(store, plan):
    experiment = store.get_experiment_by_name(plan["experiment"]).experiment_id
    for key, value in plan["more_experiment_tags"].items():
        store.set_experiment_tag(experiment, ExperimentTag(key, value))
    return sum(log(store, run["run_id"], case["after"]) for run, case in zip(plan["runs"], plan["cases"], strict=True))


if __name__ == "__main__":
    do = {"begin": begin, "go-on": go_on}[sys.argv[1]]
    print(json.dumps(do(SqlAlchemyStore(sys.argv[3], "/artifacts"), json.loads(Path(sys.argv[2]).read_text()))))
