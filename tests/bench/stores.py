#!/usr/bin/env python3
"""Writes the FileStores (mlruns folders) that the benchmark imports: the same bytes every time. Works alone:

    stores.py KIND FOLDER --runs R --keys K --steps S

KIND is one of
    base    R runs x K metric keys x S steps
    append  as many points of other runs in the same experiment
    merge   points for the runs of `base`: out of order, 30 % of them equal to existing ones
    long    as many points as base in one run, out of order, some of them twice
    small   R runs with 10 metrics of one point, 20 params and 4 tags each
"""

import argparse
import os
import random
from pathlib import Path

EXPERIMENT = "1"
START_MS = 1_700_000_000_000
DUPLICATES = 0.3
SMALL_METRICS, SMALL_PARAMS, SMALL_TAGS = 10, 20, 4
SEEDS = {"base": 1, "append": 2, "merge": 1, "small": 3, "long": 4}  # merge has the runs of base

EXPERIMENT_YAML = """\
artifact_location: /srv/mlruns/{id}
creation_time: {start}
experiment_id: '{id}'
last_update_time: {start}
lifecycle_stage: active
name: bench
"""
RUN_YAML = """\
artifact_uri: /srv/mlruns/{experiment}/{run}/artifacts
end_time: {end}
entry_point_name: ''
experiment_id: '{experiment}'
lifecycle_stage: active
run_id: {run}
run_name: run-{number}
run_uuid: {run}
source_name: ''
source_type: 4
source_version: ''
start_time: {start}
status: 3
tags: []
user_id: bench
"""


def run_ids(kind, runs):
    random_bits = random.Random(SEEDS[kind])
    return [f"{random_bits.getrandbits(128):032x}" for _ in range(runs)]


def ordered_points(rng, steps):
    return [f"{START_MS + step * 1000} {rng.random()} {step}\n" for step in range(steps)]


def merged_points(rng, steps):
    """A shuffled mix of lines of the base file, which `rng` would make next, and lines that it has not."""
    base = ordered_points(rng, steps)
    kept = rng.sample(base, int(steps * DUPLICATES))
    new_steps = rng.sample(range(2 * steps), steps - len(kept))
    lines = kept + [f"{START_MS + step * 1000 + 500} {rng.random()} {step}\n" for step in new_steps]
    rng.shuffle(lines)
    return lines


def shuffled_points(rng, steps):
    """One line in ten stands twice, anywhere in the file."""
    lines = ordered_points(rng, steps - steps // 10)
    lines += rng.sample(lines, steps // 10)
    rng.shuffle(lines)
    return lines


POINTS = {"base": ordered_points, "append": ordered_points, "merge": merged_points, "long": shuffled_points}


def make_run(folder, run, number):
    for part in ("metrics", "params", "tags", "artifacts"):
        (folder / part).mkdir(parents=True)
    (folder / "meta.yaml").write_text(
        RUN_YAML.format(experiment=EXPERIMENT, run=run, number=number, start=START_MS, end=START_MS + 9999)
    )
    (folder / "tags" / "mlflow.runName").write_text(f"run-{number}")


def write_long_run(folder, kind, number, keys, steps):
    for key in range(keys):
        # A seed a file: merge can then repeat base's points without reading them.
        rng = random.Random(f"{SEEDS[kind]}/{number}/{key}")
        with open(folder / "metrics" / f"metric_{key:03d}", "w") as file:
            file.writelines(POINTS[kind](rng, steps))


def write_small_run(folder, number):
    rng = random.Random(number)
    for key in range(SMALL_METRICS):
        (folder / "metrics" / f"metric_{key}").write_text(f"{START_MS} {rng.random()} 0\n")
    for key in range(SMALL_PARAMS):
        (folder / "params" / f"param_{key}").write_text(f"{rng.random():.6f}")
    for key in range(SMALL_TAGS):
        (folder / "tags" / f"tag_{key}").write_text(f"value {rng.randrange(100)}")


def write_store(kind, folder, runs, keys, steps):
    if kind == "long":
        runs, steps = 1, runs * steps
    experiment = Path(folder) / EXPERIMENT
    experiment.mkdir(parents=True)
    (experiment / "meta.yaml").write_text(EXPERIMENT_YAML.format(id=EXPERIMENT, start=START_MS))
    for number, run in enumerate(run_ids(kind, runs)):
        make_run(experiment / run, run, number)
        if kind == "small":
            write_small_run(experiment / run, number)
        else:
            write_long_run(experiment / run, kind, number, keys, steps)


def points_of(store):
    """(run, key, [(timestamp, value, step) as text]) of every metric file, in the order the folders list them."""
    for run in os.scandir(Path(store) / EXPERIMENT):
        if run.is_dir():
            for key in os.scandir(Path(run) / "metrics"):
                with open(key) as file:
                    yield run.name, key.name, [line.split() for line in file]


def write_csv(store, path):
    """The points as rows of `metrics`, in file order."""
    with open(path, "w") as csv:
        for run, key, points in points_of(store):
            csv.writelines(f"{key},{value},{time},{run},{step},f\n" for time, value, step in points)


def warm(store):
    """Reads every file once, so that each contender finds the store in the page cache."""
    for folder, _, names in os.walk(store):
        for name in names:
            with open(os.path.join(folder, name), "rb", buffering=0) as file:
                while file.read(1 << 20):
                    pass


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=sorted(SEEDS))
    parser.add_argument("folder")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--keys", type=int, default=100)
    parser.add_argument("--steps", type=int, default=1000)
    args = parser.parse_args()
    write_store(args.kind, args.folder, args.runs, args.keys, args.steps)


if __name__ == "__main__":
    main()
