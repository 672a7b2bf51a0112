"""The comparison tool itself: it finds a difference in any column of any table, and none where there is none."""

import functools
import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import compare_stores
import programs
import pytest
from compare_stores import KEYS, compare

pytestmark = pytest.mark.once
HEAD = programs.MLFLOW_HEADS["3.17.2"]
OLD_HEAD = programs.MLFLOW_HEADS["2.22.5"]  # before workspaces, logged models and inputs.step

# One row a table. {e} is the experiment's id, {d} the dataset's and {i} the input's: the generated ids.
ROWS = {
    "experiments": (
        "experiment_id={e}, name='exp', artifact_location='loc', lifecycle_stage='active', creation_time=1, "
        "last_update_time=2"
    ),
    "experiment_tags": "experiment_id={e}, key='k', value='v'",
    "runs": (
        "run_uuid='r', name='n', source_type='LOCAL', source_name='s', entry_point_name='p', user_id='u', "
        "status='FINISHED', start_time=1, end_time=2, deleted_time=3, source_version='x', "
        "lifecycle_stage='active', artifact_uri='uri', experiment_id={e}"
    ),
    "params": "run_uuid='r', key='k', value='v'",
    "tags": "run_uuid='r', key='k', value='v'",
    "metrics": "run_uuid='r', key='k', value=0.1, timestamp=1, step=2, is_nan={false}",
    "latest_metrics": "run_uuid='r', key='k', value=0.1, timestamp=1, step=2, is_nan={false}",
    "datasets": (
        "dataset_uuid={d}, experiment_id={e}, name='n', digest='h', dataset_source_type='t', "
        "dataset_source='s', dataset_schema='c', dataset_profile='f'"
    ),
    "inputs": (
        "input_uuid={i}, source_type='DATASET', source_id={d}, destination_type='RUN', destination_id='r', "
        "step=0"
    ),
    "input_tags": "input_uuid={i}, name='n', value='v'",
    "logged_models": (
        "model_id='m', experiment_id={e}, name='n', artifact_location='loc', creation_timestamp_ms=1, "
        "last_updated_timestamp_ms=2, status=2, lifecycle_stage='active', model_type='t', source_run_id='r', "
        "status_message='msg'"
    ),
    "logged_model_params": "model_id='m', experiment_id={e}, param_key='k', param_value='v'",
    "logged_model_tags": "model_id='m', experiment_id={e}, tag_key='k', tag_value='v'",
    "logged_model_metrics": (
        "model_id='m', metric_name='n', metric_timestamp_ms=1, metric_step=2, metric_value=0.1, "
        "experiment_id={e}, run_id='r', dataset_uuid={d}, dataset_name='n', dataset_digest='h'"
    ),
    "registered_models": "name='reg', creation_time=1, last_updated_time=2, description='d'",
    "registered_model_tags": "name='reg', key='k', value='v'",
    "model_versions": (
        "name='reg', version=1, creation_time=1, last_updated_time=2, description='d', user_id='u', "
        "current_stage='None', source='s', storage_location='l', run_id='r', run_link='k', status='READY', "
        "status_message='m'"
    ),
    "model_version_tags": "name='reg', version=1, key='k', value='v'",
    "registered_model_aliases": "name='reg', alias='a', version=1",
}
GENERATED = {"experiments.experiment_id", "datasets.dataset_uuid", "inputs.input_uuid"}


def assignments(table):
    return dict(part.strip().split("=", 1) for part in ROWS[table].split(","))


def insert(table, ids, changed=None):
    values = assignments(table) | (changed or {})
    return f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join(values.values())});".format(**ids)


def ids(number):
    return {"e": number, "d": f"'d{number}'", "i": f"'i{number}'", "false": "false"}


@functools.cache
def empty_store(head):
    """A SQLite file with MLflow's schema at a head, as bytes."""
    connection = sqlite3.connect(":memory:")
    connection.executescript((programs.HEADS_DIR / f"{head}.sqlite.sql").read_text())
    connection.execute("INSERT INTO alembic_version VALUES (?)", (head,))
    connection.commit()
    return connection.serialize()


@pytest.fixture
def stores(tmp_path):
    """stores(number, changes={}) -> path of a SQLite store with one row in each table, its ids made from number."""

    def make(number, changes=None, head=HEAD, tables=ROWS):
        path = tmp_path / f"{number}.db"
        path.write_bytes(empty_store(head))
        run(path, "".join(insert(table, ids(number), (changes or {}).get(table)) for table in tables))
        return path

    return make


def run(path, sql):
    connection = sqlite3.connect(path)
    connection.executescript(f"PRAGMA synchronous = OFF; BEGIN; {sql}; COMMIT")
    connection.close()


def test_stores_that_differ_in_generated_ids_only_are_equal(stores):
    found = compare(stores(1), stores(2))
    assert found == [] and found.notes == [] and found.unlisted == []
    assert found.rows == {table: (1, 1) for table in KEYS}


