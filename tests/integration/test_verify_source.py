"""mltrack-verify --source: a database that holds what was imported proves clean, whatever the source was; each damage is
found and named, alike in both databases; nothing is written."""

import json
from collections import Counter

import inputs
import programs
import pytest
import tensorboard_logs as logs
from databases import SqliteDatabase
from programs import ORACLE, MLFLOW_HEADS
from test_import_database import full_databases  # noqa: F401
from test_import_exports import VERSION, exported  # noqa: F401
from test_import_jsonl import everything  # noqa: F401
from test_import_wandb import RELEASES, logged  # noqa: F401
from test_verify import KINDS, damage, fill_in, ids_of, run_verify, whole  # noqa: F401

pytestmark = pytest.mark.owner("checks look at every table, and repairs change rows that are there")

ONLY = ["--check", "source"]
# What no import takes, or takes otherwise: told, and no difference.
OF_SOURCE = {"source-rejected", "source-changed"}


def prove(run_verify, db, source, *options, check=None):  # noqa: F811
    return run_verify("--to", db.uri, "--source", source, "--json", *ONLY, *options, check=check)


def prove_clean(run_verify, run_bulk, db, source, *reading):  # noqa: F811
    run_bulk("import", source, "--to", db.uri, "--on-error", "skip", *reading)
    before = db.dump()
    result = prove(run_verify, db, source, check=0)
    codes = {f["code"] for f in result.json["findings"]}
    assert codes <= OF_SOURCE and result.json["ok"], result.json["findings"]
    assert result.json["checked"]["rows_of_the_source"] > 0
    assert db.dump() == before
    return result


def differences(result):
    return {(f["code"], f["id"], f["field"]) for f in result.json["findings"] if f["code"] not in OF_SOURCE}


# ---- clean after an import ----


def test_a_file_store_proves_clean(run_verify, run_bulk, corpus_filestore, target):  # noqa: F811
    prove_clean(run_verify, run_bulk, target, corpus_filestore)


def test_a_database_of_the_corpus_proves_clean(run_verify, run_bulk, corpus_sqlite, target):  # noqa: F811
    prove_clean(run_verify, run_bulk, target, corpus_sqlite)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("version", ["2.22.5", ORACLE])
def test_everything_of_a_database_proves_clean(run_verify, run_bulk, full_databases, target, version, kind):  # noqa: F811
    prove_clean(run_verify, run_bulk, target, full_databases(version, kind).uri)


def table(folder):
    return inputs.table(folder, inputs.LONG)


def tensorboard(folder):
    logs.write_tensorboardx(folder / "tb" / "plain")
    logs.write_hparams(folder / "tb" / "tuned")
    return folder / "tb"


@pytest.mark.parametrize("make", [table, tensorboard])
def test_bare_metrics_prove_clean(run_verify, run_bulk, target, tmp_path, make):  # noqa: F811
    source = make(tmp_path)
    prove_clean(run_verify, run_bulk, target, source)
    named = SqliteDatabase(tmp_path / "named.db")
    run_bulk("import", source, "--to", named.uri, "--experiment", "mine", check=0)
    assert differences(prove(run_verify, named, source, "--experiment", "mine", check=0)) == set()
    key, run = named.query("SELECT key, run_uuid FROM metrics ORDER BY 1, 2 LIMIT 1")[0]
    named.query(f"DELETE FROM metrics WHERE key = '{key}' AND run_uuid = '{run}'")
    result = prove(run_verify, named, source, "--experiment", "mine", check=1)
    assert differences(result) == {("source-row-missing", run, key)}


@pytest.mark.parametrize("logged", RELEASES[-1:], indirect=True)  # noqa: F811
def test_runs_of_wandb_prove_clean(run_verify, run_bulk, target, logged):  # noqa: F811
    prove_clean(run_verify, run_bulk, target, logged[0])


@pytest.mark.parametrize("exported", [VERSION], indirect=True)  # noqa: F811
def test_an_export_proves_clean(run_verify, run_bulk, target, exported):  # noqa: F811
    prove_clean(run_verify, run_bulk, target, exported.folder / "all")


