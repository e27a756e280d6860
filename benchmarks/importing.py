"""`./run bench --suite importing`: how long an import of customers takes, and how much memory.

A file of made-up customers is imported into a fresh database of GRIDCREW_TEST_POSTGRES_URL, else of a PostgreSQL
server of its own, and into SQLite; then once more, when every row is known. Each import is a process of its own, so
that its peak memory is its own.
"""

import csv
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

import openpyxl
from sqlmodel import Session

from dispatch.core.db import Database, transaction
from dispatch.core.events import Actor
from dispatch.core.migrate import migrate
from dispatch.exchange.checking import Choices, Given
from dispatch.exchange.columns import COLUMNS
from dispatch.exchange.importing import run as run_import
from dispatch.exchange.sources import Source
from dispatch.registry import territories

SUITE = "importing"
ROWS = (10_000, 100_000)
BENCH = Actor("bench", "admin")
_FAMILIES, _GIVEN = "王李张刘陈杨黄赵吴周", "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平"
_SQUARE = [[[113.6, 22.7], [113.8, 22.7], [113.8, 22.9], [113.6, 22.9], [113.6, 22.7]]]


def run(sizes: list[int]) -> str:
    """The table, as Markdown."""
    lines = [
        "| rows | database | import | wall s | CPU s | peak MiB |",
        "| ---: | --- | --- | ---: | ---: | ---: |",
    ]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        # The tests know how to start a server of their own; nothing else here needs them.
        from tests.system import postgresql

        server = stack.enter_context(postgresql.server())
        template = postgresql.make_template(server)
        for rows in sizes or ROWS:
            path = write_customers(folder / f"customers-{rows}.csv", rows)
            with postgresql.fresh_database(server, template) as address:
                lines += _both(rows, "PostgreSQL", address, path)
            lines += _both(rows, "SQLite", f"sqlite:///{folder / f'{rows}.db'}", path)
    return "\n".join(lines) + "\n"


def write_customers(path: Path, rows: int) -> Path:
    """A CSV file or a workbook, as the name ends, of made-up customers; the same for the same number of rows."""
    header = [column.name for column in COLUMNS["customers"]]
    if path.suffix == ".xlsx":
        book = openpyxl.Workbook(write_only=True)
        sheet = book.create_sheet()
        for row in chain([header], _customers(rows)):
            sheet.append(row)
        book.save(path)
    else:
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(chain([header], _customers(rows)))
    return path


def _customers(rows: int) -> Iterator[tuple[str, ...]]:
    chance = random.Random(rows)
    for number in range(rows):
        name = chance.choice(_FAMILIES) + "".join(chance.choices(_GIVEN, k=2))
        phone = f"13{chance.randrange(10**9):09d}"
        mail = f"c{number}@example.com" if chance.random() < 0.3 else ""
        yield (f"0319{number:08d}", name, chance.choice("ABCDDDD"), phone, mail, "zh-CN", "yes")


def _both(rows: int, kind: str, address: str, path: Path) -> list[str]:
    lines = list[str]()
    for which in ("first", "again"):
        sys.stderr.write(f"{rows:,} rows, {kind}, {which}\n")
        found = measured(address, path)
        expected = (rows, 0) if which == "first" else (0, rows)
        if (found["new"], found["same"]) != expected:
            sys.exit(f"The import took {found['new']} rows as new and {found['same']} as known.")
        figures = f"{found['wall']:.1f} | {found['cpu']:.1f} | {found['peak']:.0f}"
        lines.append(f"| {rows:,} | {kind} | {which} | {figures} |")
    return lines


def measured(address: str, path: Path) -> dict[str, Any]:
    """What `measure` finds in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.importing", address, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def measure(address: str, path: Path) -> dict[str, float]:
    """Import the file into the database; seconds, MiB and counts."""
    database = Database(address)
    if database.is_sqlite:
        migrate(database)
    now = datetime(2026, 3, 10, tzinfo=UTC)
    with transaction(database) as session:
        _make_territory(session, now)
    wall, cpu = time.perf_counter(), time.process_time()
    report = run_import(
        database,
        [Given(Source(path, path.name), "customers")],
        territory_id="bench",
        choices=Choices(),
        actor=BENCH,
        now=now,
    )
    found = {
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "peak": _peak_mib(),
        "new": report.new,
        "same": report.files[0].same,
    }
    database.close()
    return found


def _peak_mib() -> float:
    """This process' peak memory; getrusage would tell the parent's when that is larger."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def _make_territory(session: Session, now: datetime) -> None:
    if any(found.id == "bench" for found in territories.listed(session)):
        return
    territories.create_organisation(
        session, id="bench", name_zh="局", name_en="Bureau", actor=BENCH, now=now
    )
    territories.create(
        session,
        id="bench",
        organisation_id="bench",
        name_zh="镇",
        name_en="Town",
        zone="Asia/Shanghai",
        boundary={"type": "Polygon", "coordinates": _SQUARE},
        actor=BENCH,
        now=now,
    )


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure(sys.argv[1], Path(sys.argv[2]))))
