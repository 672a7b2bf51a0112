"""mltrack-bulk export: what comes out is all of the store, in an order that can be compared."""

import gzip
import json
import math
import os
import resource
import signal
import sqlite3
import struct
import subprocess

import pytest

from databases import SqliteDatabase, rows_by_table
from programs import MLFLOW_HEADS, ORACLE, clean_env
from summaries import notes
from test_import_database import full_databases  # noqa: F401

DATA, CANNOT_CREATE, IO, BROKEN_PIPE = 65, 73, 74, 141
KINDS = ["sqlite", "postgres"]
HEAD = MLFLOW_HEADS[ORACLE]
RUN = "0123456789abcdef0123456789abcdef"

# What is another one in another database, by rule.
PLACES = {"experiment_id", "artifact_location", "artifact_uri", "storage_location", "source"}


def export(run_bulk, source, *options, check=0):
    """The lines of a store, and what was said about them."""
    result = run_bulk("export", getattr(source, "owner_uri", source), "--json", *options, check=check)
    return result.stdout.splitlines(keepends=True), json.loads(result.stderr)


def without(lines, fields):
    return [{k: v for k, v in json.loads(line).items() if k not in fields} for line in lines]


# ---- order ----


def test_two_databases_with_the_same_store_give_the_same_lines(run_bulk, full_databases, new_db):  # noqa: F811
    source = full_databases(ORACLE, "sqlite")
    lines = {}
    for kind in KINDS:
        target = new_db(kind, HEAD)
        run_bulk("import", source.uri, "--to", target.uri, check=0)
        lines[kind], _ = export(run_bulk, target)
    assert without(lines["sqlite"], PLACES) == without(lines["postgres"], PLACES)
    assert lines["sqlite"] == export(run_bulk, source)[0]


def test_rows_in_any_order_give_the_same_lines(run_bulk, full_databases, new_sqlite_db):  # noqa: F811
    """What a table's rows were written after each other in is nothing of the store's."""
    source = full_databases(ORACLE, "sqlite")
    turned = new_sqlite_db(HEAD)
    run_bulk("import", source.uri, "--to", turned.uri, check=0)
    connection = sqlite3.connect(turned.path)
    connection.execute("PRAGMA foreign_keys = OFF")
    for table in ("runs", "params", "tags", "metrics", "inputs", "input_tags", "registered_models", "logged_models"):
        connection.execute(f"CREATE TEMP TABLE kept AS SELECT * FROM {table}")
        connection.execute(f"DELETE FROM {table}")
        connection.execute(f"INSERT INTO {table} SELECT * FROM kept ORDER BY rowid DESC")
        connection.execute("DROP TABLE kept")
    connection.execute("UPDATE input_tags SET input_uuid = 'z' || input_uuid WHERE substr(input_uuid, 1, 1) < '8'")
    connection.execute("UPDATE inputs SET input_uuid = 'z' || input_uuid WHERE substr(input_uuid, 1, 1) < '8'")
    connection.commit()
    connection.close()
    assert export(run_bulk, turned)[0] == export(run_bulk, source)[0]


# ---- hostile data ----

TEXTS = [
    'quotes " and \\ and /',
    "line\nend\r\ttab",
    "\x01\x1f\x7f",
    "\u2028\u2029",
    "\U0001f600 e\u0301 \ufeff",
    "{\"type\":\"end\"}",
    "",
]
SMALLEST, LARGEST = 5e-324, 1.7976931348623157e308
VALUES = [0.1, -0.0, 0.0, 1 / 3, SMALLEST, -SMALLEST, 2.2250738585072014e-308, LARGEST, -LARGEST, 1e22, 123456789.0]
INTEGERS = [0, -(2**63), 2**63 - 1, -1, 1760000000000]


@pytest.fixture
def hostile(new_sqlite_db):
    db = new_sqlite_db(HEAD)
    db.query("INSERT INTO experiments (experiment_id, name, lifecycle_stage) VALUES (7, %s, 'active')", (TEXTS[0],))
    db.query(
        "INSERT INTO runs (run_uuid, name, status, user_id, start_time, lifecycle_stage, experiment_id, source_type)"
        " VALUES (%s, %s, 'RUNNING', '', 1, 'active', 7, 'LOCAL')",
        (RUN, TEXTS[1]),
    )
    for n, text in enumerate(TEXTS):
        db.query("INSERT INTO params (key, value, run_uuid) VALUES (%s, %s, %s)", (f"p{n}", text, RUN))
        db.query("INSERT INTO tags (key, value, run_uuid) VALUES (%s, %s, %s)", (f"t{n} {text}", text, RUN))
    db.query("INSERT INTO tags (key, value, run_uuid) VALUES ('none', NULL, %s)", (RUN,))
    for n, value in enumerate(VALUES):
        add_point(db, "values", value, 1, n)
    for n, integer in enumerate(INTEGERS):
        add_point(db, f"i{n}", 1.5, integer, integer)
    add_point(db, "nan", 0.0, 1, 1, is_nan=1)
    return db


