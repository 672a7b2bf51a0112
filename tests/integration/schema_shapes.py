"""MLflow's schema as tests need it: loaded from sql/mlflow/ without the program under test, and brought into a form
in which two databases can be compared."""

import re
import sqlite3

from pg_server import statements_of_head
from programs import HEADS_DIR

HEADS = sorted(p.name.removesuffix(".pg.sql") for p in HEADS_DIR.glob("*.pg.sql"))
DEFAULT_HEAD = "bda7b8c39065"
NEWEST_HEAD = "f4a9b2c7d1e6"

DEFAULT_WORKSPACE = "Default workspace for legacy resources"

# What MLflow's migrations themselves leave in the tables; experiment 0 is the store's doing.
ROWS = (
    "SELECT version_num FROM alembic_version",
    "SELECT name, description FROM workspaces",
)


def pg_script(head):
    return (HEADS_DIR / f"{head}.pg.sql").read_text()


def sqlite_script(head):
    script = (HEADS_DIR / f"{head}.sqlite.sql").read_text()
    script += f"\nINSERT INTO alembic_version VALUES ('{head}');\n"
    if "workspaces" in script:
        script += f"INSERT INTO workspaces (name, description) VALUES ('default', '{DEFAULT_WORKSPACE}');\n"
    return script


def features_of(head):
    """The features of a head, read off its DDL."""
    script = pg_script(head)

    def column(table, name):
        body = re.search(rf"CREATE TABLE public\.{table} \((.*?)\n\);", script, re.S)
        return bool(body and re.search(rf"^    {name} ", body[1], re.M))

    return {
        "aliases": "CREATE TABLE public.registered_model_aliases" in script,
        "datasets": "CREATE TABLE public.datasets" in script,
        "storage_location": column("model_versions", "storage_location"),
        "logged_models": "CREATE TABLE public.logged_models" in script,
        "input_step": column("inputs", "step"),
        "workspace": column("experiments", "workspace"),
        "metric_index": "ON public.metrics USING btree (run_uuid, key, step)" in script,
    }


def make_sqlite(path, head, edit=lambda script: script, then=()):
    """An SQLite file with MLflow's schema of a head; `edit` changes the script, `then` are statements run after it."""
    script = edit(sqlite_script(head))
    db = sqlite3.connect(path)
    db.executescript(script)
    for statement in then:
        db.execute(statement)
    db.commit()
    db.close()
    return f"sqlite:///{path}"


def load_in_schema(db, head, schema):
    """MLflow's schema of a head in a PostgreSQL schema other than public -> the URI that finds it."""
    script = statements_of_head(head).replace("public.", f"{schema}.")
    db.query(f"CREATE SCHEMA {schema};\n{script}")
    return f"{db.uri}?options=-csearch_path%3D{schema}"


def replaced(old, new):
    """An edit for make_sqlite that must find what it replaces."""

    def edit(script):
        assert old in script, f"the schema has no {old!r}"
        return script.replace(old, new, 1)

    return edit


def _lines(sql):
    """Lines of a statement without what depends on their order: MLflow's batch migrations on SQLite put the
    constraints of a rebuilt table in an order that changes from run to run."""
    return sorted(line.strip().rstrip(",").strip() for line in sql.splitlines() if line.strip() not in ("", ")"))


def sqlite_shape(path):
    """Every object of an SQLite file with its statement, and the rows that migrations leave."""
    db = sqlite3.connect(path)
    objects = {
        (kind, name): _lines(sql)
        for kind, name, sql in db.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    }
    rows = [db.execute(q).fetchall() for q in ROWS if "workspaces" not in q or ("table", "workspaces") in objects]
    db.close()
    return objects, rows


def pg_shape(db, schema="public"):
    """What pg_dump says about a database, and the rows that migrations leave."""
    dump = db.server.run("pg_dump", "-d", db.uri, "--schema-only", "--no-owner", "-n", schema)
    dump = dump.replace(f"{schema}.", "").replace(f"Schema: {schema};", "")
    dump = re.sub(r"CONSTRAINT \w+_not_null NOT NULL", "NOT NULL", dump)  # in 18 they keep the names of renamed columns
    keep = [
        line
        for line in dump.splitlines()
        if not re.match(r"\\|--|SET |SELECT pg_catalog|CREATE SCHEMA|COMMENT ON SCHEMA|$", line)
    ]
    rows = [
        sorted(db.query(q.replace(" FROM ", f" FROM {schema}.")))
        for q in ROWS
        if "workspaces" not in q or "CREATE TABLE workspaces" in dump
    ]
    return keep, rows
