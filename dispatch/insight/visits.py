"""What became of the visits of a day."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from dispatch.insight.span import Span
from dispatch.planning.tables import Assignment, LeftOut, Plan
from dispatch.registry.tables import Shift
from dispatch.work.tables import Visit, VisitStatus

_ENDED = (VisitStatus.DONE, VisitStatus.NOT_DONE, VisitStatus.CANCELLED)


@dataclass(frozen=True, slots=True)
class Missing:
    """A visit that the day's last published plan left out, and why."""

    visit_id: str
    reason: str
    hint: str


@dataclass(frozen=True, slots=True)
class VisitFigures:
    """Population: the visits on any published plan of the day; each is counted in one of the next five.

    `done`, `not_done` and `cancelled` ended that way on a shift of the day; `open` are still on one of its shifts;
    `returned` went back to the pool, whatever became of them on a later day. `not_done_reasons` counts the reasons.
    `left_out` are those that the last published plan left out or could not place and that no shift of the day got.
    """

    planned: int
    done: int
    not_done: int
    cancelled: int
    open: int
    returned: int
    not_done_reasons: dict[str, int]
    left_out: tuple[Missing, ...]


def published_plans(session: Session, span: Span) -> Sequence[Plan]:
    """The plans of the day that were ever published, the first one first."""
    statement = (
        select(Plan)
        .where(
            Plan.territory_id == span.territory_id,
            Plan.day == span.day,
            col(Plan.published_at).is_not(None),
        )
        .order_by(col(Plan.published_at), col(Plan.number))
    )
    return session.exec(statement).all()


def visit_figures(session: Session, span: Span, plans: Sequence[Plan]) -> VisitFigures:
    """Count the visits of the day; see `VisitFigures` for what counts."""
    plan_ids = [plan.id for plan in plans]
    assigned = set(
        session.exec(
            select(Assignment.visit_id).where(col(Assignment.plan_id).in_(plan_ids)).distinct()
        )
    )
    on_shift = {
        visit.id: visit
        for visit in session.exec(
            select(Visit)
            .join(Shift, col(Shift.id) == col(Visit.shift_id))
            .where(
                Visit.territory_id == span.territory_id,
                Shift.day == span.day,
                col(Visit.status) != VisitStatus.PLANNED,
            )
        )
    }
    states = Counter(visit.status for visit in on_shift.values())
    reasons = Counter(
        visit.reason for visit in on_shift.values() if visit.status is VisitStatus.NOT_DONE
    )
    planned = assigned | set(on_shift)
    return VisitFigures(
        planned=len(planned),
        done=states[VisitStatus.DONE],
        not_done=states[VisitStatus.NOT_DONE],
        cancelled=states[VisitStatus.CANCELLED],
        open=sum(count for status, count in states.items() if status not in _ENDED),
        returned=len(planned - set(on_shift)),
        not_done_reasons=dict(sorted(reasons.items())),
        left_out=_left_out(session, plans, on_shift.keys()),
    )


def _left_out(
    session: Session, plans: Sequence[Plan], got_a_shift: Collection[str]
) -> tuple[Missing, ...]:
    if not plans:
        return ()
    last = plans[-1]
    rows = session.exec(
        select(LeftOut).where(LeftOut.plan_id == last.id).order_by(LeftOut.visit_id)
    )
    missing = [Missing(row.visit_id, row.reason, row.hint) for row in rows]
    missing += [Missing(row["visit_id"], row["reason"], row["text"]) for row in last.unplaceable]
    return tuple(one for one in missing if one.visit_id not in got_a_shift)
