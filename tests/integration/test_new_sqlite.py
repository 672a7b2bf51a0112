"""An import into a SQLite file that is not there: the file appears when everything is in it, or not at all."""

import json
import os
import re
import resource
import signal
import subprocess
import time

import pytest

import programs
from databases import SqliteDatabase, rows_by_table
from equality import assert_equal_stores
from programs import MLFLOW_HEADS, ORACLE, clean_env
from shared import made_once
from stores.filestore import wide_store

pytestmark = pytest.mark.both

RUNS, POINTS = 400, 100
NEWEST = ("--mlflow-version", ORACLE)


@pytest.fixture(scope="session")
def wide(bulk, tmp_path_factory):
    """(mlruns folder, what an import into a database that was there makes of it)"""

    def make(folder):
        store = wide_store(folder / "mlruns", RUNS, POINTS)
        there = SqliteDatabase(folder / "there.db").load_head(MLFLOW_HEADS[ORACLE])
        done = programs.run_bulk(bulk, "import", store.root, "--to", there.uri, "--json", cwd=folder, check=0)
        assert done.json["load"] == "insert"
        return rows_by_table(there)

    folder, _ = made_once(tmp_path_factory, "wide-new", make)
    return folder / "mlruns", SqliteDatabase(folder / "there.db")


@pytest.fixture
def new(tmp_path):
    """A database that is not there, alone in its folder."""
    (tmp_path / "db").mkdir()
    return SqliteDatabase(tmp_path / "db" / "m.db")


def beside(db):
    return sorted(os.listdir(db.path.parent))


def start(bulk, source, db, *args, **more):
    command = [str(bulk), "import", str(source), "--to", db.uri, "--json", *NEWEST, *args]
    pipe = subprocess.PIPE
    env = clean_env(db.path.parent.parent)
    return subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True, **more)


def wait_for_hidden(process, db):
    while beside(db) != [".m.db.mltrack"]:
        assert process.poll() is None, process.communicate()
        time.sleep(0.001)


def test_it_holds_what_an_import_into_a_database_that_was_there_makes(run_bulk, wide, new):
    source, there = wide
    done = run_bulk("import", source, "--to", new.uri, "--batch-rows", "1000", *NEWEST, check=0)
    assert re.search(r"rows read in .*, 1 transaction$", done.stdout, re.M)
    assert_equal_stores(there, new)
    assert beside(new) == ["m.db"]
    assert new.query("PRAGMA integrity_check") == [("ok",)]
    assert new.query("PRAGMA foreign_key_check") == []
    assert new.query("PRAGMA journal_mode") == [("delete",)]
    schema = "SELECT rowid, type, name, tbl_name, rootpage, sql FROM sqlite_master"
    schema += " WHERE tbl_name NOT LIKE 'mltrack%' ORDER BY rowid"  # the ledger comes behind MLflow's tables
    made = SqliteDatabase(new.path.with_name("made.db"))
    run_bulk("schema", "init", "--to", made.uri, *NEWEST, check=0)
    assert new.query(schema) == made.query(schema)
    again = run_bulk("import", source, "--to", new.uri, "--json", check=0).json
    assert again["load"] == "insert" and again["tables"]["metrics"]["inserted"] == 0
    assert again["tables"]["metrics"]["present"] == RUNS * POINTS * 2


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_killed_at_any_moment_it_leaves_no_database(bulk, run_bulk, wide, new, how):
    source, there = wide
    for after in (0, 0.02, 0.05, 0.1, 0.2, 0.3):
        process = start(bulk, source, new)
        if after:
            wait_for_hidden(process, new)
        time.sleep(after)
        process.send_signal(how)
        out, _ = process.communicate(timeout=60)
        if process.returncode == 0:
            assert beside(new) == ["m.db"]
            new.path.unlink()
            continue
        assert process.returncode in (-how, 128 + how)
        assert set(beside(new)) <= ({".m.db.mltrack"} if process.returncode == -how else set())
        if out:
            assert json.loads(out)["tables"]["metrics"]["inserted"] == 0
    run_bulk("import", source, "--to", new.uri, *NEWEST, check=0)
    assert_equal_stores(there, new)
    assert beside(new) == ["m.db"]


