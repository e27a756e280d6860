"""What needs a person: clocks, alerts, dead tasks; and the trail of a case."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, status

from api.alert_words import items_in_chinese, rows_in_chinese
from api.deps import Now, Pages, Reading, Writing, requires
from api.pagination import read_cursor, write_cursor
from api.repeats import Route
from api.schemas.forms import PageOf, PathId, PathNumber
from api.schemas.watch import (
    AlertOut,
    ClockOut,
    EventOut,
    SettledAlert,
    TaskOut,
    WatchItem,
    WatchList,
)
from dispatch.core import tasks, trail
from dispatch.core.alerts import alert_list, resolve
from dispatch.insight import watching
from dispatch.sla import clocks

router = APIRouter(route_class=Route, tags=["watching"])


@router.get("/territories/{territory_id}/watch-list", dependencies=[requires("clock:read")])
def watch_list(
    territory_id: PathId,
    session: Reading,
    moment: Now,
    language: Annotated[
        Literal["en", "zh-CN"], Query(description="the language of the alerts' texts")
    ] = "en",
) -> WatchList:
    """What needs a person in the territory now, each matter once, with what solves it."""
    items = watching.watch_list(session, territory_id=territory_id, now=moment)
    alerts = alert_list(session)
    if language == "zh-CN":
        items, alerts = items_in_chinese(items), rows_in_chinese(alerts)
    return WatchList(
        items=WatchItem.all_of(items),
        clocks=ClockOut.all_of(clocks.running(session, territory_id=territory_id)),
        alerts=AlertOut.all_of(alerts),
    )


@router.get("/clocks/{subject}/{subject_id}", dependencies=[requires("clock:read")])
def list_clocks(subject: PathId, subject_id: PathId, session: Reading) -> list[ClockOut]:
    """Every clock of one request or work order, oldest first."""
    return ClockOut.all_of(clocks.of_subject(session, subject=subject, subject_id=subject_id))


@router.get("/tasks", dependencies=[requires("task:read")])
def count_tasks(session: Reading) -> dict[str, int]:
    """How many background tasks are in each state."""
    return tasks.counts(session)


@router.get("/tasks/dead", dependencies=[requires("task:read")])
def dead_tasks(session: Reading, limit: Annotated[int, Query(ge=1, le=200)] = 100) -> list[TaskOut]:
    """The tasks that gave up, newest first."""
    return TaskOut.all_of(tasks.dead(session, limit=limit))


@router.post("/tasks/{task_id}/requeue", dependencies=[requires("task:write")])
def requeue(task_id: PathNumber, session: Writing, moment: Now) -> TaskOut:
    """Give a dead task all its attempts again."""
    return TaskOut.of(tasks.requeue(session, task_id, now=moment))


@router.post(
    "/alerts/settle",
    status_code=status.HTTP_204_NO_CONTENT,
    dependencies=[requires("task:write")],
)
def settle(body: SettledAlert, session: Writing, moment: Now) -> None:
    """Close an alert whose cause is gone; the same cause again opens it anew."""
    resolve(session, body.key, now=moment)


@router.get("/events", dependencies=[requires("event:read")])
def events_of(
    session: Reading,
    paging: Pages,
    entity: Annotated[str, Query(max_length=32)],
    entity_id: Annotated[str, Query(max_length=64)],
) -> PageOf[EventOut]:
    """What happened to one thing, the first event first."""
    found, more = trail.of(
        session,
        [(entity, entity_id)],
        after=read_cursor(paging.cursor),
        limit=paging.limit,
    )
    return PageOf(items=EventOut.all_of(found), next=write_cursor(more))
