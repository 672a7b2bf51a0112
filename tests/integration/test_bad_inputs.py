"""What hostile and corrupt inputs come to, one row for each: what it is (the number is that of the project's catalogue of
bad inputs), which source it concerns, how it is made, the exit code, and what is said, place first. test_import_defects.py
has the like for a FileStore, test_import_database.py for databases; mutate.py goes on where this ends."""

import gzip
import json
import os
import struct

import pytest

import inputs
from inputs import (
    LONG, RUN, T0, WIDE, exported, field, history, masked_crc32c, points, ray_lines, table, tf_events,
    tf_scalar, wandb_items, wandb_log, wandb_records, wandb_rows, wandb_run,
)  # fmt: skip
from programs import MLFLOW_HEADS, ORACLE
from summaries import check_summary, counts

HEAD = MLFLOW_HEADS[ORACLE]
S = T0 // 1000


class Bad:
    """`make(folder)` makes the input in the folder, which is the source, or returns what is. `exit`: of an import that
    stops at what is wrong. `says`: words on standard error then, or, where it is taken (exit 0), in the notes.
    `rejected`, `inserted`: rows of tables under --on-error skip. `args`: more of the command line. `code`: of the note
    about what is rejected."""

    def __init__(
        self, number, source, name, make, exit, says=(), rejected=None, inserted=None, kind="sqlite", args=(), code=None
    ):
        self.number, self.source, self.name, self.make, self.exit = number, source, name, make, exit
        self.says = [says] if isinstance(says, str) else says
        self.rejected, self.inserted, self.kind, self.args, self.code = rejected, inserted, kind, args, code


# ---- makers ----


def wide(*rows, header="step,wall_time,loss"):
    """A sound row, the rows, a sound row."""
    lines = [header, f"1,{S},0.5", *rows, f"9,{S + 9},0.25"]
    return lambda d: table(d, "\n".join(lines) + "\n") and None


def csv(content, name="t.csv"):
    return lambda d: table(d, content, name) and None


def ray(*rows):
    sound = '{"training_iteration": %d, "timestamp": %d, "loss": 0.5}'
    lines = [sound % (1, S), *rows, sound % (9, S + 9)]
    return csv("\n".join(lines) + "\n", "result.json")


def loss(value, step=2, time=S + 2):
    return '{"training_iteration": %s, "timestamp": %s, "loss": %s}' % (step, time, value)


def beside(name, content, log="metrics.csv"):
    def make(d):
        table(d / "v0", WIDE, log)
        table(d / "v0", content, name)

    return make


def tb(*events):
    """A sound scalar, the events, a sound one."""
    return lambda d: tf_events(d / "r", [tf_scalar(1, 0.5), *events, tf_scalar(9, 0.25)]) and None


def tb_bytes(change):
    def make(d):
        path = tf_events(d / "r")
        path.write_bytes(change(bytearray(path.read_bytes())))

    return make


def wb(*records, **more):
    rows = [*wandb_rows(2), *records, *wandb_rows(1)]
    return lambda d: wandb_run(d, wandb_log(wandb_records(rows, **more))) and None


def wb_bytes(change):
    def make(d):
        path = wandb_run(d)
        path.write_bytes(change(bytearray(path.read_bytes())))

    return make


def wb_row(name, value):
    return inputs.HISTORY, wandb_items(1, {name: value, "_step": 50, "_timestamp": S + 50})


def wb_json(text):
    return inputs.HISTORY, field(1, field(1, "odd") + field(16, text)) + wandb_items(1, {"_step": 50})


def jl(*lines, change=lambda data: data, name="x.jsonl"):
    """A run, a sound point, the lines, a sound point; change: of the bytes of all."""
    lines = [line if isinstance(line, bytes) else line.encode() for line in (LINE_RUN, point(), *lines, point(step=9))]
    return lambda d: table(d, change(b"\n".join(lines) + b"\n"), name)


def jl_raw(data, name="x.jsonl"):
    return lambda d: table(d, data, name)


def ex(**parts):
    return lambda d: exported(d / "x", **parts) and None


def ex_raw(change):
    def make(d):
        path = exported(d / "x")
        path.write_bytes(change(path.read_bytes()))

    return make


def ex_point(**other):
    return ex(mlflow={"metrics": {"m": [points(1)[0], points(1)[0] | {"step": 5} | other]}})


def flip(at, mask=0x40):
    def change(data):
        data[at] ^= mask
        return data

    return change


def cut(n):
    return lambda data: data[:-n]


def link(name, target):
    def make(d):
        table(d, WIDE, "sound.csv")
        (d / name).parent.mkdir(parents=True, exist_ok=True)
        os.symlink(target, d / name)

    return make


def fifo(name, sound=True):
    def make(d):
        if sound:
            table(d, WIDE, "sound.csv")
        (d / name).parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(d / name)
        return None if sound else d / name

    return make


def line(type, **fields):
    return json.dumps({"type": type, "run_id": RUN} | fields)


def param_line(key, value):
    return line("param", key=key, value=value)


def tag_line(value, key="t"):
    return line("tag", key=key, value=value)


def point(value="1", step="2", timestamp="9", key='"loss"'):
    """Of JSON as it stands."""
    return f'{{"type":"metric","run_id":"{RUN}","key":{key},"value":{value},"step":{step},"timestamp":{timestamp}}}'


LINE_RUN = line("run", experiment="e", name="first", start_time=5)
MANY_LINES = "".join(f"{text}\n" for text in (LINE_RUN, *(point(step=i) for i in range(3000)))).encode()
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(20)
)
DEEP = "[" * 100_000
NO_NUMBER = 'a point of m has no number "value", or no whole numbers of 64 bits "timestamp" and "step"'
NO_STEP = "which is not a whole number of 64 bits"
NO_TIME = "which is no time since 1970"
LEADS_OUT = "symbolic link that leads out of the store"
NOT_WAITED_FOR = "a device, FIFO or socket, not a file"
LOG = "run-abc123.wandb: "
EVENTS = "r/events.out.tfevents.1700000000.host: "
EXPORT = f"x/{RUN}/run.json"
ONE, RUN1 = {"metrics": 1}, {"runs": 1}


def jl_row(number, name, text, reason, code, rejected=ONE):
    return Bad(number, "jsonl", name, jl(text), 65, f"x.jsonl:3: {reason}", rejected, {"metrics": 2}, code=code)


def jl_taken(number, name, text, inserted, says=(), **more):
    return Bad(number, "jsonl", name, jl(text), 0, says, {}, inserted, **more)


def jl_value(number, text, code="wrong-kind"):
    return jl_row(number, f"value {text}", point(text), f'value must be a number, "NaN", "Infinity" or "-Infinity", not {text}', code)


