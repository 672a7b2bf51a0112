"""What wandb's own reader finds in logs: read_wandb_runs.py LOG...  ->  on the last line, a JSON list with an object for
each: run, config, history rows, summary, exit code. Runs in the venv of a wandb whose reader is Python."""

import json
import sys

from wandb.proto import wandb_internal_pb2 as pb
from wandb.sdk.internal import datastore


def value_of(item):
    return json.loads(item.value_json)


def name_of(item):
    return ".".join(item.nested_key) if item.nested_key else item.key


def flatten(name, value, out):
    if isinstance(value, dict) and "_type" not in value:
        for key, below in value.items():
            flatten(f"{name}.{key}", below, out)
    else:
        out[name] = value


def items(message):
    out = {}
    for item in message:
        flatten(name_of(item), value_of(item), out)
    media = [name[: -len("._type")] for name in out if name.endswith("._type")]
    return {k: v for k, v in out.items() if not any(k.startswith(m + ".") for m in media)}


def read(path):
    store = datastore.DataStore()
    store.open_for_scan(path)
    found = {"config": {}, "history": [], "summary": {}, "exit": None, "stats": 0}
    while (data := store.scan_data()) is not None:
        record = pb.Record()
        record.ParseFromString(data)
        kind = record.WhichOneof("record_type")
        if kind == "run":
            found["run"] = {"id": record.run.run_id, "name": record.run.display_name, "tags": list(record.run.tags)}
            found["config"] |= items(record.run.config.update)
        elif kind == "config":
            found["config"] |= items(record.config.update)
        elif kind == "history":
            found["history"].append(items(record.history.item))
        elif kind == "summary":
            found["summary"] |= items(record.summary.update)
        elif kind == "stats":
            found["stats"] += len(record.stats.item)
        elif kind == "exit":
            found["exit"] = record.exit.exit_code
    return found


print(json.dumps([read(path) for path in sys.argv[1:]]))
