"""Days to plan, made by the product's own operations."""

import json
import random
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, select

from dispatch.core.events import SYSTEM, Actor
from dispatch.planning import plans
from dispatch.planning.tables import Assignment, LeftOut, Plan, PlanStatus
from dispatch.registry.hours import Break
from dispatch.registry.tables import (
    Certificate,
    Crew,
    Customer,
    CustomerClass,
    Member,
    Premises,
    Shift,
    ShiftMember,
)
from dispatch.work import visits
from dispatch.work.tables import Priority, Visit, WorkOrder
from optimizer.codec import read_problem, write_plan
from optimizer.insert import retime
from optimizer.naive import naive
from tests.builders.registry import (
    DISPATCHER,
    make_crew,
    make_customer,
    make_depot,
    make_premises,
    make_shift,
)
from tests.builders.work import first_visit, go, make_catalogue, make_order
from tests.instants import DAY, NOW, at, minutes

HOME = (22.815, 113.672)
"""Where `make_depot` puts the depot."""
KM_NORTH, KM_EAST = 1 / 111.0, 1 / 102.6
"""Degrees per kilometre there."""


def crew_on(
    session: Session,
    name: str,
    *,
    skills: Mapping[str, int] | None = None,
    members: int = 2,
    stock: Mapping[str, int] | None = None,
    breaks: Sequence[Break] = (),
    day: date = DAY,
    **shift: Any,
) -> Shift:
    """A crew of this name (default skill: LV at level 1) with a shift on `day`, 08:00 to 17:30."""
    make_catalogue(session)
    crew = make_crew(session, id=name, skills=skills, members=members, stock=stock)
    return make_shift(session, crew=crew, day=day, breaks=breaks, **shift)


def job(
    session: Session,
    *,
    east: float = 1.0,
    north: float = 0.0,
    minutes: float = 30,
    located: bool = True,
    customer_class: CustomerClass = CustomerClass.D,
    work_type: str = "SAFE-DIS",
    day: date = DAY,
    now: datetime = NOW,
    **order: Any,
) -> Visit:
    """A visit of `minutes`, so many kilometres from the depot, ready on `day`; `order` goes to `make_order`.

    SAFE-DIS needs LV at level 1 and one member, has no parts and no clocks, and is of class P4.
    """
    premises = make_premises(
        session,
        customer=make_customer(session, customer_class=customer_class),
        lat=HOME[0] + north * KM_NORTH if located else None,
        lon=HOME[1] + east * KM_EAST if located else None,
    )
    order.setdefault("earliest_day", day)
    made = make_order(session, work_type=work_type, premises=premises, now=now, **order)
    visit = first_visit(session, made)
    visit.duration_s, visit.setup_s = round(minutes * 60), 0
    session.flush()
    return visit


def large_day(session: Session, *, crews: int, visits: int, seed: int = 1) -> None:
    """A day of this size, written in bulk; every crew can do every visit, which take 20 to 40 minutes."""
    make_catalogue(session)
    make_depot(session)
    chance = random.Random(seed)
    names = [f"L{number:03d}" for number in range(crews)]
    _add(session, Crew, [
        {"id": name, "territory_id": "humen", "depot_id": "depot", "name_zh": name, "name_en": name}
        for name in names
    ])  # fmt: skip
    _add(session, Member, [{"id": f"{name}-M", "crew_id": name, "name": name} for name in names])
    _add(session, Certificate, [
        {"member_id": f"{name}-M", "skill": "LV", "valid_from": DAY, "valid_until": DAY}
        for name in names
    ])  # fmt: skip
    _add(session, Shift, [
        {"id": f"{name}-S", "crew_id": name, "day": DAY, "starts_at": at("08:00"), "ends_at": at("17:30")}
        for name in names
    ])  # fmt: skip
    _add(session, ShiftMember, [
        {"shift_id": f"{name}-S", "member_id": f"{name}-M"} for name in names
    ])  # fmt: skip
    rows = [f"B{number:04d}" for number in range(visits)]
    _add(session, Customer, [{"id": row, "name": row} for row in rows])
    _add(session, Premises, [
        {
            "id": row, "customer_id": row, "territory_id": "humen", "address": row, "district": "",
            "lat": chance.uniform(22.76, 22.86), "lon": chance.uniform(113.61, 113.73),
        }
        for row in rows
    ])  # fmt: skip
    _add(session, WorkOrder, [
        {
            "id": row, "territory_id": "humen", "work_type": "SAFE-DIS", "customer_id": row,
            "premises_id": row, "owner": "fault", "priority": Priority.P4, "earliest_day": DAY,
            "created_at": NOW,
        }
        for row in rows
    ])  # fmt: skip
    _add(session, Visit, [
        {
            "id": f"{row}-1", "work_order_id": row, "territory_id": "humen", "earliest_day": DAY,
            "duration_s": chance.randrange(1200, 2400),
        }
        for row in rows
    ])  # fmt: skip


