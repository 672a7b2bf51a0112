"""--max-rows-per-second: an even pace over all connections together, no lock held while waiting, an end at once when
told to. Only lower bounds on durations: a busy machine can make things slow, never fast."""

import signal
import sqlite3
import subprocess
import time

import pytest

from programs import MLFLOW_HEADS, ORACLE, clean_env
from stores.filestore import wide_store

HEAD = MLFLOW_HEADS[ORACLE]
RUNS, POINTS = 60, 15
ROWS = RUNS * (1 + 2 + 1 + 2 * POINTS + 2)  # a run, params, a tag, metrics, latest metrics


@pytest.fixture
def store(tmp_path):
    return wide_store(tmp_path / "mlruns", RUNS, POINTS).root


@pytest.mark.parametrize("jobs", [1, 4])
def test_rows_take_as_long_as_the_rate_says(run_bulk, store, target, jobs):
    rate = 1000
    started = time.monotonic()
    said = run_bulk("import", store, "--to", target.uri, "--json", "--max-rows-per-second", rate, "-j", jobs,
                    "--batch-rows", 100, check=0).json
    took = time.monotonic() - started
    assert target.query("SELECT count(*) FROM metrics") == [(RUNS * POINTS * 2,)]
    last = 2 * 100 if target.kind == "sqlite" else 0  # after which nothing has to wait
    assert took >= (ROWS - last) / rate - 0.15
    assert said["batches"] > 5


def test_a_slow_pace_makes_short_transactions(run_bulk, store, target):
    said = run_bulk("import", store, "--to", target.uri, "--json", "--max-rows-per-second", 1500, check=0).json
    assert said["batches"] >= ROWS // 1500


def test_auto_appends_at_a_pace(run_bulk, store, new_owned_db):
    db = new_owned_db(HEAD)
    said = run_bulk("import", store, "--to", db.uri, "--json", "--max-rows-per-second", 100000, check=0).json
    assert said["load"] == "append"
    assert "--max-rows-per-second" in said["load_reason"]
    db = new_owned_db(HEAD)
    said = run_bulk("import", store, "--to", db.uri, "--json", "--max-rows-per-second", 100000, "--load", "rebuild",
                    check=0).json
    assert said["load"] == "rebuild"


def test_what_is_there_already_is_not_paced(run_bulk, store, target):
    run_bulk("import", store, "--to", target.uri, check=0)
    started = time.monotonic()
    run_bulk("import", store, "--to", target.uri, "--max-rows-per-second", 10, check=0, timeout=100)
    assert time.monotonic() - started < ROWS / 10 / 2


def start(bulk, source, db, home, *more):
    return subprocess.Popen(
        [str(bulk), "import", str(source), "--to", db.uri, *more],
        env=clean_env(home), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )


def wait_until(condition, process):
    deadline = time.monotonic() + 60
    while not condition():
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.02)


@pytest.mark.parametrize("jobs", ["1", "4"])
def test_sigint_is_answered_while_it_waits(bulk, store, target, tmp_path, jobs):
    """At this pace the import would take minutes."""
    process = start(bulk, store, target, tmp_path, "--max-rows-per-second", "10", "-j", jobs, "--batch-rows", "20")
    busy = (
        (lambda: target.query("SELECT count(*) FROM runs")[0][0] > 0)
        if target.kind == "sqlite"
        else (lambda: target.query("SELECT 1 FROM pg_stat_activity WHERE query LIKE '%%COPY%%' AND pid <> pg_backend_pid()"))
    )
    wait_until(busy, process)
    process.send_signal(signal.SIGINT)
    told = time.monotonic()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "error: interrupted; running it again goes on where it stopped" in errors
    assert time.monotonic() - told < 5
    torn = "SELECT count(*) FROM runs r WHERE (SELECT count(*) FROM metrics m WHERE m.run_uuid = r.run_uuid) <> %d"
    assert target.query(torn % (POINTS * 2)) == [(0,)]


def test_sqlite_is_free_while_it_waits(bulk, store, new_sqlite_db, tmp_path):
    """Another writer gets SQLite's lock without waiting, nearly always: it is held for milliseconds of a second."""
    db = new_sqlite_db(HEAD)
    process = start(bulk, store, db, tmp_path, "--max-rows-per-second", "300", "--batch-rows", "60")
    wait_until(lambda: db.query("SELECT count(*) FROM runs")[0][0] > 0, process)
    tried = refused = 0
    connection = sqlite3.connect(db.path, timeout=0, isolation_level=None)
    for _ in range(40):
        tried += 1
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        except sqlite3.OperationalError:
            refused += 1
        time.sleep(0.05)
    connection.close()
    assert process.poll() is None, process.communicate()
    process.kill()
    process.communicate()
    assert refused < tried / 2


def test_postgres_gets_rows_evenly(bulk, store, new_pg_db, tmp_path):
    """Seen from the server: no second brings more than the rate allows, with the tenth of a second that may be saved."""
    db, rate = new_pg_db(HEAD), 400
    process = start(bulk, store, db, tmp_path, "--max-rows-per-second", str(rate), "--batch-rows", "40", "-j", "3")
    samples = []
    while process.poll() is None:
        before = time.monotonic()
        rows = sum(db.query(f"SELECT count(*) FROM {t}")[0][0] for t in ("runs", "params", "tags", "metrics", "latest_metrics"))
        samples.append((before, time.monotonic(), rows))
        time.sleep(0.2)
    assert process.returncode == 0, process.communicate()
    process.communicate()
    on_the_way = 3 * 80  # rows of transactions that were open at the first sample and committed before the second
    for _, end_a, rows_a in samples:
        for _, end_b, rows_b in samples:
            if end_b > end_a + 1:
                assert rows_b - rows_a <= rate * (end_b - end_a + 1) + on_the_way
    assert samples[-1][1] - samples[0][0] > 2
