"""Fills the tables that an import copies as they are. Runs inside an MLflow release's own interpreter:

    make_traces.py STORE_URI  ->  a JSON description of what is in it, on the last line of output
"""

import json
import sys

import mlflow
from mlflow.entities import AssessmentSource
from mlflow.tracking import MlflowClient
from mlflow.tracking._tracking_service.utils import _get_store


def make_traces(client, experiment, run, n):
    mlflow.set_experiment(experiment_id=experiment)
    ids = []
    for i in range(n):
        with mlflow.start_span(f"span {i} \u00e9\U0001f600", span_type="CHAIN") as span:
            span.set_inputs({"q": "x" * (200_000 if i == 0 else i)})
            for k in range(3):
                with mlflow.start_span(f"child {k}", span_type="LLM") as child:
                    child.set_attribute("mlflow.chat.tokenUsage", {
                        "input_tokens": 10 + k, "output_tokens": i, "total_tokens": 10 + k + i,
                    })
                    child.set_outputs({"a": [None, True, 0.1, "\n"]})
            mlflow.update_current_trace(tags={"tag": str(i)}, metadata={"mlflow.trace.session": f"s{i % 2}"})
            ids.append(span.trace_id)
    mlflow.flush_trace_async_logging()
    for i, trace in enumerate(ids):
        client.set_trace_tag(trace, "set later", f"it's {i}")
    mlflow.log_feedback(trace_id=ids[0], name="good", value=True, rationale="because",
                        source=AssessmentSource(source_type="HUMAN", source_id="someone"))
    mlflow.log_feedback(trace_id=ids[0], name="score", value=0.25, metadata={"k": "v"})
    mlflow.log_expectation(trace_id=ids[1], name="answer", value={"a": ["42", 1.0]})
    client.link_traces_to_run(ids[:2], run)
    return ids


def make_evaluation(experiments):
    from mlflow.genai.datasets import create_dataset

    dataset = create_dataset(name="questions", experiment_id=experiments, tags={"stage": "first"})
    dataset.merge_records([
        {"inputs": {"q": f"what is {i}?", "n": i / 3}, "expectations": {"answer": str(i)}, "tags": {"i": str(i)}}
        for i in range(5)
    ])
    return dataset.dataset_id


def main(uri):
    mlflow.set_tracking_uri(uri)
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    for i in range(3):  # so that ids differ from those of a target that has others
        client.create_experiment(f"before {i}")
    experiments = [client.create_experiment(name) for name in ("first", "second")]
    run = client.create_run(experiments[0], run_name="r").info.run_id
    traces = make_traces(client, experiments[0], run, 4) + make_traces(client, experiments[1], run, 2)
    dataset = make_evaluation(experiments)
    store = _get_store(uri)
    for version in range(2):
        store.register_scorer(experiments[0], "tone", json.dumps({"name": "tone", "version": version}))
    store.register_scorer(experiments[1], "tone", json.dumps({"name": "tone"}))
    return {"traces": traces, "dataset": dataset, "run": run}


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
