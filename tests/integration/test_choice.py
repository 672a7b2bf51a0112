"""--experiment and --run: only that part of a store, whatever keeps it, and nothing that leads out of it."""

import json

import pytest

from programs import MLFLOW_HEADS, ORACLE, ROOT
from summaries import check_summary, counts
from test_traces import traced  # noqa: F401

CANNOT_READ = 66
SAMPLE = ROOT / "samples" / "mlruns"
KINDS = ["filestore", "sqlite", "postgres"]
OPTIONS = [("--experiment", "digits"), ("--run", "{run}"), ("--experiment", "digits", "--run", "{run}")]


@pytest.fixture(params=KINDS)
def store(request, run_bulk, new_db):
    """The sample store, kept in each of the ways."""
    if request.param == "filestore":
        return SAMPLE
    db = new_db(request.param, MLFLOW_HEADS["3.1.4"])
    run_bulk("import", SAMPLE, "--to", db.uri, check=0)
    return db.uri


def export(run_bulk, store, *options):
    result = run_bulk("export", store, "--json", *options, check=0)
    return [json.loads(line) for line in result.stdout.splitlines()], json.loads(result.stderr)


def part_of(lines, name, run):
    """The lines that an experiment, or one run of it, is to be left of all."""
    runs = {r["run_id"] for r in lines if r["type"] == "run" and r["experiment"] == name and run in (None, r["run_id"])}
    models = {
        r["model_id"]
        for r in lines
        if r["type"] == "logged_model" and r["experiment"] == name and run in (None, r.get("source_run_id"))
    }
    versions = {(r["name"], r["version"]) for r in lines if r["type"] == "model_version" and r.get("run_id") in runs}

    def belongs(r):
        if r["type"] == "mltrack":
            return True
        if r["type"] == "registered_model":
            return r["name"] in {name for name, _ in versions}
        if r["type"] == "model_version":
            return (r["name"], r["version"]) in versions
        if "model_id" in r and r["model_id"] not in models:
            return False
        if "run_id" in r:
            return r["run_id"] in runs
        return r["name"] == name if r["type"] == "experiment" else r["experiment"] == name

    kept = [r for r in lines if belongs(r)]
    for r in kept:
        if "aliases" in r:
            r["aliases"] = {a: v for a, v in r["aliases"].items() if (r["name"], int(v)) in versions}
            if not r["aliases"]:
                del r["aliases"]
    return kept


@pytest.mark.parametrize("options", OPTIONS, ids=["experiment", "run", "both"])
def test_only_what_is_chosen_is_exported(run_bulk, store, options):
    lines, _ = export(run_bulk, store)
    run = max(r["run_id"] for r in lines if r["type"] == "model_version")
    options = [o.format(run=run) for o in options]
    chosen, said = export(run_bulk, store, *options)
    key = json.dumps
    assert sorted(map(key, chosen)) == sorted(map(key, part_of(lines, "digits", run if "--run" in options else None)))
    n_runs = sum(r["type"] == "run" for r in chosen)
    assert n_runs == (1 if "--run" in options else 4)
    assert said["ignored"]["other runs"] == 9 - n_runs and said["ignored"]["other experiments"] == 2


@pytest.mark.parametrize("to", ["sqlite", "postgres"])
def test_only_what_is_chosen_is_imported(run_bulk, store, new_db, to):
    target = new_db(to, MLFLOW_HEADS["3.1.4"])
    command = ("import", store, "--to", target.uri, "--experiment", "digits-search", "--readers", "3", "--json")
    said = check_summary(run_bulk(*command, check=0))
    assert counts(said, "inserted")["runs"] == 5 and "registered_models" not in counts(said, "read")
    assert said["ignored"]["other model versions"] == 3
    names = {n for (n,) in target.query("SELECT name FROM experiments")}
    assert names - {"Default"} == {"digits-search"}
    again = check_summary(run_bulk(*command, check=0))
    assert not counts(again, "inserted") and counts(again, "present")["runs"] == 5


@pytest.mark.parametrize(
    "options",
    [
        ("--experiment", "nothing"),
        ("--run", "0" * 32),
        ("--experiment", "digits-search", "--run", "0fd630f1f29d4da9953f48f1a09f76b5"),
    ],
)
def test_what_does_not_exist_is_said_before_anything_is_written(run_bulk, store, tmp_path, options):
    for command in (
        ("import", store, "--to", f"sqlite:///{tmp_path}/new.db"),
        ("export", store, "-o", tmp_path / "lines.jsonl"),
    ):
        result = run_bulk(*command, *options, check=CANNOT_READ)
        what = "run" if "--run" in options else "experiment"
        assert f"no {what} of " in result.stderr and f"'{options[-1]}'" in result.stderr
    assert not list(tmp_path.iterdir())


def test_traces_come_with_their_experiment(run_bulk, traced, new_sqlite_db):  # noqa: F811
    source, _ = traced("sqlite")
    for options, n in ((("--experiment", "first"), 4), (("--run", traced("sqlite")[1]["run"]), 0)):
        target = new_sqlite_db(MLFLOW_HEADS[ORACLE])
        said = check_summary(run_bulk("import", source.owner_uri, "--to", target.uri, "--json", *options, check=0))
        assert counts(said, "inserted").get("trace_info", 0) == n
        assert target.query("SELECT count(*) FROM entity_associations") == [(0,)]
        assert said["ignored"]["rows about others"]


def test_evaluation_datasets_stay_and_that_is_said(run_bulk, traced, new_sqlite_db):  # noqa: F811
    """They may belong to several experiments."""
    source, _ = traced("sqlite")
    held = source.query("SELECT count(*) FROM evaluation_datasets")[0][0]
    assert held
    for options in (("--experiment", "first"), ("--run", traced("sqlite")[1]["run"])):
        target = new_sqlite_db(MLFLOW_HEADS[ORACLE])
        command = ("import", source.uri, "--to", target.uri, *options)
        assert f"{held} evaluation dataset" in run_bulk(*command, check=0).stdout
        said = check_summary(run_bulk(*command, "--json", check=0))
        assert said["ignored"]["evaluation datasets"] == held
        assert target.query("SELECT count(*) FROM evaluation_datasets") == [(0,)]
