"""Promises: the window a customer was told, and what became of it."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlmodel import Session, col, select

from dispatch.core import events
from dispatch.core.calendar import local_day, zone_named
from dispatch.core.errors import ConflictError, InvalidError
from dispatch.core.events import SYSTEM, Actor
from dispatch.registry.tables import Territory
from dispatch.work.lifecycle import PROMISES, STANDING, WAITING
from dispatch.work.progress import get_order
from dispatch.work.tables import Promise, PromiseStatus, Visit, VisitStatus

COMPANY, CUSTOMER = "company", "customer"


class WindowInPast(InvalidError):
    """The window is over already."""

    code = "window_in_past"


class WindowEmpty(InvalidError):
    """The window ends before it begins."""

    code = "window_empty"


class WindowTooEarly(InvalidError):
    """The window lies before the day from which the work can be done."""

    code = "window_too_early"


class PromiseStands(ConflictError):
    """The customer was already told a window; it is rescheduled, not booked again."""

    code = "promise_stands"


class NoPromise(ConflictError):
    """The customer was told no window that still binds."""

    code = "no_promise"


class VisitBegun(ConflictError):
    """The visit is under way or over; its window cannot be changed any more."""

    code = "visit_begun"


def of_visit(session: Session, visit_id: str) -> Sequence[Promise]:
    """Every promise about the visit, the first one first."""
    statement = select(Promise).where(Promise.visit_id == visit_id).order_by(col(Promise.number))
    return session.exec(statement).all()


def standing(session: Session, visit_id: str) -> Promise | None:
    """The promise that binds now, if there is one."""
    statement = select(Promise).where(
        Promise.visit_id == visit_id, col(Promise.status).in_(STANDING)
    )
    return session.exec(statement).first()


def book(
    session: Session,
    visit: Visit,
    *,
    start_at: datetime,
    end_at: datetime,
    actor: Actor,
    now: datetime,
) -> Promise:
    """Promise the customer that work begins in [start_at, end_at), and bind the visit to it.

    Raises WindowEmpty, WindowInPast, WindowTooEarly, VisitBegun, and PromiseStands when one binds already.
    """
    stands = standing(session, visit.id)
    if stands is not None:
        raise PromiseStands(
            f"The customer of visit {visit.id} was told a window already (promise {stands.number}); "
            "reschedule it.",
            subject=visit.id,
        )
    return _book(session, visit, start_at, end_at, actor=actor, now=now)


def confirm(
    session: Session, visit: Visit, *, actor: Actor, now: datetime, expect: int | None = None
) -> Promise:
    """Record that the customer agreed to the window; raises NoPromise and StaleVersion."""
    return move(session, visit, _required(session, visit, expect), "confirm", actor=actor, now=now)


def reschedule(
    session: Session,
    visit: Visit,
    *,
    start_at: datetime,
    end_at: datetime,
    actor: Actor,
    now: datetime,
    by: str = COMPANY,
    expect: int | None = None,
) -> Promise:
    """Replace the window by another one, on whose wish is `by` (company or customer).

    Raises as `book` does, NoPromise and StaleVersion.
    """
    old = _required(session, visit, expect)
    _check_window(session, visit, start_at, end_at, now)
    old.by = CUSTOMER if actor.role == "customer" else by
    move(session, visit, old, "reschedule", actor=actor, now=now)
    return _book(session, visit, start_at, end_at, actor=actor, now=now)


def cancel(
    session: Session, visit: Visit, *, actor: Actor, now: datetime, expect: int | None = None
) -> Promise:
    """Take the window back without another; the visit keeps its place in the pool.

    Raises NoPromise and StaleVersion.
    """
    return move(session, visit, _required(session, visit, expect), "cancel", actor=actor, now=now)


def expire(session: Session, *, territory_id: str, now: datetime) -> list[Promise]:
    """Mark as missed by the company what was promised until before `now` and never reached.

    Such visits lose their window, so that they can be planned and promised anew.
    """
    statement = (
        select(Promise, Visit)
        .join(Visit, col(Visit.id) == col(Promise.visit_id))
        .where(
            Visit.territory_id == territory_id,
            col(Promise.status).in_(STANDING),
            col(Promise.end_at) <= now,
            col(Visit.status).in_((VisitStatus.PLANNED, *WAITING)),
        )
    )
    return [
        settle(session, visit, promise, kept=False, by=COMPANY, actor=SYSTEM, now=now)
        for promise, visit in session.exec(statement).all()
    ]


def settle(
    session: Session,
    visit: Visit,
    promise: Promise,
    *,
    kept: bool,
    by: str = "",
    actor: Actor,
    now: datetime,
) -> Promise:
    """Say how the promise ended: kept, or missed `by` the company or the customer."""
    promise.by = "" if kept else by
    return move(session, visit, promise, "keep" if kept else "miss", actor=actor, now=now)


def move(
    session: Session, visit: Visit, promise: Promise, action: str, *, actor: Actor, now: datetime
) -> Promise:
    """Change a promise's status by one move of its life cycle; the only writer of it.

    A promise that no longer binds leaves the visit without a window. Raises IllegalMove and MoveNotYours.
    """
    before = promise.status
    subject = f"{visit.id}/{promise.number}"
    promise.status = PROMISES.target(before, action, role=actor.role, subject=subject)
    if promise.status not in {*STANDING, PromiseStatus.KEPT}:
        visit.window_start_at = visit.window_end_at = None
    events.record(
        session,
        f"promise.{promise.status.value}",
        entity="visit",
        entity_id=visit.id,
        actor=actor,
        now=now,
        from_status=before.value,
        to_status=promise.status.value,
        territory_id=visit.territory_id,
        data={
            "work_order_id": visit.work_order_id,
            "promise": promise.number,
            "by": promise.by,
            "start_at": promise.start_at.isoformat(),
            "end_at": promise.end_at.isoformat(),
        },
    )
    session.flush()
    return promise


def _book(
    session: Session,
    visit: Visit,
    start_at: datetime,
    end_at: datetime,
    *,
    actor: Actor,
    now: datetime,
) -> Promise:
    first_day = _check_window(session, visit, start_at, end_at, now)
    known = of_visit(session, visit.id)
    promise = Promise(
        visit_id=visit.id,
        number=known[-1].number + 1 if known else 1,
        status=PromiseStatus.OFFERED,
        start_at=start_at,
        end_at=end_at,
        created_at=now,
    )
    session.add(promise)
    move(session, visit, promise, "book", actor=actor, now=now)
    visit.window_start_at, visit.window_end_at, visit.earliest_day = start_at, end_at, first_day
    events.record(
        session,
        "visit.booked",
        entity="visit",
        entity_id=visit.id,
        actor=actor,
        now=now,
        territory_id=visit.territory_id,
        data={"work_order_id": visit.work_order_id, "promise": promise.number},
    )
    session.flush()
    return promise


def _check_window(
    session: Session, visit: Visit, start_at: datetime, end_at: datetime, now: datetime
) -> date:
    """Refuse a window that cannot be promised; its local day."""
    for field, value in (("start_at", start_at), ("end_at", end_at)):
        if value.tzinfo is None:
            raise InvalidError(
                f"{field} needs an offset, as in 2026-03-02T09:00:00+08:00.", field=field
            )
    if end_at <= start_at:
        raise WindowEmpty("The window ends before it begins.", field="end_at")
    if end_at <= now:
        raise WindowInPast("The window is already over; choose a later one.", field="start_at")
    if visit.status not in {VisitStatus.PLANNED, *WAITING}:
        raise VisitBegun(
            f"Visit {visit.id} is {visit.status.value}; its window can be changed before the crew leaves for it.",
            subject=visit.id,
            state=visit.status.value,
        )
    territory = session.get_one(Territory, visit.territory_id)
    day = local_day(start_at, zone_named(territory.zone))
    earliest = get_order(session, visit.work_order_id).earliest_day
    if day < earliest:
        raise WindowTooEarly(
            f"This work cannot be done before {earliest}; choose a window on that day or later.",
            field="start_at",
            earliest_day=earliest.isoformat(),
        )
    return day


def _required(session: Session, visit: Visit, expect: int | None) -> Promise:
    promise = standing(session, visit.id)
    if promise is None:
        raise NoPromise(
            f"The customer of visit {visit.id} has been promised no window; book one.",
            subject=visit.id,
        )
    promise.expect(expect)
    return promise
