"""Plans and looks ahead that nobody will end, because their task is dead: its workers died, or its tries are up."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, select

from dispatch.core.tables import Task, TaskState
from dispatch.planning import failures, looking, states
from dispatch.planning.lifecycle import WAITING
from dispatch.planning.tables import OutlookRun, Plan, RunOutcome

_GAVE_UP = "its task gave up; the alert about that says why"


def stranded(session: Session) -> tuple[list[int], list[int]]:
    """The numbers of such plans, and of such looks at the days ahead."""
    return (
        _of(session, Plan, "plan.solve", col(Plan.status).in_(WAITING)),
        _of(session, OutlookRun, "outlook.look", col(OutlookRun.status).in_(looking.UNDER_WAY)),
    )


def give_up_stranded(session: Session, *, now: datetime) -> int:
    """End them, so that nobody waits for them and they stand in no other one's way; how many."""
    plans, outlooks = stranded(session)
    for number in plans:
        plan = states.locked(session, number)
        if plan.status in WAITING:
            failures.end_runs(session, plan, RunOutcome.VANISHED, _GAVE_UP, now=now)
            failures.give_up(session, plan, _GAVE_UP, now=now)
    for number in outlooks:
        looking.fail(session, outlook_id=number, error=_GAVE_UP, now=now)
    return len(plans) + len(outlooks)


def _of(
    session: Session, table: type[SQLModel], kind: str, waits: sa.ColumnElement[bool]
) -> list[int]:
    number: sa.Column[int] = table.__table__.c.id  # type: ignore[attr-defined]
    key = sa.literal(f"{kind}:").concat(sa.cast(number, sa.String))
    statement = (
        select(number)
        .join(Task, col(Task.dedupe_key) == key)
        .where(waits, col(Task.state) == TaskState.DEAD)
    )
    return list(session.exec(statement))
