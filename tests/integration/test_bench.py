"""The benchmark (tests/bench/run) works: at a size too small for its figures to mean anything, it measures, checks that
the contenders leave the same rows, and reports. It notices contenders that do not."""

import json
import os
import subprocess

import pytest

import programs

pytestmark = pytest.mark.once

SOURCES = ("filestore", "sqlite", "csv, wide", "csv, long", "jsonl", "jsonl, mixed", "tensorboard", "wandb", "export-import")
RUN = programs.ROOT / "tests" / "bench" / "run"


def bench(tmp_path, *args):
    """-> (CompletedProcess, the document of --json)"""
    out = tmp_path / "out.json"
    command = [RUN, "--points", "2e4", "--rounds", "1", "--fsync", "off", "--set", "shared_buffers=64MB"]
    done = subprocess.run([*command, "--json", out, *args], capture_output=True, text=True)
    return done, json.loads(out.read_text()) if out.exists() else None


def test_the_help_names_every_figure():
    said = subprocess.run([RUN, "--help"], capture_output=True, text=True, check=True).stdout
    for figure in ("rebuild", "append", "trust", "merge", "sqlite", "small", "memory", "rest", "sources", "verify"):
        assert f"\n  {figure} " in said


def test_a_figure_that_does_not_exist_is_refused(tmp_path):
    done, document = bench(tmp_path, "speed")
    assert done.returncode == 2 and "no figure speed" in done.stderr and document is None


def test_postgres_figures_are_ratios_of_equal_results(tmp_path):
    done, document = bench(tmp_path, "rebuild", "append", "trust", "merge")
    assert done.returncode == 0, done.stderr
    measured = {(f["figure"], f["goal"]): f for f in document["figures"]}
    assert measured["rebuild", "<= 1.15"]["median"] > 0 and measured["rebuild", ">= 3.5"]["median"] > 0
    assert measured["append", "<= 1.2"]["median"] > 0
    for key in (("trust", "<= 1.2"), ("merge", "<= 1.1")):
        assert measured[key].get("median", 0) > 0 or "not available" in measured[key]["reason"]
    for contender in document["contenders"]:
        for sample in contender["samples"]:
            # so little work may cost the server less than one tick of its processor clock
            assert sample["units"] == 20000 and sample["seconds"] > 0 and sample["server_cpu"] >= 0, contender
    assert document["postgresql"]["fsync"] == "off" and "by hand: two connections" in done.stdout


def test_memory_and_small_runs_are_measured(tmp_path):
    done, document = bench(tmp_path, "memory", "small")
    assert done.returncode == 0, done.stderr
    assert all(f["median"] > 0 for f in document["figures"]), document["figures"]
    sizes = [f["what"] for f in document["figures"] if f["unit"] == "MiB"]
    shapes = ["20,000 points", "200,000 points", "200,000 points of one run, out of order"]
    assert sizes == [f"peak memory, {shape}" for shape in shapes]


def test_every_source_is_measured_beside_what_reads_it_today(tmp_path):
    done, document = bench(tmp_path, "sources")
    assert done.returncode == 0, done.stderr
    beside = [f for f in document["figures"] if f["goal"]]
    assert {f["what"].split(":")[0] for f in beside} >= set(SOURCES)
    assert all(f["median"] > 0 for f in document["figures"]), document["figures"]


@pytest.mark.long
def test_mlflow_is_measured_too(tmp_path):
    done, document = bench(tmp_path, "sqlite", "rest")
    assert done.returncode == 0, done.stderr
    assert [f["goal"] for f in document["figures"]] == ["<= 1.15", ">= 18", ">= 50", ">= 30"]
    assert all(f["median"] > 0 for f in document["figures"]), document["figures"]


def test_contenders_that_leave_other_rows_give_no_figure(tmp_path):
    """The program under test is one that says it imported and did not."""
    real = programs.bulk_path()
    build = tmp_path / "build"
    build.mkdir()
    liar = build / "mltrack-bulk"
    liar.write_text(
        "#!/bin/sh\n"
        f'for word; do [ "$word" = --json ] && echo \'{{"load": "append"}}\' && exit; done\nexec {real} "$@"\n'
    )
    liar.chmod(0o755)
    command = [RUN, "--points", "1000", "--rounds", "1", "--fsync", "off", "rebuild"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"MLTRACK_BUILD": str(build)})
    assert done.returncode == 1 and "failed: 'by hand: one transaction" in done.stdout, done.stderr


def test_verifying_is_measured_beside_what_only_reads(tmp_path):
    done, document = bench(tmp_path, "verify")
    assert done.returncode == 0, done.stderr
    assert [f["median"] > 0 for f in document["figures"]] == [True] * 13, document["figures"]
