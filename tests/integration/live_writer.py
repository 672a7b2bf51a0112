"""A live MLflow, run in a release's venv by test_sqlite_live.py: writes and reads in a loop until told to stop.

Usage: live_writer.py STORE_URI ARTIFACT_ROOT FOLDER. Creates FOLDER/ready once the store is open and works until
FOLDER/stop is there. Prints {"runs": [...], "while_importing": N, "slowest": seconds} as its last line; N counts the
runs that were being written while FOLDER/importing existed. Any error of the store ends it with a traceback.
"""

import json
import sys
import time
from pathlib import Path

from mlflow.entities import Metric, Param, RunStatus, RunTag, ViewType
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

uri, artifacts, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
store = SqlAlchemyStore(uri, artifacts)
experiment = store.create_experiment("live", None, [])
(folder / "ready").touch()
runs, while_importing, slowest = [], 0, 0.0
while not (folder / "stop").exists():
    importing = (folder / "importing").exists()
    started = time.monotonic()
    now = int(time.time() * 1000)
    run = store.create_run(experiment, "live", now, [], f"live-{len(runs)}").info.run_id
    points = [Metric(f"m{i % 3}", i / 7, now, i) for i in range(30)]
    store.log_batch(run, points, [Param("p", str(len(runs)))], [RunTag("t", "v")])
    store.update_run_info(run, RunStatus.FINISHED, now + 1, None)
    found = store.search_runs([experiment], f"attributes.run_id = '{run}'", ViewType.ALL, 1)
    assert len(found) == 1 and found[0].data.metrics["m0"] == 27 / 7, found
    slowest = max(slowest, time.monotonic() - started)
    runs.append(run)
    while_importing += importing or (folder / "importing").exists()
print(json.dumps({"runs": runs, "while_importing": while_importing, "slowest": slowest}))
