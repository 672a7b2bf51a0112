#!/usr/bin/env python3
"""Damages sound inputs of every source in ways that nobody has thought of, imports them, and sees that what comes of it
is an answer: no crash, no hang, an exit code of the list, every row accounted for, and nothing gone in silence.

    tests/integration/mutate.py [FORMAT]... [--count N] [--seed N] [--corpus FOLDER] [--keep FOLDER]

The same seed makes the same inputs. test_mutations.py runs a few of each; a build with sanitizers (MLTRACK_BUILD) sees
most. Inputs that fail are kept, with what was said, in --keep."""

import argparse
import csv
import gzip
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import inputs
import programs
from stores.filestore import small_store

csv.field_size_limit(1 << 30)
EXIT_CODES = {0, 2, 65, 66, 78}
SECONDS = 60  # for a few kilobytes, under a sanitizer, on a machine that has other things to do


# ---- sound inputs ----


def filestore(folder):
    store = small_store(folder / "mlruns")
    curve = "".join(f"{inputs.T0 + i} {i / 8} {i}\n" for i in range(20))
    store.run("0", inputs.RUN, params={"p": "1", "q/r": "2"}, metrics={"m": curve, "a/b": curve}, tags={"t": "v"})


def tables(folder):
    inputs.table(folder, inputs.WIDE, "wide.csv")
    inputs.table(folder / "pl", inputs.WIDE, "metrics.csv")
    inputs.table(folder / "pl", "lr: 0.1\nlayers: [1, 2]\nopt:\n  name: adam\n", "hparams.yaml")
    inputs.table(folder / "ray", inputs.ray_lines(), "result.json")
    inputs.table(folder / "ray", '{"lr": 1e-3, "model": {"fcnet": [64]}}', "params.json")
    inputs.table(folder / "hf", inputs.history(), "trainer_state.json")


def long_table(folder):
    inputs.table(folder, inputs.LONG, "long.csv")


def tensorboard(folder):
    inputs.tf_events(folder / "a")
    inputs.tf_events(folder / "b", [inputs.tf_scalar(i % 7, i / 2, "xy"[i % 2]) for i in range(20)])


def wandb(folder):
    inputs.wandb_run(folder)


def exports(folder):
    inputs.exported(folder / "x")


def json_lines(folder):
    inputs.table(folder, "".join(json.dumps(line) + "\n" for line in inputs.json_lines()), "points.jsonl")


def json_lines_packed(folder):
    json_lines(folder)
    path = folder / "points.jsonl"
    path.write_bytes(gzip.compress(path.read_bytes(), mtime=0))


def database(folder):
    with tempfile.TemporaryDirectory() as made:
        filestore(Path(made))
        programs.run_bulk(programs.bulk_path(), "import", made, "--to", f"sqlite:///{folder}/mlflow.db", cwd=made, check=0)


MAKERS = {
    "filestore": filestore, "csv": tables, "csv-long": long_table, "tensorboard": tensorboard, "wandb": wandb,
    "export-import": exports, "sqlite": database, "jsonl": json_lines, "jsonl-gzip": json_lines_packed,
}  # fmt: skip


# ---- damage ----

WORDS = [
    b"1e400", b"-1e400", b"0x10", b"1_000", b"NaN", b"-Infinity", b"null", b"true", b"9223372036854775808", b"",
    b"-9223372036854775809", b"\xff\xfe", b"\xed\xa0\x80", b"\0", b"\r\n", b"\r", b"\xef\xbb\xbf", b"'", b'"', b"\\", b"{", b"]",
    b"\\ud800", b"../../etc/passwd", b"\x1b[2J", b"[" * 5000, b"9" * 5000, b"\t", b";", b",", b": ", b"- ", b"*a", b"&a",
]  # fmt: skip


def flip(rng, data):
    for _ in range(rng.choice([1, 1, 1, 2, 8, 64])):
        if data:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return data


def truncate(rng, data):
    return data[: rng.randrange(len(data) + 1)]


def delete(rng, data):
    at = rng.randrange(len(data) + 1)
    del data[at : at + rng.choice([1, 2, 8, 100])]
    return data


def insert(rng, data):
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice(WORDS) + data[at:]


def overwrite(rng, data):
    at, word = rng.randrange(len(data) + 1), rng.choice(WORDS)
    data[at : at + len(word)] = word[: len(data) - at]
    return data


def lines(rng, data):
    """Doubles, moves, drops, joins."""
    parts = data.splitlines(keepends=True) or [data]
    at, to = rng.randrange(len(parts)), rng.randrange(len(parts))
    what = rng.randrange(4)
    if what == 0:
        parts.insert(to, parts[at])
    elif what == 1:
        parts.insert(to, parts.pop(at))
    elif what == 2:
        del parts[at]
    else:
        parts[at] = parts[at].rstrip(b"\r\n")
    return bytearray(b"".join(parts))


