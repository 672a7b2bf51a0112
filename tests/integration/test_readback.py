"""The real MLflow reads what we wrote: its client sees in the database what the same release's client sees in the
FileStore."""

import shutil

import pytest
from databases import SqliteDatabase
from mlflow_tools import full_store, read_stores
from programs import MLFLOW_HEADS, NEWEST, ORACLE, mlflow_run, run_bulk
from shared import made_once
from stores.filestore import small_store

pytestmark = pytest.mark.both

# These hold a NaN at the step and time of another value: FileStore's max() over them depends on their order in the
# file; the SQL store's rule is the one we follow, and test_import_full.py holds us to it.
UNORDERED = {"nan against five", "nan against minus one", "nan against zero", "nan is latest", "special"}


@pytest.fixture(scope="session", params=[NEWEST, ORACLE, "2.22.5"])
def read(request, bulk, tmp_path_factory):
    """(version, what is in the store, what its client reads from the FileStore, from our SQLite and Postgres)"""
    version = request.param

    def make(folder):
        full, info = full_store(tmp_path_factory, "2.22.5" if version == "2.22.5" else ORACLE)
        shutil.copytree(full / "mlruns", folder / "mlruns")
        # 3.17's own FileStore client no longer reads a run of MLflow 1.x (migrate-filestore does).
        shutil.rmtree(folder / "mlruns" / "0" / info["runs"].pop("old"))
        head = MLFLOW_HEADS[version]
        lite = SqliteDatabase(folder / "mlflow.db").load_head(head)
        pg = request.getfixturevalue("pg_server").create_database(head)
        for db in (lite, pg):
            run_bulk(bulk, "import", folder / "mlruns", "--to", db.uri, cwd=folder, check=0)
        filestore, *ours = read_stores(version, (folder / "mlruns").as_uri(), lite.uri, pg.psycopg2)
        heads = [db.query("SELECT version_num FROM alembic_version") for db in (lite, pg)]
        assert heads == [[(head,)]] * 2, "reading has migrated nothing"
        pg.drop()
        return info, as_sql_stores_it(filestore), ours

    return version, *made_once(tmp_path_factory, f"read-{version}", make)[1]


def as_sql_stores_it(seen):
    """FileStore's known differences from the SQL store that MLflow itself writes."""
    for run in seen["runs"].values():
        for key in UNORDERED & set(run["metrics"]):
            run["metrics"][key] = "by the SQL store's rule"
        # FileStore's reader gives step 0 for every point that names a dataset, though the file has the step.
        if "on/data" in run["histories"]:
            assert {step for step, _, _ in run["histories"]["on/data"]} == {0}
            run["histories"]["on/data"] = [[4, t, v] for _, t, v in run["histories"]["on/data"]]
    for model in seen["logged models"].values():  # logged models have no is_nan: the SQL store writes 0
        model[-1] = [["0.0" if field == "nan" else field for field in point] for point in model[-1]]
    return seen


@pytest.mark.parametrize("database", [0, 1], ids=["sqlite", "postgres"])
def test_mlflow_reads_the_same_as_from_the_filestore(read, database):
    version, info, expected, ours = read
    found = ours[database]
    assert set(found["runs"]) == set(info["runs"].values())
    for run in found["runs"].values():
        for key in UNORDERED & set(run["metrics"]):
            run["metrics"][key] = "by the SQL store's rule"
    for part in expected:
        assert_same(found[part], expected[part], f"MLflow {version}: {part}")


def assert_same(found, expected, where):
    """As ==, but says where."""
    if isinstance(found, dict) and isinstance(expected, dict):
        assert set(found) == set(expected), where
        for key in expected:
            assert_same(found[key], expected[key], f"{where} / {key}")
    else:
        assert found == expected, where


def test_the_store_read_back_is_a_rich_one(read):
    version, info, expected, _ = read
    rich = expected["runs"][info["runs"]["rich"]]
    assert len(rich["histories"]["loss"]) == 3000 and len(rich["params"]) > 15 and len(rich["datasets"]) == 2
    assert expected["searches"]["metrics.loss < 0.5"] and expected["searches"]["attributes.run_name = 'parent'"]
    assert len([k for k in expected["registry"] if "/" in k]) >= 6
    if version != "2.22.5":
        assert rich["outputs"] and any(r["model inputs"] for r in expected["runs"].values())
        assert len(expected["logged models"]) == 4


OPEN_DEFAULT = """
import json, sys
from mlflow.tracking import MlflowClient
client = MlflowClient(sys.argv[1])
names = sorted(e.name for e in client.search_experiments())
run = client.create_run(client.get_experiment_by_name("sound").experiment_id)
client.log_metric(run.info.run_id, "after", 1.0)
print(json.dumps(names))
"""


@pytest.mark.parametrize("version", ["3.1.4", "3.10.1", ORACLE, NEWEST])
def test_every_mlflow_3_opens_and_goes_on_with_a_new_sqlite_file(bulk, tmp_path, version):
    store = small_store(tmp_path / "mlruns")
    run_bulk(bulk, "import", store.root, "--to", f"sqlite:///{tmp_path}/mlflow.db", cwd=tmp_path, check=0)
    assert mlflow_run(version, OPEN_DEFAULT, f"sqlite:///{tmp_path}/mlflow.db") == ["Default", "sound"]
