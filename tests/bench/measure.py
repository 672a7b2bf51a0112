"""Measuring programs: wall time, processor time of the program and of the server, peak memory; contenders taken in
turns, so that what else the machine does hits all of them alike; medians."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field


@dataclass
class Sample:
    """One run of a contender. `units` is what it wrote: points or runs."""

    seconds: float
    units: int
    client_cpu: float = 0.0
    server_cpu: float = 0.0
    rss_mib: float = 0.0
    note: str = ""

    @property
    def cost(self):
        return self.seconds / self.units


@dataclass
class Series:
    name: str
    samples: list = field(default_factory=list)

    def median(self, of):
        return statistics.median(of(s) for s in self.samples)

    def seconds(self):
        return self.median(lambda s: s.seconds)

    def rate(self):
        return self.median(lambda s: 1 / s.cost)

    def document(self):
        return {"name": self.name, "samples": [asdict(s) for s in self.samples]}


@dataclass
class Spread:
    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values):
        values = list(values)
        return cls(statistics.median(values), min(values), max(values))

    def __str__(self):
        return f"{self.median:.3g} ({self.low:.3g}-{self.high:.3g})"


def ratios(ours, theirs):
    """Cost of ours in units of theirs, round by round; against the median where one was run in fewer rounds."""
    if len(ours.samples) == len(theirs.samples):
        return Spread.of(a.cost / b.cost for a, b in zip(ours.samples, theirs.samples))
    median = ours.median(lambda s: s.cost)
    return Spread.of(median / b.cost for b in theirs.samples)


def cpu_ratio(ours, theirs):
    """The medians' ratio of processor time a unit; None where it was not measured."""
    ours, theirs = (s.median(lambda one: (one.client_cpu + one.server_cpu) / one.units) for s in (ours, theirs))
    return ours / theirs if ours and theirs else None


def say(text):
    print(text, file=sys.stderr, flush=True)


class Failed(Exception):
    """A contender failed or gave other rows than its rival: there is nothing to compare."""


class Program:
    """A program running. Its rusage is that of itself alone: each is waited for by wait4. Its peak memory cannot be
    told from below that of this process, from which it was forked; keep this process small."""

    def __init__(self, argv, env):
        self.argv, self.out, self.err = [str(a) for a in argv], tempfile.TemporaryFile(), tempfile.TemporaryFile()
        self.child = subprocess.Popen(self.argv, env=env, stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.err)

    def wait(self):
        _, status, self.usage = os.wait4(self.child.pid, 0)
        self.child.returncode = os.waitstatus_to_exitcode(status)  # Popen need not reap it any more

    def text(self, file):
        file.seek(0)
        return file.read().decode(errors="replace")

    def check(self):
        if self.child.returncode != 0:
            raise Failed(f"{' '.join(self.argv)}\nexit {self.child.returncode}: {self.text(self.err)[-4000:]}")


class Stopwatch:
    """Times steps, each of one or more programs side by side, as one sample that begins with the first of them."""

    def __init__(self, server=None):
        self.server = server
        self.client_cpu = self.rss_mib = 0.0
        self.started = None

    def run(self, env, *argvs):
        """Starts all, waits for all -> what they printed."""
        if self.started is None:
            self.cpu_before = self.server.cpu_seconds() if self.server else 0.0
            self.started = time.perf_counter()
        programs = [Program(argv, env) for argv in argvs]
        for program in programs:
            program.wait()
        for program in programs:
            program.check()
            self.client_cpu += program.usage.ru_utime + program.usage.ru_stime
            self.rss_mib = max(self.rss_mib, program.usage.ru_maxrss / 1024)
        return [p.text(p.out) for p in programs]

    def stop(self, units, note=""):
        seconds = time.perf_counter() - self.started
        server_cpu = self.server.cpu_when_idle() - self.cpu_before if self.server else 0.0
        return Sample(seconds, units, self.client_cpu, server_cpu, self.rss_mib, note)


@dataclass
class Contender:
    """`run(first)` brings about the start state, measures, and gives a Sample; `first` asks it to check its rows, too.
    `rounds` caps the rounds of one too slow to be run as often as the others."""

    name: str
    run: object
    rounds: int = 1_000_000


def in_turns(rounds, contenders):
    """-> a Series for each contender, A B A B ..."""
    series = [Series(c.name) for c in contenders]
    for number in range(rounds):
        for contender, gathered in zip(contenders, series):
            if number < contender.rounds:
                sample = contender.run(number == 0)
                gathered.samples.append(sample)
                say(f"  round {number + 1}: {contender.name}: {sample.seconds:.2f} s")
    return series
