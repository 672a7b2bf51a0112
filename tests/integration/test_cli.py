"""The frame of mltrack-bulk: what its one option table gives - parser, help, manual, completions - and what the README
says about it. The tables are read from the sources here, so that nothing printed is compared with itself only."""

import json
import os
import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

import programs

pytestmark = pytest.mark.both

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "tools" / "mltrack-bulk"
SHELLS = ("bash", "zsh", "fish")
USAGE = 64


@dataclass
class Option:
    name: str
    letter: str
    kind: str
    bits: set


def read_options():
    rows = re.findall(r'^MLT_OPT\(\w+, "([\w-]+)", (0|\'.\'), (\w+),(.*)\)$', (TOOL / "options.def").read_text(), re.M)
    return [
        Option(name, letter.strip("'0"), kind, set(re.findall(r"MLT_BIT_\w+|MLT_CMD_ALL", rest)))
        for name, letter, kind, rest in rows
    ]


def read_commands():
    """name -> bit"""
    text = (TOOL / "commands.c").read_text()
    return dict(re.findall(r'\{\.name = "([^"]+)",\s*\.bit = (MLT_BIT_\w+)', text))


OPTIONS = read_options()
COMMANDS = read_commands()


def options_of(command):
    return [o for o in OPTIONS if o.bits & {"MLT_CMD_ALL", COMMANDS[command]}]


def printed(*args):
    return programs.run_bulk(programs.bulk_path(), *args, cwd=ROOT, check=0).stdout


def test_the_tables_were_found():
    assert {"import", "schema check", "schema show", "schema init", "help"} <= set(COMMANDS)
    assert {"to", "json", "help", "version"} <= {o.name for o in OPTIONS}
    assert len(OPTIONS) == (TOOL / "options.def").read_text().count("\nMLT_OPT(")


# --- Help ---


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_is_short_and_complete(command):
    text = printed(*command.split(), "--help")
    assert text == printed("help", *command.split()) == printed(*command.split(), "-h")
    assert len(text.splitlines()) <= 90  # most have half of that; import has the most options
    assert max(map(len, text.splitlines())) <= 80
    shown = set(re.findall(r"^ +(?:-\w, )?--([\w-]+)", text, re.M))
    assert shown == {o.name for o in options_of(command)}
    for option in options_of(command):
        if option.letter:
            assert f"-{option.letter}, --{option.name}" in text
    examples = re.findall(r"^  # .+\n  \S.+$", text, re.M)
    assert len(examples) >= 2
    assert "Exit status: 0" in text


def test_help_of_the_program_lists_the_commands():
    text = printed("--help")
    assert text == printed("help") == printed("-h")
    for command in COMMANDS:
        assert re.search(rf"^  {command} +\S", text, re.M)
    assert len(text.splitlines()) <= 80  # a page


@pytest.mark.parametrize("command", COMMANDS)
def test_examples_are_command_lines_the_parser_takes(command):
    text = printed(*command.split(), "--help")
    lines = re.findall(r"^  (mltrack-bulk .+)$", text.split("\nExamples:\n")[1], re.M)
    assert lines
    for line in lines:
        words = shlex.split(line.split("|")[0])
        printed(*words[1:], "--help")  # everything before --help is parsed


@pytest.mark.parametrize("args", [["schema", "--help"], ["artifacts", "-h"], ["help", "schema"]])
def test_the_first_word_of_two_shows_the_help_of_the_program(args):
    assert printed(*args) == printed("--help")


def test_no_command_shows_the_help_as_an_error(run_bulk):
    done = run_bulk(check=USAGE)
    assert done.stdout == ""
    assert done.stderr == printed("--help")


