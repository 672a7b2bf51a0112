"""What an MLflow client reads from each store given: read_store.py URI... -> on the last line of output, a JSON list of
descriptions that are equal when the stores are. Experiments go by name, because ids differ between stores; infinities
as the largest double, because that is how the SQL stores keep them."""

import json
import logging
import math
import sys

import mlflow
from mlflow.entities import ViewType
from mlflow.tracking import MlflowClient

logging.getLogger("mlflow").setLevel(logging.ERROR)
HAS_LOGGED_MODELS = int(mlflow.__version__.split(".")[0]) >= 3
IS_PROMPT = "tags.`mlflow.prompt.is_prompt` = 'true'"

RUN_FILTERS = [
    "params.plain = '0.1'",
    "metrics.loss < 0.5",
    "metrics.`val/acc` >= 0.99",
    "tags.empty = ''",
    "attributes.status = 'FAILED'",
    "attributes.run_name = 'parent'",
    "attributes.start_time > 1700000000003",
    "tags.`mlflow.parentRunId` LIKE '%'",
]


def number(value):
    value = float(value)
    if math.isnan(value):
        return "nan"
    return repr(max(min(value, sys.float_info.max), -sys.float_info.max) + 0.0)


def points(metrics):
    return sorted({(m.step, m.timestamp, number(m.value)) for m in metrics})


class Reader:
    def __init__(self, uri):
        self.client = MlflowClient(tracking_uri=uri, registry_uri=uri)

    def experiments(self):
        found = self.client.search_experiments(view_type=ViewType.ALL)
        self.names = {e.experiment_id: e.name for e in found}
        return {
            e.name: [e.lifecycle_stage, e.artifact_location, e.creation_time, e.last_update_time, dict(e.tags)]
            for e in found
        }

    def runs(self):
        found = self.client.search_runs(list(self.names), run_view_type=ViewType.ALL, max_results=50000)
        assert {self.client.get_run(r.info.run_id).data.params == r.data.params for r in found} <= {True}
        return {r.info.run_id: self.run(self.client.get_run(r.info.run_id)) for r in found}

    def run(self, run):
        i, d = run.info, run.data
        return {
            "experiment": self.names[i.experiment_id],
            "name": i.run_name,
            "status": i.status,
            "stage": i.lifecycle_stage,
            "user": i.user_id,
            "times": [i.start_time, i.end_time],
            "artifact_uri": i.artifact_uri,
            "params": dict(d.params),
            "tags": dict(d.tags),
            "metrics": {k: number(v) for k, v in d.metrics.items()},
            "histories": {k: points(self.client.get_metric_history(i.run_id, k)) for k in d.metrics},
            "datasets": self.datasets(run),
            "model inputs": sorted(m.model_id for m in getattr(run.inputs, "model_inputs", None) or []),
            "outputs": self.outputs(run),
        }

    @staticmethod
    def datasets(run):
        return sorted(
            [
                [d.dataset.name, d.dataset.digest, d.dataset.source_type, d.dataset.source],
                [d.dataset.schema, d.dataset.profile],
                sorted((t.key, t.value) for t in d.tags),
            ]
            for d in run.inputs.dataset_inputs
        )

    @staticmethod
    def outputs(run):
        outputs = getattr(run, "outputs", None)
        return sorted((o.model_id, o.step) for o in outputs.model_outputs) if outputs else []

    def searches(self):
        ids = list(self.names)
        return {f: sorted(r.info.run_id for r in self.client.search_runs(ids, f)) for f in RUN_FILTERS}

    def logged_models(self):
        if not HAS_LOGGED_MODELS:
            return {}
        active = [e.experiment_id for e in self.client.search_experiments()]
        return {
            m.model_id: [
                self.names[m.experiment_id],
                [m.name, m.artifact_location, str(m.status), m.status_message, m.model_type, m.source_run_id],
                [m.creation_timestamp, m.last_updated_timestamp],
                dict(m.params),
                dict(m.tags),
                self.latest(m.metrics or []),
            ]
            for m in self.client.search_logged_models(active)
        }

    @staticmethod
    def latest(metrics):
        """The last point of each key and dataset, which is all that FileStore's client gives."""
        points = {}
        for m in sorted(metrics, key=lambda m: (m.step, m.timestamp)):
            points[m.key, m.dataset_name or "", m.dataset_digest or ""] = (
                m.step,
                m.timestamp,
                number(m.value),
                m.run_id,
            )
        return sorted([*key, *point] for key, point in points.items())

    def registry(self):
        # Past the public client, which hides prompts from the calls for models.
        c, seen = self.client._get_registry_client(), {}
        models = list(c.search_registered_models())
        versions = list(c.search_model_versions())
        if HAS_LOGGED_MODELS:
            models += c.search_registered_models(filter_string=IS_PROMPT)
            versions += c.search_model_versions(filter_string=IS_PROMPT)
        for m in models:
            m = c.get_registered_model(m.name)
            aliases = {a: str(c.get_model_version_by_alias(m.name, a).version) for a in m.aliases}
            latest = {v.current_stage: str(v.version) for v in m.latest_versions or []}
            seen[m.name] = [
                m.description,
                m.creation_timestamp,
                m.last_updated_timestamp,
                dict(m.tags),
                aliases,
                latest,
            ]
        for v in versions:
            v = c.get_model_version(v.name, v.version)
            seen[f"{v.name}/{v.version}"] = [
                [v.description, v.creation_timestamp, v.last_updated_timestamp, v.user_id, v.current_stage],
                [v.source, v.run_id, v.run_link, v.status, dict(v.tags), sorted(v.aliases)],
            ]
        return seen

    def read(self):
        return {
            "experiments": self.experiments(),
            "runs": self.runs(),
            "searches": self.searches(),
            "logged models": self.logged_models(),
            "registry": self.registry(),
        }


print(json.dumps([Reader(uri).read() for uri in sys.argv[1:]]))
