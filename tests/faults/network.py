"""F08 to F10: the network between the program and the server."""

import contextlib
import functools
import itertools
import re
import subprocess
import time
from pathlib import Path

from catalogue import fault
from kills import outcome
from lab import APPEND, MERGE, POSTGRES, REBUILD
from oracle import insist
from servers import LOST, SURVIVED
from signals import At
from wire import CUT, TO_CLIENT, TO_SERVER, Proxy

FOUND_SECONDS = 65  # a black hole is found within a minute
OUTSIDE, INSIDE = "10.213.7.1", "10.213.7.2"


@functools.cache
def traffic(lab, situation):
    """Bytes of a clean import, by direction."""
    with lab.trial(situation) as trial, Proxy(trial.db.server.port) as proxy:
        result = trial.run(uri=proxy.uri(trial.db))
        insist(result.returncode == 0, "through a proxy:", result.explain())
        return dict(proxy.bytes)


def cut_at_byte(lab, situation, direction, n):
    with lab.trial(situation) as trial:
        sent = []  # rows, before the cut: from then on the import must survive

        def look(frame):
            if is_data(frame) and proxy.limit:
                sent.append(frame)

        with Proxy(trial.db.server.port, on_frame=look, limit=(direction, n)) as proxy:
            result = trial.run(uri=proxy.uri(trial.db))
        trial.judge(result, allowed=SURVIVED if sent else LOST)
        trial.mend()
        return outcome(result)


def cut_points(lab, rng):
    for situation, direction in itertools.cycle(itertools.product(POSTGRES, (TO_SERVER, TO_CLIENT))):
        n = rng.randrange(traffic(lab, situation)[direction])
        point = functools.partial(cut_at_byte, lab, situation, direction, n)
        yield f"{situation} {direction} byte {n} of {traffic(lab, situation)[direction]}", point


def silent_server(lab):
    """Something accepts the connection and never says a word."""
    with lab.trial(APPEND) as trial, Proxy(trial.db.server.port) as proxy:
        proxy.muted = True
        started = time.monotonic()
        result = trial.run(uri=proxy.uri(trial.db, connect_timeout=2))
        took = time.monotonic() - started
        insist(result.returncode == 69, "expected exit 69:", result.explain())
        insist(took < 10, f"took {took:.1f} s")
        return outcome(result)


class Elsewhere:
    """Another host, as far as the network goes: a namespace with one link to ours, which can be cut."""

    def __enter__(self):
        self.holder = subprocess.Popen(["unshare", "-n", "sleep", "infinity"], stdin=subprocess.DEVNULL)
        pid = str(self.holder.pid)
        self._wait_for_namespace()
        self.command = ["nsenter", "-t", pid, "-n"]
        for command in (
            f"ip link add mlt-out type veth peer name mlt-in netns {pid}",
            f"ip addr add {OUTSIDE}/30 dev mlt-out",
            "ip link set mlt-out up",
            f"nsenter -t {pid} -n ip addr add {INSIDE}/30 dev mlt-in",
            f"nsenter -t {pid} -n ip link set mlt-in up",
        ):
            subprocess.run(command.split(), check=True)
        return self

    def _wait_for_namespace(self):
        ours = Path("/proc/self/ns/net").readlink()
        deadline = time.monotonic() + 10
        while Path(f"/proc/{self.holder.pid}/ns/net").readlink() == ours:
            assert time.monotonic() < deadline, "no network namespace"
            time.sleep(0.02)

    def cut(self):
        """Packets vanish in both directions."""
        subprocess.run(["ip", "link", "set", "mlt-out", "down"], check=True)

    def __exit__(self, *_):
        subprocess.run(["ip", "link", "del", "mlt-out"], check=False)
        self.holder.kill()
        self.holder.wait()


