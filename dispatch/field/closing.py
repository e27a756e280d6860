"""Closing a day: every visit ends or goes back to the pool, and whatever stays open has an owner who is named."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, select

from dispatch.core import events
from dispatch.core.calendar import day_bounds, local_day, zone_named
from dispatch.core.db import lock_for
from dispatch.core.errors import ConflictError, InvalidError
from dispatch.core.events import Actor
from dispatch.field.account import Closing, Returned, account_of, closings_of
from dispatch.planning import plans
from dispatch.registry import territories
from dispatch.registry.tables import Shift, Territory
from dispatch.work import promises, queries, visits
from dispatch.work.lifecycle import UNDER_WAY, WAITING
from dispatch.work.queries import Job
from dispatch.work.tables import VisitStatus

NOT_STARTED, ON_THE_WAY, OUT_OF_TIME = "not_started", "closed_on_the_way", "out_of_time"


class DayInFuture(InvalidError):
    """The day has not begun."""

    code = "day_in_future"


class CrewsStillOut(ConflictError):
    """Crews are at work or have work left in their shift; `details["crews"]` names them."""

    code = "crews_still_out"


def close_day(
    session: Session,
    *,
    territory_id: str,
    day: date,
    actor: Actor,
    now: datetime,
    despite: Collection[str] = (),
) -> Closing:
    """Close a local day: withdraw what was not begun, close the plan, and tell what stays open and whose it is.

    A crew with a visit under way, or with visits left in a shift that has not ended, prevents it unless `despite`
    names the crew: what it has begun then ends as not done (out of time), and what it was driving to is withdrawn.
    Closing again changes nothing; what stays open is told as it is then.

    Raises NoSuchTerritory, DayInFuture and CrewsStillOut.
    """
    territory = territories.get(session, territory_id)
    if day > local_day(now, zone_named(territory.zone)):
        raise DayInFuture(
            f"{day.isoformat()} has not begun in {territory.name_en}; a day is closed at its end.",
            field="day",
        )
    lock_for(session, f"close:{territory_id}")
    on_plan = queries.on_plan(session, territory_id=territory_id, day=day)
    _refuse_while_out(session, on_plan, set(despite), now=now)
    returned = _return_unfinished(session, on_plan, actor=actor, now=now)
    missed = _miss_promises(session, territory, day, returned, now=now)
    plan_ids = _close_plans(session, territory_id, day, actor=actor, now=now)
    if returned or missed or plan_ids or not closings_of(session, territory_id, day):
        _record(session, territory_id, day, returned, missed, plan_ids, actor=actor, now=now)
    return account_of(session, territory, day, now=now)


def _refuse_while_out(
    session: Session, on_plan: Sequence[Job], despite: set[str], *, now: datetime
) -> None:
    shift_ids = {job.visit.shift_id for job in on_plan}
    rows = session.exec(select(Shift).where(col(Shift.id).in_(shift_ids)))
    lasting = {shift.id for shift in rows if not shift.absent and shift.ends_at > now}
    out = sorted(
        {
            job.visit.crew_id
            for job in on_plan
            if job.visit.crew_id is not None
            and (
                job.visit.status in UNDER_WAY
                or (job.visit.status in WAITING and job.visit.shift_id in lasting)
            )
        }
        - despite
    )
    if out:
        raise CrewsStillOut(
            f"Still at work, or with work left in their shift: {', '.join(out)}. "
            "Wait for them, or name them to close the day all the same.",
            crews=out,
        )


def _return_unfinished(
    session: Session, on_plan: Sequence[Job], *, actor: Actor, now: datetime
) -> list[Returned]:
    returned = []
    for job in on_plan:
        visit, crew_id = job.visit, job.visit.crew_id or ""
        if visit.status in UNDER_WAY and visit.status is not VisitStatus.EN_ROUTE:
            visits.act(session, visit, "fail", reason=OUT_OF_TIME, actor=actor, now=now)
        elif visit.status in (*WAITING, VisitStatus.EN_ROUTE):
            reason = NOT_STARTED if visit.status in WAITING else ON_THE_WAY
            visits.act(session, visit, "withdraw", reason=reason, actor=actor, now=now)
            visit.locked_crew, visit.locked_start_at = False, None  # locks of the day that is over
            returned.append(Returned(visit.id, crew_id, reason))
    session.flush()
    return returned


def _miss_promises(
    session: Session,
    territory: Territory,
    day: date,
    returned: Sequence[Returned],
    *,
    now: datetime,
) -> list[str]:
    """Mark the day's promises that nobody kept, those of visits that were left out too."""
    expired = promises.expire(session, territory_id=territory.id, now=now)
    missed = [promise.visit_id for promise in expired]
    _, ends_at = day_bounds(day, zone_named(territory.zone))
    for one in returned:
        promise = promises.standing(session, one.visit_id)
        if promise is not None and promise.end_at <= ends_at:
            visit = visits.get(session, one.visit_id)
            promises.settle(
                session,
                visit,
                promise,
                kept=False,
                by=promises.COMPANY,
                actor=events.SYSTEM,
                now=now,
            )
            missed.append(visit.id)
    return sorted(missed)


def _close_plans(
    session: Session, territory_id: str, day: date, *, actor: Actor, now: datetime
) -> list[int]:
    plan = plans.in_force(session, territory_id=territory_id, day=day)
    if plan is None or plan.id is None:
        return []
    plans.close(session, plan_id=plan.id, actor=actor, now=now)
    return [plan.id]


def _record(
    session: Session,
    territory_id: str,
    day: date,
    returned: Sequence[Returned],
    missed: Sequence[str],
    plan_ids: Sequence[int],
    *,
    actor: Actor,
    now: datetime,
) -> None:
    data: dict[str, Any] = {
        "withdrawn": [one.visit_id for one in returned],
        "crews": [one.crew_id for one in returned],
        "reasons": [one.reason for one in returned],
        "missed": list(missed),
        "plans": list(plan_ids),
    }
    events.record(
        session,
        "day.closed",
        entity="day",
        entity_id=f"{territory_id}:{day.isoformat()}",
        actor=actor,
        now=now,
        territory_id=territory_id,
        data=data,
    )
    session.flush()