@pytest.mark.parametrize("table, column", [(t, c) for t in ROWS for c in assignments(t) if f"{t}.{c}" not in GENERATED])
def test_a_change_in_any_column_is_found(stores, table, column):
    old = assignments(table)[column]
    constrained = {
        "lifecycle_stage": "'deleted'",
        "source_type": "'JOB'",
        "status": "'KILLED'",
        "experiment_id": "77",
        "is_nan": "true",
        "dataset_uuid": "'other'",
    }
    new = constrained.get(column, "'other'" if "'" in old else "0.25" if "." in old else "99")
    if table == "model_versions" and column == "status" or table == "inputs" and column == "source_type":
        new = "'OTHER'"
    if table == "logged_models" and column == "status":
        new = "99"
    found = compare(stores(1), stores(2, {table: {column: new}}))
    assert {d.table for d in found} >= {table}, found
    ours = [d for d in found if d.table == table]
    key = KEYS[table]
    if column in key or table == "inputs" and column != "step":
        assert [(d.column, d.a is None, d.b is None) for d in ours] in (
            [(None, False, True), (None, True, False)],
            [(None, True, False), (None, False, True)],
        )
    else:
        assert [d.column for d in ours] == [column]
        assert ours[0].a != ours[0].b


@pytest.mark.parametrize("table", ROWS)
def test_a_missing_row_is_found_in_either_store(stores, table):
    a, b = stores(1), stores(2)
    run(b, f"DELETE FROM {table}")
    assert [(d.column, d.b) for d in compare(a, b) if d.table == table] == [(None, None)]
    assert [(d.column, d.a) for d in compare(b, a) if d.table == table] == [(None, None)]
    assert "only in A" in str(next(d for d in compare(a, b) if d.table == table))


@pytest.mark.parametrize("table, column", [f.split(".") for f in sorted(compare_stores.ARTIFACT_LOCATIONS)])
def test_artifact_locations_are_ignored_when_asked(stores, table, column):
    a, b = stores(1), stores(2, {table: {column: "'elsewhere'"}})
    assert [d.column for d in compare(a, b)] == [column]
    assert compare(a, b, ignore=["artifact-locations"]) == []
    assert compare(a, b, ignore=[f"{table}.{column}"]) == []


def test_experiments_can_be_compared_by_id(stores):
    a, b = stores(1), stores(2)
    found = compare(a, b, map_experiments_by="id")
    assert ("experiments", "experiment_id", 1, 2) in [(d.table, d.column, d.a, d.b) for d in found]
    assert "runs" in {d.table for d in found}


@pytest.mark.parametrize(
    "old, new",
    [
        ("0.1", "0.10000000000000002"),
        ("1e308", "1.7976931348623157e308"),
        ("0.0", "5e-324"),
        ("9007199254740992.0", "9007199254740994.0"),
    ],
)
def test_floats_are_compared_to_the_last_bit(stores, old, new):
    found = compare(stores(1, {"metrics": {"value": old}}), stores(2, {"metrics": {"value": new}}))
    assert [(d.table, d.column, d.a, d.b) for d in found] == [("metrics", "value", float(old), float(new))]


def test_points_with_equal_keys_cancel_out(stores):
    a, b = stores(1), stores(2)
    run(a, "".join(insert("metrics", ids(1), {"value": v}) for v in ("0.2", "0.3")))
    run(b, "".join(insert("metrics", ids(2), {"value": v}) for v in ("0.3", "0.4")))
    assert [(d.column, d.a, d.b) for d in compare(a, b)] == [("value", 0.2, 0.4)]


def test_text_is_compared_byte_for_byte(stores):
    others = ["'v '", "'V'", "'v' || char(13)", "'v' || char(0) || 'x'", "CAST(x'ff' AS TEXT)", "NULL", "''", "x'76'"]
    for text in others:
        a = stores(1, {"tags": {"value": "'v'"}})
        b = stores(2, {"tags": {"value": text}})
        assert [(d.table, d.column, d.a) for d in compare(a, b)] == [("tags", "value", "v")], text
        a.unlink(), b.unlink()


def test_a_workspace_is_default_where_the_head_has_none(stores):
    tables = [t for t in ROWS if not t.startswith("logged_model")]
    without_step = {"inputs": {"step": "0"}}
    old = stores(1, head=OLD_HEAD, tables=[t for t in tables if t != "inputs"])
    new = stores(2, without_step, tables=[t for t in tables if t != "inputs"])
    run(new, "DELETE FROM input_tags")
    run(old, "DELETE FROM input_tags")
    found = compare(old, new)
    assert found == [], found
    assert f"schema heads: A {OLD_HEAD}, B {HEAD}" in found.notes
    assert "table logged_models: only in B, 0 rows" in found.notes
    assert "column inputs.step: only in B" in found.notes
    run(new, "UPDATE experiments SET workspace = 'team'")
    assert {d.table for d in compare(old, new)} >= {"experiments", "experiment_tags", "runs"}


