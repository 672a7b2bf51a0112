"""A real `mlflow server` on a database, for the time of a test."""

import os
import signal
import subprocess
import time
import urllib.error
import urllib.request

from pg_server import free_port
from programs import mlflow_env, mlflow_python


class MlflowServer:
    def __init__(self, version, store_uri, folder, artifacts=None):
        """artifacts: what it is told about them; by default that their root is a folder of its own."""
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_path = folder / "mlflow.log"
        self.log = open(self.log_path, "wb")
        command = [mlflow_python(version), "-m", "mlflow", "server", "--backend-store-uri", store_uri]
        command += artifacts or ["--default-artifact-root", folder / "artifacts"]
        command += ["--host", "127.0.0.1"]
        self.process = subprocess.Popen(
            [*map(str, command), "--port", str(self.port), "--workers", "1"],
            cwd=folder,
            env=mlflow_env(folder),
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,  # a process group of its own, to end its workers with it
        )
        self._wait_until_ready()

    def _wait_until_ready(self):
        deadline = time.monotonic() + 90
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}/health", timeout=5) as answer:
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                alive = self.process.poll() is None
                said = self.log_path.read_text(errors="replace")
                if not alive or time.monotonic() > deadline:
                    self.close()
                    raise AssertionError(f"mlflow server did not start:\n{said}") from None
                time.sleep(0.25)

    def close(self):
        for how in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, how)
                self.process.wait(timeout=20)
                break
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        self.process.wait()
        self.log.close()
