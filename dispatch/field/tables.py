"""What crews did and where they are, as they told it, and what they sent along."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from dispatch.core.db import Row, UtcDateTime, choice, document, instant


class CrewAction(Row, table=True):
    """One action of a crew on a visit. `op_id` is the device's own number: the same one twice is one action.

    `device_at` is the device's clock, `recorded_at` the server's; `late` marks one that waited for a network. What
    it made of the visit is kept (`to_status`, its version before and after): a repeat is answered the same.
    """

    __table_args__ = (sa.Index("ix_crew_action_visit", "visit_id", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    op_id: str = Field(max_length=64, unique=True)
    visit_id: str = Field(foreign_key="visit.id", max_length=40)
    crew_id: str = Field(foreign_key="crew.id", max_length=32)
    action: str = Field(max_length=16)
    reason: str = Field(default="", max_length=64)
    note: str = Field(default="", max_length=500)
    data: dict[str, Any] = document()
    lat: float | None = None
    lon: float | None = None
    device_at: datetime = instant()
    recorded_at: datetime = instant()
    late: bool = False
    to_status: str = Field(default="", max_length=16)
    from_version: int = 0
    to_version: int = 0


class CrewPosition(Row, table=True):
    """Where a crew's device was at a moment of its clock, WGS 84. No event: it is forgotten two days later."""

    crew_id: str = Field(primary_key=True, foreign_key="crew.id", max_length=32)
    device_at: datetime = Field(primary_key=True, sa_type=UtcDateTime, index=True)
    lat: float
    lon: float
    accuracy_m: float | None = None


class RefusedAction(Row, table=True):
    """A queued action that was refused. It stays refused: sent again, it is answered the same and tried no more.

    Otherwise an action that came too early would find its visit ready for it when the queue is sent once more.
    """

    op_id: str = Field(primary_key=True, max_length=64)
    crew_id: str = Field(foreign_key="crew.id", max_length=32)
    visit_id: str = Field(
        max_length=64, index=True, description="as told; there may be no such visit"
    )
    action: str = Field(max_length=16)
    mark: str = Field(max_length=64, description="SHA-256 of what the action said")
    status: str = Field(max_length=16, description="the visit's state when it was refused")
    code: str = Field(max_length=48)
    detail: str = Field(max_length=1000)
    device_at: datetime = instant()
    recorded_at: datetime = instant()


class AttachmentKind(StrEnum):
    """What a crew sends along."""

    PHOTO = "photo"
    SIGNATURE = "signature"


class Attachment(Row, table=True):
    """A picture of a visit. `id` is the device's own number; the content is a file named by its SHA-256."""

    id: str = Field(primary_key=True, max_length=64)
    visit_id: str = Field(foreign_key="visit.id", max_length=40, index=True)
    crew_id: str = Field(foreign_key="crew.id", max_length=32)
    kind: AttachmentKind = choice(AttachmentKind)
    media_type: str = Field(max_length=32)
    width: int
    height: int
    size: int
    sent: str = Field(max_length=64, description="SHA-256 of what was sent")
    kept: str = Field(max_length=64, description="SHA-256 of what is kept: the picture alone")
    created_by: str = Field(max_length=64)
    created_at: datetime = instant()


class LoneWatch(Row, table=True):
    """Somebody works alone at a visit and checks in every `every_s` seconds, next by `due_at`.

    `missed_at` is when a check-in was found missing, `ended_at` when the work there ended.
    """

    __table_args__ = (sa.Index("ix_lone_watch_due", "ended_at", "due_at"),)

    visit_id: str = Field(primary_key=True, foreign_key="visit.id", max_length=40)
    crew_id: str = Field(foreign_key="crew.id", max_length=32)
    territory_id: str = Field(foreign_key="territory.id", max_length=32)
    every_s: int
    checked_at: datetime = instant()
    due_at: datetime = instant()
    missed_at: datetime | None = instant(nullable=True)
    ended_at: datetime | None = instant(nullable=True)
