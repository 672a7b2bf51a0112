"""Downloads all artifacts with MLflow's client. Reads [{"uri": tracking URI, "models": bool}] from argument 1, prints for
each {"runs": {run id: {path: sha256}}, "models": {model id: ...}, "versions": {"name/1": ...}}."""

import hashlib
import json
import sys
import tempfile
from pathlib import Path

import mlflow
from mlflow.entities import ViewType
from mlflow.tracking import MlflowClient


def digests(folder):
    folder = Path(folder)
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def fetch(download):
    with tempfile.TemporaryDirectory() as folder:
        download(folder)
        return digests(folder)


def of_run(client, run_id):
    """MLflow fails on the artifacts of a run that has none."""
    if not client.list_artifacts(run_id):
        return {}
    return fetch(lambda folder: client.download_artifacts(run_id, "", folder))


def read(uri, models):
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    experiments = [e.experiment_id for e in client.search_experiments(view_type=ViewType.ALL)]
    runs = client.search_runs(experiments, run_view_type=ViewType.ALL, max_results=5000)
    found = {"runs": {r.info.run_id: of_run(client, r.info.run_id) for r in runs}, "models": {}, "versions": {}}
    if not models:
        return found
    for model in client.search_logged_models(experiments) if hasattr(client, "search_logged_models") else []:
        uri = f"models:/{model.model_id}"
        download = mlflow.artifacts.download_artifacts
        found["models"][model.model_id] = fetch(lambda f, uri=uri: download(artifact_uri=uri, dst_path=f))
    for version in client.search_model_versions():
        uri = f"models:/{version.name}/{version.version}"
        files = fetch(lambda f, uri=uri: mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=f))
        files.pop("registered_model_meta", None)  # MLflow adds it
        found["versions"][f"{version.name}/{version.version}"] = files
    return found


print(json.dumps([read(**wanted) for wanted in json.loads(sys.argv[1])]))
