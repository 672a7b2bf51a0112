"""SQLite databases as the tests see them, with the same methods as pg_server.PgDatabase."""

import sqlite3
from pathlib import Path

from programs import HEADS_DIR

# Every table an import writes, in the order of src/model/tables.def.
TABLES = (
    "experiments experiment_tags runs params tags metrics latest_metrics datasets inputs input_tags logged_models "
    "logged_model_params logged_model_tags logged_model_metrics registered_models registered_model_tags "
    "model_versions model_version_tags registered_model_aliases"
).split()

# Those that are copied as they are, in the order of src/model/copied.def.
COPIED = (
    "trace_info trace_tags trace_request_metadata trace_metrics spans span_metrics assessments evaluation_datasets "
    "evaluation_dataset_tags evaluation_dataset_records scorers scorer_versions entity_associations"
).split()


class SqliteDatabase:
    kind = "sqlite"

    def __init__(self, path):
        self.path = Path(path)
        self.uri = self.owner_uri = f"sqlite:///{self.path}"

    def query(self, sql, args=()):
        """Runs SQL; its rows as tuples, or [] when it gives none. Placeholders are written %s, as for PostgreSQL."""
        assert self.path.exists(), f"{self.path} does not exist"
        connection = sqlite3.connect(self.path, isolation_level=None)
        try:
            return connection.execute(sql.replace("%s", "?"), args).fetchall()
        finally:
            connection.close()

    def load_head(self, revision):
        """MLflow's schema of a head, as its own migrations leave it (no experiment yet)."""
        connection = sqlite3.connect(self.path, isolation_level=None)
        connection.execute("PRAGMA synchronous = OFF")
        connection.executescript((HEADS_DIR / f"{revision}.sqlite.sql").read_text())
        connection.execute("INSERT INTO alembic_version VALUES (?)", (revision,))
        if "workspaces" in {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}:
            connection.execute(
                "INSERT INTO workspaces (name, description)"
                " VALUES ('default', 'Default workspace for legacy resources')"
            )
        connection.close()
        return self

    def dump(self):
        """All of it as sorted lines: equal before and after = nothing was written."""
        connection = sqlite3.connect(self.path)
        try:
            return sorted(line for line in connection.iterdump() if "mltrack_" not in line[:120])
        finally:
            connection.close()

    def drop(self):
        self.path.unlink(missing_ok=True)


def rows_by_table(db):
    """How many rows each of the tables that the database has holds."""
    if db.kind == "sqlite":
        have = db.query("SELECT name FROM sqlite_master WHERE type = 'table'")
    else:
        have = db.query("SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()")
    have = {name for (name,) in have} & {*TABLES, *COPIED}
    counts = " UNION ALL ".join(f"SELECT '{t}', count(*) FROM {t}" for t in sorted(have))
    return dict(db.query(counts))
