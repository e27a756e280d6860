"""Notices of interruptions of supply, planned or faults."""

from typing import Annotated

from fastapi import APIRouter, Query, status
from sqlmodel import Session

from api.deps import IfMatch, Now, Reading, Who, Writing, requires
from api.repeats import Route
from api.schemas.forms import PathId
from api.schemas.telling import (
    FeederOut,
    OutageEnd,
    OutageIn,
    OutageOut,
    OutageTimes,
    OutageVersion,
    WhomIn,
    WhomOut,
)
from dispatch.contact import extent, incidents, outages, queries
from dispatch.contact.tables import OutageNotice
from dispatch.registry import territories

router = APIRouter(route_class=Route, tags=["outages"])


@router.post(
    "/outage-notices",
    status_code=status.HTTP_201_CREATED,
    dependencies=[requires("outage:write")],
)
def announce(body: OutageIn, session: Writing, caller: Who, moment: Now) -> OutageOut:
    """Give notice: every customer of the premises named, on the feeders, or inside the area, is told once."""
    notice = outages.announce(session, **body.model_dump(), actor=caller.actor, now=moment)
    return _out(session, notice)


@router.post("/outage-notices/whom", dependencies=[requires("outage:write")])
def whom(body: WhomIn, session: Reading) -> WhomOut:
    """Whom a notice would concern, before it is given. Nothing is changed, and no Idempotency-Key is needed."""
    return WhomOut.of(extent.whom(session, **body.model_dump()))


@router.get("/territories/{territory_id}/feeders", dependencies=[requires("registry:read")])
def list_feeders(territory_id: PathId, session: Reading) -> list[FeederOut]:
    """What feeds the territory's premises: each line, then its transformers."""
    territories.get(session, territory_id)
    found = extent.feeders(session, territory_id=territory_id)
    return [FeederOut(feeder=name, premises=count) for name, count in found.items()]


@router.get("/outage-notices", dependencies=[requires("message:read")])
def list_notices(
    session: Reading, territory: Annotated[str, Query(max_length=32)]
) -> list[OutageOut]:
    """The territory's notices, the latest interruption first; at most 100."""
    territories.get(session, territory)
    notices = outages.listing(session, territory_id=territory)
    numbers = [one.id for one in notices]
    messages = queries.counts_of_subjects(session, numbers)
    reports = incidents.counted(session, numbers)
    return [_shown(one, messages[one.id], reports[one.id]) for one in notices]


@router.get("/outage-notices/{notice_id}", dependencies=[requires("message:read")])
def get_notice(notice_id: PathId, session: Reading) -> OutageOut:
    """One notice, and how far its messages are."""
    return _out(session, outages.get(session, notice_id))


@router.put("/outage-notices/{notice_id}/times", dependencies=[requires("outage:write")])
def move(
    notice_id: PathId,
    body: OutageTimes,
    session: Writing,
    caller: Who,
    moment: Now,
    if_match: IfMatch,
) -> OutageOut:
    """Give the interruption other times; everybody is told anew."""
    notice = outages.move(
        session,
        notice_id=notice_id,
        starts_at=body.starts_at,
        ends_at=body.ends_at,
        expect=if_match.of(body.version),
        actor=caller.actor,
        now=moment,
    )
    return _out(session, notice)


@router.post("/outage-notices/{notice_id}/restored", dependencies=[requires("outage:write")])
def restore(
    notice_id: PathId,
    body: OutageEnd,
    session: Writing,
    caller: Who,
    moment: Now,
    if_match: IfMatch,
) -> OutageOut:
    """Supply is back: those who knew of the interruption are told."""
    notice = outages.restore(
        session,
        notice_id=notice_id,
        restored_at=body.restored_at,
        expect=if_match.of(body.version),
        actor=caller.actor,
        now=moment,
    )
    return _out(session, notice)


@router.post("/outage-notices/{notice_id}/withdraw", dependencies=[requires("outage:write")])
def withdraw(
    notice_id: PathId,
    body: OutageVersion,
    session: Writing,
    caller: Who,
    moment: Now,
    if_match: IfMatch,
) -> OutageOut:
    """The interruption does not take place: who knows of it is told, and notices that still wait are not sent."""
    notice = outages.withdraw(
        session,
        notice_id=notice_id,
        expect=if_match.of(body.version),
        actor=caller.actor,
        now=moment,
    )
    return _out(session, notice)


def _out(session: Session, notice: OutageNotice) -> OutageOut:
    session.flush()
    messages = queries.counts_of_subjects(session, [notice.id])
    reports = incidents.counted(session, [notice.id])
    return _shown(notice, messages[notice.id], reports[notice.id])


def _shown(notice: OutageNotice, messages: dict[str, dict[str, int]], reports: int) -> OutageOut:
    return OutageOut(
        **notice.model_dump(exclude={"premises"}),
        premises=len(notice.premises),
        messages=messages,
        reports=reports,
    )
