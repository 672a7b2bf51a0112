"""mltrack-verify on the database alone: a catalogue of damages, each of them found and named alike in both databases,
nothing found in stores that are whole, whoever wrote them; repairs, and the forms in which it tells."""

import json
import re
import sqlite3
import xml.etree.ElementTree as ElementTree
from collections import Counter

import pytest

import programs
from databases import SqliteDatabase
from programs import MLFLOW_HEADS, ORACLE
from shared import made_once
from test_import_database import make_full

pytestmark = pytest.mark.owner("checks look at every table, and repairs change rows that are there")

GHOST = "0" * 32
SQLITE, POSTGRES = "sqlite", "postgres"
KINDS = [SQLITE, POSTGRES]
# The checks of the database, as those of the disk have tests of their own. Runs of these stores began long ago.
CHECKS = "chosen schema storage sequence experiments runs values latest-metrics models orphans".split()
WHOLE = ["--stale=20000d", *(f"--check={c}" for c in CHECKS)]


def latest(change, key):
    return f"UPDATE latest_metrics SET {change} WHERE run_uuid = '<rich>' AND key = '{key}'"


def points(change, key, where):
    return f"{change} WHERE run_uuid = '<rich>' AND key = '{key}' AND {where}"


def run(name, change):
    return f"UPDATE runs SET {change} WHERE run_uuid = '<{name}>'"


def row(table, columns, values):
    return f"INSERT INTO {table} ({columns}) VALUES ({values})"


def with_infinity(sql):
    return {SQLITE: sql.replace("@", "9e999"), POSTGRES: sql.replace("@", "'Infinity'")}


POINT = "key, value, timestamp, run_uuid, step, is_nan"
RUN = "name, source_type, user_id, status, start_time, lifecycle_stage, artifact_uri, experiment_id"

