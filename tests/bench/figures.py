"""The figures: what is measured against what, and which goal each has. A figure is a function that takes the bench and
yields rows of the table."""

import json
import re
import shutil
import sqlite3
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import artifacts as artifact_files
import byhand
import programs
import stores
import verifying
from cluster import SameResult, environment
from measure import Contender, Failed, Program, Sample, Spread, Stopwatch, cpu_ratio, in_turns, ratios, say
from pg_server import PgDatabase, free_port
from sources import measured

MLFLOW_VERSION = "3.17"
HEAD = programs.MLFLOW_HEADS[programs.ORACLE]
HERE = Path(__file__).resolve().parent
SMALL_RUNS_PER_POINT = 1 / 100  # 1 M points stand for 10,000 small runs
REST_POINTS_PER_POINT = 1 / 25  # what a server takes in the time
SQLITE_TABLES = ("experiments", "runs", "params", "tags", "metrics", "latest_metrics")


@dataclass
class Row:
    """A line of the table. `value` is a Spread, or the reason why there is none."""

    figure: str
    what: str
    goal: str = ""  # such as "<= 1.15"; "" = for information
    value: object = None
    unit: str = ""
    series: list = field(default_factory=list)
    cpu: float = None  # the same ratio of processor time, client and server together

    @property
    def met(self):
        if not self.goal or not isinstance(self.value, Spread):
            return None
        sign, bound = self.goal.split()
        bound = float(bound.replace(",", ""))
        return self.value.median <= bound if sign == "<=" else self.value.median >= bound


def compare(row, ours, theirs, series):
    """Completes a row: what ours costs in units of theirs or, where the goal is a lower bound, how often faster ours
    is."""
    row.value, row.cpu, row.unit, row.series = ratios(ours, theirs), cpu_ratio(ours, theirs), "x", series
    if row.goal.startswith(">="):
        row.value = Spread(1 / row.value.median, 1 / row.value.high, 1 / row.value.low)
        row.cpu = row.cpu and 1 / row.cpu
    return row


