"""Nonces: what a form on a customer's page sends along, so that only somebody who was shown the page can act."""

import hashlib
from datetime import datetime, timedelta
from typing import Any

from itsdangerous import BadData, URLSafeSerializer

from dispatch.core.errors import ForbiddenError

GOOD_FOR = timedelta(hours=12)
"""How long a page may lie open before its buttons are pressed."""


class NonceInvalid(ForbiddenError):
    """The form was not sent by a page of ours, or lay open too long."""

    code = "nonce_invalid"


def make(key: bytes, page: str, *, now: datetime) -> str:
    """A nonce for the forms of this page; every look at the page has the same within a minute."""
    minute = int(now.timestamp()) // 60
    return str(_serializer(key).dumps([page, minute]))


def check(key: bytes, page: str, given: str, *, now: datetime) -> None:
    """Raise NonceInvalid unless the page gave this nonce within the last twelve hours."""
    try:
        content: Any = _serializer(key).loads(given)
        # Base 64 has spare bits at its end: another spelling of the same signature is none of ours.
        ours = content[0] == page and str(_serializer(key).dumps(content)) == given
        age = now - datetime.fromtimestamp(content[1] * 60, now.tzinfo)
    except (BadData, UnicodeError, ValueError, TypeError, IndexError, KeyError, OverflowError):
        ours, age = False, timedelta(0)
    if not ours or not -timedelta(minutes=1) <= age <= GOOD_FOR:
        raise NonceInvalid("Load the page again and press the button there.", field="nonce")


def _serializer(key: bytes) -> URLSafeSerializer:
    return URLSafeSerializer(
        key,
        salt="gridcrew.page",
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )
