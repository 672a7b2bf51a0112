"""mltrack-verify --server: what a real MLflow server says about runs, set against a database and a disk that agree
with it, and that do not."""

import http.server
import shutil
import threading
from pathlib import Path

import pytest

import programs
from databases import SqliteDatabase
from mlflow_server import MlflowServer
from programs import MLFLOW_HEADS, ORACLE, ROOT
from stores.filestore import wide_store

pytestmark = pytest.mark.owner("checks look at every table, and repairs change rows that are there")

SAMPLE = ROOT / "samples" / "mlruns"
TUNED = "(SELECT run_uuid FROM runs WHERE name = 'tuned')"

# What is done to a copy of the server's database -> the code, and a part of the field that is named.
DAMAGES = {
    "status": (f"UPDATE runs SET status = 'FAILED' WHERE run_uuid = {TUNED}", "server-differs", "status"),
    "name": (f"UPDATE runs SET name = 'another' WHERE run_uuid = {TUNED}", "server-differs", "run_name"),
    "end": (f"UPDATE runs SET end_time = end_time + 1 WHERE run_uuid = {TUNED}", "server-differs", "end_time"),
    "uri": (f"UPDATE runs SET artifact_uri = '/nowhere' WHERE run_uuid = {TUNED}", "server-differs", "artifact_uri"),
    "param": (
        f"UPDATE params SET value = 'other' WHERE key = 'optimizer/name' AND run_uuid = {TUNED}",
        "server-differs",
        "param optimizer/name",
    ),
    "param more": (
        f"INSERT INTO params (key, value, run_uuid) VALUES ('more', '1', {TUNED})",
        "server-differs",
        "param more",
    ),
    "param less": (
        f"DELETE FROM params WHERE key = 'optimizer/name' AND run_uuid = {TUNED}",
        "server-differs",
        "param optimizer/name",
    ),
    "tag": (f"UPDATE tags SET value = 'x' WHERE key = 'mlflow.user' AND run_uuid = {TUNED}", "server-differs", "tag"),
    "latest": (
        f"UPDATE latest_metrics SET value = 0.125 WHERE key = 'train/loss' AND run_uuid = {TUNED}",
        "server-differs",
        "metric train/loss",
    ),
    "points": (f"DELETE FROM metrics WHERE step > 3 AND run_uuid = {TUNED}", "server-history", ""),
    "point": (f"UPDATE metrics SET value = value + 1 WHERE step = 2 AND run_uuid = {TUNED}", "server-history", ""),
    "run": (
        "INSERT INTO runs (run_uuid, name, status, start_time, lifecycle_stage, experiment_id) "
        "SELECT 'ffffffffffffffffffffffffffffffff', 'alone', 'FINISHED', 1, 'active', experiment_id "
        f"FROM runs WHERE run_uuid = {TUNED}",
        "server-run-missing",
        None,
    ),
}


class Store:
    """A database with a server on it, and its artifacts."""

    def __init__(self, db, copy, folder):
        self.db, self.copy, self.artifacts = db, copy, folder / "artifacts"
        self.server = MlflowServer(ORACLE, getattr(db, "psycopg2", db.uri), folder)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def store(request, pg_server, bulk, tmp_path_factory):
    folder = tmp_path_factory.mktemp("store")
    made = []

    def copy(db):
        if request.param == "postgres":
            made.append(pg_server.copy_database(db))
        else:
            made.append(SqliteDatabase(shutil.copy(db.path, folder / f"copy-{len(made)}.db")))
        return made[-1]

    if request.param == "postgres":
        db = pg_server.create_database(head=MLFLOW_HEADS[ORACLE])
    else:
        db = SqliteDatabase(folder / "mlflow.db").load_head(MLFLOW_HEADS[ORACLE])
    arguments = ["--artifacts", "copy", "--artifact-root", folder / "artifacts"]
    programs.run_bulk(bulk, "import", SAMPLE, "--to", db.uri, *arguments, home=folder, cwd=folder, check=0)
    before = copy(db)  # PostgreSQL copies only what nobody uses
    store = Store(db, lambda: copy(before), folder)
    yield store
    store.server.close()
    for database in [*made, db]:
        database.drop()


@pytest.fixture
def verify(bulk, tmp_path):
    program = Path(bulk).with_name("mltrack-verify")

    def run(*args, **more):
        return programs.run_bulk(program, *args, home=tmp_path, cwd=tmp_path, **more)

    return run


def found(result):
    return {(f["code"], f.get("field") or "") for f in result.json["findings"]}


