#!/usr/bin/env python3
"""Compares two MLflow database stores: every row and column of the tracking and registry tables.

    compare_stores.py STORE_A STORE_B [--ignore WHAT]... [--max-diffs N] [--map-experiments-by name|id] [--json]

A store is sqlite:///FILE, a path, or postgresql://..., at any schema head: columns that both have are compared, the
others are listed. Ids that every import makes anew are replaced by what they stand for: an experiment's by its name, a
dataset's by (experiment, name, digest), an input's by its edge. Floats are compared bit by bit. Trace tables are only
counted. Exit status: 0 equal, 1 different, 2 cannot compare.

As a module: compare(a, b) -> Differences, a list of Difference with .notes, .rows and .unlisted.
Memory does not grow with the stores: rows are summed up in buckets by key, and only buckets that differ are read again.
"""

import argparse
import hashlib
import json
import sqlite3
import sys
from collections import Counter, defaultdict
from typing import NamedTuple
from urllib.parse import quote

# What identifies a row. Of metrics it is less than the primary key, so that a changed value is told as one difference.
KEYS = {
    "experiments": ("workspace", "name"),
    "experiment_tags": ("experiment_id", "key"),
    "runs": ("run_uuid",),
    "params": ("run_uuid", "key"),
    "tags": ("run_uuid", "key"),
    "metrics": ("run_uuid", "key", "step", "timestamp"),
    "latest_metrics": ("run_uuid", "key"),
    "datasets": ("experiment_id", "name", "digest"),
    "inputs": ("input_uuid",),
    "input_tags": ("input_uuid", "name"),
    "logged_models": ("model_id",),
    "logged_model_params": ("model_id", "param_key"),
    "logged_model_tags": ("model_id", "tag_key"),
    "logged_model_metrics": ("model_id", "metric_name", "metric_timestamp_ms", "metric_step", "run_id"),
    "registered_models": ("workspace", "name"),
    "registered_model_tags": ("workspace", "name", "key"),
    "registered_model_aliases": ("workspace", "name", "alias"),
    "model_versions": ("workspace", "name", "version"),
    "model_version_tags": ("workspace", "name", "version", "key"),
}
COUNTED = (
    "trace_info",
    "trace_tags",
    "trace_request_metadata",
    "trace_metrics",
    "spans",
    "span_metrics",
    "assessments",
)
ARTIFACT_LOCATIONS = {
    "experiments.artifact_location",
    "runs.artifact_uri",
    "logged_models.artifact_location",
    "model_versions.source",
    "model_versions.storage_location",
}
DEFAULTS = {"workspace": "default"}  # what a store without the column means
BUCKETS = 1 << 16
ROWS_IN_MEMORY = 200_000


class Difference(NamedTuple):
    table: str
    key: dict
    column: str | None  # None: the whole row is missing in one store
    a: object  # the value, or the row as a dict; None with column None: missing
    b: object

    def __str__(self):
        where = f"{self.table}[{', '.join(f'{k}={v!r}' for k, v in self.key.items())}]"
        if self.column is not None:
            return f"{where} {self.column}: {self.a!r} != {self.b!r}"
        return f"{where}: only in {'A' if self.b is None else 'B'}: {self.a if self.b is None else self.b!r}"


class Differences(list):
    """The differences found. notes: what is no difference but worth knowing; rows: {table: (rows of A, rows of B)};
    unlisted: tables that have more differences than max_diffs let in."""

    def __init__(self):
        super().__init__()
        self.notes, self.rows, self.unlisted = [], {}, []


class SqliteStore:
    def __init__(self, path):
        self.connection = sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True, isolation_level=None)
        self.connection.text_factory = lambda b: b.decode("utf-8", "surrogateescape")
        self.connection.execute("BEGIN")
        self.columns = {
            name: [row[0] for row in self.connection.execute("SELECT name FROM pragma_table_xinfo(?)", (name,))]
            for (name,) in self.connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        }

    def select(self, sql):
        return self.connection.execute(sql)

    def close(self):
        self.connection.close()


