"""Broken and odd stores: one bad thing never hides the good ones, is named with its path, and is counted."""

import json
import os

import pytest

from databases import SqliteDatabase
from equality import assert_equal_stores
from mlflow_tools import migrate_filestores
from programs import MLFLOW_HEADS, ORACLE
from stores.filestore import T0, FileStore, run_id, small_store, write
from summaries import check_summary, counts, notes

HEAD = MLFLOW_HEADS[ORACLE]
SOUND = "234567890123456789"
BAD = run_id(0xBAD)
SOUND_RUNS = {run_id(1), run_id(2), run_id(3)}
NOTHING = {}
NAMELESS = "experiment without a name"
SECRET = "not for the database"


class Defect:
    """`number`: in the project's catalogue of bad inputs. `says`: how the message ends. `make(store)` adds it to a small
    store and returns the path that the program must name (None: it must not complain). `rejected`: rows of each table
    that are not imported. `run`: whether the run BAD is imported. `note`: the code of what it has to say about a row
    that it imported."""

    def __init__(self, number, name, says, make, rejected, run=True, kinds=("sqlite", "postgres"), note=None):
        self.number, self.name, self.says, self.make, self.rejected, self.run = number, name, says, make, rejected, run
        self.kinds, self.note = kinds, note


def bad_run(**parts):
    """A sound run but for `parts`; sets nothing wrong by itself."""
    fields = {"params": {"p": "1"}, "metrics": {"m": f"{T0} 1.0 0\n"}, "tags": {"t": "v"}} | parts
    return lambda store: store.run(SOUND, BAD, **fields)


def with_meta(content):
    def make(store):
        folder = bad_run()(store)
        write(folder / "meta.yaml", content)
        return f"{SOUND}/{BAD}/meta.yaml"

    return make


def meta_of(**fields):
    def make(store):
        bad_run(**fields)(store)
        return f"{SOUND}/{BAD}/meta.yaml"

    return make


def meta_missing(store):
    (bad_run()(store) / "meta.yaml").unlink()
    return f"{SOUND}/{BAD}"


def meta_is_a_folder(store):
    path = bad_run()(store) / "meta.yaml"
    path.unlink()
    path.mkdir()
    return f"{SOUND}/{BAD}/meta.yaml"


def meta_in_utf16(store):
    path = bad_run()(store) / "meta.yaml"
    path.write_bytes(path.read_text().encode("utf-16"))
    return f"{SOUND}/{BAD}/meta.yaml"


def meta_with_bom(store):
    path = bad_run()(store) / "meta.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())


def meta_with_windows_ends(store):
    path = bad_run()(store) / "meta.yaml"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))


def metric(content):
    def make(store):
        bad_run(metrics={"m": content})(store)
        return f"{SOUND}/{BAD}/metrics/m"

    return make


def fine_metric(content):
    def make(store):
        bad_run(metrics={"m": content})(store)

    return make


def param(key, value, kind="params"):
    def make(store):
        folder = bad_run()(store)
        path = os.fsencode(folder / kind) + b"/" + os.fsencode(key)
        with open(path, "wb") as f:
            f.write(value if isinstance(value, bytes) else value.encode())
        return f"{SOUND}/{BAD}/{kind}"

    return make


def fine(make):
    def quiet(store):
        make(store)

    return quiet


def without(*folders):
    def make(store):
        folder = bad_run(params=None, tags=None, metrics=None)(store)
        for name in folders:
            (folder / name).rmdir()

    return make


def stray_files(store):
    folder = bad_run()(store)
    for place in (store.root, store.root / SOUND, folder):
        for name in (".DS_Store", "Thumbs.db", "notes.txt", "meta.yaml~"):
            write(place / name, b"\x00stray")
    for name in ("empty", ".git", "lost+found", "mlartifacts"):
        (store.root / name).mkdir()
    write(folder / "artifacts/model/meta.yaml", "not: ours\n")


def symlink(target, at):
    def make(store):
        folder = bad_run()(store)
        path = folder / at
        path.parent.mkdir(parents=True, exist_ok=True)
        os.symlink(target(store) if callable(target) else target, path)
        return f"{SOUND}/{BAD}/{at}"

    return make


def outside_file(store):
    outside = store.root.parent / "outside.txt"
    outside.write_text(SECRET)
    return outside


