"""F01 to F04: the program is killed, or asked to stop."""

import functools
import itertools
import os
import signal
import time

import injection
from catalogue import fault
from lab import SITUATIONS
from oracle import insist


def outcome(result):
    code = result.returncode
    return "killed" if code in (-signal.SIGKILL, 128 + signal.SIGKILL) else f"exit {code}"


def killed_after(trial, seconds):
    process = trial.start()
    time.sleep(seconds)
    process.kill()
    result = trial.end(process)
    trial.judge(result, killed=True)
    return outcome(result)


def kill_once(lab, situation, seconds):
    with lab.trial(situation) as trial:
        what = killed_after(trial, seconds)
        trial.mend(twice=True)
        return what


@fault("F01", "kill -9 at a random moment", smoke=5, nightly=500)
def at_random(lab, rng):
    for situation in itertools.cycle(SITUATIONS):
        seconds = rng.uniform(0, 1.1 * lab.golden(situation).seconds)
        yield f"{situation} after {seconds:.3f} s", functools.partial(kill_once, lab, situation, seconds)


def calls_of(situation):
    return injection.TO_SERVER if situation.kind == "postgres" else injection.TO_FILES


def kill_at_call(lab, situation, calls, k, most):
    with lab.trial(situation) as trial:
        result = trial.run(before=injection.inject(calls, "signal=KILL", k))
        insist(result.returncode != 0 or k > most // 2, "was not struck at call", k, "of", most)
        trial.judge(result, allowed={0}, killed=True)
        trial.mend()
        return outcome(result)


def numbered_calls(lab, rng, situation, calls):
    """(situation, calls, k, how many there are) for every k until nothing is struck any more, in any order."""
    with lab.trial(situation) as trial:
        most = injection.count_calls(trial, calls)
    if most == 0:
        return
    for k in rng.sample(range(1, most + 2), most + 1):
        yield situation, calls, k, most


def in_turns(iterators):
    """One of each, until all are exhausted."""
    iterators = list(iterators)
    while iterators:
        for iterator in list(iterators):
            if (item := next(iterator, None)) is None:
                iterators.remove(iterator)
            else:
                yield item


def every_call(lab, rng, calls_of):
    kinds = [(situation, calls) for situation in SITUATIONS for calls in calls_of(situation)]
    rng.shuffle(kinds)
    return in_turns(numbered_calls(lab, rng, *kind) for kind in kinds)


@fault("F02", "kill -9 at the k-th send, receive, write, fsync, rename, unlink", smoke=8)
def at_every_call(lab, rng):
    for point in every_call(lab, rng, calls_of):
        yield "{} {} {} of {}".format(*point), functools.partial(kill_at_call, lab, *point)


def kill_twice(lab, situation, first, second):
    with lab.trial(situation) as trial:
        what = killed_after(trial, first)
        trial.settle()
        what += ", then " + killed_after(trial, second)
        trial.mend()
        return what


@fault("F03", "kill -9, and again during the run that mends it", smoke=3, nightly=200)
def twice(lab, rng):
    for situation in itertools.cycle(SITUATIONS):
        clean = lab.golden(situation).seconds
        first, second = rng.uniform(0.2, 1) * clean, rng.uniform(0, 1) * clean
        point = functools.partial(kill_twice, lab, situation, first, second)
        yield f"{situation} after {first:.3f} s and {second:.3f} s", point
