"""What somebody would do by hand with psql, at its best: rows encoded and sorted beforehand, nothing parsed or checked
while the clock runs. These are what mltrack is compared with."""

from dataclasses import dataclass
from pathlib import Path

import stores
from cluster import environment
from measure import Stopwatch

METRICS = "key, value, timestamp, run_uuid, step, is_nan"
LATEST = "key, value, timestamp, step, is_nan, run_uuid"
SMALL_TABLES = ("experiments", "runs", "params", "tags")  # of what stores.py makes; in the order of foreign keys
CONNECTIONS = 2

MERGE_LATEST = f"""
INSERT INTO latest_metrics ({LATEST})
SELECT DISTINCT ON (run_uuid, key) {LATEST} FROM staging
ORDER BY run_uuid, key, step DESC, timestamp DESC, value DESC
ON CONFLICT (key, run_uuid) DO UPDATE
SET value = excluded.value, timestamp = excluded.timestamp, step = excluded.step, is_nan = excluded.is_nan
WHERE (excluded.step, excluded.timestamp, excluded.value)
    > (latest_metrics.step, latest_metrics.timestamp, latest_metrics.value);
"""


def copy_in(target, path, how="binary"):
    return f"\\copy {target} FROM '{path}' WITH (FORMAT {how})\n"


def copy_out(query, path):
    return f"\\copy ({query}) TO '{path}' WITH (FORMAT binary)\n"


@dataclass
class Encoded:
    """A store as files that COPY takes, in a folder: TABLE.bin sorted, metrics.csv and unsorted.bin in file order,
    metrics-N.bin and latest_metrics-N.bin with the runs of connection N."""

    folder: Path
    points: int
    tables: tuple  # of SMALL_TABLES, those with rows that the start state has not

    def file(self, name):
        return self.folder / name

    def load_small_tables(self):
        return "".join(copy_in(table, self.file(f"{table}.bin")) for table in self.tables)


def run_script(cluster, database, text, folder, watch=None):
    """One psql, one script."""
    path = folder / "script.sql"
    path.write_text(text)
    (watch or Stopwatch()).run(environment(), cluster.psql(database, "-f", path))


def metrics_files(folder, runs):
    """(query, file) of every form of the points that a reference wants."""
    ordered = f"SELECT {METRICS} FROM points ORDER BY run_uuid, key, step"
    latest = f"SELECT {LATEST} FROM latest ORDER BY run_uuid, key"
    yield ordered, folder / "metrics.bin"
    yield f"SELECT {METRICS} FROM points", folder / "unsorted.bin"
    yield latest, folder / "latest_metrics.bin"
    for n in range(CONNECTIONS):
        chosen = "WHERE run_uuid IN ({})".format(", ".join(f"'{r}'" for r in sorted(runs)[n::CONNECTIONS]))
        yield ordered.replace("ORDER", f"{chosen} ORDER"), folder / f"metrics-{n}.bin"
        yield latest.replace("ORDER", f"{chosen} ORDER"), folder / f"latest_metrics-{n}.bin"


def encode_points(cluster, database, store, folder, runs):
    """Points go the way through a csv and a table, so that they owe nothing to the importer under test."""
    stores.write_csv(store, folder / "metrics.csv")
    script = "CREATE UNLOGGED TABLE points (LIKE metrics);\n" + copy_in("points", folder / "metrics.csv", "csv")
    script += (
        f"CREATE UNLOGGED TABLE latest AS SELECT DISTINCT ON (run_uuid, key) {LATEST} FROM points"
        " ORDER BY run_uuid, key, step DESC, timestamp DESC, value DESC;\n"
    )
    script += "".join(copy_out(query, path) for query, path in metrics_files(folder, runs))
    run_script(cluster, database, script, folder)
    points = database.query("SELECT count(*) FROM points")[0][0]
    database.query("DROP TABLE points, latest")
    return points


