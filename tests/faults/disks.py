"""F11: disks that are full."""

import contextlib
import functools
import itertools
import os
import shutil
import subprocess

from catalogue import fault
from kills import outcome
from lab import APPEND, EXISTING, MERGE, NEW, REBUILD, Server
from oracle import insist
from stores.filestore import T0, FileStore, run_id, write

ROOM = "64m"


@contextlib.contextmanager
def small_disk(folder, size):
    """A file system of so many bytes at the folder, which is empty; .resize(size)."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", folder], check=True)
    try:
        yield lambda size: subprocess.run(["mount", "-o", f"remount,size={size}", folder], check=True)
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@contextlib.contextmanager
def database_on_small_disk(trial, share):
    """`share` of the room that the rows need."""
    folder, there = trial.db.path.parent, trial.db.path.exists()
    kept = trial.folder / "mlflow.db"
    if there:
        shutil.move(trial.db.path, kept)
    begin = kept.stat().st_size if there else 0
    needed = trial.golden.db.path.stat().st_size - begin
    with small_disk(folder, int(begin + share * needed)) as resize:
        if there:
            shutil.move(kept, trial.db.path)
        yield resize


def full_database(lab, situation, share):
    with lab.trial(situation) as trial, database_on_small_disk(trial, share) as resize:
        result = trial.run()
        insist(result.returncode == 74, "expected exit 74:", result.explain())
        insist(str(trial.db.path) in result.json["error"]["message"], "does not name the file:", result.explain())
        resize(ROOM)
        trial.judge(result, allowed={74})
        trial.mend()
        return outcome(result)


def full_output(lab):
    with lab.trial(NEW) as trial, open("/dev/full", "wb") as full:
        result = trial.run(stdout=full)
        insist(result.returncode == 74, "expected exit 74:", result.explain())
        trial.golden_now()
        trial.mend()
        return outcome(result)


def full_rejects(lab):
    """A record that is rejected cannot be written down: that ends the import, however it was told to go on."""
    with lab.trial(APPEND) as trial:
        bad = shutil.copytree(lab.source, trial.folder / "bad")
        write(bad / "1" / run_id(99) / "meta.yaml", "no: run")
        result = trial.run("--rejects", "/dev/full", "--on-error", "skip", source=bad)
        insist(result.returncode == 74, "expected exit 74:", result.explain())
        insist("/dev/full" in result.stderr, "does not name the file:", result.explain())
        shutil.rmtree(bad)
        trial.mend()
        return outcome(result)


@functools.cache
def long_run(lab):
    """A run too large for 32 MiB."""
    store = FileStore(lab.new_folder("long") / "mlruns")
    store.experiment("1", "experiment 1", tags={"team": "t1"})  # as the source under test has it
    curve = "".join(f"{T0} {n / 7} {n}\n" for n in range(40_000))
    store.run("1", run_id(99), metrics={f"m{n}": curve for n in range(5)})
    return store.root


def full_temporary_folder(lab, situation):
    with lab.trial(situation) as trial, small_disk(trial.temp, "256k"):
        result = trial.run("--memory", "32M", source=long_run(lab))
        insist(result.returncode == 74, "expected exit 74:", result.explain())
        insist("TMPDIR" in (result.json["error"]["hint"] or ""), "does not name TMPDIR:", result.explain())
        trial.judge(result, allowed={74})
        trial.mend()
        return outcome(result)


@contextlib.contextmanager
def server_on_small_disk(lab, room):
    """A cluster with so many bytes left for tables; its log of changes lies elsewhere, as it should."""
    folder = lab.new_folder("small-server")
    with small_disk(folder, "512m") as resize:
        server = Server(folder)
        server.start()
        try:
            server.halt("fast")
            server.wait_halted()
            wal = lab.new_folder("wal") / "pg_wal"
            shutil.move(folder / "data" / "pg_wal", wal)
            (folder / "data" / "pg_wal").symlink_to(wal)
            if server.account is not None:
                subprocess.run(["chown", "-R", f"{server.account.pw_uid}:{server.account.pw_gid}", wal.parent], check=True)
            server.launch()
            yield server, lambda: resize(used(folder) + room), lambda: resize("512m")
        finally:
            server.stop()


def used(folder):
    stat = os.statvfs(folder)
    return (stat.f_blocks - stat.f_bfree) * stat.f_frsize


def full_server(lab, situation, room):
    with server_on_small_disk(lab, room) as (server, fill, make_room), lab.trial(situation, server) as trial:
        server.admin("CHECKPOINT")
        fill()
        result = trial.run()
        make_room()
        insist(result.returncode == 75, "expected exit 75:", result.explain())
        insist(result.json["error"]["sqlstate"] == "53100", "not for a full disk:", result.explain())
        trial.judge(result, allowed={75})
        trial.mend()
        return outcome(result)


@fault("F11", "a full disk: of the database, the server, temporary files, the output, the rejects", 6, 40)
def full_disks(lab, rng):
    yield "output", lambda: full_output(lab)
    yield "rejects", lambda: full_rejects(lab)
    for situation in (NEW, EXISTING):
        yield from shares(lab, rng, situation)
    yield "pg-append temporary files", lambda: full_temporary_folder(lab, APPEND)
    yield "pg-append server, 200 kB left", lambda: full_server(lab, APPEND, 200_000)
    yield "sqlite-new temporary files", lambda: full_temporary_folder(lab, NEW)
    for situation, room in itertools.product((MERGE, REBUILD), (50_000, 400_000)):
        name = f"{situation} server, {room} bytes left"
        yield name, functools.partial(full_server, lab, situation, room)
    while True:
        for situation in (NEW, EXISTING):
            yield from shares(lab, rng, situation)


def shares(lab, rng, situation):
    share = rng.uniform(0.02, 0.9)
    yield f"{situation} {share:.0%} of the room", functools.partial(full_database, lab, situation, share)