def test_version_is_the_projects(run_bulk):
    version = re.search(r"project\(mltrack VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())[1]
    for flag in ("--version", "-V"):
        assert run_bulk(flag, check=0).stdout == f"mltrack-bulk {version}\n"
    assert run_bulk("import", "--version", check=0).stdout == f"mltrack-bulk {version}\n"


# --- The manual ---


def sections(man, macro):
    """name -> text of the manual's sections (.Sh) or the subsections (.Ss)"""
    parts = re.split(rf"^\.(?:Sh|{macro}) (.+)$", man, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def mdoc_options(text):
    return set(re.findall(r"Fl \\-([\w-]+)", "\n".join(re.findall(r"^\.It .*Fl.*$", text, re.M))))


def test_the_manual_has_every_command_and_option():
    man = printed("help", "--man")
    parts = sections(man, "Ss")
    for command, bit in COMMANDS.items():
        assert mdoc_options(parts[command]) == {o.name for o in OPTIONS if bit in o.bits}
        assert f".Cm {command}\n" in parts["SYNOPSIS"]
    assert mdoc_options(parts["COMMON OPTIONS"]) == {o.name for o in OPTIONS if "MLT_CMD_ALL" in o.bits}


def test_the_manual_has_every_exit_status():
    rows = re.findall(r'^MLT_RC\((\w+), (\d+), "(.+)"\)$', (ROOT / "src/base/rc.def").read_text(), re.M)
    text = sections(printed("help", "--man"), "Sh")["EXIT STATUS"]
    shown = {int(n): " ".join(what.split()) for n, what in re.findall(r"\.It (\d+)\n((?:[^.].*\n)+)", text)}
    outside = {int(status) for name, status, _ in rows if name not in ("END", "AGAIN")}
    assert set(shown) == outside
    for name, status, meaning in rows:
        if name not in ("END", "AGAIN"):
            assert meaning in shown[int(status)]


def test_the_manual_is_clean():
    man = printed("help", "--man")
    done = subprocess.run(["mandoc", "-Tlint"], input=man, text=True, capture_output=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    page = subprocess.run(["mandoc", "-Tascii"], input=man, text=True, capture_output=True, check=True).stdout
    plain = re.sub(".\b", "", page)
    for option in OPTIONS:
        assert f"--{option.name}" in plain


def test_the_readme_mentions_every_command_and_exit_status():
    readme = (ROOT / "README.md").read_text()
    man = printed("help", "--man")
    for command in sections(man, "Ss"):
        if command in COMMANDS and command != "help":
            # "schema check|show|init" mentions all three
            words = r" (?:[\w|]*\|)?".join(command.split())
            assert re.search(rf"mltrack-bulk {words}\b", readme), f"README.md does not mention mltrack-bulk {command}"
    known = {o.name for o in OPTIONS}
    for line in re.findall(r"mltrack-bulk (?:import|schema|help)[^`\n]*", readme):
        for option in re.findall(r"--([a-z][\w-]*)", line):
            assert option in known, f"README.md has an option that does not exist: {line}"
    for status in re.findall(r"^\.It (\d+)$", sections(man, "Sh")["EXIT STATUS"], re.M):
        assert re.search(rf"\b{status}\b", readme), f"README.md does not mention exit status {status}"


# --- Completions ---


@pytest.mark.parametrize("shell", SHELLS)
def test_completions_have_every_command_and_option(shell):
    script = printed("help", "--completion", shell)
    for option in OPTIONS:
        needle = rf"-l {option.name}\b" if shell == "fish" else rf"--{option.name}\b"
        assert re.search(needle, script), f"{shell} lacks --{option.name}"
    for word in {w for command in COMMANDS for w in command.split()}:
        assert re.search(rf"\b{word}\b", script), f"{shell} lacks {word}"


@pytest.mark.parametrize("check", [["bash", "-n"], ["zsh", "-n"], ["fish", "--no-execute"]], ids=SHELLS)
def test_completions_are_good_scripts(check, tmp_path):
    script = tmp_path / "script"
    script.write_text(printed("help", "--completion", check[0]))
    done = subprocess.run([*check, script], text=True, capture_output=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_bash_completion_passes_shellcheck():
    script = printed("help", "--completion", "bash")
    done = subprocess.run(["shellcheck", "-s", "bash", "-"], input=script, text=True, capture_output=True)
    assert (done.returncode, done.stdout) == (0, "")


def bash_completes(words, cwd):
    """What bash offers for the last word."""
    code = f"""{printed("help", "--completion", "bash")}
COMP_WORDS=({shlex.join(words)})
COMP_CWORD={len(words) - 1}
_mltrack_bulk
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "--norc"], input=code, text=True, capture_output=True, cwd=cwd, check=True)
    assert done.stderr == ""
    return sorted(filter(None, done.stdout.splitlines()))


def fish_completes(words, cwd):
    code = f'{printed("help", "--completion", "fish")}\ncomplete -C {shlex.quote(shlex.join(words[:-1]) + " " + words[-1])}\n'
    done = subprocess.run(
        ["fish", "--no-config"],
        input=code,
        text=True,
        capture_output=True,
        cwd=cwd,
        check=True,
        env=os.environ | {"HOME": str(cwd)},
    )
    return sorted(line.split("\t")[0] for line in done.stdout.splitlines())


COMPLETIONS = [
    ("im", ["import", "imports"]),
    ("--ver", ["--verbose", "--version"]),
    ("--color a", ["always", "auto"]),
    ("--color never im", ["import", "imports"]),
    ("schema ", ["check", "init", "show"]),
    ("schema i", ["init"]),
    ("import --dr", ["--dry-run"]),
    ("import --on-error s", ["skip", "stop"]),
    ("import ./x --rej", ["--rejects"]),
    ("import --rejects ba", ["bad.jsonl"]),
    ("import mlr", ["mlruns"]),
    ("schema check --j", ["--json"]),
    ("schema check --dry", []),
    ("schema init --mlf", ["--mlflow-version"]),
    ("help --completion z", ["zsh"]),
]


@pytest.mark.parametrize("complete", [bash_completes, fish_completes], ids=["bash", "fish"])
@pytest.mark.parametrize("typed,offered", COMPLETIONS, ids=[typed for typed, _ in COMPLETIONS])
def test_what_a_shell_offers(complete, typed, offered, tmp_path):
    (tmp_path / "bad.jsonl").touch()
    (tmp_path / "mlruns").mkdir()
    got = complete(["mltrack-bulk", *typed.split(" ")], tmp_path)
    assert [word.rstrip("/") for word in got] == offered


def test_bash_offers_values_behind_an_equals_sign(tmp_path):
    assert bash_completes(["mltrack-bulk", "import", "--on-error", "=", "sk"], tmp_path) == ["skip"]
    assert bash_completes(["mltrack-bulk", "import", "--on-error", "="], tmp_path) == ["skip", "stop"]


def test_zsh_asks_for_the_options_of_the_command(tmp_path):
    """zsh completes only in its line editor: its _arguments stands in here and shows what it is asked."""
    code = """compdef() { }
_arguments() { print -rl -- "$@" }
. ./script
words=(mltrack-bulk --color never schema init --j) CURRENT=6
_mltrack-bulk
"""
    (tmp_path / "script").write_text(printed("help", "--completion", "zsh"))
    done = subprocess.run(["zsh", "-f"], input=code, text=True, capture_output=True, cwd=tmp_path, check=True)
    assert done.stderr == ""
    asked = set(re.findall(r"--([\w-]+)=?\[|^--([\w-]+)$|^\(-\w --([\w-]+)\)", done.stdout, re.M))
    assert {name for names in asked for name in names if name} == {o.name for o in options_of("schema init")}


# --- Errors ---


@pytest.mark.parametrize(
    "args,message,hint",
    [
        (["imprt", "x"], "'imprt' is not a command", "did you mean 'import'?"),
        (["schema"], "'schema' needs one of: check, show, init", "mltrack-bulk help"),
        (["schema", "chek"], "'schema chek' is not a command", "did you mean 'schema check'?"),
        (["help", "imprt"], "'imprt' is not a command", "did you mean 'import'?"),
        (["help", "import", "x"], "is not a command", "mltrack-bulk help"),
        (["import"], "'import' needs: SOURCE", "mltrack-bulk import --help"),
        (["import", "a", "b"], "'import' does not take 'b'", "mltrack-bulk import --help"),
        (["import", "a", "--dry-rum"], "unknown option --dry-rum", "did you mean '--dry-run'?"),
        (["schema", "check", "--dry-run"], "--dry-run is an option of 'import', not of 'schema check'", ""),
        (["import", "a", "--to"], "--to needs a value", "--to URI"),
        (["import", "a", "--json=1"], "--json takes no value", ""),
        (["import", "a", "--on-error", "ignore"], "--on-error: 'ignore' is not one of: stop, skip", ""),
        (["import", "a", "--max-errors", "-1"], "--max-errors: '-1' is not a whole number", ""),
        (["import", "a", "--batch-rows", "1e6"], "--batch-rows: '1e6' is not a whole number", ""),
        (["--color", "blue", "help"], "--color: 'blue' is not one of: auto, always, never", ""),
        (["help", "--completion", "tcsh"], "--completion: 'tcsh' is not one of: bash, zsh, fish", ""),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_command_line_says_what_is_right(run_bulk, args, message, hint):
    done = run_bulk(*args, check=USAGE)
    assert done.stdout == ""
    assert message in done.stderr
    assert hint in done.stderr
    assert done.stderr.startswith("mltrack-bulk: error: ")


@pytest.mark.parametrize(
    "args,status", [(["--to", "foo://x"], USAGE), (["--rejects", "/nowhere/r", "--to", "sqlite:///x.db"], 73)]
)
def test_an_import_that_cannot_begin_has_its_document_too(run_bulk, args, status):
    done = run_bulk("import", "mlruns", "--json", *args, check=status)
    document = json.loads(done.stdout)
    assert document["exit_code"] == status
    assert document["error"]["message"] in done.stderr


def test_a_bad_variable_is_named(run_bulk):
    done = run_bulk("help", env={"MLTRACK_LOG_FORMAT": "xml"}, check=USAGE)
    assert "MLTRACK_LOG_FORMAT: 'xml' is not one of: text, json" in done.stderr


def test_errors_as_json_lines(run_bulk):
    done = run_bulk("--log-format", "json", "--color", "always", "imprt\x1b[31m", check=USAGE)
    event = json.loads(done.stderr)
    assert (event["level"], event["code"]) == ("error", "USAGE")
    assert "\x1b" not in done.stderr


def test_colour_only_where_it_is_wanted(run_bulk):
    wrong = ["import"]
    assert "\x1b[" not in run_bulk(*wrong, check=USAGE).stderr
    assert "\x1b[" not in run_bulk(*wrong, env={"NO_COLOR": "1", "CLICOLOR_FORCE": "1"}, check=USAGE).stderr
    assert "\x1b[" not in run_bulk(*wrong, "--color=never", env={"CLICOLOR_FORCE": "1"}, check=USAGE).stderr
    assert "\x1b[" in run_bulk(*wrong, env={"CLICOLOR_FORCE": "1"}, check=USAGE).stderr
    assert "\x1b[" in run_bulk(*wrong, "--color=always", env={"NO_COLOR": "1"}, check=USAGE).stderr


def test_what_was_typed_cannot_drive_the_terminal(run_bulk):
    done = run_bulk("\x1b]0;owned\x07", check=USAGE)
    assert "\x1b" not in done.stderr and "\\x1b]0;owned\\x07" in done.stderr


def test_output_that_cannot_be_written_is_an_error(bulk):
    with open("/dev/full", "w") as full:
        done = subprocess.run([bulk, "help", "--man"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 74
    assert "cannot write the output" in done.stderr


def test_version_comes_at_once(bulk):
    """No network, no database, no set-up: most of the time goes into loading libpq's libraries. The limit leaves room
    for a sanitizer."""
    best = 1.0
    for _ in range(20):
        process = subprocess.Popen([bulk, "--version"], stdout=subprocess.DEVNULL, env={"LC_ALL": "C"})
        usage = os.wait4(process.pid, 0)[2]
        process.returncode = 0
        best = min(best, usage.ru_utime + usage.ru_stime)
    assert best < 0.1
