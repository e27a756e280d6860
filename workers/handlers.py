"""Which operation does a task of each kind. Short ones share the transaction of their done-mark."""

from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from dispatch.contact import callbacks, reactions
from dispatch.core import repeats
from dispatch.core.retention import archive_tasks
from dispatch.core.tables import Event
from dispatch.desk import requests
from dispatch.field import lone, positions
from dispatch.sla import clocks
from dispatch.work import series
from workers.execution import Handlers, Long
from workers.geocoding import look_up_addresses
from workers.importing import import_files
from workers.looking import look_ahead
from workers.roads import refresh as refresh_roads
from workers.sending import send_message
from workers.solving import solve_plan


def _generate_follow_ups(session: Session, payload: dict[str, Any], /, *, now: datetime) -> None:
    day = date.fromisoformat(payload["key"])
    series.generate(session, territory_id=payload["subject"], day=day, now=now)


def _follow_order(session: Session, payload: dict[str, Any], /, *, now: datetime) -> None:
    event = session.get_one(Event, payload["event_id"])
    requests.follow_order(session, work_order_id=event.entity_id, now=now)


def _sweep_clocks(session: Session, _payload: dict[str, Any], /, *, now: datetime) -> None:
    while clocks.sweep(session, now=now):
        pass


def _sweep_check_ins(session: Session, _payload: dict[str, Any], /, *, now: datetime) -> None:
    while lone.sweep(session, now=now):
        pass


def _archive_tasks(session: Session, _payload: dict[str, Any], /, *, now: datetime) -> None:
    archive_tasks(session, now=now)
    repeats.forget(session, now=now)
    positions.forget(session, now=now)
    callbacks.forget(session, now=now)


HANDLERS: Handlers = {
    "plan.solve": Long(solve_plan),
    "outlook.look": Long(look_ahead),
    "import.run": Long(import_files),
    "roads.refresh": Long(refresh_roads),
    "geocoding.run": Long(look_up_addresses),
    "message.send": Long(send_message),
    "message.send_safety": Long(send_message),
    "message.booked": reactions.on_booked,
    "message.plan_published": reactions.on_plan_published,
    "message.on_the_way": reactions.on_the_way,
    "message.done": reactions.on_done,
    "message.day_before": reactions.day_before,
    "request.follow": _follow_order,
    "series.generate": _generate_follow_ups,
    "clock.sweep": _sweep_clocks,
    "check_in.sweep": _sweep_check_ins,
    "task.archive": _archive_tasks,
}
