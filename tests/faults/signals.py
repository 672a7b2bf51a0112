"""F04: the program is asked to stop, or is stopped, at a known moment."""

import contextlib
import functools
import itertools
import os
import signal
import threading
import time

from catalogue import fault
from kills import outcome
from lab import APPEND, MERGE, NEW, POSTGRES, REBUILD, SITUATIONS, SQLITE
from oracle import insist
from wire import TO_SERVER, Proxy

STOP_SECONDS, SECOND_SIGNAL_SECONDS = 5, 1
STOPS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}

PHASES = {
    "connecting": lambda f: f.direction == TO_SERVER and f.kind == "",
    "reading the schema": lambda f: f.direction == TO_SERVER and f.kind == "P",
    "beginning": lambda f: f.is_statement("BEGIN"),
    "copying": lambda f: f.direction == TO_SERVER and f.kind == "d",
    "committing": lambda f: f.is_statement("COMMIT"),
    "after the commit": lambda f: f.is_complete("COMMIT"),
}


class At:
    """A proxy's hook: does something when the n-th frame of a kind comes by."""

    def __init__(self, matches, n, act):
        self.matches, self.n, self.act = matches, n, act
        self.lock = threading.Lock()

    def __call__(self, frame):
        if not self.matches(frame):
            return None
        with self.lock:
            self.n -= 1
            due = self.n == 0
        return self.act() if due else None


def stop_in_phase(lab, situation, number, phase, n, twice):
    with lab.trial(situation) as trial, contextlib.ExitStack() as stack:
        at = At(PHASES[phase], n, lambda: struck())
        proxy = stack.enter_context(Proxy(trial.db.server.port, on_frame=at))
        sent = []

        def struck():
            process.send_signal(number)
            sent.append(time.monotonic())
            if twice:
                proxy.muted = True
                time.sleep(0.3)
                sent.append(time.monotonic())
                process.send_signal(number)

        process = trial.start(uri=proxy.uri(trial.db))
        return stopped(trial, process, number, sent, SECOND_SIGNAL_SECONDS if twice else STOP_SECONDS, proxy)


def stopped(trial, process, number, sent, limit, proxy, told=True):
    result = trial.end(process)
    ended = time.monotonic()
    proxy.close()
    took = ended - sent[-1] if sent else 0
    insist(took <= limit, f"{took:.1f} s from the signal to the end")
    trial.judge(result, allowed={0, STOPS[number]}, told=told)
    trial.mend()
    return outcome(result)


def stop_when_mute(lab, situation, number, phase):
    """Nothing comes from the server any more: the wait for it must not be waited for."""
    with lab.trial(situation) as trial, contextlib.ExitStack() as stack:
        sent = []

        def struck():
            proxy.muted = True
            process.send_signal(number)
            sent.append(time.monotonic())

        proxy = stack.enter_context(Proxy(trial.db.server.port, on_frame=At(PHASES[phase], 1, struck)))
        process = trial.start(uri=proxy.uri(trial.db))
        return stopped(trial, process, number, sent, STOP_SECONDS, proxy, told=False)


def stop_when_locked_out(lab, number):
    """Somebody holds a table for long, so that the import waits."""
    with lab.trial(APPEND) as trial:
        holder = trial.db.connect()
        try:
            holder.autocommit = False
            holder.cursor().execute("LOCK TABLE params IN ACCESS EXCLUSIVE MODE")
            process = trial.start()
            time.sleep(1.5)
            process.send_signal(number)
            sent = [time.monotonic()]
            result = trial.end(process)
            insist(time.monotonic() - sent[0] <= STOP_SECONDS, "waits for a lock after the signal")
        finally:
            holder.close()
        trial.judge(result, allowed={STOPS[number]})
        trial.mend()
        return outcome(result)


def stop_after(lab, situation, number, seconds):
    with lab.trial(situation) as trial:
        process = trial.start()
        time.sleep(seconds)
        process.send_signal(number)
        sent = time.monotonic()
        result = trial.end(process)
        insist(time.monotonic() - sent <= STOP_SECONDS, "takes too long to stop")
        # before the program has begun to listen, the signal ends it
        trial.judge(result, allowed={0, STOPS[number], -number})
        trial.mend()
        return outcome(result)


def closed_output(lab, situation):
    """Whoever read the output is gone: a failure, not a death by SIGPIPE, and the rows are in."""
    with lab.trial(situation) as trial:
        reader, writer = os.pipe()
        os.close(reader)
        process = trial.start(stdout=writer)
        os.close(writer)
        result = trial.end(process)
        insist(result.returncode == 74, "expected exit 74:", result.explain())
        trial.golden_now()
        trial.mend()
        return outcome(result)


def suspended(lab, situation):
    with lab.trial(situation) as trial:
        process = trial.start()
        time.sleep(trial.golden.seconds / 2)
        for number in (signal.SIGPIPE, signal.SIGTSTP):
            process.send_signal(number)
        time.sleep(0.5)
        process.send_signal(signal.SIGCONT)
        result = trial.end(process)
        insist(result.returncode == 0, "after a pause:", result.explain())
        trial.judge(result)
        trial.mend()
        return outcome(result)


@fault("F04", "SIGINT, SIGTERM, SIGHUP at each phase, twice, when the server is mute; SIGPIPE, SIGTSTP", smoke=9)
def signals(lab, rng):
    yield "pg-append SIGINT, the server mute when copying", lambda: stop_when_mute(lab, APPEND, signal.SIGINT, "copying")
    yield "SIGTERM while a table is locked", lambda: stop_when_locked_out(lab, signal.SIGTERM)
    yield "output closed", lambda: closed_output(lab, NEW)
    yield "pg-merge suspended", lambda: suspended(lab, MERGE)
    points = [(s, number, phase, twice) for s in POSTGRES for number in STOPS for phase in PHASES for twice in (False, True)]
    rng.shuffle(points)
    for situation, number, phase, twice in points[:3]:
        yield from phase_point(lab, rng, situation, number, phase, twice)
    yield from moments(lab, rng, SQLITE)
    for situation, number, phase, twice in points[3:]:
        yield from phase_point(lab, rng, situation, number, phase, twice)
    for _ in range(40):
        yield from moments(lab, rng, SITUATIONS)
    for situation, phase in itertools.product(POSTGRES, PHASES):
        point = functools.partial(stop_when_mute, lab, situation, signal.SIGTERM, phase)
        yield f"{situation} SIGTERM, the server mute when {phase}", point
    for situation in SITUATIONS:
        yield f"{situation} suspended", functools.partial(suspended, lab, situation)
        yield f"{situation} output closed", functools.partial(closed_output, lab, situation)


def moments(lab, rng, situations):
    for situation in situations:
        number, seconds = rng.choice(list(STOPS)), rng.uniform(0.02, 1) * lab.golden(situation).seconds
        name = f"{situation} {number.name} after {seconds:.3f} s"
        yield name, functools.partial(stop_after, lab, situation, number, seconds)


def phase_point(lab, rng, situation, number, phase, twice):
    n = 1 if situation is REBUILD or phase in ("connecting", "reading the schema") else rng.randrange(1, 12)
    name = f"{situation} {number.name}{' twice' if twice else ''} at the {n}. {phase}"
    yield name, functools.partial(stop_in_phase, lab, situation, number, phase, n, twice)