# section -> what is done (SQL for both databases, or by kind; <words> stand for ids) and what must be found of it:
# (code, id) as often as it is. Damages of a section meet in one database: no two of them touch the same thing.
CATALOGUE = {
    "latest metrics": [
        (latest("value = value + 1", "loss"), [("latest-wrong", "<rich>")]),
        (latest("value = 0.5000000000000001", "val/f1 score"), [("latest-wrong", "<rich>")]),
        (latest("step = 0", "val/acc"), [("latest-wrong", "<rich>")]),
        (latest("timestamp = timestamp - 1", "same step"), [("latest-wrong", "<rich>")]),
        (latest("is_nan = false", "nan is latest"), [("latest-wrong", "<rich>")]),
        (latest("timestamp = NULL", "steps"), [("latest-unreadable", "<rich>")]),
        ("DELETE FROM latest_metrics WHERE run_uuid = '<rich>' AND key = 'backwards'", [("latest-missing", "<rich>")]),
        ("DELETE FROM latest_metrics WHERE run_uuid = '<child 0>'", [("latest-missing", "<child 0>")]),
        ("DELETE FROM metrics WHERE run_uuid = '<rich>' AND key = 'digits'", [("latest-orphan", "<rich>")]),
        (points("DELETE FROM metrics", "special", "step = 4"), [("latest-wrong", "<rich>")]),
        (row("metrics", POINT, "'times', 1, 1, '<rich>', 99999, false"), [("latest-wrong", "<rich>")]),
        (points("UPDATE metrics SET is_nan = false", "nan against minus one", "is_nan"), [("latest-wrong", "<rich>")]),
    ],
    "values": [
        (
            with_infinity(points("UPDATE metrics SET value = @", "loss", "step = 1")),
            [("value-not-finite", "<rich>")],
        ),
        (
            {POSTGRES: points("UPDATE metrics SET value = 'NaN'", "backwards", "step = 10")},
            [("value-not-finite", "<rich>")],
        ),
        (
            with_infinity(latest("value = @", "val/f1 score")),
            [("value-not-finite", "<rich>"), ("latest-wrong", "<rich>")],
        ),
        (
            with_infinity("UPDATE logged_model_metrics SET metric_value = @ WHERE metric_name = 'on/data'"),
            [("value-not-finite", "<rich>")],
        ),
        (
            {"sqlite": points("UPDATE metrics SET value = 'much'", "special", "step = 1")},
            [("value-not-finite", "<rich>")],
        ),
        (
            {"sqlite": points("UPDATE metrics SET timestamp = x'00'", "digits", "step = 0")},
            [("value-not-finite", "<rich>")],
        ),
        (
            {"sqlite": "UPDATE logged_model_metrics SET metric_step = 'last' WHERE metric_name = 'model nan'"},
            [("value-not-finite", "<rich>")],
        ),
    ],
    "runs": [
        (run("rich", "user_id = NULL"), [("run-unreadable", "<rich>")]),
        (run("child 0", "status = NULL"), [("run-unreadable", "<child 0>")]),
        (run("parent", "start_time = NULL"), [("run-unreadable", "<parent>")]),
        (run("empty run", "lifecycle_stage = NULL"), [("run-unreadable", "<empty run>")]),
        (
            {SQLITE: run("status SCHEDULED", "status = 'DONE'")},
            [("run-unreadable", "<status SCHEDULED>"), ("file-damaged", None)],
        ),
        ({SQLITE: run("in deleted experiment", "end_time = 'late'")}, [("run-unreadable", "<in deleted experiment>")]),
        (
            f"INSERT INTO runs (run_uuid, {RUN}) SELECT 'bad id', {RUN} FROM runs WHERE run_uuid = '<grandchild>'",
            [("run-id-form", "bad id")],
        ),
        (run("child 1", "name = 'other'"), [("run-name-differs", "<child 1>")]),
        (
            "UPDATE tags SET value = 'other' WHERE run_uuid = '<child 2>' AND key = 'mlflow.runName'",
            [("run-name-differs", "<child 2>")],
        ),
        (run("grandchild", "artifact_uri = NULL"), [("run-without-place", "<grandchild>")]),
        (run("deleted run", "deleted_time = NULL"), [("run-deleted-without-time", "<deleted run>")]),
        (
            run("status FAILED", "status = 'RUNNING', start_time = 50000000000, end_time = NULL"),
            [("run-stale", "<status FAILED>")],
        ),
        (run("status KILLED", "end_time = start_time - 1"), [("times-odd", "<status KILLED>")]),
        (run("status FINISHED", "start_time = 1700000000"), [("times-odd", "<status FINISHED>")]),
        (run("status RUNNING", "start_time = 4000000000000"), [("times-odd", "<status RUNNING>")]),
        (run("in default", "experiment_id = 4242"), [("rows-orphaned", "<in default>")]),
    ],
    "experiments": [
        (
            "UPDATE experiments SET lifecycle_stage = NULL WHERE experiment_id = <other>",
            [("experiment-unreadable", "<other>")],
        ),
        ("UPDATE experiments SET name = '' WHERE experiment_id = <main>", [("experiment-unreadable", "<main>")]),
        ("UPDATE experiments SET workspace = 'team' WHERE name = 'nothing in it'", [("workspace-other", "team")]),
    ],
    "orphans": [
        (row("params", "key, value, run_uuid", f"'k', 'v', '{GHOST}'"), [("rows-orphaned", GHOST)]),
        (row("tags", "key, value, run_uuid", f"'k', 'v', '{GHOST}'"), [("rows-orphaned", GHOST)]),
        (
            row("metrics", POINT, f"'k', 1, 1, '{GHOST}', 0, false"),
            [("rows-orphaned", GHOST), ("latest-missing", GHOST)],
        ),
        (
            row("latest_metrics", POINT, f"'l', 1, 1, '{GHOST}', 0, false"),
            [("rows-orphaned", GHOST), ("latest-orphan", GHOST)],
        ),
        (row("experiment_tags", "key, value, experiment_id", "'k', 'v', 4242"), [("rows-orphaned", "4242")]),
        (
            "UPDATE datasets SET experiment_id = 4242 WHERE name = 'train set' AND experiment_id = <main>",
            [("rows-orphaned", "4242")],
        ),
        ("UPDATE logged_models SET experiment_id = 4242 WHERE name = 'failed'", [("rows-orphaned", "4242")]),
        (f"UPDATE inputs SET destination_id = '{GHOST}' WHERE destination_id = '<child 0>'", [("input-orphaned", GHOST)]),
        (row("input_tags", "input_uuid, name, value", f"'{GHOST}', 'k', 'v'"), [("input-orphaned", GHOST)]),
        (
            "UPDATE inputs SET destination_id = 'm-gone' WHERE destination_type = 'MODEL_OUTPUT' AND step = 3",
            [("input-orphaned", "<rich>")],
        ),
        (
            "UPDATE inputs SET source_id = 'gone' WHERE source_type = 'DATASET' AND destination_id = '<parent>'",
            [("input-orphaned", "<parent>")],
        ),
        (
            row("logged_model_params", "model_id, experiment_id, param_key, param_value", "'m-gone', 0, 'k', 'v'"),
            [("rows-orphaned", "m-gone")],
        ),
        (
            row("logged_model_tags", "model_id, experiment_id, tag_key, tag_value", "'m-gone', 0, 'k', 'v'"),
            [("rows-orphaned", "m-gone")],
        ),
        (row("registered_model_tags", "name, key, value", "'ghost', 'k', 'v'"), [("rows-orphaned", "ghost")]),
        (
            row("model_versions", "name, version, current_stage, status", "'ghost', 1, 'None', 'READY'"),
            [("rows-orphaned", "ghost")],
        ),
    ],
    "models": [
        ("UPDATE logged_models SET status = 9 WHERE name = 'ready'", [("model-unreadable", "<ready>")]),
        (
            {SQLITE: "UPDATE logged_models SET lifecycle_stage = 'gone' WHERE name = 'failed'"},
            [("model-unreadable", "<failed>"), ("file-damaged", None)],
        ),
        ("UPDATE logged_model_params SET experiment_id = 0 WHERE model_id = '<ready>'", [("model-elsewhere", "<ready>")]),
        (
            "UPDATE registered_model_aliases SET version = 99 WHERE alias = 'champion'",
            [("alias-lost", "forest \u00e9")],
        ),
        ("UPDATE model_versions SET run_id = 'gone' WHERE version = 3", [("version-run-gone", "forest \u00e9/3")]),
        (
            row("model_version_tags", "name, version, key, value", "'no versions', 7, 'k', 'v'"),
            [("rows-orphaned", "no versions/7")],
        ),
    ],
    "the whole": [
        ("DROP INDEX index_params_run_uuid", [("schema-unusual", "params")]),
        ({POSTGRES: "ALTER TABLE params DROP CONSTRAINT param_pk"}, [("schema-differs", "params")]),
        (
            {SQLITE: "CREATE TRIGGER t AFTER INSERT ON params BEGIN SELECT 1; END"},
            [("schema-differs", "params")],
        ),
        (
            {
                POSTGRES: "UPDATE pg_index SET indisvalid = false"
                " WHERE indexrelid = (SELECT oid FROM pg_class WHERE relname = 'index_tags_run_uuid')"
            },
            [("schema-unusual", "tags")] * 2,
        ),
        (
            {POSTGRES: "ALTER TABLE tags ADD CONSTRAINT has_key CHECK (key <> '') NOT VALID"},
            [("constraint-invalid", "tags")],
        ),
        (
            {POSTGRES: "INSERT INTO experiments (experiment_id, name, lifecycle_stage) VALUES (5000, 'x', 'active')"},
            [("sequence-behind", None)],
        ),
        ({SQLITE: "AN INDEX OUT OF STEP"}, [("file-damaged", None)] * 2),  # the row, and their number
    ],
}


