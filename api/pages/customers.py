"""A customer's visit: the page that a link opens, and what its buttons do.

Looking changes nothing, however often a mail scanner does it: every change is a form with the page's nonce, which
answers with the page again. Nothing here knows a session; the link is the proof.
"""

from datetime import UTC, date, datetime, time
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.orm.exc import StaleDataError
from sqlmodel import Session

from api.customer_view import CustomerVisit, open_link, seen
from api.deps import Acting, Now, Reading, Sent, TheEngine, TheSettings, public
from api.pages import judging, nonces
from api.pages.invitation import invitation
from api.pages.rendering import lead_to, render, words_for
from api.pages.small_map import small_map
from api.pages.texts import Words
from api.schemas.forms import QueryDay
from dispatch.contact import appointments, links
from dispatch.contact import texts as customer_texts
from dispatch.contact.appointment import appointment_of
from dispatch.contact.appointments import Through, TooLateToChange, WindowTaken
from dispatch.contact.facts import Facts
from dispatch.contact.surveys import NotDoneYet, SurveyClosed
from dispatch.contact.tables import Link
from dispatch.contact.windows import Told
from dispatch.core.calendar import local_day
from dispatch.core.config import Settings
from dispatch.core.errors import InvalidError
from dispatch.planning import choosing
from dispatch.planning.engine import Engine

router = APIRouter(include_in_schema=False)

Token = Annotated[str, Path(min_length=8, max_length=100)]
LINK = public("the link is the proof; it shows one visit and changes nothing")
FORM = public("the link and its page's nonce are the proof; it changes one visit's appointment")
SAID = frozenset(
    {"confirmed", "chosen", "cancelled", "restored", "restored_without", "noted", "asked", "taken", "too_late",
     "thanked", "closed", "again"}
)  # fmt: skip
"""What a page may say about the button that was pressed."""


class BadMoment(InvalidError):
    """A window of the form is no instant."""

    code = "bad_moment"


