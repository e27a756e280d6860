"""Promises that no plan keeps and no message takes back: their customers wait, and only a person can tell them.

Most who are left out are told so by a message (`taking_back`). Whoever never got one of the visit is not, though
the window was agreed with them; nor is who stopped such messages, or whose message came too late.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from dispatch.contact.drafts import why_not
from dispatch.contact.facts import Facts, load
from dispatch.contact.history import TAKE_BACK, Earlier
from dispatch.contact.tables import MessageStatus
from dispatch.contact.taking_back import NEWS_FOR, counted_on, history_of, say_at
from dispatch.contact.unreached import NO_WAY
from dispatch.contact.windows import Told
from dispatch.core.calendar import local_day
from dispatch.planning.tables import Plan
from dispatch.registry.tables import Customer
from dispatch.work.lifecycle import STANDING
from dispatch.work.promises import COMPANY
from dispatch.work.tables import Promise, PromiseStatus, Visit, VisitStatus, WorkOrderStatus

_LISTED = (MessageStatus.FAILED, MessageStatus.BOUNCED)
MOST = 400
"""Visits that are looked at: databases allow only so many parameters."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A visit in the pool whose customer counts on `starts_at`.

    `is_late`: there is hardly time to find a crew; `is_held`: no crew can be sent at all for now.
    """

    visit_id: str
    work_order_id: str
    customer: Customer
    starts_at: datetime
    is_late: bool
    is_held: bool


@dataclass(frozen=True, slots=True)
class _Left:
    """A visit in the pool and the time at which its customer waits for it."""

    facts: Facts
    window: Told
    is_late: bool

    @property
    def is_held(self) -> bool:
        """Whether its order is held."""
        return self.facts.order.status is WorkOrderStatus.ON_HOLD

    @property
    def day(self) -> date:
        """The local day of that time."""
        return local_day(self.window.start_at, self.facts.zone)


def forgotten(session: Session, *, territory_id: str, now: datetime) -> Iterator[Forgotten]:
    """Visits promised for a time that nobody comes at and whose customers are not told so, the next first.

    A visit in the pool is one of them when a plan of its day was published without it, its order is held, it is too
    late to look for a crew (`taking_back.say_at`) or its promise was missed, until `NEWS_FOR` after its time. It is
    none as long as a message tells the customer, or needs a person itself (`unreached`), nor when the customer
    called it off.
    """
    agreed = {one.visit_id: one for one in _agreed(session, territory_id, now)}
    found = []
    for facts in load(session, agreed):
        window = Told(agreed[facts.visit.id].start_at, agreed[facts.visit.id].end_at, promised=True)
        if not facts.is_called_off:
            found.append(_Left(facts, window, say_at(window, facts) <= now))
    published = _published(session, territory_id, {one.day for one in found})
    left_out = [one for one in found if one.is_late or one.is_held or one.day in published]
    histories = history_of(session, [one.facts.visit.id for one in left_out])
    for one in sorted(left_out, key=lambda left: (left.window.start_at, left.facts.visit.id)):
        visit, history = one.facts.visit, histories.get(one.facts.visit.id, [])
        if not _is_told(one, history) and (one.is_late or not _will_be_told(one, history)):
            yield Forgotten(
                visit.id, visit.work_order_id, one.facts.customer, one.window.start_at, one.is_late, one.is_held
            )  # fmt: skip


def _agreed(session: Session, territory_id: str, now: datetime) -> Sequence[Promise]:
    """The last promise of each visit in the pool, if it binds or was missed by the company lately."""
    later = aliased(Promise)
    newer = sa.exists().where(
        col(later.visit_id) == col(Promise.visit_id), col(later.number) > col(Promise.number)
    )
    missed = (col(Promise.status) == PromiseStatus.MISSED) & (col(Promise.by) == COMPANY)
    statement = (
        select(Promise)
        .join(Visit, col(Visit.id) == col(Promise.visit_id))
        .where(
            Visit.territory_id == territory_id,
            Visit.status == VisitStatus.PLANNED,
            col(Promise.end_at) > now - NEWS_FOR,
            sa.or_(col(Promise.status).in_(STANDING), missed),
            ~newer,
        )
    )
    return session.exec(statement.order_by(col(Promise.start_at)).limit(MOST)).all()


def _is_told(left: _Left, history: Sequence[Earlier]) -> bool:
    """Whether the last message about the visit takes the window back, or is listed because it could not."""
    last = next((telling for telling in reversed(history) if not telling.is_dropped), None)
    if last is None or last.template not in TAKE_BACK:
        return False
    is_listed = last.reason in NO_WAY or any(status in _LISTED for status in last.statuses)
    told = (last.told_start_at, last.told_end_at) == (left.window.start_at, left.window.end_at)
    return told and (last.is_on_its_way or is_listed)


def _will_be_told(left: _Left, history: Sequence[Earlier]) -> bool:
    """Whether a message follows when nobody is found in time."""
    allowed = not why_not(left.facts, "put_off")
    return allowed and counted_on(left.facts.visit, history, "put_off") is not None


def _published(session: Session, territory_id: str, days: set[date]) -> set[date]:
    """Those of the days of which a plan was ever published."""
    statement = select(col(Plan.day)).where(
        Plan.territory_id == territory_id,
        col(Plan.day).in_(days),
        col(Plan.published_at).is_not(None),
    )
    return set(session.exec(statement))
