"""Logs a run with the real wandb, offline, that leaves all kinds of files: media of its history, a file that the user
saved, what was printed. Runs in a venv of wandb's own: make_wandb_files.py FOLDER"""

import os
import sys
from pathlib import Path

os.environ |= {"WANDB_MODE": "offline", "WANDB_SILENT": "true", "WANDB_DISABLE_GIT": "true"}
os.environ |= {"WANDB_DISABLE_CODE": "true", "WANDB_CONSOLE": "wrap"}
os.environ |= {name: sys.argv[1] for name in ("WANDB_CACHE_DIR", "WANDB_DATA_DIR", "WANDB_CONFIG_DIR")}
import wandb  # noqa: E402  (reads the environment)
from PIL import Image  # noqa: E402

os.chdir(sys.argv[1])
run = wandb.init(project="proj", name="files", config={"lr": 0.1})
picture = Image.new("RGB", (16, 8), (200, 30, 30))
picture.save("own.png")
Path("page.html").write_text("<b>bold</b>")
for step in range(3):
    print("step", step)
    run.log({"loss": 1 / (step + 1), "shown": wandb.Image(picture, caption="red"), "from file": wandb.Image("own.png")})
run.log({"page": wandb.Html("page.html"), "table": wandb.Table(columns=["a", "b"], data=[[1, "x"], [2, "y"]])})
Path("model").mkdir()
Path("model/weights.bin").write_bytes(bytes(range(256)) * 512)
wandb.save("model/weights.bin", base_path=".")
wandb.save(os.path.abspath("own.png"), policy="now")
Path(run.dir, "notes.txt").write_text("made in the run's own folder")
artifact = wandb.Artifact("weights", type="model")
artifact.add_file("model/weights.bin")
run.log_artifact(artifact)
run.finish()
