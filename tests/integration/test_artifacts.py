"""`import --artifacts`: files go where the database's MLflow looks for them, and every URI with them. MLflow's own client
reads them back."""

import hashlib
import json
import os
import shutil
import signal
import stat
import subprocess
import time
from pathlib import Path

import pytest

from browser import Browser
from conftest import corpus_stores
from databases import SqliteDatabase
from mlflow_server import MlflowServer
from mlflow_tools import STORES
from programs import MLFLOW_HEADS, ORACLE, clean_env, mlflow_run
from shared import made_once

OLDER = "2.22.5"
USAGE, DATA, REJECTED, IO = 64, 65, 2, 74


def digests(folder):
    folder = Path(folder)
    files = (p for p in sorted(folder.rglob("*")) if p.is_file() and not p.is_symlink())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def artifacts_of(mlruns):
    """{run id: {path: sha256}} of a file store, read without MLflow."""
    metas = [m for m in mlruns.rglob("meta.yaml") if len(m.parent.name) == 32 and "artifacts" not in m.parts]
    return {m.parent.name: digests(m.parent / "artifacts") for m in metas}


def download(version, *stores):
    return mlflow_run(version, STORES / "download_artifacts.py", json.dumps(stores))


def store_uri(db):
    return db.uri if db.kind == "sqlite" else db.psycopg2


def places(db):
    """Every URI of artifacts that the database holds."""
    found = []
    for table, column in (
        ("experiments", "artifact_location"),
        ("runs", "artifact_uri"),
        ("logged_models", "artifact_location"),
        ("model_versions", "source"),
        ("model_versions", "storage_location"),
    ):
        found += [(table, uri) for (uri,) in db.query(f"SELECT {column} FROM {table}") if uri]
    return sorted(found)


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """made(kind, version=ORACLE) -> (folder with a store that MLflow made, what is in it); only to be read"""

    def make(kind, version=ORACLE):
        script = STORES / "make_artifact_store.py"
        name = f"artifacts-{kind}-{version}"
        return made_once(tmp_path_factory, name, lambda folder: mlflow_run(version, script, folder, kind))

    return make


@pytest.fixture
def store(made, tmp_path):
    """A copy of the file store, whose URIs point to where it was made."""
    folder, about = made("filestore")
    shutil.copytree(folder / "mlruns", tmp_path / "elsewhere" / "mlruns")
    return tmp_path / "elsewhere" / "mlruns", about


# ---- everything comes back ----


@pytest.mark.parametrize("version", [ORACLE, OLDER])
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_the_client_downloads_every_file_of_the_corpus(run_bulk, corpus, new_db, tmp_path, version, kind):
    """Stores whose URIs point to other people's disks."""
    stores = [path for _, path in corpus_stores("filestore")]
    wanted, expected = [], []
    for n, mlruns in enumerate(stores):
        db = new_db(kind, MLFLOW_HEADS[version])
        arguments = ["--to", db.uri, "--artifacts", "copy", "--artifact-root", tmp_path / f"root {n}"]
        result = run_bulk("import", mlruns, *arguments, "--json", "--on-error", "skip").json
        assert result["artifacts"]["missing"] == result["artifacts"]["faults"] == 0
        wanted.append({"uri": store_uri(db), "models": False})
        expected.append(artifacts_of(mlruns))
        there = {uri for _, uri in places(db)} if kind == "sqlite" and version == ORACLE else set()
        assert all(str(tmp_path) in uri or uri.startswith(("runs:", "models:")) for uri in there)
    found = [store["runs"] for store in download(version, *wanted)]
    assert sum(len(files) for runs in expected for files in runs.values()) > 100
    for runs, files in zip(found, expected, strict=True):
        assert runs == {run: files.get(run, {}) for run in runs}
        assert sum(map(len, runs.values())) == sum(map(len, files.values()))


def expected_of(mlruns, about):
    """What the store made by MLflow holds."""
    runs = artifacts_of(mlruns)
    full = runs[about["runs"][0]]
    deep = {path.removeprefix("deep/"): sha for path, sha in full.items() if path.startswith("deep/")}
    versions = {f"served/{n + 1}": deep for n in range(2 + 2 * len(about["models"]))}
    return {"runs": runs, "models": {model: deep for model in about["models"]}, "versions": versions}


