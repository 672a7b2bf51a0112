"""Our rules against MLflow's own: the same generated keys, names, paths, numbers, URIs and metric values are put to
MLflow's validators, inside its own virtual environment, and to model/, through a small program. Seeded, so that a
failure stays."""

import json
import os
import random
import struct
import struct
import subprocess
import unicodedata
from pathlib import Path

import pytest

import programs

RELEASES = {"3.17.2": "3.17", "3.18.0": "3.18"}
NAMES = ("key", "experiment_name", "model_name", "alias", "run_id", "logged_model_name", "path")
ORACLE = Path(__file__).with_name("rules_oracle.py")
TABLE_UNICODE = "14.0.0"  # what src/model/word_table.def was made with

NASTY = [
    "", " ", "  ", "\t", "\n", "\r\n", "a", "a ", " a", "a\n", "a\n\n", "\na", "a\nb", "_", "-", ".", "..", "...",
    "..a", "a..", "a..b", ".a", "a.", "/", "//", "///", "/a", "//a", "a/", "a//b", "a/b", "./a", "a/.", "a/./b", "../a",
    "a/..", "a/../b", "a/...", "a/..b", ":", "a:b", "a@b", "a%b", "a'b", 'a"b', "a\\b", "a,b", "a=b", "a+b", "a(b)",
    "é", "e\u0301", "数", "数/据", "ß", "ﬁ", "Ⅷ", "²", "½", "٣", "१", "੩", "𝟘", "𐒠", "\u200b", "\u00a0", "\u3000", "\u2028",
    "\u0085", "\x1c", "\x1f", "\x7f", "\ufeff", "\u00ad", "\u203f", "\ufe33", "😀", "a😀", "🇫🇷", "\U000e0001", "\U0010ffff",
    "\ue000", "latest", "v1", "V2", "a" * 249, "a" * 250, "a" * 251, "é" * 250, "é" * 251, "😀" * 250, "a" * 255,
    "a" * 256, "a" * 257, "a" * 256 + "\n", "a" * 257 + "\n", "a" * 250 + "\n", "a" * 500, "a" * 501, "é" * 500,
    "é" * 501, "a/" * 125, "a/" * 124 + "aa", "\u00a0\u3000", "\x1c\x1d\x1e\x1f", "0", "0a", "a-b_c", "é1", "1é",
]  # fmt: skip


def assigned(cp):
    """Characters known since Unicode 3.2, so whatever Python runs this knows them."""
    return unicodedata.ucd_3_2_0.category(chr(cp)) not in ("Cn", "Cs")


def random_text(rng, pool):
    kind = rng.randrange(5)
    if kind == 0:
        alphabet = "ab/. "
    elif kind == 1:
        alphabet = "aZ0_-./: \n"
    elif kind == 2:
        alphabet = [chr(c) for c in range(1, 127)]
    elif kind == 3:
        alphabet = [*"ab/._-:", *(rng.choice(pool) for _ in range(4))]
    else:
        alphabet = [rng.choice(pool) for _ in range(6)]
    return "".join(rng.choice(alphabet) for _ in range(rng.choice((1, 2, 3, 5, 8, 13, 40))))


def name_questions(rng, count):
    pool = [chr(c) for c in range(1, 0x110000) if assigned(c)]
    texts = NASTY + [random_text(rng, pool) for _ in range(count)]
    return [[what, text] for text in texts for what in NAMES]


