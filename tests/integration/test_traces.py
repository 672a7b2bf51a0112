"""Traces, evaluation datasets and scorers: copied as they are between databases that keep them in the same tables, else
counted and named."""

import json

import pytest

from databases import COPIED, SqliteDatabase, rows_by_table
from mlflow_tools import STORES
from pg_server import role_for
from programs import MLFLOW_HEADS, ORACLE, mlflow_run
from shared import made_once
from summaries import check_summary, counts, notes

KINDS = ["sqlite", "postgres"]
GENERATED = {"spans": {"duration_ns"}}
FILLED = set(COPIED)

# What the real client sees, whatever the ids of the experiments are.
READ = """
import json, sys
import mlflow
from mlflow.tracking import MlflowClient
from mlflow.tracking._tracking_service.utils import _get_store
from mlflow.genai.datasets import get_dataset

def seen(uri, dataset):
    mlflow.set_tracking_uri(uri)
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    out = {}
    for name in ("first", "second"):
        experiment = client.get_experiment_by_name(name)
        traces = client.search_traces(locations=[experiment.experiment_id], include_spans=True)
        out[name] = sorted(
            ([t.info.trace_id, t.info.tags, t.info.trace_metadata, str(t.info.state), t.info.request_time,
              t.info.request_preview, [s.to_dict() for s in t.data.spans],
              sorted(str(a.to_dictionary()) for a in t.info.assessments)] for t in traces), key=lambda t: t[0])
        for t in out[name]:
            t[1].pop("mlflow.artifactLocation", None)
        out[name + " scorers"] = [
            [s.scorer_name, s.scorer_version, s._serialized_scorer] for s in _get_store(uri).list_scorers(experiment.experiment_id)]
    found = get_dataset(dataset_id=dataset)
    records, _ = _get_store(uri)._load_dataset_records(dataset)
    names = {e.experiment_id: e.name for e in client.search_experiments()}
    out["dataset"] = [found.name, found.tags, found.digest, sorted(names[e] for e in found.experiment_ids),
                      sorted(json.dumps(r.to_dict(), sort_keys=True) for r in records)]
    return out

print(json.dumps([seen(uri, sys.argv[1]) for uri in sys.argv[2:]]))
"""


def add_metrics(db):
    """Tables that this release of MLflow fills for few models alone."""
    span = db.query("SELECT trace_id, span_id FROM spans ORDER BY 2 LIMIT 1")[0]
    db.query("INSERT INTO span_metrics (trace_id, span_id, key, value) VALUES (%s, %s, 'input_cost', 0.1)", span)
    db.query("INSERT INTO trace_metrics (request_id, key, value) VALUES (%s, 'total_tokens', 3)", span[:1])


def make_file(folder):
    info = mlflow_run(ORACLE, STORES / "make_traces.py", f"sqlite:///{folder}/mlflow.db")
    add_metrics(SqliteDatabase(folder / "mlflow.db"))
    return info


@pytest.fixture(scope="session")
def traced(tmp_path_factory, request):
    """traced(kind) -> (a database with traces and all, what is in it); for reading only."""
    made = {}

    def get(kind):
        if kind == "sqlite":
            folder, info = made_once(tmp_path_factory, "traces", make_file)
            return SqliteDatabase(folder / "mlflow.db"), info
        if kind not in made:
            db = request.getfixturevalue("pg_server").create_database()
            made[kind] = db, mlflow_run(ORACLE, STORES / "make_traces.py", db.psycopg2)
            add_metrics(db)
        return made[kind]

    return get


def columns(db, table):
    if db.kind == "sqlite":
        names = [name for (name,) in db.query(f"SELECT name FROM pragma_table_xinfo('{table}')")]
    else:
        names = [
            name
            for (name,) in db.query(
                "SELECT column_name FROM information_schema.columns WHERE table_name = %s"
                " AND table_schema = current_schema()",
                (table,),
            )
        ]
    return sorted(names)


def rows(db, table):
    """Every row as a dict in a fixed order: experiments by their names, JSON as it is stored."""
    experiments = {str(i): name for i, name in db.query("SELECT experiment_id, name FROM experiments")}
    names = columns(db, table)
    text = {"inputs", "expectations", "tags", "source", "outputs"} if table == "evaluation_dataset_records" else set()
    sql = ", ".join(f'CAST("{n}" AS TEXT)' if n in text else f'"{n}"' for n in names)
    found = []
    for values in db.query(f"SELECT {sql} FROM {table}"):
        row = dict(zip(names, values))
        if "experiment_id" in row and row["experiment_id"] is not None:
            row["experiment_id"] = experiments[str(row["experiment_id"])]
        for end in ("source", "destination"):
            if row.get(f"{end}_type") == "experiment":
                row[f"{end}_id"] = experiments[row[f"{end}_id"]]
        found.append({k: int(v) if isinstance(v, bool) else v for k, v in row.items()})
    return sorted(found, key=lambda r: json.dumps(r, sort_keys=True, default=str))