def test_rows_of_a_table_that_one_store_lacks_are_a_difference(stores):
    old = stores(1, head=OLD_HEAD, tables=[])
    new = stores(2, tables=["experiments", "logged_models"])
    found = compare(old, new, ignore=["experiments.name"])
    assert ("logged_models", None, {"rows": 1}) in [(d.table, d.column, d.b) for d in found]


def test_trace_tables_are_counted_only(stores):
    a, b = stores(1), stores(2)
    run(b, "INSERT INTO trace_info (request_id, experiment_id, timestamp_ms, status) VALUES ('t', 2, 1, 'OK')")
    found = compare(a, b)
    assert found == [] and found.notes == ["table trace_info, not compared: 0 rows in A, 1 in B"]


def test_max_diffs_bounds_the_list_and_says_so(stores):
    a, b = stores(1), stores(2)
    run(b, "".join(insert("tags", ids(2), {"key": f"'k{i}'"}) for i in range(50)) + "DELETE FROM params")
    found = compare(a, b, max_diffs=10)
    assert len(found) == 10
    assert set(found.unlisted) == {"tags"}
    assert len(compare(a, b)) == 51


def test_many_differences_are_found_in_pieces(stores, monkeypatch):
    monkeypatch.setattr(compare_stores, "ROWS_IN_MEMORY", 100)
    a, b = stores(1), stores(2)
    run(b, "".join(insert("params", ids(2), {"key": f"'k{i}'"}) for i in range(1000)))
    assert len(compare(a, b)) == 1000


def test_postgres_and_sqlite_compare_equal(stores, new_pg_db):
    pg, lite = new_pg_db(head=HEAD), stores(2)
    pg.query("".join(insert(t, ids(1)) for t in ROWS))
    assert compare(lite, pg.owner_uri) == []
    assert compare(pg.psycopg2, f"sqlite:///{lite}") == []
    pg.query("UPDATE metrics SET value = 0.2; UPDATE latest_metrics SET is_nan = true")
    found = [(d.table, d.column, d.a, d.b) for d in compare(lite, pg.owner_uri)]
    assert found == [("metrics", "value", 0.1, 0.2), ("latest_metrics", "is_nan", 0, 1)]


def test_the_sign_of_zero_counts_unless_ignored(new_pg_db):
    stores = [new_pg_db(head=HEAD) for _ in range(2)]
    for store, value in zip(stores, ("0.0", "-0.0")):
        for table in ("experiments", "runs"):
            store.query(insert(table, ids(1)))
        store.query(insert("metrics", ids(1), {"value": f"'{value}'"}))
    a, b = (s.uri for s in stores)
    assert [(d.column, str(d.a), str(d.b)) for d in compare(a, b)] == [("value", "0.0", "-0.0")]
    assert compare(a, b, ignore=["negative-zero"]) == []


def command(*args):
    script = Path(compare_stores.__file__)
    done = subprocess.run([sys.executable, script, *map(str, args)], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def test_the_exit_status_tells_the_verdict(stores, tmp_path):
    a, b = stores(1), stores(2, {"params": {"value": "'other'"}})
    assert command(a, a)[0] == 0
    status, out, _ = command(a, b)
    assert status == 1
    assert "params[run_uuid='r', key='k'] value: 'v' != 'other'" in out
    status, out, _ = command(f"sqlite:///{a}", b, "--json")
    assert status == 1
    document = json.loads(out)
    assert document["equal"] is False
    assert document["differences"] == [
        {"table": "params", "key": {"run_uuid": "r", "key": "k"}, "column": "value", "a": "v", "b": "other"}
    ]
    assert command(a, tmp_path / "none.db")[0] == 2
    assert command(a, "mysql://x/y")[0] == 2
    assert command(a, b, "--ignore", "nonsense")[0] == 2


@pytest.mark.long
def test_a_million_points_take_little_memory(stores):
    points = (
        "WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999999)"
        " INSERT INTO metrics SELECT 'key' || (i % 100), i / 3.0, i, 'r', i, 0 FROM n;"
    )
    a, b = stores(1), stores(2)
    run(a, points)
    run(b, points + "UPDATE metrics SET value = 0.5 WHERE step = 123456;")
    code = (  # not getrusage: its peak is that of the process before exec, too
        "import re, compare_stores as c; found = c.compare(*__import__('sys').argv[1:]);"
        "print(len(found), re.search(r'VmHWM:\\s*(\\d+)', open('/proc/self/status').read())[1])"
    )
    here = Path(compare_stores.__file__).parent
    out = subprocess.run([sys.executable, "-c", code, a, b], stdout=subprocess.PIPE, check=True, cwd=here).stdout
    differences, kilobytes = map(int, out.split())
    assert differences == 1
    assert kilobytes < 150_000
