"""What an import lays aside in temporary files, so that its memory does not grow with what it reads."""

import json
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import IO

from dispatch.exchange.kinds import Key

BATCH = 1000


@dataclass(frozen=True, slots=True)
class Laid:
    """An accepted row: of which file, its number and cells, and whether it changes a row that is known."""

    file: int
    number: int
    cells: dict[str, str]
    known: bool


class Aside:
    """Accepted rows in the order of their files, and where each key was seen first."""

    def __init__(self, rows: IO[str], seen: sqlite3.Connection) -> None:
        self._rows = rows
        self._seen = seen
        self.count = 0
        seen.execute("CREATE TABLE seen (name TEXT PRIMARY KEY, place TEXT) WITHOUT ROWID")

    def lay(self, row: Laid) -> None:
        """Keep an accepted row until it is written."""
        line = json.dumps((row.file, row.number, row.known, row.cells), ensure_ascii=False)
        self._rows.write(line + "\n")
        self.count += 1

    def batches(self) -> Iterator[list[Laid]]:
        """The rows kept, at most `BATCH` at a time, each time of one file and either all known or all new."""
        self._rows.seek(0)
        lines = (json.loads(line) for line in self._rows)
        rows = (Laid(file, number, cells, known) for file, number, known, cells in lines)
        for _, group in groupby(rows, key=lambda row: (row.file, row.known)):
            batch: list[Laid] = []
            for row in group:
                batch.append(row)
                if len(batch) == BATCH:
                    yield batch
                    batch = []
            if batch:
                yield batch

    def seen_before(self, kind: str, key: Key, place: str) -> str | None:
        """Where the key was seen before; else None, and it is remembered for `place`."""
        name = _name(kind, key)
        found = self._seen.execute("SELECT place FROM seen WHERE name = ?", (name,)).fetchone()
        if found is not None:
            return str(found[0])
        self._seen.execute("INSERT INTO seen VALUES (?, ?)", (name, place))
        return None

    def has(self, kind: str, key: Key) -> bool:
        """Whether a row of this kind and key was accepted."""
        found = self._seen.execute("SELECT 1 FROM seen WHERE name = ?", (_name(kind, key),))
        return found.fetchone() is not None


def _name(kind: str, key: Key) -> str:
    plain = (part.astimezone(UTC) if isinstance(part, datetime) else part for part in key)
    return json.dumps([kind, *(str(part) for part in plain)], ensure_ascii=False)


@contextmanager
def laid_aside() -> Iterator[Aside]:
    """An empty place; its files are gone afterwards."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n") as rows:
        seen = sqlite3.connect(
            "", isolation_level=None
        )  # "": a database in a temporary file of its own
        try:
            seen.execute("PRAGMA cache_size = -8192")
            seen.execute("PRAGMA journal_mode = OFF")
            yield Aside(rows, seen)
        finally:
            seen.close()
