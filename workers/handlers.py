"""Which operation does a task of each kind. Short ones share the transaction of their done-mark."""

from datetime import datetime
from typing import Any

from sqlmodel import Session

from dispatch.core.retention import archive_tasks
from dispatch.sla import clocks
from workers.execution import Handlers, Long
from workers.sending import send_message


def _sweep_clocks(session: Session, _payload: dict[str, Any], *, now: datetime) -> None:
    while clocks.sweep(session, now=now):
        pass


def _archive_tasks(session: Session, _payload: dict[str, Any], *, now: datetime) -> None:
    archive_tasks(session, now=now)


HANDLERS: Handlers = {
    "message.send": Long(send_message),
    "message.send_safety": Long(send_message),
    "clock.sweep": _sweep_clocks,
    "task.archive": _archive_tasks,
}