def jl_step(text, code="bad-number"):
    said = f"step must be an integer of 64 bits, without fraction or exponent, not {text}"
    return jl_row("B09", f"step {text}", point(step=text), said, code)


def jl_time(text, code="bad-number"):
    said = f"timestamp must be an integer of 64 bits: milliseconds since 1970 UTC, not {text}"
    return jl_row("B18", f"timestamp {text}", point(timestamp=text), said, code)


def jl_id(run, says):
    text = line("run", run_id=run, experiment="e", start_time=5)
    return Bad("B08", "jsonl", f"run id {run!r}", jl_raw(text + "\n"), 65, f"x.jsonl:1: the run_id cannot be one: {says}", RUN1, {}, code="bad-run-id")


def jl_path(text, name=None):
    return [
        jl_row("B22", f"an artifact's {field} {name or text}", line("artifact", **({"path": "p", "file": "f"} | {field: text})),
               f"{field} must be a relative path without '..', '.' and empty parts", "bad-path", RUN1)
        for field in ("path", "file")
    ]  # fmt: skip


def jl_key(key, why="must not change or leave its folder when taken as a path"):
    said = f"MLflow would refuse its key, which {why}; kept as it is"
    return jl_taken("B06", f"metric {key!r}", point(key=json.dumps(key)), {"metrics": 3}, said)


def csv_value(number, text, name=None):
    says = f"t.csv:3: 'loss' is '{text}', which is not a number"
    return Bad(number, "csv", name or f"value {text}", wide(f'2,{S},"{text}"'), 65, says, ONE)


def csv_taken(number, text):
    return Bad(number, "csv", f"value {text}", wide(f"2,{S},{text}"), 0, [], {}, {"metrics": 3})


def csv_step(text, exit=65):
    says = f"t.csv:3: 'step' is '{text}', {NO_STEP}" if exit else []
    return Bad("B09", "csv", f"step {text}", wide(f"{text},{S},1"), exit, says, ONE if exit else {})


def csv_time(text):
    return Bad("B18", "csv", f"time {text}", wide(f"2,{text},1"), 65, f"t.csv:3: 'wall_time' is '{text}', {NO_TIME}", ONE)


def ray_row(number, name, row, says):
    return Bad(number, "csv", f"JSON row: {name}", ray(row), 65, f"result.json:2: {says}", ONE, {"metrics": 2})


def ex_value(number, **other):
    [(name, value)] = other.items()
    return Bad(number, "export-import", f"{name} {value!r}", ex_point(**other), 65, f"{EXPORT}:29: {NO_NUMBER}", ONE)


def renamed(number, key, stored):
    """A name that MLflow refuses, from each source of bare metrics; an export's stays."""
    said = f"'{key}' is stored as '{stored}': MLflow does not take that name"
    table_of = f'key,step,timestamp,value\nsound,1,{T0},1\n"{key}",1,{T0},2\n'
    refused = "MLflow would refuse its key"
    return [
        Bad(number, "csv", f"key {key}", csv(table_of), 0, said, {}, {"metrics": 2}),
        Bad(number, "tensorboard", f"tag {key}", tb(tf_scalar(2, 1.0, key)), 0, said, {}, {"metrics": 3}),
        Bad(number, "wandb", f"name {key}", wb(wb_row(key, 1)), 0, "1 names that MLflow cannot take were made fit", {}),
        Bad(number, "export-import", f"metric {key}", ex(mlflow={"metrics": {key: points()}}), 0, refused, {}),
    ]


def odd_id(run, says):
    return Bad("B08", "export-import", f"run id {run}", ex(info={"run_id": run, "run_uuid": run}), 0, says, {}, RUN1)


