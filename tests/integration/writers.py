"""Imports and MLflow's own store, writing to the same runs at the same time."""

import json
import subprocess
import time
from pathlib import Path

from programs import ORACLE, clean_env, mlflow_env, mlflow_python, mlflow_run, private_home

WRITER = Path(__file__).with_name("merge_writer.py")


def start_import(bulk, source, db, home, *more):
    command = [bulk, "import", source, "--to", db.uri, "--json", *more]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        list(map(str, command)), env=clean_env(home), stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True
    )


def for_mlflow(db):
    return db.psycopg2 if db.kind == "postgres" else db.uri


def live_batches(rng, runs, batches=40):
    """What MLflow logs meanwhile: points of its own under the same keys and under new ones, and tags."""
    made = []
    for n in range(batches):
        key = f"k{rng.randrange(30):02}"
        made.append((n % runs, [(key, 1000 + n, n / 7, 1000 + n), (f"live{n % 3}", 1000, 0.5, n)], {f"live{n % 4}": "v"}))
    return made


def all_at_once(bulk, db, sources, live, folder, *options):
    """Imports every source, all at the same time, while MLflow's store writes live["batches"] again and again."""
    plan_file, said = folder / "live.json", folder / "live.log"
    plan_file.write_text(json.dumps(live))
    with open(said, "w") as log:
        command = [mlflow_python(ORACLE), WRITER, plan_file, for_mlflow(db), folder]
        mine = subprocess.Popen(list(map(str, command)), env=mlflow_env(private_home()), stdout=log, stderr=log)
        deadline = time.monotonic() + 120
        while not (folder / "ready").exists():
            assert mine.poll() is None and time.monotonic() < deadline, said.read_text()
            time.sleep(0.1)
        imports = [start_import(bulk, s, db, folder, *options) for s in sources]
        results = [p.communicate(timeout=240) for p in imports]
        (folder / "stop").touch()
        assert mine.wait(timeout=240) == 0, said.read_text()
    assert [p.returncode for p in imports] == [0] * len(imports), results
    assert int(said.read_text().splitlines()[-1]) >= len(live["batches"])


def one_after_the_other(run_bulk, db, sources, live, folder, *options):
    """The same, by nobody but one after the other."""
    alone = folder / "alone"
    alone.mkdir()
    (alone / "stop").touch()
    plan_file = alone / "live.json"
    plan_file.write_text(json.dumps(live))
    mlflow_run(ORACLE, WRITER, plan_file, for_mlflow(db), alone)
    for source in sources:
        run_bulk("import", source, "--to", db.uri, *options, check=0)


def assert_latest(db):
    """Each latest metric is the latest of its points, by MLflow's rule."""
    latest = db.query("SELECT run_uuid, key, step, value FROM latest_metrics")
    best = {}
    for run, key, step, timestamp, value in db.query("SELECT run_uuid, key, step, timestamp, value FROM metrics"):
        best[run, key] = max(best.get((run, key), (-1, -1, 0)), (step, timestamp, value))
    assert {(r, k): (s, v) for r, k, s, v in latest} == {k: (s, v) for k, (s, _, v) in best.items()}
