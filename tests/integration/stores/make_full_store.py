"""Makes a FileStore that holds everything an MLflow FileStore can hold. Runs inside an MLflow release's own
interpreter (2.x leaves out what it does not know):

    make_full_store.py FOLDER  ->  FOLDER/mlruns, and on the last line of output a JSON description of what is in it

What MLflow's API refuses to write but its FileStore reads (duplicate metric lines, the layout of MLflow 1.x) is added
by hand at the end, in by_hand(). Fixed times make two runs of this script give the same content but for random ids.
"""

import json
import logging
import sys
from pathlib import Path

import mlflow
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag, ViewType
from mlflow.tracking import MlflowClient

logging.getLogger("mlflow").setLevel(logging.ERROR)

T0 = 1_700_000_000_000
HAS_LOGGED_MODELS = int(mlflow.__version__.split(".")[0]) >= 3
CURVE_POINTS = 3000


def text_values():
    return {
        "plain": "0.1",
        "empty": "",
        "newline": "first\nsecond\n",
        "crlf": "first\r\nsecond\r\n",
        "carriage": "a\rb",
        "trailing blanks": "value  \t ",
        "leading blanks": "  value",
        "blank": " ",
        "long": "x" * 6000,
        "long wide": "\u00e9\u4e2d\U0001f600" * 2000,
        "nfc \u00e9": "caf\u00e9",
        "nfd": "cafe\u0301",
        "a/b/c": "nested",
        "a/b/d": "nested too",
        "quotes": "'\"\\ \\N \\. \\n %s $1 ; -- ",
        "tabs": "\ta\tb\t",
        "control": "\x01\x02\x1b[31m\x7f",
        "json": '{"a": [1, 2, {"b": null}]}',
        "k.ey-with_all 1:2": "key characters",
        "K" * 250: "longest key",
    }


def metric_points():
    """key -> list of (timestamp, value, step)"""
    tiny, least = 2.2250738585072014e-308, 5e-324
    return {
        "loss": [(T0 + i, 1.0 / (i + 1), i) for i in range(CURVE_POINTS)],
        "val/acc": [(T0 + 7 * i, i / 100, 10 * i) for i in range(100)],
        "val/f1 score": [(T0, 0.5, 0)],
        "special": [
            (T0, float("nan"), 0),
            (T0, float("inf"), 1),
            (T0, float("-inf"), 2),
            (T0, least, 3),
            (T0, -tiny, 4),
        ],
        "nan is latest": [(T0, -1.0, 0), (T0 + 1, float("nan"), 0)],
        "nan against five": [(T0, 5.0, 0), (T0, float("nan"), 0)],
        "nan against minus one": [(T0, -1.0, 0), (T0, float("nan"), 0)],
        "nan against zero": [(T0, 0.0, 0), (T0, float("nan"), 0)],
        "negative zero": [(T0, -0.0, 0)],
        "steps": [(T0, 1.0, -5), (T0, 2.0, 2**63 - 1), (T0, 3.0, -(2**63)), (T0, 4.0, 0)],
        "times": [(0, 1.0, 0), (2**62, 2.0, 0), (1, 3.0, 0)],
        "same step": [(T0, v, 1) for v in (3.0, 9.0, -2.0, 9.5, 1e308, -1e308)],
        "backwards": [(T0 - i, float(i), 50 - i) for i in range(50)],
        "digits": [(T0, 0.1 + 0.2, 0), (T0, 1 / 3, 1), (T0, 1e-320, 2), (T0, 123456789.123456789, 3), (T0, 1e22, 4)],
    }


