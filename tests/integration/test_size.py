"""Memory stays within the default of --memory."""

import subprocess
import sys

import pytest

from programs import MLFLOW_HEADS, ORACLE, clean_env
from stores.filestore import wide_store


def peak_megabytes(bulk, source, db, home):
    """Peak memory of one import, as the kernel counted it for that process."""
    command = [str(bulk), "import", str(source), "--to", db.uri]
    code = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL);"
        " print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run([sys.executable, "-c", code, *command], env=clean_env(home), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return int(done.stdout) / 1024


@pytest.mark.long
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_memory_is_that_of_a_batch_however_many_the_runs(bulk, new_db, tmp_path, kind):
    """A batch, and SQLite's page cache, are full long before the last of these runs."""
    store = wide_store(tmp_path / "mlruns", 10000, 20)
    peak = peak_megabytes(bulk, store.root, new_db(kind, MLFLOW_HEADS[ORACLE]), tmp_path)
    sanitized = b"__asan_init" in bulk.read_bytes()  # keeps freed memory back
    assert peak < (700 if sanitized else 128)
