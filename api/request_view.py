"""What somebody who follows a request sees of it: where it is, by when we answer, and the answer."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from dispatch.contact.tables import OutageNotice
from dispatch.contact.windows import Told, told_window
from dispatch.desk import merging, requests
from dispatch.desk.requests import SUBJECT
from dispatch.desk.tables import Request, RequestKind, RequestStatus
from dispatch.registry.tables import Customer, Territory
from dispatch.sla import clocks
from dispatch.sla.tables import ClockKind
from dispatch.work.lifecycle import UNFINISHED
from dispatch.work.tables import Visit, WorkOrder

_S = RequestStatus
PUBLIC_STATUS = {
    _S.RECEIVED: "received",
    _S.REOPENED: "received",
    _S.TRIAGED: "looked_at",
    _S.REFERRED: "looked_at",
    _S.IN_PROGRESS: "worked_on",
    _S.MERGED: "worked_on",
    _S.WAITING_CUSTOMER: "waiting",
    _S.RESOLVED: "done",
    _S.CONFIRMED: "done",
    _S.CLOSED: "done",
    _S.DUPLICATE: "known",
    _S.REJECTED: "rejected",
    _S.CANCELLED: "cancelled",
}
STEPS = ("received", "looked_at", "worked_on", "done")
"""The way of most requests, as the page draws it."""
ENDED = {"done", "known", "rejected", "cancelled"}


@dataclass(frozen=True, slots=True)
class FollowedRequest:
    """A request as its reporter sees it; `answer_by` is while we owe an answer, `is_late` when that is over.

    One that was merged (`is_part`) stands as the request does that goes on in its stead; what that says of
    others is not shown. `outage` is the one that it belongs to, while it stands or its end is known.
    """

    number: str
    kind: RequestKind
    status: str
    subject: str
    answer: str
    received_at: datetime
    answer_by: datetime | None
    is_late: bool
    visits: tuple[Told, ...]
    is_part: bool = False
    outage: OutageNotice | None = None

    @property
    def step(self) -> int:
        """How far on the way it is, an index of `STEPS`; -1 beside it."""
        status = "worked_on" if self.status == "waiting" else self.status
        return STEPS.index(status) if status in STEPS else -1


def subject(session: Session, request_id: str) -> tuple[Request, Customer, Territory]:
    """The request, whose it is and where; raises NoSuchRequest."""
    row = requests.get(session, request_id)
    return (
        row,
        session.get_one(Customer, row.customer_id),
        session.get_one(Territory, row.territory_id),
    )


def seen(session: Session, row: Request, *, now: datetime) -> FollowedRequest:
    """The request as its reporter sees it."""
    main = merging.goes_on(session, row)
    own = main.customer_id == row.customer_id
    due = answer_by(session, main.id)
    return FollowedRequest(
        number=row.id,
        kind=row.kind,
        status=PUBLIC_STATUS[main.status],
        subject=row.subject,
        answer=main.answer if own else row.answer,
        received_at=row.received_at,
        answer_by=due,
        is_late=due is not None and due <= now,
        visits=_visits(session, main.id) if own else (),
        is_part=main.id != row.id,
        outage=_outage(session, main.outage_id or row.outage_id),
    )


def _outage(session: Session, number: str | None) -> OutageNotice | None:
    """The outage of this number, unless its notice was withdrawn."""
    notice = session.get(OutageNotice, number) if number else None
    return notice if notice and notice.withdrawn_at is None else None


def answer_by(session: Session, request_id: str) -> datetime | None:
    """By when we owe an answer; None when it was given or none is owed."""
    return answers_by(session, [request_id]).get(request_id)


def answers_by(session: Session, request_ids: Collection[str]) -> dict[str, datetime]:
    """By when we owe answers, of those requests that still wait for one."""
    return clocks.due_at(session, kind=ClockKind.ANSWER, subject=SUBJECT, subject_ids=request_ids)


def _visits(session: Session, request_id: str) -> tuple[Told, ...]:
    """When somebody comes for it."""
    statement = (
        select(Visit)
        .join(WorkOrder, col(WorkOrder.id) == col(Visit.work_order_id))
        .where(WorkOrder.request_id == request_id, col(Visit.status).in_(UNFINISHED))
        .order_by(col(Visit.id))
    )
    found = (told_window(visit) for visit in session.exec(statement))
    return tuple(told for told in found if told is not None)