def outside_run(store):
    """A whole run folder outside of the store, linked into it."""
    elsewhere = FileStore(store.root.parent / "elsewhere")
    folder = elsewhere.run(SOUND, BAD, params={"p": SECRET})
    os.symlink(folder, store.root / SOUND / BAD)
    return f"{SOUND}/{BAD}"


def fifo(store):
    os.mkfifo(bad_run()(store) / "params" / "pipe")


def experiment_without_meta(store):
    store.run("345678901234567890", BAD, params={"p": "1"})
    return "345678901234567890"


def experiment_named(name):
    def make(store):
        store.experiment("345678901234567890", name)
        store.run("345678901234567890", BAD)
        return "345678901234567890/meta.yaml"

    return make


def same_name_twice(store):
    store.experiment("345678901234567890", "sound")
    store.run("345678901234567890", BAD)
    return "345678901234567890"


def run_twice(store):
    bad_run()(store)
    store.experiment("345678901234567890", "second home")
    store.run("345678901234567890", BAD, params={"p": "other"})
    return f"345678901234567890/{BAD}"


WHOLE_RUN = {"runs": 1}

DEFECTS = [
    Defect("B20", "meta.yaml is missing", "bad/meta.yaml: the folder has no meta.yaml", meta_missing, WHOLE_RUN, run=False),
    Defect("B20", "meta.yaml is empty", "bad/meta.yaml: meta.yaml cannot be read: it is empty", with_meta(""), WHOLE_RUN, run=False),
    Defect("B20", "meta.yaml is not YAML", "bad/meta.yaml: meta.yaml cannot be read: line 2: not YAML: did not find expected ',' or ']'",
           with_meta("a: [1, 2\nb: }{\n"), WHOLE_RUN, run=False),
    Defect("B20", "meta.yaml is a list", "bad/meta.yaml: meta.yaml cannot be read: line 1: a list where a map of fields is expected",
           with_meta("- a\n- b\n"), WHOLE_RUN, run=False),
    Defect("B20", "meta.yaml is a word", "bad/meta.yaml: meta.yaml cannot be read: line 1: not a map of fields (\"key: value\" lines)",
           with_meta("word"), WHOLE_RUN, run=False),
    Defect("B20", "meta.yaml is binary", "bad/meta.yaml: meta.yaml cannot be read: it is not UTF-8 text (byte 128)",
           with_meta(bytes(range(256)) * 20), WHOLE_RUN, run=False),
    Defect("B02", "meta.yaml is cut off", "bad/meta.yaml: meta.yaml cannot be read: line 3: not YAML: could not find expected ':'",
           with_meta("artifact_uri: /a\nend_ti"), WHOLE_RUN, run=False),
    Defect("B04", "meta.yaml is in UTF-16", "bad/meta.yaml: meta.yaml cannot be read: it is not UTF-8 text (byte 0)",
           meta_in_utf16, WHOLE_RUN, run=False),
    Defect("B01", "meta.yaml has a byte order mark", "", meta_with_bom, NOTHING),
    Defect("B01", "meta.yaml has Windows line ends", "", meta_with_windows_ends, NOTHING),
    Defect("B20", "meta.yaml is a folder", "bad/meta.yaml: cannot be read: it is a folder, not a file",
           meta_is_a_folder, WHOLE_RUN, run=False),
    Defect("B12", "meta.yaml nests without end", "bad/meta.yaml: meta.yaml cannot be read: line 1: nested too deep",
           with_meta("a: " + "[" * 100000), WHOLE_RUN, run=False),
    Defect(
        "B14", "meta.yaml has a billion laughs", "bad/meta.yaml: meta.yaml cannot be read: line 1: an anchor or alias (\"&\", \"*\"), which a meta.yaml cannot hold",
        with_meta(
            "a: &a [x, x]\n"
            + "".join(f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(20))
        ),
        WHOLE_RUN,
        run=False,
    ),
    Defect("B20", "status is unknown", "bad/meta.yaml: field status is '77', which is no status of a run",
           meta_of(status=77), WHOLE_RUN, run=False),
    Defect("B20", "status is a word", "bad/meta.yaml: field status is 'nonsense', which is no status of a run",
           meta_of(status="nonsense"), WHOLE_RUN, run=False),
    Defect("B18", "start_time is text", "bad/meta.yaml: field start_time is text (yesterday), not a whole number of 64 bits",
           meta_of(start_time="yesterday"), WHOLE_RUN, run=False),
    Defect("B20", "lifecycle_stage is unknown", "bad/meta.yaml: field lifecycle_stage is 'lost', not active or deleted",
           meta_of(lifecycle_stage="lost"), WHOLE_RUN, run=False),
    Defect("B20", "folders are missing", "",
           without("params", "metrics", "artifacts", "tags"), NOTHING, note="missing-folder"),
    Defect("B20", "metric line of one field", "bad/metrics/m:2: the line has 1 field where \"timestamp value step\" is expected",
           metric(f"{T0} 1.0 0\n{T0}\n"), {"metrics": 1}),
    Defect("B20", "metric line of four fields", "", fine_metric(f"{T0} 1.0 0\n{T0} 2.0 1 x\n"), NOTHING),
    Defect("B20", "metric line of six fields", "", fine_metric(f"{T0} 1.0 0\n{T0} 2.0 1 a b c\n"), NOTHING),
    Defect("B20", "metric line of text", "bad/metrics/m:2: timestamp 'not' is not a whole number of 64 bits",
           metric(f"{T0} 1.0 0\nnot a metric\n"), {"metrics": 1}),
    Defect("B09", "metric value is text", "bad/metrics/m:2: value 'one' is not a number",
           metric(f"{T0} 1.0 0\n{T0} one 0\n"), {"metrics": 1}),
    Defect("B09", "metric value with a decimal comma", "bad/metrics/m:2: value '1,5' is not a number",
           metric(f"{T0} 1.0 0\n{T0} 1,5 0\n"), {"metrics": 1}),
    Defect("B09", "metric value is hexadecimal", "bad/metrics/m:2: value '0x10' is not a number",
           metric(f"{T0} 1.0 0\n{T0} 0x10 0\n"), {"metrics": 1}),
    Defect("B09", "metric step is no integer", "bad/metrics/m:2: step '1.5' is not a whole number of 64 bits",
           metric(f"{T0} 1.0 0\n{T0} 1.0 1.5\n"), {"metrics": 1}),
    Defect("B09", "metric step beyond 64 bits", "bad/metrics/m:2: step '9223372036854775808' is not a whole number of 64 bits",
           metric(f"{T0} 1.0 0\n{T0} 1.0 {2**63}\n"), {"metrics": 1}),
    Defect("B09", "metric time beyond 64 bits", "bad/metrics/m:2: timestamp '1000000000000000000000000000000' is not a whole number of 64 bits",
           metric(f"{T0} 1.0 0\n{10**30} 1.0 1\n"), {"metrics": 1}),
    Defect("B04", "metric file of invalid UTF-8", "bad/metrics/m:2: timestamp '??' is not a whole number of 64 bits",
           metric(f"{T0} 1.0 0\n".encode() + b"\xff\xfe 1 2\n"), {"metrics": 1}),
    Defect("B03", "metric file of NUL bytes", "bad/metrics/m:2: the line has 1 field where \"timestamp value step\" is expected",
           metric(f"{T0} 1.0 0\n".encode() + b"\0" * 4096), {"metrics": 1}),
    Defect("B20", "blank line among the metrics", "bad/metrics/m:2: the line is empty, though others follow",
           metric(f"{T0} 1.0 0\n\n{T0} 2.0 1\n"), {"metrics": 1}),
    Defect("B02", "metric line cut off at the end", "", fine_metric(f"{T0} 1.0 0\n{T0} 2.0 1"), NOTHING),
    Defect("B01", "Windows line ends in metrics", "", fine_metric(f"{T0} 1.0 0\r\n{T0} 2.0 1\r\n"), NOTHING),
    Defect("B20", "blanks after metrics", "", fine_metric(f"{T0} 1.0 0  \n  {T0} 2.0 1\t\n"), NOTHING),
    Defect("B09", "metric value beyond a double", "", fine_metric(f"{T0} 1e400 0\n{T0} -1e400 1\n"), NOTHING),
    Defect("B04", "param value of invalid UTF-8", "bad/params/q: its value is not valid UTF-8", param("q", b"caf\xe9"), {"params": 1}),
    Defect("B03", "param value with a NUL", "bad/params/q: its value contains a NUL byte", param("q", b"a\0b"), {"params": 1}),
    Defect("B04", "param value of an UTF-16 surrogate", "bad/params/q: its value is not valid UTF-8",
           param("q", b"\xed\xa0\x80"), {"params": 1}),
    Defect("B04", "param name of invalid UTF-8", "bad/params/caf\\xe9: its key is not valid UTF-8", param(b"caf\xe9", "1"), {"params": 1}),
    Defect("B04", "tag value of invalid UTF-8", "bad/tags/q: its value is not valid UTF-8", param("q", b"\xff", "tags"), {"tags": 1}),
    Defect("B06", "param name with a newline", "", fine(param("a\nb", "1")), NOTHING, note="odd-key"),
    Defect("B06", "param name of 250 characters", "", fine(param("k" * 250, "1")), NOTHING),
    Defect("B06", "param name of 251 characters", "its key has 251 characters",
           param("k" * 251, "1"), {"params": 1}, kinds=("postgres",)),
    Defect(
        "B06", "param name of 251 characters, where it fits", "",
        fine(param("k" * 251, "1")),
        NOTHING,
        kinds=("sqlite",),
        note="odd-key",
    ),
    Defect("B06", "param name MLflow forbids", "", fine(param("a=b", "1")), NOTHING, note="odd-key"),
    Defect("B20", "stray files", "", stray_files, NOTHING),
    Defect("B23", "symlink to a file outside", "bad/params/q: cannot be read: it is a symbolic link that leads out of the store, or an absolute one",
           symlink(outside_file, "params/q"), {"params": 1}),
    Defect("B23", "symlink to nowhere", "bad/params/q: cannot be read: it is a symbolic link that leads out of the store, or an absolute one",
           symlink("/nonexistent/x", "params/q"), {"params": 1}),
    Defect("B23", "symlink to itself", "bad/params/q: cannot be read: it is a symbolic link that leads back to itself",
           symlink("q", "params/q"), {"params": 1}),
    Defect("B23", "symlink to the folder above", "", fine(symlink("..", "params/q")), NOTHING),
    Defect("B23", "run folder is a symlink to outside", "bad: cannot be read: it is a symbolic link that leads out of the store, or an absolute one",
           outside_run, WHOLE_RUN, run=False),
    Defect("B23", "pipe among the params", "", fifo, NOTHING),
    Defect("B20", "experiment without meta.yaml", "345678901234567890/meta.yaml: the folder has no meta.yaml",
           experiment_without_meta, {"experiments": 1, "runs": 1}, run=False),
    Defect("B20", NAMELESS, "", fine(experiment_named(None)), NOTHING),
    Defect(
        "B07", "experiment of 300 characters", "its name has 300 characters",
        experiment_named("n" * 300),
        {"experiments": 1, "runs": 1},
        run=False,
        kinds=("postgres",),
    ),
    Defect("B20", "two experiments of one name", "experiments 'sound': experiments 234567890123456789 and 345678901234567890 of the source are both named 'sound'",
           same_name_twice, {"experiments": 1, "runs": 1}, run=False),
    Defect("B20", "one run in two experiments", "bad/meta.yaml: the source holds this run twice; the first was taken",
           run_twice, {"runs": 1, "params": 1}),
    Defect(
        "B08", "run id of 33 characters", "its run_uuid has 33 characters",
        lambda s: (s.run(SOUND, "x" * 33), f"{SOUND}/{'x' * 33}")[1],
        WHOLE_RUN,
        run=False,
        kinds=("postgres",),
    ),
    Defect(
        "B22", "artifact_uri of 201 characters", "its artifact_uri has 201 characters",
        meta_of(artifact_uri="/" + "a" * 200),
        WHOLE_RUN,
        run=False,
        kinds=("postgres",),
    ),
    Defect(
        "B22", "artifact_uri of 201 characters, where it fits", "",
        fine(meta_of(artifact_uri="/" + "a" * 200)),
        NOTHING,
        kinds=("sqlite",),
    ),
    Defect(
        "B07", "param value of 9000 characters", "", fine(param("q", "v" * 9000)), NOTHING, kinds=("postgres",), note="truncated"
    ),
    Defect("B07", "param value of 9000 characters, where it fits", "",
           fine(param("q", "v" * 9000)), NOTHING, kinds=("sqlite",)),
    Defect(
        "B07", "tag value of 9000 characters", "",
        fine(param("q", "\u00e9" * 9000, "tags")),
        NOTHING,
        kinds=("postgres",),
        note="truncated",
    ),
]
CASES = [pytest.param(d, k, id=f"{d.name}-{k}") for d in DEFECTS for k in d.kinds]