@router.get("/v/{token}", dependencies=[LINK])
def customer_page(
    token: Token,
    request: Request,
    session: Reading,
    settings: TheSettings,
    moment: Now,
    said: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """A customer's visit, in the customer's language."""
    link, facts = open_link(session, key=settings.key, token=token, now=moment)
    return page_of_visit(
        request,
        session,
        facts,
        key=settings.key,
        now=moment,
        address=f"/v/{token}",
        nonce=nonces.make(settings.key, _page(link), now=moment),
        said=said if said in SAID else "",
    )


@router.get("/v/{token}/windows", dependencies=[LINK])
def windows_page(
    token: Token,
    request: Request,
    session: Reading,
    settings: TheSettings,
    engine: TheEngine,
    moment: Now,
    day: QueryDay | None = None,
    said: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """The windows of a day that the customer may choose from, and the days that have any."""
    link, facts = open_link(session, key=settings.key, token=token, now=moment)
    words = _words(request, facts)
    view = seen(session, facts, key=settings.key, language=words.language, now=moment)
    may_choose = "choose" in view.may
    days = choosing.days(session, visit_id=facts.visit.id, now=moment) if may_choose else []
    chosen = day if day in days else _first_day(days, view)
    return render(
        request,
        "customer/windows.html",
        words,
        visit=view,
        address=f"/v/{token}",
        nonce=nonces.make(settings.key, _page(link), now=moment),
        said=said if said in SAID else "",
        days=days,
        chosen=chosen,
        chosen_day=_day(words, chosen) if chosen else "",
        now_told=_told(words, view.window),
        offers=_choices(session, facts, chosen, words, engine, moment) if chosen else [],
    )


@router.get("/v/{token}/appointment.ics", dependencies=[LINK])
def calendar_file(
    token: Token, request: Request, session: Reading, settings: TheSettings, moment: Now
) -> Response:
    """The appointment for the customer's own calendar; it names no token."""
    _, facts = open_link(session, key=settings.key, token=token, now=moment)
    words = _words(request, facts)
    view = seen(session, facts, key=settings.key, language=words.language, now=moment)
    if view.window is None:
        return RedirectResponse(f"/v/{token}", status_code=303)
    return Response(
        invitation(view, view.window, facts.visit.version, now=moment),
        media_type="text/calendar; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="appointment.ics"'},
    )


@router.post("/v/{token}/{what}", dependencies=[FORM])
def act(
    token: Token,
    what: Annotated[str, Path(pattern="^(confirm|window|cancel|uncancel|note|call|answer)$")],
    form: Sent,
    session: Acting,
    settings: TheSettings,
    engine: TheEngine,
    moment: Now,
) -> Response:
    """Do what the button says, once however often it is sent, and show the page again."""
    link, facts = open_link(session, key=settings.key, token=token, now=moment)
    nonces.check(settings.key, _page(link), form.get("nonce", ""), now=moment)
    try:
        with session.begin_nested():
            said, where = _done(what, form, session, link, facts, engine, moment), ""
    except WindowTaken:
        said, where = "taken", "/windows"
    except TooLateToChange:
        said, where = "too_late", ""
    except SurveyClosed:
        said, where = "closed", ""
    except (NotDoneYet, StaleDataError):  # taken back meanwhile; the same form at the same moment
        said, where = "again", ""
    else:
        go_on(session, settings, token, link, facts, moment)
    day = {"day": form["day"]} if where and form.get("day") else {}
    return lead_to(f"/v/{token}{where}", form, said=said, **day)


def page_of_visit(
    request: Request,
    session: Session,
    facts: Facts,
    *,
    key: bytes,
    now: datetime,
    address: str = "",
    nonce: str = "",
    said: str = "",
) -> Response:
    """The page of a visit; without an address it is a look at what the customer sees, whose buttons do nothing."""
    words = _words(request, facts)
    view = seen(session, facts, key=key, language=words.language, now=now)
    today = view.window is not None and _is_today(view, now)
    return render(
        request,
        "customer/visit.html",
        words,
        visit=view,
        address=address,
        nonce=nonce,
        said=said,
        told=_told(words, view.window),
        finished=_clocked(words, view.finished_at) if view.finished_at else "",
        undo_until=_clocked(words, view.undo_until) if view.undo_until else "",
        judgement=judging.judgement(session, facts.visit.id) if view.status == "done" else None,
        map=small_map(view.home, view.crew_at, facts.territory.boundary),
        refresh=30 if view.status in {"on_the_way", "there"} else 300 if today else 0,
    )


def _done(
    what: str,
    form: dict[str, str],
    session: Session,
    link: Link,
    facts: Facts,
    engine: Engine,
    now: datetime,
) -> str:
    """Do it; what the page is to say then."""
    by = Through(facts.customer.id, link.id)
    if what == "confirm":
        appointments.confirm(session, facts, by=by, now=now)
        return "confirmed"
    if what == "window":
        start, end = _span(form.get("window", ""))
        appointments.choose(
            session, facts, start_at=start, end_at=end, by=by, now=now, engine=engine
        )
        return "chosen"
    if what == "cancel":
        appointments.cancel(session, facts, by=by, now=now)
        return "cancelled"
    if what == "uncancel":
        has_window = appointments.uncancel(session, facts, by=by, now=now, engine=engine)
        return "restored" if has_window else "restored_without"
    if what == "note":
        appointments.note(session, facts, text=form.get("note", ""), by=by, now=now)
        return "noted"
    if what == "answer":
        judging.judge(session, facts.visit.id, form, now=now)
        return "thanked"
    appointments.ask_for_call(session, facts, by=by, now=now)
    return "asked"


def go_on(
    session: Session, settings: Settings, token: str, link: Link, facts: Facts, now: datetime
) -> None:
    """Let this link open what its holder has just made of the appointment."""
    version = appointment_of(session, facts.visit, facts.customer)
    if version != link.subject_version:
        expires_at = links.end_of(facts.visit, now=now)
        links.rebind(session, settings.key, token, link, version=version, expires_at=expires_at)


def _span(text: str) -> tuple[datetime, datetime]:
    """The window that a form names by its begin and end; raises BadMoment."""
    try:
        start, end = map(datetime.fromisoformat, text.split("/"))
    except ValueError:
        start = end = datetime.min  # noqa: DTZ901 - refused below
    if start.tzinfo is None or end.tzinfo is None:
        raise BadMoment("Choose one of the windows on the page.", field="window")
    return start.astimezone(UTC), end.astimezone(UTC)


def _page(link: Link) -> str:
    return f"link:{link.id}"


def _words(request: Request, facts: Facts) -> Words:
    return words_for(request, facts.language, facts.zone)


def _told(words: Words, window: Told | None) -> tuple[str, str]:
    """The day and the span of a window, in words."""
    if window is None:
        return "", ""
    start, end, zone, language = window.start_at, window.end_at, words.zone, words.language
    return (
        customer_texts.day_text(start, zone, language),
        customer_texts.span_text(start, end, zone, language),
    )


def _clocked(words: Words, moment: datetime) -> str:
    """Day and time of an instant, written as messages write them."""
    clock = customer_texts.clock_text(moment, words.zone, words.language)
    return f"{words.short_day(moment)}, {clock}"


def _day(words: Words, day: date) -> str:
    """A day in full, written as messages write it."""
    noon = datetime.combine(day, time(12), tzinfo=words.zone)
    return customer_texts.day_text(noon, words.zone, words.language)


def _is_today(view: CustomerVisit, now: datetime) -> bool:
    assert view.window is not None, "asked for a visit with a time"
    return local_day(view.window.start_at, view.zone) == local_day(now, view.zone)


def _first_day(days: list[date], view: CustomerVisit) -> date | None:
    """The day of the appointment while it is among them, else the first after today, else today."""
    if view.window is not None and local_day(view.window.start_at, view.zone) in days:
        return local_day(view.window.start_at, view.zone)
    return days[min(1, len(days) - 1)] if days else None


def _choices(
    session: Session, facts: Facts, day: date, words: Words, engine: Engine, now: datetime
) -> list[dict[str, object]]:
    """The day's windows for the page; the one that stands is marked."""
    found = choosing.choices(session, visit_id=facts.visit.id, day=day, now=now, engine=engine)
    stands = (facts.visit.window_start_at, facts.visit.window_end_at)
    few = 2 * sum(offer.recommended for offer in found) <= len(found)
    return [
        {
            "span": f"{offer.start_at.isoformat()}/{offer.end_at.isoformat()}",
            "time": _told(words, Told(offer.start_at, offer.end_at, promised=True))[1],
            "best": few and offer.recommended,  # said of most, it says nothing
            "stands": (offer.start_at, offer.end_at) == stands,
        }
        for offer in found
    ]
