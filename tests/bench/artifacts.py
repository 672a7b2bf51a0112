"""Placing artifacts against `cp -r` and `rsync -a`: many small files, few huge ones. Ours also hashes every file, keeps
a manifest and gives no file its name before it is on the disk; it is compared with what is durable at the end, too
(`cp -r` and then `sync`), and without that with what is not."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from cluster import environment
from measure import Contender, Failed, Stopwatch

SMALL_FILES, SMALL_BYTES, FILES_A_FOLDER = 20_000, 4 << 10, 100
HUGE_FILES, HUGE_BYTES = 2, 1 << 30
CHUNK = 1 << 20
# So few copies are removed at once. Others stay until all is measured: ext4 gives out no inode of a file that was removed
# in the last minutes and looks at each of them, so that whoever comes next would pay for the removal.
FEW = 10

MAKE = """
import os, sys
folder, files, size, a_folder = sys.argv[1], *map(int, sys.argv[2:])
for i in range(files):
    path = f"{folder}/{i // a_folder}"
    os.makedirs(path, exist_ok=True)
    with open(f"{path}/{i}", "wb") as out:
        for at in range(0, size, 1 << 20):
            out.write(os.urandom(min(size - at, 1 << 20)))
"""


def make(folder, files, size):
    """The source, made in a process of its own: what that takes in memory would count as the programs'."""
    if not folder.exists():
        unfinished = folder.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        arguments = [str(n) for n in (files, size, FILES_A_FOLDER)]
        subprocess.run([sys.executable, "-c", MAKE, unfinished, *arguments], check=True)
        unfinished.rename(folder)
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                while file.read(CHUNK):
                    pass
    return folder


def contender(bench, name, source, files, argv):
    """argv(source, target folder) -> the command."""

    def run(first):
        target = Path(tempfile.mkdtemp(prefix="artifacts-", dir=bench.folder))
        os.sync()
        watch = Stopwatch()
        watch.run(environment(), argv(source, target / "to"))
        sample = watch.stop(files)
        if first:
            found = sum(1 for p in target.rglob("*") if p.is_file() and ".mltrack" not in p.parts)
            if found != files:
                raise Failed(f"'{name}' left {found} files, not {files}")
        if files <= FEW:
            shutil.rmtree(target)
        return sample

    return Contender(name, run)


def contenders(bench, source, files):
    place = Path(bench.bulk).parent / "tests" / "helper_place"
    ours = lambda *options: lambda a, b: [place, "copy", b, "1/run/artifacts", "run", a, *options]  # noqa: E731
    every = {
        "placed, hashed, durable": ours(),
        "cp -r; sync": lambda a, b: ["sh", "-c", 'cp -r "$0" "$1" && sync', a, b],
        "placed, hashed": ours("none"),
        "cp -r": lambda a, b: ["cp", "-r", a, b],
        "rsync -a": lambda a, b: ["rsync", "-a", f"{a}/", b],
    }
    return [contender(bench, name, source, files, argv) for name, argv in every.items()]


def measure(bench):
    """(what the files are, the Series in the order of contenders()) of each workload."""
    scale = bench.options.points / 1e6
    small, huge = max(100, int(SMALL_FILES * scale)), max(1 << 20, int(HUGE_BYTES * scale))
    for what, files, size in (
        (f"{small:,} files of 4 KiB", small, SMALL_BYTES),
        (f"{HUGE_FILES} files of {huge >> 20:,} MiB", HUGE_FILES, huge),
    ):
        source = make(bench.data / f"artifacts-{files}-{size}", files, size)
        yield what, bench.in_turns(*contenders(bench, source, files))
