"""The server-rendered pages: sign in, a crew's day, a customer's visit. The board is in `board_page`."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api.customer_view import open_link
from api.deps import (
    Caller,
    Maybe,
    Now,
    OwnCrew,
    Reading,
    TheSettings,
    Who,
    public,
    requires,
)
from api.pages.errors import UTC_ZONE
from api.pages.rendering import render, words_for
from api.schemas.forms import QueryDay
from dispatch.contact import texts as customer_texts
from dispatch.core.calendar import local_day, zone_named
from dispatch.field.day import crew_day
from dispatch.field.sheet import CrewDay, Stop
from dispatch.registry import crews, queries, territories
from dispatch.work import catalogue
from dispatch.work.lifecycle import DECLINE, NOT_DONE
from dispatch.work.tables import VisitStatus

router = APIRouter(include_in_schema=False)

_OVER = (VisitStatus.DONE, VisitStatus.NOT_DONE, VisitStatus.CANCELLED)


@router.get("/sign-in/{token}", dependencies=[public("shows a button; the press is what signs in")])
def sign_in_link(
    token: Annotated[str, Path(min_length=16, max_length=200)], request: Request, caller: Maybe
) -> HTMLResponse:
    """The page of a one-time link; looking at it uses nothing up."""
    return render(
        request, "sign_in_link.html", words_for(request, _language(caller), UTC_ZONE), token=token
    )


@router.get("/sign-in", dependencies=[public("this is where one signs in")])
def sign_in(request: Request, caller: Maybe) -> HTMLResponse:
    """The sign-in form."""
    return render(
        request, "sign_in.html", words_for(request, _language(caller), UTC_ZONE), target="/"
    )


@router.get("/crew", dependencies=[requires("crew_day:read")])
def my_crew(caller: Who) -> Response:
    """A crew's own day; everybody else chooses a crew on the board."""
    crew_id = caller.account.crew_id
    return RedirectResponse(f"/crew/{crew_id}" if crew_id else "/", status_code=303)


@router.get("/crew/{crew_id}", dependencies=[requires("crew_day:read")])
def crew_page(
    crew_id: OwnCrew,
    request: Request,
    session: Reading,
    caller: Who,
    moment: Now,
    settings: TheSettings,
    day: QueryDay | None = None,
) -> HTMLResponse:
    """A crew's day with its buttons."""
    crew = crews.get(session, crew_id)
    zone = zone_named(territories.get(session, crew.territory_id).zone)
    chosen = day or queries.next_day_of_work(
        session, territory_id=crew.territory_id, crew_id=crew_id, today=local_day(moment, zone)
    )
    found = crew_day(session, crew_id=crew_id, day=chosen, now=moment, key=settings.key)
    words = words_for(request, _language(caller), zone)
    at_hand, later, finished = _parts(found)
    return render(
        request,
        "crew.html",
        words,
        caller=caller,
        day=found,
        at_hand=at_hand,
        later=later,
        finished=finished,
        before=(chosen - timedelta(days=1)).isoformat(),
        after=(chosen + timedelta(days=1)).isoformat(),
        may_act=caller.may("crew_day:act"),
        may_board=caller.may("board:read"),
        declines=_reasons(words.language, DECLINE),
        failures=_reasons(
            words.language, {code: (row.zh, row.en) for code, row in NOT_DONE.items()}
        ),
        label=lambda code: catalogue.label(code, words.language),
    )


@router.get(
    "/v/{token}",
    dependencies=[public("the signed link is the proof; it shows one visit and changes nothing")],
)
def customer_page(
    token: Annotated[str, Path(min_length=8, max_length=400)],
    request: Request,
    session: Reading,
    settings: TheSettings,
    moment: Now,
) -> HTMLResponse:
    """A customer's visit, in the customer's language."""
    asked = request.query_params.get("lang")
    view = open_link(
        session,
        key=settings.key,
        token=token,
        language=asked if asked in customer_texts.LANGUAGES else None,
        now=moment,
    )
    words = words_for(request, None, view.zone, default=view.language)
    window = view.window
    return render(
        request,
        "visit.html",
        words,
        visit=view,
        day=customer_texts.day_text(window.start_at, view.zone, view.language) if window else "",
        time=customer_texts.span_text(window.start_at, window.end_at, view.zone, view.language)
        if window
        else "",
        finished=words.moment(view.finished_at) if view.finished_at else "",
    )


def _language(caller: Caller | None) -> str | None:
    return caller.account.language if caller else None


def _parts(day: CrewDay) -> tuple[Stop | None, list[Stop], list[Stop]]:
    at_hand = next((stop for stop in day.stops if stop.visit_id == day.next_visit_id), None)
    finished = [stop for stop in day.stops if stop.status in _OVER]
    later = [stop for stop in day.stops if stop is not at_hand and stop.status not in _OVER]
    return at_hand, later, finished


def _reasons(language: str, reasons: dict[str, tuple[str, str]]) -> list[tuple[str, str]]:
    place = 0 if language == "zh-CN" else 1
    return [(code, texts[place]) for code, texts in reasons.items()]
