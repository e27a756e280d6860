"""What a channel may answer: nothing (it took the message), Refused, or Unclear."""

from collections.abc import Callable

from dispatch.contact.messages import Outgoing

Channel = Callable[[Outgoing], None]
"""Hands one message over; returns when the other side has taken responsibility for it."""


class Refused(Exception):
    """The other side did not take the message. `final`: it never will; else it is worth a later try."""

    def __init__(self, reason: str, *, final: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.final = final


class Unclear(Exception):
    """The connection broke after the message was handed over and before the answer: it may be out."""
