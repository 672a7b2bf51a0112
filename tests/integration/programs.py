"""Running the program under test and Python code inside MLflow releases, each in a clean environment."""

import json
import os
import signal
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEADS_DIR = ROOT / "sql" / "mlflow"

NEWEST = "3.18.0"
ORACLE = "3.17.2"  # whose migrate-filestore and stores our rows are compared with
MLFLOW_HEADS = {
    "2.22.5": "0584bdc529eb",
    "3.1.4": "bda7b8c39065",
    "3.10.1": "1b5f0d9ad7c1",
    "3.17.2": "dc11669786a5",
    "3.18.0": "f4a9b2c7d1e6",
}

# Variables that tools and sanitizers need; everything else of the caller's environment would be an input of the test.
PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "TMPDIR", "GCOV_ERROR_FILE")
CRASH_MARKS = ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "runtime error:")


class Result(subprocess.CompletedProcess):
    """A finished run of the program: .returncode, .stdout, .stderr, .json (the one document on stdout)."""

    @property
    def json(self):
        return json.loads(self.stdout)

    def explain(self):
        try:
            said = self.json
            said["tables"] = {t: {k: v for k, v in n.items() if v} for t, n in said["tables"].items() if n["read"]}
        except (ValueError, KeyError):
            said = self.stdout
        return f"{' '.join(map(str, self.args))}\nexit {self.returncode}\nstdout: {said}\nstderr: {self.stderr}"


def program_path(name):
    path = Path(os.environ.get("MLTRACK_BUILD") or ROOT / "build") / name
    assert path.is_file(), f"{path} is not built: run cmake --build, or set MLTRACK_BUILD"
    return path.resolve()


def bulk_path():
    return program_path("mltrack-bulk")


def clean_env(home, extra=None):
    env = {k: os.environ[k] for k in PASSED_ON if k in os.environ}
    env |= {"HOME": str(home), "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    env |= {k: str(v) for k, v in (extra or {}).items()}
    return env


def run_bulk(bulk, *args, env=None, cwd=None, home=None, check=None, timeout=300, stdin=subprocess.DEVNULL):
    """Runs the program; stdin is a file or one end of a pipe. Dying of a signal or a sanitizer's report fails the test whatever it expects."""
    done = subprocess.run(
        [str(bulk), *map(str, args)],
        env=clean_env(home or cwd, env),
        cwd=cwd,
        stdin=stdin,
        capture_output=True,
        encoding="utf-8",
        errors="backslashreplace",
        timeout=timeout,
    )
    result = Result(done.args, done.returncode, done.stdout, done.stderr)
    if result.returncode < 0:
        raise AssertionError(f"killed by {signal.Signals(-result.returncode).name}: {result.explain()}")
    assert not any(mark in result.stderr for mark in CRASH_MARKS), result.explain()
    if check is not None:
        assert result.returncode == check, f"expected exit {check}: {result.explain()}"
    return result


def mlflow_python(version):
    venvs = Path(os.environ.get("MLTRACK_VENVS") or ROOT / ".cache" / "venvs")
    python = venvs / version / "bin" / "python"
    assert python.exists(), f"no MLflow {version} at {python}: run tools/test, or set MLTRACK_VENVS"
    return python


def tool_env():
    """What makes a release's interpreter find the packages of the venv "tools" (tools/dev/make-venvs), too."""
    venvs = Path(os.environ.get("MLTRACK_VENVS") or ROOT / ".cache" / "venvs")
    assert (venvs / "tools").is_dir(), f"no {venvs}/tools: run tools/test, or set MLTRACK_VENVS"
    return {"PYTHONPATH": str((venvs / "tools").resolve())}


def mlflow_env(home, extra=None):
    return clean_env(
        home,
        {
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "1",
            "MLFLOW_ALLOW_FILE_STORE": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "GIT_PYTHON_REFRESH": "quiet",
            "PYTHONWARNINGS": "ignore",
            "USER": "tester",
            "LOGNAME": "tester",
        }
        | (extra or {}),
    )


_home = None


def private_home():
    """One HOME for all of this process's MLflow runs, so that their caches are shared and the user's untouched."""
    global _home
    if _home is None:
        _home = tempfile.TemporaryDirectory(prefix="mlt-home-")
    return Path(_home.name)


def mlflow_call(version, *args, env=None, cwd=None, timeout=600):
    """python ARGS in a release's venv -> CompletedProcess, whatever the exit code."""
    home = private_home()
    return subprocess.run(
        [str(mlflow_python(version)), *map(str, args)],
        env=mlflow_env(home, env),
        cwd=cwd or home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="backslashreplace",
        timeout=timeout,
    )


def mlflow_run(version, code_or_script, *args, env=None, cwd=None, timeout=600):
    """Runs a snippet, or a .py file, in a release's venv -> the JSON document in the last line it prints."""
    head = [code_or_script] if str(code_or_script).endswith(".py") else ["-c", code_or_script]
    done = mlflow_call(version, *head, *args, env=env, cwd=cwd, timeout=timeout)
    assert done.returncode == 0, f"MLflow {version} failed:\n{done.stdout[-4000:]}\n{done.stderr[-8000:]}"
    return json.loads(done.stdout.strip().splitlines()[-1])
