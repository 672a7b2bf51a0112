"""mltrack-verify --state: a long check of artifacts that is interrupted goes on where it stopped, and finds the same."""

import json
import os
import signal
import subprocess
import time

import pytest

import programs
from programs import MLFLOW_HEADS, ORACLE, clean_env
from stores.filestore import wide_store

pytestmark = pytest.mark.owner("checks look at every table, and repairs change rows that are there")

RUNS, FILE = 60, 4 << 20
INTERRUPTED = 130


@pytest.fixture(scope="module")
def program():
    return programs.program_path("mltrack-verify")


@pytest.fixture
def store(run_bulk, new_sqlite_db, tmp_path):
    """(database, its folders of runs) of runs with a file each, long enough to be interrupted; one file is damaged."""
    db = new_sqlite_db(MLFLOW_HEADS[ORACLE])
    run_bulk("import", wide_store(tmp_path / "mlruns", RUNS, 1).root, "--to", db.uri, check=0)
    folders = []
    for (run,) in db.query("SELECT run_uuid FROM runs ORDER BY run_uuid"):
        folder = tmp_path / "root" / run / "artifacts"
        folder.mkdir(parents=True)
        (folder / "file").write_bytes(os.urandom(64) * (FILE // 64))
        db.query(f"UPDATE runs SET artifact_uri = '{folder}' WHERE run_uuid = '{run}'")
        folders.append(folder)
    home = tmp_path / "home"
    home.mkdir()
    args = ["--to", db.uri, "--manifest-only"]
    programs.run_bulk(programs.program_path("mltrack-verify"), *args, cwd=home, home=home, check=0)
    (folders[0] / "file").rename(folders[0] / "renamed")
    (folders[1] / "extra").write_text("more")
    return db, folders


@pytest.fixture
def verify(program, store, tmp_path):
    db, _ = store

    def run(*args, to=db.uri, check=None):
        command = ["--to", to, "--json", "--check", "artifacts", *args]
        return programs.run_bulk(program, *command, cwd=tmp_path, home=tmp_path, check=check)

    return run


def interrupt(program, db, state, tmp_path, how=signal.SIGINT, folders=5):
    """Starts a full check and ends it when so many folders are done."""
    command = [program, "--to", db.uri, "--check", "artifacts", "--full", "--jobs", "1", "--state", str(state)]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=clean_env(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while not state.exists() or state.read_bytes().count(b"\n") < 1 + folders:
        assert time.monotonic() < deadline and process.poll() is None, process.communicate()
        time.sleep(0.002)
    process.send_signal(how)
    said = process.communicate(timeout=60)
    assert process.returncode == (INTERRUPTED if how == signal.SIGINT else -how), said
    return state.read_bytes().count(b"\n") - 1


def told(result):
    return [(f["code"], f["id"], f["path"], f["text"]) for f in result.json["findings"]], result.json["checked"]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_check_goes_on_and_finds_the_same(program, store, verify, tmp_path, how):
    db, folders = store
    state = tmp_path / "state"
    findings, checked = told(verify("--full", check=1))
    assert {code for code, *_ in findings} == {"file-renamed", "file-added"}
    done = interrupt(program, db, state, tmp_path, how)
    assert 5 <= done < RUNS
    if how == signal.SIGKILL:  # in the middle of a line
        with state.open("a") as file:
            file.write('{"table":"runs","id":"cut')
    # What is done is not looked at again: this would be found else.
    lines = [json.loads(line) for line in state.read_text().splitlines()[1 : 1 + done]]
    seen = next(line["path"] for line in lines if not line["findings"])
    os.truncate(f"{seen}/file", 0)
    again_findings, again = told(verify("--full", "--jobs", 1, "--state", state, check=1))
    assert (sorted(again_findings), again) == (sorted(findings), checked)
    assert not state.exists()
    assert "file-changed" in {code for code, *_ in told(verify("--full", "--state", state, check=1))[0]}
    assert not state.exists()


def test_other_options_or_another_database_are_refused(program, store, verify, tmp_path):
    db, _ = store
    state = tmp_path / "state"
    interrupt(program, db, state, tmp_path)
    before = state.read_bytes()
    assert "begun with mode full, this check has quick" in verify("--state", state, check=64).stderr
    assert "as-user none" in verify("--full", "--as-user", "0:0", "--state", state, check=64).stderr
    assert "begun with run" in verify("--full", "--run", "x", "--state", state, check=64).stderr
    copy = tmp_path / "copy.db"
    copy.write_bytes(open(db.path, "rb").read())
    assert "begun with target" in verify("--full", "--state", state, to=f"sqlite:///{copy}", check=64).stderr
    for other in (["--manifest-only"], ["--repair", "stale-runs"]):
        assert "--state" in programs.run_bulk(program, "--to", db.uri, "--state", state, *other, cwd=tmp_path, check=64).stderr
    assert state.read_bytes() == before


GARBAGE = {
    "text": b"dear diary\n",
    "text without an end": b"dear diary",
    "other JSON": b'{"a": 1}\n',
    "no JSON": b"{\n",
    "NUL": b"\0\0\0\0\n",
    "not UTF-8": b"\xff\xfe\n",
    "newer": b'{"mltrack_verify_state":2,"options":{}}\n',
    "a list": b"[]\n",
    "deep": b'{"mltrack_verify_state":' + b"[" * 100000 + b"\n",
}


@pytest.mark.parametrize("name", GARBAGE)
def test_what_is_no_state_is_refused_and_left(verify, tmp_path, name):
    state = tmp_path / "state"
    state.write_bytes(GARBAGE[name])
    result = verify("--full", "--state", state)
    assert result.returncode in (64, 65), result.explain()
    assert str(state) in result.stderr and state.read_bytes() == GARBAGE[name]


def test_a_damaged_state_is_told_by_its_line(program, store, verify, tmp_path):
    db, _ = store
    state = tmp_path / "state"
    interrupt(program, db, state, tmp_path)
    whole = state.read_bytes()
    lines = whole.splitlines(keepends=True)
    for line in (b"garbage\n", b"{}\n", b"[1]\n", b'{"table":"runs","id":1,"path":[],"sum":{},"findings":{}}\n', b"\n"):
        state.write_bytes(b"".join([*lines[:2], line, *lines[2:]]))
        assert ", line 3: " in verify("--full", "--state", state, check=65).stderr
    bad = json.loads(lines[1]) | {"findings": [{"code": "no-such-code"}]}
    state.write_bytes(lines[0] + json.dumps(bad).encode() + b"\n")
    assert "none that is known" in verify("--full", "--state", state, check=65).stderr
    for cut in range(0, len(lines[0]), 7):  # killed while the head was written: it begins anew
        state.write_bytes(lines[0][:cut])
        verify("--full", "--run", "x", "--state", state, check=0)
        assert not state.exists()


def test_bytes_that_changed_in_a_state_crash_nothing(program, store, verify, tmp_path):
    db, _ = store
    state = tmp_path / "state"
    interrupt(program, db, state, tmp_path, folders=2)
    whole = state.read_bytes()
    for i in range(0, min(len(whole), 1200), 41):
        state.write_bytes(whole[:i] + bytes([whole[i] ^ (1 << i % 8)]) + whole[i + 1 :])
        assert verify("--full", "--run", "x", "--state", state).returncode in (0, 64, 65)


def test_a_state_has_one_user(program, store, verify, tmp_path):
    import fcntl

    state = tmp_path / "state"
    with state.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert "used by another" in verify("--full", "--state", state, check=75).stderr
    state.unlink()
    assert str(tmp_path / "no" / "state") in verify("--full", "--state", tmp_path / "no" / "state").stderr
