"""The PostgreSQL store against a real server, and through a pooler that hands every transaction to another server
process: starts the test programs of tests/helpers on a database of their own."""

import os
import subprocess
from pathlib import Path

import pytest

import programs
from pooler import pooler_before

HEADS = ["97727af70f4d", *(programs.MLFLOW_HEADS[v] for v in ("3.1.4", programs.NEWEST))]

def run_helper(name, conninfo, head):
    env = {k: v for k, v in os.environ.items() if k in programs.PASSED_ON}
    env |= {"MLT_TEST_PG": conninfo, "MLT_TEST_HEAD": head, "HOME": "/nonexistent"}
    build = Path(os.environ.get("MLTRACK_BUILD") or programs.ROOT / "build")
    program = build.resolve() / "tests" / f"helper_{name}"
    done = subprocess.run([program], env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("name", ["pg_store", "pg_session", "pg_sum"])
def test_store_on_a_real_server(new_owned_db, name, head):
    run_helper(name, new_owned_db(head).uri, head)


def test_rows_go_through_a_pooler_in_transaction_mode(new_owned_db, pg_server):
    head = programs.MLFLOW_HEADS[programs.NEWEST]
    db = new_owned_db(head)
    with pooler_before(pg_server) as port:
        run_helper("pg_store", f"postgresql://postgres@127.0.0.1:{port}/{db.name}", head)
