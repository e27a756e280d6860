"""Long work that a person asks for and a worker does: a row that is followed, stopped, and ends by its life cycle.

The work itself stands between two transactions; each kind of run says in its own module what it takes and leaves.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import sqlalchemy as sa
from sqlmodel import Field, Session, col, select

from dispatch.core import events
from dispatch.core.db import Versioned, instant
from dispatch.core.errors import NotFoundError
from dispatch.core.events import SYSTEM, Actor
from dispatch.core.lifecycle import Machine

LISTED = 20
"""Runs of a territory that are listed."""
LONGEST_ERROR = 500


class RunRow(Versioned):
    """The columns of every run; a table adds its `status`, and `progress` where that is kept."""

    if TYPE_CHECKING:
        status: Any

    id: int | None = Field(default=None, primary_key=True)
    territory_id: str = Field(foreign_key="territory.id", max_length=32, index=True)
    stop_asked: bool = False
    error: str = Field(default="", max_length=LONGEST_ERROR)
    created_by: str = Field(max_length=64)
    created_at: datetime = instant()
    ended_at: datetime | None = instant(nullable=True)


R = TypeVar("R", bound=RunRow)
State = TypeVar("State", bound=StrEnum)


class Runs(Generic[R, State]):
    """The runs of one table.

    `under_way` are the states of a run that has not ended, `at_work` is that of one a worker has. `missing` is
    raised for a number that none has, with it under the name `key`; `about` is what events say of a run.
    """

    def __init__(
        self,
        table: type[R],
        machine: Machine[State],
        missing: type[NotFoundError],
        *,
        under_way: tuple[State, ...],
        at_work: State,
        key: str = "",
        about: Callable[[R], dict[str, Any]] | None = None,
    ) -> None:
        self.table, self.machine, self.missing = table, machine, missing
        self.under_way, self.at_work = under_way, at_work
        self.key, self.about = key or machine.name, about

    def get(self, session: Session, number: int) -> R:
        """The run of this number; raises `missing`."""
        run = session.get(self.table, number)
        if run is None:
            raise self.missing(f"There is no {self.machine.name} {number}.", **{self.key: number})
        return run

    def locked(self, session: Session, number: int) -> R:
        """The run as it now is, to oneself until the transaction ends; raises `missing`."""
        self.get(session, number)
        statement = select(self.table).where(self.table.id == number).with_for_update()
        return session.exec(statement.execution_options(populate_existing=True)).one()

    def listed(self, session: Session, *, territory_id: str) -> list[R]:
        """The territory's last runs, the newest first."""
        statement = select(self.table).where(self.table.territory_id == territory_id)
        return list(session.exec(statement.order_by(col(self.table.id).desc()).limit(LISTED)))

    def stop(self, session: Session, number: int, *, actor: Actor, now: datetime) -> R:
        """Ask the worker to end early; a run that has ended is left alone. Raises `missing`."""
        run = self.locked(session, number)
        if run.status in self.under_way and not run.stop_asked:
            run.stop_asked = True
            self.record(session, run, "stop_asked", actor=actor, now=now)
            session.flush()
        return run

    def record_progress(
        self, session: Session, number: int, *, progress: Mapping[str, Any]
    ) -> None:
        """Note how far the worker is; the version stays, so that a page that shows the run can still act on it."""
        session.execute(
            sa.update(self.table)
            .where(col(self.table.id) == number, col(self.table.status) == self.at_work)
            .values(progress=dict(progress))
            .execution_options(synchronize_session=False)
        )

    def goes_on(self, session: Session, number: int) -> bool:
        """Whether the worker should go on: not once a stop was asked for."""
        row = session.exec(
            select(self.table.status, self.table.stop_asked).where(self.table.id == number)
        ).first()
        return row is not None and row[0] == self.at_work and not row[1]

    def move(
        self, session: Session, run: R, action: str, *, actor: Actor = SYSTEM, now: datetime
    ) -> None:
        """Change the status by one move of the life cycle, with an event; raises IllegalMove and MoveNotYours."""
        run.status = self.machine.target(run.status, action, role=actor.role, subject=str(run.id))
        self.record(session, run, run.status.value, actor=actor, now=now)
        session.flush()

    def record(self, session: Session, run: R, what: str, *, actor: Actor, now: datetime) -> None:
        """Write an event about the run."""
        events.record(
            session,
            f"{self.machine.name}.{what}",
            entity=self.machine.name,
            entity_id=str(run.id),
            actor=actor,
            now=now,
            territory_id=run.territory_id,
            to_status=run.status.value,
            data=None if self.about is None else self.about(run),
        )
