"""Imports through PgBouncer in transaction mode, with fewer connections to the server than we have lanes: everything
arrives, and the sessions that others get afterwards are as they were."""

import psycopg2
import pytest

import programs
from pooler import pooler_before
from postgres_facts import orphans, shape
from stores.filestore import wide_store

HEAD = programs.MLFLOW_HEADS[programs.NEWEST]
RUNS, POINTS, POOL = 80, 30, 2
SESSION = """
SELECT pg_backend_pid(), (SELECT array_agg(name || '=' || setting ORDER BY name) FROM pg_settings
                           WHERE source = 'session' AND name NOT IN ('application_name', 'client_encoding')),
       (SELECT count(*) FROM pg_prepared_statements), (SELECT count(*) FROM pg_cursors),
       (SELECT count(*) FROM pg_class WHERE relpersistence = 't' AND relnamespace = pg_my_temp_schema()),
       (SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'), pg_listening_channels()
"""
CLEAN = (None, 0, 0, 0, 0)


def sessions(dsn):
    """What each of the pooled server sessions holds on to: transactions that are open at once get different ones."""
    clients = [psycopg2.connect(dsn) for _ in range(POOL)]
    found = {}
    for client in clients:
        with client.cursor() as cursor:
            cursor.execute(SESSION.replace(", pg_listening_channels()", ""))
            pid, *held = cursor.fetchone()
            found[pid] = tuple(held)
    for client in clients:
        client.close()
    assert len(found) == POOL
    return found


@pytest.mark.parametrize("head", [programs.MLFLOW_HEADS["3.1.4"], HEAD])
@pytest.mark.parametrize("how", ["append", "trust", "rebuild", "again"])
def test_everything_arrives_and_nothing_stays_behind(run_bulk, new_pg_db, pg_server, tmp_path, how, head):
    db = new_pg_db(head)
    before = shape(db)
    store = wide_store(tmp_path / "mlruns", RUNS, POINTS).root
    more = {"append": ["--load", "append"], "trust": ["--load", "append", "--trust-runs"], "rebuild": ["--load", "rebuild"],
            "again": ["--load", "append"]}[how]
    with pooler_before(pg_server, POOL, POOL) as port:
        dsn = f"postgresql://postgres@127.0.0.1:{port}/{db.name}"
        sessions(dsn)
        args = ("import", store, "--to", dsn, "--json", "--jobs", "4", "--batch-rows", "500", *more)
        said = run_bulk(*args, check=0).json
        if how == "again":
            said = run_bulk(*args, check=0).json
        assert set(sessions(dsn).values()) == {CLEAN}
    counted = "present" if how == "again" else "inserted"
    assert said["tables"]["metrics"][counted] == RUNS * POINTS * 2
    assert db.query("SELECT count(*) FROM metrics") == [(RUNS * POINTS * 2,)]
    assert shape(db) == before
    assert orphans(db) == {}
