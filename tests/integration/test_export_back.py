"""Export and import: what comes out goes in again, equal."""

import pytest

import mutate
from equality import assert_equal_stores
from programs import MLFLOW_HEADS
from summaries import check_summary
from test_export import HEAD, KINDS, PLACES, export, hostile, without  # noqa: F401
from test_import_database import MENDED, full_databases  # noqa: F401


@pytest.mark.parametrize("to", KINDS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("version", ["2.22.5", "3.17.2"])
def test_a_store_comes_back_equal(run_bulk, full_databases, new_db, tmp_path, version, kind, to):  # noqa: F811
    source = full_databases(version, kind)
    file = tmp_path / "store.jsonl"
    said = run_bulk("export", source.owner_uri, "-o", file, "--json", check=0).json
    assert (said["command"], said["status"], said["error"]) == ("export", "ok", None)
    assert said["bytes"] == file.stat().st_size
    assert said["ignored"]["traces"] == 3

    target = new_db(to, MLFLOW_HEADS[version])
    summary = check_summary(run_bulk("import", file, "--to", target.uri, "--json", check=0), db=target)
    assert_equal_stores(source, target, ignore=MENDED.get(version, {}))
    assert {t: c["written"] for t, c in said["tables"].items()} == {
        t: c["read"] for t, c in summary["tables"].items() if t in said["tables"]
    }

    again, _ = export(run_bulk, target)
    first = file.read_text().splitlines(keepends=True)
    if to == "sqlite" or kind == "postgres":  # ids of experiments are kept
        assert again == first
    else:
        assert without(again, {"experiment_id"}) == without(first, {"experiment_id"})


def test_a_file_store_of_the_corpus_comes_back(run_bulk, corpus_filestore, new_db, tmp_path):
    file = tmp_path / "store.jsonl.zst"
    run_bulk("export", corpus_filestore, "-o", file, check=0)
    direct, back = new_db("sqlite", HEAD), new_db("postgres", HEAD)
    run_bulk("import", corpus_filestore, "--to", direct.uri, check=0)
    run_bulk("import", file, "--to", back.uri, check=0)
    assert_equal_stores(direct, back)


@pytest.mark.parametrize("to", KINDS)
def test_hostile_data_come_back(run_bulk, hostile, new_db, tmp_path, to):  # noqa: F811
    file = tmp_path / "hostile.jsonl.gz"
    run_bulk("export", hostile.uri, "-o", file, check=0)
    target = new_db(to, HEAD)
    run_bulk("import", file, "--to", target.uri, check=0)
    assert_equal_stores(hostile, target, ignore=("experiments.artifact_location", "runs.artifact_uri"))


@pytest.mark.parametrize("to", KINDS)
@pytest.mark.parametrize("kind", sorted(mutate.MAKERS))
def test_every_source_has_a_twin(run_bulk, new_db, tmp_path, kind, to):
    """A source's own lines make the same store as the source; the store's lines make it again."""
    source, own, of_store = tmp_path / "source", tmp_path / "own.jsonl", tmp_path / "store.jsonl"
    source.mkdir()
    mutate.MAKERS[kind](source)
    [source] = source.iterdir() if kind in ("filestore", "sqlite", "jsonl", "jsonl-gzip") else [source]
    direct, by_lines, twin = new_db("sqlite", HEAD), new_db(to, HEAD), new_db("sqlite", HEAD)
    run_bulk("import", source, "--to", direct.uri, check=0)
    run_bulk("export", source, "-o", own, check=0)
    run_bulk("import", own, "--to", by_lines.uri, check=0)
    run_bulk("export", direct.uri, "-o", of_store, check=0)
    run_bulk("import", of_store, "--to", twin.uri, check=0)
    first = of_store.read_text().splitlines(keepends=True)
    assert export(run_bulk, twin)[0] == first and len(first) > 5
    made = set() if kind in ("filestore", "sqlite") else {"creation_time", "last_update_time"}  # when it was imported
    assert without(export(run_bulk, by_lines)[0], PLACES | made) == without(first, PLACES | made)
