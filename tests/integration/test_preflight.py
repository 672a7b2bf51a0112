"""What an import looks at before it writes: rights all at once, standbys, connections, room. Nothing is in when it refuses."""

import pytest

import programs
from databases import rows_by_table
from stores.filestore import wide_store

HEAD = programs.MLFLOW_HEADS[programs.ORACLE]
ROLE = "preflight"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return wide_store(tmp_path_factory.mktemp("store") / "mlruns", 4, 5).root


@pytest.fixture
def db(new_owned_db):
    made = new_owned_db(HEAD)
    made.query(f'REVOKE ALL ON SCHEMA public FROM PUBLIC; REVOKE ALL ON DATABASE "{made.name}" FROM PUBLIC')
    made.query(f"CREATE ROLE {ROLE} LOGIN")
    yield made
    made.query(f"DROP OWNED BY {ROLE}; DROP ROLE {ROLE}")


@pytest.fixture
def theirs(db):
    return db.uri_of(ROLE)


def grants(run_bulk, db, *options):
    """The statements, one each."""
    script = run_bulk("grants", "--role", ROLE, "--to", db.uri, *options, check=0).stdout
    lines = "".join(line for line in script.splitlines(True) if not line.startswith("--"))
    return [" ".join(statement.split()) for statement in lines.split(";") if statement.strip()]


def single(statements):
    """The same, one right on one object each."""
    for statement in statements:
        rights, rest = statement.removeprefix("GRANT ").split(" ON ", 1)
        objects = rest.rsplit(" TO ", 1)[0]
        kind = next((k for k in ("DATABASE ", "SCHEMA ", "SEQUENCE ", "PARAMETER ") if objects.startswith(k)), "")
        for each in objects.removeprefix(kind).split(", "):
            for right in rights.split(", "):
                yield right, kind + each


def may_be_missing(right, what):
    """It goes without a ledger; a sequence lags behind now and then. And without the first two there is no session."""
    return "mltrack" in what or (right, what[:8]) in {("UPDATE", "SEQUENCE"), ("CONNECT", "DATABASE"), ("USAGE", "SCHEMA p")}


def attempt(run_bulk, store, uri, *more):
    return run_bulk("import", store, "--to", uri, "--json", *more)


def test_all_that_is_missing_is_told_at_once(run_bulk, db, theirs, store):
    db.query(f"GRANT CONNECT ON DATABASE {db.name} TO {ROLE}; GRANT USAGE ON SCHEMA public TO {ROLE}")
    refused = attempt(run_bulk, store, theirs, "--load", "merge")
    assert refused.returncode == 77 and refused.json["error"]["sqlstate"] == "42501", refused.explain()
    said = refused.json["preflight"]["lacking"]
    assert rows_by_table(db)["runs"] == 0 and refused.json["import"]["id"] is None
    for statement in said:
        assert statement.rstrip(";") in refused.json["error"]["hint"]
        db.query(statement)
    done = attempt(run_bulk, store, theirs, "--load", "merge", "--no-ledger")
    assert done.returncode == 0 and done.json["preflight"]["lacking"] == [], done.explain()


def test_each_missing_grant_is_named_and_nothing_is_written(run_bulk, db, theirs, store, new_sqlite_db):
    """By halves, so that each of them is missing once. From a database, which may bring rows of every table."""
    old = new_sqlite_db()
    run_bulk("import", store, "--to", old.uri, check=0)
    needed = grants(run_bulk, db, "--load", "merge")
    db.query(";".join(needed))
    refusing = [g for g in single(needed) if not may_be_missing(*g)]
    for missing in (refusing[::2], refusing[1::2]):
        for right, what in missing:
            db.query(f"REVOKE {right} ON {what} FROM {ROLE}")
        for dry in ((), ("--dry-run",)):
            refused = attempt(run_bulk, old.uri, theirs, "--load", "merge", *dry)
            assert refused.returncode == 77, refused.explain()
            assert set(single(refused.json["preflight"]["lacking"])) == set(missing)
        for right, what in missing:
            db.query(f"GRANT {right} ON {what} TO {ROLE}")
    assert rows_by_table(db)["experiments"] == 0
    done = attempt(run_bulk, old.uri, theirs, "--load", "merge")
    assert done.returncode == 0 and not done.json["preflight"]["warnings"], done.explain()


