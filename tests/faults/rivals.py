"""F14 to F19, F23: others work on the same database: importers, MLflow, an upgrade, an administrator."""

import contextlib
import functools
import itertools
import re
import shutil
import signal
import subprocess
import threading
import time

import psycopg2

import oracle
import programs
from catalogue import fault
from kills import outcome
from lab import APPEND, EXISTING, MERGE, NEW, POSTGRES, POINTS, REBUILD, RUNS, curve
from oracle import Picture, insist
from servers import LOST
from signals import PHASES, At
from stores.filestore import run_id, write
from test_sqlite_live import LiveMlflow
from wire import Proxy

OLD = "3.10.1"  # upgraded to ORACLE


def same_source(lab, situation, n):
    with lab.trial(situation) as trial:
        processes = [trial.start() for _ in range(n)]
        results = [trial.end(p) for p in processes]
        for result in results:
            insist(result.returncode == 0, f"one of {n}:", result.explain())
        trial.golden_now()
        inserted = sum(r.json["tables"]["metrics"]["inserted"] for r in results)
        grown = oracle.row_counts(trial.db)["metrics"] - trial.counted.get("metrics", 0)
        insist(inserted == grown, f"{inserted} points said to be inserted by all, {grown} are")
        trial.mend()
        return ", ".join(outcome(r) for r in results)


@fault("F14", "two or four importers of the same source at once", 3, 50)
def same(lab, rng):
    situations = itertools.cycle((MERGE, NEW, APPEND, EXISTING, REBUILD))
    for n, situation in zip(itertools.cycle((2, 4)), situations):
        yield f"{situation} x {n}", functools.partial(same_source, lab, situation, n)


@functools.cache
def rival_source(lab):
    """The same runs with other params, metrics of every second one."""
    root = shutil.copytree(lab.source, lab.folder / "sources" / "rival")
    for n in range(RUNS):
        write(root / str(n % 3 + 1) / run_id(n + 1) / "params" / "lr", f"rival {n}")
        if n % 2:
            write(root / str(n % 3 + 1) / run_id(n + 1) / "metrics" / "loss", curve(n + 7, POINTS))
    return root


@functools.cache
def rival_picture(lab):
    db = lab.copy(lab.start_state(APPEND))
    lab.import_cleanly(rival_source(lab), db, "--load", "append")
    return Picture(db)


def conflicting_sources(lab, wait):
    """Of each run one of the two is in, whole, and the other said so."""
    with lab.trial(APPEND) as trial:
        ours, theirs = trial.golden.picture, rival_picture(lab)
        first = trial.start("--on-error", "skip")
        time.sleep(wait)
        second = trial.start("--on-error", "skip", source=rival_source(lab))
        results = [trial.end(p) for p in (first, second)]
        for result in results:
            insist(result.returncode in (0, 2), result.explain())
        now = Picture(trial.db).runs
        mixed = [run for run in ours.runs if now.get(run) not in (ours.runs[run], theirs.runs[run])]
        insist(not mixed and now.keys() == ours.runs.keys(), "runs of both or of neither:", mixed[:3])
        told = sum(r.json["conflicts"] for r in results)
        insist(told == RUNS, f"{told} conflicts told of {RUNS}")
        oracle.assert_rules(trial.db)
        oracle.assert_nothing_left(trial.db, trial.golden.definitions)
        return ", ".join(outcome(r) for r in results)


@fault("F15", "two importers at once, of the same runs with other params", 2, 200)
def conflicting(lab, rng):
    while True:
        wait = rng.uniform(0, 0.5)
        yield f"pg-append, {wait:.3f} s apart", functools.partial(conflicting_sources, lab, wait)


# ---- the schema ----


def other_revision(lab, situation, n):
    """An upgrade that only changes the revision: what was written before stays, nothing more is."""
    with lab.trial(situation) as trial:
        strike = functools.partial(trial.db.query, "UPDATE alembic_version SET version_num = 'ffffffffffff'")
        with Proxy(trial.db.server.port, on_frame=At(PHASES["after the commit"], n, lambda: strike() and None)) as proxy:
            result = trial.run(uri=proxy.uri(trial.db))
        trial.db.query("UPDATE alembic_version SET version_num = %s", (programs.MLFLOW_HEADS[programs.ORACLE],))
        stopped_by_revision(result, programs.MLFLOW_HEADS[programs.ORACLE], "ffffffffffff")
        trial.judge(result, allowed={78})
        trial.mend()
        return outcome(result)


