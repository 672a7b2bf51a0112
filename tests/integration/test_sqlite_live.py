"""mltrack-bulk imports into the SQLite file of a live MLflow, which goes on writing and reading: no error on either
side, and every row of both is there afterwards."""

import json
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

import programs

EXPERIMENT = "123456789012345678"
RUNS, KEYS, STEPS = 300, 10, 50  # some seconds of importing, in hundreds of transactions


def make_filestore(root):
    """A FileStore of RUNS runs, each with KEYS curves of STEPS points."""
    experiment = root / EXPERIMENT
    (experiment / "tags").mkdir(parents=True)
    (experiment / "meta.yaml").write_text(
        f"artifact_location: file:///srv/{EXPERIMENT}\ncreation_time: 1700000000000\nexperiment_id: '{EXPERIMENT}'\n"
        "last_update_time: 1700000000000\nlifecycle_stage: active\nname: imported\n"
    )
    for number in range(RUNS):
        run_id = f"{number:032x}"
        run = experiment / run_id
        for folder in ("metrics", "params", "tags", "artifacts"):
            (run / folder).mkdir(parents=True)
        (run / "meta.yaml").write_text(
            f"artifact_uri: file:///srv/{EXPERIMENT}/{run_id}/artifacts\nend_time: 1700000001000\nentry_point_name: ''\n"
            f"experiment_id: '{EXPERIMENT}'\nlifecycle_stage: active\nrun_id: '{run_id}'\nrun_name: r{number}\n"
            "source_name: ''\nsource_type: 4\nsource_version: ''\nstart_time: 1700000000000\nstatus: 3\ntags: []\n"
            "user_id: tester\n"
        )
        (run / "params" / "p").write_text(str(number))
        (run / "tags" / "mlflow.runName").write_text(f"r{number}")
        for key in range(KEYS):
            lines = (f"{1700000000000 + step} {step / 3} {step}\n" for step in range(STEPS))
            (run / "metrics" / f"m{key}").write_text("".join(lines))
    return root


class LiveMlflow:
    """An MLflow store of its own process, in use from entry to exit: FOLDER/mlflow.db, or `uri`."""

    def __init__(self, version, folder, journal, uri=None):
        self.folder, self.path = folder, folder / "mlflow.db"
        if journal == "wal":
            connection = sqlite3.connect(self.path)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.close()
        script = Path(__file__).with_name("live_writer.py")
        command = [programs.mlflow_python(version), script, uri or f"sqlite:///{self.path}", folder / "artifacts", folder]
        self.process = subprocess.Popen(
            list(map(str, command)),
            env=programs.mlflow_env(programs.private_home()),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self):
        deadline = time.monotonic() + 180
        while not (self.folder / "ready").exists():
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < deadline, "the live MLflow did not start"
            time.sleep(0.05)
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def importing(self, on):
        mark = self.folder / "importing"
        mark.touch() if on else mark.unlink()

    def stop(self):
        (self.folder / "stop").touch()
        out, errors = self.process.communicate(timeout=120)
        assert self.process.returncode == 0, f"the live MLflow failed:\n{out}\n{errors}"
        return json.loads(out.splitlines()[-1])


def one(path, sql):
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql).fetchone()[0]
    finally:
        connection.close()


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_an_import_and_a_live_mlflow_share_a_file(run_bulk, tmp_path, journal):
    source = make_filestore(tmp_path / "mlruns")
    with LiveMlflow(programs.ORACLE, tmp_path, journal) as live:
        live.importing(True)
        args = ("import", source, "--to", f"sqlite:///{live.path}", "--batch-rows", "400", "--json")
        first = run_bulk(*args, check=0).json
        live.importing(False)
        second = run_bulk(*args, check=0).json
        outcome = live.stop()
    assert one(live.path, "PRAGMA journal_mode") == journal
    assert outcome["while_importing"] > 0, "the two did not meet: nothing was tested"
    assert outcome["slowest"] < 15, "MLflow gives up on a lock after 20 s"
    imported = f"FROM {{}} WHERE run_uuid IN (SELECT run_uuid FROM runs WHERE experiment_id = {EXPERIMENT})"
    assert one(live.path, "SELECT count(*) " + imported.format("runs")) == RUNS
    assert one(live.path, "SELECT count(*) " + imported.format("metrics")) == RUNS * KEYS * STEPS
    assert one(live.path, "SELECT count(*) " + imported.format("latest_metrics")) == RUNS * KEYS
    assert one(live.path, "SELECT count(*) FROM runs") == RUNS + len(outcome["runs"])
    assert one(live.path, "SELECT count(*) FROM metrics") == RUNS * KEYS * STEPS + 30 * len(outcome["runs"])
    assert one(live.path, "PRAGMA integrity_check") == "ok"
    assert one(live.path, "SELECT count(*) FROM pragma_foreign_key_check") == 0
    assert first["tables"]["metrics"]["inserted"] == second["tables"]["metrics"]["present"] == RUNS * KEYS * STEPS
    assert first["batches"] > 50
