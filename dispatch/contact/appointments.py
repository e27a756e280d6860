"""What a customer does about a visit through its link: confirm it, move it, call it off, say how to get in.

Each can be done twice without a second effect and taken back as long as the crew has not left. Each is an event
that names the customer and the link, and nothing that the customer wrote.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from dispatch.contact.facts import Facts
from dispatch.core.calendar import day_bounds, local_day
from dispatch.core.errors import ConflictError, InvalidError
from dispatch.core.events import SYSTEM, Actor, record
from dispatch.core.tables import Event
from dispatch.planning import choosing, publishing, states
from dispatch.planning.editing import DoesNotFit
from dispatch.planning.engine import Engine, in_process
from dispatch.work import orders, promises, visits
from dispatch.work.lifecycle import READY_ORDERS, UNFINISHED, WAITING
from dispatch.work.tables import (
    HoldReason,
    PromiseStatus,
    Visit,
    VisitStatus,
    WorkOrderStatus,
)

LONGEST_NOTE = 500
"""Characters of what the customer tells the crew."""
_AT_LEAST, _WITHOUT_A_DAY = timedelta(minutes=10), timedelta(days=7)
_NOT_BEGUN = (VisitStatus.PLANNED, *WAITING)
_CAN_BE_HELD = (WorkOrderStatus.READY, WorkOrderStatus.SCHEDULED)
OFFICE = ("dispatcher", "admin", "intake")
"""Whose doing anything about a visit sees to what its customer asked for."""
CONFIRMED, CHOSEN, CALLED_OFF = "customer_confirmed", "customer_chose", "customer_cancelled"
TAKEN_BACK, NOTED, WANTS_CALL = "customer_uncancelled", "customer_noted", "customer_wants_call"


class WindowTaken(ConflictError):
    """No crew can come in that window any more."""

    code = "window_taken"


class TooLateToChange(ConflictError):
    """The crew is on its way, or the visit is over: it can be changed by telephone only."""

    code = "too_late_to_change"


class NoteTooLong(InvalidError):
    """What the crew is to know fits in so many characters."""

    code = "note_too_long"


@dataclass(frozen=True, slots=True)
class Through:
    """Whose hand it is: the customer, through the link of this number."""

    customer_id: str
    link_id: int | None

    @property
    def actor(self) -> Actor:
        """The customer as events name it."""
        return Actor(self.customer_id, "customer")


def allowed(session: Session, facts: Facts, *, now: datetime) -> frozenset[str]:
    """What the customer may do now: some of confirm, choose, cancel, uncancel, note and call."""
    visit, order = facts.visit, facts.order
    if facts.is_called_off:
        off = called_off(session, facts)
        return frozenset({"uncancel"} if off and now < off.until else ())
    if visit.status not in UNFINISHED:
        return frozenset()
    may = {"note"}
    if visit.status in _NOT_BEGUN and order.status in READY_ORDERS:
        may |= {"choose", "call"}
        if order.status in _CAN_BE_HELD:
            may.add("cancel")
        promise = promises.standing(session, visit.id)
        if promise is not None and promise.status is PromiseStatus.BOOKED:
            may.add("confirm")
    return frozenset(may)


def confirm(session: Session, facts: Facts, *, by: Through, now: datetime) -> None:
    """Say that the promised window suits; again it says nothing more. Raises NoPromise and TooLateToChange."""
    _refuse_late(facts.visit)
    promise = promises.standing(session, facts.visit.id)
    if promise is not None and promise.status is PromiseStatus.CONFIRMED:
        return
    promises.confirm(session, facts.visit, actor=by.actor, now=now)
    _record(session, facts, CONFIRMED, by, now)


def choose(
    session: Session,
    facts: Facts,
    *,
    start_at: datetime,
    end_at: datetime,
    by: Through,
    now: datetime,
    engine: Engine = in_process,
) -> None:
    """Promise another window, and have the crew of its day come then where that day is planned; again does nothing.

    It must be one of the windows that are offered at this moment, and nobody else is put out. Raises WindowTaken,
    TooLateToChange, and what `promises.book` raises.
    """
    visit = facts.visit
    _refuse_late(visit)
    standing = promises.standing(session, visit.id)
    if standing is not None and (standing.start_at, standing.end_at) == (start_at, end_at):
        return
    if facts.is_called_off:
        raise TooLateToChange("This visit was called off; take that back first.", subject=visit.id)
    span = (start_at, end_at)
    if not choosing.is_offered(session, visit_id=visit.id, span=span, now=now, engine=engine):
        raise WindowTaken("Somebody else has just taken that window; choose another.")
    if standing is None:
        promises.book(session, visit, start_at=start_at, end_at=end_at, actor=by.actor, now=now)
    else:
        promises.reschedule(
            session, visit, start_at=start_at, end_at=end_at, actor=by.actor, now=now
        )
    _record(session, facts, CHOSEN, by, now, start_at=start_at.isoformat())
    _plan(session, facts, start_at, end_at, now=now, engine=engine)


def cancel(session: Session, facts: Facts, *, by: Through, now: datetime) -> None:
    """Call the visit off; its order waits for the office to see to it, and for the customer to think again.

    Again does nothing. Raises TooLateToChange.
    """
    visit, order = facts.visit, facts.order
    if facts.is_called_off:
        return
    _refuse_late(visit)
    if order.status not in _CAN_BE_HELD:
        raise TooLateToChange(f"Work order {order.id} is {order.status.value}.", subject=visit.id)
    promise = promises.standing(session, visit.id)
    begins = visit.window_start_at or visit.planned_start_at
    had = {
        "start_at": promise.start_at.isoformat() if promise else None,
        "end_at": promise.end_at.isoformat() if promise else None,
        "begins_at": begins.isoformat() if begins else None,
    }
    orders.hold(session, order, reason=HoldReason.CUSTOMER, actor=by.actor, now=now)
    if promise is not None:
        promises.cancel(session, visit, actor=by.actor, now=now)
    _record(session, facts, CALLED_OFF, by, now, **had)


def uncancel(
    session: Session, facts: Facts, *, by: Through, now: datetime, engine: Engine = in_process
) -> bool:
    """Take a cancellation back, until the day that it was for; whether the window could be had again.

    Again does nothing. Raises TooLateToChange.
    """
    visit, order = facts.visit, facts.order
    if not facts.is_called_off:
        return visit.window_start_at is not None
    off = called_off(session, facts)
    if off is None or now >= off.until:
        raise TooLateToChange(
            "The day of this visit has begun; please call us for another one.", subject=visit.id
        )
    orders.release(session, order, actor=by.actor, now=now)
    _record(session, facts, TAKEN_BACK, by, now)
    if off.start_at is None or off.end_at is None:
        return False
    span = (off.start_at, off.end_at)
    if not choosing.is_free(session, visit_id=visit.id, span=span, now=now, engine=engine):
        return False
    promises.book(session, visit, start_at=off.start_at, end_at=off.end_at, actor=by.actor, now=now)
    _plan(session, facts, *span, now=now, engine=engine)
    return True


def note(session: Session, facts: Facts, *, text: str, by: Through, now: datetime) -> None:
    """Tell the crew how to get in, in at most 500 characters; the same again does nothing.

    Raises NoteTooLong and TooLateToChange.
    """
    visit = facts.visit
    clean = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    if len(clean) > LONGEST_NOTE:
        raise NoteTooLong(
            f"At most {LONGEST_NOTE} characters; this has {len(clean)}.", field="note"
        )
    if clean == visit.access_note:
        return
    if visit.status not in UNFINISHED:
        raise TooLateToChange("The visit is over.", subject=visit.id)
    visit.access_note = clean
    _record(session, facts, NOTED, by, now, length=len(clean))


def ask_for_call(session: Session, facts: Facts, *, by: Through, now: datetime) -> None:
    """Ask to be called because no window suits; asked again before anybody of the office did anything, once."""
    _refuse_late(facts.visit)
    if not wants_call(session, facts.visit):
        _record(session, facts, WANTS_CALL, by, now)


def wants_call(session: Session, visit: Visit) -> bool:
    """Whether the customer asked to be called and nobody of the office has seen to the visit since."""
    asked = _last(session, visit, WANTS_CALL)
    if asked is None:
        return False
    statement = select(Event.id).where(
        Event.entity == "visit",
        Event.entity_id == visit.id,
        col(Event.id) > asked.id,
        col(Event.role).in_(OFFICE),
    )
    return session.exec(statement.limit(1)).first() is None


@dataclass(frozen=True, slots=True)
class CalledOff:
    """The window that a cancellation took back, if there was one, and until when it can be had again."""

    start_at: datetime | None
    end_at: datetime | None
    until: datetime


def called_off(session: Session, facts: Facts) -> CalledOff | None:
    """The customer's cancellation; it can be taken back until its day begins, and ten minutes in any case."""
    event = _last(session, facts.visit, CALLED_OFF)
    if event is None or not facts.is_called_off:
        return None
    start, end, begins = (
        datetime.fromisoformat(event.data[name]) if event.data.get(name) else None
        for name in ("start_at", "end_at", "begins_at")
    )
    moment = begins or event.recorded_at + _WITHOUT_A_DAY
    morning = day_bounds(local_day(moment, facts.zone), facts.zone)[0]
    return CalledOff(start, end, max(morning, event.recorded_at + _AT_LEAST))


