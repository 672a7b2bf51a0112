"""Fixtures of the integration tests: the built program, a private PostgreSQL, real MLflow releases, real stores.

Environment (all optional):
  MLTRACK_BUILD    build folder of the program under test (default: build/ at the root of the checkout)
  MLTRACK_VENVS    folder with one virtual environment per MLflow release, named by version (default: .cache/venvs)
  MLTRACK_PG_BIN   bin folder of the PostgreSQL to test with (default: the newest below /usr/lib/postgresql)
  MLTRACK_CORPUS   folder of real stores (default: shared/corpus beside the checkout)
  MLTRACK_NO_CORPUS=1  there is no corpus: leave its tests out and say how many

Run with --all to include the tests marked `long`.
"""

import functools
import os
import shutil
import tempfile
from pathlib import Path

import pytest

import programs
from databases import SqliteDatabase
from pg_server import LOADER, OWNER, PgServer

ROOT = programs.ROOT


def corpus_root():
    return Path(os.environ.get("MLTRACK_CORPUS") or ROOT.parent / "shared" / "corpus").resolve()


def corpus_stores(kind):
    """Every store of a kind ("filestore", "sqlite") in the corpus, as (name, path)."""
    stores = []
    for folder in sorted(corpus_root().glob(f"{kind}-*")):
        if kind == "filestore":
            found = [p for p in sorted(folder.rglob("mlruns")) if p.is_dir()]
        else:
            found = sorted(folder.glob("*.db"))
        stores += [(folder.name, p) for p in found]
    return stores


def pytest_addoption(parser):
    parser.addoption("--all", action="store_true", help="also run the tests marked `long`")


def pytest_generate_tests(metafunc):
    for fixture, kind in (("corpus_filestore", "filestore"), ("corpus_sqlite", "sqlite")):
        if fixture in metafunc.fixturenames:
            stores = corpus_stores(kind)
            params = [pytest.param(path, id=name) for name, path in stores] or [pytest.param(None, id="absent")]
            metafunc.parametrize(fixture, params, indirect=True)


def pytest_collection_modifyitems(config, items):
    left_out = {"long": [], "corpus": []}
    kept = []
    no_corpus = os.environ.get("MLTRACK_NO_CORPUS") == "1"
    for item in items:
        names = getattr(item, "fixturenames", ())
        if {"corpus", "corpus_filestore", "corpus_sqlite"} & set(names):
            item.add_marker("corpus")
        if item.get_closest_marker("corpus") and no_corpus:
            left_out["corpus"].append(item)
        elif item.get_closest_marker("long") and not config.getoption("--all"):
            left_out["long"].append(item)
        else:
            kept.append(item)
    items[:] = kept
    for dropped in left_out.values():
        if dropped:
            config.hook.pytest_deselected(items=dropped)
    config.stash[LEFT_OUT] = {why: len(v) for why, v in left_out.items()}


LEFT_OUT = pytest.StashKey()


def pytest_terminal_summary(terminalreporter, config):
    counts = config.stash.get(LEFT_OUT, {})
    if counts.get("long"):
        terminalreporter.write_line(f"{counts['long']} long tests not selected (run with --all)")
    if counts.get("corpus"):
        terminalreporter.write_line(f"{counts['corpus']} corpus tests not selected (MLTRACK_NO_CORPUS=1)")


@pytest.fixture(scope="session")
def bulk():
    """Path of the program under test."""
    return programs.bulk_path()


@pytest.fixture
def run_bulk(bulk, tmp_path_factory):
    """run_bulk(*args, env=None, cwd=None, check=None, stdin=...) -> programs.Result. `check` is the exit code to insist on."""
    home = tmp_path_factory.mktemp("home")

    def run(*args, cwd=None, **more):
        return programs.run_bulk(bulk, *args, cwd=cwd or home, home=home, **more)

    return run


@pytest.fixture(scope="session")
def mlflow_python():
    """mlflow_python(version) -> the interpreter of that MLflow release."""
    return programs.mlflow_python


