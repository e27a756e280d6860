"""What a customer sees of a visit, and what a provider is answered."""

from datetime import datetime
from typing import Literal

from api.schemas.forms import Output
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
