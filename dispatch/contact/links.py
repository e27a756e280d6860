"""Customers' links: whoever has one opens the page of one visit or request, without signing in, until it ends.

A token is a key's number, 136 random bits and 136 bits of HMAC-SHA256 over both and the purpose, 48 characters in
all: one that was forged is refused before the database is asked. What the link is for stands in its row, which has
the hash of the random bits and a seal, an HMAC of the same key over the token's head and every fact of the row: one
that was changed in the database opens nothing either. Keys are made of the installation's secret and their number:
a new one can be taken into use at any time, and the one before still opens its links.
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.contact.appointment import appointments_of
from dispatch.contact.tables import Link, LinkKey
from dispatch.core.errors import DispatchError, ForbiddenError
from dispatch.desk.tables import Request
from dispatch.registry.tables import Customer
from dispatch.work.tables import Visit, WorkOrder

VALID_AFTER_END = timedelta(hours=72)
"""How long after the end of a visit its links still open."""
CHOICES_FOR = timedelta(days=60)
"""How long an email's link to the choice of messages opens it."""
FOLLOWED_FOR = timedelta(days=180)
"""How long a link to a request opens it."""
KEPT_AFTER_END = timedelta(days=90)
"""How long the row of a link that has ended is kept, to answer who could see what."""
VISIT, REQUEST, CHOICES, NAMING = "visit", "request", "choices", "naming"

_KEY_BYTES, _RANDOM_BYTES, _MAC_BYTES = 2, 17, 17
LENGTH = 48
"""Characters of a token."""


class LinkInvalid(ForbiddenError):
    """The link was not made here, was changed, or is for something else."""

    code = "link_invalid"


class LinkExpired(DispatchError):
    """The link was good once; its time is over, or it was taken back, or a newer one has taken its place."""

    code = "link_expired"
    status = 410


class Opening(NamedTuple):
    """What a link opens: `subject`, the number of a visit, request or customer, for one purpose until `expires_at`.

    `version` is what it is bound to: whoever opens it compares that with how things are by then.
    """

    purpose: str
    subject: str
    version: str
    expires_at: datetime
    customer_id: str | None = None


def issue(session: Session, key: bytes, openings: Sequence[Opening], *, now: datetime) -> list[str]:
    """A new token for each opening; none is kept. `key` is the installation's secret."""
    if not openings:
        return []
    key_id = _newest_key(session, now=now)
    made = [_made(key, key_id, opening, now=now) for opening in openings]
    session.execute(sa.insert(Link), [row.model_dump(exclude={"id"}) for _, row in made])
    return [token for token, _ in made]


def _made(key: bytes, key_id: int, opening: Opening, *, now: datetime) -> tuple[str, Link]:
    """A new token and the row that keeps what it opens."""
    head = key_id.to_bytes(_KEY_BYTES, "big") + secrets.token_bytes(_RANDOM_BYTES)
    row = Link(
        hash=_hash(head),
        seal="",
        key_id=key_id,
        purpose=opening.purpose,
        subject_id=opening.subject,
        customer_id=opening.customer_id,
        subject_version=opening.version,
        issued_at=now,
        expires_at=opening.expires_at,
    )
    row.seal = _seal(key, head, row)
    return base64.urlsafe_b64encode(head + _mac(key, head, opening.purpose)).decode(), row


def for_visit(
    session: Session,
    key: bytes,
    visit: Visit,
    *,
    now: datetime,
    end_at: datetime | None = None,
) -> str:
    """A token for the visit's customer, bound to its appointment, until 72 h after its end.

    The end is what happened, is planned or is promised, else `end_at`, else now.
    """
    return for_visits(session, key, [(visit, end_at)], now=now)[0]


def for_visits(
    session: Session, key: bytes, ends: Sequence[tuple[Visit, datetime | None]], *, now: datetime
) -> list[str]:
    """A token for the customer of each visit, given with its `end_at`, as `for_visit` makes it."""
    if not ends:
        return []
    customers = _customers_of(session, {visit.id for visit, _ in ends})
    versions = appointments_of(session, customers)
    openings = [
        Opening(
            VISIT, visit.id, versions[visit.id], end_of(visit, now=now, else_at=end_at),
            customers[visit.id].id,
        )
        for visit, end_at in ends
    ]  # fmt: skip
    return issue(session, key, openings, now=now)


def for_choices(
    session: Session, key: bytes, customer_ids: Sequence[str], *, now: datetime
) -> list[str]:
    """A token for each customer that opens nothing but the choice of which messages they want."""
    openings = [Opening(CHOICES, each, "", now + CHOICES_FOR, each) for each in customer_ids]
    return issue(session, key, openings, now=now)


def for_namings(
    session: Session, key: bytes, named: Sequence[tuple[str, str]], *, now: datetime
) -> list[str]:
    """A token for each customer and the email address of whom they named: it opens nothing but the end of that."""
    openings = [
        Opening(NAMING, customer_id, naming_of(email), now + CHOICES_FOR, customer_id)
        for customer_id, email in named
    ]
    return issue(session, key, openings, now=now)


