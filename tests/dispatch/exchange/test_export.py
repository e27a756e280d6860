from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, select

from dispatch.contact import outages
from dispatch.core.db import Database, transaction
from dispatch.exchange.export import FolderNotEmpty, export_folder
from dispatch.exchange.folder import COLUMNS, read_folder
from dispatch.exchange.loading import load_folder
from dispatch.exchange.outage_rows import outage_cells
from dispatch.exchange.sheets import read
from dispatch.registry.hours import Break
from dispatch.registry.tables import Customer, Premises, Shift, ShiftBreak, Territory
from dispatch.registry.territories import NoSuchTerritory
from dispatch.work.queries import pool
from tests.builders.exchange import make_folder
from tests.builders.registry import (
    DISPATCHER,
    make_crew,
    make_customer,
    make_premises,
    make_shift,
)
from tests.conftest import NewDatabase
from tests.instants import DAY, NOW, at


def loaded(database: Database, folder: Path) -> Database:
    load_folder(database, folder=folder, now=NOW)
    return database


def export(database: Database, folder: Path, territory_id: str = "town") -> dict[str, int]:
    return export_folder(database, folder=folder, territory_id=territory_id, day=DAY).rows


def cells(folder: Path, file: str) -> list[dict[str, str]]:
    return [row.cells for row in read(folder, file, COLUMNS[file])]


@pytest.fixture
def other(new_database: NewDatabase) -> Iterator[Database]:
    with new_database() as database:
        yield database


def test_what_is_exported_can_be_loaded_and_is_the_same(
    database: Database, other: Database, tmp_path: Path
) -> None:
    counts = export(loaded(database, make_folder(tmp_path / "in")), tmp_path / "out")

    load_folder(other, folder=tmp_path / "out", now=NOW)

    again = export(other, tmp_path / "again")
    assert counts == again
    for file in COLUMNS:
        assert cells(tmp_path / "out", file) == cells(tmp_path / "again", file), file


def test_the_day_that_an_export_brings_about_is_the_same(
    database: Database, other: Database, tmp_path: Path
) -> None:
    export(loaded(database, make_folder(tmp_path / "in")), tmp_path / "out")
    load_folder(other, folder=tmp_path / "out", now=NOW)

    assert seen(other) == seen(database)


def seen(database: Database) -> list[tuple[object, ...]]:
    with database.reading() as session:
        return sorted(
            (job.work_type.code, job.premises.id, job.priority, str(job.visit.window_start_at),
             str(job.visit.due_at), tuple(job.visit.preferred_crews))
            for job in pool(session, territory_id="town", day=DAY)
        )  # fmt: skip


def test_counts_tell_what_was_written(database: Database, tmp_path: Path) -> None:
    counts = export(loaded(database, make_folder(tmp_path / "in")), tmp_path / "out")

    assert counts["customers.csv"] == 3
    assert counts["orders.csv"] == 3
    assert counts["series.csv"] == 3
    assert read_folder(tmp_path / "out").territory.text("id") == "town"


@pytest.mark.parametrize(
    "name", ['=HYPERLINK("http://example.com")', "+1", "-2", "@now", "'quoted"]
)
def test_an_exported_cell_is_never_a_formula_and_loads_as_it_was(
    database: Database, other: Database, tmp_path: Path, name: str
) -> None:
    with transaction(database) as session:
        make_premises(session, customer=make_customer(session, id="C1", name=name))

    export(database, tmp_path / "out", "humen")
    load_folder(other, folder=tmp_path / "out", now=NOW)

    raw = (tmp_path / "out" / "customers.csv").read_bytes().partition(b"\r\nC1,")[2]
    assert raw.lstrip(b'"').startswith(b"'")
    with other.reading() as session:
        assert session.get_one(Customer, "C1").name == name


def test_a_night_shift_and_several_breaks_come_back(
    database: Database, other: Database, tmp_path: Path
) -> None:
    tomorrow = DAY + timedelta(days=1)
    with transaction(database) as session:
        make_premises(session)
        make_shift(
            session,
            crew=make_crew(session, id="K1"),
            starts=at("21:00"),
            ends=at("06:00", tomorrow),
            breaks=[
                Break(at("23:30"), at("23:45"), 15),
                Break(at("01:00", tomorrow), at("02:00", tomorrow), 45),
            ],
        )

    export(database, tmp_path / "out", "humen")
    load_folder(other, folder=tmp_path / "out", day=DAY, now=NOW)

    assert hours(other) == hours(database)


def hours(database: Database) -> tuple[object, ...]:
    with database.reading() as session:
        shift = session.exec(select(Shift)).one()
        rests = session.exec(select(ShiftBreak)).all()
        return (
            shift.starts_at,
            shift.ends_at,
            *((rest.earliest_at, rest.latest_at, rest.duration_s) for rest in rests),
        )


def test_only_the_territory_asked_for_is_written(database: Database, tmp_path: Path) -> None:
    with transaction(database) as session:
        here = make_premises(session).customer_id
        nowhere = make_customer(session).id
        make_premises(session, territory_id="there")

    export(database, tmp_path / "out", "humen")

    assert [row["id"] for row in cells(tmp_path / "out", "customers.csv")] == [here, nowhere]


def test_nothing_is_written_over(database: Database, tmp_path: Path) -> None:
    loaded(database, make_folder(tmp_path / "in"))

    with pytest.raises(FolderNotEmpty, match="is not empty; name a new folder"):
        export(database, tmp_path / "in")


def test_an_unknown_territory_is_refused(database: Database, tmp_path: Path) -> None:
    with pytest.raises(NoSuchTerritory):
        export(database, tmp_path / "out", "nowhere")

    assert not (tmp_path / "out").exists()


def test_premises_without_a_position_stay_without_one(
    database: Database, other: Database, tmp_path: Path
) -> None:
    export(loaded(database, make_folder(tmp_path / "in")), tmp_path / "out")
    load_folder(other, folder=tmp_path / "out", now=NOW)

    assert lat_of(other, "HM3-1") is None
    assert lat_of(other, "HM1-1") == 22.82


def lat_of(database: Database, premises_id: str) -> float | None:
    session: Session
    with database.reading() as session:
        return session.get_one(Premises, premises_id).lat


def test_a_fault_is_of_its_day_and_no_folder_brings_it_back(database: Database) -> None:
    with transaction(database) as session:
        make_premises(session, feeder="L1")
        planned, fault = (
            outages.announce(
                session, territory_id="humen", starts_at=begin, ends_at=at("18:00"), reason_zh="检修",
                reason_en="work", feeders=["L1"], unplanned=unplanned, actor=DISPATCHER, now=at("10:00"),
            )
            for begin, unplanned in ((at("12:00"), False), (at("09:00"), True))
        )  # fmt: skip
        assert fault.id != planned.id

        written = outage_cells(session, session.get_one(Territory, "humen"), DAY)

    assert [row[0] for row in written] == ["2026-03-10 12:00"]
