"""What every fault is tried on: sources, start states, clean imports of them, and trials that begin in a start state.

A trial is one import that a fault strikes, into a database of its own. Trial.mend() is the contract: run again without
the fault, the tables must equal those of one clean import.
"""

import functools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import oracle
import programs
from databases import SqliteDatabase
from oracle import insist
from pg_server import LOADER, OWNER, PgServer
from programs import CRASH_MARKS, MLFLOW_HEADS, ORACLE, ROOT, Result, clean_env
from stores.filestore import T0, FileStore, run_id

HEAD = MLFLOW_HEADS[ORACLE]
RUNS, POINTS = 60, 20
HANG_SECONDS = 90  # an import of this size that takes longer hangs
DOCUMENTED = {0, 1, 2, 64, 65, 66, 69, 70, 71, 73, 74, 75, 76, 77, 78, 129, 130, 143}
BATCHES = ("--batch-rows", "300")


def curve(n, points):
    return "".join(f"{T0 + i} {1 / (i + n + 1)} {i}\n" for i in range(points))


def _add_runs(store, points):
    """points(n) -> how many points run n has; None: it is not there."""
    for e in (1, 2, 3):
        store.experiment(str(e), f"experiment {e}", tags={"team": f"t{e}"})
    for n in range(RUNS):
        if (have := points(n)) is None:
            continue
        metrics = {"loss": curve(n, have), "val/loss": curve(n + 1, have)}
        params, tags = {"lr": str(n), "seed": "7"}, {"mlflow.runName": f"run {n}"}
        store.run(str(n % 3 + 1), run_id(n + 1), params, tags, metrics, run_name=f"run {n}")


def full_source(root):
    """Everything that an import writes: the sample store (models, datasets, registry), and runs enough for many batches."""
    store = FileStore(root)
    for folder in sorted((ROOT / "samples" / "mlruns").iterdir()):
        shutil.copytree(folder, root / folder.name)
    _add_runs(store, lambda n: POINTS)
    return root


def earlier_source(root):
    """A third of the runs, as they were halfway."""
    store = FileStore(root)
    _add_runs(store, lambda n: POINTS // 2 if n % 3 == 0 else None)
    return root


def strange_source(root):
    """Runs that the source under test does not have: O4."""
    store = FileStore(root)
    store.experiment("9", "somebody else's", tags={"k": "v"})
    for n in range(5):
        store.run("9", f"{n:x}" * 32, {"p": "1"}, {"t": "v"}, {"m": curve(n, 10)}, run_name="a-run")
    return root


class Situation:
    """A kind of database, what it holds, and how it is loaded."""

    def __init__(self, name, kind, holds, load, whole=False, role=LOADER):
        self.name, self.kind, self.holds, self.load, self.whole = name, kind, holds, load, whole
        self.role = role  # who imports into a PostgreSQL

    def __str__(self):
        return self.name


APPEND = Situation("pg-append", "postgres", ("strange",), "append")
MERGE = Situation("pg-merge", "postgres", ("strange", "earlier"), "merge")
REBUILD = Situation("pg-rebuild", "postgres", (), "auto", whole=True, role=OWNER)  # drops and makes indexes
NEW = Situation("sqlite-new", "sqlite", None, "auto", whole=True)
EXISTING = Situation("sqlite-existing", "sqlite", ("strange", "earlier"), "auto")
POSTGRES, SQLITE = (APPEND, MERGE, REBUILD), (NEW, EXISTING)
SITUATIONS = POSTGRES + SQLITE


class Server(PgServer):
    """A cluster that can be struck."""

    def halt(self, how):
        """smart, fast or immediate, as pg_ctl calls them; returns at once. One that has ended stays so."""
        number = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}[how]
        self.process.send_signal(number)

    def wait_halted(self):
        self.process.wait(timeout=60)
        self.log.close()

    def alive(self):
        return self.process.poll() is None

    def until_ready(self):
        """After a backend was killed: the postmaster starts all the others anew."""
        self._wait_until_ready()