def test_models_and_their_versions_follow(run_bulk, store, target, tmp_path):
    mlruns, about = store
    expected = expected_of(mlruns, about)
    arguments = ["--to", target.uri, "--artifacts", "copy", "--artifact-root", tmp_path / "root"]
    summary = run_bulk("import", mlruns, *arguments, "--json", check=0).json["artifacts"]
    assert (summary["files"], summary["missing"], summary["faults"]) == (7, 0, 0)
    for _, uri in places(target):
        assert uri.startswith((f"{tmp_path}/root/", "runs:/", "models:/")), uri
    shutil.rmtree(mlruns.parent)
    assert download(ORACLE, {"uri": store_uri(target), "models": True}) == [expected]


def test_a_server_serves_what_was_placed_in_its_destination(run_bulk, store, new_pg_db, tmp_path):
    mlruns, about = store
    expected = expected_of(mlruns, about)
    db = new_pg_db(MLFLOW_HEADS[ORACLE])
    served = tmp_path / "served"
    run_bulk("import", mlruns, "--to", db.uri, "--artifacts", "copy", check=USAGE)
    arguments = ["--to", db.uri, "--artifacts", "copy", "--artifacts-destination", served]
    run_bulk("import", mlruns, *arguments, check=0)
    shutil.rmtree(mlruns.parent)
    server = MlflowServer(ORACLE, db.psycopg2, tmp_path, ["--artifacts-destination", str(served)])
    try:
        assert download(ORACLE, {"uri": server.url, "models": True}) == [expected]
        show_image(server, db, about, tmp_path)
    finally:
        server.close()


def show_image(server, db, about, folder):
    """The UI shows the picture."""
    (folder / "browser").mkdir()
    browser = Browser(folder / "browser", 1200, 900)
    try:
        experiment = db.query("SELECT experiment_id FROM experiments WHERE name = 'with artifacts'")[0][0]
        run = about["runs"][1]
        browser.open(f"{server.url}/#/experiments/{experiment}/runs/{run}/artifacts/plots/picture.png")
        shown = "[...document.images].some(i => i.naturalWidth === 64 && i.naturalHeight === 48)"
        browser.wait_for(shown, "the picture among the run's artifacts")
    finally:
        browser.close()


def test_a_database_is_moved_with_its_files(run_bulk, made, target, tmp_path):
    """The recorded paths are still good: no --map is needed."""
    folder, about = made("sqlite")
    arguments = ["--to", target.uri, "--artifacts", "copy", "--artifact-root", tmp_path / "root"]
    run_bulk("import", folder / "mlflow.db", *arguments, check=0)
    source = {"uri": f"sqlite:///{folder}/mlflow.db", "models": True}
    there, here = download(ORACLE, source, {"uri": store_uri(target), "models": True})
    assert here == there and sum(map(len, here["runs"].values())) == 5
    assert not any(str(folder) in uri for _, uri in places(target))


def test_a_map_says_where_recorded_places_are_here(run_bulk, made, target, tmp_path):
    folder, about = made("sqlite")
    shutil.copytree(folder, tmp_path / "moved")
    source = tmp_path / "moved" / "mlflow.db"
    db = SqliteDatabase(source)
    for table, column in (("experiments", "artifact_location"), ("runs", "artifact_uri")):
        db.query(f"UPDATE {table} SET {column} = replace({column}, %s, '/nowhere/at/all')", (f"{folder}/arts",))
    db.query(
        "UPDATE logged_models SET artifact_location = replace(artifact_location, %s, 'mlflow-artifacts:')",
        (f"{folder}/arts",),
    )
    arguments = ["--to", target.uri, "--artifacts", "copy", "--artifact-root", f"file://{tmp_path}/my%20root"]
    stopped = run_bulk("import", source, *arguments, check=DATA)
    assert "/nowhere/at/all" in stopped.stderr
    assert "--map '/nowhere/at/all/=DIR'" in stopped.stderr
    assert target.query("SELECT count(*) FROM runs") == [(0,)]

    arts = tmp_path / "moved" / "arts"
    first = run_bulk("import", source, *arguments, "--on-error", "skip", "--json", check=REJECTED).json
    assert first["artifacts"]["missing"] > 0 and first["tables"]["runs"]["inserted"] == 3
    assert "artifacts-missing" in {note["code"] for note in first["notes"]}

    maps = ["--map", f"/nowhere/at/all={arts}", "--map", f"mlflow-artifacts:/={arts}", "--map", "/nowhere=/dev/null"]
    second = run_bulk("import", source, *arguments, *maps, "--json", check=0).json
    assert second["tables"]["runs"]["present"] == 3 and second["artifacts"]["files"] == 7
    there, here = download(
        ORACLE, {"uri": f"sqlite:///{folder}/mlflow.db", "models": True}, {"uri": store_uri(target), "models": True}
    )
    assert here["runs"] == there["runs"] and here["models"] == there["models"]


