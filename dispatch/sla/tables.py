"""Clocks: limits being watched."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field

from dispatch.core.db import Versioned, choice, instant


class ClockKind(StrEnum):
    """What must have happened before the limit."""

    ANSWER = "answer"
    ARRIVE = "arrive"
    VISIT_WITHIN = "visit_within"


class ClockStatus(StrEnum):
    """Running, or how it ended."""

    RUNNING = "running"
    KEPT = "kept"
    BROKEN = "broken"
    CANCELLED = "cancelled"


class Clock(Versioned, table=True):
    """One limit of one subject. It keeps the policy version under which it began.

    `warned` is the highest warning given, in percent of the time used: 0, 50, 75, 90 or 100.
    A clock that passes its limit stays running, warned at 100, until what it waits for happens: then it is broken.
    """

    __table_args__ = (
        sa.UniqueConstraint("subject", "subject_id", "kind"),
        sa.Index("ix_clock_next", "status", "next_warning_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    kind: ClockKind = choice(ClockKind)
    subject: str = Field(max_length=16, description="request or work_order")
    subject_id: str = Field(max_length=32)
    territory_id: str = Field(foreign_key="territory.id", max_length=32)
    policy: str = Field(max_length=64, description="pack and entry, as in cn-csg-2017/arrive.urban")
    status: ClockStatus = choice(ClockStatus, ClockStatus.RUNNING)
    started_at: datetime = instant()
    due_at: datetime = instant(index=True)
    next_warning_at: datetime | None = instant(nullable=True)
    warned: int = 0
    stopped_at: datetime | None = instant(nullable=True)
