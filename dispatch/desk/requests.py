"""Requests: what customers ask, owned from the first minute to the last."""

from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, select

from dispatch.core import events, numbers
from dispatch.core.errors import ConflictError, InvalidError, NotFoundError
from dispatch.core.events import SYSTEM, Actor
from dispatch.desk.counters import counter_for, territory_of
from dispatch.desk.lifecycle import OPEN, REQUESTS
from dispatch.desk.tables import Request, RequestKind, RequestStatus
from dispatch.sla import clocks
from dispatch.sla.tables import ClockKind
from dispatch.work import orders
from dispatch.work.lifecycle import OPEN_ORDERS
from dispatch.work.tables import Priority, WorkOrder, WorkOrderStatus

SUBJECT = "request"
ENDED_WITHOUT_ANSWER = (
    RequestStatus.MERGED, RequestStatus.DUPLICATE, RequestStatus.REJECTED, RequestStatus.CANCELLED,
)  # fmt: skip


class NoSuchRequest(NotFoundError):
    """No request has this number."""

    code = "no_such_request"


class SubjectMissing(InvalidError):
    """A request says in a few words what it is about."""

    code = "subject_missing"


class ReceivedInFuture(InvalidError):
    """A request cannot have been received later than now."""

    code = "received_in_future"


class AnswerMissing(InvalidError):
    """An answer has a text."""

    code = "answer_missing"


class PremisesMissing(InvalidError):
    """Work is done at premises; the request names none."""

    code = "premises_missing"


class RequestSettled(ConflictError):
    """The request has ended; reopen it first."""

    code = "request_settled"


class OrdersOpen(ConflictError):
    """Work orders of the request are still open."""

    code = "orders_open"


def get(session: Session, request_id: str) -> Request:
    """The request with this number; raises NoSuchRequest."""
    request = session.get(Request, request_id)
    if request is None:
        raise NoSuchRequest(f"There is no request {request_id}.", subject=request_id)
    return request


def receive(
    session: Session,
    *,
    kind: RequestKind,
    customer_id: str,
    premises_id: str | None = None,
    subject: str,
    text: str = "",
    channel: str = "phone",
    actor: Actor,
    now: datetime,
    territory_id: str | None = None,
    received_at: datetime | None = None,
) -> Request:
    """Take a request in: the counter of its kind owns it and its answer clock runs from `received_at` on.

    The territory is the premises', or `territory_id` for a request that concerns none.
    Raises SubjectMissing, ReceivedInFuture, CustomerUnknown and NoCounter.
    """
    if not subject.strip():
        raise SubjectMissing("Say in a few words what it is about.", field="subject")
    moment = received_at or now
    if moment > now:
        raise ReceivedInFuture("It cannot have been received later than now.", field="received_at")
    territory = territory_of(session, customer_id, premises_id, territory_id)
    counter = counter_for(session, territory_id=territory, kind=kind)
    request = Request(
        id=numbers.next_number(session, "request", "R"),
        territory_id=territory,
        counter_id=counter.id,
        owner=counter.id,
        kind=kind,
        customer_id=customer_id,
        premises_id=premises_id,
        channel=channel[:16],
        subject=subject.strip()[:200],
        text=text[:4000],
        received_at=moment,
    )
    session.add(request)
    session.flush()
    _record(session, request, None, actor=actor, now=now, happened_at=moment)
    clocks.start(
        session,
        kind=ClockKind.ANSWER,
        subject=SUBJECT,
        subject_id=request.id,
        territory_id=territory,
        started_at=moment,
        now=now,
        actor=actor,
    )
    return request


def move(
    session: Session,
    request: Request,
    action: str,
    *,
    actor: Actor,
    now: datetime,
    note: str = "",
    expect: int | None = None,
) -> Request:
    """Change a request's status by one move of its life cycle: the only way to do so.

    Resolving stops the answer clock; a request that ends without an answer has it cancelled; one that is reopened
    goes back to its counter.
    `note` goes into the event and names no person.
    Raises IllegalMove, MoveNotYours, StaleVersion, and OrdersOpen when work on it is still open.
    """
    request.expect(expect)
    before = request.status
    after = REQUESTS.target(before, action, role=actor.role, subject=request.id)
    if after in {RequestStatus.RESOLVED, RequestStatus.CLOSED, *ENDED_WITHOUT_ANSWER}:
        _refuse_open_orders(session, request)
    request.status = after
    if after is RequestStatus.RESOLVED:
        request.resolved_at = now
        _answered(session, request, actor=actor, now=now)  # what is settled needs no other answer
    elif after is RequestStatus.REOPENED:
        request.resolved_at, request.owner = None, request.counter_id
    elif after in ENDED_WITHOUT_ANSWER:
        clocks.cancel(session, subject=SUBJECT, subject_id=request.id, actor=actor, now=now)
    _record(session, request, before, actor=actor, now=now, note=note)
    session.flush()
    return request