def large_plan(session: Session, *, crews: int, visits: int, each: int = 8) -> Plan:
    """A proposed plan of `large_day`, written in bulk: `each` visits for every crew, the others left out."""
    plan = Plan(
        territory_id="humen", day=DAY, number=1, status=PlanStatus.PROPOSED, created_by="x", created_at=NOW
    )  # fmt: skip
    session.add(plan)
    session.flush()
    stops = [
        {
            "plan_id": plan.id, "visit_id": f"B{number:04d}-1", "crew_id": f"L{number // each:03d}",
            "shift_id": f"L{number // each:03d}-S", "position": number % each,
            "arrive_at": at("08:00") + minutes(60 * (number % each)),
            "start_at": at("08:05") + minutes(60 * (number % each)),
            "end_at": at("08:45") + minutes(60 * (number % each)), "travel_s": 900,
        }
        for number in range(crews * each)
    ]  # fmt: skip
    _add(session, Assignment, stops)
    left = [
        {"plan_id": plan.id, "visit_id": f"B{number:04d}-1", "reason": "capacity", "hint": "Later."}
        for number in range(crews * each, visits)
    ]
    _add(session, LeftOut, left)
    return plan


def _add(session: Session, table: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows in one statement, with the table's defaults."""
    columns = [column.key for column in sa.inspect(table).columns]
    filled = []
    for row in rows:
        made = table(**row)
        filled.append({name: getattr(made, name) for name in columns})
    for made in filled:
        if made.get("id", "") is None:
            del made["id"]
    session.execute(sa.insert(table), filled)


def request(session: Session, *, day: date = DAY, now: datetime = NOW, **options: Any) -> Plan:
    """A requested plan of the territory humen."""
    return plans.request_plan(
        session, territory_id="humen", day=day, options=options, actor=DISPATCHER, now=now
    )


def solved(document: str, orders: Mapping[str, Sequence[str]] | None = None) -> str:
    """What a solver might answer: the naive rule's plan, or the visits in these orders by shift."""
    problem = read_problem(document)
    return write_plan(naive(problem) if orders is None else retime(problem, orders))


def proposed(
    session: Session,
    *,
    day: date = DAY,
    now: datetime = NOW,
    orders: Mapping[str, Sequence[str]] | None = None,
) -> Plan:
    """A plan that was requested, solved and proposed."""
    plan = request(session, day=day, now=now)
    taken = plans.take(session, plan_id=plan.id or 0, now=now)
    assert taken is not None
    answer = solved(taken.document, orders)
    return plans.propose(session, plan_id=taken.plan_id, answer=answer, now=now)


def published(
    session: Session,
    *,
    day: date = DAY,
    now: datetime = NOW,
    orders: Mapping[str, Sequence[str]] | None = None,
) -> Plan:
    """A published plan."""
    plan = proposed(session, day=day, now=now, orders=orders)
    return plans.publish(session, plan_id=plan.id or 0, actor=DISPATCHER, now=now).plan


def begin(session: Session, visit: Visit, *actions: str, now: datetime) -> Visit:
    """What its crew does with a published visit, up to and including these actions."""
    assert visit.crew_id is not None
    return go(session, visit, *actions, actor=Actor(visit.crew_id, "crew"), now=now)


def set_out(session: Session, visit: Visit, *, now: datetime) -> Visit:
    """The crew accepts the visit and drives off."""
    return begin(session, visit, "accept", "depart", now=now)


def work_on(session: Session, visit: Visit, *, now: datetime) -> Visit:
    """The crew accepts, drives, arrives and starts, all at once."""
    return begin(session, visit, "accept", "depart", "arrive", "start", now=now)


def finish(session: Session, visit: Visit, *, began: datetime, now: datetime) -> Visit:
    """The crew began the visit then and finishes it now."""
    work_on(session, visit, now=began)
    return begin(session, visit, "finish", now=now)


def withdraw(session: Session, visit: Visit, *, now: datetime) -> Visit:
    """The office takes the visit back."""
    return visits.act(session, visit, "withdraw", actor=SYSTEM, now=now)


def stops(session: Session, plan: Plan) -> dict[str, list[str]]:
    """The plan's visits by crew, in order."""
    rows = session.exec(
        select(Assignment)
        .where(Assignment.plan_id == plan.id)
        .order_by(Assignment.shift_id, Assignment.position)  # type: ignore[arg-type]
    )
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row.crew_id, []).append(row.visit_id)
    return found


def visits_on(session: Session, plan: Plan) -> list[str]:
    """The plan's visits, by id."""
    return sorted(visit_id for row in stops(session, plan).values() for visit_id in row)


def stop_of(session: Session, plan: Plan, visit: Visit) -> Assignment:
    """The plan's stop at this visit."""
    return session.get_one(Assignment, (plan.id, visit.id))


def left_out(session: Session, plan: Plan) -> dict[str, str]:
    """The visits that the plan leaves out, with the reason."""
    rows = session.exec(select(LeftOut).where(LeftOut.plan_id == plan.id))
    return {row.visit_id: row.reason for row in rows}


def as_document(text: str) -> dict[str, Any]:
    """A JSON object."""
    found: dict[str, Any] = json.loads(text)
    return found