def imported_runs(db):
    return {r for (r,) in db.query("SELECT run_uuid FROM runs")}


@pytest.mark.parametrize("defect, kind", CASES)
def test_a_defect_costs_only_itself(run_bulk, new_db, tmp_path, defect, kind):
    store = small_store(tmp_path / "mlruns")
    path = defect.make(store)
    db = new_db(kind, HEAD)
    rejects = tmp_path / "rejects.jsonl"
    result = run_bulk("import", store.root, "--to", db.uri, "--on-error", "skip", "--rejects", rejects, "--json")
    assert result.returncode == (2 if path else 0), result.explain()
    summary = check_summary(result, db=db)
    assert imported_runs(db) == SOUND_RUNS | ({BAD} if defect.run else set())
    rejected = counts(summary, "rejected")
    assert {t: rejected.get(t) for t in defect.rejected} == defect.rejected, result.explain()
    if not path:
        assert rejected == {}, result.explain()
    assert summary["changed"] == ({defect.note: 1} if defect.note else {}), result.explain()
    assert [n["code"] for n in notes(summary, "changed")] == ([defect.note] if defect.note else [])
    named = [json.loads(line) for line in rejects.read_text().splitlines()] if rejects.exists() else []
    named = [n for n in named if n["kind"] in ("reject", "conflict")]
    for table in rejected:  # what belongs to a rejected run is counted with it, not noted row by row
        noted = sum(n["rows"] for n in named if n["table"] == table)
        assert noted == rejected[table] or (noted < rejected[table] and "runs" in rejected and table != "runs")
    assert all(n["code"] and n["reason"] for n in named)
    if path:
        assert any(path in (n["path"] or n["reason"]) for n in named), (path, named)


