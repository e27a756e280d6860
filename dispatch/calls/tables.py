"""Calls to customers: who is making one now, and what came of each attempt."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from dispatch.core.db import Row, choice, document, instant


class CallOutcome(StrEnum):
    """What came of one attempt to call."""

    REACHED = "reached"
    NO_ANSWER = "no_answer"
    CALL_BACK = "call_back"
    REFUSED = "refused"
    WRONG_NUMBER = "wrong_number"


class CallAttempt(Row, table=True):
    """One attempt to reach a customer by telephone about a work order.

    `again_at` is when to try again; `requests` and `order_id`, the visit's, are what it brought about.
    """

    __table_args__ = (sa.Index("ix_call_attempt_customer", "customer_id", "made_at"),)

    id: int | None = Field(default=None, primary_key=True)
    work_order_id: str = Field(foreign_key="work_order.id", max_length=32, index=True)
    customer_id: str = Field(foreign_key="customer.id", max_length=32)
    made_by: str = Field(max_length=64)
    made_at: datetime = instant()
    outcome: CallOutcome = choice(CallOutcome)
    answers: dict[str, Any] = document()
    note: str = Field(default="", max_length=500)
    again_at: datetime | None = instant(nullable=True)
    requests: list[str] = document(list)
    order_id: str | None = Field(default=None, max_length=32)


class CallClaim(Row, table=True):
    """Who is calling about a work order now; nobody else is given the call until `expires_at`."""

    work_order_id: str = Field(primary_key=True, foreign_key="work_order.id", max_length=32)
    caller_id: str = Field(max_length=64)
    expires_at: datetime = instant()