def encode_small_tables(cluster, database, imported, folder):
    """The rows that `imported(database)` adds to the small tables: their ids are given by the database."""
    keys = {"experiments": "experiment_id"}
    before = {t: database.query(f"SELECT {keys.get(t, 'run_uuid')}::text FROM {t}") for t in SMALL_TABLES}
    imported(database)
    tables = []
    for table in SMALL_TABLES:
        old = ", ".join({f"'{row[0]}'" for row in before[table]}) or "''"
        chosen = f"FROM {table} WHERE {keys.get(table, 'run_uuid')}::text NOT IN ({old})"
        if database.query(f"SELECT count(*) {chosen}")[0][0]:
            run_script(cluster, database, copy_out(f"SELECT * {chosen}", folder / f"{table}.bin"), folder)
            tables.append(table)
    return tuple(tables)


def encode(cluster, template, store, folder, runs, imported):
    """`imported`: None where every run is in the start state already."""
    folder.mkdir(parents=True)
    database = cluster.reset(template)
    points = encode_points(cluster, database, store, folder, runs)
    tables = encode_small_tables(cluster, database, imported, folder) if imported else ()
    return Encoded(folder, points, tables)


def indexes_of_metrics(database):
    """(statements that drop, statements that make) the indexes and the foreign key of `metrics`."""
    constraints = database.query(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE conrelid = 'metrics'::regclass AND contype IN ('p', 'f') ORDER BY contype DESC"
    )
    indexes = database.query(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index"
        " WHERE indrelid = 'metrics'::regclass AND NOT indisprimary"
    )
    drop = [f'ALTER TABLE metrics DROP CONSTRAINT "{name}";' for name, _ in constraints]
    drop += [f"DROP INDEX {name};" for name, _ in indexes]
    make = [f"{definition};" for _, definition in indexes]
    make += [f'ALTER TABLE metrics ADD CONSTRAINT "{name}" {definition};' for name, definition in constraints]
    return "\n".join(drop) + "\n", "\n".join(make) + "\n"


def rebuild(cluster, database, encoded, watch):
    """One transaction: indexes and foreign key dropped, binary rows in, all made anew."""
    drop, make = indexes_of_metrics(database)
    script = "BEGIN;\nSET LOCAL maintenance_work_mem = '512MB';\nSET LOCAL max_parallel_maintenance_workers = 2;\n"
    script += encoded.load_small_tables() + drop + copy_in(f"metrics ({METRICS})", encoded.file("metrics.bin"))
    script += make + copy_in(f"latest_metrics ({LATEST})", encoded.file("latest_metrics.bin")) + "COMMIT;\n"
    run_script(cluster, database, script, encoded.folder, watch)


def csv(cluster, database, encoded, watch):
    """psql's \\copy of the csv, in file order, with everything live."""
    script = encoded.load_small_tables() + copy_in(f"metrics ({METRICS})", encoded.file("metrics.csv"), "csv")
    script += copy_in(f"latest_metrics ({LATEST})", encoded.file("latest_metrics.bin"))
    run_script(cluster, database, script, encoded.folder, watch)


def connections(cluster, database, encoded, watch, before=""):
    """Two psql side by side, each with the sorted binary rows of half of the runs."""
    run_script(cluster, database, encoded.load_small_tables(), encoded.folder, watch)
    scripts = []
    for n in range(CONNECTIONS):
        script = encoded.file(f"connection-{n}.sql")
        script.write_text(
            f"{before}BEGIN;\n"
            + copy_in(f"metrics ({METRICS})", encoded.file(f"metrics-{n}.bin"))
            + copy_in(f"latest_metrics ({LATEST})", encoded.file(f"latest_metrics-{n}.bin"))
            + "COMMIT;\n"
        )
        scripts.append(script)
    watch.run(environment(), *(cluster.psql(database, "-f", s) for s in scripts))


def connections_without_trigger(cluster, database, encoded, watch):
    connections(cluster, database, encoded, watch, "SET session_replication_role = replica;\n")


def staging(cluster, database, encoded, watch):
    """Binary rows into a temporary table, from there with ON CONFLICT DO NOTHING; then the latest of each key."""
    script = "BEGIN;\nCREATE TEMP TABLE staging (LIKE metrics) ON COMMIT DROP;\n"
    script += copy_in(f"staging ({METRICS})", encoded.file("unsorted.bin"))
    script += f"INSERT INTO metrics ({METRICS}) SELECT {METRICS} FROM staging ON CONFLICT DO NOTHING;\n"
    run_script(cluster, database, script + MERGE_LATEST + "COMMIT;\n", encoded.folder, watch)
