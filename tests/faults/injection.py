"""Faults from below: system calls by strace, time and I/O by preloaded libraries."""

import functools
import os
import re
import shutil
import subprocess
from pathlib import Path

from oracle import insist

# What leaves traces outside the process, by who does it.
TO_SERVER = ("sendto", "recvfrom")
TO_FILES = ("pwrite64,write", "fsync,fdatasync", "renameat2,link", "unlink", "ftruncate")


def strace_path():
    path = shutil.which("strace")
    assert path, "strace is not installed: tools/dev/install-packages test"
    return path


def inject(calls, what, k, log="/dev/null"):
    """The command before a program so that the k-th of these calls, of each thread, is struck. `what` as in strace's
    -e inject: signal=KILL, error=EIO, ..."""
    # not with --seccomp-bpf, which is faster: signals do not arrive then
    return [strace_path(), "-f", "-qq", "-o", log, "-e", f"trace={calls}", "-e", f"inject={calls}:{what}:when={k}"]


def count_calls(trial, calls):
    """The most calls that one thread makes in a clean run: strace counts them by thread."""
    log = trial.folder / "strace.log"
    result = trial.run(before=[strace_path(), "-f", "--seccomp-bpf", "-qq", "-o", log, "-e", f"trace={calls}"])
    insist(result.returncode == 0, "strace of a clean run:", result.explain())
    counts = {}
    for line in log.read_text(errors="replace").splitlines():
        match = re.match(r"(\d+) +(\w+)\(", line)
        if match:
            counts[match[1]] = counts.get(match[1], 0) + 1
    os.unlink(log)
    return max(counts.values(), default=0)


@functools.cache
def _preload_library(lab):
    library = lab.folder / "preload.so"
    source = Path(__file__).with_name("preload.c")
    command = ["cc", "-std=gnu17", "-O1", "-Wall", "-shared", "-fPIC", "-o", library, source, "-ldl"]
    subprocess.run(command, check=True)
    return library


def preload(lab, **settings):
    """The environment of a program that is struck by preload.c."""
    return {"LD_PRELOAD": _preload_library(lab), **settings}
