"""What a visit's customer was told of its time, telling by telling."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from dispatch.contact.tables import Message, MessageStatus, Telling
from dispatch.contact.windows import still_holds
from dispatch.work.tables import Visit

_S = MessageStatus
KNOWN = (_S.SENDING, _S.SENT, _S.DELIVERED, _S.UNKNOWN)
"""The customer knows of it, or may."""
ON_ITS_WAY = (_S.PENDING, _S.DEFERRED, *KNOWN)

TELL_TIMES = ("booked", "changed")
TAKE_BACK = ("put_off", "cancelled")
REPEAT_TIMES = ("day_before", "on_the_way", "delayed")
"""These say a time too, of a visit whose time was told, or should have been."""

_DROPPED = "superseded"


@dataclass(slots=True)
class Earlier:
    """One telling, whichever channels and people it went to; `reason` is that of its first message."""

    template: str
    told_start_at: datetime | None
    told_end_at: datetime | None
    reason: str
    written_at: datetime
    statuses: list[MessageStatus] = field(default_factory=list)

    @property
    def is_known(self) -> bool:
        """Whether it has reached somebody, or may have."""
        return any(status in KNOWN for status in self.statuses)

    @property
    def is_dropped(self) -> bool:
        """Whether it was not true any more when it was to be sent, so that nobody has heard it."""
        return self.reason == _DROPPED

    @property
    def is_on_its_way(self) -> bool:
        """Whether it has reached somebody or is going to."""
        return any(status in ON_ITS_WAY for status in self.statuses)

    def still_tells(self, visit: Visit) -> bool:
        """Whether it says what is so now."""
        return self.template in TELL_TIMES and still_holds(
            visit, self.told_start_at, self.told_end_at
        )


def next_version(history: Sequence[Earlier]) -> str:
    """Which telling of a visit's time the next one is."""
    counted = sum(one.template not in REPEAT_TIMES for one in history)
    return str(counted + 1)


def earlier_tellings(
    session: Session,
    visit_ids: Collection[str],
    *,
    of: Collection[str] = (*TELL_TIMES, *TAKE_BACK),
) -> dict[str, list[Earlier]]:
    """The tellings of these kinds, by visit, the oldest first."""
    statement = (
        sa.select(
            Telling,
            col(Message.template),
            col(Message.status),
            col(Message.reason),
            col(Message.created_at),
        )
        .join(Message, col(Message.id) == col(Telling.message_id))
        .where(
            col(Telling.visit_id).in_(list(visit_ids)),
            col(Message.template).in_(of),
        )
        .order_by(col(Message.id))
    )
    found: dict[str, dict[str, Earlier]] = {}
    for telling, template, status, reason, created_at in session.execute(statement):
        known = found.setdefault(telling.visit_id, {}).setdefault(
            telling.version,
            Earlier(template, telling.told_start_at, telling.told_end_at, reason, created_at),
        )
        known.statuses.append(MessageStatus(status))
    return {visit_id: list(tellings.values()) for visit_id, tellings in found.items()}
