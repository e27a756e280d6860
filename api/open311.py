"""Open311 GeoReport v2: programs of cities report faults and questions, and ask where they are.

What is read back names nobody: anybody may read, so a request is its service, its status and its times, and the
description, address, position and picture that the specification allows stay empty. Only what came in by Open311
is shown: who telephoned was told nothing of a public list.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from sqlmodel import Session

from api import request_view
from api.deps import Acting, Now, Reading, Sent, TheSettings, TheState, public
from api.georeport import Format, Value, answer
from api.pages.asking import count
from api.pages.texts import Words, table
from api.schemas.forms import PathId
from dispatch.core.calendar import zone_named
from dispatch.core.errors import InvalidError, NotFoundError
from dispatch.desk import public as reports
from dispatch.desk import queries
from dispatch.desk.public import BadReport, Report
from dispatch.desk.queries import MOST_REPORTED
from dispatch.desk.requests import NoSuchRequest
from dispatch.desk.tables import Request as Case
from dispatch.desk.tables import RequestKind, RequestStatus
from dispatch.registry import territories
from dispatch.registry.tables import Territory

router = APIRouter(prefix="/open311", tags=["open311"])

CHANNEL = "open311"
LANGUAGE = "en"
"""GeoReport has no way to choose one."""
SPECIFICATION = "http://wiki.open311.org/GeoReport_v2"
CHANGED_AT = datetime(2026, 11, 30, tzinfo=UTC)
"""When the services, or the endpoints, last became others: clients keep both until then."""
LONGEST_SPAN = timedelta(days=90)
READING = public("the open standard reads without an account; what is read names nobody")
REPORTING = public("the open standard reports without an account; a limit stands before it")
CLOSED = frozenset(
    status for status, shown in request_view.PUBLIC_STATUS.items() if shown in request_view.ENDED
)
STATUSES = {"open": frozenset(RequestStatus) - CLOSED, "closed": CLOSED}
ANSWERS: dict[str, Any] = {
    "response_class": Response,
    "responses": {200: {"content": {format.media_type: {} for format in Format}}},
}

TheFormat = Annotated[Format, Path(alias="format")]
Text = Annotated[str, Query(max_length=200)]
Texts = Annotated[str, Query(max_length=20_000, description="several are divided by commas")]


class NoSuchService(NotFoundError):
    """No service has this code."""

    code = "no_such_service"


class BadSelection(InvalidError):
    """A list of requests is asked for by a status or a span of time that cannot be."""

    code = "bad_selection"


@router.get("/discovery.{format}", dependencies=[READING], **ANSWERS)
def discovery(format: TheFormat, settings: TheSettings) -> Response:
    """Where the service is and what it speaks."""
    changed_at = CHANGED_AT.isoformat()
    endpoint: dict[str, Value] = {
        "specification": SPECIFICATION,
        "url": f"{settings.base_url}/open311/v2",
        "changeset": changed_at,
        "type": "production" if settings.environment == "production" else "test",
        "formats": [one.media_type for one in Format],
    }
    told: dict[str, Value] = {
        "changeset": changed_at,
        "contact": settings.mail_from,
        "key_service": "No key is needed; a limit holds for each address and telephone.",
        "endpoints": [endpoint],
    }
    return answer(format, "discovery", told)


@router.get("/v2/services.{format}", dependencies=[READING], **ANSWERS)
def services(format: TheFormat, session: Reading, jurisdiction_id: Text = "") -> Response:
    """What can be reported: each kind of request is a service, whose number is told at once."""
    _territory(session, jurisdiction_id)
    rows = [
        {
            "service_code": kind.value,
            "service_name": _name(kind),
            "description": _name(kind),
            "metadata": False,
            "type": "realtime",
            "keywords": kind.value,
            "group": "fault" if kind is RequestKind.FAULT else "question",
        }
        for kind in RequestKind
    ]
    return answer(format, "services", rows)


@router.post("/v2/requests.{format}", dependencies=[REPORTING], **ANSWERS)
def report(
    format: TheFormat, request: Request, form: Sent, session: Acting, state: TheState, moment: Now
) -> Response:
    """Report something: service_code, phone, description, and an address_string, account_id, or lat and long."""
    given = _report(form)
    reports.check(given)
    count(state, request, given.phone, now=moment)
    territory_id = form.get("jurisdiction_id") or None
    made = reports.take_in(session, given, territory_id=territory_id, channel=CHANNEL, now=moment)
    due = request_view.answer_by(session, made.id)
    notice = f"We answer by {due.isoformat()}." if due else ""
    row = {"service_request_id": made.id, "service_notice": notice, "account_id": None}
    return answer(format, "service_requests", [row])


@router.get("/v2/requests.{format}", dependencies=[READING], **ANSWERS)
def requests(
    format: TheFormat,
    session: Reading,
    moment: Now,
    jurisdiction_id: Text = "",
    service_request_id: Texts = "",
    service_code: Text = "",
    start_date: Text = "",
    end_date: Text = "",
    status: Text = "",
) -> Response:
    """What was reported by Open311, the newest first: 90 days and 1,000 requests at most.

    `service_request_id` names single ones, whatever else is asked for.
    """
    territory = _territory(session, jurisdiction_id)
    numbers = _parts(service_request_id)
    if numbers:
        found = queries.reported(
            session, territory_id=territory.id, channel=CHANNEL, numbers=numbers[:MOST_REPORTED]
        )
    else:
        found = queries.reported(
            session,
            territory_id=territory.id,
            channel=CHANNEL,
            kinds=[_kind(code) for code in _parts(service_code)],
            statuses=_statuses(status),
            span=_span(start_date, end_date, territory, now=moment),
        )
    return answer(format, "service_requests", _rows(session, found, territory))


@router.get("/v2/requests/{request_id}.{format}", dependencies=[READING], **ANSWERS)
def one_request(
    request_id: PathId, format: TheFormat, session: Reading, jurisdiction_id: Text = ""
) -> Response:
    """Where a request is: open or closed, and in words."""
    territory = _territory(session, jurisdiction_id)
    found = queries.reported(
        session, territory_id=territory.id, channel=CHANNEL, numbers=[request_id]
    )
    if not found:
        raise NoSuchRequest("There is no such request here.", field="service_request_id")
    return answer(format, "service_requests", _rows(session, found, territory))


def _rows(session: Session, found: list[Case], territory: Territory) -> list[dict[str, Any]]:
    """The requests in the standard's words, with everything that could name somebody left empty."""
    words = Words(LANGUAGE, zone_named(territory.zone))
    numbers = [row.id for row in found]
    due = request_view.answers_by(session, numbers)
    changed = queries.changed_at(session, numbers)
    return [
        {
            "service_request_id": row.id,
            "status": "closed" if row.status in CLOSED else "open",
            "status_notes": words(f"follow.status.{request_view.PUBLIC_STATUS[row.status]}"),
            "service_name": _name(row.kind),
            "service_code": row.kind.value,
            "description": None,
            "agency_responsible": words.name(territory),
            "service_notice": None,
            "requested_datetime": _local(row.received_at, words),
            "updated_datetime": _local(changed.get(row.id, row.received_at), words),
            "expected_datetime": _local(due.get(row.id), words),
            "address": None,
            "address_id": None,
            "zipcode": None,
            "lat": None,
            "long": None,
            "media_url": None,
        }
        for row in found
    ]


