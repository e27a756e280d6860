"""How GeoReport v2 writes its answers and refusals: one description of each, as JSON or as XML.

A list is an array in JSON and an element around its items in XML (`services` around each `service`).
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from enum import StrEnum

from fastapi import Request
from fastapi.responses import JSONResponse, Response

Value = str | bool | float | None | Sequence["Value"] | Mapping[str, "Value"]

PREFIX = "/open311/"
ITEMS = {
    "services": "service",
    "service_requests": "request",
    "errors": "error",
    "endpoints": "endpoint",
    "formats": "format",
}
"""What one item of each list is called in XML; JSON has no names for them."""
FIELDS = {
    "kind": "service_code",
    "territory": "jurisdiction_id",
    "territory_id": "jurisdiction_id",
    "account": "account_id",
    "address": "address_string",
    "lon": "long",
    "name": "first_name",
    "text": "description",
}
"""Where the standard has another name for what is wrong."""
_STATUSES = frozenset({403, 404, 405, 429})
"""Beside 400, which stands for everything else that a client can mend."""
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML 1.0 document can hold, not even escaped."""


class Format(StrEnum):
    """What an answer is written in; a client chooses it by the end of the address."""

    XML = "xml"
    JSON = "json"

    @property
    def media_type(self) -> str:
        """The answer's content type."""
        return "text/xml" if self is Format.XML else "application/json"


def answer(
    format: Format,
    name: str,
    value: Value,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """`value` in this format; `name` is the outermost element of the XML."""
    if format is Format.JSON:
        return JSONResponse(value, status_code=status, headers=headers)
    content = ET.tostring(_element(name, value), encoding="utf-8", xml_declaration=True)
    return Response(content, status, headers, format.media_type)


def refusal_for(
    request: Request, status: int, faults: Sequence[tuple[str, str]], *, wait: object = None
) -> Response | None:
    """A refusal as GeoReport has it, or None for a request of something else.

    It is a list of codes and of descriptions, which name the field. `faults` are fields and what is wrong with
    them, `wait` is how many seconds to wait before trying again.
    """
    path = request.url.path
    if not path.startswith(PREFIX):
        return None
    format = Format.XML if path.endswith(".xml") else Format.JSON
    code = status if status in _STATUSES or status >= 500 else 400
    rows: list[Value] = [
        {"code": code, "description": f"{FIELDS.get(field, field)}: {text}" if field else text}
        for field, text in faults
    ]
    headers = None if wait is None else {"Retry-After": str(wait)}
    return answer(format, "errors", rows, status=code, headers=headers)


def _element(name: str, value: Value) -> ET.Element:
    made = ET.Element(name)
    if isinstance(value, Mapping):
        made.extend([_element(key, inner) for key, inner in value.items()])
    elif isinstance(value, bool):
        made.text = "true" if value else "false"
    elif isinstance(value, Sequence) and not isinstance(value, str):
        made.extend([_element(ITEMS[name], inner) for inner in value])
    elif value is not None:
        made.text = _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", str(value))
    return made
