"""When the solver fails, the day goes on."""

from sqlmodel import Session

from dispatch.planning import fallback, plans
from dispatch.planning.tables import PlanStatus
from tests.builders.planning import (
    crew_on,
    job,
    published,
    request,
    stop_of,
    visits_on,
)
from tests.builders.registry import DISPATCHER
from tests.instants import DAY, NOW, at


def test_waiting_visits_are_inserted_and_nobody_else_is_moved(session: Session) -> None:
    crew_on(session, "C1")
    crew_on(session, "C2")
    old = [job(session, east=1 + k) for k in range(3)]
    before = published(session)
    crews = {visit.id: stop_of(session, before, visit).crew_id for visit in old}
    new = [job(session, north=1 + k) for k in range(3)]

    plan = fallback.insert_waiting(
        session, territory_id="humen", day=DAY, actor=DISPATCHER, now=NOW
    )

    assert (plan.status, plan.origin) == (PlanStatus.PROPOSED, "insert")
    assert visits_on(session, plan) == sorted(visit.id for visit in [*old, *new])
    assert {visit.id: stop_of(session, plan, visit).crew_id for visit in old} == crews
    plans.publish(session, plan_id=plan.id or 0, actor=DISPATCHER, now=NOW)


def test_a_failed_run_leaves_the_plan_in_force_and_insertion_possible(session: Session) -> None:
    crew_on(session, "C1")
    job(session)
    before = published(session)
    late = job(session, work_type="INT")
    failed = request(session, now=at("09:00"))
    plans.take(session, plan_id=failed.id or 0, now=at("09:00"))
    plans.fail(session, plan_id=failed.id or 0, error="out of memory", now=at("09:00"), final=True)

    assert before.status is PlanStatus.PUBLISHED
    plan = fallback.insert_waiting(
        session, territory_id="humen", day=DAY, actor=DISPATCHER, now=at("09:01")
    )
    assert late.id in visits_on(session, plan)


def test_a_day_without_a_plan_gets_the_naive_rules(session: Session) -> None:
    crew_on(session, "C1")
    visit = job(session)

    plan = fallback.insert_waiting(
        session, territory_id="humen", day=DAY, actor=DISPATCHER, now=NOW
    )

    assert (plan.status, plan.origin) == (PlanStatus.PROPOSED, "naive")
    assert visits_on(session, plan) == [visit.id]
