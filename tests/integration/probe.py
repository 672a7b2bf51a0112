"""The helper program that does step by step what an import into PostgreSQL does (tests/helpers/pg_probe.c)."""

import contextlib
import os
import subprocess

import psycopg2

import programs


class Probe:
    """The helper program: one line in, one line out."""

    def __init__(self, conninfo, head):
        env = {k: v for k, v in os.environ.items() if k in programs.PASSED_ON}
        env |= {"MLT_TEST_PG": conninfo, "MLT_TEST_HEAD": head, "HOME": "/nonexistent"}
        program = programs.bulk_path().parent / "tests" / "helper_pg_probe"
        self.process = subprocess.Popen(
            [program], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def send(self, line):
        self.process.stdin.write(line + "\n")

    def answer(self):
        return self.process.stdout.readline().rstrip("\n")

    def ask(self, line):
        self.send(line)
        return self.answer()

    def do(self, *lines):
        """Runs them all; the value of the last."""
        for line in lines:
            said = self.ask(line)
            assert said.startswith("ok "), f"{line}: {said}"
        return said[3:]

    def end(self):
        """Closes its connection and insists that it ended well: no leak, no crash."""
        self.process.stdin.close()
        assert self.process.wait(timeout=60) == 0

    def kill(self):
        self.process.kill()
        self.process.wait(timeout=60)


@contextlib.contextmanager
def probe_of(db, head=programs.MLFLOW_HEADS[programs.NEWEST], **settings):
    options = " ".join(f"-c{k}={v}" for k, v in settings.items())
    probe = Probe(f"{psycopg2.extensions.make_dsn(db.uri, options=options) if options else db.uri}", head)
    try:
        yield probe
        if probe.process.poll() is None:
            probe.end()
    finally:
        probe.kill()
        probe.process.stdout.close()


@contextlib.contextmanager
def probe_as(db, role, head=programs.MLFLOW_HEADS[programs.NEWEST]):
    dsn = psycopg2.extensions.make_dsn(db.uri, user=role)
    probe = Probe(dsn, head)
    try:
        yield probe
        probe.end()
    finally:
        probe.kill()
        probe.process.stdout.close()
