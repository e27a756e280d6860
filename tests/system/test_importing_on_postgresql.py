"""Files are imported on PostgreSQL as on SQLite: whole or not at all, once, and by one of two who try at once."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import select

from dispatch.core.db import Database, DatabaseAway
from dispatch.core.errors import DispatchError
from dispatch.exchange import checking
from dispatch.exchange.importing import ChangedMeanwhile
from dispatch.exchange.kind_export import exported_lines
from dispatch.exchange.report import Ending, Report
from dispatch.exchange.sources import Record, Source, csv_records
from dispatch.registry.tables import Customer
from tests.builders.importing import csv_file, imported, make_town
from tests.dispatch.exchange.test_importing import everything, rows

pytestmark = pytest.mark.system


def count(database: Database) -> int:
    with database.reading() as session:
        return session.exec(select(sa.func.count()).select_from(Customer)).one()


def test_files_of_every_kind_are_imported_once_and_exported(
    postgresql: Database, tmp_path: Path
) -> None:
    make_town(postgresql, tmp_path)
    files = everything(tmp_path)
    imported(postgresql, *files, dry_run=True)
    assert count(postgresql) == 3

    first = imported(postgresql, *files)
    before = rows(postgresql)
    again = imported(postgresql, *files, update=True)

    assert (first.ending, first.new, first.problem_count) == (Ending.IMPORTED, 14, 0)
    assert (again.ending, again.new, again.changed) == (Ending.IMPORTED, 0, 0)
    assert rows(postgresql) == before
    with postgresql.reading() as session:
        text = "".join(exported_lines(session, kind="shifts", territory_id="town"))
    assert "K9,2026-04-02,20:00,day+1 06:00,,,,0,K9-1\r\n" in text


def test_known_rows_are_updated(postgresql: Database, tmp_path: Path) -> None:
    make_town(postgresql, tmp_path)
    path = csv_file(tmp_path, "c.csv", "id,name,customer_class", "HM1,陈小文,A", "HM2,Pearl,C")

    report = imported(postgresql, (path, "customers"), update=True)

    assert report.changed == 2
    with postgresql.reading() as session:
        customer = session.get_one(Customer, "HM2")
        assert (customer.name, customer.customer_class, customer.version) == ("Pearl", "C", 2)


def test_of_two_at_the_same_moment_one_is_taken_and_the_other_takes_nothing(
    postgresql: Database, tmp_path: Path
) -> None:
    make_town(postgresql, tmp_path)
    path = csv_file(tmp_path, "c.csv", "id,name", *(f"A{n},甲" for n in range(3000)))
    gate, outcomes = threading.Barrier(2), list[Report | DispatchError]()

    def take() -> None:
        gate.wait(10)
        try:
            outcomes.append(imported(postgresql, (path, "customers")))
        except (ChangedMeanwhile, DatabaseAway) as refusal:
            outcomes.append(refusal)

    threads = [threading.Thread(target=take) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    taken = [outcome.new for outcome in outcomes if isinstance(outcome, Report)]
    assert len(outcomes) == 2
    assert sum(taken) == 3000
    assert count(postgresql) == 3003


def test_a_file_that_takes_longer_to_read_than_a_transaction_may_idle_is_imported(
    postgresql: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_town(postgresql, tmp_path)

    @sa.event.listens_for(postgresql.engine, "checkout")
    def _impatient(connection: Any, _record: object, _proxy: object) -> None:
        connection.execute("SET idle_in_transaction_session_timeout = '200ms'")

    def slowly(source: Source, encoding: str) -> Iterator[Record]:
        for record in csv_records(source, encoding):
            time.sleep(0.5)
            yield record

    monkeypatch.setattr(checking, "csv_records", slowly)
    path = csv_file(tmp_path, "c.csv", "id,name", "A1,甲", "A2,乙")

    assert imported(postgresql, (path, "customers")).new == 2