def add_others(run_bulk, db, tmp_path):
    """Experiments that take the ids that those of the source have."""
    lines = tmp_path / "others.jsonl"
    lines.write_text("".join(json.dumps({"type": "experiment", "name": f"other {i}"}) + "\n" for i in range(9)))
    run_bulk("import", lines, "--to", db.uri, check=0)


@pytest.mark.parametrize("to", KINDS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_row_arrives(run_bulk, traced, new_db, tmp_path, kind, to):
    source, info = traced(kind)
    target = new_db(to, MLFLOW_HEADS[ORACLE])
    add_others(run_bulk, target, tmp_path)
    said = check_summary(run_bulk("import", source.uri, "--to", target.uri, "--json", check=0))
    assert said["ignored"] == {}
    assert {t for t in COPIED if counts(said, "inserted").get(t)} == FILLED
    for table in COPIED:
        assert columns(source, table) == columns(target, table)
        assert rows(target, table) == rows(source, table), table
        assert counts(said, "inserted")[table] == len(rows(source, table))
    moved = "SELECT experiment_id FROM experiments WHERE name = 'first'"
    assert source.query(moved) != target.query(moved)

    here, there = mlflow_run(ORACLE, READ, info["dataset"], *(getattr(d, "psycopg2", d.uri) for d in (source, target)))
    assert there == here and len(here["first"]) == 4 and here["second scorers"]

    again = check_summary(run_bulk("import", source.uri, "--to", target.uri, "--json", check=0))
    assert counts(again, "inserted") == {}
    assert counts(again, "present") == counts(said, "inserted") | counts(said, "present")


@pytest.mark.parametrize("load", ["append", "rebuild"])
def test_however_rows_go_in(run_bulk, traced, new_pg_db, load):
    source, _ = traced("sqlite")
    target = new_pg_db(MLFLOW_HEADS[ORACLE], role_for(load))
    run_bulk("import", source.uri, "--to", target.uri, "--load", load, "--batch-rows", "7", "--jobs", "4", check=0)
    for table in COPIED:
        assert rows(target, table) == rows(source, table), table


@pytest.mark.parametrize("head", ["3.1.4", "3.10.1", "2.22.5"])
def test_tables_of_another_shape_are_named(run_bulk, traced, new_db, head):
    source, _ = traced("sqlite")
    target = new_db("sqlite", MLFLOW_HEADS[head])
    said = check_summary(run_bulk("import", source.uri, "--to", target.uri, "--json", check=0))
    assert said["ignored"]["traces"] == 6 and said["ignored"]["spans"] == 24
    assert not {"trace_info", "spans", "entity_associations"} & set(counts(said, "read"))
    # what head 3.10 has in the same tables comes all the same
    same = head == "3.10.1"
    assert (counts(said, "inserted").get("scorer_versions") == 3) == same
    assert ("scorers" not in said["ignored"]) == same


@pytest.mark.parametrize("to", KINDS)
def test_a_dry_run_says_the_same(run_bulk, traced, new_db, to):
    source, _ = traced("sqlite")
    target = new_db(to, MLFLOW_HEADS[ORACLE])
    before = target.dump()
    dry = run_bulk("import", source.uri, "--to", target.uri, "--json", "--dry-run", check=0).json
    assert target.dump() == before
    real = run_bulk("import", source.uri, "--to", target.uri, "--json", check=0).json
    assert counts(dry, "inserted") == counts(real, "inserted")


@pytest.mark.parametrize("to", KINDS)
def test_what_differs_is_a_conflict_of_its_row(run_bulk, traced, new_db, to):
    source, info = traced("sqlite")
    target = new_db(to, MLFLOW_HEADS[ORACLE])
    run_bulk("import", source.uri, "--to", target.uri, check=0)
    trace = info["traces"][0]
    target.query("UPDATE trace_tags SET value = 'mine' WHERE request_id = %s AND key = 'tag'", (trace,))
    target.query("DELETE FROM spans WHERE trace_id = %s", (trace,))
    said = check_summary(
        run_bulk("import", source.uri, "--to", target.uri, "--json", "--on-error", "skip", check=2)
    )
    assert [(n["code"], n["table"]) for n in notes(said, "conflict")] == [("row-conflict", "trace_tags")]
    assert counts(said, "inserted")["spans"] == 4
    assert target.query("SELECT value FROM trace_tags WHERE request_id = %s AND key = 'tag'", (trace,)) == [("mine",)]


@pytest.mark.parametrize("to", KINDS)
def test_a_row_takes_with_it_what_belongs_to_it(run_bulk, traced, new_db, copy_db, to):
    """A scorer of another id under the same name, orphans, text that does not fit, an experiment that is deleted there."""
    source, info = copy_db(traced("sqlite")[0]), traced("sqlite")[1]
    target = new_db(to, MLFLOW_HEADS[ORACLE])
    run_bulk("import", source.uri, "--to", target.uri, check=0)
    for table in reversed(COPIED):
        target.query(f"DELETE FROM {table}")
    target.query("UPDATE experiments SET lifecycle_stage = 'deleted' WHERE name = 'second'")
    first = target.query("SELECT experiment_id FROM experiments WHERE name = 'first'")[0][0]
    target.query("INSERT INTO scorers VALUES (%s, 'tone', 'theirs')", (first,))
    source.query("DELETE FROM trace_info WHERE request_id = %s", (info["traces"][1],))
    source.query("UPDATE trace_info SET status = CAST(x'ff' AS TEXT) WHERE request_id = %s", (info["traces"][2],))
    said = check_summary(
        run_bulk("import", source.uri, "--to", target.uri, "--json", "--on-error", "skip", check=2)
    )
    assert target.query("SELECT request_id FROM trace_info ORDER BY 1") == sorted(
        (t,) for t in (info["traces"][0], info["traces"][3])
    )
    codes = {(n["code"], n["table"]) for n in [*notes(said, "reject"), *notes(said, "conflict")]}
    assert {
        ("bad-value", "trace_info"),
        ("owner-rejected", "trace_info"),
        ("owner-rejected", "spans"),
        ("no-owner", "spans"),
        ("row-conflict", "scorers"),
        ("owner-rejected", "scorer_versions"),
    } <= codes
    assert counts(said, "rejected")["scorer_versions"] == 3
    assert target.query("SELECT count(*) FROM scorer_versions") == [(0,)]


@pytest.mark.parametrize("to", KINDS)
@pytest.mark.owner("an undo removes rows, which who may import may not")
def test_what_was_copied_is_undone(run_bulk, traced, new_db, copy_db, to):
    source, _ = traced("sqlite")
    target = new_db(to, MLFLOW_HEADS[ORACLE])
    before = rows_by_table(target)
    said = run_bulk("import", source.uri, "--to", target.uri, "--json", "--batch-rows", "20", check=0).json
    assert set(COPIED) <= set(counts(said, "inserted"))
    undone = run_bulk("undo", "1", "--to", target.uri, "--json", check=0).json
    assert undone["left"] == []
    assert undone["removed"] == counts(said, "inserted")
    assert rows_by_table(target) == before


@pytest.mark.parametrize("to", KINDS)
@pytest.mark.owner("an undo removes rows, which who may import may not")
def test_a_trace_that_somebody_has_added_to_stays_whole(run_bulk, traced, new_db, to):
    source, info = traced("sqlite")
    target = new_db(to, MLFLOW_HEADS[ORACLE])
    run_bulk("import", source.uri, "--to", target.uri, check=0)
    trace = info["traces"][0]
    of_trace = {"trace_info": "request_id", "trace_tags": "request_id", "spans": "trace_id", "assessments": "trace_id"}
    held = {t: target.query(f"SELECT count(*) FROM {t} WHERE {c} = %s", (trace,)) for t, c in of_trace.items()}
    target.query("INSERT INTO trace_tags (request_id, key, value) VALUES (%s, 'theirs', 'x')", (trace,))
    said = run_bulk("undo", "1", "--to", target.uri, "--json", check=0).json
    assert ("trace_info", trace) in {(i["table"], i["name"]) for i in said["left"]}
    now = {t: target.query(f"SELECT count(*) FROM {t} WHERE {c} = %s", (trace,)) for t, c in of_trace.items()}
    held["trace_tags"] = [(held["trace_tags"][0][0] + 1,)]
    assert now == held
    others = set(info["traces"]) - {trace}
    assert not others & {t for (t,) in target.query("SELECT request_id FROM trace_info")} - stays(said)
    target.query("DELETE FROM trace_tags WHERE key = 'theirs'")
    again = run_bulk("undo", "1", "--to", target.uri, "--json", check=0).json
    assert again["left"] == [] and again["removed"]["trace_info"] >= 1
    assert target.query("SELECT count(*) FROM trace_info") == [(0,)]
    assert target.query("SELECT count(*) FROM runs") == [(0,)]


def stays(said):
    return {i["name"] for i in said["left"] if i["table"] == "trace_info"}
