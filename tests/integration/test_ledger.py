"""The ledger: what an import leaves in the target about itself, how the next one goes on with it, who may keep one."""

import json
import random
import signal
import subprocess
import time

import pytest

import programs
from compare_stores import compare
from databases import SqliteDatabase, rows_by_table
from equality import assert_equal_stores
from pg_server import OWNER, role_for
from programs import MLFLOW_HEADS, ORACLE, clean_env
from stores.filestore import wide_store

HEAD = MLFLOW_HEADS[ORACLE]
RUNS, POINTS = 40, 20


def table(db, name):
    return f"mltrack_{name}" if db.kind == "sqlite" else f"mltrack.{name}"


@pytest.fixture
def store(tmp_path):
    return wide_store(tmp_path / "mlruns", RUNS, POINTS).root


def imports_of(run_bulk, db, *args):
    return run_bulk("imports", *args, "--to", db.uri, "--json", check=0).json


def unfinish(db, runs_left):
    """As a crash leaves it: the import runs, and of its runs some are not in."""
    gone = [r for (r,) in db.query(f"SELECT run_uuid FROM runs ORDER BY run_uuid")][runs_left:]
    marks = ", ".join(f"'{r}'" for r in gone)
    for name in ("metrics", "latest_metrics", "params", "tags", "runs"):
        db.query(f"DELETE FROM {name} WHERE run_uuid IN ({marks})")
    db.query(f"DELETE FROM {table(db, 'run')} WHERE run_uuid IN ({marks})")
    db.query(f"UPDATE {table(db, 'import')} SET state = 'running', ended_at = NULL, worker = 'gone'")
    if db.kind == "sqlite":
        db.query("UPDATE mltrack_import SET seen_at = '2020-01-01T00:00:00Z'")
        db.query("UPDATE mltrack_batch SET committed_at = '2020-01-01T00:00:00Z'")
    else:
        db.query("UPDATE mltrack.import SET seen_at = '2020-01-01'")
        db.query("UPDATE mltrack.batch SET committed_at = '2020-01-01'")


@pytest.mark.parametrize("load", ["append", "rebuild"])
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_an_import_is_listed_with_what_it_wrote(run_bulk, new_db, store, kind, load):
    db = new_db(kind, HEAD if kind == "postgres" or load == "append" else None, role=role_for(load))
    said = run_bulk("import", store, "--to", db.uri, "--json", "--load", load if kind == "postgres" else "auto", check=0).json
    assert said["import"] == {"id": 1, "resumed": False}
    doc = imports_of(run_bulk, db)
    (one,) = doc["imports"]
    assert (one["id"], one["state"], one["format"], one["error"]) == (1, "done", "filestore", None)
    assert one["started_at"] <= one["ended_at"]
    assert (one["runs"], one["runs_created"]) == (RUNS, RUNS)
    inserted = {t: n["inserted"] for t, n in said["tables"].items() if n["inserted"]}
    assert one["rows"] == inserted == {t: n for t, n in rows_by_table(db).items() if n}
    assert str(store) in one["source"]
    batches = imports_of(run_bulk, db, "1")["batches"]
    assert len(batches) == one["batches"] == said["batches"]
    assert sum(b["rows"] for b in batches) == sum(inserted.values())
    assert "filestore" in run_bulk("imports", "--to", db.uri, check=0).stdout
    assert run_bulk("imports", "2", "--to", db.uri).returncode == 66
    assert run_bulk("imports", "x", "--to", db.uri).returncode == 64


def test_one_that_writes_nothing_is_not_kept(run_bulk, target, store):
    run_bulk("import", store, "--to", target.uri, check=0)
    again = run_bulk("import", store, "--to", target.uri, "--json", check=0).json
    assert again["import"] == {"id": None, "resumed": False}
    assert [i["id"] for i in imports_of(run_bulk, target)["imports"]] == [1]


def test_without_a_ledger_the_list_is_empty(run_bulk, target, store):
    assert imports_of(run_bulk, target)["imports"] == []
    listed = run_bulk("imports", "--to", target.uri, check=0)
    assert listed.stdout == "" and " yet" in listed.stderr
    run_bulk("import", store, "--to", target.uri, "--no-ledger", check=0)
    assert imports_of(run_bulk, target)["imports"] == []