@pytest.mark.parametrize("defect, kind", [c for c in CASES if c.values[0].rejected and c.values[1] == c.values[0].kinds[0]])
def test_by_default_a_defect_stops_the_import_and_is_named(run_bulk, new_db, tmp_path, defect, kind):
    store = small_store(tmp_path / "mlruns")
    path = defect.make(store)
    db = new_db(kind, HEAD)
    result = run_bulk("import", store.root, "--to", db.uri, check=65)
    assert path in result.stderr and defect.says in result.stderr, result.explain()
    assert "--on-error" in result.stderr, "it says how to go on: " + result.explain()
    assert BAD not in imported_runs(db) or defect.run
    for run in imported_runs(db):  # whole runs or nothing
        if run in SOUND_RUNS:
            assert len(db.query("SELECT 1 FROM metrics WHERE run_uuid = %s", (run,))) == 2


def test_nothing_from_outside_gets_in(run_bulk, new_sqlite_db, tmp_path):
    store = small_store(tmp_path / "mlruns")
    symlink(outside_file, "params/q")(store)
    os.symlink(outside_file(store).parent, store.root / SOUND / run_id(2) / "tags" / "out")
    db = new_sqlite_db(HEAD)
    run_bulk("import", store.root, "--to", db.uri, "--on-error", "skip")
    assert SECRET not in "\n".join(db.dump())