def test_a_server_that_agrees(store, verify):
    result = verify("--to", store.db.uri, "--server", store.server.url, "--json", check=0)
    assert [f for f in result.json["findings"] if f["check"] == "server"] == []
    runs = store.db.query("SELECT count(*) FROM runs")[0][0]
    assert result.json["checked"]["runs_asked_about"] == min(runs, 20) > 3


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_server_that_says_something_else(store, verify, damage):
    sql, code, field = DAMAGES[damage]
    db = store.copy()
    db.query(sql)
    result = verify("--to", db.uri, "--server", store.server.url, "--json", check=1)
    assert code in {c for c, _ in found(result)}, result.json
    if field:
        assert any(c == code and field in f for c, f in found(result)), result.json
    run = "ffffffffffffffffffffffffffffffff" if damage == "run" else store.db.query(f"SELECT {TUNED}")[0][0]
    assert {f["id"] for f in result.json["findings"] if f["check"] == "server"} == {run}


def test_a_server_on_another_database(run_bulk, store, verify, new_sqlite_db, tmp_path):
    db = new_sqlite_db(MLFLOW_HEADS[ORACLE])
    run_bulk("import", wide_store(tmp_path / "mlruns", 5, 3).root, "--to", db.uri, check=0)
    result = verify("--to", db.uri, "--server", store.server.url, "--check", "server", "--json", check=1)
    runs = {run for (run,) in db.query("SELECT run_uuid FROM runs")}
    assert {(f["code"], f["id"]) for f in result.json["findings"]} == {("server-run-missing", run) for run in runs}


def test_files_that_are_not_those_the_server_gives(store, verify, tmp_path):
    mine = tmp_path / "mine"
    shutil.copytree(store.artifacts, mine)
    arguments = ["--to", store.db.uri, "--server", store.server.url, "--map", f"{store.artifacts}={mine}", "--json"]
    verify(*arguments, check=0)
    picture = next(mine.rglob("confusion.png"))
    data = bytearray(picture.read_bytes())
    data[100] ^= 1
    picture.write_bytes(data)
    assert ("server-file", "plots/confusion.png") in found(verify(*arguments, check=1))
    picture.write_bytes(data + b"more")
    assert ("server-file", "plots/confusion.png") in found(verify(*arguments, check=1))
    picture.unlink()
    assert ("server-file", "plots/confusion.png") in found(verify(*arguments, check=1))


def test_one_run(store, verify):
    run = store.db.query(f"SELECT {TUNED}")[0][0]
    result = verify("--to", store.db.uri, "--server", store.server.url, "--run", run, "--json", check=0)
    assert result.json["checked"]["runs_asked_about"] == 1


class Hostile(http.server.BaseHTTPRequestHandler):
    answer = None  # status, headers, body

    def do_GET(self):
        status, headers, body = self.answer
        type(self).asked.append((self.path, dict(self.headers)))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *args):
        pass


@pytest.fixture
def answering():
    """answering(status, headers, body) -> a server that says this to everybody, and what it was asked."""
    servers = []

    def start(status, headers=None, body=b""):
        handler = type("Handler", (Hostile,), {"answer": (status, headers or {}, body), "asked": []})
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}", handler.asked

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def sample_db(run_bulk, new_sqlite_db):
    db = new_sqlite_db()
    run_bulk("import", SAMPLE, "--to", db.uri, check=0)
    return db


def test_a_redirect_is_not_followed(sample_db, verify, answering):
    there, asked = answering(200, {}, b"{}")
    here, _ = answering(302, {"Location": f"{there}/elsewhere"})
    result = verify("--to", sample_db.uri, "--server", here, check=76)
    assert "302" in result.stderr and "not followed" in result.stderr
    assert asked == []


def test_an_answer_that_is_no_json(sample_db, verify, answering):
    url, _ = answering(200, {}, b"<html>hello</html>")
    result = verify("--to", sample_db.uri, "--server", url, check=76)
    assert url in result.stderr and "runs/get" in result.stderr


def test_who_asks_is_in_the_environment_and_in_no_message(sample_db, verify, answering):
    url, asked = answering(401, {}, b'{"error_code": "UNAUTHENTICATED", "message": "who are you?"}')
    secret = {"MLFLOW_TRACKING_USERNAME": "me", "MLFLOW_TRACKING_PASSWORD": "hunter2"}
    result = verify("--to", sample_db.uri, "--server", url, env=secret, check=77)
    assert "who are you?" in result.stderr and "MLFLOW_TRACKING_USERNAME" in result.stderr
    assert asked[0][1]["Authorization"].startswith("Basic ")
    verify("--to", sample_db.uri, "--server", url, env={"MLFLOW_TRACKING_TOKEN": "t0ken"}, check=77)
    assert asked[-1][1]["Authorization"] == "Bearer t0ken"
    told = verify("--to", sample_db.uri, "--server", url.replace("//", "//me:hunter3@"), "--json", "-v", check=77)
    assert asked[-1][1]["Authorization"].startswith("Basic ")
    for said in (result.stdout, result.stderr, told.stdout, told.stderr):
        assert "hunter" not in said


@pytest.mark.parametrize("url, code", [("http://127.0.0.1:9", 69), ("ftp://example.com", 64), ("nonsense", 64)])
def test_no_server_there(sample_db, verify, url, code):
    assert verify("--to", sample_db.uri, "--server", url, check=code).stderr