def damages(section, kind):
    """(sql, found) of those that this kind of database can have"""
    for sql, found in CATALOGUE[section]:
        sql = sql.get(kind) if isinstance(sql, dict) else sql
        if sql:
            yield sql, found


# ---- running it ----


@pytest.fixture
def run_verify(tmp_path_factory):
    """run_verify(*args, check=None) -> programs.Result, as run_bulk."""
    home = tmp_path_factory.mktemp("home")

    def run(*args, cwd=None, **more):
        return programs.run_bulk(programs.program_path("mltrack-verify"), *args, cwd=cwd or home, home=home, **more)

    return run


def found(result):
    return Counter((f["code"], f["id"]) for f in result.json["findings"])


# ---- stores that are whole, and damaging them ----


def full_database(tmp_path_factory, version):
    """Everything that this MLflow writes, in a file; for reading only. (database, what is in it)"""
    folder, info = made_once(
        tmp_path_factory, f"full-database-{version}", lambda f: make_full(version, f"sqlite:///{f}/mlflow.db", f)
    )
    return SqliteDatabase(folder / "mlflow.db"), info


@pytest.fixture(scope="module")
def whole(request, tmp_path_factory, bulk):
    """whole(kind) -> (database, what is in it): written by MLflow itself (SQLite), imported by us (PostgreSQL)."""
    made = {}

    def get(kind):
        source, info = full_database(tmp_path_factory, ORACLE)
        if kind == SQLITE:
            return source, info
        if kind not in made:
            made[kind] = request.getfixturevalue("pg_server").create_database(MLFLOW_HEADS[ORACLE])
            home = tmp_path_factory.mktemp("home")
            programs.run_bulk(bulk, "import", source.uri, "--to", made[kind].uri, cwd=home, home=home, check=0)
        return made[kind], info

    return get


