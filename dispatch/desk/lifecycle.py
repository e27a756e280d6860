"""The life cycle of a request. Its one writer is `requests.move`."""

from dispatch.core.lifecycle import Machine, move
from dispatch.desk.tables import RequestStatus

OFFICE = ("dispatcher", "admin")
DESK = ("intake", *OFFICE)
ANYONE = (*DESK, "customer", "system")

R = RequestStatus
NEW = (R.RECEIVED, R.REOPENED)
AT_THE_COUNTER = (*NEW, R.TRIAGED)
"""Somebody at the counter must act next."""
OPEN = (*AT_THE_COUNTER, R.IN_PROGRESS, R.WAITING_CUSTOMER, R.REFERRED)
SETTLED = (R.RESOLVED, R.CONFIRMED, R.CLOSED)

REQUESTS = Machine(
    "request",
    RequestStatus,
    [
        move("triage", NEW, R.TRIAGED, *DESK, "system"),
        move(
            "begin",
            [*AT_THE_COUNTER, R.WAITING_CUSTOMER, R.REFERRED],
            R.IN_PROGRESS,
            *DESK,
            "system",
        ),
        move("ask_customer", [*AT_THE_COUNTER, R.IN_PROGRESS], R.WAITING_CUSTOMER, *DESK),
        move("refer", [*AT_THE_COUNTER, R.IN_PROGRESS], R.REFERRED, *DESK),
        move("resolve", OPEN, R.RESOLVED, *DESK, "system"),
        move("confirm", [R.RESOLVED], R.CONFIRMED, *ANYONE),
        move("close", [R.RESOLVED, R.CONFIRMED], R.CLOSED, *DESK, "system"),
        move("reopen", SETTLED, R.REOPENED, *ANYONE),
        move("merge", OPEN, R.MERGED, *DESK, "system"),
        move("mark_duplicate", AT_THE_COUNTER, R.DUPLICATE, *DESK),
        move("reject", AT_THE_COUNTER, R.REJECTED, *DESK),
        move("cancel", OPEN, R.CANCELLED, *DESK, "customer"),
    ],
)
