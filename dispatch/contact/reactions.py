"""What tasks do about messages: one function per kind of task, `(session, payload, *, now)`.

Tasks that react to an event carry `event_id`; the daily reminder carries its territory and local day.
"""

from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from dispatch.contact import surveys, tellings
from dispatch.core.errors import NotFoundError
from dispatch.core.tables import Event
from dispatch.field.tables import CrewAction
from dispatch.planning.tables import Assignment
from dispatch.registry.tables import Territory


class NoSuchEvent(NotFoundError):
    """The event that a task reacts to does not exist."""

    code = "no_such_event"


def on_booked(session: Session, payload: dict[str, Any], *, now: datetime) -> None:
    """`message.booked`: a promise was made or moved; told at once if the visit is on a published plan."""
    event = _event(session, payload)
    tellings.tell_booked(session, visit_ids=[event.entity_id], now=now)


def on_plan_published(session: Session, payload: dict[str, Any], *, now: datetime) -> None:
    """`message.plan_published`: tell everyone on the plan who does not know their time, and who was taken off."""
    event = _event(session, payload)
    tellings.tell_put_off(session, visit_ids=_ids(event, "withdrawn"), now=now)
    planned = set(_ids(event, "new")) | set(_ids(event, "changed"))
    if event.entity == "plan":
        on_it = select(Assignment.visit_id).where(col(Assignment.plan_id) == int(event.entity_id))
        planned |= set(session.exec(on_it))
    tellings.tell_booked(session, visit_ids=planned, now=now)


def on_the_way(session: Session, payload: dict[str, Any], *, now: datetime) -> None:
    """`message.on_the_way`: the crew has departed. A crew that has arrived meanwhile is not announced."""
    event = _event(session, payload)
    tellings.tell_on_the_way(
        session,
        visit_id=event.entity_id,
        departed_at=event.happened_at,
        version=f"event:{event.id}",
        now=now,
    )


def on_done(session: Session, payload: dict[str, Any], *, now: datetime) -> None:
    """`message.done`: what was done, by the closing code of the event or of the crew's last action."""
    event = _event(session, payload)
    tellings.tell_done(
        session,
        visit_id=event.entity_id,
        closing_code=event.data.get("closing_code") or _closing_code(session, event.entity_id),
        version=f"event:{event.id}",
        now=now,
    )


def arrange_survey(session: Session, payload: dict[str, Any], *, now: datetime) -> None:
    """`survey.arrange`: a finished visit may be one that its customer is asked about, some hours later."""
    event = _event(session, payload)
    surveys.arrange(session, visit_id=event.entity_id, finished_at=event.happened_at, now=now)


def ask_survey(session: Session, payload: dict[str, Any], *, now: datetime) -> None:
    """`survey.ask`: ask the customer of `visit_id`, unless work goes on or they were asked lately."""
    surveys.ask(session, visit_id=str(payload["visit_id"]), now=now)


def day_before(session: Session, payload: dict[str, Any], *, now: datetime) -> None:
    """`message.day_before`: the territory `subject`'s visits of the day after `scheduled_for`."""
    territory = session.get(Territory, payload["subject"])
    if territory is None:
        return
    scheduled = datetime.fromisoformat(payload["scheduled_for"])
    day = tellings.next_local_day(scheduled, territory.zone)
    tellings.tell_day_before(session, territory_id=territory.id, day=day, now=now)


def _event(session: Session, payload: dict[str, Any]) -> Event:
    event = session.get(Event, payload["event_id"])
    if event is None:
        raise NoSuchEvent(f"There is no event {payload['event_id']}.", event=payload["event_id"])
    return event


def _ids(event: Event, name: str) -> list[str]:
    return [str(visit_id) for visit_id in event.data.get(name, [])]


def _closing_code(session: Session, visit_id: str) -> str:
    last = session.exec(
        select(CrewAction)
        .where(col(CrewAction.visit_id) == visit_id, col(CrewAction.action) == "done")
        .order_by(col(CrewAction.id).desc())
        .limit(1)
    ).first()
    return str(last.data.get("closing_code", "")) if last else ""
