"""What the README says is so: its commands run, its tables are those of the sources."""

import re
import shutil
import subprocess

import pytest

import programs
from programs import ROOT

pytestmark = pytest.mark.both

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```\n(\$ mltrack-bulk .*?)^```$", README, re.M | re.S)


def steps(block):
    """(command, output) of a console block; a trailing backslash continues a command."""
    for step in re.split(r"^\$ ", block, flags=re.M)[1:]:
        lines = step.splitlines()
        last = next(i for i, line in enumerate(lines) if not line.endswith("\\"))
        yield "\n".join(lines[: last + 1]), "\n".join(lines[last + 1 :])


def blank_numbers(text):
    """Times and paths differ from machine to machine; all other words must not."""
    return re.sub(r"\d+(\.\d+)?( ?)(s|ms|MB|rows/s)\b", r"N\2\3", text)


def test_there_are_console_blocks():
    assert BLOCKS


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_console_block_gives_what_it_shows(block, tmp_path):
    (tmp_path / "bin").mkdir()
    for program in ("mltrack-bulk", "mltrack-verify"):
        (tmp_path / "bin" / program).symlink_to(programs.program_path(program))
    shutil.copytree(ROOT / "samples", tmp_path / "samples")
    env = programs.clean_env(tmp_path)
    env["PATH"] = f"{tmp_path / 'bin'}:{env['PATH']}"
    for command, shown in steps(block):
        done = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert blank_numbers(done.stdout).strip() == blank_numbers(shown).strip(), command


def test_exit_statuses_are_those_of_the_sources():
    listed = {int(n): text for n, text in re.findall(r"^\| (\d+) \| (.*) \|$", README, re.M)}
    rows = re.findall(r'^MLT_RC\(\w+, (\d+), "(.*)"\)', (ROOT / "src/base/rc.def").read_text(), re.M)
    assert set(listed) == {int(number) for number, _ in rows}
    for number, meaning in rows:
        assert "(not an error)" in meaning or meaning in listed[int(number)]


def test_variables_are_those_of_the_program(run_bulk):
    listed = set(re.findall(r"^\| (`.*`)", README, re.M))
    listed = set(re.findall(r"`([A-Z][A-Z_]+)`", " ".join(listed)))
    manual = run_bulk("help", "--man", check=0).stdout
    assert set(re.findall(r"^\.It Ev (\w+)", manual, re.M)) <= listed


def test_folders_are_there():
    for folder in re.findall(r"`((?:src|tools|sql|tests|samples)/[\w/]*)`", README):
        assert (ROOT / folder).exists(), folder


def test_types_of_json_lines_are_those_that_are_read():
    section = README.split("\n### JSON lines\n")[1].split("\n### ")[0]
    listed = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", section, re.M))
    types = {}
    for kind, word, _, field, required in re.findall(
        r'^MLT_LINE\((\w+), "(\w+)"\)|^MLT_FIELD\((\w+), (\w+), \w+, (true|false)\)',
        (ROOT / "src/lines/lines.def").read_text(),
        re.M,
    ):
        if kind:
            fields = types.setdefault(word, [])
        else:
            fields.append(f"**`{field}`**" if required == "true" else f"`{field}`")
    assert {word: ", ".join(fields) for word, fields in types.items()} == listed
