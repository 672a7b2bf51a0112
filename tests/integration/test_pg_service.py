"""Targets that a libpq service file describes: what it leaves open is set as for any other target."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

import programs
from stores.filestore import wide_store

sys.path.append(str(Path(__file__).resolve().parents[1] / "faults"))
from wire import Proxy  # noqa: E402

HEAD = programs.MLFLOW_HEADS[programs.ORACLE]


@pytest.fixture
def service(tmp_path):
    """service(db, port, **parameters) -> environment in which the service "there" is that."""

    def make(db, port, **parameters):
        given = {"host": "127.0.0.1", "port": port, "dbname": db.name, "user": "postgres", **parameters}
        path = tmp_path / "pg_service.conf"
        path.write_text("[there]\n" + "".join(f"{k}={v}\n" for k, v in given.items()))
        return {"PGSERVICEFILE": path}

    return make


def seconds_of_timers(port):
    """When the kernel will look next whether the other side of each connection to this port is still there."""
    shown = subprocess.run(["ss", "-tnoH", "state", "established", f"( dport = :{port} )"], capture_output=True, text=True, check=True)
    return [float(n) * (60 if unit == "min" else 1) for n, unit in re.findall(r"timer:\(keepalive,([\d.]+)(sec|min)", shown.stdout)]


@pytest.mark.parametrize("how", ["keyword", "environment"])
@pytest.mark.parametrize("given, least, most", [({}, 5, 31), ({"keepalives_idle": 600}, 300, 601)])
def test_a_silent_network_is_looked_for(bulk, new_pg_db, tmp_path, service, how, given, least, most):
    """A connection through a proxy that has stopped passing anything on."""
    db = new_pg_db(HEAD)
    store = wide_store(tmp_path / "mlruns", 4, 5).root
    with Proxy(db.server.port) as proxy:
        env = programs.clean_env(tmp_path, service(db, proxy.port, **given) | ({"PGSERVICE": "there"} if how == "environment" else {}))
        proxy.muted = True
        target = "service=there" if how == "keyword" else "dbname=" + db.name
        process = subprocess.Popen([str(bulk), "import", str(store), "--to", target], env=env, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 20
        while not (timers := seconds_of_timers(proxy.port)):
            assert time.monotonic() < deadline and process.poll() is None, process.communicate()
            time.sleep(0.1)
        assert all(least < t <= most for t in timers), timers
        proxy.muted = False
        assert process.wait(timeout=60) == 0


def test_a_timeout_that_the_service_gives_holds(run_bulk, new_pg_db, tmp_path, service):
    db = new_pg_db(HEAD)
    store = wide_store(tmp_path / "mlruns", 4, 5).root
    with Proxy(db.server.port) as proxy:
        proxy.muted = True
        started = time.monotonic()
        refused = run_bulk("import", store, "--to", "service=there", env=service(db, proxy.port, connect_timeout=2))
        took = time.monotonic() - started
    assert refused.returncode == 69 and took < 15, (took, refused.explain())
    unknown = run_bulk("import", store, "--to", "service=elsewhere", env=service(db, proxy.port))
    assert unknown.returncode in (64, 69) and "elsewhere" in unknown.stderr, unknown.explain()
