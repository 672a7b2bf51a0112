"""Runs inside an MLflow release: answers the questions of test_rules_oracle.py by MLflow's own code.

    python rules_oracle.py QUESTIONS.json

The file holds {family: [[what, text...], ...]}; printed is {"unicode": Python's version of it, "words": the code
points that MLflow's alias pattern takes, "answers": {family: [answer, ...]}}.
"""

import json
import struct
import sys
import unicodedata

from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from mlflow.utils import uri, validation


def key(text):
    # Every validator of a key, so that they are known to agree.
    verdicts = {
        accepts(lambda: validation._validate_param(text, "")),
        accepts(lambda: validation._validate_tag(text, "")),
        accepts(lambda: validation._validate_metric(text, 1.0, 0, 0)),
    }
    assert len(verdicts) == 1, text
    return verdicts.pop()


def accepts(call):
    try:
        call()
    except Exception:
        return "0"
    return "1"


def verdict(function):
    return lambda text: accepts(lambda: function(text))


def bits(value):
    return "nan" if value != value else struct.pack(">d", value).hex()


def as_float(text):
    try:
        return bits(float(text))
    except ValueError:
        return "-"


def as_int(text):
    try:
        value = int(text)
    except ValueError:
        return "-"
    return str(value) if -(2**63) <= value < 2**63 else "-"


def metric(text):
    is_nan, value = SqlAlchemyStore.sanitize_metric_value(None, float(text))
    return f"{int(is_nan)} {bits(float(value))}"


def artifact_uri(location, run_id):
    """None where MLflow refuses the location."""
    try:
        return uri.append_to_uri_path(location, run_id, SqlAlchemyStore.ARTIFACTS_FOLDER_NAME).encode().hex()
    except Exception:
        return None


alias = getattr(validation, "_validate_model_alias_name", None) or validation._validate_alias_name

ORACLES = {
    "key": key,
    "experiment_name": verdict(validation._validate_experiment_name),
    "model_name": verdict(validation._validate_model_name),
    "alias": verdict(alias),
    "run_id": verdict(validation._validate_run_id),
    "logged_model_name": verdict(validation._validate_logged_model_name),
    "path": lambda text: "0" if validation.path_not_unique(text) else "1",
    "float": as_float,
    "int": as_int,
    "metric": metric,
    "uri": artifact_uri,
}


def words():
    pattern = validation._REGISTERED_MODEL_ALIAS_REGEX
    return [cp for cp in range(1, sys.maxunicode + 1) if not 0xD800 <= cp <= 0xDFFF and pattern.fullmatch(chr(cp))]


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as f:
        families = json.load(f)
    answers = {name: [ORACLES[what](*texts) for what, *texts in family] for name, family in families.items()}
    print(json.dumps({"unicode": unicodedata.unidata_version, "words": words(), "answers": answers}))