def test_what_is_in_place_stays_there(run_bulk, store):
    """mlruns beside the new mlflow.db is where MLflow looks by itself."""
    mlruns, about = store
    expected = expected_of(mlruns, about)
    db = SqliteDatabase(mlruns.parent / "mlflow.db")
    arguments = ["--to", db.uri, "--artifacts", "copy", "--mlflow-version", ORACLE]
    summary = run_bulk("import", mlruns, *arguments, "--json", check=0).json["artifacts"]
    assert (summary["in_place"], summary["files"]) == (3, 0)
    assert not (mlruns / ".mltrack").exists()
    assert download(ORACLE, {"uri": db.uri, "models": True}) == [expected]


# ---- copy, link, move, again ----


def inodes(folder):
    return {p.stat().st_ino for p in Path(folder).rglob("*") if p.is_file()}


def test_again_does_nothing(run_bulk, store, target, tmp_path):
    mlruns, _ = store
    arguments = [mlruns, "--to", target.uri, "--artifacts", "copy", "--artifact-root", tmp_path / "root", "--json"]
    dry = run_bulk("import", *arguments, "--dry-run", check=0).json["artifacts"]
    assert not (tmp_path / "root").exists() and dry["files"] == 7
    first = run_bulk("import", *arguments, check=0).json["artifacts"]
    assert (first["files"], first["bytes"]) == (dry["files"], dry["bytes"])
    before, files = target.dump(), digests(tmp_path / "root")
    second = run_bulk("import", *arguments, check=0).json
    assert (second["artifacts"]["files"], second["artifacts"]["present"]) == (0, 7)
    assert second["tables"]["runs"]["present"] == 3
    assert target.dump() == before and digests(tmp_path / "root") == files


def test_links_share_the_files(run_bulk, store, target, tmp_path):
    mlruns, _ = store
    arguments = ["--to", target.uri, "--artifacts", "link", "--artifact-root", tmp_path / "root", "--json"]
    summary = run_bulk("import", mlruns, *arguments, check=0).json["artifacts"]
    assert summary["linked"] == summary["files"] == 7
    placed = {p.stat().st_ino for p in (tmp_path / "root").rglob("artifacts/**/*") if p.is_file()}
    assert placed <= inodes(mlruns) and len(placed) == 7


def test_a_move_leaves_nothing_behind_and_may_be_repeated(run_bulk, made, store, target, tmp_path):
    """Also where the URIs in the store are those of the one that it is a copy of."""
    mlruns, about = store
    original = digests(made("filestore")[0])
    expected = expected_of(mlruns, about)
    arguments = ["--to", target.uri, "--artifacts", "move", "--artifact-root", tmp_path / "root"]
    run_bulk("import", mlruns, *arguments, check=0)
    assert not [p for p in mlruns.rglob("artifacts/*")]
    assert (mlruns / about["experiment"] / about["runs"][0] / "meta.yaml").exists()
    before = target.dump()
    run_bulk("import", mlruns, *arguments, check=0)
    assert target.dump() == before and digests(made("filestore")[0]) == original
    assert download(ORACLE, {"uri": store_uri(target), "models": True}) == [expected]


def many_files(store, about, n):
    folder = store / about["experiment"] / about["runs"][1] / "artifacts" / "many"
    folder.mkdir()
    for i in range(n):
        (folder / f"f{i}").write_bytes(os.urandom(2000))


@pytest.mark.parametrize("how", ["copy", "move"])
def test_killed_in_the_middle_and_run_again(bulk, run_bulk, store, target, tmp_path, how):
    mlruns, about = store
    many_files(mlruns, about, 3000)
    expected = artifacts_of(mlruns)
    root = tmp_path / "root"
    arguments = ["import", mlruns, "--to", target.uri, "--artifacts", how, "--artifact-root", root]
    for after in (0.1, 0.25, 0.4):
        process = subprocess.Popen([str(bulk), *map(str, arguments)], env=clean_env(tmp_path), stdout=-3, stderr=-3)
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
        process.wait()
        for (uri,) in target.query("SELECT artifact_uri FROM runs"):
            assert digests(uri) == expected[Path(uri).parent.name], "rows without their files"
    run_bulk(*arguments, check=0)
    found = {Path(uri).parent.name: digests(uri) for (uri,) in target.query("SELECT artifact_uri FROM runs")}
    assert found == expected
    assert not [p for p in (root / ".mltrack" / "staging").rglob("*") if p.is_file()]


