"""What must hold for the JSON summary of any import."""

from databases import COPIED, TABLES, rows_by_table

OF_WHOLE_FILES = ("no-step", "no-times", "guessed-time-unit", "guessed-time-zone", "columns-left-out")
COUNTS = ("read", "inserted", "present", "updated", "merged", "rejected")


def counts(summary, what):
    """{table: count} of one kind, without the zeros."""
    return {t: c[what] for t, c in summary["tables"].items() if c[what]}


def check_summary(result, before=None, db=None):
    """The document is whole and agrees with itself: every row read is accounted for once, the exit code is the
    process's. With db and the rows it held before: what is said to be inserted is what was inserted."""
    s = result.json
    assert s["schema_version"] == 1 and s["command"] == "import"
    assert s["exit_code"] == result.returncode, result.explain()
    assert s["status"] == {0: "ok", 2: "rejected"}.get(result.returncode, "failed"), result.explain()
    assert set(s["tables"]) <= {*TABLES, *COPIED}
    whole = sum(s["changed"].get(code, 0) for code in OF_WHOLE_FILES)
    for table, c in s["tables"].items():
        assert c["read"] == sum(c[what] for what in COUNTS[1:]), (table, c)
        assert c["changed"] <= c["inserted"] + c["present"] + whole, (table, c)
    if db is not None:
        before = before or {}
        added = {t: n - before.get(t, 0) for t, n in rows_by_table(db).items()}
        assert {t: n for t, n in added.items() if n} == counts(s, "inserted"), result.explain()
    return s


def notes(summary, kind):
    return [n for n in summary["notes"] if n["kind"] == kind]
