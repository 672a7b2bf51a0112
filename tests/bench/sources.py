"""The figure `sources`: how fast each format is read, beside the tool that people read it with today, and how fast it
comes into a new SQLite file. The points are those of the store `base`, the same in every format."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import programs
import readers
import stores
from measure import Contender, Failed, Sample, Stopwatch, say

HERE = Path(__file__).resolve().parent
MLFLOW, WANDB = programs.ORACLE, "wandb-0.15.12"  # whose reader is Python; later ones have it in Go and Rust

# format -> what logs.py writes (None: the store itself), the option, the environment and function of the reader
SOURCES = {
    "filestore": (None, "filestore", MLFLOW, "filestore"),
    "sqlite": (None, "sqlite", MLFLOW, "sqlalchemy"),
    "csv, wide": ("wide", "csv", MLFLOW, "read_csv"),
    "csv, long": ("long", "csv", MLFLOW, "read_csv"),
    "jsonl": ("jsonl", "jsonl", MLFLOW, "read_json"),
    "jsonl, mixed": ("mixed", "jsonl", MLFLOW, "read_json"),
    "tensorboard": ("tensorboard", "tensorboard", "test", "accumulator"),
    "wandb": ("wandb", "wandb", WANDB, "datastore"),
    "export-import": ("export", "export-import", MLFLOW, "export_documents"),
}


def written(bench, store, kind):
    """The folder with the points in that format, made unless it is there."""
    folder = bench.data / f"{store.name}-{kind}"
    if not folder.exists():
        say(f"writing {folder.name}")
        unfinished = folder.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        subprocess.run([sys.executable, "-B", HERE / "logs.py", kind, store, unfinished], check=True)
        unfinished.rename(folder)
    stores.warm(folder)
    return folder


def database(bench, store):
    path = bench.folder / "source.db"
    if not path.exists():
        bench.run_bulk("import", store, "--to", f"sqlite:///{path}", "--mlflow-version", "3.17")
    return path


def ours(bench, name, path, option, points, *args):
    def run(first):
        file = bench.folder / "sources.db"
        file.unlink(missing_ok=True)
        argv = [bench.bulk, "import", path, "--format", option, "--to", f"sqlite:///{file}"]
        watch = Stopwatch()
        [out] = watch.run(programs.clean_env(bench.folder), [*argv, "--json", "--quiet", "--no-progress", *args])
        found = json.loads(out)["tables"]["metrics"]["read"]
        if found != points:
            raise Failed(f"'{name}' read {found} points of {points}")
        return watch.stop(points)

    return Contender(name, run)


def theirs(name, venv, tool, path, points):
    def run(first):
        found, wall, processor = programs.mlflow_run(venv, HERE / "readers.py", tool, path, timeout=7200)
        if found != points:
            raise Failed(f"'{name}' read {found} points of {points}")
        return Sample(wall, points, processor)

    return Contender(name, run)


def measured(bench):
    """(format, the reader's name, Series: reading, the reader, importing) of each that the program knows."""
    store, points = bench.store("base"), bench.points()
    for name, (kind, option, venv, tool) in SOURCES.items():
        if bench.lacks("format", option):
            continue
        path = written(bench, store, kind) if kind else database(bench, store) if option == "sqlite" else store
        path = path / "points.jsonl" if option == "jsonl" else path
        described = getattr(readers, tool).__doc__
        yield name, described, bench.in_turns(
            ours(bench, f"mltrack-bulk import --dry-run, {name}", path, option, points, "--dry-run"),
            theirs(described, venv, tool, path.parent if option == "jsonl" else path, points),
            ours(bench, f"mltrack-bulk import, {name}", path, option, points),
        )
