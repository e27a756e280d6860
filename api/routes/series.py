"""Recurring follow-ups."""

from typing import Annotated

from fastapi import APIRouter, Query, status

from api.deps import IfMatch, Now, Pages, Reading, Who, Writing, requires
from api.repeats import Route
from api.schemas.desk import OccurrenceOut, SeriesIn, SeriesMove, SeriesOut
from api.schemas.forms import PageOf, PathId, page_of
from dispatch.work import series

router = APIRouter(route_class=Route, prefix="/series", tags=["series"])

_MOVES = {"suspend": series.suspend, "resume": series.resume, "end": series.end}


@router.get("", dependencies=[requires("order:read")])
def list_series(
    session: Reading,
    paging: Pages,
    territory_id: Annotated[str | None, Query(max_length=32)] = None,
    customer_id: Annotated[str | None, Query(max_length=32)] = None,
) -> PageOf[SeriesOut]:
    """Series by number."""
    found = series.listing(
        session,
        territory_id=territory_id,
        customer_id=customer_id,
        cursor=paging.cursor,
        limit=paging.limit,
    )
    return page_of(SeriesOut, found)


@router.post("", status_code=status.HTTP_201_CREATED, dependencies=[requires("series:write")])
def create_series(body: SeriesIn, session: Writing, caller: Who, moment: Now) -> SeriesOut:
    """Begin a recurring follow-up."""
    return SeriesOut.of(series.create(session, **body.model_dump(), actor=caller.actor, now=moment))


@router.get("/{series_id}", dependencies=[requires("order:read")])
def get_series(series_id: PathId, session: Reading) -> SeriesOut:
    """One series."""
    return SeriesOut.of(series.get(session, series_id))


@router.get("/{series_id}/occurrences", dependencies=[requires("order:read")])
def list_occurrences(series_id: PathId, session: Reading) -> list[OccurrenceOut]:
    """The due days so far, the oldest first."""
    series.get(session, series_id)
    return OccurrenceOut.all_of(series.occurrences(session, series_id))


@router.post("/{series_id}/moves", dependencies=[requires("series:write")])
def move_series(
    series_id: PathId,
    body: SeriesMove,
    session: Writing,
    caller: Who,
    moment: Now,
    if_match: IfMatch,
) -> SeriesOut:
    """Suspend, resume or end a series."""
    found = series.get(session, series_id)
    found.expect(if_match.of(body.version))
    moved = _MOVES[body.action](session, found, actor=caller.actor, now=moment)
    return SeriesOut.of(moved)
