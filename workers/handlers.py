"""Which operation does a task of each kind. Short ones share the transaction of their done-mark."""

from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from dispatch.contact import callbacks, reactions, revoking, unreached
from dispatch.contact.reactions import Reacts
from dispatch.core import repeats
from dispatch.core.config import Settings
from dispatch.core.retention import archive_tasks
from dispatch.core.tables import Event
from dispatch.desk import requests
from dispatch.field import lone, positions
from dispatch.planning import learning
from dispatch.sla import clocks
from dispatch.webhooks import deliveries
from dispatch.work import series
from workers.channels.registry import installed
from workers.execution import Configured, Handlers, Long
from workers.geocoding import look_up_addresses
from workers.importing import import_files
from workers.looking import look_ahead
from workers.roads import refresh as refresh_roads
from workers.sending import send_message
from workers.solving import solve_plan
from workers.template_tests import send_test
from workers.webhooks import deliver


def _tells(react: Reacts) -> Configured:
    """A reaction that writes messages, for the channels that the installation has."""

    def run(session: Session, payload: dict[str, Any], now: datetime, settings: Settings) -> None:
        react(session, payload, now=now, channels=installed(settings))

    return Configured(run)


def _generate_follow_ups(session: Session, payload: dict[str, Any], /, *, now: datetime) -> None:
    day = date.fromisoformat(payload["key"])
    series.generate(session, territory_id=payload["subject"], day=day, now=now)


def _follow_order(session: Session, payload: dict[str, Any], /, *, now: datetime) -> None:
    event = session.get_one(Event, payload["event_id"])
    requests.follow_order(session, work_order_id=event.entity_id, now=now)


def _learn_spreads(session: Session, payload: dict[str, Any], /, *, now: datetime) -> None:
    learning.relearn(session, territory_id=payload["subject"], now=now)


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
    deliveries.forget(session, now=now)
    revoking.forget(session, now=now)
    callbacks.forget(session, now=now)
    unreached.settle_alerts(session, now=now)


HANDLERS: Handlers = {
    "plan.solve": Long(solve_plan),
    "outlook.look": Long(look_ahead),
    "import.run": Long(import_files),
    "roads.refresh": Long(refresh_roads),
    "geocoding.run": Long(look_up_addresses),
    "message.send": Long(send_message),
    "message.send_safety": Long(send_message),
    "template.test": Long(send_test),
    **{kind: _tells(react) for kind, react in reactions.TASKS.items()},
    "webhook.deliver": Long(deliver),
    "request.follow": _follow_order,
    "series.generate": _generate_follow_ups,
    "survey.arrange": reactions.arrange_survey,
    "outage.settle": reactions.settle_reports,
    "spread.learn": _learn_spreads,
    "clock.sweep": _sweep_clocks,
    "check_in.sweep": _sweep_check_ins,
    "task.archive": _archive_tasks,
}
