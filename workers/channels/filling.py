"""A gateway's request for one message: its templates filled in, encoded and signed."""

import json
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit

from jinja2 import TemplateError

from dispatch.contact.messages import Outgoing
from workers.channels import signing
from workers.channels.delivery import Refused
from workers.channels.gateway_file import Asked, Gateway, template
from workers.channels.web import Request

_SCHEMES = {"aliyun": signing.aliyun, "tencent": signing.tencent, "hmac": signing.plain}


def request_of(gateway: Gateway, asked: Asked, outgoing: Outgoing, *, now: datetime) -> Request:
    """The request that asks `asked` of the gateway; raises Refused when a template fails or would add a header."""
    values = {
        "recipient": outgoing.recipient,
        "text": outgoing.body,
        "subject": outgoing.subject,
        "language": outgoing.language,
        "key": outgoing.key,
        "mail_id": outgoing.mail_id,
        "secret": gateway.secret_values(),
    }
    fill = partial(_filled, values)
    try:
        headers, url = fill(asked.headers), fill(asked.url)
        query, form = fill(asked.query), fill(asked.form)
        body = fill(asked.body).encode()
        if asked.content is not None:
            body = json.dumps(fill(asked.content), ensure_ascii=False).encode()
        key_id, secret = fill(gateway.signing.key_id), fill(gateway.signing.secret)
    except TemplateError as error:
        raise Refused(f"a template of {gateway.name} fails: {error}", final=True) from error
    names = {name.lower() for name in headers}
    if form:
        body = urlencode(form).encode()
    if body and "content-type" not in names:
        headers["content-type"] = (
            "application/x-www-form-urlencoded" if form else "application/json; charset=utf-8"
        )
    if asked.key_header:
        headers[asked.key_header] = outgoing.key
    if any("\r" in value or "\n" in value for value in (*headers.values(), url)):
        raise Refused("a header or address of the request would hold a line break", final=True)
    if query:
        url += ("&" if urlsplit(url).query else "?") + urlencode(query)
    request = Request(asked.method, url, headers, body)
    sign = _SCHEMES.get(gateway.signing.scheme)
    return sign(request, key_id=key_id, secret=secret, now=now) if sign else request


def _filled(values: Mapping[str, Any], given: Any) -> Any:
    """The templates of a text, or of a document's texts, filled in: a value is never more than a value."""
    if isinstance(given, str):
        return template(given).render(values)
    if isinstance(given, Mapping):
        return {name: _filled(values, inner) for name, inner in given.items()}
    if isinstance(given, list):
        return [_filled(values, inner) for inner in given]
    return given
