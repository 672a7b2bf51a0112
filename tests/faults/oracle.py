"""What must hold after a fault, whatever the fault was. Reads the databases, never the program's own word for it.

  O1  every row of every table equals that of one clean import (ids that the server makes, by what they stand for)
  O2  latest metrics are what MLflow's rule makes of the metrics
  O3  names, states and places are those of MLflow
  O4  runs that the source does not have are untouched (part of O1: they are in the clean import's database, too)
  O6  nothing is left over: sessions, locks, temporary tables, indexes missing, temporary files
  O10 the program's exit status, its JSON document and the rows agree
"""

import hashlib
import shutil
import sqlite3
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from compare_stores import KEYS, View, compare, open_store
from databases import SqliteDatabase, rows_by_table

LATEST = """
SELECT 'latest_metrics of ' || run_uuid || ' ' || key FROM (
  SELECT m.run_uuid, m.key, m.value, m.timestamp, m.step, m.is_nan,
         row_number() OVER (PARTITION BY m.run_uuid, m.key ORDER BY m.step DESC, m.timestamp DESC, m.value DESC) AS place
    FROM metrics m) best
 WHERE place = 1 AND NOT EXISTS (
   SELECT 1 FROM latest_metrics l WHERE l.run_uuid = best.run_uuid AND l.key = best.key AND l.value = best.value
      AND l.timestamp = best.timestamp AND l.step = best.step AND l.is_nan = best.is_nan)
UNION ALL
SELECT 'latest_metrics without metrics: ' || run_uuid || ' ' || key FROM latest_metrics l
 WHERE NOT EXISTS (SELECT 1 FROM metrics m WHERE m.run_uuid = l.run_uuid AND m.key = l.key)"""

MEANING = """
SELECT 'run name: ' || r.run_uuid FROM runs r JOIN tags t ON t.run_uuid = r.run_uuid
 WHERE t.key = 'mlflow.runName' AND t.value <> r.name
UNION ALL SELECT 'status: ' || run_uuid FROM runs
 WHERE status NOT IN ('RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED') OR lifecycle_stage NOT IN ('active', 'deleted')
UNION ALL SELECT 'no experiment: ' || run_uuid FROM runs r
 WHERE NOT EXISTS (SELECT 1 FROM experiments e WHERE e.experiment_id = r.experiment_id)"""

DEFINITIONS = """
SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL
SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) || convalidated
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
ORDER BY 1"""

LEFT_IN_SERVER = """
SELECT 'session: ' || application_name || ' ' || state FROM pg_stat_activity
 WHERE datname = current_database() AND application_name LIKE 'mltrack%%'
UNION ALL SELECT 'advisory lock' FROM pg_locks
 WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
UNION ALL SELECT 'temporary table ' || relname FROM pg_class WHERE relpersistence = 't'
UNION ALL SELECT 'prepared transaction ' || gid FROM pg_prepared_xacts WHERE database = current_database()"""
LEAVE_SECONDS = 10  # for the server to notice that a client is gone
SETTLE_SECONDS = 2  # longer it does not take, unless the network hides that from it

# What the program says when it cannot know whether the last transaction is in.
IN_DOUBT = ("the last batch may be in or not", "is complete, but its name may not outlive a power cut")

OF_A_RUN = ("runs", "params", "tags", "metrics", "latest_metrics")


class Broken(AssertionError):
    """A promise that was not kept."""


def insist(condition, *what):
    if not condition:
        raise Broken(" ".join(map(str, what)))


def _plain(row):
    """SQLite does not keep the sign of -0.0."""
    return repr([0.0 if isinstance(v, float) and v == 0 else v for v in row])


class Picture:
    """Digests of a database: of each table, and of the rows of each run."""

    def __init__(self, db):
        store = open_store(db.owner_uri)
        try:
            view = View(store, "name")
            self.tables, self.runs = {}, defaultdict(lambda: hashlib.sha256())
            for table in KEYS:
                if view.has(table):
                    self._read(view, table)
        finally:
            store.close()
        self.runs = {run: digest.hexdigest() for run, digest in self.runs.items()}

    def _read(self, view, table):
        columns = sorted(view.columns(table))  # upgraded tables have them in another order
        at = columns.index("run_uuid") if table in OF_A_RUN else None
        whole = hashlib.sha256()
        for text, run in sorted((_plain(r), at is not None and r[at]) for r in view.rows(table, columns)):
            line = f"{table} {text}\n".encode("utf-8", "surrogatepass")
            whole.update(line)
            if run:
                self.runs[run].update(line)
        self.tables[table] = whole.hexdigest()


