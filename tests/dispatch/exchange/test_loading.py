import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import select

from dispatch.core.db import Database, transaction
from dispatch.core.tables import Event
from dispatch.desk.tables import Request, RequestStatus
from dispatch.exchange.folder import read_folder
from dispatch.exchange.loading import DayHasBegun, Loaded, day_for, load_folder, loaded_days
from dispatch.exchange.sheets import BadFile
from dispatch.model import metadata
from dispatch.registry.tables import Certificate, Customer, Premises, Shift, ShiftMember
from dispatch.work import catalogue
from dispatch.work.queries import call_list, pool
from dispatch.work.tables import Promise, Series, Visit, VisitRelation, WorkOrder
from tests.builders.exchange import make_folder
from tests.conftest import NewDatabase
from tests.instants import DAY, HUMEN, NOW, at

MONDAY = date(2026, 3, 9)


@pytest.fixture(scope="module")
def kept_database(new_database: NewDatabase) -> Iterator[Database]:
    """A database for all refusals: each leaves it as it was, and it need not be opened forty times."""
    with new_database() as database:
        with transaction(database) as session:
            catalogue.seed(session)
        yield database


def load(
    database: Database, folder: Path, *, day: date | None = None, now: datetime = NOW
) -> Loaded:
    return load_folder(database, folder=folder, day=day, now=now)


def rows(database: Database) -> dict[str, int]:
    """How many rows every table holds."""
    counts = sa.union_all(
        *(
            sa.select(sa.literal(table.name), sa.func.count()).select_from(table)
            for table in metadata.sorted_tables
        )
    )
    with database.reading() as session:
        return {str(name): int(count) for name, count in session.execute(counts)}


def all_of(database: Database, table: type[Any]) -> list[Any]:
    with database.reading() as session:
        return list(session.exec(select(table)))


def test_everything_of_the_day_is_in_the_pool_on_the_call_list_or_at_a_counter(
    database: Database, tmp_path: Path
) -> None:
    loaded = load(database, make_folder(tmp_path))

    with database.reading() as session:
        jobs = pool(session, territory_id="town", day=DAY)
        calls = call_list(session, territory_id="town", day=DAY)
        requests = session.exec(select(Request)).all()
    assert (loaded.day, loaded.already) == (DAY, False)
    assert sorted(job.work_type.code for job in jobs) == ["DATA", "FU-VIS", "LV-INV2", "MTR-XCH"]
    assert [call.work_type.code for call in calls] == ["FU-TEL"]
    assert {request.subject: request.status for request in requests} == {
        "换表": RequestStatus.IN_PROGRESS,
        "Invoice": RequestStatus.RECEIVED,
    }
    assert all(request.owner and request.counter_id for request in requests)


def test_nothing_opens_before_the_day(database: Database, tmp_path: Path) -> None:
    load(database, make_folder(tmp_path), day=DAY + timedelta(days=3))

    with database.reading() as session:
        assert pool(session, territory_id="town", day=DAY + timedelta(days=2)) == []
        assert len(pool(session, territory_id="town", day=DAY + timedelta(days=3))) == 4


def test_windows_due_times_and_wishes_arrive_at_their_visits(
    database: Database, tmp_path: Path
) -> None:
    load(database, make_folder(tmp_path))

    orders = {order.work_type: order for order in all_of(database, WorkOrder)}
    visits = {visit.work_order_id: visit for visit in all_of(database, Visit)}
    exchange, recorder = visits[orders["MTR-XCH"].id], visits[orders["LV-INV2"].id]
    assert (exchange.window_start_at, exchange.window_end_at) == (at("09:00"), at("11:00"))
    assert (recorder.due_at, recorder.preferred_crews) == (at("15:00"), ["K1"])
    assert orders["LV-INV2"].priority == "P3"
    assert orders["MTR-XCH"].owner == orders["LV-INV2"].owner == "fault"
    assert len(all_of(database, Promise)) == 2


def test_ties_name_the_visits_with_their_gaps_in_seconds(
    database: Database, tmp_path: Path
) -> None:
    load(database, make_folder(tmp_path))

    ties = {tie.type: tie for tie in all_of(database, VisitRelation)}
    assert (ties["after"].min_gap_s, ties["after"].max_gap_s) == (1800, None)
    assert len(ties["same_crew"].visits) == 2


def test_shifts_have_their_hours_breaks_and_members(database: Database, tmp_path: Path) -> None:
    load(database, make_folder(tmp_path))

    shifts = {shift.crew_id: shift for shift in all_of(database, Shift)}
    assert (shifts["K1"].starts_at, shifts["K1"].ends_at) == (at("08:00"), at("17:30"))
    assert shifts["K1"].max_overtime_s == 1800
    assert len(all_of(database, ShiftMember)) == 3


def test_certificates_end_relative_to_the_day(database: Database, tmp_path: Path) -> None:
    load(database, make_folder(tmp_path), day=DAY + timedelta(days=5))

    ends = {paper.member_id: paper.valid_until for paper in all_of(database, Certificate)}
    assert ends == {
        "K1-1": DAY + timedelta(days=95),
        "K1-2": date(2040, 1, 1),
        "K2-1": DAY + timedelta(days=4),
    }