def stopped_by_revision(result, old, new=r"[0-9a-f]{12}"):
    insist(result.returncode == 78, "expected exit 78:", result.explain())
    message = result.json["error"]["message"]
    insist(re.search(f"{old} (to|and is at) (?!{old}){new}", message), "does not name both revisions:", message)


def upgraded_meanwhile(lab, situation):
    """MLflow's own `db upgrade` while the import goes on slowly."""
    with lab.trial(situation) as trial:
        trial.use_database(lab.old_state(situation, programs.MLFLOW_HEADS[OLD]))
        uri = trial.db.uri if trial.db.kind == "sqlite" else trial.db.psycopg2
        command = [programs.mlflow_python(programs.ORACLE), "-m", "mlflow", "db", "upgrade", uri]
        environment = programs.mlflow_env(programs.private_home())
        process = trial.start("--max-rows-per-second", "40")
        done = subprocess.run(command, env=environment, cwd=trial.folder, capture_output=True, text=True, timeout=300)
        insist(done.returncode == 0, "MLflow's upgrade failed:", done.stderr[-2000:])
        result = trial.end(process)
        # in SQLite an upgrade is many transactions: whichever revision it has come to
        stopped_by_revision(result, programs.MLFLOW_HEADS[OLD])
        trial.mend(definitions=oracle.definitions(trial.db))
        return outcome(result)


@fault("F16", "the schema is upgraded meanwhile, by MLflow itself or in name only", 2, 10)
def upgrades(lab, rng):
    yield f"pg-append `mlflow db upgrade` from {OLD}", lambda: upgraded_meanwhile(lab, APPEND)
    for situation in itertools.cycle((MERGE, APPEND)):
        n = rng.randrange(1, 10)
        yield f"{situation} another revision after the {n}. COMMIT", functools.partial(other_revision, lab, situation, n)
        if situation is MERGE:
            yield f"sqlite-existing `mlflow db upgrade` from {OLD}", lambda: upgraded_meanwhile(lab, EXISTING)


# ---- MLflow at work ----


def beside_mlflow(lab, situation, rows):
    """Every run of the source is as after a clean import, and MLflow's own are whole; neither side had an error."""
    with lab.trial(situation) as trial:
        uri = None if situation.kind == "sqlite" else trial.db.psycopg2
        folder = trial.db.path.parent if situation.kind == "sqlite" else trial.folder
        with LiveMlflow(programs.ORACLE, folder, "delete", uri) as live:
            live.importing(True)
            result = trial.run("--max-rows-per-second", rows)
            live.importing(False)
            lived = live.stop()
        insist(result.returncode == 0, "beside MLflow:", result.explain())
        insist(lived["while_importing"] > 0, "the two did not meet")
        insist(lived["slowest"] < 15, f"MLflow waited {lived['slowest']:.1f} s")
        now = Picture(trial.db).runs
        wrong = [run for run, digest in trial.golden.picture.runs.items() if now.get(run) != digest]
        insist(not wrong, "runs that differ from a clean import:", wrong[:3])
        oracle.assert_rules(trial.db)
        theirs = trial.db.query("SELECT count(*) FROM metrics WHERE key IN ('m0', 'm1', 'm2')")[0][0]
        insist(theirs == 30 * len(lived["runs"]), f"{theirs} points of MLflow's {len(lived['runs'])} runs")
        return outcome(result)


@fault("F17", "a live MLflow writes and reads at the same time", 1, 5)
def live(lab, rng):
    for situation, rows in itertools.product((APPEND, EXISTING, MERGE), (1500, 600)):
        yield f"{situation}, {rows} rows/s", functools.partial(beside_mlflow, lab, situation, rows)


# ---- timeouts and locks ----


@contextlib.contextmanager
def locked(trial, sql, seconds):
    """Another session holds something, for so long from now on."""
    holder = trial.db.connect()
    holder.autocommit = False
    holder.cursor().execute(sql)
    timer = threading.Timer(seconds, holder.rollback)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        holder.close()


LOCK_TABLE = "LOCK TABLE params IN ACCESS EXCLUSIVE MODE"
LOCK_ROWS = "SELECT 1 FROM runs FOR UPDATE"


