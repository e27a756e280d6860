"""How customers were served: promises, clocks, requests, calls."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.core.tables import Event
from dispatch.desk.lifecycle import OPEN
from dispatch.desk.tables import Request
from dispatch.insight.span import Span
from dispatch.sla.tables import Clock, ClockKind, ClockStatus
from dispatch.work.lifecycle import STANDING
from dispatch.work.promises import COMPANY
from dispatch.work.queries import call_list
from dispatch.work.tables import Mode, Promise, PromiseStatus, Visit, WorkOrder, WorkType


@dataclass(frozen=True, slots=True)
class PromiseFigures:
    """Population: promises whose window begins on the day and that were not moved or cancelled before.

    A promise is kept when the crew arrived before the window's end. `open` has no verdict yet.
    """

    kept: int
    missed_by_company: int
    missed_by_customer: int
    open: int

    @property
    def kept_share(self) -> float | None:
        """Kept / (kept + missed by the company), None without either."""
        judged = self.kept + self.missed_by_company
        return self.kept / judged if judged else None


@dataclass(frozen=True, slots=True)
class ClockFigures:
    """Clocks of one kind: population those that ended on the day, and those past their limit that still run."""

    kind: str
    kept: int
    broken: int
    overdue: int


@dataclass(frozen=True, slots=True)
class RequestFigures:
    """Requests received and first answered on the day, and those of any day still without an answer."""

    received: int
    answered: int
    unanswered: int


@dataclass(frozen=True, slots=True)
class CallFigures:
    """Telephone follow-ups completed on the day, and those due by the day that are still to be made."""

    done: int
    left: int


def promise_figures(session: Session, span: Span) -> PromiseFigures:
    """Count the day's promises."""
    statement = (
        select(Promise.status, Promise.by, sa.func.count())
        .join(Visit, col(Visit.id) == col(Promise.visit_id))
        .where(
            Visit.territory_id == span.territory_id,
            col(Promise.start_at) >= span.begin,
            col(Promise.start_at) < span.end,
        )
        .group_by(col(Promise.status), col(Promise.by))
    )
    kept = by_company = by_customer = still = 0
    for status, by, count in session.exec(statement):
        if status is PromiseStatus.KEPT:
            kept += count
        elif status is PromiseStatus.MISSED and by == COMPANY:
            by_company += count
        elif status is PromiseStatus.MISSED:
            by_customer += count
        elif status in STANDING:
            still += count
    return PromiseFigures(kept, by_company, by_customer, still)


def clock_figures(session: Session, span: Span) -> tuple[ClockFigures, ...]:
    """Count the day's clocks by kind."""
    ended = sa.and_(col(Clock.stopped_at) >= span.begin, col(Clock.stopped_at) < span.end)
    statement = select(
        Clock.kind,
        sa.func.count(sa.case((sa.and_(ended, col(Clock.status) == ClockStatus.KEPT), 1))),
        sa.func.count(sa.case((sa.and_(ended, col(Clock.status) == ClockStatus.BROKEN), 1))),
        sa.func.count(
            sa.case(
                (
                    sa.and_(
                        col(Clock.status) == ClockStatus.RUNNING, col(Clock.due_at) < span.until
                    ),
                    1,
                )
            )
        ),
    ).where(Clock.territory_id == span.territory_id)
    rows = {row[0]: row for row in session.exec(statement.group_by(col(Clock.kind)))}
    return tuple(
        ClockFigures(kind.value, *(rows[kind][1:] if kind in rows else (0, 0, 0)))
        for kind in ClockKind
    )


def request_figures(session: Session, span: Span) -> RequestFigures:
    """Count the day's requests."""

    def on_the_day(column: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
        return sa.and_(column >= span.begin, column < span.end)

    unanswered = sa.and_(
        col(Request.answered_at).is_(None),
        col(Request.status).in_(OPEN),
        col(Request.received_at) < span.end,
    )
    statement = select(
        sa.func.count(sa.case((on_the_day(col(Request.received_at)), 1))),  # type: ignore[arg-type]
        sa.func.count(sa.case((on_the_day(col(Request.answered_at)), 1))),  # type: ignore[arg-type]
        sa.func.count(sa.case((unanswered, 1))),
    ).where(Request.territory_id == span.territory_id)
    return RequestFigures(*session.exec(statement).one())


def call_figures(session: Session, span: Span) -> CallFigures:
    """Count the day's telephone follow-ups."""
    statement = (
        select(sa.func.count(sa.distinct(col(WorkOrder.id))))
        .select_from(Event)
        .join(WorkOrder, col(WorkOrder.id) == col(Event.entity_id))
        .join(WorkType, col(WorkType.code) == col(WorkOrder.work_type))
        .where(
            Event.entity == "work_order",
            Event.type == "work_order.completed",
            col(Event.happened_at) >= span.begin,
            col(Event.happened_at) < span.end,
            WorkOrder.territory_id == span.territory_id,
            WorkType.mode == Mode.PHONE,
        )
    )
    left = call_list(session, territory_id=span.territory_id, day=span.day)
    return CallFigures(done=session.exec(statement).one(), left=len(left))
