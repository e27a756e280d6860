"""Crews' actions for tests."""

import itertools
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from dispatch.core.events import Actor
from dispatch.field import actions
from dispatch.planning.tables import Assignment, Plan, PlanStatus
from dispatch.work import catalogue
from dispatch.work.points import PointKind, point
from dispatch.work.tables import Visit, WorkOrder
from tests.builders.registry import DISPATCHER
from tests.instants import DAY, NOW, at

_operations = itertools.count(1)


def proof(session: Session, visit: Visit) -> dict[str, Any]:
    """What finishing this visit demands: every point of its checklist, its parts and its first closing code.

    Readings are taken; photographs and signatures are missing for a reason.
    """
    order = session.get_one(WorkOrder, visit.work_order_id)
    kind = catalogue.get(session, order.work_type)
    return {
        "checklist": {code: answer_to(code) for code in kind.checklist},
        "parts": dict(kind.parts),
        "closing_code": kind.closing_codes[0] if kind.closing_codes else "",
    }


def answer_to(code: str) -> object:
    """A good answer to the point of a checklist."""
    kind = point(code).kind
    if kind is PointKind.READING:
        return 229 if point(code).unit == "V" else 1
    return True if kind is PointKind.TICK else {"without": "nobody_there"}


def act(
    session: Session,
    visit: Visit,
    action: str,
    *,
    crew: str = "C1",
    op_id: str | None = None,
    device_at: datetime | None = None,
    now: datetime = at("09:00"),
    reason: str = "",
    note: str = "",
    data: Mapping[str, Any] | None = None,
    lat: float | None = None,
    lon: float | None = None,
    key: bytes | None = None,
) -> Visit:
    """One action of the crew, on time; `done` with the proof it needs and `not_done` with a reason."""
    if action == "done" and data is None:
        data = proof(session, visit)
    if action == "not_done" and not reason:
        reason = "no_access"
    return actions.do(
        session,
        op_id=op_id or f"op-{next(_operations)}",
        visit_id=visit.id,
        crew_id=crew,
        action=action,
        reason=reason,
        note=note,
        data=data,
        lat=lat,
        lon=lon,
        device_at=device_at or now,
        actor=Actor(f"account-of-{crew}", "crew"),
        now=now,
        key=key,
    )


def make_plan(
    session: Session,
    *visits: Visit,
    status: PlanStatus = PlanStatus.PUBLISHED,
    published_at: datetime = NOW,
    figures: Mapping[str, Any] | None = None,
    answer: Mapping[str, Any] | None = None,
    number: int = 1,
) -> Plan:
    """A plan of DAY that holds these assigned visits, as publishing leaves it."""
    plan = Plan(
        territory_id="humen",
        day=DAY,
        number=number,
        status=status,
        figures=dict(figures or {}),
        answer=dict(answer) if answer else None,
        created_by=DISPATCHER.id,
        created_at=published_at,
        published_at=published_at,
        published_by=DISPATCHER.id,
    )
    session.add(plan)
    session.flush()
    for position, visit in enumerate(visits):
        assert visit.crew_id
        assert visit.shift_id
        assert visit.planned_start_at
        assert visit.planned_end_at
        session.add(
            Assignment(
                plan_id=plan.id or 0,
                visit_id=visit.id,
                crew_id=visit.crew_id,
                shift_id=visit.shift_id,
                position=position,
                arrive_at=visit.planned_start_at,
                start_at=visit.planned_start_at,
                end_at=visit.planned_end_at,
                travel_s=visit.travel_s or 0,
            )
        )
    session.flush()
    return plan
