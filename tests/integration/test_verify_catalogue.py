"""docs/damages.md lists every damage that the tests of mltrack-verify do, with what is found of it.
`python tests/integration/test_verify_catalogue.py > docs/damages.md` writes it anew."""

import re
import sys
from collections import Counter

import programs
import test_verify
import test_verify_disk
import test_verify_ledger
import test_verify_server
import test_verify_source
from pages import code, table

LISTED = programs.ROOT / "docs" / "damages.md"

HEAD = """# Damages that mltrack-verify is tried with

Each is done to a store that is whole, in SQLite and in PostgreSQL where nothing else is said, and must be found under
exactly these codes (README, "Verifying a store", says what they mean); on the store as it was nothing is found.
`tests/integration/test_verify_catalogue.py` writes this page.
"""


def found_text(codes):
    return ", ".join(f"{name} x {n}" if n > 1 else name for name, n in sorted(Counter(codes).items())) or "nothing"


def database_rows():
    for section, damages in test_verify.CATALOGUE.items():
        yield f"The database: {section}", [
            (
                code(next(iter(sql.values())) if isinstance(sql, dict) else sql),
                ", ".join(sql) if isinstance(sql, dict) and len(sql) == 1 else "both",
                found_text(c for c, _ in of_it),
            )
            for sql, of_it in damages
        ]
    yield "The database: all rows of a table removed (found among other things)", [
        (code(f"DELETE FROM {table}"), "both", found) for table, found in test_verify.REMOVED.items()
    ]


def disk_rows():
    for function, expected, full, options in test_verify_disk.DAMAGES:
        said = function.__name__.replace("_", " ")
        if options:
            said += f" ({' '.join(options)})"
        quick = found_text(line.split()[0] for line in expected)
        whole = quick if full is None else found_text(line.split()[0] for line in full)
        yield said, quick, whole


def page():
    lines = HEAD.splitlines() + [""]
    for title, rows in database_rows():
        lines += [f"## {title}", "", *table(("Damage", "Database", "Found"), rows)]
    lines += ["## The database and the disk", "", *table(("Damage", "Found by --quick", "Found by --full"), disk_rows())]
    rows = [(name, code(sql), "import-run-changed") for name, sql in test_verify_ledger.ROWS.items()]
    rows.append(("a run removed", code("DELETE FROM runs"), "import-run-gone"))
    lines += ["## Runs since they were imported", "", *table(("What", "Damage", "Found"), rows)]
    rows = [(name, code(sql), found) for name, (sql, found, _) in test_verify_server.DAMAGES.items()]
    rows.append(("another database", "the server answers from another database", "server-run-missing"))
    lines += ["## What a server says", "", *table(("What", "Damage to our side", "Found"), rows)]
    rows = [
        (name, code(sql), database, found)
        for damages, database in ((test_verify_source.DAMAGES, "both"), (test_verify_source.ODD, "sqlite"))
        for name, (sql, (found, _)) in damages.items()
    ]
    rows += [(f"beyond the source: {t}", code(sql), "both", "source-beyond") for t, sql in test_verify_source.BEYOND.items()]
    head = ("What", "Damage", "Database", "Found")
    lines += ["## The database and what was imported into it (--source)", "", *table(head, rows)]
    return "\n".join(lines).rstrip() + "\n"


def test_the_list_is_that_of_the_tests():
    assert LISTED.read_text() == page(), "write it anew: see the top of this file"


def test_it_is_long_enough():
    damages = [line for line in page().splitlines() if re.match(r"^\| (?!Damage|What)", line)]
    assert len(damages) >= 130


if __name__ == "__main__":
    sys.stdout.write(page())
