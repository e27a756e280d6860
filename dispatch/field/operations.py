"""One action as a device tells it: what it must look like, and what its number stands for."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dispatch.core.errors import InvalidError
from dispatch.field.steps import CHECK_IN, MOVES
from dispatch.field.tables import CrewAction

MAX_DATA = 8_000
_MADE = ("to_status", "from_version", "to_version")
"""What an action made of the visit."""


class UnknownAction(InvalidError):
    """The crew's page has no such action."""

    code = "unknown_action"


class BadOperation(InvalidError):
    """The operation's own number, its data or its position is not as it must be."""

    code = "bad_operation"


@dataclass(frozen=True, slots=True)
class Operation:
    """One action as a device queued it; `version` is the visit's that the crew saw, where the device tells."""

    op_id: str
    visit_id: str
    action: str
    device_at: datetime
    reason: str = ""
    note: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    lat: float | None = None
    lon: float | None = None
    version: int | None = None


def check(asked: Operation) -> None:
    """Refuse an operation that cannot be meant so; raises UnknownAction and BadOperation."""
    if asked.action not in (*MOVES, CHECK_IN):
        raise UnknownAction(
            f"There is no action {asked.action!r}; {', '.join((*MOVES, CHECK_IN))}.", field="action"
        )
    if not 1 <= len(asked.op_id) <= 64 or not asked.op_id.isprintable():
        raise BadOperation("An operation's number has 1 to 64 printable characters.", field="op_id")
    if asked.device_at.tzinfo is None:
        raise BadOperation("The device's time needs its offset from UTC.", field="device_at")
    if len(asked.note) > 500:
        raise BadOperation("A note has at most 500 characters.", field="note")
    if len(asked.reason) > 64:
        raise BadOperation("A reason is a code of its list.", field="reason")
    _check_data(asked.data)
    if (asked.lat is None) != (asked.lon is None):
        raise BadOperation("A position needs both lat and lon.", field="lat")
    if asked.lat is not None and asked.lon is not None:
        if not -90 <= asked.lat <= 90:
            raise BadOperation("lat lies between -90 and 90 degrees.", field="lat")
        if not -180 <= asked.lon <= 180:
            raise BadOperation("lon lies between -180 and 180 degrees.", field="lon")


def _check_data(data: Mapping[str, Any]) -> None:
    try:
        text = json.dumps(data, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BadOperation("The data must be plain JSON.", field="data") from error
    if len(text) > MAX_DATA:
        raise BadOperation(f"The data are longer than {MAX_DATA} characters.", field="data")


def meaning(asked: Operation, crew_id: str) -> dict[str, Any]:
    """What an operation's number stands for; the same number must mean the same again."""
    return {
        "op_id": asked.op_id,
        "visit_id": asked.visit_id,
        "crew_id": crew_id,
        "action": asked.action,
        "reason": asked.reason,
        "note": asked.note,
        "data": dict(asked.data),
        "lat": asked.lat,
        "lon": asked.lon,
    }


def content_of(row: CrewAction) -> dict[str, Any]:
    """What a recorded action's number stands for, to compare with `meaning`."""
    return row.model_dump(exclude={"id", "device_at", "recorded_at", "late", *_MADE})


def mark(asked: Operation, crew_id: str) -> str:
    """A digest of what an operation's number stands for."""
    text = json.dumps(meaning(asked, crew_id), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
