"""What every part writes to: events, tasks, occurrences, alerts, numbers."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from dispatch.core.db import Row, choice, document, instant


class Event(Row, table=True):
    """Something that happened. Append-only: the audit trail and the outbox in one.

    `position` and `hash` are empty until the sealer numbers the event; triggers refuse any other change.
    """

    __table_args__ = (sa.Index("ix_event_subject", "entity", "entity_id", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    position: int | None = Field(default=None, unique=True)
    hash: str | None = Field(default=None, max_length=64)
    type: str = Field(max_length=64, index=True)
    entity: str = Field(max_length=32)
    entity_id: str = Field(max_length=64)
    from_status: str | None = Field(default=None, max_length=32)
    to_status: str | None = Field(default=None, max_length=32)
    actor: str = Field(max_length=64)
    role: str = Field(max_length=16)
    territory_id: str | None = Field(default=None, max_length=32)
    happened_at: datetime = instant(index=True)
    recorded_at: datetime = instant()
    data: dict[str, Any] = document()


class TaskState(StrEnum):
    """Where a task is."""

    DUE = "due"
    LEASED = "leased"
    DONE = "done"
    DEAD = "dead"


class TaskClass(StrEnum):
    """How a task is treated: `safety` is never shed and repeats after a crash, `courtesy` may wait."""

    SAFETY = "safety"
    NORMAL = "normal"
    COURTESY = "courtesy"


class Task(Row, table=True):
    """A durable unit of background work; dramatiq is told its id and nothing else."""

    __table_args__ = (
        sa.Index("ix_task_due", "state", "run_at"),
        sa.Index("ix_task_lease", "state", "lease_until"),
    )

    id: int | None = Field(default=None, primary_key=True)
    kind: str = Field(max_length=64)
    queue: str = Field(max_length=16)
    dedupe_key: str = Field(max_length=160, unique=True)
    payload: dict[str, Any] = document()
    task_class: TaskClass = choice(TaskClass, TaskClass.NORMAL)
    state: TaskState = choice(TaskState, TaskState.DUE)
    run_at: datetime = instant()
    attempts: int = 0
    recoveries: int = 0
    max_attempts: int = 6
    lease_owner: str | None = Field(default=None, max_length=96)
    lease_token: int = 0
    lease_until: datetime | None = instant(nullable=True)
    last_error: str | None = Field(default=None, max_length=2000)
    created_at: datetime = instant()
    finished_at: datetime | None = instant(nullable=True)


class Occurrence(Row, table=True):
    """One due run of a periodic job; its uniqueness is what makes it run once."""

    __table_args__ = (sa.UniqueConstraint("job", "key"),)

    id: int | None = Field(default=None, primary_key=True)
    job: str = Field(max_length=64)
    key: str = Field(
        max_length=40, description="the local date of a daily job, the UTC minute of others"
    )
    scheduled_for: datetime = instant()
    created_at: datetime = instant()


class KeptAnswer(Row, table=True):
    """What a write was answered: the same request again, by its `Idempotency-Key`, is given it and not done again.

    The row commits with the write's effect. `mark` is a keyed hash of the request, so that the same key for another
    one shows; `secret` says that the answer held a secret and was not kept.
    """

    actor: str = Field(primary_key=True, max_length=64)
    route: str = Field(primary_key=True, max_length=160)
    key: str = Field(primary_key=True, max_length=64)
    mark: str = Field(max_length=64)
    status: int = 0
    headers: dict[str, str] = document()
    body: str = Field(default="", sa_type=sa.Text)
    secret: bool = False
    created_at: datetime = instant()
    kept_until: datetime = instant(index=True)


class Alert(Row, table=True):
    """What needs a person, once per cause: a repeat raises the count."""

    key: str = Field(primary_key=True, max_length=160)
    text: str = Field(max_length=500)
    count: int = 1
    first_at: datetime = instant()
    last_at: datetime = instant()
    resolved_at: datetime | None = instant(nullable=True)


class Sequence(Row, table=True):
    """The last number given out of each series of readable numbers."""

    name: str = Field(primary_key=True, max_length=32)
    value: int = 0