def add_point(db, key, value, timestamp, step, is_nan=0):
    point = (key, value, timestamp, step, is_nan, RUN)
    db.query("INSERT INTO metrics (key, value, timestamp, step, is_nan, run_uuid) VALUES (%s, %s, %s, %s, %s, %s)", point)
    db.query("DELETE FROM latest_metrics WHERE key = %s", (key,))
    db.query(
        "INSERT INTO latest_metrics (key, value, timestamp, step, is_nan, run_uuid) VALUES (%s, %s, %s, %s, %s, %s)",
        point,
    )


def bits(value):
    return struct.pack("<d", value)


def test_hostile_text_and_extreme_numbers(run_bulk, hostile, new_db):
    result = run_bulk("export", hostile.uri, "-q", check=0)
    lines = [json.loads(line) for line in result.stdout.split("\n")[:-1]]
    assert lines[0] == {"type": "mltrack", "version": 1, "complete": True}
    assert {line["name"] for line in lines if line["type"] == "run"} == {TEXTS[1]}
    params = {line["key"]: line["value"] for line in lines if line["type"] == "param"}
    assert params == {f"p{n}": text for n, text in enumerate(TEXTS)}
    tags = {line["key"]: line.get("value") for line in lines if line["type"] == "tag"}
    assert tags == {f"t{n} {text}": text for n, text in enumerate(TEXTS)} | {"none": None}
    points = {line["key"]: line for line in lines if line["type"] == "points"}
    found = dict(zip(points["values"]["step"], points["values"]["value"], strict=True))
    # SQLite does not keep the sign of -0.0
    assert [bits(found[n]) for n in range(len(VALUES))] == [bits(0.0 if v == 0 else v) for v in VALUES]
    assert [points[f"i{n}"]["step"] for n in range(len(INTEGERS))] == [[n] for n in INTEGERS]
    assert [points[f"i{n}"]["timestamp"] for n in range(len(INTEGERS))] == [[n] for n in INTEGERS]
    assert points["nan"]["value"] == ["NaN"]


def test_what_cannot_be_written_is_rejected(run_bulk, hostile, tmp_path):
    connection = sqlite3.connect(hostile.path)
    connection.execute("INSERT INTO params (key, value, run_uuid) VALUES ('bad', CAST(x'ff' AS TEXT), ?)", (RUN,))
    connection.execute("UPDATE runs SET name = CAST(x'6100' AS TEXT) || char(0) || 'b' WHERE 0")
    connection.commit()
    connection.close()
    out = tmp_path / "out.jsonl"
    stopped = run_bulk("export", hostile.path, "-o", out, check=DATA)
    assert "UTF-8" in stopped.stderr and not out.exists()

    rejects = tmp_path / "rejects.jsonl"
    done = run_bulk("export", hostile.path, "-o", out, "--on-error", "skip", "--rejects", rejects, "--json", check=2)
    assert done.json["status"] == "rejected" and done.json["rejects"] == 1
    assert done.json["tables"]["params"] == {"read": 8, "written": 7, "rejected": 1}
    (note,) = notes(done.json, "reject")
    assert (note["table"], note["code"], note["field"]) == ("params", "bad-utf8", "bad")
    assert json.loads(rejects.read_text()) == note
    assert '"bad"' not in out.read_text()


def test_a_run_that_cannot_be_written_takes_its_rows_with_it(run_bulk, hostile):
    hostile.query("UPDATE runs SET name = 'a' || char(0) || 'b'")
    lines, said = export(run_bulk, hostile, "--on-error", "skip", check=2)
    assert [json.loads(line)["type"] for line in lines] == ["mltrack", "experiment"]
    rows = rows_by_table(hostile)
    assert {t: said["tables"][t]["rejected"] for t in ("runs", "params", "tags", "metrics")} == {
        t: rows[t] for t in ("runs", "params", "tags", "metrics")
    }
    assert notes(said, "reject")[0]["code"] == "nul-byte"


def test_an_end_to_patience(run_bulk, hostile):
    connection = sqlite3.connect(hostile.path)
    connection.execute("UPDATE params SET value = CAST(x'ff' AS TEXT)")
    connection.commit()
    connection.close()
    stopped = run_bulk("export", hostile.path, "--on-error", "skip", "--max-errors", "3", check=DATA)
    assert "--max-errors" in stopped.stderr


# ---- where it goes ----


@pytest.fixture
def lines(run_bulk, hostile):
    return run_bulk("export", hostile.path, "-q", check=0).stdout


def test_lines_and_talk_do_not_mix(run_bulk, hostile, lines, tmp_path):
    to_stdout = run_bulk("export", hostile.path, check=0)
    assert to_stdout.stdout == lines
    assert "to standard output" in to_stdout.stderr and "rows written" in to_stdout.stderr
    out = tmp_path / "o.jsonl"
    to_file = run_bulk("export", hostile.path, "-o", out, check=0)
    assert out.read_bytes().decode() == lines
    assert f"to {out}" in to_file.stdout and to_file.stderr == ""
    assert run_bulk("export", hostile.path, "-o", out, "--force", "-q", check=0).stdout == ""


