"""Logs runs with the real wandb, offline. Runs in a venv of wandb's own: make_wandb_runs.py FOLDER"""

import os
import sys

os.environ |= {"WANDB_MODE": "offline", "WANDB_SILENT": "true", "WANDB_DISABLE_GIT": "true"}
os.environ |= {"WANDB_DISABLE_CODE": "true", "WANDB_CONSOLE": "off"}
import wandb  # noqa: E402  (reads the environment)

os.chdir(sys.argv[1])
CONFIG = {"lr": 0.1, "opt": {"name": "adam", "betas": [0.9, 0.999]}, "flag": True, "none": None, "s": "x" * 700}


def start(**more):
    return wandb.init(project="proj", group="g", job_type="train", config=CONFIG, **more)


run = start(name="whole", notes="some notes", tags=["a", "b"], entity="me")
for i in range(3000):
    run.log({"loss": 1 / (i + 1), "val": {"acc": i / 50, "deep": {"x": i}}, "text": "hello", "text wide": "\u00e9" * i})
run.log({"nan": float("nan"), "inf": float("inf"), "ninf": float("-inf"), "flag": True, "big": 2**60})
run.log({"hist": wandb.Histogram(np_histogram=([1, 2], [0, 1, 2]))})
run.log({"a.b": 1, "dotted": {"c.d": 2}, "negative zero": -0.0, "tiny": 5e-324}, step=4000)
run.summary["best"] = 0.9
run.summary["remark"] = "text"
run.config.update({"later": 5})
run.finish()

run = start(name="failed")
run.log({"loss": 1.5})
run.finish(exit_code=3)
