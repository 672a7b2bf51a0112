"""Target URIs mean the same to us as to SQLAlchemy and libpq: generated ones go through make_url and psycopg2's dialect,
ours through libpq's own parser, and the keywords are compared."""

import json
import os
import random
import subprocess
from pathlib import Path
from urllib.parse import quote

import pytest

import programs

DUMP = Path(os.environ.get("MLTRACK_BUILD") or programs.ROOT / "build") / "tests" / "unit_base_test_uri"

# Reads {"uris": [...], "ours": [...]} from a file; answers with what both sides understood of each URI.
COMPARE = """
import json, sys
from psycopg2.extensions import parse_dsn
from sqlalchemy.engine import make_url

def theirs(uri):
    try:
        url = make_url(uri)
        if url.get_backend_name() == "sqlite":
            return url.database
        args, options = url.get_dialect()().create_connect_args(url)
        return {k: str(v) for k, v in options.items()}
    except Exception as e:
        return f"{type(e).__name__}: {e}"

def ours(line, uri):
    return line if uri.startswith("sqlite") or line == "!" else parse_dsn(line)

cases = json.load(open(sys.argv[1]))
print(json.dumps([[theirs(u), ours(o, u)] for u, o in zip(cases["uris"], cases["ours"])]))
"""

# Keys that mean something to a driver or to us only.
DROPPED = {"client_encoding", "prepared_statement_cache_size", "gssfoo"}


def parse(uris):
    text = "".join(uri + "\n" for uri in uris)
    done = subprocess.run([DUMP, "--dump"], input=text, encoding="utf-8", capture_output=True, check=True)
    lines = done.stdout.split("\n")[:-1]
    assert len(lines) == len(uris)
    return lines


def word(rng, alphabet, least=1):
    return "".join(rng.choice(alphabet) for _ in range(rng.randint(least, 8)))


def pg_uri(rng):
    plain, hard = "abcXYZ09_-.", "ab09 @:/?#%'\\&=+äß"
    user = quote(word(rng, hard), safe="") if rng.random() < 0.5 else word(rng, plain)
    # A lone % is no escape and stays; escapes that are no UTF-8 are left out: Python and libpq differ there.
    raw_password = "x" + word(rng, "ab09!$'\\/?#&=+:") + rng.choice(["", "%"]) if rng.random() < 0.3 else None
    password = raw_password or quote(word(rng, hard), safe="")
    host = rng.choice(["", "h", "db.example.com", "10.0.0.1", "[::1]", "[fe80::1]"])
    port = rng.choice(["", "", ":5432", ":1", ":65535"]) if host else ""
    who = rng.choice(["", f"{user}@", f"{user}:x{password}@"]) if host else ""
    name = quote(word(rng, hard), safe="") if rng.random() < 0.8 else ""
    query = [
        "sslmode=require",
        "options=-csearch_path%3Dml",
        "application_name=" + quote(word(rng, hard), safe=""),
        "fallback_application_name=a+b",
        "connect_timeout=3",
        "client_encoding=utf8",
        "prepared_statement_cache_size=0",
        "gssfoo=1",
        "sslrootcert=",
        "host=/var/run/postgresql",
        "host=a:5432&host=b:5433",
        "host=a&host=b",
        "host=a:5432",
        "host=a,b&port=1,2",
        "user=other",
        "password=p%26w",
        "dbname=other",
    ]
    chosen = rng.sample(query, rng.randint(0, 3))
    if sum(part.startswith("host=") for part in chosen) > 1:
        chosen = chosen[:1]
    tail = "?" + "&".join(chosen) if chosen else ""
    return f"postgresql+psycopg2://{who}{host}{port}/{name}{tail}"


def sqlite_uri(rng):
    path = rng.choice(["", "/"]) + word(rng, "ab c.=&#ä/") + quote(word(rng, "ab %?#/"), safe="") + ".db"
    return f"sqlite:///{path}"


@pytest.fixture(scope="module")
def compared(mlflow_run, tmp_path_factory):
    rng = random.Random(20240229)
    uris = [pg_uri(rng) for _ in range(4000)] + [sqlite_uri(rng) for _ in range(1000)]
    cases = tmp_path_factory.mktemp("uris") / "cases.json"
    cases.write_text(json.dumps({"uris": uris, "ours": parse(uris)}))
    return list(zip(uris, mlflow_run(programs.NEWEST, COMPARE, cases)))


def test_generated_uris_mean_the_same(compared):
    wrong = []
    for uri, (theirs, ours) in compared:
        if isinstance(theirs, dict):
            theirs = {k: v for k, v in theirs.items() if k not in DROPPED}
        if theirs != ours:
            wrong.append((uri, theirs, ours))
    assert not wrong, f"{len(wrong)} of {len(compared)}, such as {wrong[:5]}"


def test_the_comparison_covers_what_it_should(compared):
    both = [ours for _, (theirs, ours) in compared if isinstance(ours, dict)]
    for keyword in ("user", "password", "host", "port", "dbname", "options", "sslmode"):
        assert sum(keyword in options for options in both) > 100
    assert sum("," in options.get("host", "") for options in both) > 50
