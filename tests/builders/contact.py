"""Visits that customers are told about, and messages about them."""

import itertools
from datetime import datetime, timedelta

from sqlmodel import Session

from dispatch.contact.drafts import compose
from dispatch.contact.facts import load
from dispatch.contact.tables import Message, MessageStatus
from dispatch.contact.windows import told_window
from dispatch.core.tables import TaskClass
from dispatch.registry.tables import Crew
from dispatch.work.tables import Priority, Visit, VisitStatus, WorkOrder, WorkType
from tests.builders.registry import make_crew, make_customer, make_premises
from tests.instants import DAY, NOW, at

_numbers = itertools.count(1)


def make_told_visit(
    session: Session,
    *,
    status: VisitStatus = VisitStatus.PUBLISHED,
    planned: datetime | None = None,
    window: tuple[datetime, datetime] | None = None,
    work_type: str = "MTR-XCH",
    priority: Priority = Priority.P3,
    email: str | None = "chen@example.com",
    language: str = "zh-CN",
    wants_messages: bool = True,
    name: str = "陈小明",
) -> Visit:
    """A visit of crew T1 at 10:00 on DAY (or as `planned`), in the state a published plan leaves it in."""
    number = next(_numbers)
    crew = session.get(Crew, "T1") or make_crew(session, id="T1")
    customer = make_customer(
        session, name=name, email=email, language=language, wants_messages=wants_messages
    )
    premises = make_premises(session, customer=customer)
    if session.get(WorkType, work_type) is None:
        session.add(
            WorkType(code=work_type, name_zh="类型", name_en="Type", p50_minutes=25, p90_minutes=45)
        )
        session.flush()
    order = WorkOrder(
        id=f"T-{number:06d}",
        territory_id=premises.territory_id,
        work_type=work_type,
        customer_id=customer.id,
        premises_id=premises.id,
        priority=priority,
        owner=crew.id,
        earliest_day=DAY,
        created_at=NOW,
    )
    session.add(order)
    session.flush()
    start = planned or at("10:00")
    visit = Visit(
        id=f"{order.id}-1",
        work_order_id=order.id,
        territory_id=premises.territory_id,
        status=status,
        earliest_day=DAY,
        duration_s=1800,
        window_start_at=window[0] if window else None,
        window_end_at=window[1] if window else None,
        crew_id=crew.id,
        planned_arrive_at=start,
        planned_start_at=start,
        planned_end_at=start + timedelta(minutes=30),
        travel_s=900,
    )
    session.add(visit)
    session.flush()
    return visit


def make_message(
    session: Session,
    *,
    visit: Visit | None = None,
    template: str = "booked",
    now: datetime | None = None,
    safety: bool = False,
) -> Message:
    """A pending message that tells a visit's window, written at 10:00 the day before."""
    visit = visit or make_told_visit(session)
    told = told_window(visit)
    assert told is not None
    moment = now or at("10:00") - timedelta(days=1)
    message = compose(
        session,
        load(session, [visit.id])[0],
        template=template,
        version=str(next(_numbers)),
        told=told,
        values={"day": "day", "span": "span", "promised": False, "again": False},
        expires_at=told.end_at,
        now=moment,
    )
    assert message is not None
    if safety:
        message.message_class = TaskClass.SAFETY
    assert message.status in (MessageStatus.PENDING, MessageStatus.DEFERRED)
    session.flush()
    return message
