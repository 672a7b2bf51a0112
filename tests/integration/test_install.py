"""What `cmake --install` leaves can be used by programs outside this tree, every documented way."""

import os
import re
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("MLTRACK_BUILD", "build")

# The program that the README shows.
PROGRAM = re.search(r"^```c\n(.*?)^```$", (ROOT / "README.md").read_text(), re.M | re.S)[1]
CMAKELISTS = """\
cmake_minimum_required(VERSION 3.25)
project(outside C)
find_package(mltrack 0.1 REQUIRED)
add_executable(outside main.c)
target_link_libraries(outside PRIVATE mltrack::{target})
"""


def run(*command, **kwargs):
    done = subprocess.run([str(c) for c in command], text=True, capture_output=True, **kwargs)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    prefix = tmp_path_factory.mktemp("installed")
    run("cmake", "--install", BUILD, "--prefix", prefix)
    # Moved, to show that no path of the first place is baked in.
    return prefix.rename(prefix.with_name("moved"))


@pytest.fixture
def outside(tmp_path):
    (tmp_path / "main.c").write_text(PROGRAM)
    return tmp_path


def version():
    text = (ROOT / "CMakeLists.txt").read_text()
    return re.search(r"project\(mltrack VERSION (\S+)", text)[1]


def library_dir(prefix):
    return next(prefix.rglob("libmltrack.so")).parent


def pkg_config(prefix, *args):
    env = dict(os.environ, PKG_CONFIG_PATH=str(library_dir(prefix) / "pkgconfig"))
    return run("pkg-config", *args, "mltrack", env=env).split()


def imports(program, folder, **kwargs):
    """Does the program import the sample, every run of it?"""
    told = run(program, ROOT / "samples/mlruns", f"sqlite:///{folder}/outside.db", **kwargs)
    return "runs 9" in told.splitlines() and (folder / "outside.db").exists()


def needs_libmltrack(program):
    return "libmltrack.so" in run("ldd", program)


def test_pkg_config_gives_the_shared_library(prefix, outside):
    flags = pkg_config(prefix, "--cflags", "--libs")
    run("cc", "-o", outside / "a.out", outside / "main.c", *flags)
    env = dict(os.environ, LD_LIBRARY_PATH=str(library_dir(prefix)))
    assert imports(outside / "a.out", outside, env=env)


def test_pkg_config_static_gives_the_static_library(prefix, outside):
    flags = pkg_config(prefix, "--static", "--cflags", "--libs")
    flags = ["-l:libmltrack.a" if f == "-lmltrack" else f for f in flags]
    run("cc", "-o", outside / "a.out", outside / "main.c", *flags)
    assert not needs_libmltrack(outside / "a.out")
    assert imports(outside / "a.out", outside)


@pytest.mark.parametrize("target", ["mltrack", "mltrack_static"])
def test_cmake_package_gives_both_libraries(prefix, outside, target):
    (outside / "CMakeLists.txt").write_text(CMAKELISTS.format(target=target))
    run("cmake", "-S", outside, "-B", outside / "b", f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", outside / "b")
    assert needs_libmltrack(outside / "b/outside") == (target == "mltrack")
    assert imports(outside / "b/outside", outside)


def test_pkg_config_says_the_version_of_the_project(prefix):
    assert pkg_config(prefix, "--modversion") == [version()]


def test_shared_library_exports_what_the_header_declares_and_nothing_else(prefix):
    listed = run("nm", "-D", "--defined-only", library_dir(prefix) / "libmltrack.so")
    exported = {line.split()[-1] for line in listed.splitlines()}
    header = (prefix / "include/mltrack.h").read_text()
    declared = set(re.findall(r"^MLT_API [^;]*?\b(mlt_\w+)\(", header, re.M))
    assert exported == declared and declared


@pytest.mark.parametrize("language", [["cc", "-std=c11", "-xc"], ["c++", "-std=c++17", "-xc++"]])
def test_header_compiles_alone(prefix, outside, language):
    strict = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"]
    (outside / "alone.c").write_text("#include <mltrack.h>\n")
    run(*language, *strict, "-I", prefix / "include", outside / "alone.c")


@pytest.mark.parametrize("program", ["mltrack-bulk", "mltrack-verify"])
def test_programs_and_their_manuals_are_installed(prefix, program):
    assert version() in run(prefix / "bin" / program, "--version")
    manual = prefix / f"share/man/man1/{program}.1"
    assert f"{program.upper()}(1)" in run("mandoc", "-T", "utf8", manual)
    run("mandoc", "-T", "lint", "-W", "warning", manual)


@pytest.mark.parametrize("program", ["mltrack-bulk", "mltrack-verify"])
@pytest.mark.parametrize(
    "shell, file",
    [
        ("bash", "bash-completion/completions/{}"),
        ("zsh", "zsh/site-functions/_{}"),
        ("fish", "fish/vendor_completions.d/{}.fish"),
    ],
)
def test_completions_are_installed_and_their_shell_can_read_them(prefix, shell, file, program):
    script = prefix / "share" / file.format(program)
    assert program in script.read_text()
    run(shell, "-n", script)