FIXED_NUMBERS = [
    "0", "-0", "+0", "00", "007", "1.", ".5", "-.5", ".", "", "-", "+", "e1", "1e", "1e+", "1e5", "1E5", "1e-5", "1e+05",
    "1_0", "1__0", "_1", "1_", "1_.5", "1._5", "1.5_0", "1e1_0", "1e_1", "1_e1", "0_0", "0_1", "inf", "-inf", "+INF",
    "Infinity", "infinit", "nan", "-nan", "NaN", "nan()", "in_f", "0x10", "0b1", "1e308", "1e309", "-1e309", "1e-323",
    "1e-324", "2e-324", "3e-324", "5e-324", "1e-400", "1e400", "1e99999999999", "-1e-99999999999", "0e99999999999",
    "2.2250738585072011e-308", "2.2250738585072014e-308", "1.7976931348623157e308", "1.7976931348623158e308",
    "1.7976931348623159e308", "9007199254740992", "9007199254740993", "9007199254740994", "9007199254740995",
    "9007199254740993.000000000000000000000000000000001", " 1", "1 ", "\t1\n", "\x1c1\x1f", "1 2", "1,5", "1.2.3", "--1",
    "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "18446744073709551616",
    "1" * 400, "0." + "0" * 400 + "1", "0." + "1" * 800, "1" + "0" * 400, "1" + "0" * 308, "1.0f", "1d", "1j", "True",
    "None", "0.1" + "0" * 900 + "1", "4.35", "0.000035", "123456789012345678901234567890e-20",
]  # fmt: skip


def halfway(rng):
    """The exact decimal between two neighbouring doubles, at times with a digit far behind."""
    value = struct.unpack(">d", struct.pack(">Q", rng.getrandbits(62)))[0]
    value = value if 0 < value < 1e300 else rng.random()
    numerator, denominator = value.as_integer_ratio()
    shift = denominator.bit_length() - 1
    mantissa = numerator << max(0, 54 - numerator.bit_length())
    scale = shift + mantissa.bit_length() - numerator.bit_length() + 1
    digits = (2 * mantissa + (1 << (mantissa.bit_length() - 53))) * 5**scale
    return f"{digits}{rng.choice(['', '', '0' * 30 + '1', '.' + '0' * 50 + '1'])}e-{scale}"


def random_number(rng):
    kind = rng.randrange(8)
    if kind == 0:
        return repr(struct.unpack(">d", struct.pack(">Q", rng.getrandbits(64)))[0])
    if kind == 1:
        return repr(rng.uniform(-1, 1))
    if kind == 2:
        return f"{rng.randrange(10**rng.randrange(1, 25))}.{rng.randrange(10**rng.randrange(1, 25))}"
    if kind == 3:
        return f"{rng.randrange(10**rng.randrange(1, 25))}e{rng.randrange(-345, 330)}"
    if kind == 4:
        return halfway(rng)
    if kind == 5:
        return f"{rng.randrange(10**17)}e{rng.randrange(-345, -300)}"
    if kind == 6:
        return str(rng.randrange(-(2**70), 2**70) >> rng.randrange(70))
    return "".join(rng.choice("0123456789_.eE+- infa") for _ in range(rng.randrange(1, 9)))


