"""Draws the last part of docs/files.md from the columns of the code: `python -m tests.file_columns`."""

import sys

from dispatch.exchange.columns import COLUMNS, FILE_NAMES

HEAD = "## Columns\n"


def columns() -> str:
    """The part, from its heading on."""
    parts = [
        HEAD,
        "Drawn from `dispatch/exchange/columns.toml`; a test compares. Columns with * are needed. A header may be "
        "our name or one of the other names.\n",
    ]
    for kind, found in COLUMNS.items():
        rows = [
            f"| `{column.name}`{' *' if column.required else ''} | {column.en} | {', '.join(column.headers)} | "
            f"{', '.join(column.values)} |"
            for column in found
        ]
        files = ", ".join((kind, *FILE_NAMES[kind]))
        parts += [f"### {kind}\n", f"File names that begin with {files}.\n"]
        parts += [
            "| column | what is right | other names | also understood |",
            "| --- | --- | --- | --- |",
            *rows,
            "",
        ]
    return "\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(columns())