def ids_of(db, info):
    """What the words of the catalogue stand for in this database."""
    experiment = "SELECT experiment_id FROM runs WHERE run_uuid = %s"
    main, other = (db.query(experiment, (info["runs"][name],))[0][0] for name in ("rich", "empty run"))
    return info["runs"] | info["logged_models"] | {"main": str(main), "other": str(other)}


def fill_in(text, ids):
    return text and re.sub(r"<([\w ]+)>", lambda m: ids[m[1]], text)


def take_index_out_of_step(db):
    """A row goes into a table while SQLite does not know one of its indexes."""
    index = "index_tags_run_uuid"
    with sqlite3.connect(db.path, isolation_level=None) as c:
        c.execute("PRAGMA writable_schema = ON")
        entry = c.execute("SELECT type, name, tbl_name, rootpage, sql FROM sqlite_master WHERE name = ?", (index,))
        entry = entry.fetchone()
        c.execute("DELETE FROM sqlite_master WHERE name = ?", (index,))
    with sqlite3.connect(db.path, isolation_level=None) as c:
        c.execute("INSERT INTO tags (key, value, run_uuid) SELECT 'new', 'v', run_uuid FROM runs LIMIT 1")
        c.execute("PRAGMA writable_schema = ON")
        c.execute("INSERT INTO sqlite_master VALUES (?, ?, ?, ?, ?)", entry)


def damage(db, sql):
    if sql == "AN INDEX OUT OF STEP":
        take_index_out_of_step(db)
    elif db.kind == SQLITE:
        with sqlite3.connect(db.path, isolation_level=None) as c:
            c.execute("PRAGMA ignore_check_constraints = ON")
            assert c.execute(sql).rowcount != 0, sql
    else:
        db.query(f"SET session_replication_role = replica; SET allow_system_table_mods = on; {sql}")


@pytest.fixture
def damaged(whole, copy_db):
    """damaged(kind, section) -> (database, Counter of what must be found)"""

    def make(kind, section):
        original, info = whole(kind)
        ids = ids_of(original, info)
        db = copy_db(original)
        expected = Counter()
        for sql, of_it in damages(section, kind):
            damage(db, fill_in(sql, ids))
            expected.update((code, fill_in(i, ids)) for code, i in of_it)
        return db, expected

    return make


