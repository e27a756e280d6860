"""What follows from a visit's action: times, clocks, the promise, the next visit, the hold."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, select

from dispatch.core import events
from dispatch.core.calendar import local_day, zone_named
from dispatch.core.events import SYSTEM, Actor
from dispatch.registry.tables import Territory
from dispatch.sla import clocks
from dispatch.sla.tables import ClockKind
from dispatch.work import promises
from dispatch.work.lifecycle import NOT_DONE
from dispatch.work.progress import SUBJECT, move_order, visits_of
from dispatch.work.tables import Visit, VisitRelation, WorkOrder, WorkOrderStatus

SHORTEST_S = 5 * 60
"""No visit is planned for less."""


@dataclass(frozen=True, slots=True)
class Step:
    """One call of `visits.act`: `now` is the server's time, `at` the device's."""

    action: str
    actor: Actor
    now: datetime
    at: datetime
    reason: str


def _departed(session: Session, visit: Visit, step: Step) -> None:  # noqa: ARG001 - an effect
    visit.reason = (
        ""  # why it once came back; from here on the row's reason is why it was taken back
    )


def _arrived(session: Session, visit: Visit, step: Step) -> None:
    visit.arrived_at = step.at
    _stop_clock(session, visit, ClockKind.ARRIVE, step)
    promise = promises.standing(session, visit.id)
    if promise is not None:
        promises.settle(
            session,
            visit,
            promise,
            kept=step.at < promise.end_at,
            by=promises.COMPANY,
            actor=SYSTEM,
            now=step.now,
        )


def _started(session: Session, visit: Visit, step: Step) -> None:
    visit.started_at = step.at
    _stop_clock(session, visit, ClockKind.VISIT_WITHIN, step)


def _finished(session: Session, visit: Visit, step: Step) -> None:  # noqa: ARG001 - an effect
    visit.finished_at = step.at


def _failed(session: Session, visit: Visit, step: Step) -> None:
    visit.finished_at = step.at
    promise = promises.standing(session, visit.id)
    if promise is not None:  # never arrived
        by = promises.CUSTOMER if NOT_DONE[step.reason].by_customer else promises.COMPANY
        promises.settle(session, visit, promise, kept=False, by=by, actor=SYSTEM, now=step.now)


def _reopened(session: Session, visit: Visit, step: Step) -> None:  # noqa: ARG001 - an effect
    visit.finished_at = None


def _cancelled(session: Session, visit: Visit, step: Step) -> None:
    if promises.standing(session, visit.id) is not None:
        promises.cancel(session, visit, actor=SYSTEM, now=step.now)


def _returned(session: Session, visit: Visit, step: Step) -> None:  # noqa: ARG001 - an effect
    """Back to planning: no crew, no times. A crew that declined is not asked again for this visit."""
    if step.action == "decline" and visit.crew_id:
        visit.forbidden_crews = sorted({*visit.forbidden_crews, visit.crew_id})
        visit.locked_crew, visit.locked_crew_id, visit.locked_start_at = False, None, None
    visit.crew_id = visit.shift_id = visit.travel_s = None
    visit.planned_arrive_at = visit.planned_start_at = visit.planned_end_at = None


EFFECTS: Mapping[str, Callable[[Session, Visit, Step], None]] = {
    "decline": _returned,
    "withdraw": _returned,
    "depart": _departed,
    "arrive": _arrived,
    "start": _started,
    "finish": _finished,
    "fail": _failed,
    "cancel": _cancelled,
    "reopen": _reopened,
}


def _stop_clock(session: Session, visit: Visit, kind: ClockKind, step: Step) -> None:
    clocks.stop(
        session,
        subject=SUBJECT,
        subject_id=visit.work_order_id,
        kind=kind,
        at=step.at,
        actor=step.actor,
        now=step.now,
    )


def try_again(session: Session, visit: Visit, order: WorkOrder, step: Step) -> Visit:
    """What could not be done becomes the order's next visit; the old one stays as its history."""
    territory = session.get_one(Territory, visit.territory_id)
    back = step.now + NOT_DONE[step.reason].back_after
    number = visits_of(session, order.id)[-1].number + 1
    forbidden = set(visit.forbidden_crews)
    if step.reason == "wrong_skill" and visit.crew_id:
        forbidden.add(visit.crew_id)
    again = Visit(
        id=f"{order.id}-{number}",
        work_order_id=order.id,
        number=number,
        territory_id=visit.territory_id,
        earliest_day=local_day(back, zone_named(territory.zone)),
        duration_s=_left_to_do(visit, step),
        setup_s=visit.setup_s,
        skills=visit.skills,
        due_at=visit.due_at,
        allowed_crews=visit.allowed_crews,
        forbidden_crews=sorted(forbidden),
        preferred_crews=list(visit.preferred_crews),
    )
    session.add(again)
    _hand_on_relations(session, visit, again)
    events.record(
        session,
        "visit.created",
        entity="visit",
        entity_id=again.id,
        actor=SYSTEM,
        now=step.now,
        to_status=again.status.value,
        territory_id=again.territory_id,
        data={"work_order_id": order.id, "after": visit.id, "reason": step.reason},
    )
    session.flush()
    return again


def _left_to_do(visit: Visit, step: Step) -> int:
    """Seconds that the work still takes: what was done counts when it was done in part, but a quarter is left."""
    if step.reason != "partly_done" or visit.started_at is None:
        return visit.duration_s
    worked_s = round((step.at - visit.started_at).total_seconds())
    return min(
        visit.duration_s, max(visit.duration_s - worked_s, visit.duration_s // 4, SHORTEST_S)
    )


def _hand_on_relations(session: Session, old: Visit, new: Visit) -> None:
    """What was tied to the visit that failed is tied to the one that takes its place."""
    ties = session.exec(
        select(VisitRelation).where(VisitRelation.territory_id == old.territory_id)
    ).all()
    for tie in ties:
        if old.id in tie.visits:
            tie.visits = [new.id if name == old.id else name for name in tie.visits]


def hold_after(session: Session, order: WorkOrder, step: Step) -> None:
    """Some reasons make the order wait for something before its next visit is planned."""
    hold = NOT_DONE[step.reason].hold if step.action == "fail" else None
    if hold is not None and order.status == WorkOrderStatus.READY:
        order.hold_reason = hold
        move_order(
            session,
            order,
            "hold",
            actor=step.actor,
            now=step.now,
            role=SYSTEM.role,
            data={"reason": hold.value},
        )
