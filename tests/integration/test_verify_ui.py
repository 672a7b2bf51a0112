"""What mltrack-verify says about a store, and what MLflow's UI shows of it, are the same: before a damage, with it, and
after its repair."""

import json

import pytest

import programs
from browser import Browser
from mlflow_server import MlflowServer
from programs import MLFLOW_HEADS, ORACLE, ROOT

pytestmark = pytest.mark.owner("checks look at every table, and repairs change rows that are there")

SAMPLE = ROOT / "samples" / "mlruns"
METRIC = "val/accuracy"
WRONG = 0.123456
PICTURE = "[...document.querySelectorAll('img')].some(i => i.naturalWidth > 100 && i.naturalHeight > 100)"


def has_text(*words):
    return f"{json.dumps(words)}.every(w => document.body && document.body.innerText.includes(w))"


@pytest.fixture
def browser(tmp_path):
    (tmp_path / "browser").mkdir()
    browser = Browser(tmp_path / "browser", 1280, 1400)
    yield browser
    browser.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_the_ui_shows_what_verify_says(run_bulk, new_db, browser, tmp_path, kind):
    db = new_db(kind, MLFLOW_HEADS[ORACLE])
    root = tmp_path / "artifacts"
    run_bulk("import", SAMPLE, "--to", db.uri, "--artifacts", "copy", "--artifact-root", root, check=0)

    def verify(*args, check=0):
        program = programs.program_path("mltrack-verify")
        return programs.run_bulk(program, "--to", db.uri, "--json", *args, cwd=tmp_path, home=tmp_path, check=check).json

    (experiment, run), *_ = db.query("SELECT experiment_id, run_uuid FROM runs WHERE name = 'tuned'")
    where = f"WHERE run_uuid = '{run}' AND key = '{METRIC}'"
    ((right,),) = db.query(f"SELECT value FROM latest_metrics {where}")
    server = MlflowServer(ORACLE, getattr(db, "psycopg2", db.uri), tmp_path)
    page = f"{server.url}/#/experiments/{experiment}/runs/{run}"

    def shown(value, other):
        """The UI shows this latest value of the metric, to five places, and not the other."""
        browser.open("about:blank")
        browser.open(page)
        browser.wait_for(has_text(METRIC), "the metric's name")
        # The table of metrics: the value behind the name.
        row = f"document.body.innerText.split({json.dumps(METRIC)})[1].slice(0, 40)"
        browser.wait_for(f"{row}.includes({json.dumps(f'{value:.4f}'[:5])})", f"{METRIC} = {value}")
        assert f"{other:.4f}"[:5] not in browser.evaluate(row)

    try:
        clean = verify("--full", "--server", server.url)
        assert {f["code"] for f in clean["findings"]} <= {"source-missing"}  # the sample has no files of models
        assert clean["checked"]["runs_asked_about"] == clean["checked"]["runs"]
        shown(right, WRONG)
        browser.open(f"{page}/artifacts/plots/confusion.png")
        browser.wait_for(has_text("confusion.png"), "the artifact's name")
        browser.wait_for(PICTURE, "the artifact's picture")
        ((size,),) = [(p.stat().st_size,) for p in root.glob(f"*/{run}/artifacts/plots/confusion.png")]
        assert size > 200 and clean["checked"]["files"] >= 5

        db.query(f"UPDATE latest_metrics SET value = {WRONG} {where}")
        damaged = verify("--run", run, check=1)
        (finding,) = [f for f in damaged["findings"] if f["severity"] == "error"]
        assert (finding["code"], finding["id"], finding["field"]) == ("latest-wrong", run, METRIC)
        assert str(WRONG) in finding["text"] and str(right) in finding["text"]
        shown(WRONG, right)

        repaired = verify("--repair", "latest-metrics", "--yes")["repair"]
        assert repaired["done"] and repaired["rows"] == 1 and repaired["import"] == 2
        assert verify("--full", "--server", server.url)["findings"] == clean["findings"]
        shown(right, WRONG)
    finally:
        server.close()
