"""How requests to gateways are signed: Alibaba Cloud's, Tencent Cloud's, and a plain keyed hash.

Sources: Alibaba Cloud, "V3 request structure and signature" (ACS3-HMAC-SHA256); Tencent Cloud, "Signature v3"
(TC3-HMAC-SHA256).
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, urlsplit

from workers.channels.web import Request


def aliyun(
    request: Request, *, key_id: str, secret: str, now: datetime, nonce: str = ""
) -> Request:
    """The request with Alibaba Cloud's headers; `x-acs-action` and `x-acs-version` are its own."""
    parts = urlsplit(request.url)
    body_hash = hashlib.sha256(request.body).hexdigest()
    headers = {
        **{name.lower(): value for name, value in request.headers.items()},
        "host": parts.netloc,
        "x-acs-date": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": nonce or secrets.token_hex(16),
        "x-acs-content-sha256": body_hash,
    }
    signed = sorted(
        name for name in headers if name.startswith("x-acs-") or name in ("host", "content-type")
    )
    query = sorted(parse_qsl(parts.query, keep_blank_values=True))
    canonical = "\n".join(
        [
            request.method,
            quote(parts.path or "/", safe="/~"),
            "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in query),
            *(f"{name}:{headers[name].strip()}" for name in signed),
            "",
            ";".join(signed),
            body_hash,
        ]
    )
    told = f"ACS3-HMAC-SHA256\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(secret.encode(), told.encode(), hashlib.sha256).hexdigest()
    headers["authorization"] = (
        f"ACS3-HMAC-SHA256 Credential={key_id},SignedHeaders={';'.join(signed)},Signature={signature}"
    )
    return replace(request, headers=headers)


def tencent(request: Request, *, key_id: str, secret: str, now: datetime) -> Request:
    """The request with Tencent Cloud's headers; its own name the action, version and region (`X-TC-...`).

    The service is the first part of the host's name.
    """
    parts = urlsplit(request.url)
    stamp, day = str(int(now.timestamp())), now.astimezone(UTC).strftime("%Y-%m-%d")
    service = (parts.hostname or "").partition(".")[0]
    headers = {name.lower(): value for name, value in request.headers.items()}
    headers |= {"host": parts.netloc, "x-tc-timestamp": stamp}
    headers.setdefault("content-type", "application/json; charset=utf-8")
    canonical = "\n".join(
        [
            request.method,
            parts.path or "/",
            parts.query,
            f"content-type:{headers['content-type']}",
            f"host:{headers['host']}",
            "",
            "content-type;host",
            hashlib.sha256(request.body).hexdigest(),
        ]
    )
    scope = f"{day}/{service}/tc3_request"
    told = "\n".join(
        ["TC3-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()]
    )
    key = f"TC3{secret}".encode()
    for part in (day, service, "tc3_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, told.encode(), hashlib.sha256).hexdigest()
    headers["authorization"] = (
        f"TC3-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders=content-type;host, Signature={signature}"
    )
    return replace(request, headers=headers)


def keyed_hash(secret: str, stamp: str, body: bytes) -> str:
    """HMAC-SHA256 of the moment (seconds since 1970, as text), a dot and the body, in hex."""
    return hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def plain(request: Request, *, key_id: str, secret: str, now: datetime) -> Request:
    """The request with `X-Timestamp` and `X-Signature`, and `X-Key-Id` when there is one."""
    stamp = str(int(now.timestamp()))
    added = {"X-Timestamp": stamp, "X-Signature": keyed_hash(secret, stamp, request.body)}
    if key_id:
        added["X-Key-Id"] = key_id
    headers: Mapping[str, str] = request.headers
    return replace(request, headers={**headers, **added})