def test_json_lines_of_whole_runs_prove_clean(run_verify, run_bulk, full_databases, target, tmp_path):  # noqa: F811
    lines = tmp_path / "all.jsonl"
    run_bulk("export", full_databases(ORACLE, "sqlite").uri, "-o", lines, check=0)
    prove_clean(run_verify, run_bulk, target, lines)


def test_json_lines_that_add_to_runs_tell_those_whole_that_they_end(run_verify, run_bulk, target, everything):  # noqa: F811
    """Of a run that goes on, or was begun elsewhere, the rest may be anybody's."""
    prove_clean(run_verify, run_bulk, target, everything)
    ended = target.query("SELECT run_uuid FROM runs WHERE status = 'FINISHED'")[0][0]
    going = target.query("SELECT run_uuid FROM runs WHERE status = 'RUNNING'")[0][0]
    target.query(f"INSERT INTO params (run_uuid, key, value) VALUES ('{going}', 'the target''s own', 'v')")
    prove(run_verify, target, everything, check=0)
    target.query(f"INSERT INTO params (run_uuid, key, value) VALUES ('{ended}', 'own', 'v')")
    target.query(f"DELETE FROM metrics WHERE run_uuid = '{ended}' AND key = 'loss' AND step = 1")
    found = prove(run_verify, target, everything, check=1)
    assert differences(found) == {(MISSING, ended, "loss"), (EXTRA, ended, "own")}
    assert len(found.json["findings"]) == 2


def test_runs_that_are_scattered_over_json_lines_are_told_once(run_verify, run_bulk, target, tmp_path):  # noqa: F811
    """More bytes than a sort holds: what a later one sets is what counts, each difference comes once."""
    runs = [f"{i:032x}" for i in range(1, 6)]
    source = tmp_path / "scattered.jsonl"
    with source.open("w") as f:
        def line(**of):
            f.write(json.dumps(of) + " " * 5000 + "\n")

        for run in runs:
            line(type="run", run_id=run, experiment="e", user="u", start_time=inputs.T0, tags={"t": "first"})
        for step in range(1000):
            for run in runs:
                line(type="metrics", run_id=run, step=step, timestamp=inputs.T0 + step, values={"loss": 1 / (step + 1), "n": step})
        for run in runs[1:]:
            line(type="tag", run_id=run, key="t", value="second")
            line(type="end", run_id=run, end_time=inputs.T0 + 9)
    prove_clean(run_verify, run_bulk, target, source)
    target.query(f"UPDATE tags SET value = 'first' WHERE key = 't' AND run_uuid = '{runs[1]}'")
    target.query(f"DELETE FROM metrics WHERE run_uuid = '{runs[2]}' AND step = 17 AND key = 'loss'")
    target.query(f"UPDATE metrics SET value = 5 WHERE run_uuid = '{runs[0]}' AND step = 999 AND key = 'loss'")
    target.query(f"UPDATE tags SET value = 'third' WHERE run_uuid = '{runs[0]}' AND key = 't'")
    result = prove(run_verify, target, source, check=1)
    told = (DIFFERS, runs[1], "t"), (MISSING, runs[2], "loss"), (MISSING, runs[0], "loss"), ("source-superseded", runs[0], "t")
    assert differences(result) == set(told) and len(result.json["findings"]) == 4


def test_a_long_run_proves_clean(run_verify, run_bulk, target, tmp_path):  # noqa: F811
    source = tmp_path / "long.csv"
    with source.open("w") as f:
        f.write("step,timestamp,loss,acc\n")
        f.writelines(f"{i},{inputs.T0 + i},{1 / (i + 1)!r},{i / 7!r}\n" for i in range(150_000))
    prove_clean(run_verify, run_bulk, target, source)
    target.query("UPDATE metrics SET value = value + 1 WHERE step = 149998 AND key = 'acc'")
    target.query("DELETE FROM metrics WHERE step = 17 AND key = 'loss'")
    found = {(code, field) for code, _, field in differences(prove(run_verify, target, source, check=1))}
    assert found == {("source-row-differs", "acc"), ("source-row-missing", "loss")}


# ---- damages ----

RICH, CHILD = "run_uuid = '<rich>'", "run_uuid = '<child 0>'"
RUN = "source-run-missing"
MISSING, EXTRA, DIFFERS = "source-row-missing", "source-row-extra", "source-row-differs"


