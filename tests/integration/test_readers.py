"""Several readers: what they bring in together is what one brings in alone."""

import json
import threading

import pytest

from equality import assert_equal_stores
import programs
from pg_server import role_for
from programs import MLFLOW_HEADS, ORACLE
from stores.filestore import T0, FileStore, run_id, write
from summaries import check_summary

HEAD = MLFLOW_HEADS[ORACLE]
EXPERIMENTS = [str(100 + n) for n in range(4)]
RUNS = 40  # of each


def mixed_store(root):
    """Runs of several experiments, sound and broken ones, and what is no run."""
    store = FileStore(root)
    for e, experiment in enumerate(EXPERIMENTS):
        store.experiment(experiment, f"experiment {e}")
        for n in range(RUNS):
            metrics = {"m": "".join(f"{T0 + i} {i}.5 {i}\n" for i in range(n % 7)), "k/n": f"{T0} nan 0\n"}
            folder = store.run(
                experiment, run_id(e * 1000 + n), params={f"p{i}": f"{n}" for i in range(5)}, metrics=metrics
            )
            if n % 10 == 3:
                write(folder / "metrics" / "bad", f"{T0} 1 1\n{T0} x 2\n")
            if n % 10 == 5:
                write(folder / "meta.yaml", "a: [")
            if n % 10 == 7:
                write(root / experiment / f"stray-{n}" / "file", "")
    return store


def said(summary, rejects):
    """What an import has to say, but for the order and the time."""
    lines = sorted(json.dumps(json.loads(line), sort_keys=True) for line in rejects.read_text().splitlines())
    experiments = sorted((e["name"], e["id"]) for e in summary["experiments"])
    return summary["tables"], summary["ignored"], summary["changed"], experiments, lines


@pytest.mark.parametrize("kind, load", [("sqlite", "auto"), ("postgres", "append"), ("postgres", "rebuild")])
def test_four_readers_bring_in_what_one_does(run_bulk, new_db, tmp_path, kind, load):
    store = mixed_store(tmp_path / "mlruns")
    databases, words = [], []
    for readers in (1, 4):
        db, rejects = new_db(kind, HEAD, role=role_for(load)), tmp_path / f"rejects-{readers}"
        options = ["--readers", readers, "--load", load, "--batch-rows", 300, "--on-error", "skip"]
        result = run_bulk("import", store.root, "--to", db.uri, *options, "--rejects", rejects, "--json", check=2)
        words.append(said(check_summary(result, db=db), rejects))
        databases.append(db)
    assert words[0] == words[1]
    assert words[0][1]["stray folders"] == len(EXPERIMENTS) * 4
    assert_equal_stores(*databases)


def test_a_reject_stops_all_readers(run_bulk, new_sqlite_db, tmp_path):
    store = mixed_store(tmp_path / "mlruns")
    db = new_sqlite_db(HEAD)
    result = run_bulk("import", store.root, "--to", db.uri, "--readers", "4", "--batch-rows", "300", check=65)
    assert "--on-error" in result.stderr
    params = dict(db.query("SELECT run_uuid, count(*) FROM params GROUP BY 1"))
    assert set(params.values()) <= {5}  # whole runs or nothing


def test_readers_that_may_open_nothing_more_end_the_import(bulk, new_sqlite_db, tmp_path):
    store = mixed_store(tmp_path / "mlruns")
    db = new_sqlite_db(HEAD)
    script = tmp_path / "few-files"
    script.write_text(f'#!/bin/sh\nulimit -n 24\nexec "{bulk}" "$@"\n')
    script.chmod(0o755)
    options = ["--readers", "16", "--memory", "256M", "--on-error", "skip"]
    result = programs.run_bulk(script, "import", store.root, "--to", db.uri, *options, cwd=tmp_path)
    assert result.returncode not in (0, 2) and "Too many open files" in result.stderr, result.explain()


def test_a_store_that_changes_while_it_is_read(run_bulk, new_sqlite_db, tmp_path):
    """Runs appear, grow and go meanwhile: those that stay are in, whole."""
    store = mixed_store(tmp_path / "mlruns")
    db, stop = new_sqlite_db(HEAD), threading.Event()

    def disturb():
        n = 0
        while not stop.is_set():
            folder = store.run(EXPERIMENTS[n % 4], run_id(9000 + n), params={"p": "1"}, metrics={"m": f"{T0} 1 0\n"})
            with open(folder / "metrics" / "m", "a") as metric:
                metric.write(f"{T0} 2 1\n")
            (folder / "params" / "p").unlink()
            (folder / "meta.yaml").unlink()
            n += 1

    thread = threading.Thread(target=disturb)
    thread.start()
    try:
        result = run_bulk("import", store.root, "--to", db.uri, "--readers", "4", "--on-error", "skip", "--json", check=2)
    finally:
        stop.set()
        thread.join()
    check_summary(result, db=db)
    sound = {run_id(e * 1000 + n) for e in range(len(EXPERIMENTS)) for n in range(RUNS) if n % 10 != 5}
    assert sound <= {r for (r,) in db.query("SELECT run_uuid FROM runs")}
    assert set(dict(db.query("SELECT run_uuid, count(*) FROM params GROUP BY 1")).values()) <= {1, 5}
