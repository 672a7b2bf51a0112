"""Memory stays within the default of --memory."""

import subprocess
import sys

import pytest

from programs import MLFLOW_HEADS, ORACLE, clean_env
from stores.filestore import wide_store

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
