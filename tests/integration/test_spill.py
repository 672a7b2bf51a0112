"""Runs too large for --memory are sorted on disk; what arrives is what would have arrived without."""

import random

import pytest
from equality import assert_equal_stores
from pg_server import role_for
from programs import MLFLOW_HEADS, ORACLE
from stores.filestore import T0, FileStore, run_id
from summaries import check_summary, counts, notes

pytestmark = pytest.mark.both

HEAD = MLFLOW_HEADS[ORACLE]
LITTLE, PLENTY = ("--memory", "32M"), ("--memory", "1G")
LONG, SHORT = run_id(1), run_id(2)
POINTS, REPEATED = 40_000, 2_000
VALUES = ["0.0", "-0.0", "nan", "inf", "-inf", "1e300", "0.1"]
TARGETS = [("sqlite", "auto"), ("postgres", "append"), ("postgres", "rebuild")]


def long_curve(seed, ordered):
    """Lines of a metric's file; out of order, some lines stand twice, all over the file."""
    rng = random.Random(seed)
    lines = [f"{T0 + n % 7} {rng.choice(VALUES)} {n // 2}\n" for n in range(POINTS)]
    if not ordered:
        lines = [*set(lines)]
        lines.sort()
        lines += rng.sample(lines, REPEATED)
        rng.shuffle(lines)
    return "".join(lines)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = FileStore(tmp_path_factory.mktemp("spill") / "mlruns")
    store.experiment("0", "Default")
    curves = {f"{'b' if n % 2 else 'a'}/{n}": long_curve(n, ordered=n < 2) for n in range(5)}
    store.run("0", LONG, {"lr": "0.1"}, {"mlflow.runName": "long"}, curves)
    store.run("0", SHORT, {"lr": "0.2"}, {"mlflow.runName": "short"}, {"loss": f"{T0} 0.5 0\n{T0} 0.25 1\n"})
    return store


@pytest.mark.parametrize("kind,load", TARGETS)
def test_the_rows_are_those_of_an_import_with_plenty_of_memory(run_bulk, new_db, store, kind, load):
    databases = []
    for memory in (LITTLE, PLENTY):
        db = new_db(kind, HEAD, role=role_for(load))
        result = run_bulk("import", store.root, "--to", db.uri, "--load", load, *memory, "--json", check=0)
        summary = check_summary(result, db=db)
        assert summary["tables"]["metrics"]["merged"] >= 3 * REPEATED
        databases.append((db, summary["tables"]))
    assert_equal_stores(databases[0][0], databases[1][0])
    assert databases[0][1] == databases[1][1]


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_what_is_there_is_found_again_and_a_change_is_a_conflict(run_bulk, new_db, store, kind):
    db = new_db(kind, HEAD)
    command = ("import", store.root, "--to", db.uri, "--json", "--on-error", "skip")
    run_bulk(*command, *PLENTY, check=0)
    again = check_summary(run_bulk(*command, *LITTLE, check=0))
    assert not counts(again, "inserted") and counts(again, "present")["runs"] == 2
    found = f"run_uuid = '{LONG}' AND key = 'a/4' AND step = 777"
    rows = db.query(f"SELECT timestamp FROM metrics WHERE {found}")
    db.query(f"UPDATE metrics SET value = 4711 WHERE {found} AND timestamp = {rows[0][0]}")
    changed = check_summary(run_bulk(*command, *LITTLE, check=2))
    (conflict,) = notes(changed, "conflict")
    assert "metric 'a/4' has" in conflict["reason"] and "some with other values" in conflict["reason"]
    db.query(f"DELETE FROM metrics WHERE {found}")
    changed = check_summary(run_bulk(*command, *LITTLE, check=2))
    (conflict,) = notes(changed, "conflict")
    assert "metric 'a/4' has" in conflict["reason"] and "points there" in conflict["reason"]
    assert counts(changed, "present")["runs"] == 1


@pytest.mark.parametrize("kind,load", TARGETS)
def test_without_a_folder_to_sort_in_nothing_of_the_run_is_written(run_bulk, new_db, store, tmp_path, kind, load):
    db = new_db(kind, HEAD, role=role_for(load))
    nowhere = {"TMPDIR": tmp_path / "nowhere"}
    command = ("import", store.root, "--to", db.uri, "--load", load)
    failed = run_bulk(*command, *LITTLE, env=nowhere, check=73)
    assert f"cannot create a temporary file in {nowhere['TMPDIR']}" in failed.stderr and "TMPDIR" in failed.stderr
    assert db.query("SELECT count(*) FROM metrics") == [(0,)]
    run_bulk(*command, *PLENTY, env=nowhere, check=0)


def test_too_little_memory_is_refused_before_anything_is_made(run_bulk, store, tmp_path):
    refused = run_bulk("import", store.root, "--to", f"sqlite:///{tmp_path}/new.db", "--memory", "16M", check=64)
    assert "at least" in refused.stderr and "--memory" in refused.stderr
    assert not (tmp_path / "new.db").exists()
