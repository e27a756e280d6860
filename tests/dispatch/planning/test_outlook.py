"""The days ahead as one problem: what may be done when, what stays, and what is left out of all of them."""

from datetime import date, timedelta

import pytest
from sqlmodel import Session

from dispatch.planning.outlook import BadHorizon, Outlook, build_outlook, told
from dispatch.planning.problem import Built
from dispatch.registry.tables import Crew
from dispatch.work import promises
from dispatch.work.tables import Visit, VisitRelation
from optimizer.check import check
from optimizer.plan import Plan
from optimizer.solve import Limits, solve
from tests.builders.planning import crew_on, job, published
from tests.builders.registry import DISPATCHER, make_shift
from tests.instants import DAY, NOW, at

NEXT = DAY + timedelta(days=1)
LAST = DAY + timedelta(days=2)


def works(session: Session, name: str, *days: date) -> None:
    """A crew with a shift on each of these days."""
    crew_on(session, name, day=days[0])
    for day in days[1:]:
        make_shift(session, crew=session.get_one(Crew, name), day=day)


def week(session: Session, *, days: int = 3) -> Built:
    return build_outlook(session, territory_id="humen", first=DAY, days=days, now=NOW)


def solved(built: Built) -> Plan:
    plan = solve(built.problem, Limits(iterations=2000))
    assert check(built.problem, plan).ok
    return plan


def looked(session: Session, *, days: int = 3) -> Outlook:
    built = week(session, days=days)
    return told(built, solved(built))


def shift_of(session: Session, visit: Visit) -> str | None:
    answer = solved(week(session))
    return next((r.shift for r in answer.routes for s in r.stops if s.visit == visit.id), None)


def test_what_does_not_fit_today_is_done_on_a_later_day(session: Session) -> None:
    works(session, "C1", DAY, NEXT)
    for _ in range(3):
        job(session, minutes=240)

    found = looked(session)

    assert [day.day for day in found.days] == [DAY, NEXT, LAST]
    assert sum(day.visits for day in found.days) == 3
    assert [day.visits for day in found.days][2] == 0, "nobody works on the last day"
    assert found.left_out == ()
    assert all(0 < load.share <= 1 for day in found.days[:2] for load in day.crews)


def test_a_visit_is_not_done_before_its_earliest_day(session: Session) -> None:
    works(session, "C1", DAY, NEXT, LAST)
    visit = job(session, day=LAST)

    assert shift_of(session, visit) == "C1-20260312"


def test_a_deadline_makes_the_earlier_day_cheaper(session: Session) -> None:
    works(session, "C1", DAY, LAST)
    plain, pressing = job(session, minutes=400), job(session, minutes=400)
    pressing.due_at = at("12:00")
    session.flush()

    answer = solved(week(session))

    days = {s.visit: r.shift for r in answer.routes for s in r.stops}
    assert days == {pressing.id: "C1-20260310", plain.id: "C1-20260312"}


def test_late_is_better_than_not_at_all(session: Session) -> None:
    crew_on(session, "C1", day=LAST)
    visit = job(session)
    visit.due_at = at("09:00")
    session.flush()

    assert shift_of(session, visit) == "C1-20260312"


def test_a_promised_window_is_kept_on_its_day(session: Session) -> None:
    works(session, "C1", DAY, NEXT)
    visit = job(session)
    promises.book(
        session,
        visit,
        start_at=at("14:00", NEXT),
        end_at=at("16:00", NEXT),
        actor=DISPATCHER,
        now=NOW,
    )

    assert shift_of(session, visit) == "C1-20260311"


def test_what_is_published_stays_on_its_shift(session: Session) -> None:
    crew_on(session, "C1")
    visit = job(session, minutes=300)
    published(session)
    works(session, "C2", DAY, NEXT)
    job(session, minutes=300)

    assert shift_of(session, visit) == "C1-20260310"


def test_a_relation_holds_over_the_days(session: Session) -> None:
    works(session, "C1", DAY, NEXT)
    first, second = job(session, day=NEXT), job(session)
    session.add(VisitRelation(territory_id="humen", type="after", visits=[first.id, second.id]))
    session.flush()

    answer = solved(week(session))

    starts = {s.visit: s.start for r in answer.routes for s in r.stops}
    assert starts[second.id] > starts[first.id] >= 24 * 3600


def test_what_fits_on_no_day_is_left_out_with_its_reason(session: Session) -> None:
    works(session, "C1", DAY, NEXT)
    skilled, nowhere = job(session, work_type="OUT-CBL"), job(session, located=False)

    found = looked(session)

    assert {row.visit_id: row.reason for row in found.left_out} == {
        skilled.id: "skill",
        nowhere.id: "no_position",
    }


@pytest.mark.parametrize("days", [0, 8, -1])
def test_a_horizon_is_of_one_to_seven_days(session: Session, days: int) -> None:
    with pytest.raises(BadHorizon):
        week(session, days=days)
