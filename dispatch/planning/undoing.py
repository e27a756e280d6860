"""Undoing: a dispatcher's last edit of a day is taken back, unless that would overwrite what came after it.

What the last edit was is in the events, which say what was before; that it was undone is an event too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from dispatch.core import events
from dispatch.core.calendar import local_day, zone_named
from dispatch.core.errors import ConflictError
from dispatch.core.events import Actor
from dispatch.core.tables import Event
from dispatch.planning import relaxing, states
from dispatch.planning.edits import locks_of, set_locks
from dispatch.planning.lifecycle import IN_FORCE
from dispatch.planning.tables import Plan, PlanStatus
from dispatch.registry import shifts, territories
from dispatch.work import visits
from dispatch.work.lifecycle import WAITING
from dispatch.work.tables import Visit, VisitStatus

REACH = timedelta(hours=24)
"""How long ago an edit may be that is undone."""
UNDONE = "edit.undone"
_EDITS = (
    "plan.proposed",
    "plan.published",
    "visit.locked",
    "visit.unlocked",
    "visit.planned",
    "visit.cancelled",
)
_LOCKING = ("visit.locked", "visit.unlocked")


class NothingToUndo(ConflictError):
    """The person has edited nothing of this day that is not undone already."""

    code = "nothing_to_undo"


class NotUndoable(ConflictError):
    """What came after the edit would be overwritten; `details["reason"]` says what it is.

    `published`, `superseded`: the plan it made is no draft any more. `built_upon`: somebody has edited that plan.
    `changed_since`: somebody has changed the visit. `set_out`: the crew was on its way. `called_off`: the customer
    may have been told. `shift_gone`: the crew does not work any more. `fact_changed`: what it changed for the
    visit, such as overtime or who works on the shift, is no longer as it left it.
    """

    code = "not_undoable"


@dataclass(frozen=True, slots=True)
class Undone:
    """What was undone, and of which visit.

    `kind`: `move`, `insert`, `put_back`, `lock`, `unlock`, `withdraw`, or an insertion for which `overtime` was
    allowed, parts were put on a vehicle (`load`) or members were lent (`loan`).

    `plan_id` is the plan that the edit was made on, for those that had made a plan of it.
    """

    kind: str
    visit_id: str
    plan_id: int | None


def undo(session: Session, *, territory_id: str, day: date, actor: Actor, now: datetime) -> Undone:
    """Take back the last edit by this person of the day's plans.

    A plan that an edit made is discarded, locks are what they were, and a visit put back into the queue is given to
    its crew again, which accepts it anew. Raises NothingToUndo, NotUndoable, NoSuchTerritory, and DoubleBooked when
    the crew has something else at that time now.
    """
    zone = zone_named(territories.get(session, territory_id).zone)
    states.lock_day(session, territory_id, day)
    event = _last(session, territory_id, day, zone, actor, now)
    if event.type == "plan.published":
        raise NotUndoable(
            "You have published a plan since; crews and customers know of it. Edit the plan in force instead.",
            reason="published",
            plan=int(event.entity_id),
        )
    if event.entity == "plan":
        done = _undo_plan(session, event, actor=actor, now=now)
    elif event.type == "visit.cancelled":
        raise NotUndoable(
            f"Visit {event.entity_id} was called off, and its customer may know. Make new work of it.",
            reason="called_off",
            visit=event.entity_id,
        )
    elif event.type in _LOCKING:
        done = _undo_locks(session, event, actor=actor, now=now)
    else:
        done = _undo_withdrawal(session, event, actor=actor, now=now)
    events.record(
        session,
        UNDONE,
        entity=event.entity,
        entity_id=event.entity_id,
        actor=actor,
        now=now,
        territory_id=territory_id,
        data={
            "event": event.id,
            "kind": done.kind,
            "visit_id": done.visit_id,
            "day": day.isoformat(),
        },
    )
    session.flush()
    return done


def _last(
    session: Session, territory_id: str, day: date, zone: Any, actor: Actor, now: datetime
) -> Event:
    statement = (
        select(Event)
        .where(
            Event.actor == actor.id,
            Event.territory_id == territory_id,
            col(Event.type).in_((*_EDITS, UNDONE)),
            col(Event.happened_at) > now - REACH,
        )
        .order_by(col(Event.id).desc())
    )
    undone: set[int] = set()
    for event in session.exec(statement.limit(500)):
        if event.type == UNDONE:
            undone.add(event.data["event"])
        elif event.id not in undone and _is_edit(session, event, day, zone):
            return event
    raise NothingToUndo(
        "You have edited nothing of this day that could be undone.", day=day.isoformat()
    )


def _is_edit(session: Session, event: Event, day: date, zone: Any) -> bool:
    """Whether the event tells of an edit of its own, of this day or of a visit whatever its day."""
    if event.entity == "plan":
        plan = states.get(session, int(event.entity_id))
        return plan.day == day and (event.type == "plan.published" or "edit" in plan.options)
    if event.type in _LOCKING:
        return event.data.get("by") in ("lock", "unlock")
    if event.type == "visit.planned":
        start: str | None = (event.data.get("had") or {}).get("planned_start_at")
        return start is not None and local_day(datetime.fromisoformat(start), zone) == day
    return True


def _undo_plan(session: Session, event: Event, *, actor: Actor, now: datetime) -> Undone:
    plan = states.locked(session, int(event.entity_id))
    edit: Mapping[str, Any] = plan.options["edit"]
    if plan.status is not PlanStatus.PROPOSED:
        reason = "published" if plan.status in IN_FORCE else "superseded"
        raise NotUndoable(
            f"The plan that your edit made, {plan.number}, is {plan.status.value}; edit the plan in force instead.",
            reason=reason,
            plan=plan.id,
        )
    upon = _built_upon(session, plan)
    if upon is not None:
        raise NotUndoable(
            f"Plan {upon.number} by {upon.created_by} was made of your edit; discard that one first.",
            reason="built_upon",
            plan=upon.id,
            by=upon.created_by,
        )
    if edit.get("before") != edit.get("after"):
        visit = visits.get(session, edit["visit_id"])
        _refuse_if_relocked(session, event, visit, edit["after"])
        set_locks(session, visit, edit["before"], by="undo", actor=actor, now=now)
    if "fact" in edit and not relaxing.restore(session, edit["fact"], actor=actor, now=now):
        raise NotUndoable(
            f"What was changed for visit {edit['visit_id']} has been changed since; that would be overwritten.",
            reason="fact_changed",
            visit=edit["visit_id"],
        )
    states.move(session, plan, "discard", actor=actor, now=now, data={"undone": True})
    made_of = next(
        (
            other.id
            for other in states.in_states(
                session, territory_id=plan.territory_id, day=plan.day, states=tuple(PlanStatus)
            )
            if other.number == plan.options["edited"]
        ),
        None,
    )
    return Undone(edit["kind"], edit["visit_id"], made_of)


def _built_upon(session: Session, plan: Plan) -> Plan | None:
    others = states.in_states(
        session,
        territory_id=plan.territory_id,
        day=plan.day,
        states=(PlanStatus.PROPOSED, *IN_FORCE),
    )
    return next((one for one in others if one.options.get("edited") == plan.number), None)


def _undo_locks(session: Session, event: Event, *, actor: Actor, now: datetime) -> Undone:
    visit = visits.get(session, event.entity_id)
    after = {name: event.data[name] for name in ("crew_id", "start_at")}
    _refuse_if_relocked(session, event, visit, after)
    set_locks(session, visit, event.data["before"], by="undo", actor=actor, now=now)
    return Undone(event.data["by"], visit.id, None)


def _refuse_if_relocked(
    session: Session, event: Event, visit: Visit, after: Mapping[str, str | None]
) -> None:
    if locks_of(visit) != after:
        _refuse_changed(visit, _later(session, event, visit, _LOCKING))


def _undo_withdrawal(session: Session, event: Event, *, actor: Actor, now: datetime) -> Undone:
    visit, had = visits.get(session, event.entity_id), event.data["had"]
    if event.from_status not in WAITING:
        raise NotUndoable(
            f"The crew was on its way to visit {visit.id} when you took it back; plan it anew.",
            reason="set_out",
            visit=visit.id,
        )
    later = _later(session, event, visit)
    if later is not None or visit.status is not VisitStatus.PLANNED:
        _refuse_changed(visit, later)
    shift = shifts.get(session, had["shift_id"])
    if shift.absent or shift.ends_at <= now:
        raise NotUndoable(
            f"Crew {shift.crew_id} does not work any more; plan visit {visit.id} anew.",
            reason="shift_gone",
            visit=visit.id,
        )
    arrive, start, end = (
        datetime.fromisoformat(had[name])
        for name in ("planned_arrive_at", "planned_start_at", "planned_end_at")
    )
    visits.assign(
        session, visit, crew_id=shift.crew_id, shift_id=shift.id, arrive_at=arrive, start_at=start,
        end_at=end, travel_s=had["travel_s"] or 0, actor=actor, now=now,
    )  # fmt: skip
    visits.act(session, visit, "publish", actor=actor, now=now)
    if event.from_status != VisitStatus.PUBLISHED:
        visits.act(session, visit, "dispatch", actor=actor, now=now)
    return Undone("withdraw", visit.id, None)


def _later(
    session: Session, event: Event, visit: Visit, types: tuple[str, ...] = ()
) -> Event | None:
    """The first event about the visit after this one."""
    statement = select(Event).where(
        Event.entity == "visit", Event.entity_id == visit.id, col(Event.id) > event.id
    )
    if types:
        statement = statement.where(col(Event.type).in_(types))
    return session.exec(statement.order_by(col(Event.id)).limit(1)).first()


def _refuse_changed(visit: Visit, later: Event | None) -> None:
    by = later.actor if later is not None else None
    raise NotUndoable(
        f"Visit {visit.id} has been changed since, {f'by {by}' if by else 'by somebody else'}; "
        "that would be overwritten.",
        reason="changed_since",
        visit=visit.id,
        by=by,
        what=later.type if later is not None else None,
    )
