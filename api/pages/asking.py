"""The public form: somebody reports a fault or asks a question, and follows what becomes of it by a link."""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Request
from fastapi.responses import RedirectResponse, Response
from sqlmodel import Session

from api import request_view
from api.deps import Acting, Now, Reading, Sent, TheSettings, TheState, public
from api.pages import nonces
from api.pages.errors import UTC_ZONE
from api.pages.nonces import NonceInvalid
from api.pages.rendering import render, words_for
from api.pages.texts import LANGUAGES
from api.state import State
from dispatch.contact import links, texts
from dispatch.core import repeats
from dispatch.core.calendar import zone_named
from dispatch.core.repeats import Key
from dispatch.desk import public as reports
from dispatch.desk.public import BadReport, Report
from dispatch.desk.tables import RequestKind
from dispatch.registry import territories

router = APIRouter(include_in_schema=False)

FOLLOWED_FOR = timedelta(days=180)
QUESTIONS = tuple(kind for kind in RequestKind if kind is not RequestKind.FAULT)
FIELDS = ("kind", "about", "name", "phone", "email", "address", "account", "text", "territory")
PAGE = "ask"
TRAP = "website"
"""A field that people do not see: what fills it in is no person."""


@router.get("/ask", dependencies=[public("an empty form; looking at it changes nothing")])
def ask_page(request: Request, session: Reading, settings: TheSettings, moment: Now) -> Response:
    """The form that anybody may fill in."""
    kind = request.query_params.get("kind", "")
    given = {"kind": kind if kind in {"fault", "question"} else ""}
    return _form(request, session, given, nonces.make(settings.key, PAGE, now=moment))


@router.post(
    "/ask",
    dependencies=[public("anybody may report; the form's nonce and a limit stand before it")],
)
def ask(
    request: Request,
    form: Sent,
    session: Acting,
    settings: TheSettings,
    state: TheState,
    moment: Now,
) -> Response:
    """Take the report in, once however often it is sent, and lead to the page that follows it."""
    nonces.check(settings.key, PAGE, form.get("nonce", ""), now=moment)
    if form.get(TRAP):
        raise NonceInvalid("Load the page again and press the button there.", field=TRAP)
    language = words_for(request, form.get("lang") or None, UTC_ZONE).language
    try:
        report = _report(form, language)
        reports.check(report)
        count(state, request, report.phone, now=moment)
        token = _taken_in(session, settings.key, form, report, now=moment)
    except BadReport as error:
        given = {name: form.get(name, "") for name in FIELDS}
        nonce = form.get("nonce", "")
        return _form(request, session, given, nonce, wrong=str(error.details.get("field", "")))
    asked = f"?{urlencode({'lang': language})}" if form.get("lang") in LANGUAGES else ""
    return RedirectResponse(f"/r/{token}{asked}", status_code=303)


@router.get(
    "/r/{token}",
    dependencies=[public("the link is the proof; it shows one request and changes nothing")],
)
def follow_page(
    token: Annotated[str, Path(min_length=8, max_length=100)],
    request: Request,
    session: Reading,
    settings: TheSettings,
    moment: Now,
) -> Response:
    """What becomes of a request: where it is, by when we answer, and the answer."""
    link = links.read(session, settings.key, token, purpose=links.REQUEST, now=moment)
    row, customer, territory = request_view.subject(session, link.subject_id)
    words = words_for(request, texts.language_for(customer.language), zone_named(territory.zone))
    view = request_view.seen(session, row, now=moment)
    return render(
        request,
        "customer/request.html",
        words,
        case=view,
        received=words.moment(view.received_at),
        answer_by=words.moment(view.answer_by) if view.answer_by else "",
        visits=[
            (
                texts.day_text(told.start_at, words.zone, words.language),
                texts.span_text(told.start_at, told.end_at, words.zone, words.language),
            )
            for told in view.visits
        ],
    )


def count(state: State, request: Request, phone: str, *, now: datetime) -> None:
    """Note one report of this address and this telephone; raises TooManyTries when either has used up its own."""
    address = request.client.host if request.client else "unknown"
    state.reports.count(address, now=now)
    state.reports_of_phone.count(reports.digits_of(phone), now=now)


def _report(form: dict[str, str], language: str) -> Report:
    about = form.get("about", "") if form.get("kind") == "question" else form.get("kind", "")
    if about not in set(RequestKind):
        raise BadReport("Say what it is about.", field="kind")
    return Report(
        kind=RequestKind(about),
        language=language,
        name=form.get("name", ""),
        phone=form.get("phone", ""),
        email=form.get("email", ""),
        address=form.get("address", ""),
        account=form.get("account", ""),
        text=form.get("text", ""),
    )


def _taken_in(
    session: Session, key: bytes, form: dict[str, str], report: Report, *, now: datetime
) -> str:
    """The token of the link that follows the request; the same form again leads to the same request."""
    content = json.dumps(sorted(form.items())).encode()
    mark = hashlib.sha256(content).hexdigest()
    once = Key(reports.PUBLIC.id, "POST /ask", mark[:32], mark)
    known = repeats.claim(session, once, now=now, kept=nonces.GOOD_FOR)
    if known is None:
        row = reports.take_in(session, report, territory_id=form.get("territory") or None, now=now)
        number, customer_id = row.id, row.customer_id
        repeats.keep(session, once, status=303, headers={}, body=number, secret=False)
    else:
        number = known.body
        customer_id = request_view.subject(session, number)[0].customer_id
    return links.issue(
        session,
        key,
        purpose=links.REQUEST,
        subject=number,
        version="1",
        customer_id=customer_id,
        expires_at=now + FOLLOWED_FOR,
        now=now,
    )


def _form(
    request: Request, session: Session, given: dict[str, str], nonce: str, *, wrong: str = ""
) -> Response:
    words = words_for(request, None, UTC_ZONE)
    return render(
        request,
        "customer/ask.html",
        words,
        status=422 if wrong else 200,
        given={name: given.get(name, "") for name in FIELDS},
        nonce=nonce,
        wrong=wrong,
        trap=TRAP,
        questions=[kind.value for kind in QUESTIONS],
        territories=territories.listed(session),
    )
