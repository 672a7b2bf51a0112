"""What the check-* scripts share: the files of a source tree, C without its comments, and reporting."""

import fnmatch
import os
import re
import sys
from pathlib import Path

LEFT_OUT = {".git", ".cache", ".venv", "out", "__pycache__", ".pytest_cache"}
COMMENT_OR_STRING = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def root_from_args():
    """The tree to check: the first argument, else the one this script is in."""
    if len(sys.argv) > 1:
        return Path(sys.argv[1]).resolve()
    return Path(__file__).resolve().parents[2]


def files(root, *patterns):
    """Paths relative to root, sorted, that match any of the fnmatch patterns ('*' crosses folders)."""
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [d for d in folders if d not in LEFT_OUT and not d.startswith("build")]
        for name in set(names) - LEFT_OUT:  # .git is a file in a linked worktree
            path = (Path(folder) / name).relative_to(root).as_posix()
            if any(fnmatch.fnmatch(path, p) for p in patterns):
                found.append(path)
    return sorted(found)


def code_only(text):
    """C text with comments and the insides of strings blanked; line numbers stay."""

    def blank(match):
        kept = match[0][0] + match[0][-1] if match[0][0] in "\"'" else ""
        return kept + re.sub(r"[^\n]", "", match[0])

    return COMMENT_OR_STRING.sub(blank, text)


def finish(name, problems, summary):
    """Prints every problem, then one line; exits 1 if there was any."""
    for problem in problems:
        print(problem)
    print(f"{name}: {len(problems)} problems" if problems else f"{name}: {summary}")
    sys.exit(1 if problems else 0)
