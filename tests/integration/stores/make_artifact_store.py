"""Makes FOLDER/mlruns (a FileStore) or FOLDER/mlflow.db with artifacts of every kind, by MLflow itself: nested files,
odd names, an image, a logged model (MLflow 3), and model versions whose sources are written in every way.
Usage: make_artifact_store.py FOLDER filestore|sqlite"""

import json
import os
import struct
import sys
import zlib
from pathlib import Path

os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"

import mlflow  # noqa: E402
from mlflow.tracking import MlflowClient  # noqa: E402


def png(width=64, height=48):
    """A small picture: a red field."""
    rows = b"".join(b"\0" + b"\xd0\x20\x20" * width for _ in range(height))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def main(folder, kind):
    folder = Path(folder)
    files = folder / "files"
    (files / "deep" / "er").mkdir(parents=True)
    (files / "picture.png").write_bytes(png())
    (files / "empty").write_bytes(b"")
    (files / "deep" / "er" / "ünï cødé.txt").write_text("text\n")
    (files / "deep" / "large.bin").write_bytes(bytes(range(256)) * 5000)
    uri = f"file://{folder}/mlruns" if kind == "filestore" else f"sqlite:///{folder}/mlflow.db"
    mlflow.set_tracking_uri(uri)
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    location = None if kind == "filestore" else f"{folder}/arts/1"
    experiment = client.create_experiment("with artifacts", artifact_location=location)
    runs = []
    for name in ("full", "one", "none"):
        run = client.create_run(experiment, run_name=name)
        runs.append(run.info.run_id)
        if name == "full":
            client.log_artifacts(run.info.run_id, str(files))
        if name == "one":
            client.log_artifact(run.info.run_id, str(files / "picture.png"), "plots")
        client.log_metric(run.info.run_id, "m", 1.0)
        client.set_terminated(run.info.run_id)
    client.create_registered_model("served")
    source = client.get_run(runs[0]).info.artifact_uri
    client.create_model_version("served", source + "/deep", runs[0])
    client.create_model_version("served", f"runs:/{runs[0]}/deep", runs[0])
    models = []
    if hasattr(client, "create_logged_model"):
        model = client.create_logged_model(experiment, name="net", source_run_id=runs[0])
        client.log_model_artifacts(model.model_id, str(files / "deep"))
        client.finalize_logged_model(model.model_id, "READY")
        client.create_model_version("served", client.get_logged_model(model.model_id).artifact_location, runs[0])
        client.create_model_version("served", f"models:/{model.model_id}", runs[0], model_id=model.model_id)
        models.append(model.model_id)
    print(json.dumps({"experiment": experiment, "runs": runs, "models": models}))


main(*sys.argv[1:])
