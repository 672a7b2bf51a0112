"""The PostgreSQL store against a real server: starts the test programs of tests/helpers on a database of their own."""

import os
import subprocess
from pathlib import Path

import pytest

import programs

HEADS = ["97727af70f4d", *(programs.MLFLOW_HEADS[v] for v in ("3.1.4", programs.NEWEST))]


def run_helper(name, conninfo, head):
    env = {k: v for k, v in os.environ.items() if k in programs.PASSED_ON}
    env |= {"MLT_TEST_PG": conninfo, "MLT_TEST_HEAD": head, "HOME": "/nonexistent"}
    build = Path(os.environ.get("MLTRACK_BUILD") or programs.ROOT / "build")
    program = build.resolve() / "tests" / f"helper_{name}"
    return subprocess.run([program], env=env, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("name", ["pg_store", "pg_session"])
def test_store_on_a_real_server(new_pg_db, name, head):
    done = run_helper(name, new_pg_db(head).uri, head)
    assert done.returncode == 0, done.stdout + done.stderr
