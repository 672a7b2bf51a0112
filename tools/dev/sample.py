"""Writes the sample store through MLflow's own client: two experiments, nested runs, datasets, curves, a logged model,
a registered model. Clock and random numbers are fixed, so the bytes are the same every time; no
folder is empty, because git would lose it.
Usage: sample.py TRACKING_URI"""

import json
import math
import random
import struct
import sys
import time
import uuid
import zlib

START = 1_760_000_000  # seconds since 1970; everything happens after this
clock = START
numbers = random.Random(7)

time.time = lambda: clock
uuid.uuid4 = lambda: uuid.UUID(int=numbers.getrandbits(128), version=4)
random.seed(7)

from mlflow import MlflowClient  # noqa: E402 (after the clock is fixed)
from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModelOutput, Metric, Param, RunTag  # noqa: E402

STEPS = 120
SECONDS_PER_STEP = 20


def png(width, height, pixel):
    """A greyscale PNG; pixel(x, y) is 0 to 255."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    rows = b"".join(b"\0" + bytes(pixel(x, y) for x in range(width)) for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + data


def confusion_matrix(accuracy):
    """Ten by ten classes, six pixels each: dark off the diagonal, bright on it."""
    cells = [[int(255 * accuracy) if i == j else numbers.randint(0, 40) for j in range(10)] for i in range(10)]
    return png(60, 60, lambda x, y: cells[y // 6][x // 6])


def learning_rate(peak, step, warmup=6):
    """Linear warm-up, then half a cosine."""
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup) / (STEPS - warmup)))


def curves(peak, dropout, steps):
    """(step, key, value) of one training; how well it goes depends on the learning rate and the dropout."""
    quality = math.exp(-abs(math.log10(peak / 3e-3)))
    for step in range(steps):
        t = step / STEPS
        loss = 2.3 * math.exp(-5 * quality * t) + 0.05 + numbers.gauss(0, 0.03) * math.exp(-2 * t)
        if peak > 0.1:
            loss = 2.3 + 60 * t * t + numbers.gauss(0, 0.2)
        gap = (0.12 - 0.2 * dropout) * t
        accuracy = min(0.995, 1 - 0.9 * math.exp(-6 * quality * t) - 0.01)
        yield step, "train/loss", round(loss, 5)
        yield step, "train/accuracy", round(max(0.1, accuracy + numbers.gauss(0, 0.008)), 5)
        yield step, "lr", round(learning_rate(peak, step), 8)
        if step % 3 == 2:
            yield step, "val/loss", round(loss + gap + abs(numbers.gauss(0, 0.02)), 5)
            yield step, "val/accuracy", round(max(0.1, accuracy - gap / 2 + numbers.gauss(0, 0.006)), 5)
        if step % 5 == 0:
            yield step, "system/cpu_utilization_percentage", round(55 + 25 * t + numbers.gauss(0, 6), 1)
            yield step, "system/system_memory_usage_megabytes", round(2100 + 40 * step + numbers.gauss(0, 25), 1)


class Sample:
    def __init__(self, uri):
        self.client = MlflowClient(tracking_uri=uri, registry_uri=uri)

    def dataset(self, name, digest, rows, context):
        image = {"name": "image", "type": "uint8", "shape": [-1, 28, 28]}
        source = json.dumps({"url": f"https://example.com/{name}.npz"})
        schema = json.dumps({"mlflow_tensorspec": {"features": [image]}})
        data = Dataset(name, digest, "http", source, schema, json.dumps({"num_rows": rows}))
        return DatasetInput(data, [InputTag("mlflow.data.context", context), InputTag("split", f"{context} v2")])

    def run(self, experiment, name, params, parent=None, note=None):
        tags = {
            "mlflow.user": "demo",
            "mlflow.source.name": "train.py",
            "mlflow.source.type": "LOCAL",
            "mlflow.source.git.commit": "5d41402abc4b2a76b9719d911017c592f00dcafe",
            "framework": "numpy",
        }
        if parent:
            tags["mlflow.parentRunId"] = parent
        if note:
            tags["mlflow.note.content"] = note
        run_id = self.client.create_run(experiment, int(clock * 1000), tags, name).info.run_id
        self.client.log_batch(run_id, params=[Param(k, str(v)) for k, v in params.items()])
        return run_id

    def artifact(self, run_id, name, folder, data):
        with open(name, "wb") as file:
            file.write(data)
        self.client.log_artifact(run_id, name, folder)

    def train(self, experiment, name, peak, dropout, steps=STEPS, status="FINISHED", **more):
        """A whole training: inputs, curves, the picture. Returns (run id, last validation accuracy)."""
        global clock
        params = {"lr": peak, "dropout": dropout, "epochs": STEPS, "optimizer/name": "adamw", "seed": 7}
        run_id = self.run(experiment, name, params, **more)
        inputs = [("digits", "9f2c41aa", 60000, "training"), ("digits-holdout", "1b77d03e", 10000, "validation")]
        self.client.log_inputs(run_id, [self.dataset(*i) for i in inputs])
        points = [
            Metric(key, value, int(clock + SECONDS_PER_STEP * step) * 1000, step)
            for step, key, value in curves(peak, dropout, steps)
        ]
        self.client.log_batch(run_id, metrics=points)
        clock += SECONDS_PER_STEP * steps
        accuracy = [p.value for p in points if p.key == "val/accuracy"][-1]
        self.artifact(run_id, "confusion.png", "plots", confusion_matrix(accuracy))
        self.client.set_terminated(run_id, status, int(clock * 1000))
        clock += 90
        return run_id, accuracy

    def logged_model(self, experiment, run_id, accuracy):
        params = {"layers": "4", "width": "64"}
        tags = {"framework": "numpy"}
        model = self.client.create_logged_model(experiment, "digits-cnn", run_id, tags, params, "classifier")
        now, id_ = int(clock * 1000), model.model_id
        self.client.log_metric(run_id, "holdout/accuracy", accuracy, now, STEPS, True, model_id=id_)
        self.client.log_outputs(run_id, [LoggedModelOutput(model.model_id, STEPS - 1)])
        self.client.finalize_logged_model(model.model_id, "READY")
        return model

    def register(self, versions):
        """versions: (run id, source, description)"""
        global clock
        name = "digits-classifier"
        self.client.create_registered_model(name, {"team": "demo"}, "Reads handwritten digits.")
        for run_id, source, description in versions:
            clock += 60
            self.client.create_model_version(name, source, run_id, {"reviewed": "yes"}, description=description)
        self.client.transition_model_version_stage(name, "1", "Archived")
        self.client.transition_model_version_stage(name, "2", "Production")
        self.client.transition_model_version_stage(name, "3", "Staging")
        self.client.set_registered_model_alias(name, "champion", "2")
        self.client.set_registered_model_alias(name, "challenger", "3")


def main():
    sample = Sample(sys.argv[1])
    client = sample.client
    client.search_experiments()  # makes the Default experiment
    note = "Handwritten digits, one run a training."
    training = client.create_experiment("digits", tags={"mlflow.note.content": note, "team": "demo"})
    search = client.create_experiment("digits-search", tags={"team": "demo"})

    baseline, baseline_accuracy = sample.train(training, "baseline", 1e-2, 0.0, note="First try: learns, then overfits.")
    tuned, accuracy = sample.train(training, "tuned", 3e-3, 0.3, note="Learning rate and dropout from the search.")
    sample.train(training, "too-hot", 3e-1, 0.1, steps=30, status="FAILED", note="Loss does not go down.")
    dropped, _ = sample.train(training, "wrong-seed", 1e-3, 0.1, steps=20)
    client.delete_run(dropped)

    parent = sample.run(search, "sweep", {"trials": 4, "sampler": "grid"})
    best, table = 0, "trial,lr,dropout,accuracy\n"
    for number, (peak, dropout) in enumerate([(1e-3, 0.1), (3e-3, 0.1), (3e-3, 0.3), (1e-2, 0.3)], 1):
        _, reached = sample.train(search, f"trial-{number}", peak, dropout, steps=60, parent=parent)
        best = max(best, reached)
        table += f"{number},{peak},{dropout},{reached}\n"
        client.log_metric(parent, "best/accuracy", best, int(clock * 1000), number)
    sample.artifact(parent, "trials.csv", None, table.encode())
    client.set_terminated(parent, "FINISHED", int(clock * 1000))

    model = sample.logged_model(training, tuned, accuracy)
    sample.register(
        [
            (baseline, f"runs:/{baseline}/model", f"Baseline, {baseline_accuracy:.1%} on the hold-out."),
            (tuned, f"models:/{model.model_id}", f"Tuned, {accuracy:.1%} on the hold-out."),
            (tuned, f"models:/{model.model_id}", "The same with new thresholds."),
        ]
    )


main()