def picture_after_crash(db):
    """SQLite rolls a half-written transaction back when the file is next opened: in a copy, so that this is left to
    the program."""
    if db.kind != "sqlite":
        return Picture(db)
    with tempfile.TemporaryDirectory(dir=db.path.parent.parent) as folder:
        for path in db.path.parent.iterdir():
            shutil.copyfile(path, Path(folder) / path.name)
        copy = SqliteDatabase(Path(folder) / db.path.name)
        insist(copy.query("PRAGMA integrity_check") == [("ok",)], "integrity_check")
        return Picture(copy)


def assert_golden(db, golden, golden_picture):
    """O1, O2, O3, O4."""
    found = Picture(db).tables
    if found != golden_picture.tables:
        differences = compare(golden.owner_uri, db.owner_uri, ignore=("negative-zero",), max_diffs=10)
        raise Broken("differs from a clean import: " + "; ".join(map(str, differences or [sorted(found)])))
    assert_rules(db)


def assert_rules(db):
    """O2, O3."""
    wrong = db.query(LATEST) + db.query(MEANING)
    insist(not wrong, "against MLflow's rules:", wrong[:5])


def assert_untorn(db, start, golden, whole):
    """R1: every run is as it was before the import or as it will be after it; with `whole`, all of them alike."""
    if db.kind == "sqlite" and not db.path.exists():
        return
    now = picture_after_crash(db)
    torn = [r for r, d in now.runs.items() if d not in (start.runs.get(r), golden.runs.get(r))]
    insist(not torn, f"{len(torn)} torn runs, first {torn[:3]}")
    lost = start.runs.keys() - now.runs.keys()
    insist(not lost, f"{len(lost)} runs are gone, first {sorted(lost)[:3]}")
    if whole:
        insist(now.tables in (start.tables, golden.tables), "half of a load that is one transaction")


def wait_for_sessions(db):
    """Until the server has ended the sessions of clients that were killed: their last COMMIT may be on its way."""
    sessions = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'mltrack%%'"
    deadline = time.monotonic() + SETTLE_SECONDS
    while db.kind == "postgres" and db.query(sessions) and time.monotonic() < deadline:
        time.sleep(0.02)


def definitions(db):
    if db.kind == "postgres":
        return db.query(DEFINITIONS)
    return db.query("SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2") if db.path.exists() else None


def assert_nothing_left(db, expected_definitions):
    """O6 in the database; waits for the server to notice that clients are gone."""
    if db.kind == "sqlite":
        insist(db.query("PRAGMA integrity_check") == [("ok",)], "integrity_check")
        insist(not db.query("PRAGMA foreign_key_check"), "foreign_key_check")
    else:
        deadline = time.monotonic() + LEAVE_SECONDS
        while (left := db.query(LEFT_IN_SERVER)) and time.monotonic() < deadline:
            time.sleep(0.05)
        insist(not left, "left in the server:", left)
    found = definitions(db)
    insist(found == expected_definitions, "indexes or constraints differ:", set(found) ^ set(expected_definitions))


def assert_no_files(folder, allowed):
    """O6 on the disk."""
    found = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and p not in allowed)
    insist(not found, "left on the disk:", found)


def row_counts(db):
    if db.kind == "sqlite" and not db.path.exists():
        return {}
    try:
        return rows_by_table(db)
    except sqlite3.OperationalError:
        return {}


def assert_told_truly(result, before, after):
    """O10: what the JSON document says was inserted is what the tables have more. `before` and `after`: row_counts."""
    said = result.json
    insist(said["exit_code"] == result.returncode, "exit", result.returncode, "but JSON says", said["exit_code"])
    insist((said["error"] is None) == (result.returncode in (0, 2)), "exit and error disagree:", result.explain())
    doubtful = said["error"] and any(words in said["error"]["message"] for words in IN_DOUBT)
    for table, counts in said["tables"].items():
        grown = after.get(table, 0) - before.get(table, 0)
        right = grown >= counts["inserted"] if doubtful else grown == counts["inserted"]
        insist(right, f"{table}: {counts['inserted']} said to be inserted, {grown} are: {result.explain()}")
        parts = sum(counts[k] for k in ("inserted", "present", "updated", "merged", "rejected"))
        insist(parts == counts["read"], f"{table}: read {counts['read']}, accounted for {parts}")
