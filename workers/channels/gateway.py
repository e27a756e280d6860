"""Any HTTP gateway as a channel: a TOML file says what is asked and what the answers mean."""

import json
import os
import re
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import TemplateError
from pydantic import ValidationError
from standardwebhooks import Webhook

from dispatch.contact.messages import Outgoing
from dispatch.core.tables import TaskClass
from dispatch.registry.phones import is_phone
from workers.channels.delivery import Accepted, Channel, Refused
from workers.channels.filling import request_of
from workers.channels.gateway_file import Answered, Asked, BadGateway, Gateway, value_at
from workers.channels.web import Answer, exchange, settle
from workers.logs import mask

_IN_ADDRESS = re.compile(r"[A-Za-z0-9_-]{32,100}")
"""Secrets that need no escape in an address and that nobody guesses."""


def read(path: Path) -> Gateway:
    """The gateway of a TOML file; raises BadGateway naming the file and the value that is wrong."""
    try:
        gateway = Gateway.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise BadGateway(f"{path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadGateway(f"{path} is no TOML: {error}.") from error
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(str(step) for step in fault["loc"])
        raise BadGateway(f"{path}: {place}: {fault['msg']}.", field=place) from error
    missing = [name for name in gateway.secrets.values() if not os.environ.get(name)]
    if missing:
        raise BadGateway(f"{path}: the environment lacks {', '.join(sorted(missing))}.")
    try:
        for asked in filter(None, (gateway.request, gateway.look_up)):
            request_of(gateway, asked, _EXAMPLE, now=datetime.now(UTC))
        if gateway.callback is not None:
            _check(gateway.callback.scheme, gateway.revealed(gateway.callback.secret))
    except Refused as error:
        raise BadGateway(f"{path}: {error.reason}.") from error
    except (TemplateError, ValueError) as error:
        raise BadGateway(f"{path}: callback.secret: {error}.", field="callback.secret") from error
    return gateway


def _check(scheme: str, secret: str) -> None:
    """Raise ValueError when nothing can be signed with the secret, or it is none for an address."""
    if scheme == "standard":
        Webhook(secret)
    if scheme == "path" and not _IN_ADDRESS.fullmatch(secret):
        raise ValueError("what stands in an address has 32 to 100 letters, digits, - and _")


def channel(gateway: Gateway, *, per_second: float = 0.0) -> Channel:
    """The gateway as a way out."""
    look_up: Callable[[Outgoing], Accepted | None] | None = None
    if gateway.look_up is not None:
        look_up = partial(_look_up, gateway, gateway.look_up)
    return Channel(
        gateway.name,
        partial(send, gateway),
        keys_last=timedelta(hours=gateway.keys_last_hours),
        look_up=look_up,
        per_second=per_second,
    )


def send(gateway: Gateway, outgoing: Outgoing) -> Accepted:
    """Hand a message over; raises Refused or Unclear."""
    if gateway.recipient == "phone" and not is_phone(outgoing.recipient):
        raise Refused("the customer's telephone number is not valid", final=True)
    answer = exchange(request_of(gateway, gateway.request, outgoing, now=datetime.now(UTC)))
    return _accepted(gateway.answer, answer)


def _accepted(meaning: Answered, answer: Answer) -> Accepted:
    document = _document(answer)
    reason = mask(str(value_at(document, meaning.reason) or "") if meaning.reason else "")[:200]
    if meaning.later is not None and meaning.later.holds(document):
        raise Refused(f"later: {reason}", final=False, retry_after=answer.retry_after)
    settle(answer, reason=reason)
    if meaning.taken is not None and not meaning.taken.holds(document):
        raise Refused(f"refused: {reason}", final=True)
    number = value_at(document, meaning.id) if meaning.id else None
    return Accepted(str(number)[:120] if number is not None else "")


def _document(answer: Answer) -> Any:
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None


def _look_up(gateway: Gateway, asked: Asked, outgoing: Outgoing) -> Accepted | None:
    """What the provider says it has; None when it says that it has nothing. Raises Refused (not final), Unclear."""
    answer = exchange(request_of(gateway, asked, outgoing, now=datetime.now(UTC)))
    if answer.status == 404:
        return None
    try:
        settle(answer)
    except (
        Refused
    ) as refused:  # it did not say: neither that it has the message nor that it has not
        raise Refused(refused.reason, final=False, retry_after=refused.retry_after) from refused
    if gateway.found.taken is not None and not gateway.found.taken.holds(_document(answer)):
        return None
    return _accepted(gateway.found, answer)


_EXAMPLE = Outgoing(
    message_id=1,
    mail_id="<1@gridcrew>",
    recipient="+8613800000000",
    subject="subject",
    body="text",
    language="en",
    task_class=TaskClass.COURTESY,
    key="gridcrew-1",
)
