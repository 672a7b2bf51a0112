"""MLflow's own store, logging to runs all the time while imports add to them; run in a release's venv by test_merge.py.

Usage: merge_writer.py PLAN URI FOLDER. PLAN: {"runs": [...], "batches": [[run index, points, tags], ...]}. Writes the
batches in order, again and again until FOLDER/stop is there and all were written once; makes FOLDER/ready when it is
connected. Any error of the store ends it with a traceback. Prints how often it wrote a batch.
"""

import json
import sys
from pathlib import Path

from mlflow.entities import Metric, RunTag
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

plan, folder = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[3])
store = SqlAlchemyStore(sys.argv[2], "/artifacts")
(folder / "ready").touch()
written = 0
while written < len(plan["batches"]) or not (folder / "stop").exists():
    run, points, tags = plan["batches"][written % len(plan["batches"])]
    made = [Metric(key, value, timestamp, step) for key, timestamp, value, step in points]
    store.log_batch(plan["runs"][run], made, [], [RunTag(k, v) for k, v in tags.items()])
    written += 1
print(json.dumps(written))
