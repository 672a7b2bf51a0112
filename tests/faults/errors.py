"""F12, F13: system calls that fail or do less than was asked, and allocations that fail."""

import functools
import itertools
import os
from pathlib import Path

import injection
from catalogue import fault
from kills import in_turns, outcome
from lab import APPEND, MERGE, NEW, REBUILD, SITUATIONS
from oracle import insist
from programs import ROOT

# What becomes of an error: never 0 without all the rows, never a crash, never "a bug in mltrack".
ERRORS = {
    "postgres": (("recvfrom", "EIO"), ("sendto", "EPIPE"), ("read", "EIO"), ("getdents64", "EIO"), ("openat", "EMFILE")),
    "sqlite": (
        ("pwrite64", "EIO"),
        ("pwrite64", "ENOSPC"),
        ("fsync,fdatasync", "EIO"),
        ("pread64", "EIO"),
        ("read", "EIO"),
        ("openat", "EMFILE"),
        ("renameat2", "EACCES"),
        ("unlink", "EIO"),
        ("ftruncate", "EIO"),
    ),
}
BEFORE_MAIN = "error while loading shared libraries"


def judge_error(trial, result):
    """Exit 127 is the loader's: the program did not begin."""
    if result.returncode == 127 and BEFORE_MAIN in result.stderr:
        trial.untorn()
        return
    trial.judge(result)


def failing_call(lab, situation, calls, error, k, most):
    with lab.trial(situation) as trial:
        result = trial.run(before=injection.inject(calls, f"error={error}", k))
        judge_error(trial, result)
        trial.mend()
        return outcome(result)


def numbered_errors(lab, rng, situation, calls, error):
    with lab.trial(situation) as trial:
        most = injection.count_calls(trial, calls)
    for k in rng.sample(range(1, most + 1), most):
        yield situation, calls, error, k, most


def little_at_a_time(lab, situation, seed, percent):
    """Short reads and writes, and EINTR, must not be noticed at all."""
    with lab.trial(situation) as trial:
        preload = injection.preload(lab, MLT_PRELOAD_SHORT=seed, MLT_PRELOAD_EINTR=percent)
        result = trial.run(env=preload)
        insist(result.returncode == 0, "with short reads and writes:", result.explain())
        trial.judge(result)
        trial.mend()
        return outcome(result)


def short_points(lab, rng):
    for situation in itertools.cycle((MERGE, NEW, APPEND, SITUATIONS[-1], REBUILD)):
        seed, percent = rng.randrange(10**6), rng.choice((0, 10))
        point = functools.partial(little_at_a_time, lab, situation, seed, percent)
        yield f"{situation} short, {percent} % EINTR, seed {seed}", point


def error_points(lab, rng):
    kinds = [(s, *error) for s in SITUATIONS for error in ERRORS[s.kind]]
    rng.shuffle(kinds)
    for point in in_turns(numbered_errors(lab, rng, *kind) for kind in kinds):
        yield "{} {} {} {} of {}".format(*point), functools.partial(failing_call, lab, *point)


@fault("F12", "short reads and writes, EINTR; the k-th system call fails (EIO, ENOSPC, EPIPE, EMFILE, EACCES)", 8)
def system_calls(lab, rng):
    yield from itertools.islice(short_points(lab, rng), 2)
    points = error_points(lab, rng)
    yield from itertools.islice(points, 6)
    yield from itertools.islice(short_points(lab, rng), 50)
    yield from points


# ---- memory ----


def faults_build():
    path = Path(os.environ.get("MLTRACK_FAULTS_BUILD") or ROOT / "build-asan") / "mltrack-bulk"
    assert path.is_file(), f"{path} is not built: cmake --preset asan && cmake --build --preset asan"
    return path


def judge_memory(trial, result, k):
    trial.judge(result)
    insist(result.returncode in (0, 71), f"allocation {k}: neither done nor out of memory:", result.explain())


def our_allocation(lab, situation, k):
    """One of the program's own allocations, under the address sanitizer."""
    with lab.trial(situation) as trial:
        result = trial.run(bulk=faults_build(), env={"MLT_FAIL_ALLOC": k})
        judge_memory(trial, result, k)
        trial.mend()
        return outcome(result)


def any_allocation(lab, situation, k):
    """One of all allocations, libpq's, SQLite's, json-c's and libyaml's among them."""
    with lab.trial(situation) as trial:
        result = trial.run(env=injection.preload(lab, MLT_PRELOAD_MALLOC=k))
        trial.judge(result)
        trial.mend()
        return outcome(result)


@functools.cache
def count_allocations(lab, situation):
    with lab.trial(situation) as trial:
        count = trial.folder / "count"
        result = trial.run(env=injection.preload(lab, MLT_PRELOAD_COUNT=count))
        insist(result.returncode == 0, result.explain())
        return int(count.read_text())


def memory_points(lab, rng):
    """Half of them early, where the most different things happen."""
    for situation in itertools.cycle(SITUATIONS):
        most = count_allocations(lab, situation)
        for sign, word in ((1, "once"), (-1, "from then on")):
            k = rng.randrange(1, rng.choice((200, most)))
            yield f"{situation} allocation {k} of {most} {word}", functools.partial(any_allocation, lab, situation, sign * k)
            k = rng.randrange(1, rng.choice((200, 2000)))
            yield f"{situation} our allocation {k} {word}", functools.partial(our_allocation, lab, situation, sign * k)


@fault("F13", "an allocation fails, once or from then on: of the program (AddressSanitizer), of any library", 8, 3000)
def memory(lab, rng):
    yield from memory_points(lab, rng)