# ---- places that cannot be ----


def test_a_root_too_long_for_the_columns_is_refused_first(run_bulk, store, new_pg_db, tmp_path):
    mlruns, _ = store
    db = new_pg_db(MLFLOW_HEADS[ORACLE])
    arguments = ["import", mlruns, "--to", db.uri, "--artifacts", "copy", "--artifact-root"]
    long = tmp_path / ("x" * 200)
    refused = run_bulk(*arguments, long, check=USAGE)
    assert "runs.artifact_uri holds 200" in refused.stderr and "at most 146 characters" in refused.stderr
    assert not long.exists() and db.query("SELECT count(*) FROM experiments") == [(0,)]
    fits = str(tmp_path) + "/" + "y" * (146 - len(str(tmp_path)) - 1)
    run_bulk(*arguments, fits, check=0)


def test_an_experiment_that_is_there_keeps_its_location(run_bulk, store, target, tmp_path):
    mlruns, _ = store
    theirs = tmp_path / "theirs" / "17"
    sql = "INSERT INTO experiments (name, artifact_location, lifecycle_stage) VALUES ('with artifacts', %s, 'active')"
    target.query(sql, (str(theirs),))
    arguments = ["--to", target.uri, "--artifacts", "copy", "--artifact-root", tmp_path / "root"]
    run_bulk("import", mlruns, *arguments, check=0)
    assert all(uri.startswith(str(theirs)) for (uri,) in target.query("SELECT artifact_uri FROM runs"))
    assert len([p for p in theirs.rglob("*") if p.is_file()]) == 7


def test_object_stores_are_left_alone(run_bulk, made, target, tmp_path):
    folder, _ = made("sqlite")
    shutil.copyfile(folder / "mlflow.db", tmp_path / "mlflow.db")
    db = SqliteDatabase(tmp_path / "mlflow.db")
    for table, column in (
        ("experiments", "artifact_location"),
        ("runs", "artifact_uri"),
        ("logged_models", "artifact_location"),
        ("model_versions", "source"),
        ("model_versions", "storage_location"),
    ):
        db.query(f"UPDATE {table} SET {column} = replace({column}, %s, 's3://bucket/x')", (f"{folder}/arts",))
    before = [p for p in places(db) if p[1].startswith("s3:")]
    arguments = ["--to", target.uri, "--artifacts", "copy", "--artifact-root", tmp_path / "root"]
    summary = run_bulk("import", db.path, *arguments, "--json", check=0).json["artifacts"]
    assert summary["remote"] == 4 and summary["files"] == 0
    assert [p for p in places(target) if p[1].startswith("s3:")] == before


@pytest.mark.parametrize("root", ["below", "same"])
def test_the_store_that_is_read_is_not_written_into(run_bulk, store, new_pg_db, root):
    mlruns, _ = store
    db = new_pg_db(MLFLOW_HEADS[ORACLE])
    before = digests(mlruns)
    where = mlruns / "new" if root == "below" else mlruns
    arguments = ["--to", db.uri, "--artifacts", "copy", "--artifact-root", where]
    refused = run_bulk("import", mlruns, *arguments, check=USAGE)
    assert "what is being read" in refused.stderr
    assert digests(mlruns) == before and db.query("SELECT count(*) FROM runs") == [(0,)]


def test_a_root_that_is_a_file_cannot_be_made(run_bulk, store, target, tmp_path):
    mlruns, _ = store
    (tmp_path / "root").write_text("I am a file\n")
    arguments = ["--to", target.uri, "--artifacts", "copy", "--artifact-root", tmp_path / "root"]
    refused = run_bulk("import", mlruns, *arguments, check=73)
    assert str(tmp_path / "root") in refused.stderr
    assert target.query("SELECT count(*) FROM runs") == [(0,)]


# ---- hostile ----


