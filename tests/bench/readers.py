"""The tools that people read their logs with today: readers.py TOOL PATH  ->  on the last line, JSON: how many points it
found, in how many seconds of wall time and of its processor, the start of Python and imports not counted. Each runs in
the environment that has the tool (READERS of sources.py)."""

import json
import sys
import time
from pathlib import Path


def read_csv(folder):
    """pandas.read_csv"""
    import pandas as pd

    def read():
        frames = [pd.read_csv(path) for path in sorted(folder.glob("*.csv"))]
        return sum(len(f) if "key" in f else f.drop(columns=["step", "timestamp_ms"]).size for f in frames)

    return read


def read_json(folder):
    """pandas.read_json"""
    import pandas as pd

    return lambda: int((pd.read_json(folder / "points.jsonl", lines=True)["type"] == "metric").sum())


def accumulator(folder):
    """TensorBoard's EventAccumulator"""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    def read():
        n = 0
        for run in sorted(folder.iterdir()):
            events = EventAccumulator(str(run), size_guidance={"scalars": 0}).Reload()
            n += sum(len(events.Scalars(tag)) for tag in events.Tags()["scalars"])
        return n

    return read


def datastore(folder):
    """wandb's DataStore"""
    from wandb.proto import wandb_internal_pb2 as pb
    from wandb.sdk.internal.datastore import DataStore

    def read():
        n = 0
        for path in sorted(folder.glob("*/*.wandb")):
            store = DataStore()
            store.open_for_scan(str(path))
            while (data := store.scan_data()) is not None:
                record = pb.Record()
                record.ParseFromString(data)
                row = {item.key: json.loads(item.value_json) for item in record.history.item}
                n += max(0, len(row) - 2)
        return n

    return read


def export_documents(folder):
    """json.load"""

    def read():
        runs = [json.loads(path.read_text()) for path in sorted(folder.glob("*/run.json"))]
        return sum(len(points) for run in runs for points in run["mlflow"]["metrics"].values())

    return read


def histories(store, runs):
    return sum(len(store.get_metric_history(run.info.run_id, key)) for run in runs for key in run.data.metrics)


def filestore(folder):
    """MLflow's FileStore"""
    from mlflow.entities import ViewType
    from mlflow.store.tracking.file_store import FileStore

    store = FileStore(str(folder))
    return lambda: histories(store, store.search_runs(["1"], "", ViewType.ALL, max_results=1000))


def sqlalchemy(path):
    """MLflow's SqlAlchemyStore"""
    from mlflow.entities import ViewType
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    store = SqlAlchemyStore(f"sqlite:///{path}", "/nonexistent")
    return lambda: histories(store, store.search_runs(["1"], "", ViewType.ALL, max_results=1000))


def main():
    read = globals()[sys.argv[1]](Path(sys.argv[2]))
    wall, processor = time.perf_counter(), time.process_time()
    points = read()
    print(json.dumps([points, time.perf_counter() - wall, time.process_time() - processor]))


if __name__ == "__main__":
    main()