@pytest.mark.parametrize("kib", (20, 600, 3000, 6000))
def test_a_full_disk_leaves_nothing(bulk, run_bulk, wide, new, kib):
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (kib * 1024, kib * 1024))

    source, there = wide
    process = start(bulk, source, new, preexec_fn=limit)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 74, errors
    assert str(new.path) in json.loads(out)["error"]["message"]
    assert beside(new) == []
    run_bulk("import", source, "--to", new.uri, *NEWEST, check=0)
    assert_equal_stores(there, new)


def test_a_file_that_appears_meanwhile_is_left_alone(bulk, run_bulk, wide, new):
    source, _ = wide
    process = start(bulk, source, new)
    wait_for_hidden(process, new)
    while not (new.path.parent / ".m.db.mltrack").stat().st_size:  # it has been looked whether there is a file, and a new one is begun
        time.sleep(0.001)
    new.path.write_text("theirs")
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 75 and "meanwhile" in json.loads(out)["error"]["message"]
    assert new.path.read_text() == "theirs" and beside(new) == ["m.db"]


def test_two_imports_at_once_give_the_rows_of_one(bulk, wide, new):
    source, there = wide
    first = start(bulk, source, new)
    wait_for_hidden(first, new)
    both = [first, start(bulk, source, new)]
    said = [p.communicate(timeout=120) for p in both]
    assert [p.returncode for p in both] == [0, 0], said
    loads = [json.loads(out) for out, _ in said]
    assert [o["load"] for o in loads] == ["rebuild", "insert"]
    assert loads[1]["tables"]["metrics"]["present"] == RUNS * POINTS * 2
    assert_equal_stores(there, new)
    assert beside(new) == ["m.db"]


def test_a_link_to_nothing_gets_its_file(run_bulk, wide, new, tmp_path):
    source, there = wide
    link = SqliteDatabase(tmp_path / "link.db")
    link.path.symlink_to(new.path)
    run_bulk("import", source, "--to", link.uri, *NEWEST, check=0)
    assert link.path.is_symlink() and beside(new) == ["m.db"]
    assert_equal_stores(there, new)


@pytest.mark.parametrize("folder", ("/proc", "/nowhere"))
def test_a_folder_that_takes_no_file_is_named(run_bulk, wide, folder):
    done = run_bulk("import", wide[0], "--to", f"sqlite:///{folder}/m.db", check=73)
    assert f"{folder}/m.db" in done.stderr


def test_a_dry_run_makes_nothing(run_bulk, wide, new):
    done = run_bulk("import", wide[0], "--to", new.uri, "--dry-run", "--json", check=0).json
    assert done["tables"]["metrics"]["inserted"] == RUNS * POINTS * 2
    assert beside(new) == []


def test_what_stops_the_import_leaves_nothing_unless_batches_were_asked_for(run_bulk, new, tmp_path):
    store = wide_store(tmp_path / "mlruns", 20, 10)
    runs = sorted(p for p in store.root.glob("*/*") if (p / "metrics").is_dir())
    broken = next(p for p in (runs[-1] / "metrics").iterdir() if p.is_file())
    broken.write_text("no number\n")
    args = ("import", store.root, "--to", new.uri, "--batch-rows", "30", "--json")
    done = run_bulk(*args, check=65).json
    assert done["tables"]["runs"]["inserted"] == 0 and beside(new) == []
    done = run_bulk(*args, "--load", "append", check=65).json
    assert beside(new) == ["m.db"]
    assert new.query("SELECT count(*) FROM runs") == [(done["tables"]["runs"]["inserted"],)] != [(0,)]


def test_a_stray_journal_is_not_taken_for_a_part_of_it(run_bulk, wide, new):
    stray = new.path.with_name("m.db-wal")
    stray.write_text("of a database that was deleted")
    done = run_bulk("import", wide[0], "--to", new.uri, check=73)
    assert "m.db-wal" in done.stderr and beside(new) == ["m.db-wal"]