def field(rng, data):
    """Another word where one was, between delimiters."""
    marks = [i for i, b in enumerate(data) if b in b" ,:\n\t\"[]{}"]
    if len(marks) < 2:
        return insert(rng, data)
    at = rng.randrange(len(marks) - 1)
    return data[: marks[at] + 1] + rng.choice(WORDS) + data[marks[at + 1] :]


def huge_line(rng, data):
    at = rng.randrange(len(data) + 1)
    return data[:at] + bytes([rng.choice(b"x9 [,")]) * rng.choice([70_000, 1_100_000, 3_000_000]) + data[at:]


def line_ends(rng, data):
    return bytearray(data.replace(b"\n", rng.choice([b"\r\n", b"\r", b"\n\n", b"\n\0", b"\x0b"])))


def encode(rng, data):
    text = data.decode("utf-8", "replace")
    return bytearray(rng.choice([text.encode("utf-16"), text.encode("utf-32"), b"\xef\xbb\xbf" + bytes(data)]))


def empty(rng, data):
    return bytearray(rng.choice([b"", b"\0" * 4096, b"\n", b"{}", b"[]", b"null"]))


def splice(rng, data):
    """A piece of itself somewhere else."""
    a, b = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    at = rng.randrange(len(data) + 1)
    return data[:at] + data[a:b] + data[at:]


def reframe(rng, data):
    """Damages what is in an event file's records, whose checksums are right again."""
    out, at = bytearray(), 0
    while at + 12 <= len(data):
        n = int.from_bytes(data[at : at + 8], "little")
        record = bytearray(data[at + 12 : at + 12 + n])
        if rng.random() < 0.2:
            record = rng.choice([flip, truncate, delete, insert, splice])(rng, record)
        out += inputs.tf_record(bytes(record))
        at += 16 + n
    return out


def relog(rng, _):
    """Damages what is in a log of wandb's records; its framing is right."""
    records = [(kind, bytearray(body)) for kind, body in inputs.wandb_records()]
    at = rng.randrange(len(records))
    kind, body = records[at]
    records[at] = (kind, rng.choice([flip, truncate, delete, insert, splice, field])(rng, body))
    return bytearray(inputs.wandb_log((k, bytes(b)) for k, b in records))


BYTES = [flip, flip, truncate, delete, insert, insert, overwrite, splice, huge_line, line_ends, encode, empty]
TEXT = [*BYTES, lines, lines, field, field, field]
OF_FORMAT = {"tensorboard": [*BYTES, *[reframe] * 12], "wandb": [*BYTES, *[relog] * 12], "sqlite": BYTES, "jsonl-gzip": BYTES}
STREAMS = ("jsonl", "jsonl-gzip")  # may be a FIFO or without end: what is there in the file's place is waited for


def replace_file(rng, path):
    """What is not a file, where one was."""
    what = rng.randrange(7)
    path.unlink()
    if what == 0:
        os.mkfifo(path)
    elif what == 1:
        path.mkdir()
    else:
        os.symlink(["/etc/hostname", path.name, "/nonexistent/x", "..", "/dev/zero"][what - 2], path)


def damage(rng, kind, folder):
    """-> what was done, in words."""
    done = []
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        files = sorted(p for p in folder.rglob("*") if p.is_file() and not p.is_symlink())
        if not files:
            break
        path = rng.choice(files)
        if rng.random() < 0.05 and kind not in STREAMS:
            replace_file(rng, path)
            done.append(f"{path.relative_to(folder)}: replaced")
            continue
        change = rng.choice(OF_FORMAT.get(kind, TEXT))
        path.write_bytes(bytes(change(rng, bytearray(path.read_bytes()))))
        done.append(f"{path.relative_to(folder)}: {change.__name__}")
    return ", ".join(done)


# ---- what must hold ----


def metrics_counted(summary):
    return summary["tables"]["metrics"]["read"]


def rows_of_long_table(folder):
    """Rows of a table that Python reads as well: those must all be counted. None: it is too far gone to say."""
    data = (folder / "long.csv").read_bytes() if (folder / "long.csv").is_file() else b""
    if not data.startswith(b"run,key,step,timestamp,value\n") or set(b'"\0\r\x0b\t') & set(data):
        return None
    rows = list(csv.reader(io.StringIO(data.decode("utf-8", "replace"))))[1:]
    return sum(1 for row in rows if row and row != ["run", "key", "step", "timestamp", "value"])


def lines_of_filestore(folder):
    """Lines of metric files are points, or rejected, but for empty ones at their ends."""
    n = 0
    for path in (p for at in ("*", ".trash/*") for p in (folder / "mlruns").glob(f"{at}/*/metrics/**/*")):
        if path.is_symlink() or not path.is_file():
            return None
        data = path.read_bytes()
        if set(data) & set(b"\r\x0b\x0c\x1c\x1d\x1e\x85"):
            return None
        n += data.rstrip().count(b"\n") + (data.strip() != b"")
    return n


COUNTERS = {"csv-long": rows_of_long_table, "filestore": lines_of_filestore}