class PgStore:
    def __init__(self, uri):
        try:
            import psycopg2 as driver
        except ImportError:
            import psycopg as driver
        self.connection = driver.connect(uri)
        self.columns = defaultdict(list)
        with self.connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute(
                "SELECT table_name, column_name FROM information_schema.columns"
                " WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position"
            )
            for table, column in cursor.fetchall():
                self.columns[table].append(column)

    def select(self, sql):
        with self.connection.cursor(name="compare_stores") as cursor:
            cursor.itersize = 20_000
            cursor.execute(sql)
            yield from cursor

    def close(self):
        self.connection.close()


def open_store(uri):
    uri = str(uri)
    scheme, separator, rest = uri.partition("://")
    if not separator:
        return SqliteStore(uri)
    if scheme.startswith("sqlite"):
        return SqliteStore(rest[1:])
    if scheme.split("+")[0] in ("postgresql", "postgres"):
        return PgStore(f"postgresql://{rest}")
    raise ValueError(f"{uri}: neither a SQLite nor a PostgreSQL store")


class View:
    """A store with its generated ids replaced by what they stand for."""

    def __init__(self, store, map_experiments_by):
        self.store = store
        self.experiment = self._experiments(map_experiments_by)
        self.dataset = self._datasets()
        self.edge = self._edges()

    def has(self, table):
        return table in self.store.columns

    def columns(self, table):
        return self.store.columns[table]

    def count(self, table):
        return next(iter(self.store.select(f'SELECT count(*) FROM "{table}"')))[0]

    def head(self):
        rows = self.store.select("SELECT version_num FROM alembic_version") if self.has("alembic_version") else []
        return ", ".join(sorted(row[0] for row in rows)) or "none"

    def rows(self, table, columns):
        """Every row as a list in the order of columns."""
        have = self.columns(table)
        names = ", ".join(f'"{c}"' if c in have else f"'{DEFAULTS[c]}'" for c in columns)
        rules = [(i, rule) for i, c in enumerate(columns) if (rule := self._rule(table, c))]
        for row in self.store.select(f'SELECT {names} FROM "{table}"'):
            row = [bytes(v) if isinstance(v, memoryview) else v for v in row]
            for i, rule in rules:
                row[i] = rule(row[i])
            yield row

    def _rule(self, table, column):
        if column == "experiment_id":
            return lambda v: self.experiment.get(v, v)
        if column == "dataset_uuid" or table == "inputs" and column in ("source_id", "destination_id"):
            return lambda v: self.dataset.get(v, v)
        if column == "input_uuid":
            return lambda v: self.edge.get(v, v)
        if column == "is_nan":
            return lambda v: int(v) if isinstance(v, bool) else v
        return None

    def _experiments(self, by):
        if by == "id" or not self.has("experiments"):
            return {}
        workspace = "workspace" if "workspace" in self.columns("experiments") else f"'{DEFAULTS['workspace']}'"
        rows = self.store.select(f"SELECT experiment_id, {workspace}, name FROM experiments")
        return {i: name if ws == DEFAULTS["workspace"] else f"{ws}/{name}" for i, ws, name in rows}

    def _datasets(self):
        if not self.has("datasets"):
            return {}
        rows = self.store.select("SELECT dataset_uuid, experiment_id, name, digest FROM datasets")
        return {i: f"dataset {name!r} {digest!r} of {self.experiment.get(e, e)!r}" for i, e, name, digest in rows}

    def _edges(self):
        if not self.has("inputs"):
            return {}
        columns = ("input_uuid", "source_type", "source_id", "destination_type", "destination_id")
        rows = self.store.select(f"SELECT {', '.join(columns)} FROM inputs")
        name = self.dataset.get
        return {i: f"{st} {name(s, s)} -> {dt} {name(d, d)}" for i, st, s, dt, d in rows}


