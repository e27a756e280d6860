"""What a customer sees of a visit, what a provider is answered, and what is handed over on paper."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from api.schemas.forms import Input, Output
from dispatch.contact.callbacks import Outcome


class CustomerVisitOut(Output):
    """One visit in the customer's language.

    `promised` says whether the window binds us, `may` what the link's page lets the customer do now.
    """

    number: str
    language: str
    status: Literal[
        "scheduling", "scheduled", "on_the_way", "there", "done", "not_done", "cancelled", "called_off", "put_off"
    ]  # fmt: skip
    purpose: str
    company: str
    address: str
    zone: str
    window_start_at: datetime | None
    window_end_at: datetime | None
    promised: bool
    confirmed: bool
    crew: str | None
    check_number: str | None
    done_code: str | None
    finished_at: datetime | None
    outcome: str
    may: list[Literal["confirm", "choose", "cancel", "uncancel", "note", "call"]]


class CallbackOut(Output):
    """What came of each event of a callback, in their order."""

    outcomes: list[Outcome]


class NoticeOut(Output):
    """A notice to hand over."""

    message_id: int
    name: str = Field(description="the customer's name")
    address: str
    subject: str


class HandedOver(Input):
    """The notices that hang at their doors."""

    message_ids: Annotated[list[int], Field(min_length=1, max_length=400)]


class HandedOverOut(Output):
    """How many were handed over."""

    handed_over: int
