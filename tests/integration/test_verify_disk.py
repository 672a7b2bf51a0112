"""mltrack-verify, the database against the disk: one damage at a time, and exactly what is found; nothing on stores
that are as an import, or MLflow itself, left them."""

import os
import shutil
import socket
import struct
import tempfile
from pathlib import Path

import pytest

import programs
from mlflow_server import MlflowServer
from mlflow_tools import STORES
from programs import ORACLE, mlflow_run
from shared import made_once
from stores.filestore import FileStore

pytestmark = pytest.mark.owner("checks look at every table, and repairs change rows that are there")

DIFFERS, USAGE = 1, 64
STRANGER = "54321:54321"  # a user that no system knows


@pytest.fixture(scope="session")
def verify_program():
    return programs.program_path("mltrack-verify")


@pytest.fixture
def run_verify(verify_program, tmp_path_factory):
    """run_verify(db, *args, check=None) -> programs.Result of the check "artifacts", as --json."""
    home = tmp_path_factory.mktemp("home")

    def run(db, *args, check=None):
        command = [verify_program, "--to", db.uri, "--json", "--check", "artifacts"]
        return programs.run_bulk(*command, *args, cwd=home, home=home, check=check)

    return run


@pytest.fixture
def folder():
    """Where other users may come to, unlike to pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="mlt-verify-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def filestore(tmp_path_factory):
    """(folder of a FileStore that MLflow made, what is in it); only to be read."""

    def make(folder):
        return mlflow_run(ORACLE, STORES / "make_artifact_store.py", folder, "filestore")

    made, about = made_once(tmp_path_factory, f"artifacts-filestore-{ORACLE}", make)
    return made / "mlruns", about


def findings(result):
    return sorted((f["code"], f["id"]) for f in result.json["findings"])


class Store:
    """An imported store: its folders, and how to damage it."""

    def __init__(self, db, root, about):
        self.db, self.root = db, root
        self.full, self.one, self.none = about["runs"]
        self.model = about["models"][0]
        self.manifests = root / ".mltrack" / "manifests"
        self.rows_changed = False

    def place(self, run):
        return Path(self.value("runs", "artifact_uri", f"run_uuid = '{run}'"))

    def value(self, table, column, where):
        ((value,),) = self.db.query(f"SELECT {column} FROM {table} WHERE {where}")
        return value

    def set(self, table, column, where, value):
        self.rows_changed = True
        self.db.query(f"UPDATE {table} SET {column} = %s WHERE {where}", (value,))

    def uri(self, run, value):
        self.set("runs", "artifact_uri", f"run_uuid = '{run}'", value)

    def version(self, column, value):
        self.set("model_versions", column, "version = 1", value)

    def manifest(self, of):
        return self.manifests / of[:2] / f"{of}.jsonl"


# ---- damages: name, what is done, what is found, further options ----
# Names in what is found stand for the ids of the store; "v" is a model version, "e" its experiment.

DAMAGES = []


def damage(*expected, options=(), full=None):
    """Expected: "code id" each, of --quick. full: what --full finds; None: that is not tried."""

    def add(function):
        DAMAGES.append((function, expected, full, options))
        return function

    return add


@damage(full=[])
def nothing(s):
    pass


@damage("file-missing full", full=["file-missing full"])
def file_removed(s):
    (s.place(s.full) / "picture.png").unlink()


@damage("file-missing full", "file-missing full", *["source-missing v", "source-missing v2"] * 2)
def files_of_a_subfolder_removed(s):
    shutil.rmtree(s.place(s.full) / "deep")


@damage("file-renamed full", full=["file-renamed full"])
def file_renamed(s):
    (s.place(s.full) / "picture.png").rename(s.place(s.full) / "picture2.png")


@damage("file-added full", "file-missing full", full=["file-renamed full"])
def file_copied_and_removed(s):
    picture = s.place(s.full) / "picture.png"
    (s.place(s.full) / "picture2.png").write_bytes(picture.read_bytes())
    picture.unlink()


@damage("file-added full", "file-missing full", full=["file-added full", "file-missing full"])
def file_replaced_by_another_of_its_length(s):
    picture = s.place(s.full) / "picture.png"
    (s.place(s.full) / "picture2.png").write_bytes(bytes(picture.stat().st_size))
    picture.unlink()


@damage("file-changed full")
def file_truncated(s):
    os.truncate(s.place(s.full) / "deep" / "large.bin", 4096)


@damage("file-changed full")
def file_grown(s):
    with (s.place(s.full) / "empty").open("a") as f:
        f.write("more")


def flip(path, keep_time):
    was = path.stat()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    time = was.st_mtime_ns if keep_time else was.st_mtime_ns + 1
    os.utime(path, ns=(time, time))


@damage(full=["file-changed full"])
def byte_flipped_as_a_disk_does(s):
    flip(s.place(s.full) / "deep" / "large.bin", keep_time=True)


@damage("file-changed full", full=["file-changed full"])
def byte_flipped_by_a_program(s):
    flip(s.place(s.full) / "deep" / "large.bin", keep_time=False)


@damage("file-touched full", full=["file-touched full"])
def file_touched(s):
    os.utime(s.place(s.full) / "picture.png", ns=(1, 1))


@damage("file-changed model", full=["file-changed model"])
def file_of_a_logged_model_changed(s):
    path = Path(s.value("logged_models", "artifact_location", "1 = 1"))
    flip(path / "large.bin", keep_time=False)


@damage("file-added one")
def file_added(s):
    (s.place(s.one) / "note.txt").write_text("later")


@damage("folder-missing one")
def folder_removed(s):
    shutil.rmtree(s.place(s.one))


@damage("folder-not one")
def folder_by_a_file(s):
    shutil.rmtree(s.place(s.one))
    s.place(s.one).write_text("no folder")


@damage("special-file one", full=["special-file one"])
def fifo_added(s):
    os.mkfifo(s.place(s.one) / "fifo")


@damage("special-file one")
def socket_added(s):
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(s.place(s.one) / "s"))


@damage("link-out one")
def link_out_of_the_folder(s):
    (s.place(s.one) / "link").symlink_to("/etc/passwd")


@damage("link-out one")
def link_to_another_run(s):
    (s.place(s.one) / "link").symlink_to(s.place(s.full) / "picture.png")


@damage("link-broken one")
def link_to_itself(s):
    (s.place(s.one) / "link").symlink_to("link")


@damage("link-inside one")
def link_inside(s):
    (s.place(s.one) / "link").symlink_to("plots/picture.png")


@damage("link-out one")
def folder_is_a_link_out(s):
    elsewhere = s.root.parent / "elsewhere"
    s.place(s.one).rename(elsewhere)
    s.place(s.one).symlink_to(elsewhere)


@damage("folder-orphan orphan")
def folder_of_no_run(s):
    orphan = s.place(s.one).parents[1] / ("0" * 32) / "artifacts"
    orphan.mkdir(parents=True)
    (orphan / "file").write_text("whose?")


@damage("folder-orphan orphan")
def folder_of_no_experiment(s):
    orphan = s.root / "4711" / ("0" * 32) / "artifacts"
    orphan.mkdir(parents=True)
    (orphan / "file").write_text("whose?")


@damage("folder-orphan m-orphan")
def folder_of_no_model(s):
    orphan = s.place(s.one).parents[1] / "models" / ("m-" + "0" * 32) / "artifacts"
    orphan.mkdir(parents=True)
    (orphan / "file").write_text("whose?")


@damage()
def empty_folder_as_gc_leaves_it(s):
    (s.place(s.one).parents[1] / ("0" * 32)).mkdir()


@damage("file-unreadable one", options=["--as-user", STRANGER])
def permission_taken_from_a_file(s):
    (s.place(s.one) / "plots" / "picture.png").chmod(0o600)


@damage("folder-unreadable one", options=["--as-user", STRANGER])
def permission_taken_from_a_folder(s):
    (s.place(s.one) / "plots").chmod(0o700)


@damage("folder-unreadable one", options=["--as-user", STRANGER])
def permission_taken_from_a_folder_above(s):
    s.place(s.one).parent.chmod(0o700)


def set_acl(path, *entries):
    """(tag, rights, id) each, as in linux/posix_acl.h."""
    value = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", tag, rights, i & 0xFFFFFFFF) for tag, rights, i in entries)
    os.setxattr(path, "system.posix_acl_access", value)


OWNER, USER, OWNERS_GROUP, GROUP, MASK, OTHERS = 1, 2, 4, 8, 16, 32
UID = int(STRANGER.split(":")[0])


@damage("file-unreadable one", options=["--as-user", STRANGER])
def permission_taken_by_an_acl_from_one_user(s):
    set_acl(s.place(s.one) / "plots" / "picture.png", (OWNER, 6, -1), (USER, 0, UID), (OWNERS_GROUP, 4, -1), (MASK, 4, -1), (OTHERS, 4, -1))


@damage(options=["--as-user", STRANGER])
def permission_given_by_an_acl_to_one_user(s):
    set_acl(s.place(s.one) / "plots" / "picture.png", (OWNER, 6, -1), (USER, 4, UID), (OWNERS_GROUP, 0, -1), (MASK, 4, -1), (OTHERS, 0, -1))


@damage("file-unreadable one", options=["--as-user", STRANGER])
def permission_given_by_an_acl_and_taken_by_its_mask(s):
    set_acl(s.place(s.one) / "plots" / "picture.png", (OWNER, 6, -1), (USER, 4, UID), (OWNERS_GROUP, 0, -1), (MASK, 0, -1), (OTHERS, 0, -1))


@damage("folder-unreadable one", options=["--as-user", STRANGER])
def permission_taken_by_an_acl_from_a_group(s):
    set_acl(s.place(s.one) / "plots", (OWNER, 7, -1), (OWNERS_GROUP, 5, -1), (GROUP, 4, UID), (MASK, 5, -1), (OTHERS, 5, -1))


@damage("folder-unreadable one", options=["--as-user", STRANGER])
def permission_taken_by_an_acl_of_a_folder_above(s):
    set_acl(s.place(s.one).parent, (OWNER, 7, -1), (USER, 4, UID), (OWNERS_GROUP, 5, -1), (MASK, 5, -1), (OTHERS, 5, -1))


@damage()
def permission_taken_from_others_does_not_concern_us(s):
    (s.place(s.one) / "plots").chmod(0o700)


@damage("folder-shared shared", "folder-stray one", "location-other one", "file-renamed one", *["file-added one"] * 3)
def run_uri_is_another_runs(s):
    s.uri(s.one, str(s.place(s.full)))


@damage("folder-nested one", "folder-stray one", "location-other one", "file-missing one", *["file-added one"] * 2)
def run_uri_is_in_another_run(s):
    s.uri(s.one, str(s.place(s.full) / "deep"))


@damage("folder-stray one")
def run_uri_is_nowhere(s):
    s.uri(s.one, f"{s.root.parent}/gone/{s.one}/artifacts")


@damage("location-traversal one")
def run_uri_climbs(s):
    s.uri(s.one, f"{s.place(s.one)}/../../{s.one}/artifacts")


@damage("location-traversal one")
def run_uri_climbs_encoded(s):
    s.uri(s.one, f"file://{s.place(s.one).parent}/%2e%2E/{s.one}/artifacts")


@damage("location-relative one")
def run_uri_is_relative(s):
    s.uri(s.one, f"mlruns/1/{s.one}/artifacts")


@damage("location-foreign one")
def run_uri_is_of_windows(s):
    s.uri(s.one, f"C:\\mlruns\\1\\{s.one}\\artifacts")


@damage("location-foreign one")
def run_uri_is_on_another_host(s):
    s.uri(s.one, f"file://fileserver/mlruns/1/{s.one}/artifacts")


@damage("location-bad one")
def run_uri_is_empty(s):
    s.uri(s.one, "")


@damage("folder-stray one", "location-long one")
def run_uri_is_near_its_limit(s):
    s.uri(s.one, f"/{s.one}/".ljust(195, "x"))


@damage("location-unknown None")
def run_uri_is_only_known_to_a_server(s):
    s.uri(s.one, f"mlflow-artifacts:/1/{s.one}/artifacts")


@damage()
def run_uri_is_in_an_object_store(s):
    s.uri(s.one, f"s3://bucket/1/{s.one}/artifacts")


@damage("location-long e")
def experiment_location_leaves_no_room(s):
    s.set("experiments", "artifact_location", "name = 'with artifacts'", "/" + "x" * 180)


@damage("location-traversal e")
def experiment_location_climbs(s):
    s.set("experiments", "artifact_location", "name = 'with artifacts'", f"{s.root}/../1")


@damage("folder-missing model", "folder-stray model", "source-missing v4")
def model_location_is_nowhere(s):
    s.set("logged_models", "artifact_location", "1 = 1", f"{s.root}/1/models/{s.model}-2/{s.model}/artifacts")


@damage("source-missing v")
def version_source_is_nowhere(s):
    s.version("source", f"{s.root}/1/{s.full}/artifacts/gone")


@damage("source-missing v")
def version_source_names_no_run(s):
    s.version("source", f"runs:/{'0' * 32}/deep")


@damage("location-traversal v")
def version_storage_location_climbs(s):
    s.version("storage_location", f"{s.root}/1/../../etc")


@damage("location-outside one", options=["--artifact-root", "ROOT"])
def run_uri_is_outside_of_the_root_that_was_given(s):
    (s.root.parent / "outside" / s.one).mkdir(parents=True)
    s.place(s.one).rename(s.root.parent / "outside" / s.one / "artifacts")
    s.uri(s.one, f"{s.root.parent}/outside/{s.one}/artifacts")


@damage("root-missing None", options=["--artifact-root", "ROOT", "--artifact-root", "/nowhere/at/all"])
def root_that_was_given_is_missing(s):
    pass


@damage("manifest-bad one")
def manifest_cut(s):
    manifest = s.manifest(s.one)
    os.truncate(manifest, manifest.stat().st_size - 2)


@damage("manifest-bad one")
def manifest_is_garbage(s):
    s.manifest(s.one).write_bytes(b"\0\xff garbage")


@damage("manifest-unknown orphan")
def manifest_of_no_run(s):
    unknown = s.manifest("0" * 32)
    unknown.parent.mkdir(exist_ok=True)
    shutil.copyfile(s.manifest(s.one), unknown)


@damage("folder-orphan one", "manifest-unknown one")
def run_removed_from_the_database(s):
    s.rows_changed = True
    for table in ("metrics", "latest_metrics", "params", "tags", "runs"):
        s.db.query(f"DELETE FROM {table} WHERE run_uuid = '{s.one}'")


def named(store, expected):
    experiment = str(store.value("experiments", "experiment_id", "name = 'with artifacts'"))
    names = {
        "full": store.full,
        "one": store.one,
        "shared": max(store.full, store.one),
        "model": store.model,
        "orphan": "0" * 32,
        "m-orphan": "m-" + "0" * 32,
        "v": "served/1",
        "v2": "served/2",
        "v4": "served/4",
        "e": experiment,
        "None": None,
    }
    return sorted((code, names[name]) for code, name in (line.split() for line in expected))


@pytest.fixture
def store(run_bulk, target, filestore, folder):
    """A store of MLflow's, imported with its artifacts."""
    mlruns, about = filestore
    root = folder / "root"
    run_bulk("import", mlruns, "--to", target.uri, "--artifacts", "copy", "--artifact-root", root, check=0)
    return Store(target, root, about)


