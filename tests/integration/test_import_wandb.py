"""Offline runs logged by real releases of wandb: what comes in is what wandb's own reader finds in the same logs."""

import json
import math
import subprocess
from collections import defaultdict

import pytest

from programs import clean_env, mlflow_python
from shared import made_once
from mlflow_tools import STORES

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
