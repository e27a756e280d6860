"""Open311 GeoReport v2 in JSON: programs of cities report faults and questions, and ask where a request is.

What is read back names nobody: numbers of requests can be guessed, so a request is its service, its status and its
times, without the description, the address and the position that the specification would allow.
"""

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from api import request_view
from api.deps import Acting, Now, Reading, Sent, TheState, public
from api.pages.asking import count
from api.pages.texts import Words, table
from api.schemas.forms import PathId
from dispatch.core.calendar import zone_named
from dispatch.core.errors import DispatchError
from dispatch.desk import public as reports
from dispatch.desk.public import BadReport, Report
from dispatch.desk.tables import Request as Case
from dispatch.desk.tables import RequestKind
from dispatch.registry.territories import NoSuchTerritory

router = APIRouter(prefix="/open311/v2", tags=["open311"])

LANGUAGE = "en"
"""GeoReport has no way to choose one."""
READING = public("the open standard reads without an account; what is read names nobody")
REPORTING = public("the open standard reports without an account; a limit stands before it")
_FIELDS = {"text": "description", "address": "address_string", "kind": "service_code",
           "territory": "jurisdiction_id", "name": "first_name"}  # fmt: skip
"""Where the standard has another name for what is wrong."""


@router.get("/services.json", dependencies=[READING])
def services() -> list[dict[str, Any]]:
    """What can be reported: each kind of request is a service, whose number is told at once."""
    return [
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


@router.post("/requests.json", dependencies=[REPORTING])
def report(
    request: Request, form: Sent, session: Acting, state: TheState, moment: Now
) -> JSONResponse:
    """Report something; needs service_code, phone, description, and address_string or address_id or account_id."""
    try:
        given = _report(form)
        reports.check(given)
        count(state, request, given.phone, now=moment)
        territory_id = form.get("jurisdiction_id") or None
        made = reports.take_in(
            session, given, territory_id=territory_id, channel="open311", now=moment
        )
    except (BadReport, NoSuchTerritory) as error:
        return _refused(error)
    due = request_view.answer_by(session, made.id)
    notice = f"We answer by {due.isoformat()}." if due else ""
    return JSONResponse([{"service_request_id": made.id, "service_notice": notice}])


@router.get("/requests/{request_id}.json", dependencies=[READING])
def status(request_id: PathId, session: Reading, moment: Now) -> list[dict[str, Any]]:
    """Where a request is: open or closed, and in words."""
    row, _, territory = request_view.subject(session, request_id)
    seen = request_view.seen(session, row, now=moment)
    words = Words(LANGUAGE, zone_named(territory.zone))
    return [
        {
            "service_request_id": row.id,
            "status": "closed" if seen.status in request_view.ENDED else "open",
            "status_notes": words(f"follow.status.{seen.status}"),
            "service_code": row.kind.value,
            "service_name": _name(row.kind),
            "agency_responsible": words.name(territory),
            "requested_datetime": _local(row.received_at, words),
            "updated_datetime": _local(_updated_at(row), words),
            "expected_datetime": _local(seen.answer_by, words),
        }
    ]


def _report(form: dict[str, str]) -> Report:
    code = form.get("service_code", "")
    if code not in set(RequestKind):
        raise BadReport("There is no such service; see services.json.", field="kind")
    name = " ".join(filter(None, (form.get("first_name", ""), form.get("last_name", ""))))
    return Report(
        kind=RequestKind(code),
        name=name or form.get("phone", ""),
        phone=form.get("phone", ""),
        email=form.get("email", ""),
        text=form.get("description", ""),
        address=form.get("address_string", ""),
        account=form.get("account_id", "") or form.get("address_id", ""),
        language=LANGUAGE,
    )


def _refused(error: DispatchError) -> JSONResponse:
    """A refusal as GeoReport has it: a list of codes and descriptions, which name the field."""
    field = str(error.details.get("field", ""))
    text = f"{_FIELDS.get(field, field)}: {error.message}"
    code = 404 if isinstance(error, NoSuchTerritory) else 400
    return JSONResponse([{"code": code, "description": text}], status_code=code)


def _updated_at(row: Case) -> datetime:
    return max(at for at in (row.received_at, row.answered_at, row.resolved_at) if at is not None)


def _local(moment: datetime | None, words: Words) -> str | None:
    return None if moment is None else moment.astimezone(words.zone).isoformat()


def _name(kind: RequestKind) -> str:
    return table(LANGUAGE)[f"ask.kinds.{kind.value}"]