def point(change, key, where="1 = 1"):
    return f"UPDATE metrics SET {change} WHERE {RICH} AND key = '{key}' AND {where}"


# what is done to which table -> (code, id, field) of what must be found, each damage in a database of its own
DAMAGES = {
    "the last bit of a value": (point("value = 0.010000000000000002", "val/acc", "step = 10"), (DIFFERS, "val/acc")),
    "a step": (point("step = 5000", "loss", "step = 7"), (DIFFERS, "loss")),
    "a time": (point("timestamp = timestamp + 1", "loss", "step = 7"), (DIFFERS, "loss")),
    "high bits of a step": (point("step = step + 4294967296", "loss", "step = 7"), (DIFFERS, "loss")),
    "a step that is a number's other sign": (point("step = -6", "steps", "step = -5"), (DIFFERS, "steps")),
    "a lost flag": (point("is_nan = false", "nan is latest", "is_nan"), (DIFFERS, "nan is latest")),
    "a point less": (f"DELETE FROM metrics WHERE {RICH} AND key = 'loss' AND step = 8", (MISSING, "loss")),
    "a point more": (
        "INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES ('loss', 1, 1, '<rich>', 1, false)",
        (EXTRA, "loss"),
    ),
    "two zeros whose steps are swapped": (
        point("step = 1 - step", "zeros"),
        (DIFFERS, "zeros"),
    ),
    "a param's value": (f"UPDATE params SET value = '0.10' WHERE {RICH} AND key = 'plain'", (DIFFERS, "plain")),
    "a param less": (f"DELETE FROM params WHERE {RICH} AND key = 'empty'", (MISSING, "empty")),
    "a param more": ("INSERT INTO params (key, value, run_uuid) VALUES ('new', '', '<rich>')", (EXTRA, "new")),
    "a blank less": (f"UPDATE params SET value = 'value  \t' WHERE {RICH} AND key = 'trailing blanks'", (DIFFERS, "trailing blanks")),
    "a tag's value": (f"UPDATE tags SET value = '' WHERE {RICH} AND key = 'mlflow.runName'", (DIFFERS, "mlflow.runName")),
    "a tag that is NULL": (f"UPDATE tags SET value = NULL WHERE {RICH} AND key = 'mlflow.user'", (DIFFERS, "mlflow.user")),
    "a tag less": (f"DELETE FROM tags WHERE {RICH} AND key = 'mlflow.runName'", (MISSING, "mlflow.runName")),
    "a latest value": (f"UPDATE latest_metrics SET value = 3 WHERE {RICH} AND key = 'loss'", (DIFFERS, "loss")),
    "a latest metric less": (f"DELETE FROM latest_metrics WHERE {RICH} AND key = 'loss'", (MISSING, "loss")),
    "a status": (f"UPDATE runs SET status = 'KILLED' WHERE {CHILD}", (DIFFERS, "status")),
    "an end": (f"UPDATE runs SET end_time = end_time + 1 WHERE {CHILD}", (DIFFERS, "end_time")),
    "a name": (f"UPDATE runs SET name = 'x' WHERE {CHILD}", (DIFFERS, "name")),
    "a place": (f"UPDATE runs SET artifact_uri = '/elsewhere' WHERE {CHILD}", (DIFFERS, "artifact_uri")),
    "an experiment": (f"UPDATE runs SET experiment_id = <other> WHERE {CHILD}", (DIFFERS, "experiment_id")),
    "a stage": (f"UPDATE runs SET lifecycle_stage = 'deleted' WHERE {CHILD}", (DIFFERS, "lifecycle_stage")),
    "an input's tag": (
        "UPDATE input_tags SET value = 'x' WHERE input_uuid IN (SELECT input_uuid FROM inputs"
        " WHERE destination_id = '<rich>') AND name = 'mlflow.data.context'",
        (DIFFERS, "train set"),
    ),
    "an experiment's tag": (
        "DELETE FROM experiment_tags WHERE experiment_id = <main> AND key = (SELECT min(key) FROM experiment_tags"
        " WHERE experiment_id = <main>)",
        (MISSING, None),
    ),
    "a logged model": ("UPDATE logged_models SET name = 'x' WHERE model_id = '<ready>'", (DIFFERS, None)),
    "a logged model's param": ("DELETE FROM logged_model_params WHERE model_id = '<ready>'", (DIFFERS, None)),
    "a version": ("UPDATE model_versions SET description = 'x' WHERE version = 3", (DIFFERS, None)),
    "an alias less": ("DELETE FROM registered_model_aliases WHERE alias = 'champion'", (MISSING, None)),
    "a dataset's schema": ("UPDATE datasets SET dataset_schema = 'x' WHERE name = 'train set'", (DIFFERS, "dataset_schema")),
    "traces' tags": ("UPDATE trace_tags SET value = 'x'", (DIFFERS, None)),
}
# SQLite's columns take what is not of their type.
ODD = {
    "text for a value": (point("value = 'much'", "loss", "step = 7"), (DIFFERS, "loss")),
    "a blob for a value": (point("value = x'00ff'", "loss", "step = 7"), (DIFFERS, "loss")),
    "a flag of seven": (point("is_nan = 7", "loss", "step = 7"), (DIFFERS, "loss")),
    "text for a latest value": (f"UPDATE latest_metrics SET value = 'much' WHERE {RICH} AND key = 'loss'", (DIFFERS, "loss")),
    "text for a time of a run": (f"UPDATE runs SET end_time = 'late' WHERE {CHILD}", (DIFFERS, "end_time")),
    "a fraction for an experiment": (f"UPDATE runs SET experiment_id = 1.5 WHERE {CHILD}", (DIFFERS, "experiment_id")),
    "text for a step of an output": (
        "UPDATE inputs SET step = 'last' WHERE destination_type = 'MODEL_OUTPUT' AND source_id = '<rich>'",
        (DIFFERS, None),
    ),
    "text for a time of a version": ("UPDATE model_versions SET creation_time = 'then' WHERE version = 3", (DIFFERS, None)),
    "text for an alias's version": ("UPDATE registered_model_aliases SET version = 'best' WHERE alias = 'champion'", (DIFFERS, None)),
    "text for a value of a model": (
        "UPDATE logged_model_metrics SET metric_value = 'much' WHERE metric_name = 'on/data'",
        (DIFFERS, None),
    ),
}

