"""The product with one of its protections switched off, to show that the simulator would notice."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col

from dispatch.contact import messages
from dispatch.contact.progress import get, move
from dispatch.contact.tables import MessageStatus
from dispatch.core import tasks
from dispatch.core.tables import Task, TaskState
from workers.sweeper import Sweeper


def _without_fencing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever once had a task may finish it, whatever its token."""

    def unfenced(session: Session, lease: tasks.Lease, **values: Any) -> bool:
        session.execute(sa.update(Task).where(col(Task.id) == lease.task_id).values(**values))
        return True

    def finish(session: Session, lease: tasks.Lease, *, now: datetime) -> None:
        unfenced(session, lease, state=TaskState.DONE, finished_at=now, lease_until=None)

    monkeypatch.setattr(tasks, "_fenced", unfenced)
    monkeypatch.setattr(tasks, "finish", finish)


def _without_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Courtesy messages that a dead worker was sending are sent again, as safety messages are."""
    begin = messages.begin

    def again(session: Session, *, message_id: int, now: datetime, **rest: Any) -> object:
        message = get(session, message_id)
        if message.status is MessageStatus.SENDING:
            move(session, message, "retry", now=now)
        return begin(session, message_id=message_id, now=now, **rest)

    monkeypatch.setattr(messages, "begin", again)


def _without_sweeper(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody rings again for what is due."""
    monkeypatch.setattr(Sweeper, "ring", lambda _sweeper, _now: 0)


WEAKER: Mapping[str, Callable[[pytest.MonkeyPatch], None]] = {
    "fencing": _without_fencing,
    "doubt": _without_doubt,
    "sweeper": _without_sweeper,
}
