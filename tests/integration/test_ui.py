"""The stock MLflow UI, in a real browser, shows what we imported. Leaves its screenshot in out/ui-charts.png; the one
in docs/ was made by this test."""

import json

import pytest

from browser import Browser
from mlflow_server import MlflowServer
from programs import MLFLOW_HEADS, ORACLE, ROOT

SAMPLE = ROOT / "samples" / "mlruns"
CURVES = ["train/loss", "train/accuracy", "val/loss", "val/accuracy"]
DRAWN = "document.querySelectorAll('.js-plotly-plot .scatterlayer .trace .js-line').length >= 4"
CLOSE_ASSISTANT = "document.querySelector('[data-component-id=\"mlflow.assistant.chat_panel.close\"]')?.click()"
FOLD_FIRST_SECTION = (
    "[...document.querySelectorAll('[aria-expanded=true]')].find(e => e.innerText.includes('holdout')).click()"
)
HIDE_CHART_TOOLS = (
    "const style = document.createElement('style'); style.textContent = '.modebar { display: none }';"
    "document.head.append(style)"
)


@pytest.fixture
def server(run_bulk, new_pg_db, tmp_path):
    db = new_pg_db(MLFLOW_HEADS[ORACLE])
    run_bulk("import", SAMPLE, "--to", db.uri, check=0)
    server = MlflowServer(ORACLE, db.psycopg2, tmp_path)
    server.db = db
    yield server
    server.close()


@pytest.fixture
def browser(tmp_path):
    (tmp_path / "browser").mkdir()
    browser = Browser(tmp_path / "browser", 1200, 1060)
    yield browser
    browser.close()


def has_text(*words):
    return f"{json.dumps(words)}.every(w => document.body && document.body.innerText.includes(w))"


def test_the_ui_draws_the_charts_of_an_imported_run(server, browser):
    sql = "SELECT experiment_id, run_uuid FROM runs WHERE name = 'tuned'"
    experiment, run = server.db.query(sql)[0]
    browser.open(f"{server.url}/#/experiments/{experiment}/runs/{run}/model-metrics")
    browser.wait_for(has_text("tuned", "holdout"), "run page")
    for step in (CLOSE_ASSISTANT, FOLD_FIRST_SECTION, HIDE_CHART_TOOLS):
        browser.evaluate(step)
    browser.wait_for(has_text(*CURVES), "metric names")
    browser.wait_for(DRAWN, "curves drawn in the charts")
    shot = ROOT / "out" / "ui-charts.png"
    shot.parent.mkdir(exist_ok=True)
    browser.screenshot(shot)
    assert shot.read_bytes().startswith(b"\x89PNG") and shot.stat().st_size > 20000

    browser.open(f"{server.url}/#/experiments/{experiment}/runs/{run}")
    browser.wait_for(has_text("optimizer/name", "adamw", "digits-holdout", "Finished"), "params and datasets")
    browser.open(f"{server.url}/#/models/digits-classifier")
    browser.wait_for(has_text("digits-classifier", "Version 3", "champion"), "the registered model")