def test_things_that_are_no_files_are_named_and_left_out(run_bulk, store, target, tmp_path):
    mlruns, about = store
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("do not copy\n")
    run = mlruns / about["experiment"] / about["runs"][1] / "artifacts"
    (run / "out").symlink_to(secret)
    (run / "out.txt").symlink_to(secret / "key")
    os.mkfifo(run / "fifo")
    os.mknod(run / "s", 0o600 | stat.S_IFSOCK)
    behind = mlruns / about["experiment"] / about["runs"][2] / "artifacts"
    behind.rmdir()
    behind.symlink_to(secret)
    arguments = [mlruns, "--to", target.uri, "--artifacts", "copy", "--artifact-root", tmp_path / "root", "--json"]
    run_bulk("import", *arguments, check=DATA)
    rejects = tmp_path / "rejects.jsonl"
    result = run_bulk("import", *arguments, "--on-error", "skip", "--rejects", rejects, check=REJECTED).json
    assert result["artifacts"]["faults"] == 4 and result["artifacts"]["missing"] == 1
    told = {(r["code"], r["path"]) for r in map(json.loads, rejects.read_text().splitlines())}
    assert told == {
        ("link-skipped", f"{run}/out"),
        ("link-skipped", f"{run}/out.txt"),
        ("special-file", f"{run}/fifo"),
        ("special-file", f"{run}/s"),
        ("link-skipped", str(behind)),
    }
    assert "key" not in {p.name for p in (tmp_path / "root").rglob("*")}
    assert result["tables"]["runs"]["inserted"] == 3


def test_a_recorded_path_that_mlflow_never_gave_is_not_copied(run_bulk, made, target, tmp_path):
    """Whoever can write a database could else have any file of ours put where others read it."""
    folder, about = made("sqlite")
    shutil.copyfile(folder / "mlflow.db", tmp_path / "mlflow.db")
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_text("do not copy\n")
    db = SqliteDatabase(tmp_path / "mlflow.db")
    db.query("UPDATE runs SET artifact_uri = %s WHERE name = 'full'", (str(tmp_path / "secret"),))
    up = f"{folder}/arts/1/../../../{tmp_path}/secret"
    db.query("UPDATE runs SET artifact_uri = %s WHERE name = 'one'", (up,))
    arguments = ["--to", target.uri, "--artifacts", "copy", "--artifact-root", tmp_path / "root", "--json"]
    result = run_bulk("import", db.path, *arguments, "--on-error", "skip", check=REJECTED).json
    assert result["artifacts"]["missing"] == 2
    assert "key" not in {p.name for p in (tmp_path / "root").rglob("*")}


def test_a_full_disk_stops_with_the_place(bulk, store, new_pg_db, tmp_path):
    """RLIMIT_FSIZE stands for it: no file may be longer than 64 KiB."""
    mlruns, about = store
    target = new_pg_db(MLFLOW_HEADS[ORACLE])
    command = [bulk, "import", mlruns, "--to", target.uri, "--artifacts", "copy", "--artifact-root", tmp_path / "root"]
    line = "trap '' XFSZ; ulimit -f 64; exec \"$@\""
    done = subprocess.run(
        ["bash", "-c", line, "bash", *map(str, command)], env=clean_env(tmp_path), capture_output=True, text=True
    )
    assert done.returncode == IO, done.stderr
    assert str(tmp_path / "root") in done.stderr
    assert target.query("SELECT count(*) FROM runs") == [(0,)]
    assert not list((tmp_path / "root").rglob("large.bin"))


# ---- other sources ----


def test_files_of_an_export_go_with_it(run_bulk, target, tmp_path):
    run, export = "0123456789abcdef0123456789abcdef", tmp_path / "export"
    (export / run / "artifacts" / "plots").mkdir(parents=True)
    (export / run / "artifacts" / "plots" / "a.txt").write_text("a\n")
    info = {"run_id": run, "experiment_id": "1", "status": "FINISHED", "start_time": 1, "user_id": "u"}
    info |= {"artifact_uri": f"mlflow-artifacts:/1/{run}/artifacts", "lifecycle_stage": "active"}
    system = {"package_version": "1.2.0", "script": "export_run.py", "mlflow_tracking_uri": "http://h"}
    document = {"system": system, "mlflow": {"info": info, "params": {}, "tags": {}, "metrics": []}}
    (export / run / "run.json").write_text(json.dumps(document))
    arguments = ["--to", target.uri, "--artifacts", "copy", "--artifact-root", tmp_path / "root"]
    run_bulk("import", export, *arguments, check=0)
    [(uri,)] = target.query("SELECT artifact_uri FROM runs")
    assert digests(uri) == digests(export / run / "artifacts") != {}


