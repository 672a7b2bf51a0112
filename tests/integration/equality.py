"""Whether two databases hold the same MLflow store."""

from compare_stores import compare


def assert_equal_stores(expected, found, by_mlflow=False, ignore=()):
    """Every row and column, generated ids by what they stand for. SQLite does not keep the sign of -0.0, and neither
    does what MLflow sends to PostgreSQL (by_mlflow: its store wrote one of them)."""
    if by_mlflow or "sqlite" in (expected.kind, found.kind):
        ignore = (*ignore, "negative-zero")
    differences = compare(expected.owner_uri, found.owner_uri, ignore=ignore, max_diffs=50)
    assert not differences and not differences.unlisted, "\n".join(map(str, differences))
    assert sum(rows for rows, _ in differences.rows.values()) > 0
