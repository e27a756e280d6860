"""The Humen example: made the same each time, and loadable at any hour onto a day that opens complete."""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from dispatch.contact import preferences
from dispatch.contact.tables import OutageNotice
from dispatch.core.db import Database
from dispatch.core.tables import Task
from dispatch.desk.tables import Request
from dispatch.exchange.folder import read_folder
from dispatch.exchange.loading import load_folder, loaded_days
from dispatch.planning.problem import build
from dispatch.registry.geometry import contains
from dispatch.registry.queries import crews_of_day
from dispatch.registry.tables import Customer, Depot, Premises
from dispatch.work.queries import call_list, pool
from dispatch.work.tables import Promise, Visit, VisitRelation, WorkOrder
from optimizer.check import check
from optimizer.naive import naive
from optimizer.solve import Limits, solve
from tests.conftest import NewDatabase
from tests.instants import DAY, at

HUMEN = Path(__file__).parents[3] / "examples" / "humen"
MONDAY = date(2026, 3, 9)


def generate(folder: Path, seed: str) -> dict[str, bytes]:
    """What the generator writes, with another order of Python's sets and dictionaries by `seed`."""
    folder.mkdir()
    subprocess.run(
        [sys.executable, str(HUMEN / "generate.py"), str(folder)],
        check=True,
        env={"PYTHONHASHSEED": seed, "PYTHONDONTWRITEBYTECODE": "1"},
        timeout=60,
    )
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_generator_writes_the_same_bytes_each_time_as_are_kept_here(tmp_path: Path) -> None:
    first = generate(tmp_path / "a", "1")
    kept = {
        path.name: path.read_bytes()
        for path in HUMEN.iterdir()
        if path.suffix != ".py" and path.is_file()
    }

    assert first == generate(tmp_path / "b", "2")
    assert {name: kept.get(name) for name in first} == first


def test_nobody_in_it_could_be_real() -> None:
    folder = read_folder(HUMEN)

    people = folder.sheets["customers.csv"]
    numbers = [
        row.cells["phone"]
        for file in ("customers.csv", "crews.csv", "members.csv")
        for row in folder.sheets[file]
    ]
    assert all(
        number.startswith("+86 769 000") for number in numbers
    )  # no local number begins with 0
    mails = {row.cells["email"].partition("@")[2] for row in people}
    assert mails == {"", "example.com", "example.org"}


def test_all_of_it_lies_on_the_land_of_humen_and_not_in_one_spot() -> None:
    folder = read_folder(HUMEN)
    rows = [row for file in ("premises.csv", "depots.csv") for row in folder.sheets[file]]

    points = [
        (float(row.cells["lat"]), float(row.cells["lon"])) for row in rows if row.cells["lat"]
    ]
    outline = folder.boundary["coordinates"][0]

    assert all(contains(folder.boundary, lat, lon) for lat, lon in points)
    assert all(22.75 <= lat <= 22.87 and 113.60 <= lon <= 113.74 for lon, lat in outline)
    assert not contains(folder.boundary, 22.81, 113.6475)  # the Taiping waterway
    assert contains(folder.boundary, 22.80, 113.62)  # Weiyuan island
    assert len({(round(lat, 2), round(lon, 2)) for lat, lon in points}) > 60


@pytest.fixture(scope="module")
def at_half_past_midnight(new_database: NewDatabase) -> Iterator[Database]:
    """A database onto which the example was loaded at 00:30, on a machine in UTC."""
    with new_database() as database:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TZ", "UTC")
            time.tzset()
            began = time.monotonic()
            load_folder(database, folder=HUMEN, now=at("00:30"))
            assert time.monotonic() - began < 30, "far more than the 4 s it takes alone"
        time.tzset()
        yield database


def test_it_loads_at_half_past_midnight_on_a_machine_in_utc(
    at_half_past_midnight: Database,
) -> None:
    check_that_it_opens_complete(at_half_past_midnight, now=at("00:30"), day=DAY)


def test_a_planned_outage_is_announced_of_which_one_customer_is_told_by_letter(
    at_half_past_midnight: Database,
) -> None:
    with at_half_past_midnight.reading() as session:
        (notice,) = session.exec(select(OutageNotice)).all()
        customers = select(Premises.customer_id).where(col(Premises.id).in_(notice.premises))
        wished = preferences.of_all(session, list(session.exec(customers)))
        tasks = session.exec(select(Task.kind).where(Task.kind == "message.planned_outage")).all()

    assert notice.starts_at == at("09:00", DAY + timedelta(days=3))
    assert len(wished) == 24
    assert [one.channels for one in wished.values() if one.channels == ("print",)] == [("print",)]
    assert len(tasks) == 1


