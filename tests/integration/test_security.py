"""What SECURITY.md says of passwords, the network and the programs themselves (S01, S02, S03, S24)."""

import re
import subprocess
import time
from pathlib import Path

import pytest

import programs
from pg_server import free_port
from stores.filestore import T0, FileStore, run_id, wide_store

pytestmark = pytest.mark.both

HEAD = programs.MLFLOW_HEADS[programs.ORACLE]
CANARY = "xyzzyPlugh42"
PAYLOADS = ("'; DROP TABLE runs; --", '"; DROP SCHEMA public CASCADE; --', "\\'); DELETE FROM tags; --", "$$;SELECT 1;$$", "%s%n%1$s", "\\.\n")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return wide_store(tmp_path_factory.mktemp("store") / "mlruns", 2, 3).root


FORMS = (
    "postgresql://u:{c}@127.0.0.1:{port}/none",
    "postgresql+psycopg2://u:{c}@127.0.0.1:{port}/none?bad=1",
    "postgresql://u@127.0.0.1:{port}/none?password={c}",
    "host=127.0.0.1 port={port} user=u password={c} dbname=none",
    "host=127.0.0.1 port={port} password='{c} dbname=none",
    "postgresql://u:{c}@127.0.0.1:no-port/none",
    "mysql://u:{c}@127.0.0.1/none",
)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("more", [(), ("--json",), ("-v", "--log-format", "json")], ids=["text", "json", "log"])
def test_a_password_is_in_nothing_that_is_said(run_bulk, store, form, more):
    done = run_bulk("import", store, "--to", form.format(c=CANARY, port=free_port()), *more)
    assert done.returncode not in (0, 2)
    assert CANARY not in done.stdout + done.stderr, done.explain()


def test_a_password_is_hidden_in_the_list_of_processes(bulk, target, tmp_path):
    """As soon as the program runs, and said; the rest of the arguments means what it did."""
    uri = target.uri if target.kind == "sqlite" else target.uri.replace("@", f":{CANARY}@")
    rejects = tmp_path / f"password={CANARY}"
    command = [bulk, "import", "-", "--format", "jsonl", "--rejects", rejects, "--on-error", "skip", "--to", uri]
    process = subprocess.Popen(command, env=programs.clean_env(tmp_path), stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    shown = Path(f"/proc/{process.pid}/cmdline")
    deadline = time.monotonic() + 60
    while CANARY in (said := shown.read_text()) or "***" not in said:
        assert time.monotonic() < deadline and process.poll() is None, said
        time.sleep(0.01)
    _, errors = process.communicate("]\n")
    assert process.returncode == 2 and rejects.exists(), errors
    assert "list of processes" in errors and CANARY not in errors


def test_a_password_of_a_source_is_in_nothing_that_is_said(run_bulk, tmp_path):
    source = FORMS[0].format(c=CANARY, port=free_port())
    done = run_bulk("import", source, "--to", f"sqlite:///{tmp_path}/x.db", "--json")
    assert done.returncode == 69 and CANARY not in done.stdout + done.stderr, done.explain()


def test_the_server_sees_neither_passwords_nor_data_as_sql(run_bulk, new_pg_db, tmp_path):
    """Values go as parameters and COPY data. The log of all statements is the server's own word for it."""
    db = new_pg_db(HEAD)
    files = FileStore(tmp_path / "mlruns")
    files.experiment("1", "injected", tags={"k": PAYLOADS[1]})
    for n, text in enumerate(PAYLOADS):
        files.run("1", run_id(n + 1), {"p": text}, {"mlflow.runName": f"r{n}", "t": text}, {"m": f"{T0} 1 0\n"}, run_name=f"r{n}")
    db.query(f"ALTER DATABASE {db.name} SET log_statement = 'all'")
    log = Path(db.server.log.name)
    before = log.stat().st_size
    uri = db.uri_of(f"{db.role}:{CANARY}")
    for load in ("append", "merge"):
        run_bulk("import", files.root, "--to", uri, "--load", load, check=0)
    said = log.read_bytes()[before:].decode(errors="replace")
    assert "COPY" in said and CANARY not in said
    statements = [line for line in said.splitlines() if "LOG:  statement:" in line]
    assert statements and not [s for s in statements if any(text in s for text in PAYLOADS)]
    values = {value for (value,) in db.query("SELECT value FROM params WHERE key = 'p'")}
    assert len(values) == len(PAYLOADS) and db.query("SELECT value FROM experiment_tags") == [(PAYLOADS[1],)]


@pytest.mark.parametrize(
    "uri, warned",
    [
        ("postgresql://u@db.invalid/x?connect_timeout=2", True),
        ("host=db.invalid,localhost sslmode=require dbname=x", True),
        ("postgresql://u@db.invalid/x?sslmode=verify-full", False),
        ("postgresql://u@127.0.0.1:1/x", False),
        ("host=/nowhere dbname=x", False),
    ],
)
def test_a_server_that_nobody_checks_is_warned_of(run_bulk, store, uri, warned):
    done = run_bulk("import", store, "--to", uri)
    assert done.returncode == 69 and ("verify-full" in done.stderr) == warned, done.explain()


def test_the_program_is_hardened(bulk):
    def readelf(*options):
        return subprocess.run(["readelf", "-W", *options, bulk], capture_output=True, text=True, check=True).stdout

    assert re.search(r"Type:\s+DYN", readelf("-h")), "no PIE"
    assert "BIND_NOW" in readelf("-d") and "GNU_RELRO" in readelf("-l"), "relocations stay writable"
    assert re.search(r"GNU_STACK.* RW +0x", readelf("-l")), "an executable stack"
    symbols = readelf("-s", "--dyn-syms")
    assert "__stack_chk_fail" in symbols, "no stack protector"