class Undo:
    """Puts files and rows back as they were."""

    OWNED = ("metrics", "latest_metrics", "params", "tags")  # by runs
    PLACES = (
        ("experiments", "artifact_location", ("experiment_id",)),
        ("runs", "artifact_uri", ("run_uuid",)),
        ("logged_models", "artifact_location", ("model_id",)),
        ("model_versions", "source", ("name", "version")),
        ("model_versions", "storage_location", ("name", "version")),
    )

    def __init__(self, store):
        self.store, self.kept = store, store.root.parent / "kept"
        shutil.copytree(store.root, self.kept, symlinks=True)
        for table in sorted({*self.OWNED, *(table for table, _, _ in self.PLACES)}):
            store.db.query(f"CREATE TABLE kept_{table} AS SELECT * FROM {table}")

    def rows(self):
        db = self.store.db
        for table, column, key in self.PLACES:
            same = " AND ".join(f"k.{k} = {table}.{k}" for k in key)
            db.query(f"UPDATE {table} SET {column} = (SELECT k.{column} FROM kept_{table} k WHERE {same})")
        if db.query(f"SELECT 1 FROM runs WHERE run_uuid = '{self.store.one}'"):
            return
        for table in ("runs", *self.OWNED):
            db.query(f"INSERT INTO {table} SELECT * FROM kept_{table} WHERE run_uuid = '{self.store.one}'")

    def all(self):
        for left in self.store.root.parent.iterdir():
            if left != self.kept:
                shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
        shutil.copytree(self.kept, self.store.root, symlinks=True)
        if self.store.rows_changed:
            self.rows()
        self.store.rows_changed = False


