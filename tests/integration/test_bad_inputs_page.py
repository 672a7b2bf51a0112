"""docs/bad-inputs.md lists every hostile or corrupt input of the tests, with what is said of it.
`python tests/integration/test_bad_inputs_page.py > docs/bad-inputs.md` writes it anew."""

import re
import sys

import pytest

import programs
import test_bad_inputs
import test_import_database
import test_import_defects
from pages import code, table

pytestmark = pytest.mark.once
LISTED = programs.ROOT / "docs" / "bad-inputs.md"
TESTS = programs.ROOT / "tests"

HEAD = """# Bad inputs

What hostile and corrupt inputs come to. Each is imported twice: as it is, which ends with the exit status and the message
that are given here, place first; and with `--on-error skip`, which leaves out just what is bad, counts it and ends with 2.
An ellipsis stands for what the test does not look at. Of a FileStore the run whose id ends in `bad` is meant. "Taken" (status 0) is what is bad elsewhere, and what MLflow would have
stored, too; where something is said of it, it is in the summary. PG: into PostgreSQL, whose columns have lengths; all
others into SQLite. `tests/integration/test_bad_inputs_page.py` writes this page of the rows that the tests run.
"""

TITLES = {
    "B01": "JSON that is not quite JSON, line ends, byte order marks",
    "B02": "Cut off",
    "B03": "NUL",
    "B04": "Text that is not UTF-8",
    "B05": "Odd Unicode",
    "B06": "Names that MLflow refuses",
    "B07": "Values that are too long",
    "B08": "Ids of runs",
    "B09": "Numbers",
    "B10": "NaN and infinities",
    "B11": "Long lines, many names",
    "B12": "Nesting without end",
    "B13": "Compression that is damaged",
    "B14": "Bombs",
    "B15": "Things that come twice",
    "B16": "Params and tags that come twice",
    "B17": "Steps",
    "B18": "Times",
    "B19": "Tables",
    "B20": "FileStores",
    "B21": "Logs in binary",
    "B22": "Paths of artifacts",
    "B23": "Links and special files",
    "B24": "Nothing, or very much",
}

# What is no single input with a single message: the test that does it, in tests/.
ELSEWHERE = {
    "B02": [("JSON lines, cut at every byte", "unit/source/test_jsonl.c", "lines_may_be_cut_anywhere"),
            ("a log of wandb, cut at every byte", "unit/source/test_wandb_log.c", "a_log_may_end_anywhere"),
            ("event files, cut at every byte", "unit/source/test_tfrecord.c", "a_record_cut_short_is_the_end")],
    "B05": [("every code point, against MLflow's own rule", "integration/test_rules_oracle.py",
             "test_every_code_point_is_a_word_character_or_not_as_for_mlflow")],
    "B06": [("names and keys at random, against MLflow's own validators", "integration/test_rules_oracle.py",
             "test_names_keys_and_paths_get_mlflows_verdict")],
    "B07": [("values that are rejected because `MLFLOW_TRUNCATE_LONG_VALUES` says so", "integration/test_import_defects.py",
             "test_a_long_value_is_rejected_when_cutting_is_switched_off")],
    "B09": [("numbers at random, against Python's `float`", "integration/test_rules_oracle.py",
             "test_numbers_and_metric_values_are_read_as_by_python"),
            ("values of tables, against pandas", "integration/test_import_csv.py", "test_values_are_those_that_pandas_reads")],
    "B11": [("1 GiB without a newline: 65, within the memory of any import", "integration/test_size.py",
             "test_a_line_without_end")],
    "B13": [("gzip and zstd, cut at every byte; wrong checksums", "unit/base/test_inflate.c", "what_is_cut_off_or_damaged_is_said"),
            ("zstd with a dictionary", "unit/base/test_inflate.c", "a_dictionary_is_asked_for"),
            ("what came before the cut, with `--on-error skip`", "integration/test_import_jsonl.py",
             "test_a_stream_that_is_cut_off_is_told")],
    "B14": [("more than 1000 times its size: 65", "integration/test_import_jsonl.py", "test_bombs_are_refused"),
            ("zstd windows", "unit/base/test_inflate.c", "large_windows_are_refused")],
    "B15": [("points at random, against MLflow's own store", "integration/test_adding.py",
             "test_lines_leave_what_mlflow_makes_of_the_same_calls")],
    "B18": [("a unit that is guessed only warns", "unit/source/test_time_text.c", "the_unit_is_guessed_by_size")],
    "B20": [("odd stores, against `mlflow migrate-filestore`", "integration/test_import_defects.py",
             "test_odd_but_sound_runs_are_those_of_migrate_filestore"),
            ("stores damaged at random", "integration/test_mutations.py", "test_damaged_inputs_end_with_an_answer")],
    "B22": [("places with `..`, also as `%2e%2e` and behind `#`, NULs, 4097 bytes", "unit/model/test_location.c",
             "what_leads_out_or_names_nothing_is_refused"),
            ("names of files that lead out, or that no folder can hold", "unit/artifact/test_placer.c", "a_path_never_leads_out"),
            ("a recorded place that leads out", "integration/test_artifacts.py",
             "test_a_recorded_path_that_mlflow_never_gave_is_not_copied")],
    "B23": [("links, FIFOs, devices and sockets among artifacts", "unit/artifact/test_placer.c",
             "links_and_special_files_are_left_out"),
            ("files exchanged for links while they are copied", "unit/artifact/test_races.c", "nothing_from_outside_is_ever_placed"),
            ("sparse files", "unit/artifact/test_placer.c", "holes_stay_holes"),
            ("hard links, setuid", "unit/artifact/test_placer.c", "only_the_bytes_of_a_file_are_taken")],
    "B24": [("100,000 keys in a run", "integration/test_size.py", "test_a_run_of_very_many_keys"),
            ("a run larger than the memory", "integration/test_spill.py",
             "test_the_rows_are_those_of_an_import_with_plenty_of_memory"),
            ("1,000,000 runs of one point; a run of 10,000,000 points", "integration/test_size.py",
             "test_very_many_runs_and_points")],
}  # fmt: skip


