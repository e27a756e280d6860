"""What tasks do about messages: one function per kind of task, `(session, payload, *, now, channels)`.

Tasks that react to an event carry `event_id`; the daily reminder carries its territory and local day. `channels`
are those of the installation.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Protocol

from sqlmodel import Session, col, select

from dispatch.contact import (
    delays,
    incidents,
    notices,
    on_the_day,
    outages,
    surveys,
    taking_back,
    tellings,
)
from dispatch.contact.channels import BUILT_IN
from dispatch.core import tasks
from dispatch.core.errors import NotFoundError
from dispatch.core.tables import Event
from dispatch.field.tables import CrewAction
from dispatch.planning.tables import Assignment, Plan
from dispatch.registry.tables import Territory
from dispatch.work.tables import VisitStatus

Channels = Collection[str]


class Reacts(Protocol):
    """What writes the messages that a task is for."""

    def __call__(
        self,
        session: Session,
        payload: dict[str, Any],
        /,
        *,
        now: datetime,
        channels: Channels = ...,
    ) -> None:
        """Write them; again it writes nothing."""


class NoSuchEvent(NotFoundError):
    """The event that a task reacts to does not exist."""

    code = "no_such_event"


def on_booked(
    session: Session, payload: dict[str, Any], *, now: datetime, channels: Channels = BUILT_IN
) -> None:
    """`message.booked`: a promise was made or moved, or an edit undone; told at once if the visit is on a plan."""
    event = _event(session, payload)
    tellings.tell_booked(session, visit_ids=[event.entity_id], channels=channels, now=now)


def on_plan_published(
    session: Session, payload: dict[str, Any], *, now: datetime, channels: Channels = BUILT_IN
) -> None:
    """`message.plan_published`: tell everyone on the plan who does not know their time, and whom it leaves out.

    A day that is closed leaves out whoever is in the pool.
    """
    event = _event(session, payload)
    territory_id, day, planned = _day_of(session, event)
    taking_back.tell_left_over(
        session, territory_id=territory_id, day=day, but=planned, channels=channels, now=now
    )
    tellings.tell_booked(session, visit_ids=planned, channels=channels, now=now)


def on_off_plan(
    session: Session, payload: dict[str, Any], *, now: datetime, channels: Channels = BUILT_IN
) -> None:
    """`message.off_plan`: a visit went back to the pool; looked at again when nothing may be found in time."""
    event = _event(session, payload)
    again_at = taking_back.tell_off_plan(
        session,
        visit_id=event.entity_id,
        left_at=event.recorded_at,
        was_coming=event.from_status == VisitStatus.EN_ROUTE,
        channels=channels,
        now=now,
    )
    if again_at is not None:
        tasks.enqueue(
            session,
            "message.off_plan",
            key=f"message.off_plan:again:{event.id}:{again_at.isoformat()}",
            payload=payload,
            run_at=again_at,
            now=now,
        )


def on_held(
    session: Session, payload: dict[str, Any], *, now: datetime, channels: Channels = BUILT_IN
) -> None:
    """`message.held`: a work order is held, or its customer called it off; told to whoever was told a time."""
    event = _event(session, payload)
    taking_back.tell_held(session, work_order_id=event.entity_id, channels=channels, now=now)


def on_cancelled(
    session: Session, payload: dict[str, Any], *, now: datetime, channels: Channels = BUILT_IN
) -> None:
    """`message.cancelled`: a visit was called off; told to whoever was told a time."""
    event = _event(session, payload)
    taking_back.tell_cancelled(session, visit_ids=[event.entity_id], channels=channels, now=now)


def on_the_way(
    session: Session, payload: dict[str, Any], *, now: datetime, channels: Channels = BUILT_IN
) -> None:
    """`message.on_the_way`: the crew has departed. A crew that has arrived meanwhile is not announced."""
    event = _event(session, payload)
    on_the_day.tell_on_the_way(
        session,
        visit_id=event.entity_id,
        departed_at=event.happened_at,
        version=f"event:{event.id}",
        channels=channels,
        now=now,
    )


def on_arrived(
    session: Session, payload: dict[str, Any], *, now: datetime, channels: Channels = BUILT_IN
) -> None:
    """`message.arrived`: the crew is there; told to whom the customer named."""
    event = _event(session, payload)
    on_the_day.tell_arrived(
        session,
        visit_id=event.entity_id,
        version=f"event:{event.id}",
        channels=channels,
        now=now,
    )


def on_done(
    session: Session, payload: dict[str, Any], *, now: datetime, channels: Channels = BUILT_IN
) -> None:
    """`message.done`: what was done, by the closing code of the event or of the crew's last action."""
    event = _event(session, payload)
    on_the_day.tell_done(
        session,
        visit_id=event.entity_id,
        closing_code=event.data.get("closing_code") or _closing_code(session, event.entity_id),
        version=f"event:{event.id}",
        channels=channels,
        now=now,
    )


def on_not_done(
    session: Session, payload: dict[str, Any], *, now: datetime, channels: Channels = BUILT_IN
) -> None:
    """`message.could_not`: why the visit was not done, and whether another follows."""
    event = _event(session, payload)
    on_the_day.tell_could_not(
        session,
        visit_id=event.entity_id,
        version=f"event:{event.id}",
        channels=channels,
        now=now,
    )


def arrange_survey(session: Session, payload: dict[str, Any], *, now: datetime) -> None:
    """`survey.arrange`: a finished visit may be one that its customer is asked about, some hours later."""
    event = _event(session, payload)
    surveys.arrange(session, visit_id=event.entity_id, finished_at=event.happened_at, now=now)