@pytest.mark.parametrize(
    ("now", "day"),
    [
        (at("07:00"), DAY),
        (at("19:00"), DAY + timedelta(days=1)),
        (at("10:00", date(2026, 3, 8)), MONDAY),
    ],
    ids=["07:00", "19:00", "Sunday"],
)
def test_it_loads_at_any_hour_onto_a_day_that_opens_complete(
    database: Database, now: datetime, day: date
) -> None:
    load_folder(database, folder=HUMEN, now=now)

    check_that_it_opens_complete(database, now=now, day=day)


def check_that_it_opens_complete(database: Database, *, now: datetime, day: date) -> None:
    """Everything of the day is in the pool, on the call list or at a counter, and was received before `now`."""
    with database.reading() as session:
        jobs = pool(session, territory_id="humen", day=day)
        calls = call_list(session, territory_id="humen", day=day)
        requests = session.exec(select(Request)).all()
        with_order = set(session.exec(select(WorkOrder.request_id)))
        before = pool(session, territory_id="humen", day=day - timedelta(days=1))
        promised = session.exec(select(sa.func.count()).select_from(Promise)).one()
        orders = session.exec(select(sa.func.count()).select_from(WorkOrder)).one()
        assert loaded_days(session, territory_id="humen") == [day]
    questions = [request for request in requests if request.id not in with_order]
    assert (len(jobs), len(calls), len(questions)) == (105, 35, 20)
    assert orders == len(jobs) + len(calls)  # nothing lies anywhere else
    assert before == []
    assert all(request.counter_id and request.owner for request in requests)
    assert max(request.received_at for request in requests) < now
    assert min(request.received_at for request in requests) > now - timedelta(hours=14)
    assert 0.4 * len(jobs) < promised < 0.6 * len(jobs)
    assert all(visit_is_on(job.visit, day) for job in jobs)


def visit_is_on(visit: Visit, day: date) -> bool:
    """Whether the promise, if there is one, binds the visit to this local day."""
    starts, ends = visit.window_start_at, visit.window_end_at
    if starts is None or ends is None:
        return visit.earliest_day == day
    return at("00:00", day) <= starts < ends <= at("23:59", day)


def test_loading_it_again_changes_nothing(at_half_past_midnight: Database) -> None:
    again = load_folder(at_half_past_midnight, folder=HUMEN, now=at("00:31"))

    assert again.already
    assert again.day == DAY


def test_it_has_what_a_day_of_a_branch_has(at_half_past_midnight: Database) -> None:
    with at_half_past_midnight.reading() as session:
        crews = crews_of_day(session, territory_id="humen", day=DAY)
        jobs = pool(session, territory_id="humen", day=DAY)
        ties = session.exec(select(VisitRelation)).all()
        depots = session.exec(select(sa.func.count()).select_from(Depot)).one()
        customers = session.exec(select(sa.func.count()).select_from(Customer)).one()
        lost = session.exec(select(sa.func.count()).where(col(Premises.lat).is_(None))).one()
        sites = Counter(session.exec(select(Premises.site_class)))
        classes = Counter(session.exec(select(Customer.customer_class)))
        languages = Counter(session.exec(select(Customer.language)))
    assert (depots, len(crews), customers) == (3, 14, 2000)
    assert sum(shift.shift.ends_at > at("19:00") for shift in crews) == 2
    assert all(shift.breaks and shift.members for shift in crews)
    assert {paper.skill for shift in crews for paper in shift.skills.expired} == {"PV", "FA"}
    assert sorted(tie.type for tie in ties) == ["after", "after", "same_crew", "together"]
    assert len({job.work_type.code for job in jobs}) >= 25
    assert all(job.premises.lat is not None for job in jobs)
    assert lost == 9
    assert min(sites["life_support"], sites["critical"], sites["essential"]) >= 20
    assert set(classes) == {"A", "B", "C", "D"}
    assert languages["en"] > 50


def test_a_good_plan_leaves_out_five_visits_each_for_a_reason_of_its_own(
    at_half_past_midnight: Database,
) -> None:
    with at_half_past_midnight.reading() as session:
        built = build(session, territory_id="humen", day=DAY, now=at("00:30"))

    plan = solve(built.problem, Limits(iterations=20_000), seed=1)
    by_hand = naive(built.problem)

    assert built.unplaceable == ()
    assert sorted(left.reason for left in plan.unserved) == [
        "capacity",
        "members",
        "parts",
        "skill",
        "window",
    ]
    assert len(by_hand.unserved) >= 15
    assert check(built.problem, plan).violations == check(built.problem, by_hand).violations == ()