CASES = [
    Bad("B01", "csv", "byte order mark", csv(b"\xef\xbb\xbf" + WIDE.encode()), 0, [], {}, {"metrics": 40}),
    Bad("B01", "csv", "JSON rows with a byte order mark and Windows ends",
        csv(b"\xef\xbb\xbf" + ray_lines().replace("\n", "\r\n").encode(), "result.json"), 0, [], {}, {"metrics": 10}),
    Bad("B01", "csv", "blank lines among JSON rows, no final newline",
        csv(ray_lines().replace("\n", "\n\n").rstrip(), "result.json"), 0, [], {}, {"metrics": 10}),
    ray_row("B01", "two objects", loss(1) + " " + loss(2), "no JSON object: there is something behind the document, or null"),
    ray_row("B01", "a list", "[1, 2]", "a JSON value that is no object"),
    ray_row("B01", "a word", "loss", "no JSON object: unexpected character"),
    Bad("B01", "export-import", "byte order mark", ex_raw(lambda t: b"\xef\xbb\xbf" + t), 0, [], {}, {"metrics": 10}),
    Bad("B01", "export-import", "trailing comma", ex_raw(lambda t: t.replace(b'"lr": "0.1"', b'"lr": "0.1",')), 65,
        f"{EXPORT}:21: it is no JSON: the key of a member is missing", ONE, {"params": 1}),
    Bad("B01", "export-import", "a list", ex(raw=b"[1]\n"), 65, f"{EXPORT}:1: it is no JSON object", RUN1),
    Bad("B01", "export-import", "two documents", ex_raw(lambda t: t + t), 65,
        f"{EXPORT}:81: it is no JSON: there is something behind the document", RUN1),
    Bad("B02", "csv", "cut JSON row", csv(ray_lines()[:-9], "result.json"), 65,
        "result.json:10: no JSON object: it ends before the document does", ONE, {"metrics": 9}),
    Bad("B02", "csv", "cut history", csv(history()[:-9], "trainer_state.json"), 65,
        "trainer_state.json:40: the file ends before the document does", ONE, {"metrics": 9}),
    Bad("B02", "csv", "history cut between rows", csv(history().rsplit("{", 1)[0].rstrip(), "trainer_state.json"), 65,
        "trainer_state.json:39: the file ends before the document does", ONE, {"metrics": 9}),
    Bad("B02", "export-import", "cut", ex_raw(cut(30)), 65, f"{EXPORT}:76: it is no JSON: it ends before", RUN1),
    Bad("B02", "tensorboard", "cut record, as a live one", tb_bytes(cut(3)), 0, [], {}, {"metrics": 9}),
    Bad("B02", "wandb", "cut record, as of a run that was killed", wb_bytes(cut(3)), 0,
        "the log has no end: the run was killed, or still goes on", {}, {"metrics": 11}),
    Bad("B03", "csv", "NUL in a cell", wide(f"2,{S},0\0.5"), 65,
        "t.csv:3: 'loss' is '0', which is followed by a NUL byte", ONE),
    Bad("B03", "csv", "NUL in the header", csv(WIDE.replace("loss", "lo\0ss")), 65,
        "t.csv: the header is no UTF-8 text", RUN1),
    Bad("B03", "csv", "NUL in the name of a run", csv(LONG.replace("r0,k1,4", "r\0,k1,4", 1)), 65,
        "t.csv:6: the row names no run in UTF-8 (column 'run')", ONE, {"metrics": 39}),
    ray_row("B03", "NUL", loss("1\0"), "no JSON object: unexpected end of data"),
    Bad("B03", "wandb", "NUL in a value of the config", wb(config={"p": "a\0b"}), 65,
        LOG + "its value contains a NUL byte", {"params": 1}),
    Bad("B03", "wandb", "NUL in the project", wb(project="a\0b"), 65, LOG + "its key contains a NUL byte",
        {"experiments": 1, "runs": 1, "params": 2, "tags": 5, "metrics": 4}, {}),
    Bad("B03", "export-import", "NUL in a param", ex(mlflow={"params": {"p": "a\0b"}}), 65,
        f"{EXPORT}: its value contains a NUL byte", {"params": 1}),
    Bad("B03", "export-import", "NUL in the name of a metric", ex(mlflow={"metrics": {"a\0b": points()}}), 65,
        f"{EXPORT}: its key contains a NUL byte", {"metrics": 10}),
    Bad("B03", "export-import", "NUL between quotes", ex_raw(lambda t: t.replace(b"a run", b"a\0run")), 65,
        f"{EXPORT}:18: it is no JSON", RUN1),
    Bad("B04", "csv", "header", csv(WIDE.encode().replace(b"acc", b"a\xffc")), 65,
        "t.csv: the header is no UTF-8 text", RUN1),
    Bad("B04", "csv", "surrogate in a key", csv(LONG.encode().replace(b"k1,4", b"k\xed\xa0\x80,4", 1)), 65,
        r"t.csv:6: 'key' is 'k\xed\xa0\x80': it cannot be the name of a metric", ONE, {"metrics": 39}),
    Bad("B04", "csv", "name of a run", csv(LONG.encode().replace(b"r0,k1,4", b"r\xff,k1,4", 1)), 65,
        "t.csv:6: the row names no run in UTF-8 (column 'run')", ONE, {"metrics": 39}),
    Bad("B04", "csv", "value", csv(WIDE.encode().replace(b",0.5,", b",\xff,", 1)), 65,
        r"t.csv:3: 'loss' is '\xff', which is not a number", ONE, {"metrics": 39}),
    Bad("B04", "csv", "hparams.yaml", beside("hparams.yaml", b"lr: caf\xe9\n"), 65,
        "v0/metrics.csv: its parameters, in hparams.yaml beside it, cannot be read: line 1:", {"params": 1}),
    Bad("B04", "tensorboard", "tag", tb(tf_scalar(2, 1.0, b"a\xff")), 65,
        EVENTS + r"tag 'a\xff': it cannot be the name of a metric", ONE, {"metrics": 2}),
    Bad("B04", "wandb", "name", wb((inputs.HISTORY, wandb_items(1, {"_step": 50}) + field(1, field(1, b"\xff") + field(16, "1")))), 65,
        LOG + "1 values have names that are none for MLflow", ONE),
    Bad("B04", "export-import", "param", ex_raw(lambda t: t.replace(b'"0.1"', b'"\xff"')), 65,
        f"{EXPORT}: its value is not valid UTF-8", {"params": 1}),
    Bad("B04", "export-import", "overlong name", ex_raw(lambda t: t.replace(b'"loss"', b'"\xc0\xaf"')), 65,
        f"{EXPORT}: its key is not valid UTF-8", {"metrics": 10}),
    Bad("B05", "csv", "composed and decomposed", csv("step,\u00e9,e\u0301\n1,1,2\n"), 0,
        "metric 'e\u0301' is stored as 'e_'", {}, {"metrics": 2}),
    Bad("B05", "export-import", "params stay as they are", ex(mlflow={"params": {"\u00e9": "1", "e\u0301": "\u202ex"}}), 0,
        [], {}, {"params": 2}),
    *renamed("B06", "..", "_"),
    *renamed("B06", "../x", "_/x"),
    *renamed("B06", "/abs", "_/abs"),
    *renamed("B06", "a//b", "a/_/b"),
    *renamed("B06", ".", "_"),
    *renamed("B06", "a=b", "a_b"),
    Bad("B06", "csv", "no key", csv(f"key,step,timestamp,value\nm,1,{T0},1\n,1,{T0},2\n"), 65,
        "t.csv:3: the row has no key", ONE, {"metrics": 1}),
    Bad("B06", "tensorboard", "no tag", tb(tf_scalar(2, 1.0, "")), 65,
        EVENTS + "tag '': it cannot be the name of a metric", ONE),
    Bad("B06", "wandb", "no name", wb(wb_row("", 1)), 65, LOG + "1 values have names that are none", ONE),
    Bad("B06", "tensorboard", "tag of 250 characters", tb(tf_scalar(2, 1.0, "\u00e9" * 250)), 0, [], {}, {"metrics": 3}, "postgres"),
    Bad("B06", "tensorboard", "tag of 251 characters", tb(tf_scalar(2, 1.0, "k" * 251)), 65,
        "its key has 251 characters; the column metrics.key holds 250", ONE, {"metrics": 2}, "postgres"),
    Bad("B07", "export-import", "param of 8000 characters", ex(mlflow={"params": {"p": "v" * 8000}}), 0, [], {},
        {"params": 1}, "postgres"),
    Bad("B07", "export-import", "param of 8001 characters", ex(mlflow={"params": {"p": "v" * 8001}}), 0, "its value of 8001 characters was cut to the 8000 that the column holds", {},
        {"params": 1}, "postgres"),
    Bad("B07", "export-import", "tag of 8001 characters", ex(mlflow={"tags": {"p": "v" * 8001}}), 0, "its value of 8001 characters was cut to the 8000 that the column holds", {},
        {"tags": 1}, "postgres"),
    Bad("B07", "csv", "experiment of 257 characters", csv(WIDE), 65, "its name has 257 characters; the column experiments.name holds 256", {"experiments": 1, "runs": 1, "tags": 4, "metrics": 40}, {},
        "postgres", ("--experiment", "e" * 257)),
    Bad("B07", "wandb", "project of 257 characters", wb(project="p" * 257), 65, LOG + "its name has 257 characters; the column experiments.name holds 256",
        {"experiments": 1, "runs": 1, "params": 2, "tags": 5, "metrics": 4}, {}, "postgres"),
    Bad("B08", "export-import", "run id of 33 characters", ex(info={"run_id": "f" * 33, "run_uuid": "f" * 33}), 65,
        f"{EXPORT}: its run_uuid has 33 characters; the column runs.run_uuid holds 32", {"runs": 1, "params": 1, "tags": 1, "metrics": 10}, {}, "postgres"),
    Bad("B08", "export-import", "no run id", ex(info={"run_id": "", "run_uuid": ""}), 65,
        f"{EXPORT}: it has no run_uuid", {"runs": 1, "params": 1, "tags": 1, "metrics": 10}, {}),
    odd_id("..", "MLflow would refuse its run_uuid"),
    odd_id("a/b", "MLflow would refuse its run_uuid"),
    odd_id("'; DROP TABLE runs; --", "MLflow would refuse its run_uuid"),
    odd_id("F" * 32, []),
    *(csv_taken("B09", text) for text in ("1e309", "-1e309", "1e-400", "-0.0", "1_000", "0.12345678901234567890123")),
    *(csv_value("B09", text) for text in ("0x10", "True", "0.1.2", "1,5", "1e", "\u0661", "--1", "1 2")),
    *(csv_step(text) for text in ("1.5", str(2**63), str(-(2**63) - 1), "1e400", "0x10", "x", "true")),
    csv_step("1.0", 0),
    csv_step(str(2**63 - 1), 0),
    ray_row("B09", "number as text", loss('"0.1"'), "'loss' is '0.1', which is not a number"),
    ray_row("B09", "true", loss("true"), "'loss' is 'true', which is not a number"),
    ray_row("B09", "a list", loss("[1]"), "'loss' is '[1]', which is not a number"),
    ray_row("B09", "hexadecimal", loss("0x10"), "no JSON object: number expected"),
    ray_row("B09", "step 1.5", loss(1, "1.5"), f"'training_iteration' is '1.5', {NO_STEP}"),
    ray_row("B09", "step 2^63", loss(1, str(2**63)), f"'training_iteration' is '{2**63}', {NO_STEP}"),
    ray_row("B09", "step as text", loss(1, '"2"'), f"'training_iteration' is '2', {NO_STEP}"),
    *(ex_value("B09", step=step) for step in (1.5, 2**63, "2", None, True)),
    *(ex_value("B09", value=value) for value in ("0.1", True, None, [1], {})),
    Bad("B09", "export-import", "value 1e309", ex_raw(lambda t: t.replace(b'"value": 0.5', b'"value": 1e309')), 0, [], {},
        {"metrics": 10}),
    Bad("B09", "wandb", "value 0x10", wb(wb_json("0x10")), 65, [LOG, "is damaged: a value is no JSON"], ONE),
    Bad("B09", "wandb", "step 1.5", wb((inputs.HISTORY, wandb_items(1, {"x": 1, "_step": 1.5}))), 65,
        LOG + "1 values stand in rows whose _step is no whole number", ONE),
    Bad("B09", "wandb", "step 2^63", wb((inputs.HISTORY, wandb_items(1, {"x": 1, "_step": 2**63}))), 65,
        LOG + "1 values stand in rows whose _step is no whole number", ONE),
    *(csv_taken("B10", text) for text in ("nan", "NaN", "-inf", "Infinity", "-1.#INF")),
    Bad("B10", "csv", "NaN and Infinity of Python's json", ray(loss("NaN"), loss("-Infinity", 3)), 0, [], {}, {"metrics": 4}),
    Bad("B10", "csv", "NaN twice", wide(f"2,{S},nan", f"2,{S},NaN"), 0, [], {}, {"metrics": 3}),
    Bad("B11", "csv", "cell of 8 MiB", csv("step,loss\n1," + "9" * (8 << 20) + "\n2,1\n"), 65,
        "t.csv:2: the row is longer than 1048576 bytes", ONE, {"metrics": 1}),
    Bad("B11", "csv", "64 MiB without a newline", csv("x" * (64 << 20)), 65, "t.csv: the row is longer than 1048576 bytes", RUN1),
    Bad("B11", "csv", "100,000 columns", csv("step" + "".join(f",m{i}" for i in range(100000)) + "\n"), 65,
        "t.csv: the row is longer than 1048576 bytes, or has more than 65536 fields", RUN1),
    ray_row("B11", "8 MiB", loss('"' + "9" * (8 << 20) + '"'), "the row is longer than 1048576 bytes"),
    Bad("B11", "export-import", "param of 16 MiB", ex(mlflow={"params": {"p": "v" * (16 << 20)}}), 65,
        f"{EXPORT}:20: a value is longer than 16777216 bytes", ONE),
    Bad("B11", "tensorboard", "record of 1 TiB, of which 100 bytes are there",
        tb_bytes(lambda t: t + (n := struct.pack("<Q", 1 << 40)) + struct.pack("<I", masked_crc32c(n)) + b"x" * 100), 0,
        [], {}, {"metrics": 10}),
    Bad("B11", "tensorboard", "tag of 1 MiB", tb(tf_scalar(2, 1.0, "t" * (1 << 20))), 65,
        EVENTS + "the name of a metric is longer than 4096 bytes", ONE),
    Bad("B11", "wandb", "name of 1 MiB", wb(wb_row("t" * (1 << 20), 1)), 65, [LOG, "is damaged: a name is too long"], ONE),
    ray_row("B12", "nests without end", '{"training_iteration": 2, "x": ' + DEEP + "}", "no JSON object: nesting too deep"),
    Bad("B12", "csv", "history nests without end", csv('{"log_history": ' + DEEP, "trainer_state.json"), 65,
        "trainer_state.json:1: the file ends before the document does", RUN1),
    Bad("B12", "csv", "hparams.yaml nests without end", beside("hparams.yaml", "a: " + DEEP), 65,
        "v0/metrics.csv: its parameters, in hparams.yaml beside it, cannot be read: line 1: nested too deep", {"params": 1}),
    Bad("B12", "csv", "params.json nests without end", beside("params.json", '{"a": ' + DEEP, "progress.csv"), 65,
        "v0/progress.csv: its parameters, in params.json beside it, cannot be read: nesting too deep", {"params": 1}),
    Bad("B12", "export-import", "nests without end", ex(raw=b'{"mlflow": {"info": ' + DEEP.encode()), 65,
        f"{EXPORT}:1: it is no JSON", RUN1),
    Bad("B12", "wandb", "value nests without end", wb(wb_json("[" * 100_000 + "]" * 100_000)), 65,
        [LOG, "is damaged: a value is no JSON"], ONE),
    Bad("B13", "csv", "gzip called .csv", csv(gzip.compress(WIDE.encode())), 65, "t.csv: the header is no UTF-8 text", RUN1),
    Bad("B13", "csv", "gzip", lambda d: table(d, gzip.compress(WIDE.encode()), "t.csv.gz"), 66,
        ["t.csv.gz' is of no format known here"]),
    Bad("B14", "csv", "a billion laughs", beside("hparams.yaml", BOMB), 0, "parameters that are aliases, or have no name", {},
        {"metrics": 40}),
    Bad("B15", "csv", "a column twice", csv("step,loss,loss\n1,2,3\n"), 65,
        "t.csv:1: the header names column 'loss' twice", ONE, {"metrics": 1}),
    Bad("B15", "csv", "two values at a step", wide(f"2,{S},0.5", f"2,{S},0.75"), 0, [], {}, {"metrics": 4}),
    Bad("B15", "csv", "a key of JSON twice, as in Python", ray(loss('1, "loss": 2')), 0, [], {}, {"metrics": 3}),
    Bad("B15", "export-import", "info twice", ex_raw(lambda t: t.replace(b'"params"', b'"info": {}, "params"')), 65,
        f"{EXPORT}:19: mlflow.info has no run_id", RUN1),
    Bad("B15", "export-import", "two experiments of one id", lambda d: exported(d / "a") and exported(d / "b") and None,
        65, "b/experiment.json:1: another experiment of this export has the number 7", {"experiments": 1, "runs": 1}),
    Bad("B16", "export-import", "param twice", ex_raw(lambda t: t.replace(b'"lr": "0.1"', b'"lr": "0.1", "lr": "0.2"')),
        65, f"params '{RUN}': 'lr' comes twice with different values: '0.1' was kept", {"params": 1}),
    Bad("B16", "export-import", "tag twice", ex_raw(lambda t: t.replace(b'"t": "v"', b'"t": "v", "t": "w"')), 0, [], {},
        {"tags": 1}),
    Bad("B16", "csv", "hyperparameter twice", beside("hparams.yaml", "lr: 1\nlr: 2\n"), 65,
        "'lr' comes twice with different values: '1' was kept, '2' was not", {"params": 1}),
    Bad("B17", "csv", "extremes", wide(f"{2**63 - 1},{S},1", f"{-(2**63)},{S},2", f"-1,{S},3"), 0, [], {}, {"metrics": 5}),
    Bad("B17", "tensorboard", "extremes", tb(tf_scalar(2**63 - 1, 1.0, time=S), tf_scalar(-(2**63), 2.0, time=S)), 0, [],
        {}, {"metrics": 2}),
    Bad("B17", "export-import", "extremes", ex(mlflow={"metrics": {"m": [
        {"value": 1, "timestamp": T0, "step": step} for step in (2**63 - 1, -(2**63))]}}), 0, [], {}, {"metrics": 2}),
    *(csv_time(text) for text in ("never", "-5", "1e400", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59+14:00",
                                  "2023-02-30 00:00:00", "nan", str(2**63))),
    *(Bad("B18", "tensorboard", f"time {time}", tb(tf_scalar(2, 1.0, time=time)), 65,
          [EVENTS, "the event at byte", "has no time, or one before 1970"], ONE, {"metrics": 2})
      for time in (float("nan"), -1.0, 1e300, 1e18)),
    *(Bad("B18", "wandb", f"time {time}", wb((inputs.HISTORY, wandb_items(1, {"x": 1, "_step": 50, "_timestamp": time}))),
          0, "1 rows of the history have no time", {}) for time in (-1, 1e300, "never", None)),
    *(ex_value("B18", timestamp=time) for time in (2**63, "2023", 1.5, None)),
    Bad("B18", "export-import", "start_time 2^63", ex(info={"start_time": 2**63}), 65,
        f"{EXPORT}:18: field start_time is '{2**63}', not a whole number of 64 bits", RUN1),
    Bad("B19", "csv", "ragged", wide(f"2,{S}", f"3,{S},1,2"), 65, "t.csv:3: the row has 2 fields, the header 3",
        {"metrics": 2}),
    Bad("B19", "csv", "quote in the middle", wide(f'2,{S},1"5'), 65, "t.csv:3: 'loss' is '1\"5', which is not", ONE),
    Bad("B19", "csv", "quote left open", wide(f'2,{S},"15'), 65, "t.csv:3: a quote that is opened here is never closed", ONE),
    Bad("B19", "csv", "newline in a cell", wide(f'2,{S},"1\n5"', f"x,{S},1"), 65,
        r"t.csv:3: 'loss' is '1\n5', which is not a number", {"metrics": 2}),
    csv_value("B19", "=1+1", "formula"),
    Bad("B19", "csv", "header twice", wide("step,wall_time,loss", f"2,{S},1"), 0, [], {}, {"metrics": 3}),
    Bad("B19", "csv", "UTF-16", csv(WIDE.encode("utf-16")), 65, "t.csv: the header is no UTF-8 text", RUN1),
    Bad("B19", "csv", "decimal commas", csv("step;loss\n1;0,5\n2;0,25\n"), 0, "1 column not imported, for want of numbers"),
    Bad("B21", "tensorboard", "bad checksum", tb_bytes(flip(40)), 65,
        EVENTS + "the record at byte 40 is damaged (the checksum of its length does not match)", ONE, {"runs": 1}),
    Bad("B21", "tensorboard", "unknown fields", tb(field(1, float(S)) + field(2, 2) + field(99, "x")), 0, [], {}, {"metrics": 2}),
    Bad("B21", "tensorboard", "varint without end", tb(b"\x10" + b"\xff" * 11), 65,
        [EVENTS, "is no event: a number of more than 64 bits"], ONE, {"metrics": 2}),
    Bad("B21", "tensorboard", "a text", lambda d: table(d / "r", "no events\n" * 9, "tfevents.txt") and None, 65,
        "r/tfevents.txt: the record at byte 0 is damaged", ONE),
    Bad("B21", "wandb", "bad checksum", wb_bytes(flip(40)), 65, LOG + "damaged at byte 19: a checksum does not fit", RUN1),
    Bad("B21", "wandb", "unknown record", wb((99, b"x" * 50)), 0, [], {}),
    Bad("B21", "wandb", "varint without end", wb((inputs.HISTORY, b"\x0a" + b"\xff" * 11)), 65,
        [LOG, "is damaged: a number of more than 64 bits"], ONE),
    Bad("B21", "wandb", "another version", wb_bytes(lambda t: t[:6] + b"\x09" + t[7:]), 65,
        LOG + "damaged at byte 0: the log is of a version that is not known", RUN1),
    Bad("B23", "csv", "link to outside", link("l.csv", "/etc/hostname"), 65, ["l.csv: ", LEADS_OUT], RUN1, {"metrics": 40}),
    Bad("B23", "csv", "link to nowhere", link("l.csv", "/nonexistent/x"), 65, ["l.csv: ", LEADS_OUT], RUN1, {"metrics": 40}),
    Bad("B23", "csv", "link to itself", link("l.csv", "l.csv"), 65, ["l.csv: ", "leads back to itself"], RUN1, {"metrics": 40}),
    Bad("B23", "csv", "link to its folder", link("l.csv", "."), 0, "links to folders", {}, {"metrics": 40}),
    Bad("B23", "csv", "FIFO", fifo("p.csv"), 65, ["p.csv: ", NOT_WAITED_FOR], RUN1, {"metrics": 40}),
    Bad("B23", "csv", "the source is a FIFO", fifo("p.csv", False), 66, "p.csv' is " + NOT_WAITED_FOR,
        args=("--format", "csv")),
    Bad("B23", "tensorboard", "FIFO", lambda d: tf_events(d / "r") and os.mkfifo(d / "r/tfevents.2"), 65,
        ["r/tfevents.2: ", NOT_WAITED_FOR], ONE, {"metrics": 10}),
    Bad("B23", "tensorboard", "link to outside", lambda d: tf_events(d / "r") and os.symlink("/etc/hostname", d / "r/tfevents.2"),
        65, ["r/tfevents.2: ", LEADS_OUT], ONE, {"metrics": 10}),
    Bad("B23", "wandb", "FIFO", lambda d: wandb_run(d) and os.mkfifo(d / "run-2xxxx.wandb"), 65,
        ["run-2xxxx.wandb: ", NOT_WAITED_FOR], RUN1, {"metrics": 11}),
    Bad("B23", "wandb", "link to outside", lambda d: wandb_run(d) and os.symlink("/etc/hostname", d / "run-2xxxx.wandb"), 65,
        ["run-2xxxx.wandb: ", LEADS_OUT], RUN1, {"metrics": 11}),
    Bad("B23", "export-import", "FIFO", lambda d: exported(d / "x") and (d / "b").mkdir() or os.mkfifo(d / "b/run.json"), 65,
        ["b/run.json: ", NOT_WAITED_FOR], RUN1, {"metrics": 10}),
    Bad("B23", "export-import", "link to outside",
        lambda d: exported(d / "x") and (d / "b").mkdir() or os.symlink("/etc/hostname", d / "b/run.json"), 65,
        ["b/run.json: ", LEADS_OUT], RUN1, {"metrics": 10}),
    Bad("B23", "sqlite", "the source is a FIFO", fifo("p.db", False), 66, "is no regular file", args=("--format", "sqlite")),
    Bad("B24", "csv", "empty", lambda d: table(d, ""), 65, "t.csv:1: the file is empty", RUN1),
    Bad("B24", "csv", "empty JSON", csv("", "result.json"), 65, "result.json:1: the file is empty", RUN1),
    Bad("B24", "csv", "empty history", csv('{"log_history": []}', "trainer_state.json"), 65, "trainer_state.json:1: there is no row in a log_history", RUN1),
    Bad("B24", "csv", "empty beside a sound one", lambda d: table(d) and table(d, "", "e.csv") and None, 0,
        "tables without a header with a column of steps", {}, {"metrics": 40}),
    Bad("B24", "csv", "no table of a folder is a log", lambda d: table(d, "a,b\n1,2\n", "a.csv") and None, 65,
        "a.csv: it is no log: there is no header with a column of steps (--step-field names it)", RUN1),
    Bad("B24", "csv", "header only", csv("step,loss\n"), 0, [], {}, RUN1),
    Bad("B24", "tensorboard", "empty", lambda d: tf_events(d / "r", []) and None, 0, [], {}, RUN1),
    Bad("B24", "wandb", "empty", lambda d: wandb_run(d, b"") and None, 65, LOG + "damaged at byte 0: it is no log", RUN1),
    Bad("B24", "wandb", "no records", lambda d: wandb_run(d, wandb_log([])) and None, 65,
        LOG + "the log does not say which run it is of", RUN1),
    Bad("B24", "export-import", "empty", ex(raw=b""), 65, f"{EXPORT}:1: it is no JSON: it ends before", RUN1),
    Bad("B24", "export-import", "an object", ex(raw=b"{}"), 65, f'{EXPORT}:1: it has no object "mlflow"', RUN1),
    Bad("B24", "export-import", "no metrics", ex(mlflow={"metrics": {}, "params": {}, "tags": {}}), 0, [], {}, RUN1),
    Bad("B24", "sqlite", "empty", lambda d: table(d, "", "mlflow.db"), 78, "mlflow.db: the database is not an MLflow database (no alembic_version)", args=("--format", "sqlite")),
    Bad("B24", "sqlite", "header only", lambda d: table(d, b"SQLite format 3\0", "mlflow.db"), 65,
        "mlflow.db: cannot open the database: file is not a database", args=("--format", "sqlite")),
    Bad("B24", "filestore", "empty folder", lambda d: (d / "mlruns").mkdir(), 66, "no MLflow file store in",
        args=("--format", "filestore")),
]  # fmt: skip