# What is there beyond the source, all of it at once: table -> (what is done, id, field)
VERSION_OF = "SELECT {} FROM model_versions WHERE version = 3"
BEYOND = {
    "experiment_tags": "INSERT INTO experiment_tags (experiment_id, key, value) VALUES (<main>, 'own', 'v')",
    "logged_models": "INSERT INTO logged_models (model_id, experiment_id, name, artifact_location, creation_timestamp_ms,"
    " last_updated_timestamp_ms, status, lifecycle_stage) VALUES ('m-own', <main>, 'own', '/m', 1, 1, 2, 'active')",
    "registered_models": "INSERT INTO registered_models (name, creation_time) VALUES ('own', 1)",
    "registered_model_tags": "INSERT INTO registered_model_tags (name, key, value) " + VERSION_OF.format("name, 'own', 'v'"),
    "registered_model_aliases": "INSERT INTO registered_model_aliases (name, alias, version) "
    + VERSION_OF.format("name, 'own', 3"),
    "model_versions": "INSERT INTO model_versions (name, version, creation_time, current_stage, status) "
    + VERSION_OF.format("name, 77, 1, 'None', 'READY'"),
    "model_version_tags": "INSERT INTO model_version_tags (name, version, key, value) " + VERSION_OF.format("name, 3, 'own', 'v'"),
}


@pytest.fixture
def copies(whole, copy_db, run_bulk, new_db, tmp_path):  # noqa: F811
    """copies(kind) -> (source, a database that holds the same, what <words> stand for)"""

    def make(kind):
        original, info = whole("sqlite")
        source = copy_db(original)
        rich = info["runs"]["rich"]
        for step in (0, 1):
            source.query(
                "INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan)"
                f" VALUES ('zeros', 0, {inputs.T0 + step}, '{rich}', {step}, 0)"
            )
        source.query(
            "INSERT INTO latest_metrics (key, value, timestamp, run_uuid, step, is_nan)"
            f" VALUES ('zeros', 0, {inputs.T0 + 1}, '{rich}', 1, 0)"
        )
        db = new_db(kind, MLFLOW_HEADS[ORACLE])
        run_bulk("import", source.uri, "--to", db.uri, check=0)
        return source, db, ids_of(db, info)

    return make


