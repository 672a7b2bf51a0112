"""Offline runs logged by real releases of wandb: what comes in is what wandb's own reader finds in the same logs."""

import hashlib
import json
import math
import subprocess
from collections import defaultdict

import pytest

from programs import ORACLE, clean_env, mlflow_python, mlflow_run
from shared import made_once
from mlflow_tools import STORES
from summaries import notes

READER = "wandb-0.15.12"  # whose reader is Python; later ones have it in Go and Rust
RELEASES = ["wandb-0.15.12", "wandb-0.19.11", "wandb-0.31.0"]
OWN = ("_step", "_timestamp", "_runtime", "_wandb")
MAX = 1.7976931348623157e308


def in_venv(venv, script, *args):
    done = subprocess.run(
        [str(mlflow_python(venv)), str(STORES / script), *map(str, args)],
        env=clean_env("/tmp"),
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def logs_of(folder):
    return sorted(folder.glob("wandb/offline-run-*/run-*.wandb"))


@pytest.fixture(scope="module", params=RELEASES)
def logged(request, tmp_path_factory):
    """The folder in which that release has logged, and what wandb's reader finds there."""
    folder, _ = made_once(
        tmp_path_factory, request.param, lambda folder: in_venv(request.param, "make_wandb_runs.py", folder)
    )
    found = json.loads(in_venv(READER, "read_wandb_runs.py", *logs_of(folder)).splitlines()[-1])
    return folder, {run["run"]["name"]: run for run in found}


def stored(value):
    """As MLflow stores a metric: value, is_nan."""
    if isinstance(value, str):
        value = float(value)
    if math.isnan(value):
        return 0.0, True
    return max(-MAX, min(MAX, float(value))), False


def is_number(value):
    return isinstance(value, (bool, int, float)) or value in ("NaN", "Infinity", "-Infinity")


def points_of(run):
    points = defaultdict(set)
    for row in run["history"]:
        for name, value in row.items():
            if is_number(value) and not name.startswith(OWN):
                points[name].add((*stored(value), row["_step"], math.floor(row["_timestamp"] * 1000)))
    return points


def imported_points(db, run_uuid):
    points = defaultdict(set)
    sql = "SELECT key, value, is_nan, step, timestamp FROM metrics WHERE run_uuid = %r" % run_uuid
    for key, value, is_nan, step, timestamp in db.query(sql):
        if not key.startswith("system/"):
            points[key].add((value, bool(is_nan), step, timestamp))
    return points


def text_of(value):
    if isinstance(value, str) or value is None:
        return str(value)
    return str(value) if isinstance(value, bool) else json.dumps(value, separators=(",", ":"))


def test_runs_come_in_as_wandb_reads_them(logged, target, run_bulk):
    folder, runs = logged
    run_bulk("import", folder, "--to", target.uri, check=0)
    assert target.query("SELECT name FROM experiments WHERE name <> 'Default'") == [("proj",)]
    rows = target.query("SELECT run_uuid, name, status FROM runs")
    assert {name: status for _, name, status in rows} == {"whole": "FINISHED", "failed": "FAILED"}
    for run_uuid, name, _ in rows:
        expected = points_of(runs[name])
        found = imported_points(target, run_uuid)
        assert found.pop("best", None) if name == "whole" else "best" not in found
        assert found == expected and expected["loss"]
        params = dict(target.query("SELECT key, value FROM params WHERE run_uuid = %r" % run_uuid))
        config = {k: text_of(v) for k, v in runs[name]["config"].items() if not k.startswith("_wandb")}
        assert params == config


def test_tags_say_what_mlflow_has_no_field_for(logged, new_sqlite_db, run_bulk):
    folder, runs = logged
    db = new_sqlite_db()
    run_bulk("import", folder, "--to", db.uri, check=0)
    tags = dict(
        db.query("SELECT t.key, t.value FROM tags t JOIN runs r ON r.run_uuid = t.run_uuid WHERE r.name = 'whole'")
    )
    wanted = {
        "mlflow.runName": "whole",
        "mlflow.note.content": "some notes",
        "wandb.tags": "a, b",
        "wandb.group": "g",
        "wandb.job_type": "train",
        "wandb.entity": "me",
        "wandb.run_id": runs["whole"]["run"]["id"],
        "wandb.summary.remark": "text",
    }
    assert wanted.items() <= tags.items()


def test_importing_again_finds_everything_there(logged, target, run_bulk):
    folder, _ = logged
    run_bulk("import", folder, "--to", target.uri, check=0)
    again = run_bulk("import", folder / "wandb", "--to", target.uri, "--json", check=0).json
    assert sum(t["inserted"] for t in again["tables"].values()) == 0


def test_a_log_that_ends_early_is_that_of_a_killed_run(logged, tmp_path, new_sqlite_db, run_bulk):
    folder, runs = logged
    whole = max(logs_of(folder), key=lambda path: path.stat().st_size)
    text = whole.read_bytes()
    (tmp_path / whole.name).write_bytes(text[: len(text) // 2])
    db = new_sqlite_db()
    run_bulk("import", tmp_path, "--to", db.uri, check=0)
    [(run_uuid, status)] = db.query("SELECT run_uuid, status FROM runs")
    assert status == "KILLED"
    expected, found = points_of(runs["whole"]), imported_points(db, run_uuid)
    assert 500 < len(found["loss"]) < 3000 and all(found[key] <= expected[key] for key in found)


def test_damage_is_named_with_its_byte_and_costs_its_block(logged, tmp_path, new_sqlite_db, run_bulk):
    folder, _ = logged
    whole = max(logs_of(folder), key=lambda path: path.stat().st_size)
    text = bytearray(whole.read_bytes())
    text[2 * 32768 + 300] ^= 0x55
    (tmp_path / whole.name).write_bytes(text)
    done = run_bulk("import", tmp_path, "--to", f"sqlite:///{tmp_path}/x.db", check=65)
    assert f"{whole.name}: damaged at byte " in done.stderr
    db = new_sqlite_db()
    run_bulk("import", tmp_path, "--to", db.uri, "--on-error", "skip", check=2)
    [(n,)] = db.query("SELECT count(*) FROM metrics WHERE key = 'loss'")
    assert 2000 < n < 3000


# ---- files/ ----


@pytest.fixture(scope="module", params=RELEASES)
def with_files(request, tmp_path_factory):
    """The folder in which that release has logged a run with files, and that run's own folder."""
    name = f"files-{request.param}"
    folder, _ = made_once(tmp_path_factory, name, lambda f: in_venv(request.param, "make_wandb_files.py", f))
    [log] = logs_of(folder)
    return folder, log.parent / "files"


def digests(files, folder=None):
    """{path: sha256} of plain files; of symbolic links those that lead below `folder`."""
    found = {}
    for path in sorted(files.rglob("*")):
        if path.is_file() and (not path.is_symlink() or (folder and path.resolve().is_relative_to(folder))):
            found[str(path.relative_to(files))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def downloaded(db):
    uri = db.uri if db.kind == "sqlite" else db.psycopg2
    [store] = mlflow_run(ORACLE, STORES / "download_artifacts.py", json.dumps([{"uri": uri, "models": False}]))
    [files] = store["runs"].values()
    return files


def test_files_are_the_artifacts_of_the_run(with_files, target, tmp_path, run_bulk):
    """Media of the history, what was printed, the user's own files; what wandb.save() has left as links where --map says
    that they may be followed."""
    folder, files = with_files
    place = ["--to", target.uri, "--artifacts", "copy", "--artifact-root", tmp_path / "root"]
    expected = digests(files, folder.resolve())
    linked = sorted(expected.keys() - digests(files).keys())
    assert [path.rpartition("/")[2] for path in linked] == ["weights.bin", "own.png"]
    assert sum(path.startswith("media/images/") for path in expected) == 6 and "notes.txt" in expected
    stopped = run_bulk("import", folder / "wandb", *place, check=65)
    assert "symbolic link" in stopped.stderr and "--map" in stopped.stderr

    summary = run_bulk("import", folder / "wandb", *place, "--map", f"{folder}={folder}", "--json", check=0).json
    placed = summary["artifacts"]
    assert (placed["files"] + placed["present"], placed["faults"]) == (len(expected), 0)
    assert downloaded(target) == expected
    again = run_bulk("import", folder / "wandb", *place, "--map", f"{folder}={folder}", "--json", check=0).json
    assert (again["artifacts"]["files"], again["artifacts"]["present"]) == (0, len(expected))


def test_links_that_no_map_speaks_of_are_named_and_left_out(with_files, new_sqlite_db, tmp_path, run_bulk):
    folder, files = with_files
    db = new_sqlite_db()
    place = ["--to", db.uri, "--artifacts", "copy", "--artifact-root", tmp_path / "root", "--on-error", "skip"]
    elsewhere = ["--map", f"{folder}/model={folder}/model"]
    summary = run_bulk("import", folder / "wandb", *place, *elsewhere, "--json", check=2).json
    [note] = [n for n in notes(summary, "reject")]
    assert note["code"] == "link-skipped" and note["path"].endswith("own.png")
    assert downloaded(db) == digests(files, (folder / "model").resolve())
