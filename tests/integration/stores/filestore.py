"""Writes FileStores by hand, byte for byte, for tests of what MLflow itself would never write."""

from pathlib import Path

T0 = 1_700_000_000_000


def _bytes(value):
    return value if isinstance(value, bytes) else value.encode()


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_bytes(content))


class FileStore:
    def __init__(self, root):
        self.root = Path(root)
        self.root.mkdir(parents=True)

    def experiment(self, key, name, lifecycle_stage="active", tags=None, folder=None, **fields):
        """Returns the experiment's folder."""
        folder = self.root / (folder or key)
        meta = {
            "artifact_location": f"/store/{key}",
            "creation_time": T0,
            "experiment_id": f"'{key}'",
            "last_update_time": T0 + 1,
            "lifecycle_stage": lifecycle_stage,
            "name": name,
        } | fields
        write(folder / "meta.yaml", as_yaml(meta))
        for k, v in (tags or {}).items():
            write(folder / "tags" / k, v)
        return folder

    def run(self, experiment, run_id, params=None, tags=None, metrics=None, **fields):
        """Returns the run's folder. metrics: key -> content of the file."""
        folder = self.root / experiment / run_id
        meta = {
            "artifact_uri": f"/store/{experiment}/{run_id}/artifacts",
            "deleted_time": "null",
            "end_time": T0 + 10,
            "entry_point_name": "''",
            "experiment_id": f"'{experiment}'",
            "lifecycle_stage": "active",
            "run_id": f"'{run_id}'",
            "run_name": "a-run",
            "run_uuid": f"'{run_id}'",
            "source_name": "''",
            "source_type": 4,
            "source_version": "''",
            "start_time": T0,
            "status": 3,
            "tags": "[]",
            "user_id": "somebody",
        } | fields
        for sub in ("artifacts", "metrics", "params", "tags"):
            (folder / sub).mkdir(parents=True)
        write(folder / "meta.yaml", as_yaml(meta))
        for sub, values in (("params", params), ("tags", tags), ("metrics", metrics)):
            for key, value in (values or {}).items():
                write(folder / sub / key, value)
        return folder


def as_yaml(fields):
    return "".join(f"{k}: {v}\n" for k, v in fields.items() if v is not None)


def run_id(n):
    return f"{n:032x}"


def small_store(root):
    """Two experiments, three sound runs; what a defect is added to."""
    store = FileStore(root)
    store.experiment("0", "Default")
    store.experiment("234567890123456789", "sound", tags={"team": "a"})
    sound = {"params": {"lr": "0.1"}, "tags": {"t": "v"}, "metrics": {"loss": f"{T0} 0.5 0\n{T0} 0.25 1\n"}}
    store.run("0", run_id(1), **sound)
    store.run("234567890123456789", run_id(2), **sound)
    store.run("234567890123456789", run_id(3), **sound)
    return store


def wide_store(root, runs, points=50):
    """Many like runs over a few experiments."""
    store = FileStore(root)
    for e in range(4):
        store.experiment(str(e), "Default" if e == 0 else f"experiment {e}")
    for n in range(runs):
        curve = "".join(f"{T0 + i} {1 / (i + n + 1)} {i}\n" for i in range(points))
        metrics = {"loss": curve, "val/loss": curve}
        store.run(str(n % 4), run_id(n + 1), {"lr": str(n), "seed": "7"}, {"mlflow.runName": f"run {n}"}, metrics)
    return store
