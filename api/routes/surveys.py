"""What customers think: surveys, the figures made of them, and the answers behind each figure."""

from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import PlainTextResponse

from api.deps import Now, Reading, requires
from api.repeats import Route
from api.schemas.follow_ups import SatisfactionOut, SurveyOut
from api.schemas.forms import PathId, QueryDay
from dispatch.contact import surveys
from dispatch.core.calendar import local_day, zone_named
from dispatch.insight import satisfaction as figures
from dispatch.insight.satisfaction import By
from dispatch.insight.sheet import satisfaction_text
from dispatch.registry import territories
from dispatch.registry.tables import CustomerClass

router = APIRouter(route_class=Route, tags=["surveys"])

USUAL_DAYS = 28
Group = Annotated[By, Query(description="what the figures are counted by")]
First = Annotated[
    QueryDay | None, Query(description=f"a local day; empty: {USUAL_DAYS} days, up to `last`")
]
Last = Annotated[QueryDay | None, Query(description="a local day, itself counted; empty: today")]


@router.get("/territories/{territory_id}/satisfaction", dependencies=[requires("report:read")])
def satisfaction(
    territory_id: PathId,
    session: Reading,
    moment: Now,
    by: Group = "all",
    first: First = None,
    last: Last = None,
) -> list[SatisfactionOut]:
    """How satisfied customers are, by crew, work type, customer class or week."""
    begin, end = _days(session, territory_id, first, last, moment)
    found = figures.satisfaction(session, territory_id=territory_id, first=begin, last=end, by=by)
    return SatisfactionOut.all_of(found)


@router.get(
    "/territories/{territory_id}/satisfaction.csv",
    dependencies=[requires("report:read")],
    response_class=PlainTextResponse,
)
def satisfaction_csv(
    territory_id: PathId,
    session: Reading,
    moment: Now,
    by: Group = "all",
    first: First = None,
    last: Last = None,
) -> PlainTextResponse:
    """The same figures as CSV, for a spreadsheet."""
    begin, end = _days(session, territory_id, first, last, moment)
    found = figures.satisfaction(session, territory_id=territory_id, first=begin, last=end, by=by)
    name = f"satisfaction-{territory_id}-{begin.isoformat()}-{end.isoformat()}-{by}.csv"
    return PlainTextResponse(
        satisfaction_text(by, found),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@router.get("/territories/{territory_id}/surveys", dependencies=[requires("message:read")])
def answers(
    territory_id: PathId,
    session: Reading,
    moment: Now,
    first: First = None,
    last: Last = None,
    crew_id: Annotated[str | None, Query(max_length=32)] = None,
    work_type: Annotated[str | None, Query(max_length=16)] = None,
    customer_class: Annotated[CustomerClass | None, Query()] = None,
    bad_only: Annotated[bool, Query()] = False,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> list[SurveyOut]:
    """The answers behind a figure, the newest first."""
    begin, end = _days(session, territory_id, first, last, moment)
    found = figures.answers(
        session,
        territory_id=territory_id,
        first=begin,
        last=end,
        crew_id=crew_id,
        work_type=work_type,
        customer_class=customer_class,
        bad_only=bad_only,
        limit=limit,
    )
    return SurveyOut.all_of(found)


@router.get("/visits/{visit_id}/survey", dependencies=[requires("message:read")])
def survey_of(visit_id: PathId, session: Reading) -> SurveyOut:
    """What the customer of a visit was asked and said."""
    return SurveyOut.of(surveys.get(session, visit_id))


def _days(
    session: Reading, territory_id: str, first: date | None, last: date | None, moment: Now
) -> tuple[date, date]:
    zone = zone_named(territories.get(session, territory_id).zone)
    end = last or local_day(moment, zone)
    return first or end - timedelta(days=USUAL_DAYS - 1), end
