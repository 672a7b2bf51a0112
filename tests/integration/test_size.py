"""Memory does not grow with the number of runs."""

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
def test_ten_times_the_runs_take_the_same_memory(bulk, new_db, tmp_path, kind):
    peaks = []
    for runs in (1000, 10000):
        store = wide_store(tmp_path / f"runs-{runs}" / "mlruns", runs, 20)
        peaks.append(peak_megabytes(bulk, store.root, new_db(kind, MLFLOW_HEADS[ORACLE]), tmp_path))
    assert peaks[1] < max(100, peaks[0] * 1.5), peaks
