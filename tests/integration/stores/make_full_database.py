"""Makes a database store that holds everything MLflow writes into one. Runs inside an MLflow release's own interpreter:

    make_full_database.py STORE_URI FOLDER  ->  a JSON description of what is in it, on the last line of output

The content is that of make_full_store.py, written through MLflow's SQL store.
"""

import json
import sys
from pathlib import Path

import mlflow
from make_full_store import Maker
from mlflow.tracking import MlflowClient

HAS_ASSESSMENTS = tuple(map(int, mlflow.__version__.split(".")[:2])) >= (3, 2)


class DatabaseMaker(Maker):
    def __init__(self, uri, folder):
        self.uri = uri
        self.client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        self.info = {"mlflow": mlflow.__version__}
        self.runs = {}
        self.folder = Path(folder)

    def traces(self):
        mlflow.set_tracking_uri(self.uri)
        mlflow.set_experiment(experiment_id=self.main)
        ids = []
        for i in range(3):
            with mlflow.start_span(f"span {i}") as span:
                span.set_inputs({"q": i})
                ids.append(getattr(span, "trace_id", None) or span.request_id)
        mlflow.flush_trace_async_logging()
        if HAS_ASSESSMENTS:
            mlflow.log_feedback(trace_id=ids[0], name="good", value=True)
            mlflow.log_expectation(trace_id=ids[0], name="answer", value="42")

    def by_hand(self):
        pass  # every row is MLflow's own


if __name__ == "__main__":
    print(json.dumps(DatabaseMaker(*sys.argv[1:]).make()))
