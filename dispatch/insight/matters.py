"""What a matter is that needs a person, and the list in which each stands once."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Kind = Literal[
    "check_in_missed", "not_moving", "not_started", "late", "risk", "not_on_duty", "not_set_out", "shift_end",
    "clock", "low_score", "conflict", "customer", "message", "alert",
]  # fmt: skip
Action = Literal[
    "call_crew", "move_visit", "plan_visit", "answer_request", "make_call", "call_customer", "look_at_visit",
    "plan_day", "see_to_messages", "requeue_tasks", "see_administrator",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Item:
    """One matter: `about` is the time that matters (a limit, an expected begin), `since` is when it began to.

    `kind`: `check_in_missed` by who works alone, `not_moving` on the way, `not_started` at the place, `late` and
    `risk` of a promise or deadline, `not_on_duty`, `not_set_out`, work left at a `shift_end` (`count` visits), a
    `clock` about to break or broken, a `low_score` that nobody has answered, a `conflict` of a crew's queued
    action, a `customer` who called the visit off, asks to be called, or waits in a promised window for nobody and
    is not told, a `message` that did not arrive or as many of one `template` as `count` says, an `alert` of the
    installation. `code` says more: what kind of clock, what score, why it was refused, what became of the message,
    the alert.
    """

    kind: Kind
    action: Action
    is_urgent: bool
    visit_id: str | None = None
    work_order_id: str | None = None
    request_id: str | None = None
    crew_id: str | None = None
    message_id: int | None = None
    template: str = ""
    code: str = ""
    text: str = ""
    count: int = 1
    about: datetime | None = None
    since: datetime | None = None


@dataclass
class Matters:
    """The items found so far, and what they are about."""

    items: list[Item] = field(default_factory=list)
    visits: set[str] = field(default_factory=set)
    orders: set[str] = field(default_factory=set)
    requests: set[str] = field(default_factory=set)
    crews: set[str] = field(default_factory=set)

    def add(self, item: Item) -> None:
        """Add a matter, unless its visit is listed for something worse."""
        if item.visit_id is not None and item.visit_id in self.visits:
            return
        self.items.append(item)
        if item.visit_id is not None:
            self.visits.add(item.visit_id)
        if item.work_order_id is not None:
            self.orders.add(item.work_order_id)
        if item.request_id is not None:
            self.requests.add(item.request_id)
