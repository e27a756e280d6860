"""Customers' links as the office sees them: never the token, which is not kept."""

from datetime import datetime

from api.schemas.forms import Output


class NewLinkOut(Output):
    """A link that was just made: the only time that its address is told."""

    id: int
    url: str
    expires_at: datetime


class LinkOut(Output):
    """A link to the visit or request `subject_id`, and when it ended before its time, if it did."""

    id: int
    key_id: int
    purpose: str
    subject_id: str
    customer_id: str | None
    issued_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


class LinkKeyOut(Output):
    """A key that links are made with."""

    id: int
    created_at: datetime
    retired_at: datetime | None


class RevokedOut(Output):
    """How many links were taken back."""

    revoked: int