@pytest.fixture(scope="session")
def mlflow_run():
    """mlflow_run(version, code_or_script, *args, env=None): runs Python in a release's venv and returns the JSON
    document in the last line it prints."""
    return programs.mlflow_run


@pytest.fixture(scope="session")
def pg_server():
    """A private PostgreSQL cluster for this session (one per xdist worker)."""
    with tempfile.TemporaryDirectory(prefix="mlt-pg-") as folder:
        server = PgServer(Path(folder))
        try:
            server.start()
            yield server
        finally:
            server.stop()


@pytest.fixture
def pg_db(pg_server):
    """A new, empty database, its owner's: .uri, .psycopg2, .load_head(revision), .connect(), .query(sql), .drop()."""
    db = pg_server.create_database()
    yield db
    db.drop()


@pytest.fixture
def new_pg_db(request, pg_server):
    """new_pg_db(head=None, role=...) -> as pg_db. role: whose .uri is, so who imports: with a schema pg_server.LOADER,
    who may import and nothing else; OWNER for what takes more (rebuilds, migrations), also by the marker `owner`, which
    says why; of an empty database the owner."""
    made = []
    usual = OWNER if request.node.get_closest_marker("owner") else LOADER

    def make(head=None, role=None):
        db = pg_server.create_database(head, role or (usual if head else OWNER))
        made.append(db)
        return db

    yield make
    for db in made:
        db.drop()


@pytest.fixture
def new_owned_db(new_pg_db):
    """new_owned_db(head) -> as new_pg_db, but .uri is the owner's: for what takes more than an import's rights, as
    rebuilds, trusting runs, schemas, rights of other roles."""
    return functools.partial(new_pg_db, role=OWNER)


@pytest.fixture
def new_sqlite_db(tmp_path_factory):
    """new_sqlite_db(head=None) -> an mlflow.db with the methods of pg_db; without a head the file is not there yet."""

    def make(head=None):
        db = SqliteDatabase(tmp_path_factory.mktemp("sqlite") / "mlflow.db")
        return db.load_head(head) if head else db

    return make


@pytest.fixture
def new_db(request):
    """new_db(kind, head=None, **more) for kind "sqlite" or "postgres", as new_sqlite_db and new_pg_db; starts a
    PostgreSQL only when one is asked for."""

    def make(kind, head=None, **more):
        if kind == "sqlite":
            return request.getfixturevalue("new_sqlite_db")(head)
        return request.getfixturevalue("new_pg_db")(head, **more)

    return make


@pytest.fixture
def copy_db(request, tmp_path_factory):
    """copy_db(db) -> another database with all that it holds."""
    made = []

    def copy(db):
        if db.kind == "sqlite":
            path = tmp_path_factory.mktemp("copy") / "mlflow.db"
            shutil.copyfile(db.path, path)
            return SqliteDatabase(path)
        made.append(request.getfixturevalue("pg_server").copy_database(db))
        return made[-1]

    yield copy
    for db in made:
        db.drop()


@pytest.fixture(params=["sqlite", "postgres"])
def target(request, new_db):
    """A database of each kind, with the schema of the MLflow release we compare with, and empty. In PostgreSQL .uri is
    that of a role that may import and nothing else, so that there is no rebuild."""
    return new_db(request.param, programs.MLFLOW_HEADS[programs.ORACLE])


@pytest.fixture(scope="session")
def corpus():
    """The folder of real stores; fails where it is missing."""
    root = corpus_root()
    if not root.is_dir():
        pytest.fail(f"no corpus of real stores at {root}: set MLTRACK_CORPUS, or MLTRACK_NO_CORPUS=1 to go without")
    return root


@pytest.fixture
def corpus_filestore(request, corpus):
    """Each FileStore of the corpus in turn (path of its mlruns folder)."""
    return request.param


@pytest.fixture
def corpus_sqlite(request, corpus):
    """Each mlflow.db of the corpus in turn."""
    return request.param
