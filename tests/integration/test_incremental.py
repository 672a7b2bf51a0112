"""Importing a source again when it has grown adds what is new, of every kind of source; one that has lost or changed what
it gave is a conflict. What the README says about incremental sync."""

import shutil

import pytest
import tensorboard_logs as logs
from stores.filestore import FileStore
from summaries import counts

pytestmark = pytest.mark.both

RUN = "a" * 32
BEGUN = 1_700_000_000


def grow_mlruns(folder, steps):
    shutil.rmtree(folder)
    store = FileStore(folder)
    store.experiment("1", "digits")
    lines = "".join(f"{(BEGUN + i) * 1000} {i / 8} {i}\n" for i in range(steps))
    store.run("1", RUN, metrics={"loss": lines})
    return folder


def grow_csv(folder, steps):
    path = folder / "log.csv"
    path.write_text("step,timestamp,loss\n" + "".join(f"{i},{(BEGUN + i) * 1000},{i / 8}\n" for i in range(steps)))
    return path


def grow_events(folder, steps):
    (folder / "run").mkdir(exist_ok=True)
    logs.write_events(folder / "run" / "events.out.tfevents.1", [logs.scalar_event(i, BEGUN + i, loss=i / 8) for i in range(steps)])
    return folder


def grow_lines(folder, steps):
    path = folder / "calls.jsonl"
    point = '{{"type":"metric","run_id":"{}","key":"loss","value":{},"step":{},"timestamp":{}}}\n'
    points = "".join(point.format(RUN, i / 8, i, (BEGUN + i) * 1000) for i in range(steps))
    path.write_text(f'{{"type":"run","run_id":"{RUN}","start_time":{BEGUN}000}}\n{points}')
    return path


@pytest.mark.parametrize("grow", [grow_mlruns, grow_csv, grow_events, grow_lines], ids=["mlruns", "csv", "tfevents", "jsonl"])
def test_only_what_is_new_is_inserted(run_bulk, target, tmp_path, grow):
    (tmp_path / "source").mkdir()

    def bring(steps, check=0):
        said = run_bulk("import", grow(tmp_path / "source", steps), "--to", target.uri, "--json", check=check).json
        return counts(said, "inserted").get("metrics", 0), counts(said, "present").get("metrics", 0)

    points = "SELECT count(*), count(DISTINCT step) FROM metrics"
    assert bring(50) == (50, 0)
    assert bring(80) == (30, 50)
    assert bring(80) == (0, 80)
    assert target.query(points) == [(80, 80)]
    if grow is not grow_lines:  # those are calls: each says what happened, not all that there is
        bring(60, check=65)
        assert target.query(points) == [(80, 80)]
