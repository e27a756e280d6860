"""How often one address may try to sign in or report something. Kept in this process: Redis may be away."""

import threading
from collections import OrderedDict
from datetime import datetime, timedelta

from api.problems import TooManyTries

PER_MINUTE = 10
PER_HOUR = 60
_REMEMBERED = 10_000


class TryLimit:
    """Counts tries per address in whole minutes and hours; a good sign-in does not clear the count."""

    def __init__(self, *, per_minute: int = PER_MINUTE, per_hour: int = PER_HOUR) -> None:
        self._limits = ((60, per_minute), (3600, per_hour))
        self._counts: OrderedDict[tuple[str, int, int], int] = OrderedDict()
        self._lock = threading.Lock()

    def count(self, address: str, *, now: datetime) -> None:
        """Note one try; raises TooManyTries when the address has none left."""
        moment = int(now.timestamp())
        with self._lock:
            for span, allowed in self._limits:
                key = (address, span, moment // span)
                self._counts[key] = self._counts.get(key, 0) + 1
                self._counts.move_to_end(key)
                if self._counts[key] > allowed:
                    wait = span - moment % span
                    until = now + timedelta(seconds=wait)
                    raise TooManyTries(
                        f"Too many tries from here; try again in {wait} seconds.",
                        retry_after=wait,
                        until=until.isoformat(),
                    )
            while len(self._counts) > _REMEMBERED:
                self._counts.popitem(last=False)
