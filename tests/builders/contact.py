"""Visits that customers are told about, and messages about them."""

import itertools
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from dispatch.contact import messages
from dispatch.contact.drafts import compose
from dispatch.contact.facts import load
from dispatch.contact.messages import Outgoing
from dispatch.contact.reactions import TASKS
from dispatch.contact.tables import Message, MessageStatus
from dispatch.contact.windows import told_window
from dispatch.core.events import SYSTEM, record
from dispatch.core.tables import Task, TaskClass, TaskState
from dispatch.work.tables import Priority, Visit, VisitStatus
from tests.builders.registry import make_customer, make_premises
from tests.builders.work import make_visit
from tests.instants import DAY, at

_numbers = itertools.count(1)


def make_told_visit(
    session: Session,
    *,
    status: VisitStatus = VisitStatus.PUBLISHED,
    planned: datetime | None = None,
    window: tuple[datetime, datetime] | None = None,
    work_type: str = "MTR-XCH",
    priority: Priority | None = None,
    email: str | None = "chen@example.com",
    language: str = "zh-CN",
    wants_messages: bool = True,
    name: str = "陈小明",
    crew: str = "T1",
) -> Visit:
    """A visit of the crew at 10:00 on DAY (or as `planned`), in the state a published plan leaves it in."""
    customer = make_customer(
        session, name=name, email=email, language=language, wants_messages=wants_messages
    )
    return make_visit(
        session,
        status=status,
        crew=crew,
        start_at=planned or at("10:00"),
        work_type=work_type,
        priority=priority,
        premises=make_premises(session, customer=customer),
        window=window,
        earliest_day=DAY,
    )


def plan_anew(visit: Visit, start: datetime) -> None:
    """Plan the visit's service at another time, as long as before."""
    assert visit.planned_start_at is not None
    assert visit.planned_end_at is not None
    visit.planned_end_at += start - visit.planned_start_at
    visit.planned_start_at = start


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
        values={
            "day": "day",
            "span": "span",
            "promised": False,
            "clock": "clock",
            "outcome": "outcome",
        },
        expires_at=told.end_at,
        now=moment,
    )
    assert message is not None
    if safety:
        message.task_class = TaskClass.SAFETY
    assert message.status in (MessageStatus.PENDING, MessageStatus.DEFERRED)
    session.flush()
    return message


def happened(
    session: Session, type: str, visit: Visit, *, now: datetime, **data: object
) -> dict[str, object]:
    """The payload of a task that reacts to this event about the visit."""
    row = record(
        session, type, entity="visit", entity_id=visit.id, actor=SYSTEM, now=now, data=dict(data)
    )
    session.flush()
    return {"event_id": row.id}


def work_off(session: Session, *, now: datetime) -> list[Outgoing]:
    """Do what the workers would have done by now; what went out."""
    sent: list[Outgoing] = []
    while True:
        session.flush()
        task = session.exec(
            select(Task)
            .where(
                col(Task.state) == TaskState.DUE,
                col(Task.run_at) <= now,
                col(Task.kind).startswith("message."),
            )
            .order_by(col(Task.run_at), col(Task.id))
        ).first()
        if task is None:
            return sent
        task.state = TaskState.DONE
        if task.kind in TASKS:
            TASKS[task.kind](session, task.payload, now=now)
            continue
        number = task.payload["message_id"]
        step = messages.begin(
            session,
            message_id=number,
            base_url="http://x",
            key=b"k" * 32,
            sender="power@example.com",
            now=now,
        )
        if isinstance(step, Outgoing):
            messages.complete(session, message_id=number, now=now)
            sent.append(step)
