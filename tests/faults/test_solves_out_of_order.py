"""Two solves of a day end in the wrong order: the plan that was asked for last stands."""

import random

import pytest
from sqlmodel import Session, select

from dispatch.core.db import Database, transaction
from dispatch.core.tables import Event
from dispatch.planning import plans, states
from dispatch.planning.plans import NotProposed
from dispatch.planning.runs import Taken
from dispatch.planning.tables import Plan, PlanStatus
from tests.builders.planning import crew_on, job, request, solved
from tests.builders.registry import DISPATCHER
from tests.faults.counts import times
from tests.faults.racing import Copies
from tests.instants import DAY, NOW, minutes

pytestmark = pytest.mark.faults

SEED = 20260322


def taken(session: Session, plan: Plan) -> Taken:
    found = plans.take(session, plan_id=plan.id or 0, now=NOW)
    assert found is not None
    return found


def asked_twice(database: Database, *, new_visit_at: float | None) -> tuple[Taken, Taken]:
    """Two requests, each with its run under way; in between comes a visit so many kilometres away, or none."""
    with transaction(database) as session:
        older = taken(session, request(session))
    if new_visit_at is not None:
        with transaction(database) as session:
            job(session, east=new_visit_at)
    with transaction(database) as session:
        return older, taken(session, request(session))


def ended(database: Database, run: Taken, *, late_s: float) -> PlanStatus:
    """What becomes of the run's plan when its answer comes."""
    with transaction(database) as session:
        moment = NOW + minutes(late_s / 60)
        answer = solved(run.document)
        return plans.propose(session, plan_id=run.plan_id, answer=answer, now=moment).status


def publish(database: Database, run: Taken) -> None:
    with transaction(database) as session:
        plans.publish(session, plan_id=run.plan_id, actor=DISPATCHER, now=NOW)


def a_day(database: Database) -> None:
    with transaction(database) as session:
        crew_on(session, "C1")
        for number in range(3):
            job(session, east=1 + number)


def test_the_newer_requests_plan_stands_when_the_older_solve_ends_last(copies: Copies) -> None:
    chance = random.Random(SEED)
    rounds = times(5, 100)
    with copies.open() as database:
        a_day(database)
        for round in range(rounds):
            older, newer = asked_twice(
                database, new_visit_at=chance.choice([None, chance.uniform(1, 6)])
            )

            assert ended(database, newer, late_s=1) is PlanStatus.PROPOSED, f"seed {SEED}, {round}"
            assert ended(database, older, late_s=2) is PlanStatus.SUPERSEDED, (
                f"seed {SEED}, {round}"
            )
            with database.reading() as session:
                newest = states.newest(session, territory_id="humen", day=DAY)
                assert newest is not None
                assert (newest.id, newest.status) == (newer.plan_id, PlanStatus.PROPOSED)
            with pytest.raises(NotProposed):
                publish(database, older)
        with database.reading() as session:
            late = session.exec(select(Event).where(Event.type == "plan.answer_late")).all()
        assert len(late) == rounds, "every older answer did come, and too late"


def test_without_superseding_the_older_answer_becomes_a_plan_to_publish(
    copies: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    with copies.open() as database:
        a_day(database)
        with monkeypatch.context() as broken:
            broken.setattr(states, "in_states", lambda *_, **__: [])
            older, newer = asked_twice(database, new_visit_at=None)
        ended(database, newer, late_s=1)

        assert ended(database, older, late_s=2) is PlanStatus.PROPOSED
        publish(database, older)