# ---- the catalogue ----


def test_the_catalogue_has_every_code_of_the_database():
    text = (programs.ROOT / "src/verify/findings.def").read_text()
    text = text.split("/* The database as a whole. */")[1].split("/* The database against the disk")[0]
    codes = set(re.findall(r'^MLT_FINDING\(\w+, "([\w-]+)"', text, re.M))
    assert {code for section in CATALOGUE.values() for _, of_it in section for code, _ in of_it} == codes
    assert sum(map(len, CATALOGUE.values())) >= 60


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("section", CATALOGUE)
def test_damages_are_found_and_named(run_verify, damaged, section, kind):
    db, expected = damaged(kind, section)
    result = run_verify("--to", db.uri, "--json", "--full", *WHOLE)
    assert found(result) == expected
    errors = sum(f["severity"] == "error" for f in result.json["findings"])
    assert result.json["summary"]["errors"] == errors
    assert (result.returncode, result.json["ok"]) == ((1, False) if errors else (0, True))


# What is said when all rows of a table are gone that others belong to. Rows that nothing belongs to are told by the
# ledger (test_verify_ledger.py), if an import has written them.
REMOVED = {
    "experiments": "rows-orphaned",
    "runs": "rows-orphaned",
    "metrics": "latest-orphan",
    "latest_metrics": "latest-missing",
    "datasets": "input-orphaned",
    "inputs": "input-orphaned",
    "logged_models": "rows-orphaned",
    "registered_models": "rows-orphaned",
    "model_versions": "alias-lost",
}


@pytest.mark.parametrize("kind", KINDS)
def test_rows_removed_are_missed_by_those_that_belong_to_them(run_verify, whole, copy_db, kind):
    original, _ = whole(kind)
    for table, code in REMOVED.items():
        db = copy_db(original)
        damage(db, f"DELETE FROM {table}")
        result = run_verify("--to", db.uri, "--json", *WHOLE)
        assert code in {f["code"] for f in result.json["findings"]}, (table, result.json["summary"])


# ---- stores that are whole ----


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_found_in_a_whole_store_and_nothing_is_written(run_verify, whole, kind):
    db, _ = whole(kind)
    before = db.dump()
    result = run_verify("--to", db.uri, "--json", "--full", *WHOLE, check=0)
    assert result.json["findings"] == [] and result.json["ok"]
    assert result.json["checked"]["runs"] == db.query("SELECT count(*) FROM runs")[0][0] > 0
    assert db.dump() == before


# MLflow 3.1 gave every metric of a logged model experiment 0.
WROTE_WRONGLY = {"3.1.4": {"model-elsewhere"}}


@pytest.mark.parametrize("version", ["2.22.5", "3.1.4"])
def test_what_another_mlflow_wrote_is_whole(run_verify, tmp_path_factory, version):
    db, _ = full_database(tmp_path_factory, version)
    result = run_verify("--to", db.uri, "--json", "--full", *WHOLE, check=0)
    assert {f["code"] for f in result.json["findings"]} == WROTE_WRONGLY.get(version, set())


def test_an_import_of_the_corpus_is_whole(run_bulk, run_verify, corpus_filestore, new_sqlite_db):
    db = new_sqlite_db()
    run_bulk("import", corpus_filestore, "--to", db.uri, "--on-error", "skip")
    result = run_verify("--to", db.uri, "--json", *WHOLE)
    assert {f["code"] for f in result.json["findings"]} <= {"times-odd"}


@pytest.mark.parametrize("kind", KINDS)
def test_an_import_of_the_sample_is_whole(run_bulk, run_verify, new_db, kind):
    db = new_db(kind, MLFLOW_HEADS[ORACLE])
    run_bulk("import", programs.ROOT / "samples/mlruns", "--to", db.uri, check=0)
    assert run_verify("--to", db.uri, "--json", *WHOLE, check=0).json["findings"] == []


