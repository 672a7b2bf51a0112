"""Imports that are killed, stopped or run beside each other: in the end the rows are those of one clean import, and a
run is there whole or not at all."""

import json
import signal
import subprocess
import time

import pytest

from databases import SqliteDatabase, rows_by_table
from equality import assert_equal_stores
from pg_server import role_for
from programs import MLFLOW_HEADS, ORACLE, clean_env, run_bulk
from shared import made_once
from stores.filestore import wide_store

HEAD = MLFLOW_HEADS[ORACLE]
RUNS, POINTS = 600, 100


@pytest.fixture(scope="session")
def wide(bulk, tmp_path_factory):
    """(mlruns folder, database of one clean import)"""

    def make(folder):
        store = wide_store(folder / "mlruns", RUNS, POINTS)
        clean = SqliteDatabase(folder / "clean.db").load_head(HEAD)
        run_bulk(bulk, "import", store.root, "--to", clean.uri, cwd=folder, check=0)
        return rows_by_table(clean)

    folder, rows = made_once(tmp_path_factory, "wide", make)
    assert rows["metrics"] == RUNS * POINTS * 2
    return folder / "mlruns", SqliteDatabase(folder / "clean.db")


def start(bulk, source, db, home):
    command = [str(bulk), "import", str(source), "--to", db.uri, "--json"]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=clean_env(home), stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True)


def torn_runs(db):
    """Runs that lack rows."""
    return db.query(
        "SELECT r.run_uuid FROM runs r WHERE"
        f" (SELECT count(*) FROM metrics m WHERE m.run_uuid = r.run_uuid) <> {POINTS * 2}"
        " OR (SELECT count(*) FROM latest_metrics m WHERE m.run_uuid = r.run_uuid) <> 2"
        " OR (SELECT count(*) FROM params p WHERE p.run_uuid = r.run_uuid) <> 2"
        " OR (SELECT count(*) FROM tags t WHERE t.run_uuid = r.run_uuid) <> 1"
    )


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_killed_import_is_finished_by_the_next(bulk, wide, target, tmp_path, how):
    source, clean = wide
    for after in (0.02, 0.08, 0.2, 0.4):
        process = start(bulk, source, target, tmp_path)
        time.sleep(after)
        process.send_signal(how)
        process.communicate(timeout=60)
        assert process.returncode in (0, -how, 128 + how), process.returncode
        assert torn_runs(target) == []
    run_bulk(bulk, "import", source, "--to", target.uri, cwd=tmp_path, check=0)
    assert_equal_stores(clean, target)


def test_two_imports_of_one_store_at_a_time_give_one(bulk, wide, target, tmp_path):
    source, clean = wide
    both = [start(bulk, source, target, tmp_path) for _ in range(2)]
    said = [p.communicate(timeout=120) for p in both]
    assert [p.returncode for p in both] == [0, 0], said
    assert_equal_stores(clean, target)


@pytest.mark.parametrize("load", ["append", "rebuild"])
def test_an_import_that_waits_for_a_lock_is_interrupted_at_once(bulk, wide, new_pg_db, tmp_path, load):
    """In a transaction that has begun: advisory locks of runs, and an index that cannot be made, are waited for."""
    source, _ = wide
    db = new_pg_db(HEAD, role_for(load))
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'mltrack/%' AND state = 'active'"
    blocker = db.connect()
    blocker.autocommit = False
    if load == "append":
        run_bulk(bulk, "import", source, "--to", db.uri, "--load", "append", cwd=tmp_path, check=0)
        blocker.cursor().execute("SELECT pg_advisory_xact_lock(1835824242, k) FROM generate_series(0, 1023) AS k")
        waiting += " AND wait_event_type = 'Lock'"
    else:
        db.query("CREATE FUNCTION slow(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS"
                 " 'BEGIN PERFORM pg_sleep(30); RETURN $1; END'")
        db.query("CREATE INDEX slowly ON params (slow(key))")
        waiting += " AND query LIKE '%slowly%' AND xact_start < now() - interval '0.5 s'"
    before = rows_by_table(db)
    process = start(bulk, source, db, tmp_path)
    deadline = time.monotonic() + 60
    while db.query(waiting) == [(0,)]:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=15)
    blocker.close()
    assert process.returncode == 130, err
    assert "interrupted" in json.loads(out)["error"]["message"]
    assert rows_by_table(db) == before
