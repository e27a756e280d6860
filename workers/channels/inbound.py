"""What a provider calls back with: whether it is really from it, and what it says."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from standardwebhooks import Webhook

from dispatch.contact.callbacks import Fate, Reply, Report
from dispatch.core.errors import DispatchError, InvalidError
from workers.channels.gateway_file import Gateway, Reported, value_at
from workers.channels.signing import keyed_hash

TOLERANCE = timedelta(minutes=5)
MOST_EVENTS = 1000


class Forged(DispatchError):
    """The signature is not the provider's, or older or newer than five minutes."""

    code = "bad_signature"
    status = 401


class Unreadable(InvalidError):
    """The body is signed but is not what the gateway's file says it is."""

    code = "bad_callback"


def read_callback(
    gateway: Gateway,
    *,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
    in_path: str = "",
) -> list[Report | Reply]:
    """What a callback to `url` says, once its signature over the raw body is proved; raises Forged and Unreadable.

    A provider that signs nothing proves itself by `in_path`, the end of the address that it alone was given; one
    that signs is not believed without. `headers` are found whatever the case of their names.
    """
    given = gateway.callback
    if given is None:
        raise Forged(f"{gateway.name} is not set up to call back.")
    secret = gateway.revealed(given.secret)
    if given.scheme == "path":
        _compare([in_path], secret)
        return list(_of_json(given, body, hashlib.sha256(body).hexdigest()[:32]))
    if in_path:
        raise Forged(f"{gateway.name} signs its callbacks, and calls back at another address.")
    if given.scheme == "twilio":
        form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        _check_twilio(secret, url, form, headers.get("x-twilio-signature", ""))
        return list(_of_twilio(form))
    if given.scheme == "standard":
        batch = _check_standard(secret, headers, body, now)
    else:
        batch = _check_keyed_hash(secret, headers, body, now)
    return list(_of_json(given, body, batch))


# -- signatures ---------------------------------------------------------------------------------------------


def _check_twilio(secret: str, url: str, form: Mapping[str, str], signature: str) -> None:
    """Twilio signs the address and the sorted form, and no moment: that an old one does nothing is the inbox's."""
    told = url + "".join(f"{name}{form[name]}" for name in sorted(form))
    made = hmac.new(secret.encode(), told.encode(), hashlib.sha1).digest()
    _compare([signature], base64.b64encode(made).decode())


def _check_standard(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """The webhook's id, once one of its signatures is right (Standard Webhooks 1.0)."""
    number = headers.get("webhook-id", "")
    moment = _moment(headers.get("webhook-timestamp", ""), now)
    made = Webhook(secret).sign(number, moment, body.decode("utf-8", "replace"))
    _compare(headers.get("webhook-signature", "").split(" "), made)
    return number


def _check_keyed_hash(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    stamp = headers.get("x-timestamp", "")
    _moment(stamp, now)
    _compare([headers.get("x-signature", "")], keyed_hash(secret, stamp, body))
    return hashlib.sha256(body).hexdigest()[:32]


def _moment(stamp: str, now: datetime) -> datetime:
    if not stamp.isdigit() or len(stamp) > 11:
        raise Forged("The callback does not say when it was sent.")
    sent = datetime.fromtimestamp(int(stamp), tz=now.tzinfo)
    if abs(now - sent) > TOLERANCE:
        raise Forged("The callback was not sent within the last five minutes.")
    return sent


def _compare(given: list[str], made: str) -> None:
    if not any(hmac.compare_digest(one.encode(), made.encode()) for one in given):
        raise Forged("The callback's signature is wrong.")


# -- contents -----------------------------------------------------------------------------------------------


def _of_twilio(form: Mapping[str, str]) -> Iterator[Report | Reply]:
    number, status = form.get("MessageSid", ""), form.get("MessageStatus", "")
    if not number:
        raise Unreadable("MessageSid is missing.", field="MessageSid")
    if status:
        words = {
            "sent": Fate.SENT, "delivered": Fate.DELIVERED, "read": Fate.DELIVERED,
            "failed": Fate.FAILED, "undelivered": Fate.FAILED,
        }  # fmt: skip
        yield Report(f"{number}:{status}", number, words.get(status, Fate.QUEUED))
    elif form.get("From"):
        yield Reply(f"{number}:reply", form["From"], form.get("Body", ""))


def _of_json(given: Reported, body: bytes, batch: str) -> Iterator[Report | Reply]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unreadable("The body is no JSON.") from error
    events = value_at(document, given.events) if given.events else document
    if not isinstance(events, list):
        events = [events]
    if len(events) > MOST_EVENTS:
        raise Unreadable(f"A callback holds at most {MOST_EVENTS} events.", field=given.events)
    for place, event in enumerate(events):
        own = _text(event, given.id)
        number = own or (batch if len(events) == 1 else f"{batch}:{place}")
        sender, message = _text(event, given.sender), _text(event, given.message)
        if sender and (not message or _text(event, given.text)):
            yield Reply(number, sender, _text(event, given.text))
            continue
        if not message:
            raise Unreadable(f"{given.message} is missing.", field=given.message)
        fate = _fate(given, _text(event, given.status))
        if given.scheme == "path" and not own:  # pushed again, it may come among others
            number = f"{message}:{fate.value}"
        yield Report(number, message, fate)


def _fate(given: Reported, word: str) -> Fate:
    if word in given.delivered:
        return Fate.DELIVERED
    if word in given.failed:
        return Fate.FAILED
    return Fate.SENT if word in given.sent else Fate.QUEUED


def _text(event: Any, path: str) -> str:
    value = value_at(event, path) if path else None
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
