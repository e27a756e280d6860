"""An event as others are told it: CloudEvents 1.0, structured JSON; ids and states, nothing about a person."""

import json
from datetime import datetime
from typing import Any

from dispatch.core.tables import Event

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
TEST = "webhook.test"
_TOLD = ("_id", "_ids")


def type_of(event_type: str) -> str:
    """The CloudEvents type of an event of ours."""
    return f"gridcrew.{event_type}"


def body_of(event: Event, *, source: str) -> str:
    """The event as a CloudEvent, the same text whenever it is made; `source` is the installation's address.

    Of the event's own data only ids are told: words may be about people.
    """
    data = {
        "entity": event.entity,
        "entity_id": event.entity_id,
        "from_status": event.from_status,
        "to_status": event.to_status,
        "territory_id": event.territory_id,
        "position": event.position,
        "recorded_at": _instant(event.recorded_at),
        **{
            name: value
            for name, value in sorted(event.data.items())
            if name.endswith(_TOLD) and _is_id(value)
        },
    }
    return _text(
        source=f"{source}/territories/{event.territory_id}" if event.territory_id else source,
        id=f"event-{event.id}",
        type=type_of(event.type),
        subject=f"{event.entity}/{event.entity_id}",
        time=_instant(event.happened_at),
        data=data,
    )


def test_body(*, source: str, id: str, at: datetime) -> str:
    """A CloudEvent that says nothing but that it arrived."""
    return _text(
        source=source,
        id=id,
        type=type_of(TEST),
        subject="webhook",
        time=_instant(at),
        data={"message": "This is a test. 这是一条测试。"},
    )


def _is_id(value: Any) -> bool:
    values = value if isinstance(value, list) else [value]
    return all(isinstance(one, str | int) for one in values)


def _text(**content: Any) -> str:
    whole = {"specversion": "1.0", "datacontenttype": "application/json", **content}
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":"))


def _instant(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
