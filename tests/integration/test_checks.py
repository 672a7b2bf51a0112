"""The tools/dev/check-* scripts notice what they are there for, and pass on this tree."""

import shutil
import subprocess

import pytest

from programs import ROOT

pytestmark = pytest.mark.once

DEV = ROOT / "tools" / "dev"
LONG_FUNCTION = "void f(void) {\n" + "  ;\n" * 100 + "}\n"
BRANCHY_FUNCTION = "int f(int a) {\n" + "  if (a)\n    a--;\n" * 15 + "  return a;\n}\n"


def check(script, root):
    return subprocess.run([DEV / script, root], capture_output=True, text=True)


@pytest.fixture
def tree(tmp_path):
    """A source tree with the real rules and one good file."""
    (tmp_path / "tools/dev").mkdir(parents=True)
    for rules in ("layers.txt", "banned.txt"):
        shutil.copy(DEV / rules, tmp_path / "tools/dev")
    shutil.copy(ROOT / ".clang-format", tmp_path)
    (tmp_path / "tests").mkdir()
    for folder in ("base", "sink", "pg"):
        (tmp_path / "src" / folder).mkdir(parents=True)
    (tmp_path / "src/base/a.h").write_text("int mlt_a(void);\n")
    (tmp_path / "src/sink/sink.h").write_text('#include "base/a.h"\n')
    return tmp_path


@pytest.mark.parametrize("script", ["check-layers", "check-sizes", "check-banned", "check-format"])
def test_this_tree_passes(script):
    done = check(script, ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "script, path, text, said",
    [
        ("check-layers", "src/base/b.c", '#include "sink/sink.h"\n', "base may not include sink/sink.h"),
        ("check-layers", "src/sink/b.c", "#include <libpq-fe.h>\n", "libpq-fe.h belongs to src/pg/ only"),
        ("check-layers", "src/pg/b.c", "\n#include <lzma.h>\n", "src/pg/b.c:2: lzma.h is neither ours nor listed"),
        ("check-layers", "src/new/b.c", "#include <stdio.h>\n", "folder 'new' has no line"),
        ("check-sizes", "src/base/b.c", LONG_FUNCTION, "f has 102 lines"),
        ("check-sizes", "src/base/b.c", BRANCHY_FUNCTION, "f has a McCabe number of 16"),
        ("check-sizes", "src/base/b.c", "\n" * 801, "src/base/b.c has 801 lines"),
        ("check-banned", "src/base/b.c", "/* strcpy( is fine here */\nvoid f(void) { strcpy(a, b); }\n", "b.c:2: 'strcpy('"),
        ("check-banned", "src/base/b.c", "char *f(void) { return malloc(1); }\n", "goes past base/mem.h"),
        ("check-banned", "notes.md", "see /ho" + "me/ann/x\n", "names a machine's folder"),
        ("check-banned", "tools/get", "curl https://py" + "pi.org/simple\n", "names a registry"),
        ("check-format", "src/base/b.c", "int  f( void );\n", "code should be clang-formatted"),
        ("check-format", "tools/run", "#!/usr/bin/env bash\necho $1\n", "Double quote"),
    ],
)
def test_a_violation_is_named_and_fails(tree, script, path, text, said):
    before = check(script, tree)
    assert before.returncode == 0, before.stdout + before.stderr
    (tree / path).parent.mkdir(parents=True, exist_ok=True)
    (tree / path).write_text(text)
    after = check(script, tree)
    assert after.returncode != 0 and said in after.stdout + after.stderr, after.stdout + after.stderr