def ask_survey(
    session: Session, payload: dict[str, Any], *, now: datetime, channels: Channels = BUILT_IN
) -> None:
    """`survey.ask`: ask the customer of `visit_id`, unless work goes on or they were asked lately."""
    surveys.ask(session, visit_id=str(payload["visit_id"]), channels=channels, now=now)


def watch_delays(
    session: Session, payload: dict[str, Any], *, now: datetime, channels: Channels = BUILT_IN
) -> None:
    """`delay.watch`: tell whose promise is at risk now in the territory `subject`."""
    delays.tell_delayed(session, territory_id=payload["subject"], channels=channels, now=now)


def day_before(
    session: Session, payload: dict[str, Any], *, now: datetime, channels: Channels = BUILT_IN
) -> None:
    """`message.day_before`: the territory `subject`'s visits of the day after `scheduled_for`."""
    territory = session.get(Territory, payload["subject"])
    if territory is None:
        return
    scheduled = datetime.fromisoformat(payload["scheduled_for"])
    day = tellings.next_local_day(scheduled, territory.zone)
    tellings.tell_day_before(
        session, territory_id=territory.id, day=day, channels=channels, now=now
    )


def on_request(
    session: Session, payload: dict[str, Any], *, now: datetime, channels: Channels = BUILT_IN
) -> None:
    """`message.outage_report`: somebody reported a fault; other requests are not answered by a message."""
    event = _event(session, payload)
    if event.data.get("kind") == "fault":
        notices.tell_report(session, request_id=event.entity_id, channels=channels, now=now)


def on_merged(
    session: Session, payload: dict[str, Any], *, now: datetime, channels: Channels = BUILT_IN
) -> None:
    """`message.report_merged`: a request goes on together with another; its customer is told that."""
    event = _event(session, payload)
    notices.tell_merged(session, request_id=event.entity_id, channels=channels, now=now)


def on_call_due(
    session: Session, payload: dict[str, Any], *, now: datetime, channels: Channels = BUILT_IN
) -> None:
    """`message.follow_up_call`: a call is due, or was put off to a chosen day; the customer is told the day."""
    event = _event(session, payload)
    if event.entity == "series":
        notices.tell_call(
            session, work_order_id=event.data["work_order_id"], channels=channels, now=now
        )
    elif event.data.get("chosen"):
        notices.tell_call_put_off(
            session, work_order_id=event.entity_id, channels=channels, now=now
        )


def on_outage(
    session: Session, payload: dict[str, Any], *, now: datetime, channels: Channels = BUILT_IN
) -> None:
    """`message.planned_outage`: a notice was given or its times changed; told to all whom it concerns.

    The reports of a fault that came before it belong to it from now on.
    """
    event = _event(session, payload)
    notices.tell_outage(session, notice_id=event.entity_id, channels=channels, now=now)


def on_withdrawn(
    session: Session, payload: dict[str, Any], *, now: datetime, channels: Channels = BUILT_IN
) -> None:
    """`message.outage_withdrawn`: supply stays on; told to those who know that it was to be off."""
    event = _event(session, payload)
    notices.tell_withdrawn(session, notice_id=event.entity_id, channels=channels, now=now)


def on_restored(
    session: Session, payload: dict[str, Any], *, now: datetime, channels: Channels = BUILT_IN
) -> None:
    """`message.restoration`: supply is back; told to those who know that it was to be off."""
    event = _event(session, payload)
    notices.tell_restored(session, notice_id=event.entity_id, channels=channels, now=now)


def settle_reports(session: Session, payload: dict[str, Any], *, now: datetime) -> None:
    """`outage.settle`: supply is back; the reports that belong to the outage are resolved."""
    event = _event(session, payload)
    settled = incidents.settle(session, outages.get(session, event.entity_id), now=now)
    if len(settled) == incidents.AT_ONCE:
        tasks.enqueue(
            session,
            "outage.settle",
            key=f"outage.settle:{event.id}:after:{settled[-1]}",
            payload=payload,
            run_at=now,
            now=now,
        )


TASKS: Mapping[str, Reacts] = {
    "message.booked": on_booked,
    "message.plan_published": on_plan_published,
    "message.off_plan": on_off_plan,
    "message.held": on_held,
    "message.cancelled": on_cancelled,
    "message.on_the_way": on_the_way,
    "message.arrived": on_arrived,
    "message.done": on_done,
    "message.could_not": on_not_done,
    "message.day_before": day_before,
    "message.outage_report": on_request,
    "message.report_merged": on_merged,
    "message.follow_up_call": on_call_due,
    "message.planned_outage": on_outage,
    "message.outage_withdrawn": on_withdrawn,
    "message.restoration": on_restored,
    "survey.ask": ask_survey,
    "delay.watch": watch_delays,
}
"""Which function writes the messages of a task of each kind."""


def _event(session: Session, payload: dict[str, Any]) -> Event:
    event = session.get(Event, payload["event_id"])
    if event is None:
        raise NoSuchEvent(f"There is no event {payload['event_id']}.", event=payload["event_id"])
    return event


def _day_of(session: Session, event: Event) -> tuple[str, date, Sequence[str]]:
    """The territory and local day of a plan that was published, with its visits, or of a day that was closed."""
    if event.entity == "plan":
        plan = session.get_one(Plan, int(event.entity_id))
        planned = select(Assignment.visit_id).where(Assignment.plan_id == plan.id)
        return plan.territory_id, plan.day, session.exec(planned).all()
    territory_id, day = event.entity_id.rsplit(":", 1)
    return territory_id, date.fromisoformat(day), ()


def _closing_code(session: Session, visit_id: str) -> str:
    last = session.exec(
        select(CrewAction)
        .where(col(CrewAction.visit_id) == visit_id, col(CrewAction.action) == "done")
        .order_by(col(CrewAction.id).desc())
        .limit(1)
    ).first()
    return str(last.data.get("closing_code", "")) if last else ""