def test_each_damage_is_found_and_nothing_else(run_verify, store):
    undo, wrong = Undo(store), []
    severities = {}
    for function, expected, full, options in DAMAGES:
        options = [str(store.root) if o == "ROOT" else o for o in options]
        function(store)
        for mode, wanted in (("--quick", expected), ("--full", full)):
            if wanted is None:
                continue
            result = run_verify(store.db, mode, *options)
            severities |= {f["code"]: f["severity"] for f in result.json["findings"]}
            if findings(result) != named(store, wanted):
                wrong.append((function.__name__, mode, findings(result), named(store, wanted), result.stderr))
            errors = [f for f in result.json["findings"] if f["severity"] == "error"]
            assert result.returncode == (DIFFERS if errors else 0), (function.__name__, result.explain())
        undo.all()
    assert not wrong, "\n".join(map(str, wrong))
    assert len(DAMAGES) >= 40 and len(severities) >= 25


def test_an_import_with_artifacts_leaves_nothing_to_find(run_bulk, run_verify, corpus_filestore, target, tmp_path):
    root = tmp_path / "root"
    to = ["--to", target.uri, "--artifacts", "copy", "--artifact-root", root]
    run_bulk("import", corpus_filestore, *to, "--on-error", "skip")
    result = run_verify(target, "--full", "--artifact-root", root, check=0).json
    assert result["findings"] == []
    assert result["checked"]["runs"] > 0 and result["checked"]["manifests"] == result["checked"]["folders"] > 0
    assert result["checked"]["hashed_bytes"] == result["checked"]["bytes"]