class Bench:
    """What the figures share: the program under test, stores, the server with its start states, encoded rows."""

    def __init__(self, options, folder, data, cluster):
        self.options, self.folder, self.data, self.cluster = options, folder, data, cluster
        self.bulk = programs.bulk_path()
        self.help = subprocess.run([self.bulk, "import", "--help"], capture_output=True, text=True, check=True).stdout
        self.made = {}
        self.raw_sqlite = None

    # Workload

    def points(self, times=1):
        return self.options.runs * self.options.keys * self.steps(times)

    def steps(self, times=1):
        return max(1, int(self.options.points * times) // (self.options.runs * self.options.keys))

    def runs_of(self, kind):
        return max(100, int(self.options.points * SMALL_RUNS_PER_POINT)) if kind == "small" else self.options.runs

    def store(self, kind, times=1):
        """The folder of a store, made unless it is there, and read once."""
        shape = {"runs": self.runs_of(kind), "keys": self.options.keys, "steps": self.steps(times)}
        if kind == "small":
            shape = {"runs": shape["runs"]}
        folder = self.data / "-".join([kind, *(str(v) for v in shape.values())])
        if not folder.exists():
            say(f"making the store {folder.name}")
            unfinished = folder.with_suffix(".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            arguments = [f"--{name}={value}" for name, value in shape.items()]
            # A process of its own: what it takes in memory would count as that of the programs measured.
            subprocess.run([sys.executable, "-B", HERE / "stores.py", kind, unfinished, *arguments], check=True)
            unfinished.rename(folder)
        stores.warm(folder)
        return folder

    # Start states and encoded rows, each made once

    def _once(self, name, make):
        if name not in self.made:
            self.made[name] = make()
        return self.made[name]

    def empty(self):
        """MLflow's tables without rows."""

        def fill(database):
            self.run_bulk("schema", "init", "--to", database.uri, "--mlflow-version", MLFLOW_VERSION)

        return self._once("empty", lambda: self.cluster.make_template("bench_empty", None, fill))

    def full(self):
        """The points of `base` are in, put there by hand."""

        def fill(database):
            byhand.rebuild(self.cluster, database, self.encoded("base"), Stopwatch())

        return self._once("full", lambda: self.cluster.make_template("bench_full", self.empty(), fill))

    def start_of(self, kind):
        return self.empty() if kind == "base" else self.full()

    def encoded(self, kind):
        def make():
            say(f"encoding the rows of the store {kind}")
            store = self.store(kind)

            def imported(database):
                self.run_bulk("import", store, "--to", database.uri)

            return byhand.encode(
                self.cluster,
                self.start_of(kind),
                store,
                self.folder / "encoded" / kind,
                stores.run_ids(kind, self.runs_of(kind)),
                None if kind == "merge" else imported,
            )

        return self._once(f"encoded {kind}", make)

    # Ours

    def run_bulk(self, *args):
        return programs.run_bulk(self.bulk, *args, cwd=self.folder, check=0, timeout=7200)

    def lacks(self, option, value=""):
        """Why an option cannot be used: None if the program has it."""
        described = re.search(rf"--{option}\b(?:.*\n)(?: {{20,}}.*\n)*", self.help)
        if described and re.search(rf"\b{value}", described[0]):
            return None
        return f"not available: the program has no --{option} {value}".rstrip()

    def ours(self, watch, store, uri, *args):
        """Times one import -> how the rows went in."""
        jobs = ["--jobs", self.options.jobs] if self.options.jobs and uri.startswith("postgres") else []
        argv = [self.bulk, "import", store, "--to", uri, "--json", "--quiet", "--no-progress", *jobs, *args]
        (said,) = watch.run(environment(), argv)
        return json.loads(said)["load"]

    def postgres(self, name, template, units, same, load):
        """A contender whose start state is a template. load(database, watch) does the work -> a note or None."""

        def run(first):
            database = self.cluster.reset(template)
            watch = Stopwatch(self.cluster)
            note = load(database, watch)
            sample = watch.stop(units, note or "")
            if same:
                same.check(name, database, first)
            return sample

        return Contender(name, run)

    def ours_to_postgres(self, template, store, units, same, *args):
        return self.postgres(
            " ".join(["mltrack-bulk import", *args]),
            template,
            units,
            same,
            lambda database, watch: self.ours(watch, store, database.uri, *args),
        )

    def by_hand(self, name, template, encoded, same, how):
        return self.postgres(
            name, template, encoded.points, same, lambda db, watch: how(self.cluster, db, encoded, watch)
        )

    def in_turns(self, *contenders):
        return in_turns(self.options.rounds, contenders)


def against_by_hand(bench, kind, references, *args):
    """Ours, then each reference -> their Series."""
    encoded, template, same = bench.encoded(kind), bench.start_of(kind), SameResult()
    contenders = [bench.by_hand(name, template, encoded, same, how) for name, how in references]
    ours = bench.ours_to_postgres(template, bench.store(kind), encoded.points, same, *args)
    return bench.in_turns(ours, *contenders)


def rebuild(bench):
    """mlruns -> empty Postgres, end to end"""
    references = [
        ("by hand: one transaction, indexes dropped and remade", byhand.rebuild),
        ("psql \\copy of the csv, everything live", byhand.csv),
    ]
    series = against_by_hand(bench, "base", references)
    ours, hand, csv = series
    yield compare(Row("rebuild", "time / one hand-made transaction", "<= 1.15"), ours, hand, series)
    yield compare(Row("rebuild", "times faster than psql \\copy csv", ">= 3.5"), ours, csv, series)


def append(bench):
    """new runs beside as many existing points"""
    reference = ("by hand: two connections, sorted binary rows", byhand.connections)
    series = against_by_hand(bench, "append", [reference], "--load", "append")
    yield compare(Row("append", "time / two binary COPY connections", "<= 1.2"), *series, series)


def trust(bench):
    """the same without the foreign-key trigger"""
    row = Row("trust", "time / two connections, trigger skipped", "<= 1.2", bench.lacks("trust-runs"))
    if not row.value:
        reference = ("by hand: two connections, trigger skipped", byhand.connections_without_trigger)
        series = against_by_hand(bench, "append", [reference], "--load", "append", "--trust-runs")
        compare(row, *series, series)
    yield row


def merge(bench):
    """points for existing runs, out of order, 30 % there already"""
    row = Row("merge", "time / staging table, ON CONFLICT", "<= 1.1", bench.lacks("load", "merge"))
    if not row.value:
        reference = ("by hand: staging table, INSERT ... ON CONFLICT", byhand.staging)
        series = against_by_hand(bench, "merge", [reference], "--load", "merge")
        compare(row, *series, series)
    yield row


# SQLite

LETTERS = {"character varying": "t", "text": "t", "double precision": "f", "boolean": "b"}


def raw_sqlite_arguments(bench, encoded):
    """[INSERT, TYPES, FILE] of every table, in the order of its columns in the binary files."""
    database = bench.cluster.reset(bench.empty())
    lists = {"metrics": byhand.METRICS.split(", "), "latest_metrics": byhand.LATEST.split(", ")}
    arguments = []
    for table in (*encoded.tables, "metrics", "latest_metrics"):
        types = dict(
            database.query(
                "SELECT column_name, data_type FROM information_schema.columns"
                " WHERE table_schema = 'public' AND table_name = %s ORDER BY ordinal_position",
                (table,),
            )
        )
        names = lists.get(table) or list(types)
        columns, marks = ", ".join(f'"{n}"' for n in names), ", ".join("?" * len(names))
        letters = "".join(LETTERS.get(types[n], "i") for n in names)
        arguments += [f"INSERT INTO {table} ({columns}) VALUES ({marks})", letters, encoded.file(f"{table}.bin")]
    return arguments


def sqlite_schema(bench):
    """MLflow's schema in two files: without the indexes of `metrics`, and these."""
    schema = (programs.HEADS_DIR / f"{HEAD}.sqlite.sql").read_text()
    key = re.search(r"\n\s*CONSTRAINT metric_pk PRIMARY KEY (\([^)]*\)),", schema)
    indexes = re.findall(r"CREATE INDEX \w+ ON metrics [^;]*;", schema)
    for text in (key[0], *indexes):
        schema = schema.replace(text, "")
    before, after = bench.folder / "before.sql", bench.folder / "after.sql"
    before.write_text(schema)
    after.write_text("\n".join([f"CREATE UNIQUE INDEX metric_pk ON metrics {key[1]};", *indexes]))
    return before, after


def build(bench, name, *libraries):
    program = bench.folder / name
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    command = [compiler, "-std=c17", "-D_GNU_SOURCE", "-O2", "-o", program, HERE / f"{name}.c", *libraries]
    subprocess.run(command, check=True)
    return program


def sqlite_contender(bench, name, units, same, argv, rounds=1_000_000, env=None):
    """argv(file) -> the command that fills a new file."""
    file = bench.folder / "bench.db"

    def run(first):
        for old in bench.folder.glob("bench.db*"):
            old.unlink()
        watch = Stopwatch()
        watch.run(env or environment(), argv(file))
        sample = watch.stop(units)
        connection = sqlite3.connect(file)
        found = {t: connection.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in SQLITE_TABLES}
        connection.close()
        if same.setdefault("rows", found) != found:
            raise Failed(f"'{name}' left {found}, not {same['rows']}")
        return sample

    return Contender(name, run, rounds)


def sqlite(bench):
    """mlruns -> a new SQLite file"""
    encoded, store, same = bench.encoded("base"), bench.store("base"), {}
    program, tables = build(bench, "raw_sqlite", "-lsqlite3"), raw_sqlite_arguments(bench, encoded)
    before, after = sqlite_schema(bench)
    mlflow = [programs.mlflow_python(programs.ORACLE), "-m", "mlflow", "migrate-filestore", "--no-progress"]
    options = ["--mlflow-version", MLFLOW_VERSION, "--quiet", "--no-progress"]
    units = encoded.points
    series = bench.in_turns(
        sqlite_contender(
            bench,
            "mltrack-bulk import",
            units,
            same,
            lambda file: [bench.bulk, "import", store, "--to", f"sqlite:///{file}", *options],
        ),
        sqlite_contender(
            bench,
            "by hand: prepared inserts, indexes made after",
            units,
            same,
            lambda file: [program, file, before, after, *tables],
        ),
        sqlite_contender(
            bench,
            "mlflow migrate-filestore",
            units,
            same,
            lambda file: [*mlflow, "--source", store, "--target", f"sqlite:///{file}"],
            rounds=1,
            env=programs.mlflow_env(programs.private_home()),
        ),
    )
    ours, raw, migrate = series
    yield compare(Row("sqlite", "time / raw prepared inserts", "<= 1.15"), ours, raw, series)
    yield compare(Row("sqlite", "times faster than mlflow migrate-filestore", ">= 18"), ours, migrate, series)


def rate(series):
    return Spread.of(1 / s.cost for s in series.samples)


def small(bench):
    """small runs: 10 metrics, 20 params, 4 tags each"""
    store, runs = bench.store("small"), bench.runs_of("small")
    template, reader = bench.full(), build(bench, "read_files")

    def read_files(first):
        watch = Stopwatch()
        watch.run(environment(), [reader, store])
        return watch.stop(runs)

    into_empty, beside, files = series = bench.in_turns(
        bench.ours_to_postgres(bench.empty(), store, runs, None),
        bench.ours_to_postgres(template, store, runs, None, "--load", "append"),
        Contender("their files read by one thread, nothing else", read_files),
    )
    yield Row("small", f"{runs} runs into an empty database", ">= 5,000", rate(into_empty), "runs/s", series)
    yield Row("small", f"{runs} runs beside {bench.points()} points", ">= 2,500", rate(beside), "runs/s", series)
    yield Row("small", f"{runs} runs, their files read and nothing else", "", rate(files), "runs/s", series)


def memory(bench):
    """peak memory and linear time"""
    sizes = (1, 10, 50) if bench.options.big else (1, 10)
    stores_of = [("base", n) for n in sizes] + [("long", 10)]
    series = bench.in_turns(
        *(bench.ours_to_postgres(bench.empty(), bench.store(kind, n), bench.points(n), None) for kind, n in stores_of)
    )
    for (kind, times), one in zip(stores_of, series):
        what = f"{bench.points(times):,} points" + (" of one run, out of order" if kind == "long" else "")
        one.name += f", {what}"
        peak = Spread.of(s.rss_mib for s in one.samples)
        yield Row("memory", f"peak memory, {what}", "<= 128", peak, "MiB", series)
    for times, one in list(zip(sizes, series))[1:]:
        what = f"time a point, {bench.points(times):,} / {bench.points():,}"
        yield compare(Row("memory", what, "<= 1.10"), one, series[0], series)


# MLflow's own ways


@contextmanager
def mlflow_server(database):
    """A real server on the database, with 4 workers -> its URL."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    argv = [programs.mlflow_python(programs.ORACLE), "-m", "mlflow", "server", "--backend-store-uri", database.psycopg2]
    argv += ["--artifacts-destination", "mlartifacts", "--host", "127.0.0.1", "--port", str(port), "--workers", "4"]
    server = Program(["setsid", *argv], programs.mlflow_env(programs.private_home()))
    try:
        wait_for(server, f"{url}/health")
        yield url
    finally:
        subprocess.run(["kill", "-TERM", "--", f"-{server.child.pid}"], check=False)
        server.wait()


def wait_for(server, url):
    deadline = time.monotonic() + 180
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            if server.child.poll() is not None or time.monotonic() > deadline:
                raise Failed(f"MLflow's server does not answer: {server.text(server.err)[-2000:]}")
            time.sleep(0.2)


def logged(name, points, *args):
    def run(first):
        seconds = programs.mlflow_run(programs.ORACLE, HERE / "log_points.py", *args, timeout=3600)["seconds"]
        return Sample(seconds, points)

    return Contender(name, run)


def rest(bench):
    """MLflow's REST server and its SqlAlchemyStore"""
    points = max(4000, int(bench.points() * REST_POINTS_PER_POINT) // 2000 * 2000)
    theirs = bench.cluster.make_template("bench_mlflow", bench.empty(), lambda database: None)
    database = PgDatabase(bench.cluster, theirs)
    with mlflow_server(database) as url:
        series = bench.in_turns(
            bench.ours_to_postgres(bench.empty(), bench.store("base"), bench.points(), None),
            logged("mlflow server, 4 workers, 2 clients, log_batch of 1000", points, "rest", url, points, 2),
            logged("SqlAlchemyStore.log_batch of 1000", points, "store", database.psycopg2, points),
        )
    ours, server, store = series
    yield compare(Row("rest", "times the points/s of the REST server", ">= 50"), ours, server, series)
    yield compare(Row("rest", "times the points/s of SqlAlchemyStore", ">= 30"), ours, store, series)


def artifacts(bench):
    """placing artifacts, small and huge files, beside cp and rsync"""
    for what, series in artifact_files.measure(bench):
        durable, cp_sync, placed, cp, rsync = series
        yield compare(Row("artifacts", f"{what}: time / cp -r and sync", "<= 1.2"), durable, cp_sync, series)
        yield compare(Row("artifacts", f"{what}, not durable: time / cp -r"), placed, cp, series)
        yield compare(Row("artifacts", f"{what}, not durable: time / rsync -a", "<= 1.0"), placed, rsync, series)


def sources(bench):
    """each format, beside the tool that reads it today"""
    for name, reader, (reading, theirs, importing) in measured(bench):
        series = [reading, theirs, importing]
        yield compare(Row("sources", f"{name}: times the points/s of {reader}", ">= 1"), reading, theirs, series)
        yield Row("sources", f"{name}: read", "", rate(reading), "points/s", series)
        yield Row("sources", f"{name}: into a new SQLite file", "", rate(importing), "points/s", series)


def verify(bench):
    """mltrack-verify beside sha256sum, find and count(*), on the one run that has ended, and on what was imported"""
    for figure, what, series in verifying.measure(bench):
        if figure == "hashing":
            row = Row("verify", f"{what}: speed / sha256sum on all processors", ">= 0.8")
            yield compare(row, series[0], series[1], series)
        elif figure == "sizes":
            yield compare(Row("verify", f"{what}, with manifests: time / find -printf"), *series, series)
        elif figure == "one":
            yield Row("verify", what, "<= 0.1", Spread.of(s.seconds for s in series[0].samples), "s", series)
        else:
            quick, full, counting = series
            yield compare(Row("verify", f"{what}: time / count(*)"), quick, counting, series)
            yield compare(Row("verify", f"{what}, --full: time / count(*)"), full, counting, series)
            peak = Spread.of(s.rss_mib for s in full.samples)
            yield Row("verify", f"{what}, --full: peak memory", "", peak, "MiB", series)
    for what, series in verifying.measure_proof(bench):
        yield compare(Row("verify", what), *series, series)


FIGURES = {
    f.__name__: f for f in (rebuild, append, trust, merge, sqlite, small, memory, rest, artifacts, sources, verify)
}
