"""Real stores, as people left them: our import gives the rows of the real `mlflow migrate-filestore`."""

import shutil

import pytest

from conftest import corpus_stores
from databases import SqliteDatabase
from equality import assert_equal_stores
from mlflow_tools import copy_without_duplicates, forget_invented_times, migrate_filestores
from programs import MLFLOW_HEADS, ORACLE
from shared import made_once
from summaries import check_summary, counts

pytestmark = pytest.mark.both


def migrate_all(folder):
    """Migrates every FileStore of the corpus to FOLDER/<n>.db. Returns how many duplicate lines each had, which
    migrate-filestore gives up on: such a store is migrated from a copy without them."""
    stores = [path for _, path in corpus_stores("filestore")]
    databases = [SqliteDatabase(folder / f"{n}.db") for n in range(len(stores))]
    duplicates, again = [0] * len(stores), []
    for n, outcome in enumerate(migrate_filestores(list(zip(stores, databases, strict=True)))):
        if outcome is not None:
            copy = folder / f"copy-{n}" / "mlruns"
            duplicates[n] = sum(copy_without_duplicates(stores[n], copy).values())
            assert duplicates[n] > 0, f"migrate-filestore gave up on {stores[n]}: {outcome}"
            databases[n].drop()
            again.append((copy, databases[n]))
    assert again == [] or migrate_filestores(again) == [None] * len(again)
    assert sum(forget_invented_times(db, path) for db, path in zip(databases, stores, strict=True)) > 0
    return duplicates


@pytest.fixture(scope="session")
def migrated(corpus, tmp_path_factory):
    """{mlruns folder: (database made by migrate-filestore, duplicate lines)}"""
    folder, duplicates = made_once(tmp_path_factory, "corpus", migrate_all)
    stores = [path for _, path in corpus_stores("filestore")]
    return {path: (SqliteDatabase(folder / f"{n}.db"), duplicates[n]) for n, path in enumerate(stores)}


def test_the_rows_are_those_of_migrate_filestore(run_bulk, corpus_filestore, migrated, target):
    oracle, duplicates = migrated[corpus_filestore]
    result = run_bulk("import", corpus_filestore, "--to", target.uri, "--json", check=0)
    summary = check_summary(result, db=target)
    assert counts(summary, "rejected") == {} and counts(summary, "present") == {}
    assert sum(counts(summary, "merged").values()) == duplicates
    assert_equal_stores(oracle, target)


def test_importing_again_changes_nothing(run_bulk, corpus_filestore, target):
    first = run_bulk("import", corpus_filestore, "--to", target.uri, "--json", check=0).json
    before = target.dump()
    second = check_summary(run_bulk("import", corpus_filestore, "--to", target.uri, "--json", check=0))
    assert target.dump() == before
    assert counts(second, "inserted") == {}
    assert counts(second, "present") == counts(first, "inserted")
    assert [(e["name"], e["id"]) for e in second["experiments"]] == [(e["name"], e["id"]) for e in first["experiments"]]
    assert not any(e["created"] for e in second["experiments"])


def test_a_dry_run_foretells_the_import_and_writes_nothing(run_bulk, corpus_filestore, target):
    before = target.dump()
    dry = check_summary(run_bulk("import", corpus_filestore, "--to", target.uri, "--dry-run", "--json", check=0))
    assert dry["dry_run"] is True
    assert target.dump() == before
    real = check_summary(run_bulk("import", corpus_filestore, "--to", target.uri, "--json", check=0), db=target)
    assert dry["tables"] == real["tables"]


def test_the_folder_above_mlruns_will_do(run_bulk, corpus_filestore, tmp_path):
    shutil.copytree(corpus_filestore, tmp_path / "mlruns")
    result = run_bulk("import", tmp_path, "--to", f"sqlite:///{tmp_path}/a.db", "--json", check=0)
    direct = run_bulk("import", corpus_filestore, "--to", f"sqlite:///{tmp_path}/b.db", "--json", check=0)
    assert check_summary(result)["tables"] == check_summary(direct)["tables"]


def test_a_new_sqlite_file_gets_the_same_rows(run_bulk, corpus_filestore, migrated, new_sqlite_db):
    db = new_sqlite_db()
    run_bulk("import", corpus_filestore, "--to", db.uri, "--mlflow-version", "3.17", "--json", check=0)
    assert db.query("SELECT version_num FROM alembic_version") == [(MLFLOW_HEADS[ORACLE],)]
    assert_equal_stores(migrated[corpus_filestore][0], db)
