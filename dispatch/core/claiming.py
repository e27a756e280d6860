"""The statements by which tasks are added, claimed, held and done.

They are built once and go round the ORM: building a statement costs more than executing it.
"""

import sqlalchemy as sa

from dispatch.core.tables import Task, TaskState
from dispatch.core.upserts import Upsert

ROWS: sa.Table = Task.__table__  # type: ignore[attr-defined]

ADD = Upsert(
    ROWS,
    lambda insert: insert.on_conflict_do_nothing(index_elements=["dedupe_key"]).returning(
        ROWS.c.id
    ),
)
"""Adds a row, and gives its id, unless one with its `dedupe_key` was ever added."""


def _claiming(which: sa.ColumnElement[bool]) -> sa.Update:
    candidates = (
        sa.select(ROWS.c.id)
        .where(ROWS.c.state == TaskState.DUE, ROWS.c.run_at <= sa.bindparam("moment"), which)
        .order_by(ROWS.c.run_at)
        .limit(sa.bindparam("most"))
        .with_for_update(skip_locked=True)  # SQLite has one writer and ignores this
        .cte("due")  # PostgreSQL may run a plain subquery once a row, and lock far more than `most`
    )
    return (
        sa.update(ROWS)
        .where(ROWS.c.id.in_(sa.select(candidates.c.id)), ROWS.c.state == TaskState.DUE)
        .values(
            state=TaskState.LEASED,
            attempts=ROWS.c.attempts + 1,
            lease_owner=sa.bindparam("holder"),
            lease_token=ROWS.c.lease_token + 1,
            lease_until=sa.bindparam("until"),
        )
        .returning(
            ROWS.c.id, ROWS.c.lease_token, ROWS.c.kind, ROWS.c.payload, ROWS.c.attempts,
            ROWS.c.task_class, ROWS.c.run_at,
        )
    )  # fmt: skip


_OTHER = ROWS.alias()
THIS = _claiming(ROWS.c.id == sa.bindparam("subject"))
NEXT = _claiming(
    ROWS.c.queue
    == sa.select(_OTHER.c.queue).where(_OTHER.c.id == sa.bindparam("subject")).scalar_subquery()
)
ANY = _claiming(sa.true())
"""Claims: `moment`, `most`, `holder`, `until`; THIS and NEXT, of the same queue, also the `subject` task's id."""

HELD = (
    ROWS.c.id == sa.bindparam("subject"),
    ROWS.c.lease_token == sa.bindparam("token"),
    ROWS.c.state == TaskState.LEASED,
)
"""What holds only for the current `token` of a leased `subject`: the fence."""
DONE = (
    sa.update(ROWS)
    .where(*HELD)
    .values(
        state=TaskState.DONE,
        finished_at=sa.bindparam("moment"),
        lease_until=None,
        last_error=None,
    )
)