@pytest.mark.parametrize("kind", KINDS)
def test_each_damage_is_found_and_named(run_verify, copies, copy_db, kind):  # noqa: F811
    source, db, ids = copies(kind)
    assert prove(run_verify, db, source.uri, check=0).json["findings"] == []
    wrong = []
    for name, (sql, (code, field)) in (DAMAGES | (ODD if kind == "sqlite" else {})).items():
        hurt = copy_db(db)
        damage(hurt, fill_in(sql, ids))
        result = prove(run_verify, hurt, source.uri)
        found = {(f["code"], f["field"]) for f in result.json["findings"]}
        named = {c for c, _ in found} == {code} and (not field or (code, field) in found)
        if result.returncode != 1 or not named or (name in ODD and len(result.json["findings"]) > 1):
            wrong.append((name, result.json["findings"]))
        if hurt.kind == "postgres":
            hurt.drop()
    assert not wrong


@pytest.mark.parametrize("kind", KINDS)
def test_values_swapped_between_runs_do_not_cancel(run_verify, copies, kind):  # noqa: F811
    source, db, ids = copies(kind)
    a, b = ids["rich"], ids["child 0"]
    swap = f"run_uuid = CASE run_uuid WHEN '{a}' THEN '{b}' ELSE '{a}' END WHERE run_uuid IN ('{a}', '{b}')"
    shared = "SELECT p.key FROM params p JOIN params q ON p.key = q.key AND p.value <> q.value"
    keys = db.query(f"{shared} WHERE p.run_uuid = '{a}' AND q.run_uuid = '{b}'")
    own = "SELECT key FROM latest_metrics WHERE run_uuid = '{}' ORDER BY key LIMIT 1"
    key = db.query(own.format(b))[0][0] if not keys else None
    if keys:
        damage(db, f"UPDATE params SET {swap} AND key = '{keys[0][0]}'")
    else:
        damage(db, f"UPDATE metrics SET run_uuid = '{a}' WHERE run_uuid = '{b}' AND key = '{key}'")
    found = prove(run_verify, db, source.uri, check=1).json["findings"]
    assert {f["id"] for f in found} == {a, b}


@pytest.mark.parametrize("kind", KINDS)
def test_runs_and_experiments_that_are_gone_are_named(run_verify, copies, kind):  # noqa: F811
    source, db, ids = copies(kind)
    damage(db, f"DELETE FROM runs WHERE run_uuid = '{ids['child 1']}'")
    damage(db, "UPDATE experiments SET name = 'renamed' WHERE name = 'nothing in it'")
    found = Counter((f["code"], f["table"], f["id"]) for f in prove(run_verify, db, source.uri, check=1).json["findings"])
    assert found[RUN, "runs", ids["child 1"]] == 1
    assert found[MISSING, "experiments", "nothing in it"] == 1


@pytest.mark.parametrize("kind", KINDS)
def test_of_a_trace_the_table_is_named(run_verify, copies, kind):  # noqa: F811
    """One id is that of the trace and of all its rows."""
    source, db, _ = copies(kind)
    [(trace,)] = db.query("SELECT min(request_id) FROM trace_info")
    expected = Counter()
    for table, column in (("spans", "trace_id"), ("trace_request_metadata", "request_id"), ("trace_tags", "request_id")):
        [(expected[table],)] = db.query(f"SELECT count(*) FROM {table} WHERE {column} = '{trace}'")
        db.query(f"DELETE FROM {table} WHERE {column} = '{trace}'")
    expected["trace_info"] = 1
    db.query(f"DELETE FROM trace_info WHERE request_id = '{trace}'")
    result = prove(run_verify, db, source.uri, check=1)
    found = [f for f in result.json["findings"] if f["id"] == trace]
    assert Counter(f["table"] for f in found) & expected == expected
    assert all(f["code"] == MISSING and f"in {f['table']}: " in f["text"] for f in found)
    assert len({(f["table"], f["field"]) for f in found}) == len(found)