def _plan(
    session: Session,
    facts: Facts,
    start_at: datetime,
    end_at: datetime,
    *,
    now: datetime,
    engine: Engine,
) -> None:
    """Have the visit planned in its new window: nobody comes at the old time, and somebody at the new one.

    On a day without a plan in force the promise is what the next plan is made with. Raises WindowTaken.
    """
    visit = facts.visit
    begins = visit.planned_start_at
    if visit.status in WAITING:
        if begins is not None and start_at <= begins < end_at:
            return
        visits.act(session, visit, "withdraw", actor=SYSTEM, now=now, reason=CHOSEN)
    day = local_day(start_at, facts.zone)
    territory_id = facts.territory.id
    if states.in_force(session, territory_id=territory_id, day=day) is None:
        return
    try:
        plan = choosing.place(
            session, visit_id=visit.id, day=day, actor=SYSTEM, now=now, engine=engine
        )
    except DoesNotFit as error:
        raise WindowTaken("Somebody else has just taken that window; choose another.") from error
    assert plan.id is not None, "a plan that was proposed has a number"
    publishing.publish(session, plan_id=plan.id, actor=SYSTEM, now=now)


def _refuse_late(visit: Visit) -> None:
    if visit.status not in _NOT_BEGUN:
        raise TooLateToChange(
            f"Visit {visit.id} is {visit.status.value}; please call us.", subject=visit.id
        )


def _last(session: Session, visit: Visit, what: str) -> Event | None:
    statement = select(Event).where(
        Event.entity == "visit", Event.entity_id == visit.id, Event.type == f"visit.{what}"
    )
    return session.exec(statement.order_by(col(Event.id).desc()).limit(1)).first()


def _record(
    session: Session, facts: Facts, what: str, by: Through, now: datetime, **data: Any
) -> None:
    record(
        session,
        f"visit.{what}",
        entity="visit",
        entity_id=facts.visit.id,
        actor=by.actor,
        now=now,
        territory_id=facts.territory.id,
        data={"work_order_id": facts.order.id, "link_id": by.link_id, **data},
    )
    session.flush()
