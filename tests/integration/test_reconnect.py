"""A connection to PostgreSQL that is lost in the middle of an import. tests/faults strikes at many more moments."""

import json
import signal
import sys
import time
from pathlib import Path

import pytest

import programs
from databases import rows_by_table
from stores.filestore import wide_store
from test_pg_append import start

sys.path.append(str(Path(__file__).resolve().parents[1] / "faults"))
from signals import At  # noqa: E402
from wire import CUT, LEAVE, Proxy  # noqa: E402

HEAD = programs.MLFLOW_HEADS[programs.ORACLE]
RUNS, POINTS = 30, 20
METRICS = "SELECT count(*) FROM metrics"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return wide_store(tmp_path_factory.mktemp("store") / "mlruns", RUNS, POINTS).root


@pytest.fixture(scope="module")
def lines(store, bulk, tmp_path_factory):
    path = tmp_path_factory.mktemp("lines") / "store.jsonl"
    programs.run_bulk(bulk, "export", store, "-o", path, cwd=path.parent, check=0)
    return path


def is_commit(frame):
    return frame.is_statement("COMMIT")


def is_committed(frame):
    return frame.is_complete("COMMIT")


def is_data(frame):
    return frame.direction == "to-server" and frame.kind == "d"


def struck(bulk, db, home, source, hook, *more):
    """The import behind a proxy -> exit status, JSON document, standard error."""
    with Proxy(db.server.port, on_frame=hook) as proxy:
        process = start(bulk, source, proxy.uri(db), home, *more)
        out, errors = process.communicate(timeout=60)
    return process.returncode, json.loads(out), errors


@pytest.mark.parametrize("how", [CUT, LEAVE], ids=["cut", "unheard-of"])
def test_a_commit_that_never_arrived_is_made_again(bulk, new_pg_db, store, tmp_path, how):
    """Unheard of, the session keeps its transaction and locks: it is ended, as nobody else will do that for hours."""
    db = new_pg_db(HEAD)
    hook = At(is_commit, 4, lambda: how)
    code, said, errors = struck(bulk, db, tmp_path, store, hook, "--load", "append", "--batch-rows", "100")
    assert code == 0 and said["reconnects"] == 1, errors
    assert "is waited for" in errors and "connected again" in errors
    assert {t: n["inserted"] for t, n in said["tables"].items() if n["inserted"]} == {
        t: n for t, n in rows_by_table(db).items() if n
    }
    assert db.query(METRICS) == [(said["tables"]["metrics"]["read"],)]


def test_a_commit_without_an_answer_counts_once(bulk, new_pg_db, store, tmp_path):
    db = new_pg_db(HEAD)
    hook = At(is_committed, 4, lambda: CUT)
    code, said, errors = struck(bulk, db, tmp_path, store, hook, "--load", "append", "--batch-rows", "100")
    assert code == 0 and said["reconnects"] == 1, errors
    assert said["tables"]["metrics"]["inserted"] == said["tables"]["metrics"]["read"] == db.query(METRICS)[0][0]


def test_without_retries_it_ends(bulk, new_pg_db, store, tmp_path):
    db = new_pg_db(HEAD)
    hook = At(is_committed, 3, lambda: CUT)
    code, said, errors = struck(bulk, db, tmp_path, store, hook, "--load", "append", "--retry-timeout", "0")
    assert code == 69 and "may be in or not" in said["error"]["message"], errors


def test_a_rebuild_begins_anew(bulk, new_owned_db, store, tmp_path):
    db = new_owned_db(HEAD)
    code, said, errors = struck(bulk, db, tmp_path, store, At(is_data, 3, lambda: CUT), "--load", "rebuild")
    assert code == 0 and said["load"] == "rebuild" and "begins anew" in errors, errors
    assert said["tables"]["metrics"]["inserted"] == said["tables"]["metrics"]["read"] == db.query(METRICS)[0][0]


def test_a_rebuild_from_standard_input_cannot(bulk, new_owned_db, lines, tmp_path):
    db = new_owned_db(HEAD)
    with Proxy(db.server.port, on_frame=At(is_data, 3, lambda: CUT)) as proxy:
        with lines.open() as stdin:
            done = programs.run_bulk(
                bulk, "import", "-", "--to", proxy.uri(db), "--load", "rebuild", stdin=stdin, cwd=tmp_path
            )
    assert done.returncode == 75 and "one transaction" in done.stderr, done.explain()
    assert db.query(METRICS) == [(0,)]


def test_waiting_ends_with_a_signal_or_in_time(bulk, new_pg_db, store, tmp_path):
    db = new_pg_db(HEAD)
    for args, send, expected in (([], True, 130), (["--retry-timeout", "1"], False, 75)):
        with Proxy(db.server.port) as proxy:

            def lose():
                proxy.deaf = True
                return CUT

            proxy.on_frame = At(is_data, 3, lose)
            process = start(bulk, store, proxy.uri(db), tmp_path, "--load", "append", *args)
            while not proxy.deaf:
                time.sleep(0.02)
            time.sleep(0.3)
            struck_at = time.monotonic()
            if send:
                process.send_signal(signal.SIGINT)
            out, errors = process.communicate(timeout=30)
        assert process.returncode == expected, errors
        assert time.monotonic() - struck_at < 5
        assert json.loads(out)["exit_code"] == expected
