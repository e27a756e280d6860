"""When the solver fails: the plan in force stays, and waiting visits are inserted into it one by one."""

from datetime import date, datetime

from sqlmodel import Session

from dispatch.core.events import Actor
from dispatch.planning import runs, states
from dispatch.planning.editing import NoPlanYet, Standing, current, propose_edit, stand
from dispatch.planning.engine import Engine, in_process
from dispatch.planning.tables import Plan
from optimizer.plan import Plan as Answer


def insert_waiting(
    session: Session,
    *,
    territory_id: str,
    day: date,
    actor: Actor,
    now: datetime,
    engine: Engine = in_process,
) -> Plan:
    """Propose the day's plan with every waiting visit at its cheapest free place, the most urgent first.

    It needs no solver and moves no planned visit to another crew. A day without any plan gets the naive rule's.
    Raises NoSuchTerritory, DayOver, BoardRefused.
    """
    states.refuse_past_day(session, territory_id, day, now=now)
    try:
        plan = current(session, territory_id=territory_id, day=day)
    except NoPlanYet:
        return runs.request_plan(
            session,
            territory_id=territory_id,
            day=day,
            options={"engine": "naive"},
            actor=actor,
            now=now,
        )
    standing = stand(session, plan, now=now)
    answer = _filled(standing, engine)
    return propose_edit(session, standing, answer, origin="insert", actor=actor, now=now)


def _filled(standing: Standing, engine: Engine) -> Answer:
    problem = standing.problem
    answer = engine.retime(problem, standing.orders)
    left = {entry.visit for entry in answer.unserved}
    waiting = [visit for visit in problem.visits if visit.id in left]
    for visit in sorted(waiting, key=lambda visit: (-visit.unserved_cost, visit.id)):
        for place in engine.insert(problem, answer, visit.id, 1):
            if place.cost < 0:  # worth more than leaving it out
                answer = engine.apply(problem, answer, place)
    return answer
