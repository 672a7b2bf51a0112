"""What the last run printed, kept in a page between <!-- NAME --> and <!-- /NAME -->."""

import sys


def write_between(path, name, text):
    page = path.read_text()
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    head, found, rest = page.partition(begin)
    _, closed, tail = rest.partition(end)
    if not found or not closed:
        sys.exit(f"{path}: has no {begin} ... {end}")
    path.write_text(f"{head}{begin}\n{text}\n{end}{tail}")
