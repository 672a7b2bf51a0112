"""mltrack-verify on the artifacts of a store, beside what only reads the same files: hashing beside `sha256sum` on all
processors, sizes and times beside `find -printf`, and the one run that a training job looks at when it ends; and on the
points of a database, beside counting them."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import programs
from artifacts import CHUNK
from cluster import environment
from databases import SqliteDatabase
from measure import Contender, Failed, Stopwatch

HEAD = programs.MLFLOW_HEADS[programs.ORACLE]
HASHED = {"4 MiB": (40, 4, 4 << 20), "1 MiB": (40, 16, 1 << 20), "4 KiB": (40, 500, 4 << 10)}  # runs, files of each
HASHED_SCALE = 4  # at most: bytes are many soon
SMALL_RUNS, SMALL_FILES, SMALL_BYTES = 100, 1000, 100
A_FOLDER = 100


def run_id(number):
    return f"{number:032x}"


def fill(folder, files, size):
    for i in range(files):
        path = folder / str(i // A_FOLDER)
        path.mkdir(parents=True, exist_ok=True)
        (path / str(i)).write_bytes(os.urandom(size))


def store(bench, name, runs, files, size):
    """A database whose runs have files, all recorded in manifests -> its folder."""
    folder = bench.data / f"verify-{name}-{runs}-{files}-{size}"
    if folder.exists():
        return folder
    unfinished = folder.with_suffix(".unfinished")
    unfinished.mkdir(parents=True)
    db = SqliteDatabase(unfinished / "mlflow.db").load_head(HEAD)
    connection = sqlite3.connect(db.path)
    sql = "INSERT INTO experiments (experiment_id, name, artifact_location, lifecycle_stage) VALUES (1, 'e', ?, 'active')"
    connection.execute(sql, (f"{folder}/root/1",))
    for number in range(runs):
        run = run_id(number)
        sql = (
            "INSERT INTO runs (run_uuid, name, user_id, status, lifecycle_stage, artifact_uri, experiment_id, start_time, end_time)"
            " VALUES (?, 'r', 'u', 'FINISHED', 'active', ?, 1, 1700000000000, 1700000000001)"
        )
        connection.execute(sql, (run, f"{folder}/root/1/{run}/artifacts"))
        connection.execute("INSERT INTO tags (run_uuid, key, value) VALUES (?, 'mlflow.runName', 'r')", (run,))
        fill(unfinished / "root" / "1" / run / "artifacts", files, size)
    connection.commit()
    connection.close()
    unfinished.rename(folder)
    command = [program(bench), "--to", f"sqlite:///{folder}/mlflow.db", "--manifest-only", "--quiet"]
    subprocess.run(command, check=True, env=environment())
    return folder


def program(bench):
    return Path(bench.bulk).parent / "mltrack-verify"


def warm(folder):
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                while file.read(CHUNK):
                    pass


def contender(name, argv, files, expected="", server=None):
    def run(first):
        watch = Stopwatch(server)
        (said,) = watch.run(environment(), argv)
        if first and expected not in said:
            raise Failed(f"'{name}' says {said!r}, not {expected!r}")
        return watch.stop(files)

    return Contender(name, run)


def ours(bench, folder, files, *options):
    argv = [program(bench), "--to", f"sqlite:///{folder}/mlflow.db", "--check", "artifacts", *options]
    return contender(f"mltrack-verify {' '.join(options[:1])}", argv, files, f" {files} files")


def theirs(name, folder, files, command):
    return contender(name, ["sh", "-c", command, folder / "root" / "1"], files)


def measure(bench):
    """(figure, what is done, the Series of ours and of theirs) of each workload."""
    scale = bench.options.points / 1e6
    for size, (runs, files_of_run, length) in HASHED.items():
        runs = max(2, int(runs * min(scale, HASHED_SCALE)))
        folder, files = store(bench, "hashed", runs, files_of_run, length), runs * files_of_run
        warm(folder)
        few = max(4, (16 << 20) // length)  # files that one sha256sum reads
        sums = f'find "$0" -type f -print0 | xargs -0 -P{os.cpu_count()} -n{min(few, 1000)} sha256sum > /dev/null'
        contenders = ours(bench, folder, files, "--full"), theirs("sha256sum", folder, files, sums)
        yield "hashing", f"hashing {files:,} files of {size}", bench.in_turns(*contenders)
    runs = max(2, int(SMALL_RUNS * scale))
    folder, files = store(bench, "small", runs, SMALL_FILES, SMALL_BYTES), runs * SMALL_FILES
    find = "find \"$0\" -type f -printf '%s %T@ %p\\n' > /dev/null"
    contenders = ours(bench, folder, files, "--quick"), theirs("find -printf", folder, files, find)
    yield "sizes", f"sizes and times of {files:,} files", bench.in_turns(*contenders)
    one = [contender("one run", ours_of_one(bench, folder), SMALL_FILES, f" {SMALL_FILES} files")]
    yield "one", f"--run, {SMALL_FILES:,} files", bench.in_turns(*one)
    yield from measure_points(bench)


# ---- points ----

CHECKS = "experiments values latest-metrics models orphans ledger".split()  # whose time grows with the rows
COUNT = "SELECT count(*) FROM metrics"


def measure_points(bench):
    points = bench.encoded("base").points
    file = bench.folder / "points.db"
    bench.run_bulk("import", bench.store("base"), "--to", f"sqlite:///{file}")
    counting = [sys.executable, "-c", f"import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('{COUNT}').fetchone()", file]
    yield from points_of(bench, "SQLite", f"sqlite:///{file}", points, counting)
    file.unlink()
    database = bench.cluster.reset(bench.empty())
    bench.run_bulk("import", bench.store("base"), "--to", database.uri)
    counting = bench.cluster.psql(database, "-c", COUNT)
    yield from points_of(bench, "PostgreSQL", database.uri, points, counting, bench.cluster)


def points_of(bench, name, uri, points, counting, server=None):
    argv = [program(bench), "--to", uri, *(f"--check={check}" for check in CHECKS)]
    contenders = [
        contender("mltrack-verify", argv, points, "no differences", server),
        contender("mltrack-verify --full", [*argv, "--full"], points, "no differences", server),
        contender("count(*)", counting, points, "", server),
    ]
    yield "points", f"all checks of {points:,} points, {name}", bench.in_turns(*contenders)


# As src/pg/sum.c has it, over the whole table.
SUMS = """SELECT run_uuid, count(*), sum(hashtextextended(key COLLATE "C", hashfloat8extended(value,
  hashint4extended(is_nan::int4, timestamp) # step))) FROM metrics GROUP BY run_uuid"""
COUNT = "SELECT count(*) FROM metrics"


def asked(bench, name, sql):
    """The server alone: what it sends back is little."""

    def load(database, watch):
        watch.run(environment(), bench.cluster.psql(database, "-o", "/dev/null", "-c", sql))

    return bench.postgres(name, bench.full(), bench.points(), None, load)


def measure_proof(bench):
    """(what is done, the Series of ours and of theirs): sums beside a scan, --source beside reading alone."""
    store, points = bench.store("base"), bench.points()
    contenders = asked(bench, "sums", SUMS), asked(bench, "count(*)", COUNT)
    yield f"sums of {points:,} points in PostgreSQL: time / count(*)", bench.in_turns(*contenders)

    def prove(database, watch):
        watch.run(environment(), [program(bench), "--to", database.uri, "--source", store, "--check", "source"])

    reading = contender("reading", [bench.bulk, "export", store, "-o", "/dev/null", "--force", "--quiet"], points)
    contenders = bench.postgres("mltrack-verify --source", bench.full(), points, None, prove), reading
    yield f"--source, {points:,} points: time / mltrack-bulk export of the source", bench.in_turns(*contenders)


def ours_of_one(bench, folder):
    return [program(bench), "--to", f"sqlite:///{folder}/mlflow.db", "--run", run_id(0)]