LINES = [
    jl_row("B01", "trailing comma", point()[:-1] + ",}", "it is no JSON: the key of a member is missing", "bad-json"),
    jl_row("B01", "single quotes", point().replace('"', "'"), "it is no JSON: the key of a member is missing", "bad-json"),
    jl_row("B01", "a comment", point() + " // x", "it is no JSON: there is something behind the document", "bad-json"),
    jl_row("B01", "a line of comment", "# x", "the line is no JSON object", "not-an-object"),
    jl_row("B01", "two objects", point() + point(), "it is no JSON: there is something behind the document", "bad-json"),
    jl_row("B01", "a list", f"[{point()}]", "the line is no JSON object", "not-an-object"),
    Bad("B01", "jsonl", "byte order mark", jl(change=lambda t: b"\xef\xbb\xbf" + t), 0, [], {}, {"metrics": 2}),
    Bad("B01", "jsonl", "Windows ends", jl(change=lambda t: t.replace(b"\n", b"\r\n")), 0, [], {}, {"metrics": 2}),
    Bad("B01", "jsonl", "blank lines", jl(change=lambda t: t.replace(b"\n", b"\n\n \n")), 0, [], {}, {"metrics": 2}),
    Bad("B01", "jsonl", "no final newline", jl(change=bytes.rstrip), 0, [], {}, {"metrics": 2}),
    jl_row("B01", "an unknown type", line("tga"), "there is no type 'tga'", "unknown-type"),
    jl_row("B01", "an unknown field", param_line("k", "v").replace("value", "vlaue"), "lines of type 'param' have no field 'vlaue'", "unknown-field", {"params": 1}),
    jl_row("B01", "a field that is missing", line("param", key="k"), "a line of type 'param' needs the field 'value'", "missing-field", {"params": 1}),
    jl_row("B01", "the header behind other lines", '{"type":"mltrack","version":1}', "the header is the first line or none", "out-of-order", RUN1),
    Bad("B02", "jsonl", "cut last line", jl(change=cut(20)), 65, "x.jsonl:3: it is no JSON: it ends before the document does",
        ONE, {"metrics": 1}, code="bad-json"),
    jl_row("B03", "NUL, bare", point(key='"a\0b"'), "it is no JSON: a string holds a control character that is not escaped", "bad-json"),
    jl_row("B03", "NUL in a key", point(key=r'"a\u0000b"'), "it holds a NUL, which no database can hold", "bad-text"),
    jl_row("B03", "NUL in a tag", tag_line("a\0b"), "it holds a NUL, which no database can hold", "bad-text", {"tags": 1}),
    jl_row("B03", "NUL in a path", line("artifact", path="a\0b", file="x"), "it holds a NUL, which no database can hold", "bad-text", RUN1),
    *(jl_row("B04", name, tag_line("@").encode().replace(b"@", text), "it is not UTF-8 at byte", "bad-utf8")
      for name, text in (("overlong", b"\xc0\xaf"), ("0xFF", b"\xff"), ("truncated sequence", b"\xe2\x82"),
                         ("beyond U+10FFFF", b"\xf4\x90\x80\x80"), ("surrogate", b"\xed\xa0\x80"))),
    jl_row("B04", "half a surrogate pair, escaped", tag_line("\ud800"), "it holds half a surrogate pair, which is no character", "bad-text", {"tags": 1}),
    jl_taken("B05", "right to left, zero width, an emoji", tag_line("\u202e\u200b\U0001f600", "a\u200bb"), {"tags": 2},
             "MLflow would refuse its key, which may only contain letters, digits, _ - . : / and spaces; kept as it is"),
    jl_taken("B05", "a thousand combining marks", param_line("z", "x" + "\u0301" * 1000), {"params": 1}),
    jl_taken("B06", "key of 250 characters", param_line("\u00e9" * 250, "1"), {"params": 1}, kind="postgres"),
    Bad("B06", "jsonl", "key of 251 characters", jl(param_line("k" * 251, "1")), 65, "its key has 251 characters; the column params.key holds 250",
        {"params": 1}, {"metrics": 2}, kind="postgres", code="too-long"),
    *(jl_key(key) for key in ("", "../x", "/abs", "a//b", ".")),
    *(jl_key(key, "may only contain letters, digits, _ - . : / and spaces") for key in ("a=b", "a\nb")),
    jl_taken("B06", "metric with blanks", point(key='" a b "'), {"metrics": 3}),
    jl_taken("B07", "param of 8000 characters", param_line("p", "\u00e9" * 8000), {"params": 1}, kind="postgres"),
    jl_taken("B07", "param of 8001 characters", param_line("p", "v" * 8001), {"params": 1}, "its value of 8001 characters was cut to the 8000 that the column holds",
             kind="postgres"),
    jl_taken("B07", "tag of 8001 characters", tag_line("v" * 8001), {"tags": 2}, "its value of 8001 characters was cut to the 8000 that the column holds", kind="postgres"),
    *(Bad("B07", "jsonl", f"experiment's tag of {n} characters",
          jl_raw(json.dumps({"type": "experiment", "name": "e", "tags": {"k": "v" * n}}) + "\n"), 0,
          [], {}, {"experiment_tags": 1}, "postgres") for n in (5001, 20001)),
    jl_id("..", "must start with an ASCII letter or digit"),
    jl_id("'; DROP TABLE runs; --", "must start with an ASCII letter or digit"),
    jl_id("", "it is empty"),
    Bad("B08", "jsonl", "run id of 33 characters", jl_raw(LINE_RUN.replace(RUN, "f" * 33) + "\n"), 65,
        "x.jsonl:1: its run_uuid has 33 characters; the column runs.run_uuid holds 32", RUN1, {}, "postgres"),
    Bad("B08", "jsonl", "run id in capitals with dashes", jl_raw(LINE_RUN.replace(RUN, "AB-CD") + "\n"), 0, [], {}, RUN1),
    *(jl_value("B09", text, "bad-number") for text in ("1e309", "-1e309")),
    *(jl_value("B09", text) for text in ('"0.1"', "true", "0x10", "+1", "01")),
    jl_row("B09", "value null", point("null"), "a line of type 'metric' needs the field 'value'", "missing-field"),
    *(jl_taken("B09", f"value {text}", point(text), {"metrics": 3})
      for text in ("1e-400", "-0.0", str(2**63), "0.12345678901234567890")),
    *(jl_step(text) for text in ("1.5", "1e2", str(2**63), str(-(2**63) - 1))),
    *(jl_step(text, "wrong-kind") for text in ("true", '"1"')),
    jl_row("B09", "number for text", line("param", key="k", value=0.1), "value must be a string, not 0.1", "wrong-kind", {"params": 1}),
    jl_value("B10", '"nan"'),
    *(jl_taken("B10", f"value {text}", point(text), {"metrics": 3})
      for text in ("NaN", "-Infinity", '"NaN"', '"Infinity"')),
    jl_taken("B10", "NaN twice", point("NaN") + "\n" + point('"NaN"'), {"metrics": 3}),
    jl_row("B11", "line of 17 MiB", tag_line("v" * (17 << 20)), "the line is longer than 16777216 bytes", "too-long"),
    jl_row("B11", "300,000 keys in an object", line("metrics", step=1, timestamp=9, values={f"k{i}": 1 for i in range(300_000)}),
           "it holds more than 262144 values", "too-long"),
    Bad("B11", "jsonl", "64 MiB without a newline", jl_raw(b"{" * (64 << 20)), 65,
        "x.jsonl:1: the line is longer than 16777216 bytes", ONE, {}, args=("--format", "jsonl")),
    *(jl_row("B12", f"a value {n:,} deep", f'{{"type":"tag","value":{"[" * n}', "value must be a string, not a list", "wrong-kind",
             {"tags": 1}) for n in (1000, 100_000)),
    Bad("B12", "jsonl", "a row 100,000 deep", jl_raw('{"step":1,"x":1}\n{"step":2,"x":' + "[" * 100_000 + "\n"), 65,
        "x.jsonl:2: no JSON object: nesting too deep", ONE, {"metrics": 1}),
    jl_row("B12", "10,000,000 deep", "[" * 10_000_000, "the line is no JSON object", "not-an-object"),
    Bad("B13", "jsonl", "gzip, cut off, called .gz", jl_raw(gzip.compress(MANY_LINES)[:4000], "x.gz"), 65,
        ["x.gz:", ": the gzip stream is damaged near byte ", ": it is cut off there"], ONE, code="bad-compression"),
    Bad("B13", "jsonl", "gzip, wrong checksum", jl_raw(gzip.compress(MANY_LINES)[:-8] + bytes(4) + gzip.compress(MANY_LINES)[-4:]),
        65, ["x.jsonl: ", "the gzip stream is damaged", "incorrect data check"], ONE, {}, code="bad-compression"),
    Bad("B13", "jsonl", "gzip, garbage behind", jl_raw(gzip.compress(MANY_LINES) + b"garbage!!"), 65,
        ["x.jsonl:3001: the gzip stream is damaged", "incorrect header check"], ONE, {"metrics": 3000}, code="bad-compression"),
    Bad("B13", "jsonl", "gzip, two members, called .jsonl",
        jl_raw(gzip.compress(MANY_LINES) + gzip.compress(point("7").encode())), 0, [], {}, {"metrics": 3001}),
    Bad("B13", "jsonl", "gzip of nothing", jl_raw(gzip.compress(b"")), 65, "x.jsonl: there is no line in it",
        args=("--format", "jsonl")),
    Bad("B13", "jsonl", "gzip in gzip", jl_raw(gzip.compress(gzip.compress(b"{}"))), 65, "x.jsonl:1: it is not UTF-8 at byte", ONE, {},
        args=("--format", "jsonl")),
    jl_row("B15", "a field twice", line("tag", key="k", value="v").replace('"key"', '"key": "j", "key"'),
           "the field 'key' comes twice", "duplicate-field", {"tags": 1}),
    jl_taken("B15", "a point twice", point(step=5) + "\n" + point(step=5), {"metrics": 3}),
    jl_taken("B15", "two values at a step", point(step=5) + "\n" + point("2", step=5), {"metrics": 4}),
    Bad("B16", "jsonl", "param with two values", jl(param_line("k", "1"), param_line("k", "2")), 65,
        "x.jsonl:4: 'k' comes twice with different values: '1' was kept, '2' was not", {"params": 1}, {"params": 1},
        code="conflicting-value"),
    jl_taken("B16", "tag set twice", tag_line("1") + "\n" + tag_line("2"), {"tags": 2}),
    jl_taken("B17", "extremes", "\n".join(point(step=step) for step in (2**63 - 1, -(2**63), -1)), {"metrics": 5}),
    *(jl_time(text) for text in ("1.5", str(2**63))),
    jl_time('"2023-01-01T00:00:00Z"', "wrong-kind"),
    jl_row("B18", "no timestamp", point(timestamp="null"), "a line of type 'metric' needs the field 'timestamp'", "missing-field"),
    jl_taken("B18", "a timestamp before 1970, as a store may hold", point(timestamp="-1"), {"metrics": 3}),
    jl_taken("B18", "end before start", line("end", status="FINISHED", end_time=1), {"metrics": 2}),
    *jl_path("../../etc/passwd"), *jl_path("/etc/passwd"), *jl_path("a/./b"), *jl_path("a//b"), *jl_path("x/"),
    *jl_path("file:///#/../x"),
    jl_row("B22", "an artifact's path with a NUL", line("artifact", path="a\0", file="f"), "it holds a NUL, which no database can hold", "bad-text", RUN1),
    *(jl_taken("B22", f"an artifact's path {text}, a name as any", line("artifact", path=text, file="f"), {"metrics": 2})
      for text in ("a\\b", "%2e%2e", "x.")),
    Bad("B23", "jsonl", "link to outside, named", lambda d: (jl()(d), os.symlink("x.jsonl", d / "l.jsonl"), d / "l.jsonl")[2],
        0, [], {}, {"metrics": 2}),
    Bad("B24", "jsonl", "empty", jl_raw(b""), 65, "x.jsonl: there is no line in it", args=("--format", "jsonl")),
    Bad("B24", "jsonl", "blank lines alone", jl_raw(b"\n \n"), 65, "x.jsonl: there is no line in it"),
    Bad("B24", "jsonl", "a run of nothing", jl_raw(LINE_RUN + "\n"), 0, [], {}, RUN1),
]  # fmt: skip
CASES += LINES


