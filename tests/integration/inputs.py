"""Small inputs of every format, made byte by byte, for tests of what no writer would write: each function makes a sound
one, and takes what is to be wrong with it."""

import json
import struct
import zlib

T0 = 1_700_000_000_000
RUN = "0123456789abcdef0123456789abcdef"

# ---- tables ----

WIDE = "step,wall_time,loss,acc\n" + "".join(f"{i},{T0 // 1000 + i},{1 / (i + 1)},{i / 20}\n" for i in range(20))
LONG = "run,key,step,timestamp,value\n" + "".join(
    f"r{i % 2},k{i % 3},{i},{T0 + i},{i / 8}\n" for i in range(40)
)


def table(folder, content=WIDE, name="t.csv"):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder / name


def ray_lines(n=10):
    return "".join(
        json.dumps({"training_iteration": i, "timestamp": T0 // 1000 + i, "info": {"loss": 1 / i}}) + "\n"
        for i in range(1, n + 1)
    )


def history(n=10):
    return json.dumps({"epoch": 1.0, "log_history": [{"step": i, "loss": 1 / (i + 1)} for i in range(n)]}, indent=1)


def json_lines(n=20):
    """An experiment, two runs, their params, tags and points."""
    yield {"type": "experiment", "name": "e", "tags": {"k": "v"}}
    for run in (RUN, RUN[::-1]):
        yield {"type": "run", "run_id": run, "experiment": "e", "name": "r", "status": "RUNNING", "start_time": T0}
        yield {"type": "param", "run_id": run, "key": "lr", "value": "0.1"}
        yield {"type": "tag", "run_id": run, "key": "t", "value": "v"}
        for i in range(n):
            yield {"type": "metric", "run_id": run, "key": "loss", "value": 1 / (i + 1), "step": i, "timestamp": T0 + i}
        yield {"type": "metrics", "run_id": run, "step": n, "timestamp": T0, "values": {"loss": 0.5, "acc": "NaN"}}
        yield {"type": "end", "run_id": run, "status": "FINISHED", "end_time": T0 + n}


# ---- protocol buffers ----


def varint(n):
    n &= 2**64 - 1
    out = bytearray()
    while n > 127:
        out.append(128 | n & 127)
        n >>= 7
    return bytes([*out, n])


def field(number, value):
    """An integer, a double (float), or anything that has bytes."""
    if isinstance(value, float):
        return varint(number << 3 | 1) + struct.pack("<d", value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


# ---- TensorBoard ----


def _crc32c_table():
    table = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
        table.append(n)
    return table


_CRC32C = _crc32c_table()


def masked_crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC32C[(crc ^ byte) & 255] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return (crc >> 15 | crc << 17) + 0xA282EAD8 & 0xFFFFFFFF


def tf_record(data):
    head = struct.pack("<Q", len(data))
    return head + struct.pack("<I", masked_crc32c(head)) + data + struct.pack("<I", masked_crc32c(data))


def tf_scalar(step, value, tag="loss", time=None):
    simple = varint(2 << 3 | 5) + struct.pack("<f", value)
    summary = field(1, field(1, tag) + simple)
    return field(1, float(T0 // 1000 + step if time is None else time)) + field(2, step) + field(5, summary)


def tf_events(folder, events=None, name="events.out.tfevents.1700000000.host"):
    """events: bytes of each; a file of ten scalars otherwise."""
    if events is None:
        events = [field(1, float(T0 // 1000)) + field(3, "brain.Event:2"), *(tf_scalar(i, i / 4) for i in range(10))]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"".join(map(tf_record, events)))
    return folder / name


# ---- wandb ----

HISTORY, SUMMARY, CONFIG, STATS, WANDB_RUN, EXIT, HEADER = 2, 3, 5, 7, 17, 18, 21


def wandb_items(number, values):
    return b"".join(field(number, field(1, k) + field(16, json.dumps(v))) for k, v in values.items())


def wandb_rows(n=10, **more):
    for i in range(n):
        yield HISTORY, wandb_items(1, {"loss": 1 / (i + 1), "_step": i, "_timestamp": T0 / 1000 + i} | more)


def wandb_records(rows=None, project="proj", config=None):
    yield HEADER, b""
    yield WANDB_RUN, field(1, "abc123") + field(3, project) + field(8, "a run") + field(17, field(1, T0 // 1000))
    yield CONFIG, wandb_items(1, config or {"lr": 0.1, "opt": {"name": "adam"}})
    yield from wandb_rows() if rows is None else rows
    yield SUMMARY, wandb_items(1, {"loss": 0.1, "best": 0.9})
    yield EXIT, field(1, 0) + field(2, 9)


def wandb_log(records):
    """In the framing of LevelDB's log."""
    block, header, (full, first, middle, last) = 32768, 7, (1, 2, 3, 4)
    log = bytearray(b":W&B\xe1\xbe\0")
    for number, (kind, body) in enumerate(records):
        data, begun = field(1, number) + field(kind, body), False
        while True:
            room = block - len(log) % block
            if room < header:
                log += bytes(room)
                room = block
            part, data = data[: room - header], data[room - header :]
            sort = (last if begun else full) if not data else middle if begun else first
            log += struct.pack("<IHB", zlib.crc32(bytes([sort]) + part), len(part), sort) + part
            begun = True
            if not data:
                break
    return bytes(log)


def wandb_run(folder, log=None, name="run-abc123.wandb"):
    folder = folder / "wandb" / "offline-run-20231114_221320-abc123"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(wandb_log(wandb_records()) if log is None else log)
    return folder / name


# ---- mlflow-export-import ----


def points(n=10):
    return [{"value": 1 / (i + 1), "timestamp": T0 + i, "step": i} for i in range(n)]


def exported(folder, info=None, mlflow=None, raw=None):
    """An experiment with one run. info, mlflow: fields of the run's document that are other or more; raw: its bytes."""
    system = {"package_version": "1.2.0", "mlflow_tracking_uri": "http://s"}
    experiment = {
        "experiment_id": "7", "name": "exported", "artifact_location": "/a/7", "lifecycle_stage": "active",
        "tags": {"k": "v"}, "creation_time": T0, "last_update_time": T0 + 1,
    }  # fmt: skip
    run = {
        "info": {
            "run_id": RUN, "run_uuid": RUN, "experiment_id": "7", "user_id": "u", "status": "FINISHED",
            "start_time": T0, "end_time": T0 + 10, "lifecycle_stage": "active",
            "artifact_uri": f"/a/7/{RUN}/artifacts", "run_name": "a run",
        } | (info or {}),
        "params": {"lr": "0.1"},
        "metrics": {"loss": points()},
        "tags": {"t": "v"},
    } | (mlflow or {})  # fmt: skip
    (folder / RUN).mkdir(parents=True)
    (folder / "experiment.json").write_text(
        json.dumps({"system": system, "mlflow": {"experiment": experiment, "runs": [RUN]}})
    )
    text = json.dumps({"system": system, "mlflow": run}, indent=2) + "\n"
    (folder / RUN / "run.json").write_bytes(text.encode() if raw is None else raw)
    return folder / RUN / "run.json"