def black_hole(lab, situation, phase_of, **parameters):
    """The network swallows everything from a moment on. Nothing but the program's own time-outs ends that."""
    with lab.trial(situation) as trial, contextlib.ExitStack() as stack:
        elsewhere = stack.enter_context(Elsewhere())
        cut = []

        def swallow():
            elsewhere.cut()
            cut.append(time.monotonic())

        at = At(phase_of, 2, swallow)
        proxy = stack.enter_context(Proxy(trial.db.server.port, on_frame=at, host=OUTSIDE))
        result = trial.run("--retry-timeout", "1", before=elsewhere.command, uri=proxy.uri(trial.db, connect_timeout=3, **parameters), timeout=FOUND_SECONDS + 30)
        took = time.monotonic() - cut[0]
        proxy.close()
        insist(took <= FOUND_SECONDS, f"noticed after {took:.0f} s")
        trial.judge(result, allowed={75})
        trial.mend()
        return outcome(result)


def is_data(frame):
    return frame.direction == TO_SERVER and frame.kind == "d"


def is_answer(frame):
    return frame.is_complete("COPY")


@fault("F08", "the connection is cut at a byte, in either direction; a silent server; a network that swallows packets", 8, 1000)
def cuts(lab, rng):
    points = cut_points(lab, rng)
    yield from itertools.islice(points, 3)
    yield "a server that accepts and says nothing", lambda: silent_server(lab)
    quick = {"tcp_user_timeout": 3000, "keepalives_idle": 1, "keepalives_interval": 1, "keepalives_count": 2}
    yield "packets swallowed while copying, time-outs set short", lambda: black_hole(lab, APPEND, is_data, **quick)
    yield from itertools.islice(points, 3)
    yield "packets swallowed while copying", lambda: black_hole(lab, APPEND, is_data)
    yield "packets swallowed while waiting for an answer", lambda: black_hole(lab, MERGE, is_answer)
    yield from points


def lose_reply(lab, situation, n):
    with lab.trial(situation) as trial:
        hook = At(lambda f: f.is_complete("COMMIT"), n, lambda: CUT)
        with Proxy(trial.db.server.port, on_frame=hook) as proxy:
            result = trial.run(uri=proxy.uri(trial.db))
        trial.judge(result, allowed=SURVIVED)
        insist(hook.n > 0 or result.json["reconnects"] > 0, "no connection was made again:", result.explain())
        trial.mend()
        return outcome(result)


@fault("F09", "the reply to COMMIT is lost", 3, 200)
def lost_reply(lab, rng):
    for situation in itertools.cycle(POSTGRES):
        # The first is of reading the schema, the second of the ledger's beginning.
        n = rng.choice((2, 3, 3)) if situation is REBUILD else rng.randrange(2, 12)
        yield f"{situation} {n}. COMMIT", functools.partial(lose_reply, lab, situation, n)


def peak_kib(pid):
    try:
        match = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
        return int(match[1]) if match else 0
    except (FileNotFoundError, ProcessLookupError):
        return 0


def slow_network(lab, situation, rate, delay, timeout):
    with lab.trial(situation) as trial:
        with Proxy(trial.db.server.port, rate=rate, delay=delay) as proxy:
            process = trial.start(uri=proxy.uri(trial.db))
            peak, deadline = 0, time.monotonic() + timeout
            while process.poll() is None and time.monotonic() < deadline:
                peak = max(peak, peak_kib(process.pid))
                time.sleep(0.05)
            result = trial.end(process, timeout=1)
        insist(peak < 128 * 1024, f"{peak // 1024} MiB of memory")
        insist(result.returncode == 0, "on a slow network:", result.explain())
        trial.judge(result)
        return outcome(result)


@fault("F10", "a slow network", 1, 3)
def slow(lab, rng):
    yield "200 KB/s, 10 ms", lambda: slow_network(lab, APPEND, 200_000, 0.01, 120)
    yield "pg-merge 20 KB/s, 50 ms", lambda: slow_network(lab, MERGE, 20_000, 0.05, 600)
    yield "pg-rebuild 5 KiB/s, 200 ms", lambda: slow_network(lab, REBUILD, 5120, 0.2, 900)
