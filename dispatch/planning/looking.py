"""From a request for a look at the days ahead to what it found: the search stands between two transactions.

As for a plan, `take` hands out the problem and commits; the search runs outside any transaction; `answer` or `fail`
records how it ended. Nothing of it is published, so that nobody is superseded and no board is compared.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from dispatch.core import tasks
from dispatch.core.calendar import local_day, zone_named
from dispatch.core.db import lock_for
from dispatch.core.errors import ConflictError, DispatchError, NotFoundError
from dispatch.core.events import Actor
from dispatch.core.runs import LONGEST_ERROR, Runs
from dispatch.planning.lifecycle import OUTLOOKS
from dispatch.planning.options import checked_options
from dispatch.planning.outlook import Outlook, build_outlook
from dispatch.planning.problem import Built
from dispatch.planning.tables import OutlookRun, OutlookStatus
from dispatch.registry import territories

UNDER_WAY = (OutlookStatus.WAITING, OutlookStatus.SEARCHING)
"""A look that no answer has come for yet."""


class NoSuchOutlook(NotFoundError):
    """No look at the days ahead has this number."""

    code = "no_such_outlook"


class OutlookUnderWay(ConflictError):
    """The territory's days ahead are being looked at already."""

    code = "outlook_under_way"


RUNS: Runs[OutlookRun, OutlookStatus] = Runs(
    OutlookRun,
    OUTLOOKS,
    NoSuchOutlook,
    under_way=UNDER_WAY,
    at_work=OutlookStatus.SEARCHING,
    about=lambda run: {"first": run.first.isoformat(), "days": run.days},
)


def ask(
    session: Session,
    *,
    territory_id: str,
    days: int,
    actor: Actor,
    now: datetime,
    first: date | None = None,
    options: Mapping[str, Any] | None = None,
) -> OutlookRun:
    """Ask for a look at `days` days from `first` on, today in the territory unless given; a worker searches.

    The boards are looked at first, so that nonsense in them is refused here: raises NoSuchTerritory, BadHorizon,
    BadOption, BadPlanningRule, BadRelation, BoardRefused, and OutlookUnderWay while another one is made.
    """
    chosen = checked_options(options or {})
    territory = territories.get(session, territory_id)
    begins = first or local_day(now, zone_named(territory.zone))
    lock_for(session, f"outlook:{territory_id}")
    if any(run.status in UNDER_WAY for run in RUNS.listed(session, territory_id=territory_id)):
        raise OutlookUnderWay(
            "The days ahead are being looked at already: wait for that look, or stop it."
        )
    build_outlook(session, territory_id=territory_id, first=begins, days=days, now=now)
    run = OutlookRun(
        territory_id=territory_id,
        first=begins,
        days=days,
        options=chosen,
        created_by=actor.id,
        created_at=now,
    )
    session.add(run)
    session.flush()
    RUNS.record(session, run, "waiting", actor=actor, now=now)
    tasks.enqueue(
        session,
        "outlook.look",
        key=f"outlook.look:{run.id}",
        payload={"outlook_id": run.id},
        now=now,
    )
    return run


def take(session: Session, *, outlook_id: int, now: datetime) -> Built | None:
    """Begin the search: the problem of the days as they now stand.

    None when there is nothing to do: it has an answer, or the problem cannot be made, and then the look has failed
    with its error. Raises NoSuchOutlook.
    """
    run = RUNS.locked(session, outlook_id)
    if run.status not in UNDER_WAY:
        return None
    try:
        built = build_outlook(
            session, territory_id=run.territory_id, first=run.first, days=run.days, now=now
        )
    except DispatchError as refusal:
        fail(session, outlook_id=outlook_id, error=refusal.message, now=now)
        return None
    RUNS.move(session, run, "search", now=now)
    return built


def answer(session: Session, *, outlook_id: int, found: Outlook, now: datetime) -> OutlookRun:
    """Record what the look found. Raises NoSuchOutlook."""
    run = RUNS.locked(session, outlook_id)
    if run.status is OutlookStatus.SEARCHING:
        run.found, run.ended_at = _document(found), now
        RUNS.move(session, run, "answer", now=now)
    return run


def fail(session: Session, *, outlook_id: int, error: str, now: datetime) -> OutlookRun:
    """Record that the look could not be made. Raises NoSuchOutlook."""
    run = RUNS.locked(session, outlook_id)
    if run.status in UNDER_WAY:
        run.error, run.ended_at = error[:LONGEST_ERROR], now
        RUNS.move(session, run, "give_up", now=now)
    return run


def give_back(session: Session, *, outlook_id: int, now: datetime) -> OutlookRun:
    """Record that the worker was stopped during the search; another begins it anew. Raises NoSuchOutlook."""
    run = RUNS.locked(session, outlook_id)
    if run.status is OutlookStatus.SEARCHING:
        RUNS.move(session, run, "retry", now=now)
    return run


def _document(found: Outlook) -> dict[str, Any]:
    """The same as JSON's own types."""
    plain = asdict(found)
    for day in plain["days"]:
        day["day"] = day["day"].isoformat()
    return plain
