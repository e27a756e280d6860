"""What may be done with a message whose sending has no known end."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatch.contact.outgoing import Outgoing


@dataclass(frozen=True, slots=True)
class InDoubt:
    """The last sending has no known end: ask the provider whether it has the message, and send it if not."""

    outgoing: Outgoing


@dataclass(frozen=True, slots=True)
class Recovery:
    """What the provider makes possible when a sending has no known end.

    `keys_last`: for how long it takes the same key again without sending twice. `can_look_up`: it can be asked
    first. With neither the message's class decides.
    """

    keys_last: timedelta = timedelta(0)
    can_look_up: bool = False

    def covers(self, begun_at: datetime | None, now: datetime) -> bool:
        """Whether a message that was first handed over at `begun_at` can still go on without arriving twice."""
        return self.can_look_up or begun_at is None or now - begun_at < self.keys_last


BY_CLASS = Recovery()
