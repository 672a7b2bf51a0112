#!/usr/bin/env python3
"""Writes the points of a store of stores.py in another format, as its own writers would. Works alone:

    logs.py FORMAT STORE FOLDER

FORMAT is one of: wide (a CSV file a run, a column a metric), long (one CSV file), tensorboard (a scalar an event), wandb
(a row of all metrics a step), export (mlflow-export-import), jsonl (a line a point), mixed (the same,
the points of all runs in one disorder)."""

import argparse
import json
import random
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "integration"))
import inputs
import stores


def runs_of(store):
    """{run: {key: [(timestamp, value, step) as text]}}"""
    runs = {}
    for run, key, points in stores.points_of(store):
        runs.setdefault(run, {})[key] = points
    return {run: dict(sorted(metrics.items())) for run, metrics in sorted(runs.items())}


def rows_of(metrics):
    """(step, timestamp, {key: value}) of a run whose metrics have the same steps."""
    for points in zip(*metrics.values()):
        time, _, step = points[0]
        yield int(step), int(time), {key: value for key, (_, value, _) in zip(metrics, points)}


def wide(runs, folder):
    for run, metrics in runs.items():
        with open(folder / f"{run}.csv", "w") as out:
            out.write(",".join(["step", "timestamp_ms", *metrics]) + "\n")
            out.writelines(f"{step},{time},{','.join(v.values())}\n" for step, time, v in rows_of(metrics))


def long(runs, folder):
    with open(folder / "long.csv", "w") as out:
        out.write("run,key,step,timestamp_ms,value\n")
        for run, metrics in runs.items():
            for key, points in metrics.items():
                out.writelines(f"{run},{key},{step},{time},{value}\n" for time, value, step in points)


def jsonl(runs, folder):
    with open(folder / "points.jsonl", "w") as out:
        for run, metrics in runs.items():
            head = {"type": "run", "run_id": run, "experiment": "bench", "status": "FINISHED", "start_time": stores.START_MS}
            out.write(json.dumps(head) + "\n")
            for key, points in metrics.items():
                out.writelines(
                    f'{{"type": "metric", "run_id": "{run}", "key": "{key}", "value": {value}, "step": {step}, '
                    f'"timestamp": {time}}}\n'
                    for time, value, step in points
                )


def mixed(runs, folder):
    """The lines of jsonl(), those of all runs in one disorder, as many programs writing at once leave them."""
    jsonl(runs, folder)
    path = folder / "points.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    heads = [line for line in lines if '"type": "run"' in line]
    points = [line for line in lines if '"type": "run"' not in line]
    random.Random(1).shuffle(points)
    path.write_text("".join(heads + points))


def tensorboard(runs, folder):
    for run, metrics in runs.items():
        version = inputs.field(1, stores.START_MS / 1000) + inputs.field(3, "brain.Event:2")
        events = [version] + [
            inputs.tf_scalar(step, float(value), key, time / 1000)
            for step, time, values in rows_of(metrics)
            for key, value in values.items()
        ]
        inputs.tf_events(folder / run, events)


def wandb(runs, folder):
    for number, (run, metrics) in enumerate(runs.items()):
        history = (
            (inputs.HISTORY, inputs.wandb_items(1, {k: float(v) for k, v in values.items()} | {"_step": step, "_timestamp": time / 1000}))
            for step, time, values in rows_of(metrics)
        )
        head = inputs.field(1, run) + inputs.field(3, "bench") + inputs.field(17, inputs.field(1, stores.START_MS // 1000))
        log = inputs.wandb_log([(inputs.HEADER, b""), (inputs.WANDB_RUN, head), *history, (inputs.EXIT, inputs.field(2, 9))])
        (folder / f"offline-run-{number}").mkdir()
        (folder / f"offline-run-{number}" / f"run-{run}.wandb").write_bytes(log)


def export(runs, folder):
    for run, metrics in runs.items():
        info = {"run_id": run, "run_uuid": run, "experiment_id": "1", "user_id": "bench", "status": "FINISHED",
                "start_time": stores.START_MS, "end_time": stores.START_MS, "lifecycle_stage": "active",
                "artifact_uri": "/srv/a", "run_name": run}  # fmt: skip
        points = {
            key: [{"value": float(v), "timestamp": int(t), "step": int(s)} for t, v, s in of_key]
            for key, of_key in metrics.items()
        }
        document = {"system": {}, "mlflow": {"info": info, "params": {}, "metrics": points, "tags": {}}}
        (folder / run).mkdir()
        (folder / run / "run.json").write_text(json.dumps(document, indent=2) + "\n")


WRITERS = {f.__name__: f for f in (wide, long, tensorboard, wandb, export, jsonl, mixed)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("format", choices=WRITERS)
    parser.add_argument("store", type=Path)
    parser.add_argument("folder", type=Path)
    args = parser.parse_args()
    args.folder.mkdir(parents=True)
    WRITERS[args.format](runs_of(args.store), args.folder)


if __name__ == "__main__":
    main()
