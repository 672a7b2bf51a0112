"""Runs inside an MLflow release: logs points by MLflow's own means, 1000 a call, and prints how long that took.

    log_points.py rest URL POINTS CLIENTS     MlflowClient.log_batch in so many processes
    log_points.py store URI POINTS            SqlAlchemyStore.log_batch, without a server
"""

import json
import multiprocessing
import sys
import time
import uuid

from mlflow.entities import Metric
from mlflow.tracking import MlflowClient

KEYS, CALL = 100, 1000


def calls(points):
    for first in range(0, points, CALL):
        steps = range(first // KEYS, (first + CALL) // KEYS)
        yield [
            Metric(f"metric_{key:03d}", key + step / 7, 1_700_000_000_000 + step * 1000, step)
            for step in steps
            for key in range(KEYS)
        ]


def rest_client(url, experiment, points, barrier):
    client = MlflowClient(url)
    run = client.create_run(experiment).info.run_id
    prepared = list(calls(points))
    barrier.wait()
    for metrics in prepared:
        client.log_batch(run, metrics=metrics)
    barrier.wait()


def rest(url, points, clients):
    experiment = MlflowClient(url).create_experiment(uuid.uuid4().hex)
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(clients + 1, timeout=600)
    workers = [
        context.Process(target=rest_client, args=(url, experiment, points // clients, barrier)) for _ in range(clients)
    ]
    for worker in workers:
        worker.start()
    barrier.wait()
    started = time.perf_counter()
    barrier.wait()
    seconds = time.perf_counter() - started
    for worker in workers:
        worker.join()
    return seconds


def store(uri, points):
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    target = SqlAlchemyStore(uri, "/srv/mlruns")
    experiment = target.create_experiment(uuid.uuid4().hex)
    run = target.create_run(experiment, "bench", 0, [], "bench").info.run_id
    prepared = list(calls(points))
    started = time.perf_counter()
    for metrics in prepared:
        target.log_batch(run, metrics, [], [])
    return time.perf_counter() - started


if __name__ == "__main__":
    how, address, points = sys.argv[1], sys.argv[2], int(sys.argv[3])
    seconds = rest(address, points, int(sys.argv[4])) if how == "rest" else store(address, points)
    print(json.dumps({"seconds": seconds}))