def judge(done, summary, kind, folder):
    """-> what is wrong, or None."""
    if done.returncode < 0:
        return f"killed by signal {-done.returncode}"
    if any(mark in done.stderr for mark in programs.CRASH_MARKS):
        return "a sanitizer's report"
    if done.returncode not in EXIT_CODES:
        return f"exit {done.returncode}"
    if summary is None:
        return "no JSON document"
    if done.returncode not in (0, 2):
        return None if done.stderr.strip() else "it says nothing"
    for table, c in summary["tables"].items():
        if c["read"] != sum(c[k] for k in ("inserted", "present", "updated", "merged", "rejected")):
            return f"{table} do not add up"
    rejected = sum(c["rejected"] for c in summary["tables"].values())
    if bool(rejected) != (done.returncode == 2):
        return f"exit {done.returncode} and {rejected} rejected"
    wanted = COUNTERS[kind](folder) if kind in COUNTERS else None
    runs_lost = summary["tables"]["runs"]["rejected"] or summary["tables"]["experiments"]["rejected"] or summary["ignored"]
    if wanted is not None and not runs_lost and metrics_counted(summary) != wanted:
        return f"{wanted} rows of metrics, of which {metrics_counted(summary)} are counted"
    return None


def document(text):
    try:
        return json.loads(text)
    except ValueError:
        return None


def import_damaged(bulk, kind, folder, dry):
    source = folder / "input"
    source /= {"sqlite": "mlflow.db", "jsonl": "points.jsonl", "jsonl-gzip": "points.jsonl"}.get(kind, "")
    argv = [bulk, "import", source, "--format", kind.removesuffix("-long").removesuffix("-gzip"), "--to", f"sqlite:///{folder}/out.db"]
    argv += ["--on-error", "skip", "--json", *(["--dry-run"] if dry else [])]
    env = programs.clean_env(folder)
    try:
        return subprocess.run(
            list(map(str, argv)), env=env, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8",
            errors="backslashreplace", timeout=SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired as slow:
        return subprocess.CompletedProcess(slow.cmd, -9, "", f"no end after {SECONDS} s")


def one(bulk, kind, seed, work, sound):
    """Damages, imports, judges -> None, or (what was done, what is wrong, what was said)."""
    rng = random.Random(f"{kind}-{seed}")
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(sound, work / "input", symlinks=True)
    what = damage(rng, kind, work / "input")
    done = import_damaged(bulk, kind, work, dry=rng.random() < 0.5)
    wrong = judge(done, document(done.stdout), kind, work / "input")
    return wrong and (what, wrong, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}")


def mutate(kind, seeds, keep=None, corpus=None):
    """-> failures, as text."""
    bulk, failures = programs.bulk_path(), []
    with tempfile.TemporaryDirectory(prefix="mlt-mutate-") as folder:
        folder = Path(folder)
        sounds = [folder / "sound"]
        sounds[0].mkdir()
        MAKERS[kind](sounds[0])
        sounds += of_corpus(kind, corpus, folder)
        for seed in seeds:
            failed = one(bulk, kind, seed, folder / "work", sounds[seed % len(sounds)])
            if not failed:
                continue
            failures.append(f"{kind} {seed}: {failed[0]}: {failed[1]}\n{failed[2][-3000:]}")
            if keep:
                shutil.copytree(folder / "work", Path(keep) / f"{kind}-{seed}", symlinks=True, dirs_exist_ok=True)
                (Path(keep) / f"{kind}-{seed}.txt").write_text(failures[-1])
    return failures


def of_corpus(kind, corpus, folder):
    """Copies of the small stores of a corpus."""
    found = []
    if corpus and kind == "filestore":
        for n, store in enumerate(sorted(Path(corpus).glob("filestore-*/**/mlruns"))):
            if sum(p.stat().st_size for p in store.rglob("*") if p.is_file()) < 2_000_000:
                shutil.copytree(store, folder / f"corpus-{n}" / "mlruns", symlinks=True)
                found.append(folder / f"corpus-{n}")
    if corpus and kind == "sqlite":
        for n, store in enumerate(sorted(Path(corpus).glob("sqlite-*/*.db"))):
            (folder / f"corpus-{n}").mkdir()
            shutil.copyfile(store, folder / f"corpus-{n}" / "mlflow.db")
            found.append(folder / f"corpus-{n}")
    for path in [p for at in found for p in at.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("formats", nargs="*", metavar="FORMAT", help=", ".join(MAKERS))
    parser.add_argument("--count", type=int, default=1000, help="inputs of each format [1000]")
    parser.add_argument("--seed", type=int, default=0, help="the first seed [0]")
    parser.add_argument("--corpus", help="damage its stores, too")
    parser.add_argument("--keep", type=Path, help="a folder for inputs that fail")
    args = parser.parse_args()
    if args.keep:
        args.keep.mkdir(parents=True, exist_ok=True)
    failed = 0
    for kind in args.formats or MAKERS:
        failures = mutate(kind, range(args.seed, args.seed + args.count), args.keep, args.corpus)
        print(f"{kind}: {args.count} damaged inputs, {len(failures)} failures", flush=True)
        for failure in failures:
            print(failure.split("\n", 1)[0], flush=True)
        failed += len(failures)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
