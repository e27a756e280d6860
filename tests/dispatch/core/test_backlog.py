"""How far work is behind, and who waits for that."""

from datetime import timedelta

import pytest
from sqlmodel import Session

from dispatch.core import backlog, tasks
from dispatch.core.backlog import TooBusy
from dispatch.core.tables import TaskClass
from tests.instants import NOW


def late(session: Session, kind: str, seconds: float, **more: TaskClass) -> None:
    tasks.enqueue(session, kind, key=kind, now=NOW - timedelta(seconds=seconds), **more)


def test_what_people_wait_for_counts_and_what_can_wait_does_not(session: Session) -> None:
    assert backlog.behind(session, now=NOW) == timedelta(0)
    late(session, "message.send", 900, task_class=TaskClass.COURTESY)
    late(session, "plan.solve", 900)
    assert backlog.behind(session, now=NOW) == timedelta(0)

    late(session, "request.follow", 31)
    assert backlog.behind(session, now=NOW) == timedelta(seconds=31)
    late(session, "message.send_safety", 45, task_class=TaskClass.SAFETY)
    assert backlog.behind(session, now=NOW) == timedelta(seconds=45)


def test_bulk_is_refused_from_two_minutes_on(session: Session) -> None:
    late(session, "request.follow", 120)
    backlog.refuse_bulk_when_behind(session, now=NOW)

    with pytest.raises(TooBusy) as caught:
        backlog.refuse_bulk_when_behind(session, now=NOW + timedelta(seconds=1))

    assert caught.value.details == {"retry_after": 60}
