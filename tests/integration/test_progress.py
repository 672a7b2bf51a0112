"""How far a running import is: SIGUSR1 asks it, `progress` looks from elsewhere. Neither disturbs it."""

import json
import signal
import subprocess
import time

import pytest

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


def test_a_pipe_that_gives_nothing_is_told_from_one_that_does(bulk, new_sqlite_db, tmp_path):
    command = [str(bulk), "import", "-", "--to", new_sqlite_db(HEAD).uri, "--json"]
    process = subprocess.Popen(command, env=programs.clean_env(tmp_path), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdin.write('{"type":"run","run_id":"' + "a" * 32 + '"}\n')
    process.stdin.flush()
    time.sleep(8)
    process.send_signal(signal.SIGUSR1)
    line = process.stderr.readline()
    assert LINE in line and ", nothing new for " in line, line
    assert process.communicate('{"type":"end","run_id":"' + "a" * 32 + '","status":"FINISHED"}\n', timeout=60)
    assert process.returncode == 0


def begin(bulk, store, db, home, *more):
    """An import at a pace at which it can be watched, some of it committed."""
    process = start(bulk, store, db.uri, home, "--max-rows-per-second", "400", "--batch-rows", "100", *more)
    while not db.query("SELECT count(*) FROM runs")[0][0]:
        assert process.poll() is None
        time.sleep(0.05)
    return process


def test_another_terminal_sees_what_is_committed(bulk, run_bulk, new_pg_db, tmp_path):
    db = new_pg_db(HEAD)
    to = ("--to", db.uri)
    assert run_bulk("progress", *to).returncode == 66  # there is no ledger yet
    process = begin(bulk, wide_store(tmp_path / "mlruns", 40, 10).root, db, tmp_path)
    said = run_bulk("progress", *to, "--json", check=0).json
    seen = said["import"]
    assert seen["id"] == 1 and seen["state"] == "running" and seen["at_work"]
    assert 0 < seen["runs"] < 40 and seen["rows"] > seen["runs"] and seen["batches"] > 0
    assert 0 < seen["rows_per_second"] < 2000
    assert 1 <= len(said["sessions"]) <= 2 and all(s["pid"] for s in said["sessions"])
    line = run_bulk("progress", *to, check=0).stdout
    assert line.startswith("import 1 of ") and "rows/s" in line and "\n  session " in line
    followed = run_bulk("progress", "1", *to, "--follow", "--json", check=0).stdout.splitlines()
    process.communicate(timeout=60)
    rows = [json.loads(each)["import"]["rows"] for each in followed]
    assert len(rows) > 2 and rows == sorted(rows) and rows[0] < rows[-1]
    assert json.loads(followed[-1])["import"]["state"] == "done"
    assert run_bulk("progress", *to).returncode == 66  # none is running any more
    assert run_bulk("progress", "1", *to, check=0).stdout.startswith("import 1 of ")
    assert run_bulk("progress", "2", *to).returncode == 66


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_one_whose_process_is_gone(bulk, run_bulk, new_db, tmp_path, kind):
    db = new_db(kind, HEAD)
    process = begin(bulk, wide_store(tmp_path / "mlruns", 40, 10).root, db, tmp_path)
    process.kill()
    process.communicate(timeout=60)
    said = run_bulk("progress", "1", "--to", db.uri, "--json", check=0).json["import"]
    assert said["state"] == "running" and not said["at_work"] and said["rows"] > 0
    ended = run_bulk("progress", "1", "--to", db.uri, "--follow", check=75)
    assert "its process is gone" in ended.stdout and not ended.stderr
    assert run_bulk("progress", "--to", db.uri).returncode == 66


def test_a_rebuild_is_seen_while_nothing_of_it_is_committed(bulk, run_bulk, new_owned_db, tmp_path):
    """Its one transaction stands still, with the lock on its tables: the source is a pipe that ends later."""
    db = new_owned_db(HEAD)
    store = wide_store(tmp_path / "mlruns", 10, 10).root
    lines = run_bulk("export", store, check=0).stdout
    command = [str(bulk), "import", "-", "--to", db.uri, "--load", "rebuild", "--batch-rows", "100", "--quiet"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, env=programs.clean_env(tmp_path), text=True)
    half = len(lines) // 2
    process.stdin.write(lines[:half])
    process.stdin.flush()
    deadline = time.monotonic() + 60
    while (seen := run_bulk("progress", "--to", db.uri, "--json")).returncode == 66:
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.1)
    assert seen.json["import"]["at_work"] and seen.json["import"]["rows"] == 0 and len(seen.json["sessions"]) == 1
    process.stdin.write(lines[half:])
    process.stdin.close()
    assert process.wait(timeout=60) == 0
    assert db.query("SELECT count(*) FROM runs") == [(10,)]