def surplus(rows, others):
    """The rows that have no equal partner among others. By repr: 1, 1.0 and True are equal in Python."""
    partners = Counter(map(repr, others))
    left = []
    for row in sorted(rows, key=repr):
        if partners[repr(row)]:
            partners[repr(row)] -= 1
        else:
            left.append(row)
    return left


class Comparison:
    def __init__(self, a, b, ignore, max_diffs):
        self.a, self.b, self.max_diffs = a, b, max_diffs
        ignore = set(ignore)
        self.zero_has_no_sign = "negative-zero" in ignore
        self.ignored = {i for i in ignore if "." in i}
        if "artifact-locations" in ignore:
            self.ignored |= ARTIFACT_LOCATIONS
        unknown = {i for i in ignore - {"negative-zero", "artifact-locations"} if i.partition(".")[0] not in KEYS}
        if unknown:
            raise ValueError(f"cannot ignore {', '.join(sorted(unknown))}: no such column or class of columns")
        self.found = Differences()

    def run(self):
        heads = self.a.head(), self.b.head()
        if heads[0] != heads[1]:
            self.found.notes.append(f"schema heads: A {heads[0]}, B {heads[1]}")
        for table in KEYS:
            if self.a.has(table) and self.b.has(table):
                self._compare_table(table)
            elif self.a.has(table) or self.b.has(table):
                self._missing_table(table)
        self._count_traces()
        return self.found

    def _room(self):
        return self.max_diffs is None or len(self.found) < self.max_diffs

    def _add(self, *difference):
        if self._room():
            self.found.append(Difference(*difference))
        elif difference[0] not in self.found.unlisted:
            self.found.unlisted.append(difference[0])

    def _missing_table(self, table):
        here, side = (self.a, "A") if self.a.has(table) else (self.b, "B")
        n = here.count(table)
        self.found.rows[table] = (n, 0) if side == "A" else (0, n)
        self.found.notes.append(f"table {table}: only in {side}, {n} rows")
        if n:
            row = {"rows": n}
            self._add(table, {}, None, *((row, None) if side == "A" else (None, row)))

    def _count_traces(self):
        for table in COUNTED:
            n = [view.count(table) if view.has(table) else 0 for view in (self.a, self.b)]
            if any(n):
                self.found.notes.append(f"table {table}, not compared: {n[0]} rows in A, {n[1]} in B")

    def _common_columns(self, table):
        a, b = self.a.columns(table), self.b.columns(table)
        both = [c for c in a if c in b]
        for side, ours, others in (("A", a, b), ("B", b, a)):
            for column in ours:
                if column not in others and column in DEFAULTS:
                    both.append(column)
                elif column not in others:
                    self.found.notes.append(f"column {table}.{column}: only in {side}")
        key = [c for c in KEYS[table] if c in both]  # neither has workspaces before MLflow 3.10
        return key, [c for c in both if c not in key and f"{table}.{c}" not in self.ignored]

    def _digest(self, values):
        return hashlib.blake2b(repr(values).encode("utf-8", "surrogatepass"), digest_size=16).digest()

    def _keyed(self, view, table, key, rest):
        """(bucket, key, values) of every row."""
        n = len(key)
        for row in view.rows(table, key + rest):
            if self.zero_has_no_sign:
                row = [0.0 if isinstance(v, float) and v == 0 else v for v in row]
            bucket = int.from_bytes(self._digest(row[:n])[:2], "big")
            yield bucket % BUCKETS, tuple(row[:n]), tuple(row[n:])

    def _sums(self, view, table, key, rest):
        """Per bucket the sum of its rows' digests: the same for the same rows in any order. And the number of rows."""
        sums, n = defaultdict(int), 0
        for bucket, k, values in self._keyed(view, table, key, rest):
            sums[bucket] += int.from_bytes(self._digest((k, values)), "big")
            n += 1
        return sums, n

    def _compare_table(self, table):
        key, rest = self._common_columns(table)
        sums_a, rows_a = self._sums(self.a, table, key, rest)
        sums_b, rows_b = self._sums(self.b, table, key, rest)
        self.found.rows[table] = (rows_a, rows_b)
        different = sorted(b for b in sums_a.keys() | sums_b.keys() if sums_a.get(b) != sums_b.get(b))
        at_once = max(1, ROWS_IN_MEMORY * BUCKETS // max(rows_a + rows_b, 1))
        for i in range(0, len(different), at_once):
            if not self._room():
                self.found.unlisted.append(table)
                return
            self._compare_rows(table, key, rest, set(different[i : i + at_once]))

    def _compare_rows(self, table, key, rest, buckets):
        rows = defaultdict(lambda: ([], []))
        for side, view in enumerate((self.a, self.b)):
            for bucket, k, values in self._keyed(view, table, key, rest):
                if bucket in buckets:
                    rows[k][side].append(values)
        for k in sorted(rows, key=repr):
            self._compare_key(table, dict(zip(key, k)), rest, *rows[k])

    def _compare_key(self, table, key, rest, a, b):
        """Rows of one key, which need not be unique: equal ones cancel out, the others are paired in order."""
        only_a, only_b = surplus(a, b), surplus(b, a)
        for values_a, values_b in zip(only_a, only_b):
            for column, va, vb in zip(rest, values_a, values_b):
                if repr(va) != repr(vb):
                    self._add(table, key, column, va, vb)
        for values in only_a[len(only_b) :]:
            self._add(table, key, None, dict(zip(rest, values)), None)
        for values in only_b[len(only_a) :]:
            self._add(table, key, None, None, dict(zip(rest, values)))


def compare(a, b, ignore=(), max_diffs=None, map_experiments_by="name"):
    """Every difference between two stores (at most max_diffs of them). ignore: "artifact-locations", "negative-zero"
    (-0.0 equals 0.0), or TABLE.COLUMN."""
    store_a = open_store(a)
    try:
        store_b = open_store(b)
        try:
            views = View(store_a, map_experiments_by), View(store_b, map_experiments_by)
            return Comparison(*views, ignore, max_diffs).run()
        finally:
            store_b.close()
    finally:
        store_a.close()


def report(found, as_json):
    if as_json:
        document = {
            "equal": not found and not found.unlisted,
            "differences": [d._asdict() for d in found],
            "unlisted": found.unlisted,
            "rows": found.rows,
            "notes": found.notes,
        }
        print(json.dumps(document, default=repr, indent=1))
        return
    for difference in found:
        print(difference)
    for table in found.unlisted:
        print(f"{table}: has more differences that are not listed")
    for note in found.notes:
        print(f"note: {note}")
    rows = [sum(n) for n in zip(*found.rows.values())] or [0, 0]
    verdict = f"{len(found)} differences" if found else "equal"
    print(f"{verdict}: {len(found.rows)} tables, {rows[0]} rows in A, {rows[1]} in B")


def main():
    parser = argparse.ArgumentParser(description="Compares two MLflow database stores row by row.")
    parser.add_argument("a", metavar="STORE_A", help="sqlite:///FILE, a path, or postgresql://...")
    parser.add_argument("b", metavar="STORE_B")
    parser.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="WHAT",
        help="artifact-locations, negative-zero or TABLE.COLUMN; may be given more than once",
    )
    parser.add_argument("--max-diffs", type=int, default=100, help="list at most so many (default 100)")
    parser.add_argument("--map-experiments-by", choices=("name", "id"), default="name")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    args = parser.parse_args()
    try:
        found = compare(args.a, args.b, args.ignore, args.max_diffs, args.map_experiments_by)
    except Exception as error:  # noqa: BLE001: whatever a driver raises, the stores could not be compared
        print(f"compare_stores.py: {error}", file=sys.stderr)
        return 2
    report(found, args.json)
    return 1 if found or found.unlisted else 0


if __name__ == "__main__":
    sys.exit(main())
