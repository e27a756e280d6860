"""Clocks: started with their policy, stopped by what they wait for, swept for warnings."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from dispatch.core import alerts, events
from dispatch.core.errors import ConflictError
from dispatch.core.events import SYSTEM, Actor
from dispatch.registry.tables import AreaClass
from dispatch.sla import policy
from dispatch.sla.clock import next_level_at, passed
from dispatch.sla.tables import Clock, ClockKind, ClockStatus

ALARMING = 90
"""From this percentage on a warning also asks for a person."""


class ClockExists(ConflictError):
    """The subject already has a clock of this kind."""

    code = "clock_exists"


def start(
    session: Session,
    *,
    kind: ClockKind,
    subject: str,
    subject_id: str,
    territory_id: str,
    started_at: datetime,
    now: datetime,
    area_class: AreaClass | None = None,
    entry: str | None = None,
    limit: timedelta | None = None,
    pack: policy.Pack | None = None,
    actor: Actor = SYSTEM,
) -> Clock:
    """Start watching a limit from `started_at` on; the limit may already have passed.

    The limit is `limit` when given (policy `given/...`), else the pack's `entry`, or that of the kind and area;
    the shipped pack unless another one is given.
    Raises ClockExists and NoSuchPolicy.
    """
    if limit is None:
        rules = pack or policy.load()
        found = rules.entry(kind, name=entry, area_class=area_class)
        limit, name = found.limit, f"{rules.id}/{found.id}"
    else:
        name = f"given/{entry or kind.value}"
    if _find(session, subject, subject_id, kind) is not None:
        raise ClockExists(
            f"{subject} {subject_id} already has a clock of kind {kind.value}.", subject=subject_id
        )
    due_at = started_at + limit
    clock = Clock(
        kind=kind,
        subject=subject,
        subject_id=subject_id,
        territory_id=territory_id,
        policy=name,
        started_at=started_at,
        due_at=due_at,
        next_warning_at=next_level_at(started_at, due_at, 0),
    )
    session.add(clock)
    session.flush()
    _record(session, clock, "started", actor=actor, now=now)
    return clock


def stop(
    session: Session,
    *,
    subject: str,
    subject_id: str,
    kind: ClockKind,
    at: datetime,
    actor: Actor,
    now: datetime,
) -> Clock | None:
    """What the clock waited for happened `at`: it is kept up to its limit, broken after; None if none runs."""
    clock = _find(session, subject, subject_id, kind)
    if clock is None or clock.status != ClockStatus.RUNNING:
        return None
    return _end(
        session,
        clock,
        ClockStatus.KEPT if at <= clock.due_at else ClockStatus.BROKEN,
        at=at,
        actor=actor,
        now=now,
    )


def stop_all(
    session: Session, *, subject: str, subject_id: str, at: datetime, actor: Actor, now: datetime
) -> list[Clock]:
    """Stop every running clock of the subject."""
    stopped = [
        stop(
            session, subject=subject, subject_id=subject_id, kind=kind, at=at, actor=actor, now=now
        )
        for kind in ClockKind
    ]
    return [clock for clock in stopped if clock is not None]


def cancel(
    session: Session,
    *,
    subject: str,
    subject_id: str,
    actor: Actor,
    now: datetime,
    kind: ClockKind | None = None,
) -> list[Clock]:
    """Stop watching without a verdict, because the matter has gone away; all kinds unless one is named."""
    running = [
        clock
        for clock in of_subject(session, subject=subject, subject_id=subject_id)
        if clock.status == ClockStatus.RUNNING and kind in {None, clock.kind}
    ]
    return [
        _end(session, clock, ClockStatus.CANCELLED, at=now, actor=actor, now=now)
        for clock in running
    ]


def sweep(session: Session, *, now: datetime, limit: int = 500) -> int:
    """Give the warnings that fell due, at most `limit`; how many were given.

    A clock that passed several levels since the last sweep gets the highest one only. From 90 % on an alert asks
    for a person; it closes when the clock ends.
    """
    statement = (
        select(Clock)
        .where(col(Clock.status) == ClockStatus.RUNNING, col(Clock.next_warning_at) <= now)
        .order_by(col(Clock.next_warning_at), col(Clock.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    due = session.exec(statement).all()
    for clock in due:
        clock.warned = passed(clock.started_at, clock.due_at, now)
        clock.next_warning_at = next_level_at(clock.started_at, clock.due_at, clock.warned)
        _record(session, clock, "warning", actor=SYSTEM, now=now)
        if clock.warned >= ALARMING:
            state = "has passed" if clock.warned >= 100 else f"is {clock.warned} % used for"
            alerts.raise_alert(
                session,
                _alert_key(clock),
                f"The {clock.kind.value} limit {state} {clock.subject} {clock.subject_id}.",
                now=now,
            )
    session.flush()
    return len(due)


def running(session: Session, *, territory_id: str, limit: int = 200) -> Sequence[Clock]:
    """The running clocks of a territory, the next to break first."""
    statement = (
        select(Clock)
        .where(Clock.territory_id == territory_id, col(Clock.status) == ClockStatus.RUNNING)
        .order_by(col(Clock.due_at), col(Clock.id))
        .limit(limit)
    )
    return session.exec(statement).all()


def of_subject(session: Session, *, subject: str, subject_id: str) -> Sequence[Clock]:
    """Every clock of one request or work order, oldest first."""
    statement = (
        select(Clock)
        .where(Clock.subject == subject, Clock.subject_id == subject_id)
        .order_by(col(Clock.id))
    )
    return session.exec(statement).all()


def due_at(
    session: Session, *, kind: ClockKind, subject: str, subject_ids: Collection[str]
) -> dict[str, datetime]:
    """When the running clocks of a kind end, by their subject."""
    statement = select(Clock.subject_id, Clock.due_at).where(
        Clock.subject == subject,
        col(Clock.subject_id).in_(subject_ids),
        Clock.kind == kind,
        Clock.status == ClockStatus.RUNNING,
    )
    return dict(session.exec(statement).all())


def _find(session: Session, subject: str, subject_id: str, kind: ClockKind) -> Clock | None:
    statement = select(Clock).where(
        Clock.subject == subject, Clock.subject_id == subject_id, Clock.kind == kind
    )
    return session.exec(statement).first()


def _end(
    session: Session,
    clock: Clock,
    status: ClockStatus,
    *,
    at: datetime,
    actor: Actor,
    now: datetime,
) -> Clock:
    clock.status, clock.stopped_at, clock.next_warning_at = status, at, None
    alerts.resolve(session, _alert_key(clock), now=now)
    _record(session, clock, status.value, actor=actor, now=now, happened_at=at)
    session.flush()
    return clock


def _alert_key(clock: Clock) -> str:
    return f"clock.{clock.kind.value}:{clock.subject}:{clock.subject_id}"


def _record(
    session: Session,
    clock: Clock,
    what: str,
    *,
    actor: Actor,
    now: datetime,
    happened_at: datetime | None = None,
) -> None:
    events.record(
        session,
        f"clock.{what}",
        entity=clock.subject,
        entity_id=clock.subject_id,
        actor=actor,
        now=now,
        happened_at=happened_at,
        territory_id=clock.territory_id,
        data={
            "kind": clock.kind.value,
            "policy": clock.policy,
            "percent": clock.warned,
            "due_at": clock.due_at.isoformat(),
        },
    )