def test_the_database_in_force_is_the_default(run_bulk, hostile, lines, tmp_path):
    assert run_bulk("export", "-q", env={"MLTRACK_STORE_URI": hostile.uri}, check=0).stdout == lines
    assert run_bulk("export", "-q", cwd=hostile.path.parent, check=0).stdout == lines
    missing = run_bulk("export", cwd=tmp_path, check=66)
    assert "mlflow.db" in missing.stderr


def test_the_name_of_the_file_says_how_it_is_compressed(run_bulk, hostile, lines, tmp_path):
    run_bulk("export", hostile.path, "-o", tmp_path / "a.jsonl.gz", check=0)
    assert gzip.decompress((tmp_path / "a.jsonl.gz").read_bytes()).decode() == lines
    run_bulk("export", hostile.path, "-o", tmp_path / "a.jsonl.zst", check=0)
    done = subprocess.run(["zstd", "-dc", tmp_path / "a.jsonl.zst"], capture_output=True, check=True)
    assert done.stdout.decode() == lines
    first = (tmp_path / "a.jsonl.gz").read_bytes()
    run_bulk("export", hostile.path, "-o", tmp_path / "a.jsonl.gz", "--force", check=0)
    assert (tmp_path / "a.jsonl.gz").read_bytes() == first  # no time in it


def test_nothing_is_replaced_unasked(run_bulk, hostile, lines, tmp_path):
    out = tmp_path / "o.jsonl"
    out.write_text("mine")
    refused = run_bulk("export", hostile.path, "-o", out, check=CANNOT_CREATE)
    assert "--force" in refused.stderr and out.read_text() == "mine"
    run_bulk("export", hostile.path, "-o", out, "--force", check=0)
    assert out.read_bytes().decode() == lines
    assert "folder" in run_bulk("export", hostile.path, "-o", tmp_path, "--force", check=CANNOT_CREATE).stderr
    run_bulk("export", hostile.path, "-o", tmp_path / "no" / "o.jsonl", check=CANNOT_CREATE)
    assert sorted(os.listdir(tmp_path)) == ["o.jsonl"]


def start(bulk, home, *args, **options):
    return subprocess.Popen([bulk, "export", *map(str, args)], env=clean_env(home), stderr=subprocess.PIPE, **options)


@pytest.fixture(scope="session")
def large(tmp_path_factory, bulk):
    """400,000 points."""
    folder = tmp_path_factory.mktemp("large")
    with (folder / "metrics.csv").open("w") as table:
        table.write("step,timestamp," + ",".join(f"m{i}" for i in range(20)) + "\n")
        for step in range(20000):
            table.write(f"{step},{1760000000 + step}," + ",".join(str(math.sin(step + i)) for i in range(20)) + "\n")
    return folder


def test_a_reader_that_goes_away_ends_it_quietly(bulk, large, tmp_path):
    process = start(bulk, tmp_path, large, stdout=subprocess.PIPE)
    assert json.loads(process.stdout.readline())["type"] == "mltrack"
    process.stdout.close()
    assert (process.wait(60), process.stderr.read()) == (BROKEN_PIPE, b"")


def test_a_full_disk_is_told_with_its_place(run_bulk, bulk, large, tmp_path):
    assert "/dev/full" in run_bulk("export", large, "-o", "/dev/full", check=IO).stderr
    out = tmp_path / "o.jsonl"

    def small():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

    process = start(bulk, tmp_path, large, "-o", out, preexec_fn=small)
    assert process.wait(60) == IO and str(out).encode() in process.stderr.read()
    assert os.listdir(tmp_path) == []


def test_an_interrupted_export_leaves_nothing(bulk, large, tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    process = start(bulk, tmp_path, large, "-o", fifo)
    with open(fifo, "rb") as reader:
        assert reader.readline().startswith(b'{"type":"mltrack"')
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    assert b"interrupted" in process.stderr.read()

    out = tmp_path / "o.jsonl"
    process = start(bulk, tmp_path, large, "-o", out)
    while not (hidden := [p for p in os.listdir(tmp_path) if p.endswith(".mltrack")]) and process.poll() is None:
        pass
    assert hidden
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 143
    assert os.listdir(tmp_path) == ["fifo"]


def test_other_sources_are_written_too(run_bulk, large, tmp_path):
    lines, said = export(run_bulk, large, "--experiment", "e", "--run", "r")
    records = without(lines, ())
    assert [r["name"] for r in records if r["type"] == "experiment"] == ["e"]
    assert [r["name"] for r in records if r["type"] == "run"] == ["r"]
    assert said["tables"]["metrics"]["written"] == 400000
    assert sum(len(r["step"]) for r in records if r["type"] == "points") == 400000


def test_an_export_does_not_change_its_source(run_bulk, hostile):
    before = hostile.path.read_bytes()
    export(run_bulk, SqliteDatabase(hostile.path))
    assert hostile.path.read_bytes() == before