# ---- which runs ----


@pytest.mark.parametrize("kind", KINDS)
def test_runs_that_are_chosen_are_looked_at_alone(run_verify, damaged, whole, kind):
    db, _ = damaged(kind, "latest metrics")
    runs = whole(kind)[1]["runs"]
    one = run_verify("--to", db.uri, "--json", *WHOLE, "--run", runs["child 0"], "--run", runs["child 1"], check=1)
    assert found(one) == {("latest-missing", runs["child 0"]): 1}
    assert one.json["checked"]["runs"] == 2
    assert one.json["checked"]["checks"]["orphans"] == "not about the runs that were chosen"
    assert found(run_verify("--to", db.uri, "--json", *WHOLE, "--experiment", "Default", check=0)) == {}
    assert found(run_verify("--to", db.uri, "--json", *WHOLE, "--since", "2030-01-01", check=0)) == {}
    gone = run_verify("--to", db.uri, "--json", *WHOLE, "--run", "nope", "--experiment", "not there", check=1)
    assert found(gone) == {("run-missing", "nope"): 1, ("experiment-missing", "not there"): 1}


# ---- repairs ----


@pytest.mark.parametrize("kind", KINDS)
def test_repaired_latest_metrics_are_those_of_mlflow(run_bulk, run_verify, damaged, whole, kind):
    db, expected = damaged(kind, "latest metrics")
    n = sum(expected.values()) - expected["latest-orphan", whole(kind)[1]["runs"]["rich"]]
    before = db.dump()
    plan = run_verify("--to", db.uri, "--repair", "latest-metrics", check=1)
    assert f"latest-metrics: {n} rows" in plan.stdout and "--yes" in plan.stderr
    assert db.dump() == before
    done = run_verify("--to", db.uri, "--repair", "latest-metrics", "--yes", "--json", check=0)
    imports = run_bulk("imports", "--to", db.uri, "--json", check=0).json["imports"]
    repair, rows = imports[0], done.json["repair"]
    assert rows == {"what": "latest-metrics", "found": n, "done": True, "rows": n, "import": repair["id"]}
    assert (repair["source"], repair["format"], repair["state"]) == ("latest-metrics", "repair", "done")
    assert (repair["runs"], repair["runs_created"], repair["batches"]) == (2, 0, 1)
    written = repair["rows"]["latest_metrics"], repair["rows_updated"]["latest_metrics"]
    assert sum(written) == n and written[0] == sum(v for (code, _), v in expected.items() if code == "latest-missing")
    refused = run_bulk("undo", repair["id"], "--to", db.uri, check=64)
    assert "a repair of 'latest-metrics'" in refused.stderr or kind == SQLITE
    left = run_verify("--to", db.uri, "--json", *WHOLE)
    assert {f["code"] for f in left.json["findings"]} == {"latest-orphan"}
    latest_rows = "SELECT key, value, timestamp, step, is_nan FROM latest_metrics WHERE run_uuid = %s ORDER BY key"
    run_id = whole(kind)[1]["runs"]["rich"]
    changed = {"times", "special", "nan against minus one"}  # whose points were damaged
    was = [r for r in whole(kind)[0].query(latest_rows, (run_id,)) if r[0] not in changed]
    assert [r for r in db.query(latest_rows, (run_id,)) if r[0] not in changed] == was
    assert "nothing to repair" in run_verify("--to", db.uri, "--repair", "latest-metrics", check=0).stdout


