"""What the real MLflow does with a FileStore: migrating it, and reading it back."""

import json
import shutil
import time
from pathlib import Path

from programs import ORACLE, mlflow_run
from shared import made_once

STORES = Path(__file__).parent / "stores"

# The command `mlflow migrate-filestore`, once a store, in one process: importing MLflow takes longer than migrating.
MIGRATE = """
import json, sys
from mlflow.cli import cli
outcomes = []
for source, target in json.loads(sys.argv[1]):
    try:
        cli(["migrate-filestore", "--source", source, "--target", target, "--no-progress"], standalone_mode=False)
        outcomes.append(None)
    except Exception as error:
        outcomes.append(f"{type(error).__name__}: {error}")
print(json.dumps(outcomes))
"""

OPEN = """
import json, sys
from mlflow.tracking import MlflowClient
for uri in sys.argv[1:]:
    MlflowClient(tracking_uri=uri, registry_uri=uri).search_experiments()
print(json.dumps(True))
"""


def migrate_filestores(pairs, version=ORACLE):
    """[(mlruns folder, SqliteDatabase to make)] -> for each, None or why migrate-filestore gave up."""
    return mlflow_run(version, MIGRATE, json.dumps([[str(source), db.uri] for source, db in pairs]))


def full_store(tmp_path_factory, version):
    """A FileStore with everything in it, written by that MLflow, for reading only. Returns the folder with its mlruns,
    and the description that stores/make_full_store.py gives."""
    make = STORES / "make_full_store.py"
    return made_once(tmp_path_factory, f"full-{version}", lambda folder: mlflow_run(version, make, folder))


def read_stores(version, *uris):
    """What that MLflow's client sees in each store (stores/read_store.py)."""
    return mlflow_run(version, STORES / "read_store.py", *uris)


def open_stores(version, *uris):
    """Lets that MLflow open each database, which makes its schema and experiment 0 where they are missing."""
    assert mlflow_run(version, OPEN, *uris)


def forget_invented_times(oracle, source):
    """Experiments of older stores have no times; migrate-filestore puts the time of the migration there. FileStore's
    client says None, and so do we. Returns how many experiments that are."""
    invented = 0
    for meta in [*Path(source).glob("*/meta.yaml"), *Path(source).glob(".trash/*/meta.yaml")]:
        if meta.parent.name.isdigit() and "creation_time:" not in meta.read_text():
            time_now = int(meta.parent.name), int(time.time() * 1000) - 3_600_000
            change = "UPDATE experiments SET creation_time = NULL, last_update_time = NULL WHERE experiment_id = %s"
            found = oracle.query(f"{change} AND creation_time > %s RETURNING experiment_id", time_now)
            assert found, f"{meta}: migrate-filestore made up no time"
            invented += 1
    return invented


def _mapped(word):
    value = float(word)
    if value != value:
        return "nan"
    return max(min(value, 1.7976931348623157e308), -1.7976931348623157e308)


def _point(line):
    timestamp, value, *rest = line.strip().split(" ")
    return int(timestamp), _mapped(value), int(rest[0]) if rest else 0


def _model_point(line):
    timestamp, value, step, run = line.strip().split(" ")[:4]
    return int(timestamp), int(step), run


def copy_without_duplicates(source, copy):
    """Copies a FileStore, leaving out metric lines that repeat a row of the SQL tables' primary key: migrate-filestore
    gives up on the first one. Returns how many lines went from runs and from logged models."""
    shutil.copytree(source, copy, symlinks=True)
    dropped = {"metrics": 0, "logged_model_metrics": 0}
    for folder in Path(copy).rglob("metrics"):
        of_model = folder.parent.parent.name == "models"
        for path in (p for p in folder.rglob("*") if p.is_file()):
            kept = {}
            lines = path.read_text().splitlines(keepends=True)
            for line in lines:
                kept.setdefault((_model_point if of_model else _point)(line), line)
            dropped["logged_model_metrics" if of_model else "metrics"] += len(lines) - len(kept)
            path.write_text("".join(kept.values()))
    return dropped
