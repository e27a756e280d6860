"""The database: one commit, aware instants, versions, two writers."""

import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import Session, select

from dispatch.core import numbers
from dispatch.core.db import (
    Database,
    DatabaseAway,
    StaleVersion,
    UtcDateTime,
    database_now,
    sqlite_driver,
    transaction,
)
from dispatch.core.tables import Alert
from dispatch.registry.tables import Customer
from tests.instants import NOW


def customer(number: str = "C1") -> Customer:
    return Customer(id=number, name="陈大文")


def test_what_fails_leaves_nothing_behind(database: Database) -> None:
    with pytest.raises(RuntimeError), transaction(database) as session:
        session.add(customer())
        session.flush()
        raise RuntimeError

    with database.reading() as session:
        assert session.get(Customer, "C1") is None


def test_reading_never_writes(database: Database) -> None:
    with database.reading() as session:
        session.add(customer())
        session.flush()

    with database.reading() as session:
        assert session.get(Customer, "C1") is None


def test_the_second_to_change_a_row_is_told(database: Database) -> None:
    with transaction(database) as session:
        session.add(customer())
    with database.reading() as session:
        seen = session.exec(select(Customer)).one()
    with transaction(database) as session:
        session.get_one(Customer, "C1").phone = "0769-85110000"

    seen.phone = "0769-85119999"
    with pytest.raises(StaleVersion), transaction(database) as session:
        session.add(seen)
    with database.reading() as session:
        now = session.get_one(Customer, "C1")
        assert (now.phone, now.version) == ("0769-85110000", 2)
        with pytest.raises(StaleVersion, match="you saw version 1, it is now 2"):
            now.expect(1)


def test_instants_come_back_in_utc_and_naive_ones_are_refused(session: Session) -> None:
    shanghai = datetime(2026, 3, 10, 7, 0, tzinfo=timezone(timedelta(hours=8)))
    session.add(Alert(key="a", text="t", first_at=shanghai, last_at=NOW))
    session.flush()
    session.expire_all()

    assert session.get_one(Alert, "a").first_at == datetime(2026, 3, 9, 23, 0, tzinfo=UTC)
    with pytest.raises(ValueError, match="no time zone"):
        UtcDateTime().process_bind_param(datetime(2026, 3, 10), session.get_bind().dialect)


def test_an_unknown_status_is_refused_by_the_database(session: Session) -> None:
    session.add(customer())
    session.flush()

    with pytest.raises(sa.exc.IntegrityError), session.begin_nested():
        session.connection().exec_driver_sql("UPDATE customer SET customer_class = 'Z'")


def test_many_threads_that_read_then_write_lose_no_update(database: Database) -> None:
    def count() -> None:
        for _ in range(25):
            with transaction(database) as session:
                numbers.next_number(session, "test", "T")

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with transaction(database) as session:
        assert numbers.next_number(session, "test", "T") == "T-000101"


def test_the_databases_clock_is_this_machines_clock_here(session: Session) -> None:
    assert abs((database_now(session) - datetime.now(UTC)).total_seconds()) < 2


def test_a_database_that_is_away_is_a_clear_refusal() -> None:
    away = Database("postgresql://nobody@127.0.0.1:1/none")

    with pytest.raises(DatabaseAway, match="nothing was changed"), transaction(away) as session:
        session.execute(sa.text("SELECT 1"))


def test_a_database_file_that_cannot_be_opened_is_a_clear_refusal(tmp_path: Path) -> None:
    (tmp_path / "folder.db").mkdir()
    broken = Database(f"sqlite:///{tmp_path / 'folder.db'}")

    with pytest.raises(DatabaseAway), transaction(broken) as session:
        session.execute(sa.text("SELECT 1"))


def test_the_sqlite_in_use_has_no_known_corruption_bug() -> None:
    assert sqlite_driver().sqlite_version_info >= (3, 44, 6)


def test_safety_settings_hold_on_every_connection(database: Database) -> None:
    of_sqlite = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}
    of_postgresql = {
        "statement_timeout": "10s",
        "lock_timeout": "3s",
        "idle_in_transaction_session_timeout": "30s",
        "TimeZone": "UTC",
        "plan_cache_mode": "force_custom_plan",
    }
    expected, ask = (of_sqlite, "PRAGMA") if database.is_sqlite else (of_postgresql, "SHOW")
    for opened in (transaction(database), database.reading()):
        with opened as session:
            assert expected == {
                name: session.connection().exec_driver_sql(f"{ask} {name}").scalar_one()
                for name in expected
            }


@pytest.mark.sqlite("its writers queue from the beginning, PostgreSQL's do not")
def test_a_writer_holds_the_lock_from_its_begin_and_a_reader_does_not(database: Database) -> None:
    with transaction(database) as writer, pytest.raises(DatabaseAway), database.reading() as reader:
        writer.connection()
        reader.connection().exec_driver_sql("PRAGMA busy_timeout=0")
        assert reader.exec(select(Customer)).all() == []
        reader.connection().exec_driver_sql("ROLLBACK")
        reader.connection().exec_driver_sql("BEGIN IMMEDIATE")
