"""The C contract test of sinks (tests/unit/sink), run on PostgreSQL; CTest runs it on SQLite."""

import os
import subprocess

import pytest

import programs


@pytest.mark.parametrize("head", ["0584bdc529eb", "bda7b8c39065", "dc11669786a5", "f4a9b2c7d1e6"])
def test_postgres_keeps_the_contract_of_sinks(pg_db, head):
    pg_db.load_head(head)
    program = programs.bulk_path().parent / "tests" / "unit_sink_test_sink_contract"
    result = subprocess.run(
        [program], env=dict(os.environ, MLTRACK_TEST_TARGET=pg_db.uri), capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, result.stdout + result.stderr