def message(exit, says):
    said = code(" ... ".join(part.strip() for part in says)) if says else ""
    return said if exit else f"taken: {said}" if said else "taken"


def of_cases(number):
    for case in test_bad_inputs.CASES:
        if case.number == number:
            kind = " (PG)" if case.kind == "postgres" else ""
            yield case.source + kind, case.name, str(case.exit), message(case.exit, case.says)


def of_stores(number):
    for d in test_import_defects.DEFECTS:
        if d.number == number:
            source = "filestore" + (" (PG)" if "sqlite" not in d.kinds else "")
            noted = [d.note] if d.note else []
            yield source, d.name, "65" if d.rejected else "0", message(d.rejected, [d.says] if d.says else noted)


def rows(number):
    found = [*of_cases(number), *of_stores(number)]
    return [(source, code(name) if not name.isprintable() else name.replace("|", "\\|"), exit, said)
            for source, name, exit, said in sorted(found, key=lambda row: row[0])]  # fmt: skip


def page():
    lines = HEAD.splitlines() + [""]
    for number, title in TITLES.items():
        lines += [f"## {number}. {title}", ""]
        if listed := rows(number):
            lines += table(("Source", "Input", "Exit", "Said"), listed)
        if tests := ELSEWHERE.get(number):
            lines += ["Besides:", "", *(f"- {what}: `{name}` in `tests/{file}`" for what, file, name in tests), ""]
    lines += ["## Rows of a database", "", "Not in the catalogue; from SQLite, whose foreign keys nobody has enforced.", ""]
    listed = [(name, "65", code(says)) for name, (_, _, says) in test_import_database.DEFECTS.items()]
    lines += table(("Row", "Exit", "Said"), listed)
    return "\n".join(lines).rstrip() + "\n"


def test_the_list_is_that_of_the_tests():
    assert LISTED.read_text() == page(), "write it anew: see the top of this file"


def test_every_kind_of_bad_input_has_its_rows():
    """24 of the catalogue, and every format where its kind of badness can be."""
    assert list(TITLES) == [f"B{n:02}" for n in range(1, 25)]
    assert all(rows(number) for number in TITLES)
    assert {case.source for case in test_bad_inputs.CASES} == {"csv", "jsonl", "tensorboard", "wandb", "export-import", "sqlite", "filestore"}
    assert sum(len(rows(number)) for number in TITLES) > 300


def test_what_is_tested_elsewhere_is_there():
    for tests in ELSEWHERE.values():
        for _, file, name in tests:
            assert re.search(rf"^(def|static void) {name}\(", (TESTS / file).read_text(), re.M), (file, name)


if __name__ == "__main__":
    sys.stdout.write(page())
