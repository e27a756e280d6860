"""What one app holds while it runs."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from api.feed import Feed
from api.limits import TryLimit
from api.metrics import Metrics
from api.repeats import Turns
from dispatch.core.config import Settings
from dispatch.core.db import Database
from dispatch.planning.engine import Engine

_REMEMBERED = 10_000


@dataclass
class State:
    """What the app was made with, and what it remembers between requests."""

    settings: Settings
    database: Database
    clock: Callable[[], datetime]
    engine: Engine
    metrics: Metrics = field(default_factory=Metrics)
    tries: TryLimit = field(default_factory=TryLimit)
    reports: TryLimit = field(default_factory=lambda: TryLimit(per_minute=6, per_hour=30))
    reports_of_phone: TryLimit = field(default_factory=lambda: TryLimit(per_minute=3, per_hour=8))
    follows: TryLimit = field(default_factory=lambda: TryLimit(per_minute=6, per_hour=30))
    follows_of: TryLimit = field(default_factory=lambda: TryLimit(per_minute=4, per_hour=12))
    noted: "OrderedDict[str, datetime]" = field(default_factory=OrderedDict)
    turns: Turns = field(default_factory=Turns)
    feed: Feed = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Nobody listens yet."""
        self.feed = Feed(self.database, self.settings)

    def note(self, mark: str, moment: datetime) -> None:
        """Remember when a session was last seen, so that reads need no write more than once a minute."""
        with self._lock:
            self.noted[mark] = moment
            self.noted.move_to_end(mark)
            while len(self.noted) > _REMEMBERED:
                self.noted.popitem(last=False)