class Lab:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.bulk = self.program()
        self.sources = {}
        for name, make in (("full", full_source), ("earlier", earlier_source), ("strange", strange_source)):
            self.sources[name] = make(self.folder / "sources" / name / "mlruns")
        self.source = self.sources["full"]
        self._servers = {}
        self._n = 0

    @staticmethod
    def program():
        return programs.bulk_path()

    def close(self):
        for name in list(self._servers):
            self.forget(name)

    def forget(self, name):
        server = self._servers.pop(name)
        if server.alive():
            server.stop()

    def server(self, name="main", settings=None):
        if name not in self._servers:
            folder = self.new_folder(f"server-{name}")
            server = self._servers[name] = Server(folder, {"wal_level": "replica"} | (settings or {}))
            server.start()
        return self._servers[name]

    def new_folder(self, stem):
        self._n += 1
        folder = self.folder / f"{stem}-{self._n}"
        folder.mkdir(parents=True)
        return folder

    # ---- start states and clean imports ----

    def import_cleanly(self, source, db, *args):
        folder = self.new_folder("clean")
        started = time.monotonic()
        programs.run_bulk(self.bulk, "import", source, "--to", db.uri, "-q", *args, cwd=folder, check=0)
        return time.monotonic() - started

    def new_database(self, situation, server=None):
        if situation.kind == "postgres":
            return (server or self.server()).create_database(HEAD, situation.role)
        return SqliteDatabase(self.new_folder("db") / "mlflow.db")

    @functools.cache
    def start_state(self, situation, server=None):
        db = self.new_database(situation, server)
        if situation.holds is None:
            return db  # no file
        if situation.kind == "sqlite":
            db.load_head(HEAD)
        for name in situation.holds:
            self.import_cleanly(self.sources[name], db, "--load", "append")
        return db

    def old_state(self, situation, revision):
        """As start_state, in a schema of an earlier MLflow; a new one each time. The owner's: what an upgrade makes is
        granted to nobody else."""
        if situation.kind == "postgres":
            db = self.server().create_database(revision)
        else:
            db = self.new_database(situation).load_head(revision)
        for name in situation.holds:
            self.import_cleanly(self.sources[name], db, "--load", "append")
        return db

    def copy(self, db):
        if db.kind == "postgres":
            return db.server.copy_database(db)
        new = SqliteDatabase(self.new_folder("db") / "mlflow.db")
        if db.path.exists():
            shutil.copyfile(db.path, new.path)
        return new

    @functools.cache
    def golden(self, situation):
        """(database of a clean import, its Picture, the start's Picture or None, seconds it took, its definitions)"""
        start = self.start_state(situation)
        db = self.copy(start)
        seconds = self.import_cleanly(self.source, db, "--load", situation.load, *BATCHES)
        empty = situation.holds is None
        return Golden(db, oracle.Picture(db), EMPTY if empty else oracle.Picture(start), seconds, oracle.definitions(db))

    def trial(self, situation, server=None):
        return Trial(self, situation, server)


class Golden:
    def __init__(self, db, picture, start, seconds, definitions):
        self.db, self.picture, self.start, self.seconds, self.definitions = db, picture, start, seconds, definitions


class _Empty:
    tables, runs = {}, {}


EMPTY = _Empty()