def test_an_import_proves_itself(run_bulk, filestore, target, folder):
    mlruns, about = filestore
    place = ["--artifacts", "copy", "--artifact-root", folder / "root"]
    to = ["import", mlruns, "--to", target.uri, *place, "--verify"]
    report = run_bulk(*to, "--json", check=0).json["verify"]
    assert report["ok"] and report["findings"] == [] and report["checked"]["manifests"] > 1
    said = run_bulk(*to, check=0).stdout
    assert "Verified 3 runs, 7 files" in said and "0 errors" in said
    plots = Store(target, folder / "root", about).place(about["runs"][1]) / "plots"
    (plots / "picture.png").rename(plots / "moved.png")  # the import puts the other back
    report = run_bulk(*to, "--json", check=0).json["verify"]
    assert {f["code"] for f in report["findings"]} == {"file-added"} and report["warnings"] == 1
    (plots / "link").symlink_to("/etc/passwd")
    result = run_bulk(*to, "--json", check=DIFFERS).json
    assert result["exit_code"] == DIFFERS and not result["verify"]["ok"] and result["status"] == "ok"
    assert "error link-out" in run_bulk(*to, check=DIFFERS).stdout
    assert "verify" not in run_bulk(*to, "--json", "--dry-run", check=0).json


def test_what_a_server_keeps_is_looked_for_in_its_destination(run_verify, new_pg_db, tmp_path):
    """A store that MLflow's own client and server made, with mlflow-artifacts: URIs; manifests made afterwards."""
    db = new_pg_db(programs.MLFLOW_HEADS[ORACLE])
    destination = tmp_path / "served"
    server = MlflowServer(ORACLE, db.psycopg2, tmp_path, ["--artifacts-destination", str(destination)])
    code = """
import json, sys, mlflow
mlflow.set_tracking_uri(sys.argv[1])
ids = []
for n in range(3):
    with mlflow.start_run() as run:
        mlflow.log_text("text" * n, f"deep/{n}.txt") if n else None
        ids.append(run.info.run_id)
print(json.dumps(ids))
"""
    try:
        runs = mlflow_run(ORACLE, code, server.url)
    finally:
        server.close()
    assert findings(run_verify(db, check=0)) == [("location-unknown", None)]
    to = ["--artifacts-destination", destination]
    result = run_verify(db, *to, check=0).json
    assert result["findings"] == [] and result["checked"]["files"] == 2 and result["checked"]["manifests"] == 0
    made = run_verify(db, *to, "--manifest-only", check=0).json
    assert made["checked"]["manifests"] == made["checked"]["folders"] == 2 and made["checked"]["files"] == 2
    again = run_verify(db, *to, "--manifest-only", check=0).json
    assert again["checked"]["folders"] == 0
    (file,) = destination.rglob("2.txt")
    flip(file, keep_time=True)
    assert findings(run_verify(db, *to, check=0)) == []
    assert findings(run_verify(db, *to, "--full", check=DIFFERS)) == [("file-changed", runs[2])]
    assert findings(run_verify(db, *to, "--full", "--run", runs[1], check=0)) == []
    assert findings(run_verify(db, *to, "--full", "--run", runs[2], check=DIFFERS)) == [("file-changed", runs[2])]
    elsewhere = destination.rename(tmp_path / "elsewhere")
    mapped = ["--map", f"mlflow-artifacts:/={elsewhere}"]
    assert findings(run_verify(db, *mapped, "--full", check=DIFFERS)) == [("file-changed", runs[2])]


def test_options_that_name_nothing_are_refused(run_verify, new_sqlite_db):
    db = new_sqlite_db(programs.MLFLOW_HEADS[ORACLE])
    for options in (["--as-user", "nobody-of-this-name"], ["--map", "/a"], ["--artifact-root", "/a/../b"]):
        assert run_verify(db, *options).returncode == USAGE


def test_the_root_of_a_store_without_files_is_there(run_bulk, run_verify, target, tmp_path):
    """A root that is missing is what a disk looks like that is not mounted."""
    store, root = FileStore(tmp_path / "mlruns"), tmp_path / "root"
    store.experiment("7", "empty")
    command = ["import", store.root, "--to", target.uri, "--artifacts", "copy", "--artifact-root", root]
    run_bulk(*command, "--dry-run", check=0)
    assert not root.exists()
    run_bulk(*command, check=0)
    assert list(root.iterdir()) == []
    assert findings(run_verify(target, "--artifact-root", root, check=0)) == []