@pytest.mark.parametrize("right, what", [("USAGE", "SCHEMA public"), ("CONNECT", "DATABASE")])
def test_without_the_way_in(run_bulk, db, theirs, store, right, what):
    db.query(";".join(grants(run_bulk, db)))
    db.query(f"REVOKE {right} ON {what.replace('DATABASE', f'DATABASE {db.name}')} FROM {ROLE}")
    refused = attempt(run_bulk, store, theirs)
    assert refused.returncode == 77, refused.explain()
    assert right == "CONNECT" or f"GRANT USAGE ON SCHEMA public TO {ROLE}" in refused.json["error"]["hint"]


def test_a_role_for_appending_is_told_what_grown_runs_would_take(run_bulk, db, theirs, store):
    db.query(";".join(grants(run_bulk, db, "--load", "append")))
    said = attempt(run_bulk, store, theirs)
    assert said.returncode == 0
    (warning,) = said.json["preflight"]["warnings"]
    assert warning["code"] == "may-lack-rights" and "GRANT UPDATE ON public.experiment_tags" in warning["mend"]
    assert warning["mend"] in said.stderr
    assert attempt(run_bulk, store, theirs, "--load", "append").json["preflight"]["warnings"] == []


def test_read_only_is_told_before_the_first_write(run_bulk, new_owned_db, store):
    db = new_owned_db(HEAD)
    db.query(f'ALTER DATABASE "{db.name}" SET default_transaction_read_only = on')
    refused = attempt(run_bulk, store, db.uri)
    assert refused.returncode == 77 and refused.json["preflight"]["read_only"], refused.explain()
    assert "default_transaction_read_only = off" in refused.json["error"]["hint"]


def test_fewer_connections_than_wanted_will_do(run_bulk, db, theirs, store):
    db.query(";".join(grants(run_bulk, db)))
    db.query(f"ALTER ROLE {ROLE} CONNECTION LIMIT 2 VALID UNTIL 'tomorrow'")
    said = attempt(run_bulk, store, theirs, "--jobs", "4", "--load", "append")
    assert said.returncode == 0, said.explain()
    codes = {w["code"] for w in said.json["preflight"]["warnings"]}
    assert codes == {"few-connections", "password-expires"}
    assert said.json["preflight"]["connections"] == {"wanted": 4, "free": 1}
    assert "2 of 4 connections" in said.stderr
    assert rows_by_table(db)["runs"] == 4


def test_too_little_room_is_a_warning_with_the_figures(run_bulk, tmp_path):
    source = wide_store(tmp_path / "mlruns", 2, 5).root
    run = next(p.parent for p in source.rglob("meta.yaml") if (p.parent / "metrics").is_dir())
    (run / "artifacts").mkdir(exist_ok=True)
    with open(run / "artifacts" / "model.bin", "wb") as file:
        file.truncate(8 << 40)  # a hole
    to = ("--to", f"sqlite:///{tmp_path}/new.db", "--artifacts", "copy", "--artifact-root", tmp_path / "root")
    said = run_bulk("import", source, *to, "--on-error", "skip", "--dry-run", "--json", check=2, timeout=60)
    database, sorting, artifacts = said.json["preflight"]["room"]
    assert database["folder"] == str(tmp_path) and 0 < database["needs_about_bytes"] < 1 << 20
    assert sorting["needs_about_bytes"] is None and sorting["free_bytes"] > 0
    assert artifacts["needs_about_bytes"] == 8 << 40 > artifacts["free_bytes"] > 0
    (warning,) = [w for w in said.json["preflight"]["warnings"] if w["code"] == "little-room"]
    assert warning["text"] in said.stderr and "by estimate" in warning["text"]
