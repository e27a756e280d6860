"""The board's page: everything on it, in few statements, however large the day is."""

from datetime import datetime

import pytest
from sqlmodel import Session

from dispatch.core.db import Database, transaction
from dispatch.planning import heads, queries
from dispatch.planning.problem import build
from dispatch.planning.queries import BoardPage
from dispatch.planning.reading import read_board
from dispatch.planning.states import NoSuchPlan
from dispatch.planning.tables import PlanStatus
from dispatch.registry import shifts
from dispatch.registry.territories import NoSuchTerritory
from dispatch.work import visits
from tests.builders.planning import (
    crew_on,
    finish,
    job,
    large_day,
    large_plan,
    proposed,
    published,
    request,
    work_on,
)
from tests.builders.registry import DISPATCHER, make_crew, make_territory
from tests.builders.work import make_order
from tests.instants import DAY, NOW, at
from tests.pace import quickest
from tests.statements import counted


def board(
    session: Session, plan_id: int | None = None, *, now: datetime | None = None
) -> BoardPage:
    return queries.board(session, territory_id="humen", day=DAY, plan_id=plan_id, now=now)


def reasons(page: BoardPage) -> dict[str, str]:
    return {row.visit.id: row.reason for row in page.queue}


def test_a_day_without_a_plan_shows_its_crews_and_what_waits(session: Session) -> None:
    crew_on(session, "C1")
    make_crew(session, id="C2")
    low, high = job(session), job(session, work_type="INT")

    page = board(session)

    assert page.plan is None
    assert [(row.crew_id, row.shift_id) for row in page.crews] == [
        ("C1", "C1-20260310"),
        ("C2", None),
    ]
    assert [row.visit.id for row in page.queue] == [high.id, low.id], "the most urgent first"
    assert set(reasons(page).values()) == {"unplanned"}


def test_a_plan_shows_its_stops_its_routes_and_what_it_leaves_out(session: Session) -> None:
    crew_on(session, "C1")
    first = job(session, due_at=at("08:01"))
    big = job(session, minutes=900)
    nowhere = job(session, located=False)
    make_order(session, work_type="FU-TEL", earliest_day=DAY)
    plan = proposed(session)
    late = job(session)

    page = board(session)

    assert page.plan is not None
    assert (page.plan.id, page.plan.status) == (plan.id, PlanStatus.PROPOSED)
    (row,) = page.crews
    (stop,) = row.stops
    assert (stop.visit.id, stop.on_plan, stop.visit.work_type) == (first.id, True, "SAFE-DIS")
    assert stop.late_s == stop.travel_s - 60
    assert row.departs_at == at("08:00")
    assert row.travel_s == 2 * stop.travel_s
    assert reasons(page) == {big.id: "shift_hours", nowhere.id: "no_position", late.id: "new"}
    hints = {entry.visit.id: entry.hint for entry in page.queue}
    assert hints[big.id]
    assert "map" in hints[nowhere.id]
    assert (page.call_list, page.at_counters) == (1, 0)


def test_the_day_keeps_what_was_finished_before_a_later_plan(session: Session) -> None:
    crew_on(session, "C1")
    done, busy, rest = (job(session, east=1 + k) for k in range(3))
    published(session)
    finish(session, done, began=at("08:05"), now=at("08:40"))
    work_on(session, busy, now=at("08:50"))
    published(session, now=at("09:00"))

    (row,) = board(session).crews

    assert [(stop.visit.id, stop.on_plan) for stop in row.stops] == [
        (done.id, False),
        (busy.id, True),
        (rest.id, True),
    ]
    assert row.stops[0].start_at == at("08:05")


def test_what_a_crew_declined_waits_again(session: Session) -> None:
    crew_on(session, "C1")
    visit, other = job(session), job(session, east=2)
    published(session)
    visits.act(session, visit, "decline", actor=DISPATCHER, now=NOW, reason="too_far")

    page = board(session)

    assert [stop.visit.id for stop in page.crews[0].stops] == [other.id]
    assert [(row.visit.id, row.reason, row.hint) for row in page.queue] == [
        (visit.id, "returned", "too_far")
    ]


def test_the_plan_in_force_is_shown_unless_another_is_asked_for(session: Session) -> None:
    crew_on(session, "C1")
    job(session)
    first = published(session)
    second = proposed(session)
    request(session)

    page = board(session)

    assert page.plan is not None
    assert page.in_force is not None
    assert page.plan.id == page.in_force.id == first.id
    assert [head.number for head in page.plans] == [3, 2, 1]
    other = board(session, second.id)
    assert other.plan is not None
    assert (other.plan.id, other.in_force) == (second.id, page.in_force)
    with pytest.raises(NoSuchPlan):
        board(session, 999)


def test_an_absent_crew_is_shown_as_such(session: Session) -> None:
    shift = crew_on(session, "C1")
    job(session)
    published(session)
    shifts.mark_absent(session, shift_id=shift.id, reason="ill", actor=DISPATCHER, now=NOW)

    assert [row.absent for row in board(session).crews] == [True]


def test_an_empty_territory_has_an_empty_board(session: Session) -> None:
    make_territory(session)

    page = board(session)

    assert (page.crews, page.queue, page.plans) == ((), (), ())
    with pytest.raises(NoSuchTerritory):
        queries.board(session, territory_id="nowhere", day=DAY)


def test_a_plan_stands_beside_the_naive_rule(session: Session) -> None:
    crew_on(session, "C1")
    job(session)
    plan = proposed(session)

    found = heads.compare_naive(session, plan_id=plan.id or 0)

    assert found["plan"]["visits"] == found["naive"]["visits"] == 1
    assert "naive" not in found["plan"]
    assert heads.compare_naive(session, plan_id=request(session).id or 0) == {}


def test_the_board_takes_as_many_statements_for_many_visits_as_for_few(
    database: Database, session: Session
) -> None:
    large_day(session, crews=2, visits=5)
    proposed(session)
    with counted(database) as few:
        board(session)
    with counted(database) as few_reads:
        read_board(session, territory_id="humen", day=DAY)
    for number in range(3):
        crew_on(session, f"C{number}")
        job(session, east=number)
    proposed(session)

    with counted(database) as many:
        board(session)
    with counted(database) as many_reads:
        read_board(session, territory_id="humen", day=DAY)

    assert len(few) == len(many) <= 14
    assert len(few_reads) == len(many_reads) <= 16


def test_a_thousand_visits_and_a_hundred_crews_are_shown_at_once(database: Database) -> None:
    with transaction(database) as session:
        large_day(session, crews=100, visits=1000)
        plan_id = large_plan(session, crews=100, visits=1000).id
    with database.reading() as session:
        board(session)

        def shown() -> None:
            session.expunge_all()
            board(session, now=NOW)

        took = quickest(shown)
        page = board(session, now=NOW)

    assert page.plan is not None
    assert page.plan.id == plan_id
    assert sum(len(row.stops) for row in page.crews) + len(page.queue) == 1000
    most = 0.2 if database.is_sqlite else 0.4  # PostgreSQL's process wants a core of its own
    assert took < most


def test_a_large_problem_is_built_in_a_second(database: Database) -> None:
    with transaction(database) as session:
        large_day(session, crews=100, visits=1000)
    with database.reading() as session:
        built = build(session, territory_id="humen", day=DAY, now=NOW)
        took = quickest(lambda: build(session, territory_id="humen", day=DAY, now=NOW), times=3)

    assert len(built.problem.visits) == 1000
    assert took < 1.0
