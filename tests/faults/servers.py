"""F05 to F07: the server, or our session in it, goes away."""

import contextlib
import functools
import itertools
import os
import signal
import threading
import time

from catalogue import fault
from kills import outcome
from lab import APPEND, MERGE, POSTGRES, REBUILD, Server
from oracle import insist
from pg_server import PgDatabase
from signals import PHASES, At
from wire import Proxy

# 0: what it struck was over, or could be begun anew; 69 unreachable; 75 temporary failure
LOST = {0, 69, 75}
SURVIVED = {0}  # lost while it was writing: connects again, and goes on
OURS = "FROM pg_stat_activity WHERE datname = '{}' AND application_name LIKE 'mltrack%'"


def struck_at(trial, phase, n, act):
    """The import, with act() called at the n-th frame of a phase -> its result."""
    called = []

    def strike():
        called.append(time.monotonic())
        act()

    with Proxy(trial.db.server.port, on_frame=At(PHASES[phase], n, strike)) as proxy:
        result = trial.run(uri=proxy.uri(trial.db))
    insist(called, "never came to it:", result.explain())
    return result


def survived_in(situation, phase):
    """Nothing is tried again before the import has begun to write; a rebuild begins while it opens the database."""
    opening = phase == "reading the schema" or (situation is REBUILD and phase == "beginning")
    return LOST if opening else SURVIVED


def end_sessions(trial, how):
    rows = PgDatabase(trial.db.server, "postgres").query("SELECT pid " + OURS.format(trial.db.name))
    for (pid,) in rows:
        if how == "pg_terminate_backend":
            trial.db.server.admin(f"SELECT pg_terminate_backend({pid})")
        else:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def lose_backend(lab, situation, how, phase, n):
    with lab.trial(situation, lab.server("struck")) as trial:
        result = struck_at(trial, phase, n, lambda: end_sessions(trial, how))
        trial.db.server.until_ready()
        trial.judge(result, allowed=survived_in(situation, phase))
        trial.mend()
        return outcome(result)


def moments(rng, phases):
    """Situation, phase, and which frame of it, for ever."""
    for situation in itertools.cycle((APPEND, MERGE, REBUILD)):
        phase = rng.choice(phases)
        often = phase in ("beginning", "copying", "committing") and situation is not REBUILD
        first = 2 if phase in ("beginning", "committing") else 1  # before that the schema is read
        yield situation, phase, rng.randrange(first, 10) if often else first


WORKING = ("reading the schema", "beginning", "copying", "committing")


@fault("F05", "the session is ended by pg_terminate_backend, or its backend killed so that the server restarts", 3, 100)
def backend(lab, rng):
    hows = itertools.cycle(("kill -9", "pg_terminate_backend"))
    for how, (situation, phase, n) in zip(hows, moments(rng, WORKING)):
        yield f"{situation} {how} at the {n}. {phase}", functools.partial(lose_backend, lab, situation, how, phase, n)


def stop_server(lab, situation, mode, phase, n, down=2):
    """The server is stopped, is down for some seconds, and comes back, while the import is waiting for it."""
    server = lab.server("struck")
    with lab.trial(situation, server) as trial:
        stopped = threading.Event()

        def stop():
            server.halt(mode)
            stopped.set()

        def start_again():
            stopped.wait()
            server.wait_halted()
            refused.append(trial.run())
            time.sleep(down)
            server.launch()

        refused, starter = [], threading.Thread(target=start_again)
        starter.start()
        try:
            result = struck_at(trial, phase, n, stop)
        finally:
            stop() if not stopped.is_set() else None
            starter.join()
        insist(refused[0].returncode == 69, "with no server there:", refused[0].explain())
        trial.judge(result, allowed=survived_in(situation, phase))
        trial.mend()
        return outcome(result)


@fault("F06", "the server is stopped (immediate, fast, smart) and started again", 3, 60)
def server_stops(lab, rng):
    modes = itertools.cycle(("immediate", "fast", "smart"))
    for mode, (situation, phase, n) in zip(modes, moments(rng, WORKING)):
        point = functools.partial(stop_server, lab, situation, mode, phase, n, rng.choice((1, 5, 15)))
        yield f"{situation} {mode} at the {n}. {phase}", point


def standby_of(lab, primary):
    standby = Server(lab.new_folder("standby"))
    standby.own_folder()
    args = ("-D", standby.folder / "data", "-R", "-X", "stream", "-h", "127.0.0.1", "-p", primary.port, "-U", "postgres")
    primary.run("pg_basebackup", "-c", "fast", *args)
    standby.launch()
    return standby


def fail_over(lab, situation, phase, n):
    name = f"primary {lab.new_folder('name').name}"
    primary = lab.server(name, {"max_wal_senders": 4})
    standby = None
    with lab.trial(situation, primary) as trial:
        try:
            standby = standby_of(lab, primary)
            at = At(PHASES[phase], n, lambda: primary.halt("immediate"))
            with Proxy(primary.port, on_frame=at) as proxy:
                result = trial.run("--retry-timeout", "2", uri=proxy.uri(trial.db))
                primary.wait_halted()
                proxy.upstream, at.n = standby.port, 0
                trial.uri = proxy.uri(trial.db)
                trial.db = PgDatabase(standby, trial.db.name)
                refused = trial.run()
                insist(refused.returncode == 77, "on a standby:", refused.explain())
                standby.admin("SELECT pg_promote()")
                trial.judge(result, allowed=LOST, told=False)  # the last commits may be lost with the primary
                trial.mend()
                return outcome(result)
        finally:
            lab.forget(name)
            if standby:
                standby.stop()


@fault("F07", "failover to an asynchronous standby, behind one address", 1, 20)
def failover(lab, rng):
    for situation, phase, n in moments(rng, ("copying", "committing")):
        yield f"{situation} at the {n}. {phase}", functools.partial(fail_over, lab, situation, phase, n)