def test_a_long_value_is_cut_to_its_column(run_bulk, new_db, tmp_path):
    store = small_store(tmp_path / "mlruns")
    bad_run(params={"p": "\u00e9" * 9000}, tags={"t": "x" * 9000})(store)
    db = new_db("postgres", HEAD)
    run_bulk("import", store.root, "--to", db.uri, check=0)
    assert db.query("SELECT value FROM params WHERE run_uuid = %s", (BAD,)) == [("\u00e9" * 8000,)]
    assert db.query("SELECT value FROM tags WHERE run_uuid = %s", (BAD,)) == [("x" * 8000,)]


def test_a_long_value_is_rejected_when_cutting_is_switched_off(run_bulk, new_db, tmp_path):
    store = small_store(tmp_path / "mlruns")
    bad_run(params={"p": "v" * 9000})(store)
    db = new_db("postgres", HEAD)
    env = {"MLFLOW_TRUNCATE_LONG_VALUES": "false"}
    result = run_bulk("import", store.root, "--to", db.uri, "--on-error", "skip", "--json", env=env, check=2)
    assert counts(check_summary(result, db=db), "rejected")["params"] == 1


def test_max_errors_ends_a_hopeless_import(run_bulk, new_sqlite_db, tmp_path):
    store = small_store(tmp_path / "mlruns")
    bad_run(params={f"p{i}": b"\xff" for i in range(50)})(store)
    db = new_sqlite_db(HEAD)
    skip = ("import", store.root, "--to", db.uri, "--on-error", "skip", "--json", "--max-errors")
    hopeless = run_bulk(*skip, 49)
    assert hopeless.returncode == 65
    assert "more than 49 rows rejected" in hopeless.stderr
    assert db.query("SELECT count(*) FROM runs") == [(0,)]  # known before anything is written
    assert run_bulk(*skip, 50).returncode == 2


