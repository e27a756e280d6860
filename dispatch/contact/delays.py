"""Delay notices: a customer is told that a promise will probably break, early, seldom, and with a new range.

A first notice goes out when the promise is at risk. How surely it must break for that depends on the time left
until its window ends (`needed`): a promise cannot break before, so up to 20 minutes before its end waiting costs
nobody the notice and makes it surer; later it does. From then on what was told stands, however the expectation
trembles, until the new range leaves the told one by more than a `STEP`: later while the promise is still at risk,
or earlier.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from dispatch.contact import texts
from dispatch.contact.channels import BUILT_IN
from dispatch.contact.drafts import compose
from dispatch.contact.facts import ON_PLAN, Facts, load
from dispatch.contact.tables import Message
from dispatch.contact.windows import Told, arrival_range
from dispatch.core.db import lock_for
from dispatch.field import tracking
from dispatch.field.tracking import Arrival
from dispatch.work.tables import Visit, VisitStatus

NEAR, FAR = 0.86, 0.99
"""From which probability of breaking it a customer is told: when the window ends soon, and while there is time
(docs/benchmarks.md says what other values would do)."""
SOON, EARLY = timedelta(minutes=20), timedelta(minutes=25)
"""A window ends soon from so long before its end on; there is time until so long before it."""
STEP = timedelta(minutes=30)
"""By how much a new range must leave the told one to be told."""
AHEAD = timedelta(hours=8)
"""Promises that end later than this are left to the plan, which may still be made anew."""


def needed(left: timedelta, *, near: float = NEAR, far: float = FAR) -> float:
    """The probability from which a promise is at risk when its window ends in so long."""
    return near + (far - near) * min(max((left - SOON) / (EARLY - SOON), 0.0), 1.0)


def is_due(found: Told, last: Told | None, *, at_risk: bool) -> bool:
    """Whether this range is to be told of a promise that is `at_risk` or not; `last` was told of it."""
    if last is None:
        return at_risk
    later = found.end_at > last.end_at + STEP
    earlier = found.start_at < last.start_at - STEP
    return (later and at_risk) or earlier


def tell_delayed(
    session: Session, *, territory_id: str, now: datetime, channels: Collection[str] = BUILT_IN
) -> list[Message]:
    """Tell the customers of a territory whose promise is at risk now, those who do not know it yet."""
    waiting = _promised(session, territory_id, now)
    if not waiting:
        return []
    expected = tracking.arrivals(session, visit_ids=waiting, now=now)
    told = _told(session, expected)
    due = [
        visit_id
        for visit_id, arrival in expected.items()
        if is_due(
            _range(arrival),
            _last(told.get(visit_id)),
            at_risk=_is_at_risk(arrival, waiting[visit_id], now),
        )
    ]
    if not due:
        return []
    lock_for(session, f"message:{territory_id}")
    told = _told(session, due)  # another worker may have told meanwhile
    written = [
        _tell(session, facts, expected[facts.visit.id], told.get(facts.visit.id, []), channels, now)
        for facts in load(session, due)
    ]
    return [message for message in written if message is not None]


def range_after_notice(session: Session, *, visit: Visit, now: datetime) -> Told | None:
    """When the crew is expected now at a visit whose customer was told of a delay; None when nobody was.

    So the customer's page does not show the window that the notice took back.
    """
    if visit.window_end_at is None or not _told(session, [visit.id]):
        return None
    arrival = tracking.arrivals(session, visit_ids=[visit.id], now=now).get(visit.id)
    return None if arrival is None else _range(arrival)


def _tell(
    session: Session,
    facts: Facts,
    arrival: Arrival,
    history: Sequence[Message],
    channels: Collection[str],
    now: datetime,
) -> Message | None:
    found, last = _range(arrival), _last(history)
    visit, zone, language = facts.visit, facts.zone, facts.language
    assert visit.window_start_at is not None, "a promise has both ends"
    assert visit.window_end_at is not None, "a promise has both ends"
    if not is_due(found, last, at_risk=_is_at_risk(arrival, visit.window_end_at, now)):
        return None
    return compose(
        session,
        facts,
        template="delayed",
        version=f"{_promise(visit.window_end_at)}{len(history) + 1}",
        told=found,
        values={
            "day": texts.day_text(found.start_at, zone, language),
            "span": texts.span_text(found.start_at, found.end_at, zone, language),
            "window": texts.span_text(visit.window_start_at, visit.window_end_at, zone, language),
            "again": last is not None,
            "earlier": last is not None and found.start_at < last.start_at,
        },
        expires_at=max(found.end_at, now + STEP),
        channels=channels,
        now=now,
    )


def _promised(session: Session, territory_id: str, now: datetime) -> dict[str, datetime]:
    """The visits on their way or to come whose promise ends soon or has just ended, and when it ends."""
    statement = select(Visit.id, Visit.window_end_at).where(
        col(Visit.territory_id) == territory_id,
        col(Visit.status).in_((*ON_PLAN, VisitStatus.EN_ROUTE)),
        col(Visit.window_end_at).between(now - AHEAD, now + AHEAD),
    )
    return {visit_id: ends for visit_id, ends in session.exec(statement) if ends is not None}


def _told(session: Session, visit_ids: Collection[str]) -> dict[str, list[Message]]:
    """The notices written of these visits' present promises, the oldest first."""
    statement = (
        select(Message, Visit.window_end_at)
        .join(Visit, col(Visit.id) == col(Message.subject_id))
        .where(col(Message.subject_id).in_(list(visit_ids)), col(Message.template) == "delayed")
        .order_by(col(Message.id))
    )
    found: dict[str, list[Message]] = {}
    for message, window_end_at in session.exec(statement):
        if window_end_at and message.subject_version.startswith(_promise(window_end_at)):
            found.setdefault(message.subject_id, []).append(message)
    return found


def _promise(window_end_at: datetime) -> str:
    """How the versions of a promise's notices begin: another window is another promise."""
    return f"{window_end_at:%Y-%m-%dT%H:%MZ}#"


def _is_at_risk(arrival: Arrival, ends: datetime, now: datetime) -> bool:
    return (arrival.break_probability or 0.0) >= needed(ends - now)


def _range(arrival: Arrival) -> Told:
    return arrival_range(early_at=arrival.early_at, late_at=arrival.late_at)


def _last(history: Sequence[Message] | None) -> Told | None:
    if not history or history[-1].told_start_at is None or history[-1].told_end_at is None:
        return None
    return Told(history[-1].told_start_at, history[-1].told_end_at, promised=False)