@pytest.mark.parametrize("kind", KINDS)
def test_stale_runs_are_killed_at_their_last_point(run_verify, whole, copy_db, kind):
    original, info = whole(kind)
    db = copy_db(original)
    silent, rich = info["runs"]["status RUNNING"], info["runs"]["rich"]
    db.query(f"UPDATE latest_metrics SET timestamp = 1700000099000 WHERE run_uuid = '{rich}'")
    db.query(f"UPDATE runs SET status = 'RUNNING', end_time = NULL WHERE run_uuid = '{rich}'")
    state = "SELECT run_uuid, status, end_time FROM runs ORDER BY run_uuid"
    expected = {r: (s, e) for r, s, e in db.query(state)}
    expected[silent] = ("KILLED", db.query(f"SELECT start_time FROM runs WHERE run_uuid = '{silent}'")[0][0])
    expected[rich] = ("KILLED", 1700000099000)
    done = run_verify("--to", db.uri, "--repair", "stale-runs", "--yes", "--json", check=0)
    assert done.json["repair"]["rows"] == 2
    assert {r: (s, e) for r, s, e in db.query(state)} == expected


def test_the_sequence_goes_ahead_and_never_back(run_verify, whole, copy_db):
    db = copy_db(whole(POSTGRES)[0])
    insert = "INSERT INTO experiments (name, lifecycle_stage) VALUES ('{}', 'active') RETURNING experiment_id"
    db.query("INSERT INTO experiments (experiment_id, name, lifecycle_stage) VALUES (5000, 'x', 'active')")
    assert run_verify("--to", db.uri, "--repair", "sequence", "--yes", check=0).stdout.endswith("1 repaired\nmltrack-bulk imports 2 tells of it\n")
    assert db.query(insert.format("next")) == [(5001,)]
    db.query("DELETE FROM experiments WHERE experiment_id >= 5000")
    assert "nothing to repair" in run_verify("--to", db.uri, "--repair", "sequence", "--yes", check=0).stdout
    assert db.query(insert.format("again")) == [(5002,)]


def test_a_repair_is_of_the_whole_database(run_verify, whole):
    result = run_verify("--to", whole(SQLITE)[0].uri, "--repair", "stale-runs", "--run", GHOST, check=64)
    assert "--run" in result.stderr


# ---- how it tells ----


def test_text_names_a_finding_a_line_and_the_command_that_mends_it(run_verify, damaged):
    db, expected = damaged(SQLITE, "latest metrics")
    lines = run_verify("--to", db.uri, *WHOLE, check=1).stdout.splitlines()
    shown = Counter(re.match(r"error ([\w-]+) (\w+): ", line).groups() for line in lines if line.startswith("error "))
    assert shown == expected
    assert "  mltrack-verify --repair latest-metrics" in lines
    assert lines[-1] == f"{sum(expected.values())} errors, 0 warnings"
    quiet = run_verify("--to", db.uri, *WHOLE, "--quiet", check=1)
    assert len(quiet.stdout.splitlines()) == sum(expected.values())


def test_findings_beyond_the_limit_are_counted(run_verify, damaged):
    """Of each kind some are named: many of one do not hide another."""
    db, expected = damaged(SQLITE, "latest metrics")
    result = run_verify("--to", db.uri, *WHOLE, "--json", "--max-findings", 1, check=1)
    kinds = Counter(code for code, _ in expected.elements())
    assert len(kinds) > 1 and max(kinds.values()) > 1
    assert Counter(f["code"] for f in result.json["findings"]) == dict.fromkeys(kinds, 1)
    assert result.json["summary"]["errors"] == sum(expected.values())


def test_junit_has_a_case_a_check(run_verify, damaged, tmp_path):
    db, expected = damaged(SQLITE, "latest metrics")
    result = run_verify("--to", db.uri, *WHOLE, "--json", "--junit", tmp_path / "v.xml", "--run", GHOST, check=1)
    suite = ElementTree.parse(tmp_path / "v.xml").getroot()
    cases = {case.get("name"): case for case in suite}
    assert list(cases) == list(result.json["checked"]["checks"])
    assert cases["chosen"].find("failure") is not None and GHOST in cases["chosen"].find("failure").text
    assert cases["orphans"].find("skipped") is not None and len(cases["runs"]) == 0