@pytest.mark.parametrize("kind", KINDS)
def test_dataset_of_another_digest(run_verify, copies, kind):  # noqa: F811
    source, db, ids = copies(kind)
    damage(db, f"UPDATE datasets SET digest = 'other' WHERE name = 'train set' AND experiment_id = {ids['main']}")
    found = prove(run_verify, db, source.uri, check=1).json["findings"]
    named = {(f["code"], f["table"], f["id"]) for f in found}
    assert {(MISSING, "inputs", ids["rich"]), (EXTRA, "inputs", ids["rich"])} <= named
    assert (MISSING, "datasets", "train set") in named


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_there_beyond_the_source_is_told_once(run_verify, copies, kind):  # noqa: F811
    source, db, ids = copies(kind)
    for sql in BEYOND.values():
        damage(db, fill_in(sql, ids))
    found = prove(run_verify, db, source.uri, check=0).json["findings"]
    assert {f["code"] for f in found} == {"source-beyond"}
    assert sorted(f["table"] for f in found) == sorted(BEYOND)
    assert all("own" in (f["id"], f["field"]) or f["id"] == "m-own" or "version 77" in f["text"] for f in found)
    prove(run_verify, db, source.uri, "--experiment", "Default", check=0)


@pytest.mark.parametrize("kind", KINDS)
def test_many_differences_are_counted(run_verify, copies, kind):  # noqa: F811
    source, db, ids = copies(kind)
    damage(db, f"UPDATE metrics SET value = value + 1 WHERE run_uuid = '{ids['rich']}' AND key = 'loss' AND step < 100")
    found = prove(run_verify, db, source.uri, check=1).json["findings"]
    assert len(found) == 11
    assert found[-1]["text"] == "90 more rows of metrics differ, or are on one side only"
    text = run_verify("--to", db.uri, "--source", source.uri, *ONLY, check=1).stdout
    assert f"error {DIFFERS} {ids['rich']}: loss: in metrics: is step 0, time {inputs.T0}, value 2.0; step 0," in text


@pytest.mark.parametrize("kind", KINDS)
def test_a_part_of_both_sides(run_verify, copies, kind):  # noqa: F811
    source, db, ids = copies(kind)
    damage(db, f"DELETE FROM params WHERE run_uuid = '{ids['rich']}' AND key = 'plain'")
    assert prove(run_verify, db, source.uri, "--run", ids["child 0"], check=0).json["findings"] == []
    found = prove(run_verify, db, source.uri, "--run", ids["rich"], check=1).json["findings"]
    assert [(f["code"], f["field"]) for f in found] == [(MISSING, "plain")]
    assert prove(run_verify, db, source.uri, "--experiment", "Default", check=0).json["findings"] == []
    two = run_verify("--to", db.uri, "--source", source.uri, "--run", "a", "--run", "b", check=64)
    assert "--source is compared as a whole" in two.stderr


def test_what_no_import_takes_is_no_difference(run_verify, run_bulk, new_sqlite_db, tmp_path):  # noqa: F811
    lines = list(inputs.json_lines())
    lines.insert(3, {"type": "param", "run_id": inputs.RUN, "key": "bad\x00key", "value": "v"})
    lines.insert(3, {"type": "param", "run_id": inputs.RUN, "key": "long", "value": "v" * 9000})
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    db = new_sqlite_db()
    result = prove_clean(run_verify, run_bulk, db, path)
    assert {f["code"] for f in result.json["findings"]} == OF_SOURCE


def test_files_that_were_copied_are_in_the_targets_place(run_verify, run_bulk, new_db, tmp_path):  # noqa: F811
    db = new_db("sqlite", MLFLOW_HEADS[ORACLE])
    sample = programs.ROOT / "samples/mlruns"
    run_bulk("import", sample, "--to", db.uri, "--artifacts", "copy", "--artifact-root", tmp_path / "root", "--on-error", "skip")
    found = prove(run_verify, db, sample, check=0).json["findings"]
    assert {f["code"] for f in found} <= {"source-place"} | OF_SOURCE


def test_what_cannot_be_read_is_said(run_verify, run_bulk, new_sqlite_db, tmp_path):  # noqa: F811
    db = new_sqlite_db(MLFLOW_HEADS[ORACLE])
    assert "no such" in run_verify("--to", db.uri, "--source", tmp_path / "nothing", *ONLY, check=66).stderr.lower()
    run_verify("--to", db.uri, "--source", db.uri, *ONLY, check=64)
