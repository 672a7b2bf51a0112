"""A role that has what `mltrack-bulk grants` prints, and nothing else, imports; and can do nothing else."""

import itertools
import json
import subprocess

import psycopg2
import pytest

import programs
from stores.filestore import wide_store

HEAD = programs.MLFLOW_HEADS[programs.ORACLE]
STRANGE = 'lo"ader; DROP'
_number = itertools.count()


@pytest.fixture
def make_role(run_bulk):
    """make_role(db, name, *options): a role with the rights that are printed -> URI of its sessions."""
    made = []

    def make(db, name, *options):
        quoted = name.replace('"', '""')
        db.query(f'CREATE ROLE "{quoted}" LOGIN')
        made.append((db, quoted))
        script = run_bulk("grants", "--role", name, "--to", db.uri, *options, check=0).stdout
        psql = ["psql", "-qv", "ON_ERROR_STOP=1", "-d", db.uri]
        subprocess.run(psql, input=script, text=True, check=True, env=programs.clean_env("/tmp"))
        return f"host=127.0.0.1 port={db.server.port} dbname={db.name} user=" + "'" + name.replace("'", "\\'") + "'"

    yield make
    for db, quoted in made:
        db.query(f'DROP OWNED BY "{quoted}"; DROP ROLE "{quoted}"')


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stores")
    return wide_store(folder / "less" / "mlruns", 4, 5).root, wide_store(folder / "more" / "mlruns", 4, 9).root


def load(run_bulk, source, uri, *more):
    return json.loads(run_bulk("import", source, "--to", uri, "--json", *more, check=0).stdout)


def name_of(stem):
    return f"{stem} {next(_number)}"


@pytest.mark.parametrize("how", ["append", "merge"])
@pytest.mark.parametrize("head", [HEAD, "bda7b8c39065"])
def test_a_role_imports_with_what_is_printed(run_bulk, new_owned_db, make_role, stores, how, head):
    db = new_owned_db(head)
    db.query("REVOKE ALL ON SCHEMA public FROM PUBLIC; REVOKE ALL ON DATABASE \"" + db.name + "\" FROM PUBLIC")
    uri = make_role(db, name_of(STRANGE), "--load", how)
    if head == HEAD:  # which has all the tables
        assert load(run_bulk, programs.ROOT / "samples" / "mlruns", uri, "--load", how)["status"] == "ok"
    first = load(run_bulk, stores[0], uri, "--load", how)
    assert first["tables"]["runs"]["inserted"] == 4 and first["load"] == how
    if how == "merge":
        assert load(run_bulk, stores[1], uri, "--load", how)["tables"]["metrics"]["inserted"] > 0
    session = psycopg2.connect(uri)
    session.autocommit = True
    forbidden = ["DELETE FROM metrics", "TRUNCATE runs", "DROP TABLE tags", "CREATE TABLE t (i int)",
                 "UPDATE params SET value = ''", "UPDATE alembic_version SET version_num = ''"]
    if how == "append":
        forbidden.append("UPDATE runs SET name = ''")
    with session.cursor() as cursor:
        for statement in forbidden:
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute(statement)
    session.close()


def test_the_default_load_appends(run_bulk, new_owned_db, make_role, stores):
    """Which, for an owner, would be a rebuild."""
    db = new_owned_db(HEAD)
    uri = make_role(db, name_of("loader"))
    said = load(run_bulk, stores[0], uri)
    assert said["load"] == "append" and "belongs to role" in said["load_reason"]
    assert load(run_bulk, stores[1], uri)["tables"]["metrics"]["inserted"] > 0
    refused = run_bulk("import", stores[0], "--to", uri, "--load", "rebuild")
    assert refused.returncode == 64 and "not possible" in refused.stderr, refused.explain()


def test_what_is_missing_is_told_with_the_command(run_bulk, new_owned_db, make_role, stores):
    db = new_owned_db(HEAD)
    uri = make_role(db, "short_of", "--load", "append")
    db.query('REVOKE INSERT ON metrics FROM "short_of"')
    refused = run_bulk("import", stores[0], "--to", uri)
    assert refused.returncode == 77 and "mltrack-bulk grants --role short_of" in refused.stderr, refused.explain()
    assert db.query("SELECT count(*) FROM runs") == [(0,)]


def test_trusting_takes_its_own_grant(run_bulk, new_owned_db, make_role, stores):
    db = new_owned_db(HEAD)
    uri = make_role(db, name_of("trusted"), "--trust-runs", "--load", "append")
    assert load(run_bulk, stores[0], uri, "--trust-runs", "--load", "append")["tables"]["runs"]["inserted"] == 4


def test_what_it_refuses(run_bulk, pg_db, tmp_path):
    for args in (["--to", "sqlite:///x.db", "--role", "r"], ["--to", pg_db.uri], ["--to", pg_db.uri, "--role", "r", "--load", "rebuild"]):
        assert run_bulk("grants", *args).returncode == 64
    assert run_bulk("grants", "--to", pg_db.uri, "--role", "r").returncode == 78