def test_markdown_is_a_table(run_verify, damaged):
    db, expected = damaged(SQLITE, "latest metrics")
    lines = run_verify("--to", db.uri, *WHOLE, "--md", check=1).stdout.splitlines()
    rows = [re.split(r"(?<!\\) \| ", line.strip("| ")) for line in lines if line.startswith("| error")]
    assert Counter((r[1], r[2]) for r in rows) == expected and all(len(r) == 5 for r in rows)


@pytest.mark.parametrize(
    "args, status, words",
    [
        (["--sample", "200%"], 64, "'200%' is not a share such as 5%"),
        (["--quick", "--full"], 64, "exclude each other"),
        (["--since", "yesterday"], 64, "not a time"),
        (["--stale", "7x"], 64, "not a duration"),
        (["--check", "nothing"], 64, "there are: chosen, schema"),
        (["--to", "sqlite:///nowhere.db"], 66, "nowhere.db"),
        (["--to", "postgresql://127.0.0.1:1/x"], 69, "refused"),
    ],
)
def test_what_cannot_be_done_says_so(run_verify, args, status, words, tmp_path):
    result = run_verify(*args, "--json", cwd=tmp_path, check=status)
    assert words in result.stderr
    assert result.json["ok"] is False and words in result.json["error"]["message"]
    assert list(tmp_path.iterdir()) == []


def test_names_in_a_store_do_nothing_to_a_terminal(run_verify, whole, copy_db):
    db = copy_db(whole(SQLITE)[0])
    db.query("INSERT INTO params (key, value, run_uuid) VALUES ('k', 'v', %s)", ("\x1b[31m\n",))
    assert "rows-orphaned \\x1b[31m\\n:" in run_verify("--to", db.uri, *WHOLE, check=1).stdout


# ---- the program's frame ----


def options():
    text = (programs.ROOT / "tools/mltrack-verify/options.def").read_text()
    return re.findall(r'^MLT_OPT\(\w+, "([\w-]+)"', text, re.M)


def finding_rows():
    text = (programs.ROOT / "src/verify/findings.def").read_text()
    rows = re.findall(r'^MLT_FINDING\(\w+, "([\w-]+)", (\w+), "(.*)"\)$', text, re.M)
    assert len(rows) == text.count("\nMLT_FINDING(")
    return [(code, severity, meaning.replace('\\"', '"')) for code, severity, meaning in rows]


def test_help_manual_and_completions_have_every_option(run_verify):
    help_text = run_verify("--help", check=0).stdout
    assert len(help_text.splitlines()) <= 80  # a page
    assert set(re.findall(r"^ +(?:-\w, )?--([\w-]+)", help_text, re.M)) == set(options())
    manual = run_verify("--man", check=0).stdout
    assert set(re.findall(r"Fl \\-([\w-]+)$", manual, re.M)) >= {"quick", "full"}
    for option in options():
        assert re.search(rf"^\.It .*Fl \\-{option}\b", manual, re.M), option
        for shell in ("bash", "zsh", "fish"):
            script = run_verify("--completion", shell, check=0).stdout
            assert re.search(rf"(--|-l ){option}\b", script), (shell, option)
    for code, severity, meaning in finding_rows():
        shown = manual.split(f".It Cm {code}\n")[1].split(".It ")[0].split(".El")[0]
        assert f"{severity}: {meaning}." == " ".join(shown.split()).replace("\\-", "-").replace("\\&", ""), code


def test_readme_has_every_finding_and_option():
    readme = (programs.ROOT / "README.md").read_text()
    for code, severity, meaning in finding_rows():
        assert f"| `{code}` | {severity.lower()} | {meaning} |" in readme, code
    section = readme.split("\n## Verifying a store\n")[1].split("\n## ")[0]
    common = {"help", "version", "man", "completion", "color", "log-format", "no-progress", "verbose", "jobs"}
    for option in set(options()) - common:
        assert f"--{option}" in section, option
