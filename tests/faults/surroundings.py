"""F20 to F22, F24, F25: clocks, rights, poolers, SQLite files in use, sources that change."""

import contextlib
import functools
import itertools
import random
import shutil
import sqlite3
import threading
import time
from pathlib import Path

import oracle
from catalogue import fault
from disks import small_disk
from kills import outcome
from lab import APPEND, EXISTING, MERGE, NEW, POINTS, POSTGRES, REBUILD, RUNS, curve
from oracle import insist
from pg_server import LOADER
from pooler import pooler_before
from stores.filestore import run_id, write

# ---- clocks ----

CLOCKS = {"two days ahead": "+2d", "a year behind": "-1y", "1970": "@1970-01-01 00:00:30", "2040": "@2040-03-01 00:00:00"}


def fake_clock():
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    assert found, "faketime is not installed: tools/dev/install-packages test"
    return {"LD_PRELOAD": found[0], "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def judge_clock(trial, result):
    insist(result.returncode == 0, "with another clock:", result.explain())
    insist(0 <= result.json["seconds"] < 60, "took", result.json["seconds"], "s")
    trial.judge(result)
    trial.mend()
    return outcome(result)


def wrong_clock(lab, situation, clock):
    with lab.trial(situation) as trial:
        return judge_clock(trial, trial.run(env=fake_clock() | {"FAKETIME": clock}))


def stepping_clock(lab, situation):
    """Set back by a year in the middle."""
    with lab.trial(situation) as trial:
        clock = trial.folder / "clock"
        clock.write_text("+0")
        process = trial.start(env=fake_clock() | {"FAKETIME_TIMESTAMP_FILE": clock, "FAKETIME_NO_CACHE": "1"})
        time.sleep(trial.golden.seconds / 2)
        clock.write_text("-1y")
        return judge_clock(trial, trial.end(process))


@fault("F20", "a clock that is wrong, or is set back meanwhile", 2, None)
def clocks(lab, rng):
    yield "pg-merge set back meanwhile", lambda: stepping_clock(lab, MERGE)
    for (name, clock), situation in zip(CLOCKS.items(), itertools.cycle((APPEND, NEW, EXISTING, REBUILD))):
        yield f"{situation} {name}", functools.partial(wrong_clock, lab, situation, clock)
    yield "sqlite-new set back meanwhile", lambda: stepping_clock(lab, NEW)


# ---- rights ----

NEEDED = {"append": ("SELECT", "INSERT"), "merge": ("SELECT", "INSERT", "UPDATE")}


def refused(trial, result, code):
    """Nothing was written, and it is said what to do."""
    insist(result.returncode == code, f"expected exit {code}:", result.explain())
    insist(result.json["error"]["hint"], "does not say what to do:", result.explain())
    insist(oracle.Picture(trial.db).tables == trial.golden.start.tables, "something was written:", result.explain())


def missing_right(lab, situation, verb, table):
    with lab.trial(situation) as trial:
        trial.db.query(f"REVOKE {verb} ON {table} FROM {LOADER}")
        result = trial.run()
        if result.returncode:  # else it was not needed
            refused(trial, result, 77)
            insist("GRANT" in result.json["error"]["hint"], "names no GRANT:", result.explain())
        trial.judge(result, allowed={0, 77})
        trial.db.query(f"GRANT {verb} ON {table} TO {LOADER}")
        trial.mend()
        return outcome(result)


def read_only(lab, situation):
    with lab.trial(situation) as trial:
        trial.db.query(f'ALTER DATABASE "{trial.db.name}" SET default_transaction_read_only = on')
        result = trial.run()
        refused(trial, result, 77)
        connection = trial.db.connect()
        connection.cursor().execute("SET default_transaction_read_only = off")
        connection.cursor().execute(f'ALTER DATABASE "{trial.db.name}" RESET default_transaction_read_only')
        connection.close()
        trial.mend()
        return outcome(result)


def no_connection_left(lab):
    with lab.trial(APPEND) as trial:
        trial.db.server.admin(f"ALTER ROLE {LOADER} CONNECTION LIMIT 0")
        try:
            result = trial.run()
        finally:
            trial.db.server.admin(f"ALTER ROLE {LOADER} CONNECTION LIMIT -1")
        refused(trial, result, 75)
        trial.mend()
        return outcome(result)


def shut_out(lab, how, code):
    """By pg_hba.conf: rejected, or asked for a password that is wrong."""
    server = lab.server("struck")
    with lab.trial(APPEND, server) as trial:
        path = server.folder / "data" / "pg_hba.conf"
        before = path.read_text()
        try:
            path.write_text(f"host all {LOADER} 127.0.0.1/32 {how}\n{before}")
            server.admin("SELECT pg_reload_conf()")
            time.sleep(0.3)
            result = trial.run(env={"PGPASSWORD": "wrong"})
        finally:
            path.write_text(before)
            server.admin("SELECT pg_reload_conf()")
            time.sleep(0.3)
        refused(trial, result, code)
        trial.mend()
        return outcome(result)


WRITTEN = "experiments runs params tags metrics latest_metrics datasets inputs input_tags experiment_tags".split()


@fault("F21", "a right is missing (table by table), read-only, no connection left, refused by pg_hba.conf", 5, None)
def rights(lab, rng):
    cases = [(s, verb, t) for s in (APPEND, MERGE) for verb in NEEDED[s.load] for t in ("alembic_version", *WRITTEN)]
    rng.shuffle(cases)

    def missing(cases):
        for case in cases:
            yield "{} no {} on {}".format(*case), functools.partial(missing_right, lab, *case)

    yield from missing(cases[:2])
    yield "pg-append read-only", lambda: read_only(lab, APPEND)
    yield "no connection left", lambda: no_connection_left(lab)
    yield "a wrong password", lambda: shut_out(lab, "scram-sha-256", 77)
    yield "rejected by pg_hba.conf", lambda: shut_out(lab, "reject", 77)
    yield "pg-merge read-only", lambda: read_only(lab, MERGE)
    yield "pg-rebuild read-only", lambda: read_only(lab, REBUILD)
    yield from missing(cases[2:])


def pooled(lab, situation, mode):
    with lab.trial(situation) as trial:
        with pooler_before(trial.db.server, mode=mode) as port:
            uri = f"postgresql://{trial.db.role}@127.0.0.1:{port}/{trial.db.name}"
            result = trial.run(uri=uri)
            if mode == "statement":
                insist(result.returncode not in (0, 70), "in statement mode:", result.explain())
            else:
                insist(result.returncode == 0, "through a pooler:", result.explain())
            trial.judge(result)
        trial.mend()
        return outcome(result)


@fault("F22", "through PgBouncer, pooling transactions, sessions, statements", 2, None)
def poolers(lab, rng):
    for mode, situation in (*itertools.product(("transaction", "session"), POSTGRES), ("statement", APPEND)):
        yield f"{situation} {mode}", functools.partial(pooled, lab, situation, mode)


# ---- SQLite ----


def busy(lab, seconds, code):
    """Somebody has the write lock for so long."""
    with lab.trial(EXISTING) as trial:
        holder = sqlite3.connect(trial.db.path, isolation_level=None, check_same_thread=False)
        holder.execute("BEGIN IMMEDIATE")
        timer = threading.Timer(seconds, holder.execute, ("ROLLBACK",))
        timer.start()
        result = trial.run(timeout=300)
        timer.join()
        holder.close()
        trial.judge(result, allowed={code})
        trial.mend()
        return outcome(result)


def unwritable(lab):
    with lab.trial(EXISTING) as trial:
        folder, kept = trial.db.path.parent, trial.folder / "mlflow.db"
        shutil.move(trial.db.path, kept)
        with small_disk(folder, "64m") as remount:
            shutil.move(kept, trial.db.path)
            remount("64m,ro")
            result = trial.run()
            insist(result.returncode == 77, "expected exit 77:", result.explain())
            remount("64m,rw")
            trial.judge(result, allowed={77})
            trial.mend()
            return outcome(result)


def killed_in_wal(lab, seconds):
    with lab.trial(EXISTING) as trial:
        trial.db.query("PRAGMA journal_mode = WAL")
        process = trial.start()
        time.sleep(seconds)
        process.kill()
        result = trial.end(process)
        trial.judge(result, killed=True)
        trial.mend()
        return outcome(result)


@fault("F24", "a SQLite file that others lock, that is read-only, or in WAL mode when the program is killed", 3, 300)
def sqlite_files(lab, rng):
    yield "locked for 2 s", lambda: busy(lab, 2, 0)
    yield "on a read-only file system", lambda: unwritable(lab)
    yield killed_in_wal_point(lab, rng)
    yield "locked for ever", lambda: busy(lab, 150, 75)
    while True:
        yield killed_in_wal_point(lab, rng)


def killed_in_wal_point(lab, rng):
    seconds = rng.uniform(0.02, 1) * lab.golden(EXISTING).seconds
    return f"WAL, killed after {seconds:.3f} s", functools.partial(killed_in_wal, lab, seconds)


# ---- the source ----


def run_folder(root, n):
    return root / str(n % 3 + 1) / run_id(n + 1)


def shorten(root, n):
    write(run_folder(root, n) / "metrics" / "loss", curve(n, POINTS // 2))


def lengthen(root, n):
    write(run_folder(root, n) / "metrics" / "loss", curve(n, POINTS))


def vanish(root, n):
    shutil.rmtree(run_folder(root, n))


def come_back(lab, root, n):
    shutil.rmtree(run_folder(root, n), ignore_errors=True)
    shutil.copytree(run_folder(lab.source, n), run_folder(root, n))


def changing_source(lab, situation, how, seed):
    """Runs of the source change while it is read. What was read of them may be the one state or the other; once the
    source is as it should be, running again puts that right."""
    rng = random.Random(seed)
    with lab.trial(situation) as trial:
        trial.source = shutil.copytree(lab.source, trial.folder / "mlruns")
        struck = rng.sample(range(RUNS), RUNS // 2)
        if how is lengthen:
            for n in struck:
                shorten(trial.source, n)
        process = trial.start("--max-rows-per-second", "4000", "--on-error", "skip", load="auto")
        for n in struck:
            time.sleep(rng.uniform(0, 0.03))
            how(trial.source, n)
        result = trial.end(process)
        insist(result.returncode in (0, 2, 65, 66, 74), result.explain())
        oracle.assert_rules(trial.db)
        trial.told_truly(result)
        for n in struck:
            come_back(lab, trial.source, n)
        trial.mend(load="auto")
        shutil.rmtree(trial.source)
        return outcome(result)


@fault("F25", "runs of the source grow or vanish while it is read", 2, 50)
def sources(lab, rng):
    for how, situation in zip(itertools.cycle((lengthen, vanish)), itertools.cycle((APPEND, EXISTING, MERGE))):
        seed = rng.randrange(10**6)
        point = functools.partial(changing_source, lab, situation, how, seed)
        yield f"{situation} {how.__name__}, seed {seed}", point
