"""What a customer sees of a visit."""

from datetime import datetime
from typing import Literal

from api.schemas.forms import Output


class CustomerVisitOut(Output):
    """One visit in the customer's language; `promised` says whether the window binds us."""

    number: str
    language: str
    status: Literal[
        "scheduling", "scheduled", "on_the_way", "there", "done", "not_done", "cancelled"
    ]
    purpose: str
    company: str
    address: str
    zone: str
    window_start_at: datetime | None
    window_end_at: datetime | None
    promised: bool
    crew: str | None
    check_number: str | None
    done_code: str | None
    finished_at: datetime | None
