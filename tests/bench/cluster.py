"""The private PostgreSQL of the benchmark: settled as one that holds data, with databases that go back to their start
state before each measured run."""

import time
from pathlib import Path

import psycopg2

from measure import Failed
from pg_server import PgDatabase, PgServer
from programs import clean_env, private_home

WORK = "bench_work"
TICKS = 100  # of /proc/PID/stat a second

SETTINGS = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "autovacuum": "off",  # would start in one contender's run and not in the other's
}

# Sums are the same in whatever order the rows lie.
DIGEST = "SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text FROM {} t"
DEFINITIONS = """
SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL
SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) || convalidated
FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
ORDER BY 1"""


def ticks(stat, first, last):
    fields = stat.rpartition(")")[2].split()  # the 3rd field and on
    return sum(int(f) for f in fields[first - 3 : last - 2])


class Cluster(PgServer):
    def __init__(self, folder, settings):
        super().__init__(folder, SETTINGS | settings)

    def children(self):
        pid = self.process.pid
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()

    def start(self):
        super().start()
        self.idle_children = len(self.children())
        self.has_prewarm = bool(
            PgDatabase(self, "postgres").query("SELECT 1 FROM pg_available_extensions WHERE name = 'pg_prewarm'")
        )

    def cpu_seconds(self):
        """Of all server processes, those that have ended included."""
        total = ticks(Path(f"/proc/{self.process.pid}/stat").read_text(), 14, 17)
        for child in self.children():
            try:
                total += ticks(Path(f"/proc/{child}/stat").read_text(), 14, 15)
            except (FileNotFoundError, ProcessLookupError):
                pass
        return total / TICKS

    def cpu_when_idle(self):
        """Once the sessions have ended: one that is neither a child any more nor reaped would be missed."""
        deadline = time.monotonic() + 5
        while len(self.children()) > self.idle_children and time.monotonic() < deadline:
            time.sleep(0.02)
        return self.cpu_seconds()

    def settings(self):
        """As the server has them, with its version."""
        names = (*SETTINGS, "wal_level", "maintenance_work_mem", "max_parallel_maintenance_workers", "server_version")
        return {n: PgDatabase(self, "postgres").query(f"SHOW {n}")[0][0] for n in names}

    def make_template(self, name, source, fill):
        """A start state: a copy of `source` (None: empty) that fill(database) completes; then nothing writes to it."""
        database = self._create(name, source or "template0")
        fill(database)
        if self.has_prewarm and not source:
            database.query("CREATE SCHEMA bench_tools; CREATE EXTENSION pg_prewarm SCHEMA bench_tools")
        database.query("VACUUM (FREEZE, ANALYZE)")
        return name

    def reset(self, template):
        """A database in the start state, its pages in shared buffers, nothing left to write back."""
        self.admin(f'DROP DATABASE IF EXISTS "{WORK}" WITH (FORCE)')
        by_files = "STRATEGY FILE_COPY" if self.version() >= 15 else ""
        self.admin(f'CREATE DATABASE "{WORK}" TEMPLATE "{template}" {by_files}')
        database = PgDatabase(self, WORK)
        if self.has_prewarm:
            database.query(
                "SELECT bench_tools.pg_prewarm(oid) FROM pg_class WHERE relkind IN ('r', 'i')"
                " AND relnamespace = 'public'::regnamespace"
            )
        self.admin("CHECKPOINT")
        return database

    def version(self):
        connection = psycopg2.connect(f"postgresql://postgres@127.0.0.1:{self.port}/postgres")
        try:
            return connection.server_version // 10000
        finally:
            connection.close()

    def psql(self, database, *args):
        """The command line of psql and nothing else of the caller's."""
        return [self.bin / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", database.uri, *args]


def environment():
    return clean_env(private_home())


def tables_of(database):
    rows = database.query(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        " AND relname NOT LIKE 'mltrack%' AND relname <> 'alembic_version' ORDER BY 1"
    )
    return [row[0] for row in rows]


def counts(database):
    return {t: database.query(f'SELECT count(*) FROM "{t}"')[0][0] for t in tables_of(database)}


def digest(database):
    """What the tables hold and how they are indexed: equal for equal results."""
    result = {t: database.query(DIGEST.format(f'"{t}"'))[0] for t in tables_of(database)}
    result["indexes and constraints"] = database.query(DEFINITIONS)
    return result


class SameResult:
    """Insists that every contender leaves the same rows, by the digest of its first run and by its counts later."""

    def __init__(self):
        self.expected = {}

    def check(self, who, database, first):
        for kind, look in (("digest", digest), ("counts", counts)) if first else (("counts", counts),):
            found = look(database)
            first_who, expected = self.expected.setdefault(kind, (who, found))
            for table in expected.keys() | found.keys():
                if expected.get(table) != found.get(table):
                    raise Failed(
                        f"'{who}' and '{first_who}' differ in {table}: {found.get(table)} and {expected.get(table)}"
                    )