def test_an_unreadable_source_is_said_to_be_one(run_bulk, new_sqlite_db, tmp_path):
    db = new_sqlite_db(HEAD)
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("not a store")
    for source in ("nowhere", "empty", "file"):
        result = run_bulk("import", tmp_path / source, "--to", db.uri)
        assert result.returncode in (65, 66), result.explain()
        assert source in result.stderr, result.explain()
    assert run_bulk("import", tmp_path / "nowhere", "--to", db.uri).returncode == 66


def test_a_database_beside_a_file_store_is_not_passed_over(run_bulk, new_sqlite_db, tmp_path):
    """Neither is taken for both: the user says which."""
    store = small_store(tmp_path / "mlruns")
    db = SqliteDatabase(tmp_path / "mlflow.db").load_head(HEAD)
    refused = run_bulk("import", tmp_path, "--to", new_sqlite_db(HEAD).uri, check=64)
    assert "holds both a database and a file store" in refused.stderr
    assert f"import '{db.path}', or, for the file store, say --format filestore" in refused.stderr
    for source, runs in ((["--format", "filestore", tmp_path], 3), ([store.root], 3), ([db.path], 0)):
        target = new_sqlite_db(HEAD)
        run_bulk("import", *source, "--to", target.uri, check=0)
        assert len(imported_runs(target)) == runs


def test_empty_experiments_and_runs_are_imported(run_bulk, target, tmp_path):
    store = FileStore(tmp_path / "mlruns")
    store.experiment("0", "Default")
    store.experiment("123456789012345678", "empty")
    store.run("0", run_id(7))
    summary = check_summary(run_bulk("import", store.root, "--to", target.uri, "--json", check=0), db=target)
    assert counts(summary, "inserted") == {"experiments": 2, "runs": 1}


def test_output_survives_hostile_names(run_bulk, new_sqlite_db, tmp_path):
    """Names go to terminals and JSON: control characters may not act there."""
    store = small_store(tmp_path / "mlruns")
    param("\x1b[2J\r\x07bad", b"\xff")(store)
    db = new_sqlite_db(HEAD)
    result = run_bulk("import", store.root, "--to", db.uri, "--on-error", "skip", check=2)
    assert "\x1b" not in result.stderr and "\x07" not in result.stderr
    result = run_bulk("import", store.root, "--to", db.uri, "--on-error", "skip", "--json", check=2)
    assert "\x1b" not in result.stdout
    assert [n["code"] for n in result.json["notes"]] == ["bad-utf8"]


ODD_BUT_SOUND = [d for d in DEFECTS if not d.rejected and "sqlite" in d.kinds and d.name != NAMELESS]


def test_odd_but_sound_runs_are_those_of_migrate_filestore(run_bulk, new_sqlite_db, tmp_path):
    store = small_store(tmp_path / "mlruns")
    for n, odd in enumerate(ODD_BUT_SOUND):
        alone = small_store(tmp_path / f"alone-{n}" / "mlruns")
        odd.make(alone)
        folder = store.root / SOUND / run_id(0x100 + n)
        (alone.root / SOUND / BAD).rename(folder)
        meta = folder / "meta.yaml"
        meta.write_bytes(meta.read_bytes().replace(BAD.encode(), folder.name.encode()))
    assert len(ODD_BUT_SOUND) > 8
    oracle, ours = new_sqlite_db(), new_sqlite_db(HEAD)
    assert migrate_filestores([(store.root, oracle)]) == [None]
    check_summary(run_bulk("import", store.root, "--to", ours.uri, "--json", check=0), db=ours)
    assert len(imported_runs(ours)) == 3 + len(ODD_BUT_SOUND)
    assert_equal_stores(oracle, ours)
