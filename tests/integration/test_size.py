"""Memory stays within the default of --memory."""

import subprocess
import sys

import pytest

from databases import rows_by_table
from inputs import RUN, T0
from programs import MLFLOW_HEADS, ORACLE, clean_env
from stores.filestore import wide_store
from summaries import check_summary, counts

pytestmark = pytest.mark.both


def peak_megabytes(bulk, source, db, home, *options, status=0):
    """Peak memory of one import, as the kernel counted it for that process."""
    command = [str(bulk), "import", str(source), "--to", db.uri, *options]
    code = (
        "import resource, subprocess, sys; done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL);"
        " print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(done.returncode)"
    )
    env = clean_env(home)
    env["ASAN_OPTIONS"] = env.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"  # freed is free, as without it
    done = subprocess.run([sys.executable, "-c", code, *command], env=env, capture_output=True, text=True)
    assert done.returncode == status, done.stderr
    return int(done.stdout) / 1024


@pytest.mark.long
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_memory_is_that_of_a_batch_however_many_the_runs(bulk, new_db, tmp_path, kind):
    """A batch, and SQLite's page cache, are full long before the last of these runs."""
    store = wide_store(tmp_path / "mlruns", 10000, 20)
    peak = peak_megabytes(bulk, store.root, new_db(kind, MLFLOW_HEADS[ORACLE]), tmp_path)
    assert peak < allowed(bulk)


def allowed(bulk):
    sanitized = b"__asan_init" in bulk.read_bytes()  # shadow memory and red zones
    return 320 if sanitized else 128


def test_memory_is_that_of_a_batch_however_many_the_rejects(bulk, new_db, tmp_path):
    """They leave before their run has ended."""
    store = wide_store(tmp_path / "mlruns", 1, 1)
    lines, bad = 500_000, "1700000000000 one 1\n"
    run = next(store.root.glob("*/*/metrics")).parent
    (run / "metrics" / "broken").write_text(bad * lines)
    rejects = tmp_path / "rejects"
    options = ("--on-error", "skip", "--rejects", str(rejects))
    peak = peak_megabytes(bulk, store.root, new_db("sqlite", MLFLOW_HEADS[ORACLE]), tmp_path, *options, status=2)
    assert peak < allowed(bulk) / 2
    with rejects.open() as written:
        assert sum(1 for _ in written) == lines


def test_a_line_without_end(bulk, new_sqlite_db, tmp_path):
    """1 GiB of it."""
    path = tmp_path / "x.jsonl"
    with path.open("wb") as f:
        f.write(b'{"type":"tag","value":"')
        f.truncate(1 << 30)
    peak = peak_megabytes(bulk, path, new_sqlite_db(MLFLOW_HEADS[ORACLE]), tmp_path, status=65)
    assert peak < allowed(bulk)


def lines_of(path, lines):
    with path.open("w") as f:
        f.writelines(line + "\n" for line in lines)
    return path


def begun(run, complete="true"):
    return f'{{"type":"run","run_id":"{run}","experiment":"e","name":"r","complete":{complete},"status":"FINISHED","start_time":{T0},"end_time":{T0}}}'


def ended(run):
    return f'{{"type":"end","run_id":"{run}","status":"FINISHED","end_time":{T0}}}'


def point(run, key, step):
    return f'{{"type":"metric","run_id":"{run}","key":"{key}","value":{step},"step":{step},"timestamp":{T0}}}'


@pytest.mark.parametrize("complete", ["true", "false"])
def test_a_run_of_very_many_keys(run_bulk, new_sqlite_db, tmp_path, complete):
    n, db = 100_000, new_sqlite_db(MLFLOW_HEADS[ORACLE])
    lines = [begun(RUN, complete), *(point(RUN, f"k{i}", i) for i in range(n)), ended(RUN)]
    source = lines_of(tmp_path / "keys.jsonl", lines)
    check_summary(run_bulk("import", source, "--to", db.uri, "--json", check=0), db=db)
    assert rows_by_table(db)["metrics"] == rows_by_table(db)["latest_metrics"] == n


@pytest.mark.long
@pytest.mark.parametrize("runs, points", [(1_000_000, 1), (1, 10_000_000)])
def test_very_many_runs_and_points(bulk, run_bulk, new_sqlite_db, tmp_path, runs, points):
    def lines():
        for i in range(runs):
            run = f"{i:032x}"
            yield begun(run)
            yield from (point(run, f"k{j % 3}", j) for j in range(points))
            yield ended(run)

    source, db = lines_of(tmp_path / "many.jsonl", lines()), new_sqlite_db()
    assert peak_megabytes(bulk, source, db, tmp_path) < allowed(bulk)
    again = check_summary(run_bulk("import", source, "--to", db.uri, "--json", check=0))
    assert counts(again, "present")["metrics"] == runs * points and counts(again, "inserted") == {}