@pytest.mark.parametrize(
    ("now", "received"),
    [
        (at("06:55"), [at("19:40", MONDAY), at("06:50")]),
        (at("06:51"), [at("19:39", MONDAY), at("06:49")]),
        (at("00:30"), [at("13:18", MONDAY), at("00:28")]),
        (at("19:00", MONDAY), [at("07:48", MONDAY), at("18:58", MONDAY)]),
    ],
)
def test_requests_were_received_in_the_past_in_their_order_and_at_their_distance(
    database: Database, tmp_path: Path, now: datetime, received: list[datetime]
) -> None:
    load(database, make_folder(tmp_path), day=DAY, now=now)

    assert sorted(request.received_at for request in all_of(database, Request)) == received


@pytest.mark.parametrize(
    ("now", "day"),
    [
        (at("00:30"), DAY),
        (at("07:00"), DAY),
        (at("07:59"), DAY),
        (at("08:00"), DAY + timedelta(days=1)),
        (at("19:00"), DAY + timedelta(days=1)),
        (at("12:00", date(2026, 3, 8)), MONDAY),
        (at("19:00", date(2026, 3, 6)), MONDAY),
        (at("12:00", date(2026, 9, 30)), date(2026, 10, 8)),
    ],
)
def test_a_folder_loads_onto_the_next_working_day_that_has_not_begun(
    tmp_path: Path, now: datetime, day: date
) -> None:
    assert day_for(read_folder(make_folder(tmp_path)), day=None, now=now) == (day, HUMEN)


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles"])
def test_the_machines_own_zone_does_not_matter(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        loaded = load(database, make_folder(tmp_path), now=at("00:30"))
    finally:
        monkeypatch.undo()
        time.tzset()

    assert loaded.day == DAY
    assert {shift.starts_at for shift in all_of(database, Shift)} == {at("08:00"), at("12:00")}


@pytest.mark.parametrize(
    ("day", "said"),
    [(DAY, "its work began at 08:00"), (DAY - timedelta(days=1), "it is over")],
)
def test_a_day_that_has_begun_or_is_over_is_refused_with_the_way_out(
    kept_database: Database, tmp_path: Path, day: date, said: str
) -> None:
    with pytest.raises(DayHasBegun, match=f"{said}.*Choose 2026-03-11 or later"):
        load(kept_database, make_folder(tmp_path), day=day, now=at("09:00"))


def test_a_day_off_may_be_chosen(database: Database, tmp_path: Path) -> None:
    sunday = date(2026, 3, 15)

    assert load(database, make_folder(tmp_path), day=sunday).day == sunday


def test_the_same_day_again_changes_nothing_and_says_so(database: Database, tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    load(database, folder)
    before = rows(database)

    again = load(database, folder, now=NOW + timedelta(minutes=5))

    assert again.already
    assert again.message == "town was already loaded onto 2026-03-10; nothing was changed."
    assert rows(database) == before


def test_another_day_brings_shifts_and_requests_and_keeps_the_registry(
    database: Database, tmp_path: Path
) -> None:
    folder = make_folder(tmp_path)
    load(database, folder)
    tomorrow = DAY + timedelta(days=1)

    loaded = load(database, folder, day=tomorrow)

    with database.reading() as session:
        codes = [job.work_type.code for job in pool(session, territory_id="town", day=tomorrow)]
        assert loaded_days(session, territory_id="town") == [DAY, tomorrow]
    assert loaded.new["customers.csv"] == loaded.new["series.csv"] == loaded.new["due"] == 0
    assert loaded.new["shifts.csv"] == 2
    assert loaded.new["promises.csv"] == 1  # the follow-up is not due again
    assert sorted(codes) == ["DATA", "DATA", "FU-VIS", "LV-INV2", "LV-INV2", "MTR-XCH", "MTR-XCH"]
    assert len(all_of(database, Customer)) == 3


def test_what_a_person_changed_since_is_not_overwritten(database: Database, tmp_path: Path) -> None:
    load(database, make_folder(tmp_path / "a"))

    load(
        database,
        make_folder(tmp_path / "b", customers={(2, "name"): "另一个名字"}),
        day=DAY + timedelta(days=1),
    )

    assert "陈大文" in {customer.name for customer in all_of(database, Customer)}


BAD_CELLS = [
    ("territory", 2, "zone", "Asia/Humen", "is no IANA time zone"),
    ("depots", 2, "lat", "", "give both latitude and longitude"),
    ("depots", 2, "lat", "113.68", "is no latitude"),
    ("counters", 2, "kinds", "faults", "'faults' is not one of billing"),
    ("crews", 2, "name_zh", "", "it is empty"),
    ("certificates", 2, "level", "0", "0 is not in 1..100"),
    ("certificates", 2, "valid_until", "soon", "is no day such as"),
    ("certificates", 2, "valid_until", "day-901", "before it begins"),
    ("stock", 2, "quantity", "-1", "not in 0.."),
    ("stock", 3, "part", "meter", "meter of K1 is there twice"),
    ("shifts", 2, "ends", "07:00", "not after its begin at 08:00"),
    ("shifts", 2, "starts", "8 Uhr", "is no time of day"),
    ("shifts", 3, "crew_id", "K1", "already has the shift"),
    ("shifts", 2, "break_latest", "17:00", "does not lie in the shift"),
    ("shifts", 2, "break_minutes", "", "a break has all of"),
    ("shifts", 3, "members", "K1-1", "K1-1 is not of crew K2"),
    ("customers", 2, "customer_class", "E", "'E' is not one of A, B, C, D"),
    ("customers", 2, "email", "nobody", "is no e-mail address"),
    ("customers", 2, "phone", "call me", "is no telephone number"),
    ("customers", 2, "wants_messages", "maybe", "neither yes nor no"),
    ("premises", 2, "lat", "22,82", "is no number such as 22.8165"),
    ("premises", 2, "lon", "", "give both"),
    ("premises", 2, "lat", "22.70", "lies outside Town"),
    ("premises", 2, "accuracy_m", "-5", "is no accuracy"),
    ("premises", 2, "site_class", "vital", "is not one of ordinary"),
    ("series", 2, "work_type", "NONE", "no work type 'NONE'"),
    ("series", 2, "rrule", "FREQ=HOURLY", "FREQ must be DAILY"),
    ("series", 2, "starts_on", "next week", "is no day such as"),
    ("series", 2, "rrule", "", "class D have no cadence"),
    ("requests", 2, "kind", "gossip", "'gossip' is not one of fault"),
    ("requests", 2, "kind", "complaint", "No counter of territory town takes complaint"),
    ("requests", 2, "received", "yesterday", "is no"),
    ("orders", 2, "work_type", "MTR-XXX", "no work type 'MTR-XXX'"),
    ("orders", 2, "priority", "P9", "'P9' is not one of P0"),
    ("orders", 3, "due", "day-1 15:00", "already over"),
    ("promises", 2, "ends", "08:00", "ends before it begins"),
    ("promises", 2, "starts", "9", "is no time of day"),
    ("promises", 2, "order", "S2", "done by telephone"),
    ("relations", 2, "type", "before", "'before' is not one of after"),
    ("relations", 2, "orders", "V1;V2;V3", "after names two orders"),
    ("relations", 2, "max_gap_minutes", "20", "20 is less than min_gap_minutes, 30"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "row", "column", "value", "said"), BAD_CELLS)
def test_a_refused_file_names_file_row_and_column_and_leaves_nothing_behind(
    kept_database: Database,
    tmp_path: Path,
    file: str,
    row: int,
    column: str,
    value: str,
    said: str,
) -> None:
    before = rows(kept_database)

    with pytest.raises(BadFile) as refusal:
        load(kept_database, make_folder(tmp_path, **{file: {(row, column): value}}))

    assert refusal.value.message.startswith(f"{file}.csv, row {row}, column ")
    assert said in refusal.value.message
    assert rows(kept_database) == before


def test_swapped_coordinates_are_said_to_be_swapped(database: Database, tmp_path: Path) -> None:
    folder = make_folder(tmp_path, premises={(2, "lat"): "113.67", (2, "lon"): "22.82"})

    with pytest.raises(BadFile, match=r"premises\.csv, row 2, column lat: .* are swapped"):
        load(database, folder)


def test_premises_without_a_position_are_loaded_all_the_same(
    database: Database, tmp_path: Path
) -> None:
    load(database, make_folder(tmp_path))

    assert {row.id: row.lat for row in all_of(database, Premises)}["HM3-1"] is None


def test_a_loading_tells_how_far_it_is(database: Database, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []

    load_folder(
        database,
        folder=make_folder(tmp_path),
        now=NOW,
        progress=lambda file, done, whole: told.append((file, done, whole)),
    )

    assert ("customers.csv", 3, 3) in told
    assert ("orders.csv", 3, 3) in told


def test_one_event_tells_of_the_loading(database: Database, tmp_path: Path) -> None:
    load(database, make_folder(tmp_path))

    with database.reading() as session:
        event = session.exec(select(Event).where(Event.type == "territory.loaded")).one()
    assert event.data["day"] == "2026-03-10"
    assert event.data["new"]["customers.csv"] == 3
    assert len(all_of(database, Series)) == 3


def test_a_wall_time_that_the_spring_change_skips_is_refused(
    database: Database, tmp_path: Path
) -> None:
    folder = make_folder(
        tmp_path,
        territory={(2, "zone"): "Europe/Berlin"},
        shifts={(2, "starts"): "02:30"},
    )

    with pytest.raises(BadFile, match=r"shifts\.csv, row 2, column starts: .* does not exist"):
        load(database, folder, day=date(2026, 3, 29))
