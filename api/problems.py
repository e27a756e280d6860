"""Refusals as RFC 9457 problem documents: a stable code, the field at fault, and never a stack trace."""

import http
import uuid
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from api import georeport
from api.pages.errors import page_for
from dispatch.core.errors import DispatchError

log = structlog.get_logger("gridcrew.api")

MEDIA_TYPE = "application/problem+json"


_HTTP_ERRORS = {
    400: ("bad_request", "The request cannot be read: its body is not well-formed JSON."),
    404: ("no_such_path", "There is nothing at this address."),
    405: ("no_such_method", "This address does not answer to this method; see Allow."),
    413: ("too_large", "The request is too large."),
}
"""What the framework itself refuses, in our words."""


class TooManyTries(DispatchError):
    """The address has used up its tries; `Retry-After` says for how long."""

    code = "too_many_tries"
    status = 429


class Problem(BaseModel):
    """What went wrong, for a program (`code`, `field`, `details`) and for a person (`title`, `detail`)."""

    model_config = ConfigDict(json_schema_extra={"description": "RFC 9457 problem document"})

    type: str = Field(description="urn:gridcrew:problem: followed by the code")
    title: str
    status: int
    detail: str
    code: str = Field(description="stable; programs decide by this")
    field: str | None = Field(None, description="the value at fault, as in windows.0.start_at")
    details: dict[str, Any] = Field(default_factory=dict)


def answer(
    status: int,
    code: str,
    detail: str,
    *,
    field: str | None = None,
    headers: dict[str, str] | None = None,
    **details: Any,
) -> JSONResponse:
    """A problem document as an HTTP answer."""
    body = {
        "type": f"urn:gridcrew:problem:{code}",
        "title": http.HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "field": field,
        "details": details,
    }
    return JSONResponse(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def of_refusal(error: DispatchError) -> JSONResponse:
    """The answer to an expected refusal."""
    details = dict(error.details)
    field = details.pop("field", None)
    headers = {}
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if error.status in {429, 503} or "retry_after" in details:
        headers["Retry-After"] = str(details.get("retry_after", 5))
    return answer(
        error.status,
        error.code,
        error.message,
        field=field if isinstance(field, str) else None,
        headers=headers,
        **{key: _plain(value) for key, value in details.items()},
    )


def of_crash(error: Exception, request: Request) -> Response:
    """The answer to what nobody expected: a number to quote; the log has the rest under the same number."""
    number = uuid.uuid4().hex[:12]
    log.error("unexpected error", error_id=number, exc_info=error)
    detail = f"Something went wrong on our side; nothing was changed. Quote error {number} when you report it."
    page = page_for(request, status=500, code="internal_error", detail=detail, number=number)
    page = page or georeport.refusal_for(request, 500, [("", detail)])
    return page or answer(500, "internal_error", detail, error_id=number)


def install(app: FastAPI) -> None:
    """Have the app answer every refusal with a page, in GeoReport's form, or with a problem document."""

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, DispatchError)
        page = page_for(request, status=error.status, code=error.code, detail=error.message)
        fault = (str(error.details.get("field") or ""), error.message)
        wait = error.details.get("retry_after")
        listed = georeport.refusal_for(request, error.status, [fault], wait=wait)
        return page or listed or of_refusal(error)

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        faults = [(fault["field"], fault["message"]) for fault in _faults(error)]
        listed = georeport.refusal_for(request, 400, faults)
        page = page_for(request, status=422, code="invalid", detail="")
        return page or listed or _of_validation(error)

    async def http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        code, detail = _HTTP_ERRORS.get(error.status_code, ("http_error", str(error.detail)))
        page = page_for(request, status=error.status_code, code=code, detail=detail)
        page = page or georeport.refusal_for(request, error.status_code, [("", detail)])
        return page or answer(error.status_code, code, detail, headers=dict(error.headers or {}))

    app.add_exception_handler(DispatchError, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http_error)


def document_problems(schema: dict[str, Any]) -> None:
    """Say in an OpenAPI document that every operation may answer with a problem."""
    schemas = schema.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = Problem.model_json_schema()
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    problem = {
        "description": "A problem document (RFC 9457)",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for methods in schema.get("paths", {}).values():
        for operation in methods.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = problem


def _of_validation(error: RequestValidationError) -> JSONResponse:
    faults = _faults(error)
    first = faults[0] if faults else {"field": "", "message": "The request is not valid."}
    detail = f"{first['field']}: {first['message']}" if first["field"] else first["message"]
    return answer(422, "invalid", detail, field=first["field"] or None, faults=faults)


def _faults(error: RequestValidationError) -> list[dict[str, str]]:
    # The refused input is not repeated: it may hold what no log should keep.
    return [
        {"field": _field(fault["loc"]), "message": str(fault["msg"])}
        for fault in list(error.errors())[:20]
    ]


def _field(location: tuple[int | str, ...]) -> str:
    steps = (
        location[1:]
        if location and location[0] in {"body", "query", "path", "header"}
        else location
    )
    return ".".join(str(step) for step in steps)


def _plain(value: Any) -> Any:
    if isinstance(value, (str, int, float, bool)) or value is None:
        return value
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(inner) for inner in value]
    return str(value)
