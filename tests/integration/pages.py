"""Pages of docs/ that list what tests do: made of the tests' own rows, so that they cannot say anything else."""


def code(text):
    text = " ".join(text.replace("|", "\\|").split())
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def table(head, rows):
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""