def held_up(lab, situation, settings, lock, seconds, allowed):
    with lab.trial(situation) as trial:
        for setting in settings:
            trial.db.query(f'ALTER DATABASE "{trial.db.name}" SET {setting}')
        with locked(trial, lock, seconds) if lock else contextlib.nullcontext():
            result = trial.run()
        trial.judge(result, allowed=allowed)
        for setting in settings:
            trial.db.query(f'ALTER DATABASE "{trial.db.name}" RESET {setting.partition(" ")[0]}')
        trial.mend()
        return outcome(result)


@fault("F18", "locks that others hold, lock_timeout, statement_timeout, serializable by default", 3, None)
def timeouts(lab, rng):
    serializable = "default_transaction_isolation = 'serializable'"
    points = [
        (MERGE, ("lock_timeout = '50ms'",), LOCK_TABLE, 1.5, {0}),
        (APPEND, (serializable, "lock_timeout = '50ms'"), LOCK_TABLE, 1.5, {0}),
        (MERGE, ("lock_timeout = '50ms'", serializable), LOCK_ROWS, 1.5, {0}),
        (APPEND, ("statement_timeout = '200ms'",), None, 0, {0, 75}),
        (MERGE, ("statement_timeout = '200ms'",), None, 0, {0, 75}),
        (REBUILD, ("statement_timeout = '50ms'",), None, 0, {0, 75}),
        (REBUILD, (), LOCK_TABLE, 1.5, {0}),
        (MERGE, (), LOCK_ROWS, 1.5, {0}),
        (APPEND, (), LOCK_TABLE, 75, {75}),
    ]
    for situation, settings, lock, seconds, allowed in points:
        name = f"{situation} {', '.join((*settings, lock or 'no lock'))} {seconds} s"
        yield name, functools.partial(held_up, lab, situation, settings, lock, seconds, allowed)


def stopped_for(lab, situation, phase, n, seconds):
    """As if the machine had been asleep."""
    with lab.trial(situation) as trial:
        trial.db.query(f'ALTER DATABASE "{trial.db.name}" SET idle_in_transaction_session_timeout = \'1s\'')

        def pause():
            process.send_signal(signal.SIGSTOP)
            time.sleep(seconds)
            process.send_signal(signal.SIGCONT)

        with Proxy(trial.db.server.port, on_frame=At(PHASES[phase], n, pause)) as proxy:
            process = trial.start(uri=proxy.uri(trial.db))
            result = trial.end(process)
        trial.judge(result, allowed=LOST)
        trial.mend()
        return outcome(result)


@fault("F19", "the program sleeps (SIGSTOP) longer than idle_in_transaction_session_timeout", 2, 10)
def pauses(lab, rng):
    for situation in itertools.cycle(POSTGRES):
        phase, n = rng.choice(("beginning", "copying", "committing")), rng.randrange(1, 6)
        yield f"{situation} at the {n}. {phase}", functools.partial(stopped_for, lab, situation, phase, n, 2.5)


# ---- what is written to goes away ----

GONE = "experiment_id IN (SELECT experiment_id FROM experiments WHERE name = 'experiment 2')"
DELETE = "".join(
    f"DELETE FROM {table} WHERE run_uuid IN (SELECT run_uuid FROM runs WHERE {GONE}); "
    for table in ("latest_metrics", "metrics", "params", "tags")
)
DELETE += "".join(f"DELETE FROM {table} WHERE {GONE}; " for table in ("runs", "experiment_tags", "experiments"))


def remove_experiment(db):
    """As `mlflow gc` removes an experiment for good; again when a run was added to it meanwhile."""
    for _ in range(100):
        with contextlib.suppress(psycopg2.errors.ForeignKeyViolation):
            db.query(DELETE)
            return
        time.sleep(0.02)


def removed_meanwhile(lab, situation, n):
    with lab.trial(situation) as trial:
        hook = At(PHASES["after the commit"], n, lambda: remove_experiment(trial.db))
        with Proxy(trial.db.server.port, on_frame=hook) as proxy:
            result = trial.run(uri=proxy.uri(trial.db))
        if result.returncode:  # else the experiment was not there yet, or was written anew
            insist(result.returncode in (65, 75), result.explain())
        trial.untorn()
        trial.mend()
        return outcome(result)


@fault("F23", "an experiment with its runs is removed meanwhile", 2, 30)
def removals(lab, rng):
    for situation in itertools.cycle((APPEND, MERGE)):
        n = rng.randrange(3, 9)
        yield f"{situation} after the {n}. COMMIT", functools.partial(removed_meanwhile, lab, situation, n)
