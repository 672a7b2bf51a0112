"""Things that take long to make, made once for all workers of a test run (pytest-xdist) and only read afterwards."""

import fcntl
import json


def made_once(tmp_path_factory, name, make):
    """make(folder) -> a JSON document, called by the first worker that asks. Returns (folder, document)."""
    base = tmp_path_factory.getbasetemp()
    if base.name.startswith("popen-"):  # a worker's own; the run's is above it
        base = base.parent
    folder, document = base / f"once-{name}", base / f"once-{name}.json"
    with open(base / f"once-{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not document.exists():
            assert not folder.exists(), f"{folder}: making it failed before"
            folder.mkdir()
            document.write_text(json.dumps(make(folder)))
    return folder, json.loads(document.read_text())
