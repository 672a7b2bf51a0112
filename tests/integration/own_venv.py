"""For programs of tests/ that are started by hand: they run in the environment of the tests, whatever python started them."""

import importlib.util
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def enter(program):
    """Starts the program anew in that environment, unless it runs there or has what it needs. Nothing third-party may
    be imported before."""
    if importlib.util.find_spec("psycopg2"):
        return
    venv = Path(os.environ.get("MLTRACK_VENVS") or ROOT / ".cache" / "venvs") / "test" / "bin" / "python"
    if Path(sys.executable) == venv or not venv.exists():
        sys.exit(f"{program}: needs psycopg2: run `tools/test install`, or set MLTRACK_VENVS")
    os.execv(venv, [venv, "-B", sys.argv[0], *sys.argv[1:]])
