"""The list of faults, the order in which their points are tried, and the scorecard.

A fault is a function (lab, rng) that yields points (text, function): what is struck and how, and the trial. A trial
returns a word for what became of the import ("exit 69", "killed") and raises if a promise was not kept. Points are
tried in turns, one of each fault; a budget that is used up leaves out the rest, but never the first of a fault.
"""

import random
import time
import traceback
from collections import Counter

FAULTS = {}


class Fault:
    def __init__(self, name, what, smoke, nightly, points):
        self.name, self.what, self.points = name, what, points
        self.most = {"smoke": smoke, "nightly": nightly}


def fault(name, what, smoke, nightly=None):
    """Registers a fault. smoke, nightly: how many points to try; None: all that there are."""

    def register(points):
        assert name not in FAULTS
        FAULTS[name] = Fault(name, what, smoke, nightly, points)
        return points

    return register


class Score:
    def __init__(self, fault, seed):
        self.fault = fault
        self.tried = []  # {"point", "seconds", "outcome", "failure"}
        self.seconds, self.over = 0.0, False
        self.rng = random.Random(f"{seed} {fault.name}")

    @property
    def failed(self):
        return sum(1 for t in self.tried if t["failure"])

    @property
    def passed(self):
        return len(self.tried) - self.failed

    def outcomes(self):
        counted = Counter(t["outcome"] for t in self.tried if t["outcome"])
        return ", ".join(f"{what} x {n}" if n > 1 else what for what, n in counted.most_common())

    def result(self):
        return f"{self.failed} FAILED" if self.failed else "held"


def _try_point(score, text, trial, say):
    started = time.monotonic()
    outcome, failure = None, None
    try:
        outcome = trial()
    except AssertionError as broken:
        failure = str(broken) or "".join(traceback.format_exception(broken))
    except Exception as surprise:  # the suite's own mistake is a failure, too: nothing was shown to hold
        failure = "".join(traceback.format_exception(surprise))
    seconds = time.monotonic() - started
    score.tried.append({"point": text, "seconds": round(seconds, 3), "outcome": outcome, "failure": failure})
    score.seconds += seconds
    say(f"{score.fault.name} {text}: {outcome or 'FAILED'} ({seconds:.1f} s)")
    if failure:
        say(f"  {failure}")


def campaign(lab, names, mode, budget, seed, say):
    """Tries the points of the faults named -> their Scores."""
    deadline = time.monotonic() + budget if budget else None
    scores = [Score(FAULTS[name], seed) for name in names]
    sources = {score: score.fault.points(lab, score.rng) for score in scores}
    try:
        while any(not s.over for s in scores):
            for score in [s for s in scores if not s.over]:
                if deadline and time.monotonic() > deadline and score.tried:
                    score.over = True
                    continue
                most = score.fault.most[mode]
                started = time.monotonic()
                point = None if most is not None and len(score.tried) >= most else next(sources[score], None)
                score.seconds += time.monotonic() - started
                if point is None:
                    score.over = True
                else:
                    _try_point(score, *point, say)
    finally:
        for source in sources.values():
            source.close()
    return scores


GROUPS = {
    "killed (`kill -9`), at random moments and at system calls, again while mending; signals": "F01 F02 F03 F04",
    "the server ended, stopped, crashed, failed over": "F05 F06 F07",
    "the connection cut at any byte, silent, slow; the reply to COMMIT lost; a pooler between": "F08 F09 F10 F22",
    "disks full, read and write errors, memory that runs out": "F11 F12 F13",
    "several importers at once; a live MLflow; schema upgrades; locks and timeouts; runs removed": "F14 F15 F16 F17 F18 F19 F23",
    "clocks; rights missing; SQLite locked and killed; sources that change": "F20 F21 F24 F25",
}


def short_table(scores):
    """The same for the README."""
    lines = ["| Struck by | Points | The promise |", "|---|--:|---|"]
    for what, names in GROUPS.items():
        these = [s for s in scores if s.fault.name in names.split()]
        failed = sum(s.failed for s in these)
        lines.append(f"| {what} | {sum(len(s.tried) for s in these)} | {f'{failed} FAILED' if failed else 'held'} |")
    return "\n".join(lines)


def table(scores):
    """The scorecard, as Markdown."""
    lines = ["| Fault | | Points | What became of the import | Seconds | The promise |", "|---|---|---|---|---|---|"]
    for s in scores:
        cells = (s.fault.name, s.fault.what, len(s.tried), s.outcomes(), f"{s.seconds:.0f}", s.result())
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)