def _report(form: dict[str, str]) -> Report:
    code = form.get("service_code", "")
    if not code:
        raise BadReport("Say which service; services.json lists them.", field="kind")
    name = " ".join(filter(None, (form.get("first_name", ""), form.get("last_name", ""))))
    return Report(
        kind=_kind(code),
        name=name or form.get("phone", ""),
        phone=form.get("phone", ""),
        email=form.get("email", ""),
        text=form.get("description", ""),
        address=form.get("address_string", ""),
        account=form.get("account_id", "") or form.get("address_id", ""),
        lat=_degrees(form, "lat"),
        lon=_degrees(form, "long"),
        language=LANGUAGE,
    )


def _degrees(form: dict[str, str], name: str) -> float | None:
    if not form.get(name):
        return None
    try:
        return float(form[name])
    except ValueError:
        raise BadReport("Degrees are a number, as in 22.8154.", field=name) from None


def _territory(session: Session, jurisdiction_id: str) -> Territory:
    """The jurisdiction that is meant; only where there are several it must be said."""
    return territories.get(session, reports.territory_of(session, jurisdiction_id or None))


def _kind(code: str) -> RequestKind:
    if code not in set(RequestKind):
        raise NoSuchService("There is no such service; services.json lists them.", field="kind")
    return RequestKind(code)


def _statuses(text: str) -> frozenset[RequestStatus]:
    unknown = set(_parts(text)) - set(STATUSES)
    if unknown:
        raise BadSelection("A status is open or closed.", field="status")
    return frozenset().union(*(STATUSES[one] for one in _parts(text)))


def _span(
    start: str, end: str, territory: Territory, *, now: datetime
) -> tuple[datetime, datetime]:
    """From when to when; where one is left out the span is as long as it may be."""
    begins = _instant(start, "start_date", territory)
    ends = _instant(end, "end_date", territory)
    if ends is None:
        ends = now if begins is None else begins + LONGEST_SPAN
    if begins is None:
        begins = ends - LONGEST_SPAN
    if ends < begins:
        raise BadSelection("The end comes before the start.", field="end_date")
    if ends - begins > LONGEST_SPAN:
        raise BadSelection(
            f"At most {LONGEST_SPAN.days} days at a time; ask for each part.", field="start_date"
        )
    return begins, ends


def _instant(text: str, field: str, territory: Territory) -> datetime | None:
    if not text:
        return None
    try:
        # A plus sign that a client did not escape arrives as a space.
        moment = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
    except ValueError:
        moment = None
    if moment is None or not 2000 <= moment.year <= 2100:
        raise BadSelection("A date is written as in 2026-03-10T07:00:00Z.", field=field)
    return moment if moment.tzinfo else moment.replace(tzinfo=zone_named(territory.zone))


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _local(moment: datetime | None, words: Words) -> str | None:
    return None if moment is None else moment.astimezone(words.zone).isoformat()


def _name(kind: RequestKind) -> str:
    return table(LANGUAGE)[f"ask.kinds.{kind.value}"]
