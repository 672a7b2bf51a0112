"""SIGUSR1 asks a running import how far it is, and disturbs nothing."""

import json
import signal
import time

import programs
from stores.filestore import wide_store
from test_pg_append import start

HEAD = programs.MLFLOW_HEADS[programs.ORACLE]
LINE = "importing (progress="


def test_sigusr1_asks_how_far_it_is(bulk, new_pg_db, tmp_path):
    db = new_pg_db(HEAD)
    store = wide_store(tmp_path / "mlruns", 40, 10).root
    process = start(bulk, store, db.uri, tmp_path, "--max-rows-per-second", "400", "--batch-rows", "100")
    while not db.query("SELECT count(*) FROM runs")[0][0]:
        assert process.poll() is None
        time.sleep(0.05)
    for _ in range(2):
        process.send_signal(signal.SIGUSR1)
        line = process.stderr.readline()
        assert LINE in line and "runs, " in line, line
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 0 and json.loads(out)["status"] == "ok", errors