def number_questions(rng, count):
    words = FIXED_NUMBERS + [random_number(rng) for _ in range(count)]
    questions = [[what, word] for word in words for what in ("float", "int")]
    values = ["nan", "-nan", "inf", "-inf", "0", "-0", "1e308", "-1e309", "5e-324"]
    values += [repr(struct.unpack(">d", struct.pack(">Q", rng.getrandbits(64)))[0]) for _ in range(count // 10)]
    return questions + [["metric", value] for value in values]


LOCATIONS = [
    "", "/", "//", "/data/1", "/data/1/", "rel/1", "./mlruns/0", "mlflow-artifacts:/1", "mlflow-artifacts://host:80/1",
    "mlflow-artifacts:", "file:/d", "file:///d/1", "file://host/d", "file:rel", "file:./rel", "file:", "FILE:///D",
    "s3://b", "s3://b/", "s3://b/p", "s3://b/p/?x=1", "s3://b/p?x=1#f", "s3://b?x=1", "s3:///p", "S3://B/P", "gs://b/p",
    "dbfs:/p", "dbfs:p", "dbfs:///p", "http://u:p@h:1/a;p?q#f", "http://h", "http:a", "http:/a", "http:a;b", "hdfs://h/p",
    "ftp://h/a;type=i", "sftp://h/a;b/c;d", "wasbs://c@a.blob/p", "abfss://c@a/p?sig=a%2Fb", "/a?b", "/a#b", "a?b#c",
    "C:\\x", "c:/x", "1s3://b", "s3_x://b", "+a://b", "s3+x.y-z://b/c", ":", ":a", "s3:", "s3://", "s3:////p", "file:////p",
    "s3://b/p?..", "s3://b/p?a=%2e%2e", "s3://[::1]/p", "s3://[bad/p", "s3://b]/p", " s3://b", "  /x", "s3://é/ü",
    "http://h/a?b?c#d#e", "http://h/a#b?c", "http://h/;", "http:;", "svn+ssh://h/p", "nfs:/p", "nfs:p", "x:///", "ws:/a",
]  # fmt: skip


def uri_questions(rng, count):
    pieces = ["s3", "file", "http", "mlflow-artifacts", "x", ":", "/", "//", "///", "a", "b/c", ";", ";p", "?", "q=1", "#", "f", "%2F", "@", "é"]
    locations = LOCATIONS + ["".join(rng.choice(pieces) for _ in range(rng.randrange(1, 9))) for _ in range(count)]
    run_ids = ["0123456789abcdef0123456789abcdef", "r", "my-run_X"]
    return [["uri", location, rng.choice(run_ids)] for location in locations]


def ask_ours(version, questions):
    helper = Path(os.environ.get("MLTRACK_BUILD") or programs.ROOT / "build") / "tests" / "helper_rules_verdict"
    lines = [" ".join([what, *(t.encode().hex() for t in texts)]) for what, *texts in questions]
    done = subprocess.run(
        [helper, version], input="\n".join(lines) + "\n", capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    answers = done.stdout.splitlines()
    assert len(answers) == len(questions)
    return answers


@pytest.fixture(scope="module")
def families():
    return {
        "names": name_questions(random.Random(1), 10_000),
        "numbers": number_questions(random.Random(2), 20_000),
        "uris": uri_questions(random.Random(3), 10_000),
    }


@pytest.fixture(scope="module", params=RELEASES)
def release(request):
    return request.param


@pytest.fixture(scope="module")
def theirs(release, families, tmp_path_factory):
    """What MLflow says to everything: one process a release, because importing MLflow takes longer than answering."""
    asked = tmp_path_factory.mktemp("oracle") / "questions.json"
    asked.write_text(json.dumps(families), encoding="utf-8")
    return programs.mlflow_run(release, ORACLE, asked)


def compare(release, questions, expected):
    """Puts every question to ours, too; returns how many MLflow had an answer to."""
    ours = ask_ours(RELEASES[release], questions)
    differing = [(q, t, o) for q, t, o in zip(questions, expected, ours, strict=True) if t is not None and t != o]
    assert not differing, f"{len(differing)} differ; (question, MLflow, ours): {differing[:20]}"
    return sum(t is not None for t in expected)


def test_names_keys_and_paths_get_mlflows_verdict(release, families, theirs):
    assert compare(release, families["names"], theirs["answers"]["names"]) == len(families["names"])


def test_numbers_and_metric_values_are_read_as_by_python(release, families, theirs):
    assert compare(release, families["numbers"], theirs["answers"]["numbers"]) == len(families["numbers"])


def test_artifact_uris_are_formed_as_by_mlflow(release, families, theirs):
    assert compare(release, families["uris"], theirs["answers"]["uris"]) > 9_000


def test_every_code_point_is_a_word_character_or_not_as_for_mlflow(theirs):
    points = [c for c in range(1, 0x110000) if not 0xD800 <= c <= 0xDFFF]
    if theirs["unicode"] != TABLE_UNICODE:
        points = [c for c in points if assigned(c)]
    answers = ask_ours("3.18", [["alias", chr(c)] for c in points])
    ours = {c for c, answer in zip(points, answers, strict=True) if answer == "1"}
    assert ours == set(points) & set(theirs["words"])