def test_lines_name_single_files_and_folders(run_bulk, target, tmp_path):
    """Also of a run that is there already; a path that leads out, or is not there, is told."""
    run, folder, root = "0123456789abcdef0123456789abcdef", tmp_path / "lines", tmp_path / "root"
    (folder / "local" / "sub").mkdir(parents=True)
    (folder / "local" / "a.txt").write_text("a\n")
    (folder / "local" / "sub" / "b.txt").write_text("b\n")

    def lines(name, *records):
        path = folder / name
        path.write_text("".join(json.dumps(r) + "\n" for r in records))
        return path

    def artifact(path, file):
        return {"type": "artifact", "run_id": run, "path": path, "file": file}

    begun = {"type": "run", "run_id": run, "experiment": "e", "name": "r", "start_time": 1}
    arguments = ["--to", target.uri, "--artifacts", "copy", "--artifact-root", root, "--json"]
    first = lines("first.jsonl", begun, artifact("plots/a.txt", "local/a.txt"))
    run_bulk("import", first, *arguments, check=0)
    [(uri,)] = target.query("SELECT artifact_uri FROM runs")
    assert uri.startswith(f"{root}/") and set(digests(uri)) == {"plots/a.txt"}
    more = lines("more.jsonl", artifact("sub", "local/sub"), {"type": "tag", "run_id": run, "key": "k", "value": "v"})
    run_bulk("import", more, *arguments, check=0)
    assert set(digests(uri)) == {"plots/a.txt", "sub/b.txt"}

    hostile = [artifact(p, "local/a.txt") for p in ("../out", "/etc/out", "a/../../out", "plots/a.txt/x")]
    bad = lines("bad.jsonl", *hostile, artifact("gone", "local/gone"))
    run_bulk("import", bad, *arguments, check=DATA)
    result = run_bulk("import", bad, *arguments, "--on-error", "skip", check=REJECTED).json
    assert result["artifacts"]["faults"] + result["rejects"] >= 4
    assert set(digests(uri)) == {"plots/a.txt", "sub/b.txt"}
    assert not list(tmp_path.rglob("out"))


# ---- artifacts rewrite ----


def test_rewrite_changes_whole_components_everywhere(run_bulk, store, target, tmp_path):
    mlruns, about = store
    root = tmp_path / "root"
    arguments = ["--to", target.uri, "--artifacts", "copy", "--artifact-root", root]
    run_bulk("import", mlruns, *arguments, check=0)
    before, held = target.dump(), places(target)

    def rewrite(*more, **options):  # of rows that are there: who may import may not
        return run_bulk("artifacts", "rewrite", *more, target.owner_uri, **options)

    dry = rewrite("--from", root, "--to", "/new", "--dry-run", "--json", check=0).json
    assert target.dump() == before
    assert "Nothing begins with" in rewrite("--from", str(root)[:-1], "--to", "/new", check=0).stdout
    done = rewrite("--from", f"{root}/", "--to", "s3://bucket/it's", "--json", check=0).json
    assert done["rows"] == dry["rows"] and sum(done["rows"].values()) == len([1 for _, u in held if str(root) in u])
    assert places(target) == sorted((t, u.replace(str(root), "s3://bucket/it's")) for t, u in held)
    assert sum(rewrite("--from", root, "--to", "/new", "--json", check=0).json["rows"].values()) == 0
    rewrite("--from", "s3://bucket/it's", "--to", root, check=0)
    assert places(target) == held
    assert download(ORACLE, {"uri": store_uri(target), "models": True}) == [expected_of(mlruns, about)]


def test_rewrite_refuses_what_would_not_fit(run_bulk, store, new_pg_db, tmp_path):
    mlruns, _ = store
    db = new_pg_db(MLFLOW_HEADS[ORACLE])
    run_bulk("import", mlruns, "--to", db.uri, check=0)
    before = db.dump()
    [(location,)] = db.query("SELECT artifact_location FROM experiments WHERE name = 'with artifacts'")
    refused = run_bulk("artifacts", "rewrite", "--from", location, "--to", "/" + "x" * 170, db.uri, check=USAGE)
    assert "runs.artifact_uri would have" in refused.stderr and "holds 200" in refused.stderr
    assert db.dump() == before
    for wrong in (["--from", "/", "--to", "/x"], ["--to", "/x"], ["--from", "/x"], ["--from", "/x", "--to", "///"]):
        run_bulk("artifacts", "rewrite", *wrong, db.uri, check=USAGE)
