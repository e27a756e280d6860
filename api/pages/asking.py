"""The public form: somebody reports a fault or asks a question, and follows what becomes of it by a link."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import RedirectResponse, Response
from sqlmodel import Session
from starlette.datastructures import UploadFile

from api import request_view
from api.deps import Acting, Now, Reading, TheSettings, TheState, public
from api.pages import nonces
from api.pages.errors import UTC_ZONE
from api.pages.nonces import NonceInvalid
from api.pages.rendering import render, words_for
from api.pages.texts import LANGUAGES
from api.state import State
from dispatch.contact import links, texts
from dispatch.core import repeats
from dispatch.core.calendar import zone_named
from dispatch.core.pictures import MOST_BYTES
from dispatch.core.repeats import Key
from dispatch.desk import photos, requests
from dispatch.desk import public as reports
from dispatch.desk.public import BadReport, Report
from dispatch.desk.tables import Request as Case
from dispatch.desk.tables import RequestKind
from dispatch.registry import territories

router = APIRouter(include_in_schema=False)

QUESTIONS = tuple(kind for kind in RequestKind if kind is not RequestKind.FAULT)
FIELDS = ("kind", "about", "name", "phone", "email", "address", "account", "text", "territory")
PAGE = "ask"
MOST_FILES = 20
"""More than anybody should choose: those see that there are too many, a flood of parts is refused."""
TRAP = "website"
"""A field that people do not see: what fills it in is no person."""


@dataclass(frozen=True, slots=True)
class Filled:
    """The form as it was sent: its texts, and the photographs' bytes."""

    form: dict[str, str]
    photos: tuple[bytes, ...]


NOTHING = Filled({}, ())


async def filled_in(request: Request) -> Filled:
    """The form that was sent, with its photographs or without."""
    async with request.form(max_files=MOST_FILES, max_fields=40) as form:
        written = {name: value for name, value in form.items() if isinstance(value, str)}
        files = [one for one in form.getlist("photos") if isinstance(one, UploadFile)]
        # A field in which nothing was chosen is sent as a file without a name.
        chosen = [await one.read(MOST_BYTES + 1) for one in files if one.filename or one.size]
    return Filled(written, tuple(chosen))


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
    filled: Annotated[Filled, Depends(filled_in)],
    session: Acting,
    settings: TheSettings,
    state: TheState,
    moment: Now,
) -> Response:
    """Take the report in, once however often it is sent, and lead to the page that follows it."""
    form = filled.form
    nonces.check(settings.key, PAGE, form.get("nonce", ""), now=moment)
    if form.get(TRAP):
        raise NonceInvalid("Load the page again and press the button there.", field=TRAP)
    language = words_for(request, form.get("lang") or None, UTC_ZONE).language
    try:
        report = _report(form, language)
        reports.check(report)
        pictures = photos.checked(filled.photos)
        count(state, request, report.phone, now=moment)
        with session.begin_nested():  # a refusal that is shown on the form leaves nothing behind
            made = _taken_in(session, form, report, now=moment)
            photos.add(
                session, settings.attachments, made, pictures, actor=reports.PUBLIC, now=moment
            )
    except BadReport as error:
        return _form(request, session, form, form.get("nonce", ""), refused=error, again=filled)
    token = links.for_request(session, settings.key, made, now=moment)
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


def _taken_in(session: Session, form: dict[str, str], report: Report, *, now: datetime) -> Case:
    """The request that the form is; the same form again, whatever photographs come with it, is the same request."""
    content = json.dumps(sorted(form.items())).encode()
    mark = hashlib.sha256(content).hexdigest()
    once = Key(reports.PUBLIC.id, "POST /ask", mark[:32], mark)
    known = repeats.claim(session, once, now=now, kept=nonces.GOOD_FOR)
    if known is not None:
        return requests.get(session, known.body)
    row = reports.take_in(session, report, territory_id=form.get("territory") or None, now=now)
    repeats.keep(session, once, status=303, headers={}, body=row.id, secret=False)
    return row


def _form(
    request: Request,
    session: Session,
    given: dict[str, str],
    nonce: str,
    *,
    refused: BadReport | None = None,
    again: Filled = NOTHING,
) -> Response:
    """The form; after a refusal with what was written, but for photographs: a browser must be given those anew."""
    words = words_for(request, None, UTC_ZONE)
    details = refused.details if refused else {}
    return render(
        request,
        "customer/ask.html",
        words,
        status=422 if refused else 200,
        given={name: given.get(name, "") for name in FIELDS},
        nonce=nonce,
        wrong=str(details.get("field", "")),
        why=details.get("why", ""),
        which=details.get("number", 0),
        chose_photos=bool(again.photos),
        most_photos=photos.MOST_OF_A_REQUEST,
        trap=TRAP,
        questions=[kind.value for kind in QUESTIONS],
        territories=territories.listed(session),
    )