class Trial:
    """One import in a start state, in a folder of its own. As a context manager it removes both at its end."""

    def __init__(self, lab, situation, server=None):
        self.lab, self.situation = lab, situation
        self.golden = lab.golden(situation)
        self.db = lab.copy(lab.start_state(situation, server))
        self.uri = self.db.uri
        self.folder = lab.new_folder("trial")
        self.temp = self.folder / "tmp"
        self.temp.mkdir()
        self.processes = []
        self.source = lab.source
        self.count_now()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()
        self.remove_database()
        shutil.rmtree(self.folder)

    # ---- running ----

    def start(self, *args, before=(), env=None, uri=None, load=None, source=None, stdout=None, bulk=None):
        """The import, begun. `before`: a command that runs it, such as strace."""
        out, errors = tempfile.TemporaryFile(dir=self.folder), tempfile.TemporaryFile(dir=self.folder)
        command = [*before, bulk or self.lab.bulk, "import", source or self.source, "--to", uri or self.uri]
        command += ["--json", "--load", load or self.situation.load, *BATCHES, *args]
        process = subprocess.Popen(
            list(map(str, command)),
            cwd=self.folder,
            env=clean_env(self.folder, {"TMPDIR": self.temp} | (env or {})),
            stdin=subprocess.DEVNULL,
            stdout=stdout or out,
            stderr=errors,
            start_new_session=True,
        )
        process.out, process.errors = out, errors
        self.processes.append(process)
        return process

    def count_now(self):
        """From here on what is inserted is compared with what the program says (O10)."""
        self.counted = oracle.row_counts(self.db)

    def settle(self):
        """The same, once what killed clients had sent is done."""
        oracle.wait_for_sessions(self.db)
        self.count_now()

    def end(self, process, timeout=HANG_SECONDS):
        """Waits for it -> programs.Result; a signal it died of is a negative returncode."""
        try:
            process.wait(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise oracle.Broken(f"hangs: killed after {timeout} s") from None
        process.out.seek(0)
        process.errors.seek(0)
        said, errors = process.out.read(), process.errors.read()
        result = Result(process.args, process.returncode, said.decode(), errors.decode(errors="replace"))
        insist(not any(mark in result.stderr for mark in CRASH_MARKS), result.explain())
        return result

    def run(self, *args, timeout=HANG_SECONDS, **kwargs):
        return self.end(self.start(*args, **kwargs), timeout)

    # ---- judging ----

    def judge(self, result, allowed=None, killed=False, told=True):
        """After the faulty run: a documented exit, no torn run, JSON that tells the truth. `killed`: a death by SIGKILL
        is in order; `told`: nobody else wrote meanwhile, so that counts can be compared."""
        code = result.returncode
        if killed and code in (-signal.SIGKILL, 128 + signal.SIGKILL):
            self.untorn()
            return
        insist(code in (DOCUMENTED if allowed is None else allowed), "unexpected exit:", result.explain())
        insist(code != 70, "an internal error:", result.explain())
        if code == 0:
            self.golden_now()
        else:
            self.untorn()
        if told and result.stdout:
            self.told_truly(result)

    def told_truly(self, result):
        before = self.counted
        self.count_now()
        oracle.assert_told_truly(result, before, self.counted)

    def untorn(self):
        oracle.assert_untorn(self.db, self.golden.start, self.golden.picture, self.situation.whole)

    def golden_now(self):
        oracle.assert_golden(self.db, self.golden.db, self.golden.picture)

    def use_database(self, db):
        self.remove_database()
        self.db, self.uri = db, db.uri
        self.count_now()

    def remove_database(self):
        if self.db.kind == "sqlite":
            shutil.rmtree(self.db.path.parent)
        elif self.db.server.alive():
            self.db.drop()

    def mend(self, load=None, twice=False, definitions=None):
        """R2: run again, and everything is as after one clean import. `twice`: and once more adds nothing."""
        self.settle()
        result = self.run(load=load)
        insist(result.returncode == 0, "the re-run fails:", result.explain())
        self.told_truly(result)
        self.golden_now()
        oracle.assert_nothing_left(self.db, definitions or self.golden.definitions)
        self.nothing_left_on_disk()
        if twice:
            self._adds_nothing(load)

    def _adds_nothing(self, load):
        again = self.run(load=load)
        added = {t: n["inserted"] for t, n in again.json["tables"].items() if n["inserted"] or n["updated"]}
        insist(again.returncode == 0 and not added, "a run after that adds", added)

    def nothing_left_on_disk(self):
        oracle.assert_no_files(self.temp, ())
        if self.db.kind == "sqlite":
            oracle.assert_no_files(self.db.path.parent, {self.db.path})
