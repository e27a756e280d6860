"""What customers think as a page: figures by crew, work type, class and week, and the answers behind each."""

from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from sqlmodel import Session, col, select

from api.deps import Now, Reading, Who, requires
from api.pages.messages_page import NotChosen
from api.pages.rendering import render, words_for
from api.routes.surveys import USUAL_DAYS
from api.schemas.forms import Day
from dispatch.contact.surveys import is_bad
from dispatch.contact.tables import Survey
from dispatch.core.calendar import local_day, zone_named
from dispatch.insight import satisfaction as figures
from dispatch.registry import territories
from dispatch.registry.tables import Customer, CustomerClass

router = APIRouter(include_in_schema=False)

MOST_ANSWERS = 100
GROUPS = ("crew", "work_type", "customer_class", "week")


@router.get("/console/satisfaction", dependencies=[requires("report:read")])
def satisfaction(
    request: Request,
    session: Reading,
    caller: Who,
    moment: Now,
    territory: Annotated[str, Query(max_length=32)],
    by: Literal["crew", "work_type", "customer_class", "week"] = "crew",
    first: Annotated[Day | None, NotChosen, Query()] = None,
    last: Annotated[Day | None, NotChosen, Query()] = None,
    crew: Annotated[str | None, NotChosen, Query(max_length=32)] = None,
    work_type: Annotated[str | None, NotChosen, Query(max_length=16)] = None,
    customer_class: Annotated[CustomerClass | None, NotChosen, Query()] = None,
    bad: Annotated[bool, Query()] = False,
) -> HTMLResponse:
    """The figures of some days, by a group; below, the answers of all of them, of one group, or the bad ones."""
    chosen = territories.get(session, territory)
    end = last or local_day(moment, zone_named(chosen.zone))
    begin = first or end - timedelta(days=USUAL_DAYS - 1)
    span: dict[str, Any] = {"territory_id": chosen.id, "first": begin, "last": end}
    kept = {"territory": chosen.id, "by": by, "first": begin.isoformat(), "last": end.isoformat()}
    answers = (
        figures.answers(
            session,
            **span,
            crew_id=crew,
            work_type=work_type,
            customer_class=customer_class,
            bad_only=bad,
            limit=MOST_ANSWERS,
        )
        if caller.may("message:read")
        else []
    )
    return render(
        request,
        "satisfaction.html",
        words_for(request, caller.account.language, zone_named(chosen.zone)),
        caller=caller,
        territory=chosen,
        by=by,
        groups=GROUPS,
        first=begin,
        last=end,
        rows=figures.satisfaction(session, **span, by=by),
        whole=next(iter(figures.satisfaction(session, **span, by="all")), None),
        answers=answers,
        names=_names(session, answers),
        behind={"crew": crew, "work_type": work_type, "customer_class": customer_class},
        bad=bad,
        is_bad=is_bad,
        most=MOST_ANSWERS,
        page=f"/console/satisfaction?{urlencode(kept)}",
        sheet=f"/api/v1/territories/{chosen.id}/satisfaction.csv?{urlencode(kept)}",
        may_board=caller.may("board:read"),
    )


def _names(session: Session, answers: list[Survey]) -> dict[str, str]:
    """The names of the customers who answered."""
    ids = {one.customer_id for one in answers}
    return dict(
        session.exec(select(Customer.id, Customer.name).where(col(Customer.id).in_(ids))).all()
    )