def test_a_failed_import_says_why(run_bulk, target, store):
    run_bulk("import", store, "--to", target.uri, check=0)
    target.query("UPDATE params SET value = 'other'")
    done = run_bulk("import", store, "--to", target.uri)
    assert done.returncode == 65
    newest = imports_of(run_bulk, target)["imports"][0]
    assert newest["state"] == "failed" and "params" in newest["error"] or "param" in newest["error"]


def test_an_unfinished_import_goes_on_under_its_id(run_bulk, target, store, tmp_path):
    clean = SqliteDatabase(tmp_path / "clean.db")
    run_bulk("import", store, "--to", clean.uri, check=0)
    run_bulk("import", store, "--to", target.uri, "--batch-rows", "200", check=0)
    unfinish(target, RUNS // 2)
    said = run_bulk("import", store, "--to", target.uri, "--json", check=0).json
    assert said["import"] == {"id": 1, "resumed": True}
    assert said["tables"]["runs"]["present"] == RUNS // 2 == said["tables"]["runs"]["inserted"]
    (one,) = imports_of(run_bulk, target)["imports"]
    assert (one["state"], one["runs"]) == ("done", RUNS)
    assert_equal_stores(clean, target)


def test_runs_that_the_ledger_has_are_not_compared(run_bulk, target, store):
    """Seen by what a comparison would find: a point that somebody has added since."""
    run_bulk("import", store, "--to", target.uri, check=0)
    ((run,),) = target.query("SELECT min(run_uuid) FROM runs")
    is_nan = "0" if target.kind == "sqlite" else "false"
    point = f"INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES ('more', 1, 1, '{run}', 1, {is_nan})"
    target.query(point)
    assert run_bulk("import", store, "--to", target.uri).returncode == 65  # finished: everything is compared
    target.query(f"DELETE FROM {table(target, 'import')} WHERE id <> 1")
    unfinish(target, RUNS // 2)
    run_bulk("import", store, "--to", target.uri, check=0)


def test_a_run_whose_source_has_changed_is_compared(run_bulk, target, store):
    run_bulk("import", store, "--to", target.uri, check=0)
    unfinish(target, RUNS // 2)
    ((run,),) = target.query("SELECT min(run_uuid) FROM runs")
    (metric,) = list(store.glob(f"*/{run}/metrics/*"))[:1]
    metric.write_text(metric.read_text() + "1700000999999 5.5 999999\n")
    said = run_bulk("import", store, "--to", target.uri, "--json", check=0).json
    assert said["import"]["resumed"]
    assert target.query("SELECT count(*) FROM metrics WHERE step = 999999") == [(1,)]


def test_restart_begins_anew(run_bulk, target, store):
    run_bulk("import", store, "--to", target.uri, check=0)
    unfinish(target, RUNS // 2)
    said = run_bulk("import", store, "--to", target.uri, "--restart", "--json", check=0).json
    assert said["import"] == {"id": 2, "resumed": False}
    new, old = imports_of(run_bulk, target)["imports"]
    assert (new["state"], old["state"], old["error"]) == ("done", "failed", "superseded by import 2")
    assert rows_by_table(target)["runs"] == RUNS


def test_another_source_does_not_go_on_with_it(run_bulk, target, store, tmp_path):
    run_bulk("import", store, "--to", target.uri, check=0)
    unfinish(target, RUNS // 2)
    other = wide_store(tmp_path / "other" / "mlruns", 3, 2).root
    said = run_bulk("import", other, "--to", target.uri, "--json").json
    assert said["import"]["id"] == 2 and not said["import"]["resumed"]


def test_beside_an_import_at_work_another_finds_what_it_writes(bulk, run_bulk, target, tmp_path):
    store = wide_store(tmp_path / "mlruns", 400, 100).root
    command = [str(bulk), "import", str(store), "--to", target.uri, "--max-rows-per-second", "20000", "--batch-rows", "2000"]
    first = subprocess.Popen(command, env=clean_env(tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 30
        while not imports_of(run_bulk, target)["imports"]:
            assert time.monotonic() < deadline and first.poll() is None
            time.sleep(0.05)
        second = run_bulk("import", store, "--to", target.uri, "--json", check=0)
        assert "at work" in second.stderr and "import=1" in second.stderr, second.stderr
        assert second.json["import"]["id"] in (2, None)
    finally:
        said = first.communicate(timeout=120)[1]
    assert first.returncode == 0, said
    assert rows_by_table(target)["metrics"] == 400 * 100 * 2
    assert {i["state"] for i in imports_of(run_bulk, target)["imports"]} == {"done"}


@pytest.mark.parametrize("load", ["append", "rebuild"])
def test_a_killed_import_goes_on(bulk, run_bulk, new_pg_db, tmp_path, load):
    store = wide_store(tmp_path / "mlruns", 400, 100).root
    clean, db = new_pg_db(HEAD, role_for(load)), new_pg_db(HEAD, role_for(load))
    run_bulk("import", store, "--to", clean.uri, check=0)
    command = [str(bulk), "import", str(store), "--to", db.uri, "--load", load, "--batch-rows", "5000"]
    process = subprocess.Popen(command, env=clean_env(tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not imports_of(run_bulk, db)["imports"]:
        time.sleep(0.02)
    time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=30)
    said = run_bulk("import", store, "--to", db.uri, "--json", check=0).json
    assert said["import"]["id"] in (1, None)
    assert [i["state"] for i in imports_of(run_bulk, db)["imports"]] == ["done"]
    assert_equal_stores(clean, db)


def test_a_role_that_may_not_make_one_goes_without(run_bulk, new_owned_db, store):
    db = new_owned_db(HEAD)
    db.query("CREATE ROLE ledger_writer LOGIN")
    try:
        db.query("GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO ledger_writer")
        db.query("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO ledger_writer")
        theirs = db.uri_of("ledger_writer")
        done = run_bulk("import", store, "--to", theirs, "--json", check=0)
        assert done.json["import"]["id"] is None
        assert "GRANT CREATE ON DATABASE" in done.stderr and done.stderr.count("ledger") >= 1
        db.query("DELETE FROM metrics")
        run_bulk("schema", "init", "--ledger", "--to", db.uri, check=0)
        refused = run_bulk("import", store, "--to", theirs, check=0)
        assert "GRANT USAGE ON SCHEMA mltrack TO ledger_writer" in refused.stderr
        db.query("GRANT USAGE ON SCHEMA mltrack TO ledger_writer")
        db.query("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA mltrack TO ledger_writer")
        db.query("DELETE FROM latest_metrics")
        said = run_bulk("import", store, "--to", theirs, "--json", check=0)
        assert said.json["import"]["id"] == 1, said.explain()
    finally:
        db.query("DROP OWNED BY ledger_writer")
        db.query("DROP ROLE ledger_writer")


def test_a_newer_ledger_is_refused(run_bulk, target, store):
    run_bulk("import", store, "--to", target.uri, check=0)
    target.query(f"UPDATE {table(target, 'version')} SET version = 99")
    for command in (["import", store], ["imports"]):
        done = run_bulk(*command, "--to", target.uri)
        assert done.returncode == 78 and "newer" in done.stderr, done.explain()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_mlflow_and_alembic_do_not_mind(run_bulk, new_db, store, kind):
    db = new_db(kind, MLFLOW_HEADS["3.1.4"], role=OWNER)  # rights on what an upgrade makes are another matter
    run_bulk("import", store, "--to", db.uri, check=0)
    uri = db.uri if kind == "sqlite" else db.psycopg2
    done = programs.mlflow_call(ORACLE, "-m", "mlflow", "db", "upgrade", uri)
    assert done.returncode == 0, done.stderr
    code = (
        "import json, sys, mlflow; c = mlflow.MlflowClient(tracking_uri=sys.argv[1]);"
        "print(json.dumps(sum(len(c.search_runs([e.experiment_id], max_results=1000)) for e in c.search_experiments())))"
    )
    assert programs.mlflow_run(ORACLE, code, uri) == RUNS
    run_bulk("schema", "check", "--to", db.uri, check=0)
    assert [i["id"] for i in imports_of(run_bulk, db)["imports"]] == [1]
    again = run_bulk("import", store, "--to", db.uri, "--json", check=0).json
    assert again["tables"]["runs"]["present"] == RUNS
    copy = new_db("sqlite")
    said = run_bulk("import", db.uri, "--to", copy.uri, "--json", check=0).json
    assert said["tables"]["runs"]["inserted"] == RUNS


# --- Undo ---

UNDO = ["sqlite", "postgres"]  # the owner's: it removes rows, which who may import may not


def same_rows(before, after):
    differences = compare(before.owner_uri, after.owner_uri, max_diffs=20)
    assert not differences, "\n".join(map(str, differences))


@pytest.fixture
def lived_in(request, new_db, run_bulk, tmp_path):
    """lived_in(kind) -> a database that holds another store's runs."""

    def make(kind):
        db = new_db(kind, HEAD, role=OWNER)
        other = wide_store(tmp_path / "other" / "mlruns", 5, 3)
        run_bulk("import", other.root, "--to", db.uri, "--no-ledger", check=0)
        return db

    return make


def renamed_store(folder, runs, points):
    """A store whose runs are none of wide_store's."""
    root = wide_store(folder / "mlruns", runs, points).root
    for run in [p for p in root.glob("*/*") if (p / "meta.yaml").is_file()]:
        new = "f" + run.name[1:]
        meta = run / "meta.yaml"
        meta.write_text(meta.read_text().replace(run.name, new))
        run.rename(run.with_name(new))
    return root


@pytest.mark.parametrize("load", ["append", "rebuild"])
@pytest.mark.parametrize("kind", UNDO)
def test_what_is_undone_leaves_nothing(run_bulk, new_db, copy_db, store, kind, load):
    """A SQLite file that is not there is rebuilt, too: it is built whole before it has its name."""
    built = kind == "sqlite" and load == "rebuild"
    before = new_db(kind, HEAD, role=OWNER)
    db = new_db(kind) if built else copy_db(before)
    run_bulk("import", store, "--to", db.uri, "--load", "auto" if built else load, "--batch-rows", "300", check=0)
    held = rows_by_table(db)
    dry = run_bulk("undo", "1", "--dry-run", "--to", db.uri, "--json", check=0).json
    in_words = run_bulk("undo", "1", "--dry-run", "--to", db.uri, check=0).stdout
    assert f"would remove   {'runs':26} {RUNS:12}" in in_words and "removed" not in in_words
    assert rows_by_table(db) == held
    said = run_bulk("undo", "1", "--to", db.uri, "--json", check=0).json
    assert {**dry, "dry_run": False} == said
    assert said["removed"] == {t: n for t, n in held.items() if n} and said["left"] == [] and said["restored"] == {}
    assert not any(rows_by_table(db).values()) if built else rows_by_table(db) == rows_by_table(before)
    assert imports_of(run_bulk, db)["imports"][0]["state"] == "undone"
    again = run_bulk("undo", "1", "--to", db.uri, "--json", check=0).json
    assert (again["removed"], again["left"]) == ({}, [])
    said = run_bulk("import", store, "--to", db.uri, "--json", check=0).json
    assert said["import"] == {"id": 2, "resumed": False} and said["tables"]["runs"]["inserted"] == RUNS
    untouched = run_bulk("undo", "1", "--to", db.uri, "--json", check=0).json
    assert (untouched["removed"], untouched["left"]) == ({}, [])


@pytest.mark.parametrize("kind", UNDO)
def test_what_was_there_stays(run_bulk, lived_in, copy_db, tmp_path, kind):
    db = lived_in(kind)
    before = copy_db(db)
    run_bulk("import", renamed_store(tmp_path / "more", 7, 4), "--to", db.uri, check=0)
    assert rows_by_table(db)["runs"] == 12
    run_bulk("undo", "1", "--to", db.uri, check=0)
    same_rows(before, db)


TOUCH = """
import json, sys, mlflow
c = mlflow.MlflowClient(tracking_uri=sys.argv[1])
what, run = sys.argv[2:]
if what == "metric": c.log_metric(run, "later", 1.0, step=5)
elif what == "known metric": c.log_metric(run, c.get_run(run).data.metrics.copy().popitem()[0], 1.0, step=10**6)
elif what == "tag": c.set_tag(run, "seen", "yes")
elif what == "param": c.log_param(run, "extra", "1")
elif what == "status": c.set_terminated(run, "KILLED")
elif what == "delete": c.delete_run(run)
elif what == "version":
    c.create_registered_model("theirs"); c.create_model_version("theirs", "s3://x/y", run_id=run)
elif what == "dataset":
    from mlflow.entities import Dataset, DatasetInput
    c.log_inputs(run, [DatasetInput(dataset=Dataset(name="d", digest="1", source_type="local", source="s"), tags=[])])
print(json.dumps(None))
"""


@pytest.mark.parametrize("what", ["metric", "known metric", "tag", "param", "status", "delete", "version", "dataset"])
@pytest.mark.parametrize("kind", UNDO)
def test_a_run_that_mlflow_has_touched_stays_whole(run_bulk, new_db, copy_db, store, kind, what):
    db = new_db(kind, HEAD, role=OWNER)
    run_bulk("import", store, "--to", db.uri, check=0)
    ((run,),) = db.query("SELECT min(run_uuid) FROM runs")
    programs.mlflow_run(ORACLE, TOUCH, db.uri if kind == "sqlite" else db.psycopg2, what, run)

    def rows_of(run):
        return [db.query(f"SELECT * FROM {t} WHERE run_uuid = '{run}' ORDER BY 1, 2, 3") for t in ("runs", "params", "tags", "metrics", "latest_metrics")]

    held = rows_of(run)
    said = run_bulk("undo", "1", "--to", db.uri, "--json", check=0).json
    assert [(i["table"], i["name"]) for i in said["left"] if i["table"] == "runs"] == [("runs", run)]
    assert said["removed"]["runs"] == RUNS - 1
    assert rows_of(run) == held
    assert db.query("SELECT count(*) FROM runs") == [(1,)]
    assert db.query("SELECT count(DISTINCT run_uuid) FROM metrics") == [(1,)]
    ((name,),) = db.query("SELECT name FROM experiments WHERE experiment_id = (SELECT experiment_id FROM runs)")
    assert name in {i["name"] for i in said["left"] if i["table"] == "experiments"}


@pytest.mark.parametrize("kind", UNDO)
def test_a_merge_is_undone(run_bulk, new_db, copy_db, store, kind):
    db = new_db(kind, HEAD, role=OWNER)
    run_bulk("import", store, "--to", db.uri, "--no-ledger", check=0)
    before = copy_db(db)
    runs = sorted(p for p in store.glob("*/*") if (p / "meta.yaml").is_file())[:6]
    for n, run in enumerate(runs):
        for metric in [m for m in (run / "metrics").rglob("*") if m.is_file()]:
            metric.write_text(metric.read_text() + f"{1700000999999 + n} 7.5 {5000 + n}\n")
        (run / "metrics" / "new").write_text("1700000000000 1.0 0\n")
        (run / "params" / "added").write_text("1")
        tag = next((run / "tags").iterdir())
        tag.write_text("another value")
        (run / "tags" / "added").write_text("t")
    said = run_bulk("import", store, "--to", db.uri, "--load", "merge", "--json", check=0).json
    assert said["import"]["id"] == 1 and said["tables"]["tags"]["updated"] == 6
    touched = runs[0].name
    db.query(f"UPDATE tags SET value = 'changed again' WHERE run_uuid = '{touched}' AND value = 'another value'")
    said = run_bulk("undo", "1", "--to", db.uri, "--json", check=0).json
    assert said["removed"]["metrics"] == 6 * 3 and said["removed"]["params"] == 6
    assert said["restored"]["tags"] == 5 and said["restored"]["latest_metrics"] == 12
    assert ["tags"] == [i["table"] for i in said["left"]] and touched in said["left"][0]["name"]
    ((was,),) = before.query(
        f"SELECT value FROM tags WHERE run_uuid = '{touched}' AND key = '{next((runs[0] / 'tags').glob('[!a]*')).name}'"
    )
    db.query(f"UPDATE tags SET value = '{was}' WHERE value = 'changed again'")
    same_rows(before, db)


@pytest.mark.parametrize("kind", UNDO)
def test_an_undo_that_is_killed_has_happened_or_not(bulk, run_bulk, new_db, store, tmp_path, kind):
    db = new_db(kind, HEAD, role=OWNER)
    run_bulk("import", store, "--to", db.uri, check=0)
    held = rows_by_table(db)
    for after in (0.01, 0.03, 0.06, 0.1):
        process = subprocess.Popen([str(bulk), "undo", "1", "--to", db.uri], env=clean_env(tmp_path), stdout=subprocess.DEVNULL)
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)
        now = rows_by_table(db)
        assert now == held or not any(now.values())
    run_bulk("undo", "1", "--to", db.uri, check=0)
    assert not any(rows_by_table(db).values())


@pytest.mark.parametrize("kind", UNDO)
def test_an_import_at_work_or_unknown_is_not_undone(bulk, run_bulk, new_db, tmp_path, kind):
    db = new_db(kind, HEAD, role=OWNER)
    assert run_bulk("undo", "1", "--to", db.uri).returncode == 66
    store = wide_store(tmp_path / "mlruns", 400, 100).root
    command = [str(bulk), "import", str(store), "--to", db.uri, "--max-rows-per-second", "10000", "--batch-rows", "2000"]
    process = subprocess.Popen(command, env=clean_env(tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while process.poll() is None and not imports_of(run_bulk, db)["imports"]:
            time.sleep(0.02)
        assert run_bulk("undo", "1", "--to", db.uri).returncode == 75
    finally:
        process.kill()
        process.wait(timeout=30)
    run_bulk("undo", "1", "--to", db.uri, check=0)
    assert not any(rows_by_table(db).values())
    assert run_bulk("undo", "2", "--to", db.uri).returncode == 66


@pytest.mark.parametrize("kind", UNDO)
@pytest.mark.parametrize("name", ["filestore-1", "filestore-4", "filestore-7"])
def test_whole_stores_are_undone(run_bulk, new_db, corpus, kind, name):
    db = new_db(kind, HEAD, role=OWNER)
    source = next(p for p in (corpus / name).rglob("mlruns") if p.is_dir())
    run_bulk("import", source, "--to", db.uri, "--on-error", "skip")
    assert rows_by_table(db)["runs"] > 0
    said = run_bulk("undo", "1", "--to", db.uri, "--json", check=0).json
    assert said["left"] == []
    assert not any(rows_by_table(db).values())


def interleaved(path, runs, points):
    """Records of many runs in turns, so that a run comes in many batches."""
    ids = [f"{n:032x}" for n in range(0xE0, 0xE0 + runs)]
    lines = [{"type": "run", "run_id": r, "experiment": "turns", "start_time": 1, "params": {"p": "1"}} for r in ids]
    for step in range(points):
        for r in ids:
            lines.append({"type": "metrics", "run_id": r, "step": step, "timestamp": step, "values": {"a": step / 7, "b": -step}})
    lines += [{"type": "tag", "run_id": r, "key": "late", "value": "x"} for r in ids]
    lines += [{"type": "end", "run_id": r, "status": "FINISHED", "end_time": 9} for r in ids]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path, ids


@pytest.mark.parametrize("kind", UNDO)
def test_runs_that_came_in_parts_are_undone(run_bulk, new_db, tmp_path, kind):
    """What later batches added to a run is the import's as well; what somebody else added keeps the run whole."""
    source, ids = interleaved(tmp_path / "turns.jsonl", 6, 60)
    db = new_db(kind, HEAD, role=OWNER)
    before = rows_by_table(db)
    command = ["import", source, "--to", db.uri, "--batch-rows", "100", "--json"]
    said = run_bulk(*command, check=0).json
    assert said["batches"] > 2 and said["tables"]["metrics"]["inserted"] == 6 * 60 * 2
    said = run_bulk("undo", "1", "--to", db.uri, "--json", check=0).json
    assert said["left"] == [] and said["restored"] == {}
    assert (said["removed"]["runs"], said["removed"]["metrics"]) == (6, 6 * 60 * 2)
    assert rows_by_table(db) == before
    run_bulk(*command, check=0)
    uri = db.uri if kind == "sqlite" else db.psycopg2
    programs.mlflow_run(ORACLE, TOUCH, uri, "metric", ids[2])
    said = run_bulk("undo", "2", "--to", db.uri, "--json", check=0).json
    assert [i["name"] for i in said["left"] if i["table"] == "runs"] == [ids[2]]
    assert db.query("SELECT run_uuid, count(*) FROM metrics GROUP BY run_uuid") == [(ids[2], 60 * 2 + 1)]


def test_after_vacuum_and_upgrade_it_is_the_same(run_bulk, new_db, store):
    """SQLite moves rows; MLflow's migrations add columns and tables. What is recorded is found by its keys."""
    db = new_db("sqlite", MLFLOW_HEADS["2.22.1"] if "2.22.1" in MLFLOW_HEADS else MLFLOW_HEADS["3.1.4"])
    run_bulk("import", store, "--to", db.uri, check=0)
    programs.mlflow_call(ORACLE, "-m", "mlflow", "db", "upgrade", db.uri)
    db.query("VACUUM")
    said = run_bulk("undo", "1", "--to", db.uri, "--json", check=0).json
    assert said["left"] == [] and said["removed"]["runs"] == RUNS
    assert not any(rows_by_table(db).values())


@pytest.mark.parametrize("kind", UNDO)
def test_what_another_import_brought_again_is_not_touched(run_bulk, new_db, corpus, kind):
    """The same rows, but another import's: removed by the first undo, or by somebody else."""
    db = new_db(kind, HEAD, role=OWNER)
    source = next(p for p in (corpus / "filestore-4").rglob("mlruns") if p.is_dir())
    run_bulk("import", source, "--to", db.uri, "--on-error", "skip")
    run_bulk("undo", "1", "--to", db.uri, check=0)
    run_bulk("import", source, "--to", db.uri, "--on-error", "skip")
    held = rows_by_table(db)
    assert held["runs"] > 0
    again = run_bulk("undo", "1", "--to", db.uri, "--json", check=0).json
    assert (again["removed"], again["restored"], again["left"]) == ({}, {}, [])
    assert rows_by_table(db) == held
    run_bulk("undo", "2", "--to", db.uri, check=0)
    assert not any(rows_by_table(db).values())


@pytest.mark.parametrize("kind", UNDO)
def test_values_that_were_changed_again_stay_and_are_named(run_bulk, new_db, tmp_path, kind):
    def lines(name, value, status):
        run = {"type": "run", "run_id": "e" * 32, "experiment": "e", "start_time": 1, "end_time": 5, "status": status}
        records = [{"type": "experiment", "name": "e", "tags": {"kept": value, "touched": value}}, {**run, "tags": {"t": value}}]
        path = tmp_path / name
        path.write_text("".join(json.dumps(r) + "\n" for r in records))
        return path

    db = new_db(kind, HEAD, role=OWNER)
    run_bulk("import", lines("1.jsonl", "old", "RUNNING"), "--to", db.uri, "--no-ledger", check=0)
    run_bulk("import", lines("2.jsonl", "new", "FINISHED"), "--to", db.uri, "--load", "merge", check=0)
    assert db.query("SELECT value FROM tags WHERE key = 't'") == [("new",)]
    db.query("UPDATE experiment_tags SET value = 'theirs' WHERE key = 'touched'")
    db.query("UPDATE runs SET status = 'KILLED'")
    said = run_bulk("undo", "1", "--to", db.uri, "--json", check=0).json
    ((experiment,),) = db.query("SELECT experiment_id FROM experiments WHERE name = 'e'")
    found = sorted((i["table"], i["name"], i["reason"]) for i in said["left"])
    again = "its value was changed again"
    assert found == [("experiment_tags", f"{experiment}: touched", again), ("runs", "e" * 32, again)]
    assert said["restored"] == {"tags": 1, "experiment_tags": 1}
    assert db.query("SELECT key, value FROM experiment_tags ORDER BY key") == [("kept", "old"), ("touched", "theirs")]
    assert db.query("SELECT value FROM tags WHERE key = 't'") == [("old",)]
    assert db.query("SELECT status FROM runs") == [("KILLED",)]


def test_what_a_ledger_says_reaches_no_terminal_unescaped(run_bulk, new_db, store):
    db = new_db("sqlite", HEAD)
    run_bulk("import", store, "--to", db.uri, check=0)
    evil = "\x1b]0;owned\x07\n"
    told = "source format options version head started_at ended_at error".split()
    db.query(f"UPDATE mltrack_import SET worker = %s, {', '.join(f'{c} = %s' for c in told)}", [evil] * (1 + len(told)))
    db.query("UPDATE mltrack_batch SET committed_at = %s", (evil,))
    for args in (["imports"], ["imports", "1"], ["progress", "1"], ["undo", "1", "--dry-run"], ["import", store]):
        said = run_bulk(*args, "--to", db.uri)
        assert "\x1b" not in said.stdout + said.stderr and "\x07" not in said.stdout + said.stderr, said.explain()
    (one,) = imports_of(run_bulk, db)["imports"]
    assert {c: one[c] for c in told} == dict.fromkeys(told, evil)


def test_a_damaged_record_is_said_and_nothing_is_lost(run_bulk, new_db, store):
    """What undo reads out of the database may be anything."""
    db = new_db("sqlite", HEAD)
    run_bulk("import", store, "--to", db.uri, check=0)
    ((seq, whole),) = db.query("SELECT seq, changes FROM mltrack_batch WHERE changes IS NOT NULL ORDER BY seq LIMIT 1")
    held = rows_by_table(db)
    rng = random.Random(5)
    kinds = [whole[: len(whole) // 2], whole[:-1], whole[:3], b"\0", b"T\x7f", bytes(rng.randbytes(500)), whole + b"T\x05\x01"]
    kinds += [b"", whole[:-9] + bytes(9)]
    kinds += [whole.replace(b"experiments\0", b"alembic_ver\0"), whole.replace(b"experiments\0", b"experimentz\0")]
    for _ in range(30):
        at = rng.randrange(len(whole))
        kinds.append(whole[:at] + bytes([whole[at] ^ (1 << rng.randrange(8))]) + whole[at + 1 :])
    refused = 0
    for blob in kinds:
        db.query("UPDATE mltrack_batch SET changes = %s WHERE seq = %s", (blob, seq))
        done = run_bulk("undo", "1", "--dry-run", "--to", db.uri, "--json")
        assert done.returncode in (0, 65), done.explain()
        if done.returncode == 65:
            refused += 1
            assert f"import 1, batch {seq} is damaged" in done.stderr, done.stderr
            assert run_bulk("undo", "1", "--to", db.uri).returncode == 65
        assert rows_by_table(db) == held
    assert refused >= 11
    db.query("UPDATE mltrack_batch SET changes = %s WHERE seq = %s", (whole, seq))
    assert run_bulk("undo", "1", "--to", db.uri, "--json", check=0).json["left"] == []
    assert not any(rows_by_table(db).values())


@pytest.mark.parametrize("kind", UNDO)
def test_files_of_artifacts_stay_and_that_is_said(run_bulk, new_db, store, tmp_path, kind):
    db = new_db(kind, HEAD, role=OWNER)
    run = next(p for p in sorted(store.glob("*/*")) if (p / "meta.yaml").is_file())
    (run / "artifacts").mkdir(exist_ok=True)
    (run / "artifacts" / "model.bin").write_text("weights")
    root = tmp_path / "placed"
    root.mkdir()
    run_bulk("import", store, "--to", db.uri, "--artifacts", "copy", "--artifact-root", root, "--map", f"/store={store}", check=0)
    (placed,) = root.rglob("model.bin")
    done = run_bulk("undo", "1", "--to", db.uri, check=0)
    assert "Files of artifacts are not touched" in done.stdout
    assert placed.read_text() == "weights"