class Maker:
    def __init__(self, folder):
        self.root = Path(folder).resolve() / "mlruns"
        self.client = MlflowClient(tracking_uri=self.root.as_uri(), registry_uri=self.root.as_uri())
        self.info = {"mlflow": mlflow.__version__, "root": str(self.root)}
        self.runs = {}

    def store(self):
        return self.client._tracking_client.store

    def experiments(self):
        c = self.client
        c.search_experiments()  # makes experiment 0
        self.main = c.create_experiment("full \u00e9/\u4e2d \U0001f600", tags={"team": "a", "note/nested": "x\ny\n"})
        c.set_experiment_tag(self.main, "mlflow.note.content", "# Title\n\n- one\r\n- two\n")
        self.other = c.create_experiment("n" * 200, artifact_location="s3://bucket/root/some where")
        c.create_experiment("nothing in it")
        self.deleted = c.create_experiment("deleted one", tags={"gone": "yes"})

    def run(self, label, experiment=None, end="FINISHED", **kwargs):
        n = len(self.runs)
        tags = {"mlflow.user": "tester", "mlflow.source.name": "train.py", "mlflow.source.type": "LOCAL"}
        tags |= kwargs.pop("tags", {})
        run = self.client.create_run(experiment or self.main, start_time=T0 + n, run_name=label, tags=tags)
        self.runs[label] = run.info.run_id
        if end and end != "RUNNING":
            self.client.set_terminated(run.info.run_id, status=end, end_time=T0 + 1000 + n)
        return run.info.run_id

    def values_and_curves(self):
        rich = self.run("rich")
        values = text_values()
        self.client.log_batch(rich, params=[Param(k, v) for k, v in values.items()])
        self.client.log_batch(rich, tags=[RunTag(k, v) for k, v in values.items()])
        self.client.set_tag(rich, "mlflow.note.content", "# Note\n\nseveral\nlines\r\n")
        points = [Metric(k, v, t, s) for k, rows in metric_points().items() for t, v, s in rows]
        for i in range(0, len(points), 1000):
            self.client.log_batch(rich, metrics=points[i : i + 1000])

    def statuses_and_nesting(self):
        for status in ("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"):
            self.run(f"status {status}", end=status)
        parent = self.run("parent")
        for i in range(3):
            child = self.run(f"child {i}", tags={"mlflow.parentRunId": parent})
            self.client.log_metric(child, "loss", i / 3, timestamp=T0, step=i)
        self.run("grandchild", tags={"mlflow.parentRunId": self.runs["child 0"]})
        gone = self.run("deleted run")
        self.client.log_param(gone, "p", "1")
        self.client.log_metric(gone, "m", 1.0, timestamp=T0)
        self.run("empty run", self.other)
        self.run("\u00e9\u4e2d\U0001f600 name", self.other)
        self.run("in default", "0")
        in_deleted = self.run("in deleted experiment", self.deleted)
        self.client.log_metric(in_deleted, "m", 2.0, timestamp=T0)

    def datasets(self):
        schema = json.dumps({"mlflow_colspec": [{"type": "long", "name": "x", "required": True}]})
        a = Dataset("train set", "d1g35t01", "local", json.dumps({"uri": "/data/a.csv"}), schema, '{"num_rows": 3}')
        b = Dataset("b\u00e9", "0" * 36, "http", json.dumps({"url": "https://example.org/b"}), None, None)

        def use(label, *inputs):
            made = [DatasetInput(d, [InputTag(k, v) for k, v in tags.items()]) for d, tags in inputs]
            self.client.log_inputs(self.runs[label], made)

        use("rich", (a, {"mlflow.data.context": "training", "fold": "1"}), (b, {"mlflow.data.context": "eval"}))
        use("parent", (a, {"mlflow.data.context": "testing"}))
        use("child 0", (b, {}))
        use("empty run", (a, {"mlflow.data.context": "other experiment"}))
        use("deleted run", (a, {"k": "v" * 500}))

    def logged_models(self):
        from mlflow.entities import LoggedModelInput, LoggedModelOutput, LoggedModelParameter

        rich, c, store = self.runs["rich"], self.client, self.store()
        models = {}

        def make(label, status, experiment=None, run=None, **kwargs):
            m = c.create_logged_model(experiment or self.main, name=label, source_run_id=run, **kwargs)
            models[label] = m.model_id
            if status:
                c.finalize_logged_model(m.model_id, status)
            return m.model_id

        ready = make("ready", "READY", run=rich, params={"depth": "3", "note": "a\nb\r\n"}, model_type="tree")
        c.set_logged_model_tags(ready, {"owner": "me", "deep/key": "v \n"})
        store.log_logged_model_params(ready, [LoggedModelParameter("late", "")])
        failed = make("failed", "FAILED", run=rich)
        make("pending", None, tags={"t": "\u00e9"})
        deleted = make("deleted model", "READY", run=rich)
        c.delete_logged_model(deleted)
        elsewhere = make("elsewhere", "READY", self.other)

        c.log_metric(rich, "model loss", 0.25, timestamp=T0, step=1, model_id=ready)
        c.log_metric(rich, "model loss", float("inf"), timestamp=T0, step=2, model_id=ready)
        c.log_metric(rich, "model nan", float("nan"), timestamp=T0, step=3, model_id=ready)
        c.log_metric(
            rich, "on/data", 0.75, timestamp=T0, step=4, model_id=ready, dataset_name="train", dataset_digest="d1g35t01"
        )
        c.log_metric(self.runs["parent"], "from another run", 4.0, timestamp=T0, step=0, model_id=ready)
        c.log_inputs(self.runs["parent"], models=[LoggedModelInput(ready)])
        c.log_inputs(self.runs["empty run"], models=[LoggedModelInput(elsewhere)])
        c.log_outputs(rich, [LoggedModelOutput(ready, 3), LoggedModelOutput(failed, 0)])
        self.info["logged_models"] = models

    def registry(self):
        c, rich = self.client, self.runs["rich"]
        c.create_registered_model("forest \u00e9", tags={"team": "a", "long": "y" * 5000}, description="best\nmodel")
        for stage in ("None", "Staging", "Production", "Archived", "Production"):
            v = c.create_model_version(
                "forest \u00e9",
                f"s3://bucket/{stage}",
                run_id=rich,
                tags={"stage was": stage},
                description=f"v {stage}",
            )
            if stage != "None":
                c.transition_model_version_stage("forest \u00e9", v.version, stage)
        c.set_registered_model_alias("forest \u00e9", "champion", "3")
        c.set_registered_model_alias("forest \u00e9", "challenger", "5")
        c.create_model_version("forest \u00e9", "s3://bucket/no-run", run_link="https://example.org/run")
        c.create_registered_model("no versions")
        c.create_registered_model("one version")
        c.create_model_version("one version", "runs-elsewhere", tags={"multi": "a\nb"})
        if HAS_LOGGED_MODELS:
            c.register_prompt("greeting", "Hi {{who}},\n\u00e9", commit_message="first", tags={"kind": "mail"})
            c.register_prompt("greeting", "Hello {{who}}", commit_message="second")
            c.set_prompt_alias("greeting", "live", 1)

    def traces(self):
        mlflow.set_tracking_uri(self.root.as_uri())
        mlflow.set_experiment(experiment_id=self.main)
        ids = []
        for i in range(3):
            with mlflow.start_span(f"span {i}") as span:
                span.set_inputs({"q": i})
                ids.append(getattr(span, "trace_id", None) or span.request_id)
        mlflow.flush_trace_async_logging()
        folder = self.root / self.main / "traces"
        self.info["traces"] = len([p for p in folder.iterdir() if p.is_dir()])
        self.info["assessments"] = 0
        if HAS_LOGGED_MODELS:
            mlflow.log_feedback(trace_id=ids[0], name="good", value=True)
            mlflow.log_expectation(trace_id=ids[0], name="answer", value="42")
            self.info["assessments"] = len(list(folder.glob("*/assessments/*.yaml")))

    def by_hand(self):
        """What FileStore reads though no present release writes it."""
        rich = self.root / self.main / self.runs["rich"]
        # Exact repetitions, and rows equal in the primary key of the SQL tables though not in their text.
        self.append(rich / "metrics/loss", f"{T0} 1.0 0\n{T0} 1.00 0\n{T0 + 1} 0.5 1\n")
        self.append(rich / "metrics/negative zero", f"{T0} 0.0 0\n")
        self.append(rich / "metrics/special", f"{T0} NaN 0\n{T0} Infinity 1\n")
        self.append(rich / "metrics/val/acc", f"{T0 + 5} 0.25\n{T0 + 6} 0.25\n")
        if HAS_LOGGED_MODELS:
            self.append(rich / "metrics/on/data", f"{T0} 0.75 4 other d2\n")
            model = self.root / self.main / "models" / self.info["logged_models"]["ready"]
            self.append(model / "metrics/model loss", f"{T0} 0.25 1 {self.runs['rich']}\n")
        self.first_releases()

    @staticmethod
    def append(path, text):
        with open(path, "a", newline="") as f:
            f.write(text)

    def first_releases(self):
        """A run as MLflow 1.x left it: run_uuid and name only, integer experiment id, two-field metric lines."""
        run_id = "0123456789abcdef0123456789abcdef"
        run = self.root / "0" / run_id
        for folder in ("metrics", "params", "artifacts", "tags"):
            (run / folder).mkdir(parents=True)
        (run / "meta.yaml").write_text(
            f"artifact_uri: {run}/artifacts\nend_time: {T0 + 9}\nentry_point_name: main\nexperiment_id: 0\n"
            f"lifecycle_stage: active\nname: ''\nrun_uuid: {run_id}\nsource_name: old.py\nsource_type: 4\n"
            f"source_version: abc\nstart_time: {T0}\nstatus: 3\ntags: []\nuser_id: somebody\n"
        )
        (run / "metrics/acc").write_text(f"{T0} 0.5\n{T0 + 1} 0.75\n")
        (run / "params/lr").write_text("0.1")
        (run / "tags/mlflow.runName").write_text("old run")
        self.runs["old"] = run_id

    def make(self):
        self.experiments()
        self.values_and_curves()
        self.statuses_and_nesting()
        self.datasets()
        if HAS_LOGGED_MODELS:
            self.logged_models()
        self.registry()
        self.traces()
        self.client.delete_run(self.runs["deleted run"])
        self.client.delete_experiment(self.deleted)
        self.by_hand()
        self.info |= {"runs": self.runs, "main": self.main, "other": self.other, "deleted": self.deleted}
        self.info["experiments"] = len(self.client.search_experiments(view_type=ViewType.ALL))
        return self.info


if __name__ == "__main__":
    print(json.dumps(Maker(sys.argv[1]).make()))
