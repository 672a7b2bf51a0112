"""mltrack-verify and the ledger of imports: runs chosen by the import that wrote them, and what the ledger says set
against what is there."""

import contextlib
from collections import Counter

import pytest

import programs
from pg_server import role_for
from programs import MLFLOW_HEADS, ORACLE, ROOT, mlflow_run
from stores.filestore import wide_store

pytestmark = pytest.mark.owner("checks look at every table, and repairs change rows that are there")

HEAD = MLFLOW_HEADS[ORACLE]
SAMPLE = ROOT / "samples" / "mlruns"
RUNS = 30


def table(db, name):
    return f"mltrack_{name}" if db.kind == "sqlite" else f"mltrack.{name}"


@pytest.fixture
def run_verify(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")

    def run(db, *args, check=None):
        program = programs.program_path("mltrack-verify")
        return programs.run_bulk(program, "--to", db.uri, "--json", *args, cwd=home, home=home, check=check)

    return run


@pytest.fixture
def ledger(run_verify):
    """ledger(db, *args) -> Counter of (code, id) that the check finds."""

    def run(db, *args):
        result = run_verify(db, "--check", "ledger", *args, check=0)
        assert result.json["checked"]["checks"]["ledger"] == "done"
        return Counter((f["code"], f["id"]) for f in result.json["findings"])

    return run


@pytest.fixture
def store(run_bulk, target, tmp_path):
    run_bulk("import", wide_store(tmp_path / "mlruns", RUNS, 20).root, "--to", target.uri, check=0)
    return target


def runs_of(db):
    return [r for (r,) in db.query("SELECT run_uuid FROM runs ORDER BY run_uuid")]


# A row of every table that belongs to a run: changed, removed, added. @ is the run.
POINT = "key, value, timestamp, run_uuid, step, is_nan"
ROWS = {
    "runs changed": "UPDATE runs SET end_time = end_time + 1 WHERE run_uuid = '@'",
    "runs renamed": "UPDATE runs SET name = 'other' WHERE run_uuid = '@'",
    "params changed": "UPDATE params SET value = 'other' WHERE run_uuid = '@' AND key = (SELECT min(key) FROM params WHERE run_uuid = '@')",
    "params removed": "DELETE FROM params WHERE run_uuid = '@' AND key = (SELECT min(key) FROM params WHERE run_uuid = '@')",
    "params added": "INSERT INTO params (key, value, run_uuid) VALUES ('more', '1', '@')",
    "tags changed": "UPDATE tags SET value = value || '.' WHERE run_uuid = '@' AND key = (SELECT min(key) FROM tags WHERE run_uuid = '@')",
    "tags removed": "DELETE FROM tags WHERE run_uuid = '@' AND key = (SELECT min(key) FROM tags WHERE run_uuid = '@')",
    "tags added": "INSERT INTO tags (key, value, run_uuid) VALUES ('more', '1', '@')",
    "metrics: a value": "UPDATE metrics SET value = value + 1e-9 WHERE run_uuid = '@' AND step = 2",
    "metrics: a time": "UPDATE metrics SET timestamp = timestamp + 1 WHERE run_uuid = '@' AND step = 2",
    "metrics: a flag": "UPDATE metrics SET is_nan = true WHERE run_uuid = '@' AND step = 2",
    "metrics removed": "DELETE FROM metrics WHERE run_uuid = '@' AND step = 2",
    "metrics added": f"INSERT INTO metrics ({POINT}) VALUES ('more', 1, 1, '@', 1, false)",
    "latest_metrics changed": "UPDATE latest_metrics SET value = value + 1 WHERE run_uuid = '@'",
    "latest_metrics removed": "DELETE FROM latest_metrics WHERE run_uuid = '@'",
}


def test_a_row_that_changed_since_the_import_is_told(run_bulk, ledger, store):
    assert ledger(store, "--full") == {}
    runs = runs_of(store)
    for run, sql in zip(runs, ROWS.values()):
        store.query(sql.replace("@", run))
    changed = Counter(("import-run-changed", run) for run in runs[: len(ROWS)])
    assert ledger(store, "--full") == changed
    assert ledger(store, "--quick") == {}  # does not read the rows of all runs
    assert ledger(store, "--run", runs[3], "--run", runs[-1]) == {("import-run-changed", runs[3]): 1}
    assert ledger(store, "--import", 1) == changed
    some = ledger(store, "--sample", "50%")
    assert some == ledger(store, "--sample", "50%") and 0 < sum(some.values()) < len(changed)


def test_points_of_two_runs_that_changed_places_are_told(ledger, store):
    a, b, *_ = runs_of(store)
    for run, other in ((a, "x" * 32), (b, a), ("x" * 32, b)):
        set_to = f"UPDATE params SET run_uuid = '{other}' WHERE run_uuid = '{run}'"
        store.query(set_to if store.kind == "sqlite" else f"SET session_replication_role = replica; {set_to}")
    assert set(ledger(store, "--full")) == {("import-run-changed", a), ("import-run-changed", b)}


def test_a_run_that_was_removed_is_told(ledger, store):
    gone, *_ = runs_of(store)
    for name in ("metrics", "latest_metrics", "params", "tags", "runs"):
        store.query(f"DELETE FROM {name} WHERE run_uuid = '{gone}'")
    assert ledger(store) == {("import-run-gone", gone): 1}


@pytest.mark.parametrize("load", ["append", "rebuild"])
def test_what_mlflow_itself_reads_is_what_was_digested(run_bulk, ledger, new_db, tmp_path, load):
    """Both ways of loading PostgreSQL, and everything the sample has."""
    db = new_db("postgres", HEAD, role=role_for(load))
    run_bulk("import", SAMPLE, "--to", db.uri, "--load", load, check=0)
    assert ledger(db, "--full") == {}


def test_the_corpus_is_as_it_was_imported(run_bulk, ledger, corpus_filestore, target):
    run_bulk("import", corpus_filestore, "--to", target.uri, "--on-error", "skip")
    assert ledger(target, "--full") == {}


def test_a_run_that_a_later_import_has_added_to_is_as_that_one_left_it(run_bulk, ledger, target, tmp_path):
    store = wide_store(tmp_path / "mlruns", 3, 5).root
    run_bulk("import", store, "--to", target.uri, check=0)
    run = runs_of(target)[0]
    (metric, *_) = sorted(store.glob(f"*/{run}/metrics/*"))
    metric.write_text(metric.read_text() + "1700000999999 5.5 999999\n")
    run_bulk("import", store, "--to", target.uri, "--load", "merge", check=0)
    assert ledger(target, "--full") == {}


def test_a_repair_is_no_change(run_bulk, run_verify, ledger, store, tmp_path):
    run = runs_of(store)[0]
    store.query(f"UPDATE latest_metrics SET value = value - 1, step = step - 1 WHERE run_uuid = '{run}'")
    assert ledger(store, "--full") == {("import-run-changed", run): 1}
    assert run_verify(store, "--repair", "latest-metrics", "--yes", check=0).json["repair"]["import"] == 2
    assert ledger(store, "--full") == {}


def test_what_people_do_to_runs_is_told_and_no_difference(run_verify, ledger, store):
    run = runs_of(store)[0]
    uri = getattr(store, "psycopg2", store.uri)
    code = "import sys, mlflow; mlflow.MlflowClient(sys.argv[1]).set_tag(sys.argv[2], 'seen', 'yes')"
    mlflow_run(ORACLE, code + "\nprint('{}')", uri, run)
    assert ledger(store, "--full") == {("import-run-changed", run): 1}
    assert run_verify(store, "--check", "ledger", "--full", check=0).json["summary"]["infos"] == 1


# ---- which runs ----


def test_runs_are_chosen_by_their_import(run_bulk, run_verify, target, tmp_path):
    run_bulk("import", SAMPLE, "--to", target.uri, check=0)
    sample = set(runs_of(target))
    run_bulk("import", wide_store(tmp_path / "mlruns", RUNS, 5).root, "--to", target.uri, check=0)
    both = ["--check", "chosen", "--check", "latest-metrics", "--check", "ledger"]
    for chosen, n in (([1], len(sample)), ([2], RUNS), ([1, 2], len(sample) + RUNS)):
        args = [a for i in chosen for a in ("--import", i)]
        assert run_verify(target, *both, *args, check=0).json["checked"]["runs"] == n
    one = sorted(sample)[0]
    assert run_verify(target, *both, "--import", 1, "--run", one, check=0).json["checked"]["runs"] == 1
    assert run_verify(target, *both, "--import", 2, "--run", one, check=0).json["checked"]["runs"] == 0
    target.query("UPDATE latest_metrics SET value = value + 1")
    found = run_verify(target, "--check", "latest-metrics", "--import", 1, check=1).json["findings"]
    assert {f["id"] for f in found} <= sample
    gone = run_verify(target, "--check", "chosen", "--import", 3, check=1).json["findings"]
    assert [(f["code"], f["id"]) for f in gone] == [("import-missing", "3")]
    for bad in ("x", "0", "-1", "1e3", "99999999999999999999"):
        assert "no import's id" in run_verify(target, "--import", bad, check=64).stderr


def test_without_a_ledger_there_is_no_import(run_bulk, run_verify, ledger, target):
    run_bulk("import", SAMPLE, "--to", target.uri, "--no-ledger", check=0)
    assert ledger(target, "--full") == {}
    found = run_verify(target, "--import", 1, "--check", "chosen", check=1).json["findings"]
    assert [f["code"] for f in found] == ["import-missing"]


# ---- the ledger itself ----


def test_an_import_that_nobody_works_on_is_told(run_bulk, ledger, store):
    store.query(f"UPDATE {table(store, 'import')} SET state = 'running', worker = 'gone', seen_at = '2020-01-01T00:00:00Z'")
    assert ledger(store) == {}  # it may run on another machine: silent for less than a minute
    store.query(f"UPDATE {table(store, 'batch')} SET committed_at = '2020-01-01T00:00:00Z'")
    assert ledger(store) == {("import-stale", "1"): 1}
    assert ledger(store, "--import", 1) == {}


def broken(db):
    """(what is done, what is found)"""
    on, off = "", ""
    if db.kind == "postgres":
        on, off = "SET session_replication_role = replica; ", ""
    yield f"{on}UPDATE {table(db, 'written')} SET inserted = inserted + 1 WHERE table_name = 'runs'", {("ledger-broken", "1"): 1}
    yield f"{on}DELETE FROM {table(db, 'written')}", {("ledger-broken", "1"): 2}
    yield f"{on}DELETE FROM {table(db, 'batch')}", {("ledger-broken", "1"): 3}
    yield f"{on}DELETE FROM {table(db, 'import')}", {("ledger-broken", "1"): 2}
    yield f"{on}DELETE FROM {table(db, 'run')}", {("ledger-broken", "1"): 1}


@pytest.mark.parametrize("which", range(5))
def test_a_ledger_that_contradicts_itself_is_told(ledger, store, which):
    sql, expected = list(broken(store))[which]
    store.query(sql)
    assert ledger(store) == expected


def test_a_newer_ledger_is_not_looked_at(run_verify, ledger, store):
    store.query(f"UPDATE {table(store, 'version')} SET version = 99")
    assert ledger(store, "--full") == {("ledger-unread", None): 1}
    assert "newer mltrack" in run_verify(store, "--import", 1, check=78).stderr


@contextlib.contextmanager
def role_with(db, name, rights):
    """A role with these rights on MLflow's tables and no other; the database as it sees it."""
    db.query(f"CREATE ROLE {name} LOGIN; GRANT {rights} ON ALL TABLES IN SCHEMA public TO {name}")
    try:
        yield type("Theirs", (), {"uri": db.uri_of(name)})
    finally:
        db.query(f"DROP OWNED BY {name}; DROP ROLE {name}")


def test_a_role_that_may_not_read_the_ledger_verifies_the_rest(run_bulk, run_verify, new_pg_db):
    db = new_pg_db(HEAD)
    run_bulk("import", SAMPLE, "--to", db.uri, check=0)
    with role_with(db, "verify_reader", "SELECT") as theirs:
        result = run_verify(theirs, "--full", "--stale=20000d", "--check=ledger", "--check=latest-metrics", "--check=orphans", check=0)
        (finding,) = result.json["findings"]
        assert finding["code"] == "ledger-unread" and "GRANT USAGE ON SCHEMA mltrack TO verify_reader" in finding["command"]
        assert result.json["checked"]["checks"]["latest-metrics"] == "done"


def test_a_role_that_may_not_keep_a_ledger_repairs_without(run_bulk, run_verify, new_pg_db):
    db = new_pg_db(HEAD)
    run_bulk("import", SAMPLE, "--to", db.uri, check=0)
    db.query("UPDATE latest_metrics SET value = value - 1, step = step - 1 WHERE key = 'train/loss'")
    with role_with(db, "verify_mender", "SELECT, INSERT, UPDATE") as theirs:
        done = run_verify(theirs, "--repair", "latest-metrics", "--yes", check=0)
        assert done.json["repair"]["done"] and done.json["repair"]["import"] is None
        assert "not in the ledger" in done.stderr and "GRANT USAGE ON SCHEMA mltrack TO verify_mender" in done.stderr
