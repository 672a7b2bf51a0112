"""Event files made by real writers (tensorboardX; TensorBoard's own), and what TensorBoard itself reads from them."""

import struct

import numpy as np
from tensorboard.backend.event_processing import event_accumulator, io_wrapper, plugin_event_accumulator
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, types_pb2
from tensorboard.plugins.hparams import metadata as hparams_metadata
from tensorboard.plugins.scalar import metadata as scalar_metadata
from tensorboard.summary.writer.event_file_writer import EventFileWriter
from tensorboard.summary.writer.record_writer import RecordWriter, masked_crc32c
from tensorboard.util import tensor_util
from tensorboardX import SummaryWriter

T0 = 1700000000.0


def write_tensorboardx(folder, steps=100, purge_step=None, offset=0.0, suffix=""):
    """Scalars beside every other kind of summary."""
    with SummaryWriter(str(folder), purge_step=purge_step, filename_suffix=suffix) as w:
        for i in range(purge_step or 0, steps):
            w.add_scalar("train/loss", 1.0 / (i + 1) + offset, i, walltime=T0 + i + offset)
            if i % 10 == 0:
                w.add_scalar("val/acc (top 1)", i / 128, i, walltime=T0 + i)
        w.add_scalar("odd", float("nan"), 1, walltime=T0)
        w.add_scalar("odd", float("-inf"), 2, walltime=T0 + 0.0015)
        w.add_histogram("weights", np.arange(10.0), 1)
        w.add_text("note", "some words", 1)
        w.add_image("picture", np.zeros((3, 4, 4), dtype=np.uint8), 1)


def write_hparams(folder):
    with SummaryWriter(str(folder)) as w:
        params = {"lr": 0.125, "layers": 3, "opt": "adam", "nesterov": True, "tiny": 1e-7}
        w.add_hparams(params, {"final/loss": 0.5}, name="trial")


def tensor_value(tag, array, dtype=None, metadata=True):
    value = summary_pb2.Summary.Value(tag=tag, tensor=tensor_util.make_tensor_proto(array, dtype=dtype))
    if metadata:
        value.metadata.CopyFrom(scalar_metadata.create_summary_metadata(tag, ""))
    return value


def write_tensors(folder, rng):
    """New-style scalars of every type of number, through TensorBoard's own writer; metadata only the first time."""
    writer = EventFileWriter(str(folder))
    types = {
        "float": np.float32, "double": np.float64, "half": np.float16, "int": np.int32, "long": np.int64,
        "byte": np.uint8, "short": np.int16, "signed byte": np.int8, "flag": np.bool_,
        "ushort": np.uint16,
    }  # fmt: skip
    for step in range(50):
        event = event_pb2.Event(wall_time=T0 + step / 7, step=step)
        for name, dtype in types.items():
            number = np.asarray(rng.integers(-100, 100) if dtype in (np.int32, np.int64, np.int16, np.int8) else
                                rng.integers(0, 2) if dtype == np.bool_ else rng.integers(0, 200) + 0.5).astype(dtype)  # fmt: skip
            event.summary.value.append(tensor_value(f"tensor/{name}", number, metadata=step == 0))
        content = tensor_pb2.TensorProto(dtype=types_pb2.DT_DOUBLE, tensor_content=struct.pack("<d", step / 3))
        event.summary.value.append(summary_pb2.Summary.Value(tag="tensor/content", tensor=content))
        if step == 0:
            event.summary.value[-1].metadata.CopyFrom(scalar_metadata.create_summary_metadata("c", ""))
        writer.add_event(event)
    writer.close()


def write_events(path, events):
    """Events as they are given, in the framing of TensorBoard's own writer."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as f:
        writer = RecordWriter(f)
        for event in events:
            writer.write(event.SerializeToString())


def scalar_event(step, time, **values):
    event = event_pb2.Event(wall_time=time, step=step)
    for tag, number in values.items():
        event.summary.value.add(tag=tag, simple_value=number)
    return event


def random_restarts(rng, version):
    """A file whose steps go back now and then, with and without a writer that says so."""
    events = [event_pb2.Event(wall_time=T0, file_version=f"brain.Event:{version}")] if version else []
    step = 0
    for i in range(int(rng.integers(1, 200))):
        if rng.random() < 0.05:
            step = int(rng.integers(-3, step + 3))
            if rng.random() < 0.7:
                start = event_pb2.Event(wall_time=T0 + i, step=step)
                start.session_log.status = event_pb2.SessionLog.START
                events.append(start)
        tags = {t: float(rng.standard_normal()) for t in "abc" if rng.random() < 0.6}
        events.append(scalar_event(step, T0 + i, **tags))
        step += int(rng.integers(0, 3))
    return events


def read_runs(logdir):
    """{folder: {"scalars": {tag: [(step, wall_time, value)]}, "params": {...}}} as TensorBoard has it: old-style scalars
    from its EventAccumulator, which drops what a restart has made void; new-style ones from the one for plugins."""
    runs = {}
    for folder in io_wrapper.GetLogdirSubdirectories(str(logdir)):
        old = event_accumulator.EventAccumulator(folder, size_guidance={"scalars": 0}).Reload()
        new = plugin_event_accumulator.EventAccumulator(folder, size_guidance={"tensors": 0}).Reload()
        scalars = {tag: [(e.step, e.wall_time, e.value) for e in old.Scalars(tag)] for tag in old.Tags()["scalars"]}
        plugins = new.ActivePlugins()
        for tag in new.PluginTagToContent("scalars") if "scalars" in plugins else ():
            if tag not in scalars:
                scalars[tag] = [
                    (e.step, e.wall_time, float(tensor_util.make_ndarray(e.tensor_proto).item()))
                    for e in new.Tensors(tag)
                ]
        params = {}
        content = new.PluginTagToContent("hparams") if "hparams" in plugins else {}
        if hparams_metadata.SESSION_START_INFO_TAG in content:
            info = hparams_metadata.parse_session_start_info_plugin_data(
                content[hparams_metadata.SESSION_START_INFO_TAG]
            )
            params = {k: getattr(v, v.WhichOneof("kind")) for k, v in info.hparams.items()}
        runs[folder] = {"scalars": {t: p for t, p in scalars.items() if p}, "params": params}
    return runs


def records(path):
    """(offset, data) of each record."""
    data, at = path.read_bytes(), 0
    while at + 12 <= len(data):
        (n,) = struct.unpack_from("<Q", data, at)
        yield at, data[at + 12 : at + 12 + n]
        at += 16 + n


def frame(data):
    head = struct.pack("<Q", len(data))
    return head + struct.pack("<I", masked_crc32c(head)) + data + struct.pack("<I", masked_crc32c(data))