def naming_of(email: str) -> str:
    """What the links of whom somebody named are bound to: another address is another naming."""
    return hashlib.sha256(email.strip().lower().encode()).hexdigest()[:32]


def for_request(session: Session, key: bytes, request: Request, *, now: datetime) -> str:
    """A token for whoever made the request: what becomes of it can be followed for half a year."""
    return for_requests(session, key, [request], now=now)[0]


def for_requests(
    session: Session, key: bytes, requests: Sequence[Request], *, now: datetime
) -> list[str]:
    """A token for each request, as `for_request` makes it."""
    openings = [
        Opening(REQUEST, each.id, "1", now + FOLLOWED_FOR, each.customer_id) for each in requests
    ]
    return issue(session, key, openings, now=now)


def _customers_of(session: Session, visit_ids: Collection[str]) -> dict[str, Customer]:
    statement = (
        select(Visit.id, Customer)
        .join(WorkOrder, col(WorkOrder.id) == col(Visit.work_order_id))
        .join(Customer, col(Customer.id) == col(WorkOrder.customer_id))
        .where(col(Visit.id).in_(visit_ids))
    )
    return dict(session.exec(statement).all())


def end_of(visit: Visit, *, now: datetime, else_at: datetime | None = None) -> datetime:
    """Until when links to the visit open it, as its times are now."""
    over = visit.finished_at or visit.planned_end_at
    ends = [moment for moment in (over, visit.window_end_at) if moment] or [else_at or now]
    return max(*ends, now) + VALID_AFTER_END


def read(session: Session, key: bytes, token: str, *, purpose: str, now: datetime) -> Link:
    """The link that the token is; changes nothing.

    Raises LinkInvalid when any character was changed or the purpose is another, and LinkExpired when it has ended
    or was taken back. Whether its version is still that of its subject is the caller's to see.
    """
    refusal = LinkInvalid("This link is not valid. Open it exactly as it stands in the message.")
    raw = _decoded(token)
    if raw is None:
        raise refusal
    head, given = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
    if not hmac.compare_digest(_mac(key, head, purpose), given):
        raise refusal
    found = session.execute(
        sa.select(Link, col(LinkKey.retired_at))
        .join(LinkKey, col(LinkKey.id) == col(Link.key_id))
        .where(col(Link.hash) == _hash(head))
    ).first()
    if found is None:
        raise ended()  # it was good once, and has been forgotten
    row: Link = found[0]
    retired_at: datetime | None = found[1]
    if row.purpose != purpose or not hmac.compare_digest(_seal(key, head, row), row.seal):
        raise refusal
    if row.revoked_at is not None or retired_at is not None:
        raise ended()
    if now >= row.expires_at:
        raise ended(expired_at=row.expires_at.isoformat())
    return row


def rebind(
    session: Session, key: bytes, token: str, link: Link, *, version: str, expires_at: datetime
) -> None:
    """Let the link through which its holder changed the appointment go on with the new one; all others end."""
    raw = base64.urlsafe_b64decode(token)
    link.subject_version, link.expires_at = version, max(link.expires_at, expires_at)
    link.seal = _seal(key, raw[:-_MAC_BYTES], link)
    session.add(link)
    session.flush()


def ended(**details: str) -> LinkExpired:
    """The refusal of a link that was good once."""
    return LinkExpired(
        "This link has ended. A newer message may hold a newer one; else please call us.", **details
    )


def _decoded(token: str) -> bytes | None:
    """The 36 bytes of a token, without a spare bit that could be written in another way; None for another text."""
    if len(token) != LENGTH or not token.isascii():
        return None
    if not token.replace("-", "").replace("_", "").isalnum():
        return None
    return base64.urlsafe_b64decode(token)


def _hash(head: bytes) -> str:
    return hashlib.sha256(head).hexdigest()


def _mac(key: bytes, head: bytes, purpose: str) -> bytes:
    return hmac.digest(_key(key, head), head + purpose.encode(), "sha256")[:_MAC_BYTES]


def _seal(key: bytes, head: bytes, row: Link) -> str:
    expires = round(row.expires_at.timestamp() * 1000)
    facts = [row.purpose, row.subject_id, row.customer_id, row.subject_version, expires]
    return hmac.digest(_key(key, head), head + json.dumps(facts).encode(), "sha256").hex()


def _key(key: bytes, head: bytes) -> bytes:
    return hmac.digest(key, b"gridcrew.link:" + head[:_KEY_BYTES], "sha256")


def _newest_key(session: Session, *, now: datetime) -> int:
    statement = select(LinkKey.id).where(col(LinkKey.retired_at).is_(None))
    found = session.exec(statement.order_by(col(LinkKey.id).desc()).limit(1)).first()
    if found is not None:
        return found
    made = LinkKey(created_at=now)
    session.add(made)
    session.flush()
    assert made.id is not None, "a key that was written has a number"
    return made.id
