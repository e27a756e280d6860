"""Lone work: somebody alone at a visit says in time that all is well, or a person is asked to look."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.core import alerts, events
from dispatch.core.errors import ConflictError
from dispatch.core.events import SYSTEM, Actor
from dispatch.field.tables import LoneWatch
from dispatch.registry.tables import ShiftMember
from dispatch.work import catalogue
from dispatch.work.tables import Visit, VisitStatus, WorkOrder

GRACE = timedelta(minutes=5)
"""How long after the check-in fell due somebody is asked to look."""
BEGINS = ("arrived", "start", "resume")
ENDS = ("pause", "done", "not_done")


class NothingToCheckIn(ConflictError):
    """Nobody works alone at this visit now."""

    code = "nothing_to_check_in"


def follow(
    session: Session, visit: Visit, action: str, *, at: datetime, actor: Actor, now: datetime
) -> None:
    """Begin watching when a lone worker arrives, count anew with every step of the work, and end with it."""
    if action in ENDS:
        end(session, visit.id, now=now)
    elif action in BEGINS:
        watch = session.get(LoneWatch, visit.id)
        if watch is not None and watch.ended_at is None:
            _checked(session, watch, at=at, actor=actor, now=now)
        else:
            _begin(session, visit, watch, at=at)


def check_in(session: Session, visit: Visit, *, at: datetime, actor: Actor, now: datetime) -> None:
    """Record that the lone worker of the visit is well `at` that time; raises NothingToCheckIn."""
    watch = session.get(LoneWatch, visit.id)
    if watch is None or watch.ended_at is not None:
        raise NothingToCheckIn(
            f"Nobody works alone at visit {visit.id} now; there is nothing to check in.",
            subject=visit.id,
            state=visit.status.value,
        )
    _checked(session, watch, at=at, actor=actor, now=now)


def end(session: Session, visit_id: str, *, now: datetime) -> None:
    """Stop watching, and close the alert if there is one."""
    watch = session.get(LoneWatch, visit_id)
    if watch is not None and watch.ended_at is None:
        watch.ended_at = now
        alerts.resolve(session, _key(visit_id), now=now)


def sweep(session: Session, *, now: datetime, limit: int = 200) -> int:
    """Raise an alert for every check-in that is missing `GRACE` after it was due; how many.

    Work that ended without the crew (a day closed, a visit taken back) is watched no more.
    """
    statement = (
        select(LoneWatch, Visit.status)
        .join(Visit, col(Visit.id) == col(LoneWatch.visit_id))
        .where(
            col(LoneWatch.ended_at).is_(None),
            col(LoneWatch.missed_at).is_(None),
            col(LoneWatch.due_at) <= now - GRACE,
        )
        .order_by(col(LoneWatch.due_at))
        .limit(limit)
        .with_for_update(skip_locked=True, of=LoneWatch)
    )
    missed = 0
    for watch, status in session.exec(statement).all():
        if status not in (VisitStatus.ARRIVED, VisitStatus.WORKING):
            watch.ended_at = now
            continue
        watch.missed_at = now
        missed += 1
        alerts.raise_alert(
            session,
            _key(watch.visit_id),
            f"Crew {watch.crew_id} works alone at visit {watch.visit_id} and has not checked in. "
            "Call the crew now.",
            now=now,
        )
        _record(session, watch, "visit.check_in_missed", actor=SYSTEM, now=now)
    session.flush()
    return missed


def _begin(session: Session, visit: Visit, old: LoneWatch | None, *, at: datetime) -> None:
    order = session.get_one(WorkOrder, visit.work_order_id)
    minutes = catalogue.get(session, order.work_type).check_in_minutes
    members = session.exec(
        select(sa.func.count()).where(col(ShiftMember.shift_id) == visit.shift_id)
    ).one()
    if not minutes or members != 1 or visit.crew_id is None:
        return
    every = timedelta(minutes=minutes)
    watch = old or LoneWatch(
        visit_id=visit.id, crew_id=visit.crew_id, territory_id=visit.territory_id, every_s=0,
        checked_at=at, due_at=at,
    )  # fmt: skip
    watch.crew_id, watch.every_s = visit.crew_id, 60 * minutes
    watch.checked_at, watch.due_at = at, at + every
    watch.missed_at = watch.ended_at = None
    session.add(watch)


def _checked(
    session: Session, watch: LoneWatch, *, at: datetime, actor: Actor, now: datetime
) -> None:
    """Count from when the check-in was made, also one that waited for a network; an older one changes nothing."""
    if at <= watch.checked_at:
        return
    watch.checked_at, watch.due_at = at, at + timedelta(seconds=watch.every_s)
    if watch.missed_at is not None and watch.due_at > now - GRACE:
        watch.missed_at = None
        alerts.resolve(session, _key(watch.visit_id), now=now)
    _record(session, watch, "visit.checked_in", actor=actor, now=now, at=at)


def _record(
    session: Session,
    watch: LoneWatch,
    type: str,
    *,
    actor: Actor,
    now: datetime,
    at: datetime | None = None,
) -> None:
    events.record(
        session,
        type,
        entity="visit",
        entity_id=watch.visit_id,
        actor=actor,
        now=now,
        happened_at=at,
        territory_id=watch.territory_id,
        data={"crew_id": watch.crew_id, "due_at": watch.due_at.isoformat()},
    )


def _key(visit_id: str) -> str:
    return f"lone_work:{visit_id}"
