"""Directories written by the real mlflow-export-import from a real tracking server: what comes in equals the database
they were exported from, where the tool's own importer would give new ids and times."""

import json
import sqlite3

import pytest

from compare_stores import compare
from mlflow_server import MlflowServer
from mlflow_tools import STORES
from programs import MLFLOW_HEADS, ORACLE, mlflow_run, tool_env
from shared import made_once
from test_size import allowed, peak_megabytes

# The release of the tool on the package index needs MLflow 2 as its client; the server may be newer. Later ones, not
# released there, also write the inputs of runs and logged models: AS_NEWER adds those the way their sources do.
VERSION = "2.22.5"
NEWER = "3.10.1"

AS_NEWER = """
import json, sys
from pathlib import Path
from mlflow.tracking import MlflowClient
def plain(thing):
    return {k[1:]: v for k, v in thing.__dict__.items()}
client, root = MlflowClient(tracking_uri=sys.argv[1]), Path(sys.argv[2])
for path in root.rglob("run.json"):
    document = json.loads(path.read_text())
    run = client.get_run(document["mlflow"]["info"]["run_id"])
    document["mlflow"]["inputs"] = [
        {"dataset": plain(i.dataset), "tags": [plain(t) for t in i.tags]} for i in run.inputs.dataset_inputs
    ]
    path.write_text(json.dumps(document, indent=2) + "\\n")
for model_id in sys.argv[3:]:
    model = plain(client.get_logged_model(model_id))
    model["status"] = model["status"].value
    model["metrics"] = [plain(m) for m in model["metrics"] or []]
    folder = root / "logged_models" / model_id
    folder.mkdir(parents=True)
    (folder / "logged_model.json").write_text(json.dumps({"system": {}, "mlflow": model}, indent=2) + "\\n")
print(json.dumps(True))
"""


class Export:
    """A database, and what the tool makes of its server: folders all, run, experiment, model."""

    def __init__(self, folder, info):
        self.folder, self.info = folder, info
        self.uri = f"sqlite:///{folder}/mlflow.db"


# Each [module, arguments...] of the tool, in one process: importing MLflow takes longer than exporting.
EXPORT = """
import json, runpy, sys
for module, *args in json.loads(sys.argv[1]):
    sys.argv = [module, *args]
    try:
        runpy.run_module("mlflow_export_import." + module, run_name="__main__")
    except SystemExit as end:
        assert not end.code, end.code
print(json.dumps(True))
"""


def make_export(folder, version):
    server = MlflowServer(version, f"sqlite:///{folder}/mlflow.db", folder)
    try:
        info = mlflow_run(version, STORES / "make_export_store.py", server.url)
        calls = [["bulk.export_all", "--output-dir", f"{folder}/all"]]
        if version == VERSION:
            calls.append(["run.export_run", "--run-id", info["runs"][0], "--output-dir", f"{folder}/run"])
            calls.append(["model.export_model", "--model", "digits", "--output-dir", f"{folder}/model"])
        env = tool_env() | {"MLFLOW_TRACKING_URI": server.url}
        mlflow_run(VERSION, EXPORT, json.dumps(calls), env=env)
        if version == NEWER:
            mlflow_run(version, AS_NEWER, server.url, folder / "all", *info["models"])
    finally:
        server.close()
    return info


@pytest.fixture(scope="module", params=[VERSION, NEWER])
def exported(request, tmp_path_factory):
    version = request.param
    folder, info = made_once(tmp_path_factory, f"export-{version}", lambda folder: make_export(folder, version))
    return Export(folder, info)


def left_out(exported):
    """What the export does not hold at all."""
    if not exported.info["models"]:
        return {"datasets", "inputs", "input_tags"}
    return set()


def test_an_export_of_everything_comes_back_as_it_was(exported, target, run_bulk):
    run_bulk("import", exported.folder / "all", "--to", target.uri, "--on-error", "stop", check=0)
    found = compare(exported.uri, target.owner_uri)
    differences = [str(d) for d in found if d.table not in left_out(exported)]
    assert not differences
    assert found.rows["metrics"][0] > 10000


def test_importing_again_finds_everything_there(exported, target, run_bulk):
    run_bulk("import", exported.folder / "all", "--to", target.uri, check=0)
    again = run_bulk("import", exported.folder / "all", "--to", target.uri, "--json", check=0).json
    assert sum(t["inserted"] for t in again["tables"].values()) == 0
    assert again["tables"]["runs"]["present"] == len(exported.info["runs"]) + 1


@pytest.mark.parametrize("exported", [VERSION], indirect=True)
def test_a_run_alone_needs_a_name_for_its_experiment(exported, new_sqlite_db, run_bulk):
    for given, name in (((), f"experiment_{exported.info['first']}"), (("--experiment", "mine"), "mine")):
        db = new_sqlite_db()
        run_bulk("import", exported.folder / "run", "--to", db.uri, *given, check=0)
        assert db.query("SELECT name FROM experiments WHERE name <> 'Default'") == [(name,)]
        assert db.query("SELECT run_uuid, end_time FROM runs") == [(exported.info["runs"][0], 1_700_000_001_000)]


@pytest.mark.parametrize("exported", [VERSION], indirect=True)
def test_a_model_brings_its_runs_and_the_names_of_their_experiments(exported, new_sqlite_db, run_bulk):
    db = new_sqlite_db()
    run_bulk("import", exported.folder / "model", "--to", db.uri, check=0)
    source = sqlite3.connect(exported.folder / "mlflow.db")
    for sql in (
        "SELECT e.name, r.run_uuid, r.start_time, e.artifact_location FROM runs r JOIN experiments e USING"
        " (experiment_id) WHERE r.run_uuid IN (SELECT run_id FROM model_versions) ORDER BY 2",
        "SELECT name, version, current_stage, creation_time, run_id, description FROM model_versions ORDER BY 2",
        "SELECT name, alias, version FROM registered_model_aliases ORDER BY 2",
    ):
        assert db.query(sql) == source.execute(sql).fetchall() != []
    source.close()


@pytest.mark.parametrize("exported", [VERSION], indirect=True)
def test_a_cut_document_is_named_with_its_line(exported, tmp_path, run_bulk):
    whole = exported.folder / "run" / "run.json"
    text = whole.read_text()
    cut = text[: len(text) * 2 // 3]
    (tmp_path / "run.json").write_text(cut)
    done = run_bulk("import", tmp_path, "--to", f"sqlite:///{tmp_path}/x.db")
    assert done.returncode == 65
    assert f"run.json:{cut.count(chr(10)) + 1}: it is no JSON: it ends before the document does" in done.stderr


def test_memory_does_not_grow_with_a_run(bulk, new_db, tmp_path):
    info = {"run_id": "f" * 32, "experiment_id": "1", "status": "FINISHED", "user_id": "u", "start_time": 1}
    with open(tmp_path / "run.json", "w") as out:
        out.write('{"system": {"mlflow_tracking_uri": ""}, "mlflow": {"info": %s, "metrics": {"m": [' % json.dumps(info))
        out.write(",\n".join('{"value": %d.5, "timestamp": %d, "step": %d}' % (i, i, i) for i in range(1_000_000)))
        out.write(']}, "params": {}, "tags": {}}}\n')
    db = new_db("sqlite", MLFLOW_HEADS[ORACLE])
    peak = peak_megabytes(bulk, tmp_path, db, tmp_path)
    assert db.query("SELECT count(*) FROM metrics") == [(1_000_000,)]
    assert peak < allowed(bulk)
