"""Signed links: a customer opens the page of one visit without signing in, until the link expires."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

from itsdangerous import BadData, URLSafeSerializer

from dispatch.core.errors import DispatchError, ForbiddenError

VALID_AFTER_END = timedelta(hours=72)
"""How long after the planned end of a visit its link still opens."""

_FORMAT = 1


class LinkInvalid(ForbiddenError):
    """The link was not made here, was changed, or is for something else."""

    code = "link_invalid"


class LinkExpired(DispatchError):
    """The link was good once; its time is over."""

    code = "link_expired"
    status = 410


def sign(key: bytes, *, visit_id: str, expires_at: datetime, purpose: str = "visit") -> str:
    """A token that names the visit, for one purpose, until `expires_at`; HMAC-SHA256 under `key`."""
    content = {"f": _FORMAT, "p": purpose, "s": visit_id, "x": int(expires_at.timestamp())}
    return _text(_serializer(key).dumps(content))


def read(key: bytes, token: str, *, now: datetime, purpose: str = "visit") -> str:
    """The id of the visit that the token names; changes nothing.

    Raises LinkInvalid when any character was changed or the purpose is another, and LinkExpired afterwards.
    """
    refusal = LinkInvalid("This link is not valid. Open it exactly as it stands in the message.")
    serializer = _serializer(key)
    try:
        content: Any = serializer.loads(token)
    except (BadData, UnicodeError, ValueError) as error:
        raise refusal from error
    # Base 64 has spare bits at its end: another spelling of the same signature is refused too.
    if not hmac.compare_digest(_text(serializer.dumps(content)).encode(), token.encode()):
        raise refusal
    if content["f"] != _FORMAT or content["p"] != purpose:
        raise refusal
    if now.timestamp() >= content["x"]:
        expired = datetime.fromtimestamp(content["x"], UTC)
        raise LinkExpired(
            "This link has expired. A newer message may hold a newer link.",
            expired_at=expired.isoformat(),
        )
    return str(content["s"])


def _serializer(key: bytes) -> URLSafeSerializer:
    return URLSafeSerializer(
        key,
        salt="gridcrew.contact.link",
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )


def _text(token: str | bytes) -> str:
    return token.decode() if isinstance(token, bytes) else token
