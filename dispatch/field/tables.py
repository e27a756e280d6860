"""What crews did and where they are, as they told it."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from dispatch.core.db import Row, UtcDateTime, document, instant


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