def triage(
    session: Session,
    request: Request,
    *,
    actor: Actor,
    now: datetime,
    kind: RequestKind | None = None,
    owner: str | None = None,
) -> Request:
    """Look at a new request; a corrected `kind` hands it to that kind's counter, `owner` to a person.

    Raises IllegalMove, MoveNotYours and NoCounter.
    """
    REQUESTS.target(request.status, "triage", role=actor.role, subject=request.id)
    if kind is not None and kind is not request.kind:
        counter = counter_for(session, territory_id=request.territory_id, kind=kind)
        request.kind, request.counter_id, request.owner = kind, counter.id, counter.id
    if owner:
        request.owner = owner
    return move(session, request, "triage", actor=actor, now=now)


def answer(
    session: Session,
    request: Request,
    *,
    text: str,
    actor: Actor,
    now: datetime,
    resolves: bool = True,
    expect: int | None = None,
) -> Request:
    """Give the customer a substantive answer: the answer clock stops; by default the request is resolved.

    Raises AnswerMissing, RequestSettled, and what `move` raises.
    """
    request.expect(expect)
    if not text.strip():
        raise AnswerMissing("Say what was answered.", field="text")
    if request.status not in OPEN:
        raise RequestSettled(
            f"Request {request.id} is {request.status.value}; reopen it first.", subject=request.id
        )
    request.answer = text.strip()[:4000]
    _answered(session, request, actor=actor, now=now)
    if resolves:
        return move(session, request, "resolve", actor=actor, now=now)
    session.flush()
    return request


def make_order(
    session: Session,
    request: Request,
    *,
    work_type: str,
    actor: Actor,
    now: datetime,
    priority: Priority | None = None,
    description: str = "",
    earliest_day: date | None = None,
    due_at: datetime | None = None,
    window: tuple[datetime, datetime] | None = None,
    preferred_crews: tuple[str, ...] = (),
) -> WorkOrder:
    """Turn a request into work: its counter owns the order, whose clocks run from when the request came in.

    Raises PremisesMissing, RequestSettled, and what `orders.create` raises.
    """
    if request.status not in OPEN:
        raise RequestSettled(
            f"Request {request.id} is {request.status.value}; reopen it first.", subject=request.id
        )
    if request.premises_id is None:
        raise PremisesMissing(
            "Name the premises where the work is to be done.", field="premises_id"
        )
    order = orders.create(
        session,
        territory_id=request.territory_id,
        work_type=work_type,
        customer_id=request.customer_id,
        premises_id=request.premises_id,
        request_id=request.id,
        owner=request.counter_id,
        priority=priority,
        description=description or request.subject,
        earliest_day=earliest_day,
        due_at=due_at,
        window=window,
        preferred_crews=preferred_crews,
        reported_at=request.received_at,
        actor=actor,
        now=now,
    )
    if request.status is not RequestStatus.IN_PROGRESS:
        move(session, request, "begin", actor=actor, now=now)
    return order


def follow_order(session: Session, *, work_order_id: str, now: datetime) -> Request | None:
    """Follow the request's orders: all completed resolves it, all called off gives it back to its counter.

    None when the order came from no request, or the request has ended already.
    """
    order = orders.get(session, work_order_id)
    request = None if order.request_id is None else session.get(Request, order.request_id)
    if request is None or request.status not in OPEN:
        return None
    ended = session.exec(select(WorkOrder.status).where(WorkOrder.request_id == request.id)).all()
    if any(status in OPEN_ORDERS for status in ended):
        return request
    if all(status is WorkOrderStatus.CANCELLED for status in ended):
        request.owner = request.counter_id
        session.flush()
        return request
    return move(session, request, "resolve", actor=SYSTEM, now=now)


def _answered(session: Session, request: Request, *, actor: Actor, now: datetime) -> None:
    """Note the first answer and stop the clock that waits for it."""
    if request.answered_at is None:
        request.answered_at = now
    clocks.stop(
        session,
        subject=SUBJECT,
        subject_id=request.id,
        kind=ClockKind.ANSWER,
        at=now,
        actor=actor,
        now=now,
    )


def _refuse_open_orders(session: Session, request: Request) -> None:
    statement = select(WorkOrder.id).where(
        WorkOrder.request_id == request.id, col(WorkOrder.status).in_(OPEN_ORDERS)
    )
    still_open = session.exec(statement.order_by(WorkOrder.id)).all()
    if still_open:
        raise OrdersOpen(
            f"Work on request {request.id} is still open ({', '.join(still_open)}); complete or cancel it first.",
            subject=request.id,
            orders=list(still_open),
        )


def _record(
    session: Session,
    request: Request,
    before: RequestStatus | None,
    *,
    actor: Actor,
    now: datetime,
    happened_at: datetime | None = None,
    note: str = "",
) -> None:
    data: dict[str, Any] = {
        "kind": request.kind.value,
        "counter_id": request.counter_id,
        "owner": request.owner,
    }
    events.record(
        session,
        f"request.{request.status.value}",
        entity=SUBJECT,
        entity_id=request.id,
        actor=actor,
        now=now,
        from_status=before.value if before else None,
        to_status=request.status.value,
        territory_id=request.territory_id,
        happened_at=happened_at,
        data=data | ({"note": note} if note else {}),
    )
