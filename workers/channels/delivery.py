"""What a way out is: it takes a message, refuses it, or leaves its fate unclear; and what it can do about doubt."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from dispatch.contact.messages import Outgoing, Recovery


@dataclass(frozen=True, slots=True)
class Accepted:
    """The other side has taken responsibility; `provider_id` is its number of the message, empty: it has none."""

    provider_id: str = ""


class Refused(Exception):
    """The other side did not take the message. `final`: it never will; else it is worth a later try.

    `retry_after` is after how many seconds it asked to be tried again; such a try does not count as failed.
    `away`: it was not there, or said that it is not; who is away for all is left alone for a while.
    """

    def __init__(
        self, reason: str, *, final: bool, retry_after: float | None = None, away: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.final = final
        self.retry_after = retry_after
        self.away = away


class Unclear(Exception):
    """The connection broke after the message was handed over and before the answer: it may be out."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A way out. `provider` names who is behind it, as in the addresses of its callbacks.

    `send` hands one message over and raises Refused or Unclear. `keys_last` is for how long the provider takes the
    same `Outgoing.key` again without sending a second message. `look_up` asks it whether it has a message; None: it
    has not. `per_second` limits how many are handed over, 0 does not.
    """

    provider: str
    send: Callable[[Outgoing], Accepted]
    keys_last: timedelta = timedelta(0)
    look_up: Callable[[Outgoing], Accepted | None] | None = None
    per_second: float = 0.0

    @property
    def recovery(self) -> Recovery:
        """What may be done about a message whose last sending has no known end."""
        return Recovery(keys_last=self.keys_last, can_look_up=self.look_up is not None)