def in_order(words, text):
    at = 0
    for word in words:
        at = text.find(word, at)
        if at < 0:
            return False
        at += len(word)
    return True


def said_of_what_is_taken(summary):
    return "\n".join([*(n["reason"] for n in summary["notes"]), *summary["ignored"]])


@pytest.mark.parametrize("case", [pytest.param(c, id=f"{c.number}-{c.source}-{c.name[:60]}") for c in CASES])
def test_bad_input(run_bulk, new_db, tmp_path, case):
    source = tmp_path / "input"
    source.mkdir()
    source = case.make(source) or source
    command = ["import", source, *case.args, "--to"]
    stopped = run_bulk(*command, new_db(case.kind, HEAD).uri, check=case.exit, timeout=60)
    if case.exit:
        assert in_order(case.says, stopped.stderr), stopped.explain()
    db = new_db(case.kind, HEAD)
    whole = case.exit not in (0, 65) or case.rejected is None and case.exit
    skipped = run_bulk(*command, db.uri, "--on-error", "skip", "--json", timeout=60)
    assert skipped.returncode == (case.exit if whole else 2 if case.exit else 0), skipped.explain()
    if whole:
        return
    summary = check_summary(skipped, db=db)
    assert counts(summary, "rejected") == (case.rejected or {}), skipped.explain()
    assert not case.code or case.code in {n["code"] for n in summary["notes"]}, skipped.explain()
    inserted = counts(summary, "inserted")
    assert {t: inserted.get(t, 0) for t in case.inserted or {}} == (case.inserted or {}), skipped.explain()
    if not case.exit:
        said = said_of_what_is_taken(summary)
        assert all(word in said for word in case.says), skipped.explain()


def test_every_kind_of_bad_input_has_its_row():
    """B13 of compressed and B22 of artifact paths: test_import_jsonl.py and the tests of artifacts; B20: of FileStores,
    test_import_defects.py."""
    elsewhere = {"B20", "B22"}
    assert {c.number for c in CASES} | elsewhere == {f"B{n:02}" for n in range(1, 25)}
    names = [(c.number, c.source, c.name) for c in CASES]
    assert len(set(names)) == len(names)
