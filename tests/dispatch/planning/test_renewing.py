"""What still holds of a plan whose board has moved."""

import pytest
from sqlmodel import Session

from dispatch.core.db import StaleVersion
from dispatch.planning import edits, plans
from dispatch.planning.plans import BoardMoved, Published
from dispatch.planning.tables import Plan
from dispatch.registry import shifts
from tests.builders.planning import crew_on, job, left_out, proposed, published, stops
from tests.builders.registry import DISPATCHER
from tests.instants import NOW

ONE, TWO = "C1-20260310", "C2-20260310"


def ill(session: Session, shift_id: str) -> None:
    shifts.mark_absent(session, shift_id=shift_id, reason="ill", actor=DISPATCHER, now=NOW)


def publish(session: Session, plan: Plan) -> Published:
    return plans.publish(session, plan_id=plan.id or 0, actor=DISPATCHER, now=NOW)


def renew(session: Session, plan: Plan, **more: int) -> Plan:
    return edits.renew(session, plan_id=plan.id or 0, actor=DISPATCHER, now=NOW, **more)


def test_what_still_fits_is_published_and_the_rest_waits_with_its_reason(session: Session) -> None:
    for crew in ("C1", "C2"):
        crew_on(session, crew)
    first, second, third = (job(session, east=1 + k) for k in range(3))
    plan = proposed(session, orders={ONE: [first.id, second.id], TWO: [third.id]})
    ill(session, TWO)
    with pytest.raises(BoardMoved, match="shifts changed"):
        publish(session, plan)

    kept = renew(session, plan)
    publish(session, kept)

    assert kept.id != plan.id
    assert stops(session, kept) == {"C1": [first.id, second.id]}
    assert list(left_out(session, kept)) == [third.id]
    assert (first.crew_id, third.crew_id) == ("C1", None)


def test_a_change_that_does_not_hold_leaves_the_visit_with_the_crew_that_has_it(
    session: Session,
) -> None:
    for crew in ("C1", "C2"):
        crew_on(session, crew)
    first, second = job(session, east=1), job(session, east=2)
    published(session, orders={ONE: [first.id, second.id]})
    plan = proposed(session, orders={ONE: [second.id], TWO: [first.id]})
    ill(session, TWO)

    told = publish(session, renew(session, plan)).told

    assert (first.crew_id, second.crew_id) == ("C1", "C1")
    assert "withdrawn" not in {line.change for line in told}


def test_what_the_plan_meant_to_take_back_is_taken_back(session: Session) -> None:
    for crew in ("C1", "C2"):
        crew_on(session, crew)
    first, second = job(session, east=1), job(session, east=2)
    published(session, orders={ONE: [first.id, second.id]})
    plan = proposed(session, orders={ONE: [second.id]})
    ill(session, TWO)

    publish(session, renew(session, plan))

    assert (first.crew_id, second.crew_id) == (None, "C1")


def test_only_the_plan_that_was_seen_is_renewed(session: Session) -> None:
    crew_on(session, "C1")
    plan = proposed(session)

    with pytest.raises(StaleVersion):
        renew(session, plan, expect=plan.version + 1)
