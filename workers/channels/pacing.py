"""How fast a channel is used, and when it is left alone: a token bucket, and a circuit breaker."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import redis
import structlog

logger = structlog.get_logger(__name__)

FAILURES = 5
"""So many failures one after the other open the breaker."""
REST_S = 30.0
LONGEST_REST_S = 300.0
PROBE_S = 25.0
"""So long the one sending may take that tries whether the provider is back."""
PATIENCE_S = 2.0
"""Seconds that a sending may wait for its turn in its thread; a longer wait is the task's."""
WITHOUT_REDIS_S = 5.0

# The bucket as one number, the moment at which it is full again (GCRA): each sending moves it on by its interval,
# and waits for as long as that is further ahead than one second's worth of sendings.
_TAKE = """
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local interval, patience, burst = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
local wait = full - burst - now
if wait <= patience then
    local kept = math.ceil((full + interval - now + 60) * 1000)
    redis.call('SET', KEYS[1], string.format('%.6f', full + interval), 'PX', kept)
end
return string.format('%.6f', math.max(wait, 0))
"""


@dataclass(slots=True)
class Bucket:
    """At most `per_second` sendings over a channel, counted by all processes together in Redis.

    While Redis is away each process counts for itself.
    """

    name: str
    per_second: float
    client: "redis.Redis | None" = None
    monotonic: Callable[[], float] = time.monotonic
    _full: float = 0.0
    _alone_until: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, *, patience: float = PATIENCE_S) -> float:
        """Seconds to wait for the turn that was taken; above `patience` none was taken, ask again then."""
        if not self.per_second:
            return 0.0
        interval, burst = 1.0 / self.per_second, 1.0
        if self.client is not None and self.monotonic() >= self._alone_until:
            try:
                key = f"gridcrew:pace:{self.name}"
                return float(self.client.eval(_TAKE, 1, key, interval, patience, burst))
            except (redis.RedisError, OSError) as error:
                self._alone_until = self.monotonic() + WITHOUT_REDIS_S
                logger.warning("pace.alone", channel=self.name, error=str(error))
        with self._lock:
            now = self.monotonic()
            full = max(self._full, now)
            wait = full - burst - now
            if wait <= patience:
                self._full = full + interval
            return max(wait, 0.0)


@dataclass(slots=True)
class Breaker:
    """Leaves a provider alone that fails again and again, and lets one sending try it when the rest is over."""

    failures: int = FAILURES
    rest_s: float = REST_S
    monotonic: Callable[[], float] = time.monotonic
    _failed: int = 0
    _closed_at: float = 0.0
    _rest: float = 0.0
    _probe_until: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self) -> float:
        """Seconds to leave the provider alone; 0: send, and tell by the other three how it went."""
        with self._lock:
            now = self.monotonic()
            left = max(self._closed_at, self._probe_until) - now
            if left > 0:
                return left
            if self._rest:  # one goes ahead; the others wait for what becomes of it
                self._probe_until = now + PROBE_S
            return 0.0

    def worked(self) -> None:
        """The provider gave an answer, be it a refusal: it is there."""
        with self._lock:
            self._failed, self._rest, self._probe_until = 0, 0.0, 0.0

    def broke(self) -> bool:
        """The provider failed; whether it is left alone now."""
        with self._lock:
            self._failed += 1
            now = self.monotonic()
            if self._failed < self.failures or now < self._closed_at:
                return False
            self._rest = min(max(self._rest * 2, self.rest_s), LONGEST_REST_S)
            self._closed_at, self._probe_until = now + self._rest, 0.0
            return True

    def asked_to_wait(self, seconds: float) -> None:
        """The provider asked to be left alone for so long."""
        with self._lock:
            self._probe_until = 0.0
            self._closed_at = max(self._closed_at, self.monotonic() + seconds)


@dataclass(frozen=True, slots=True)
class Pace:
    """Both, for one channel."""

    bucket: Bucket
    breaker: Breaker

    def wait(self, *, urgent: bool) -> float:
        """Wait for the turn to send; the seconds after which to ask again when that would take too long.

        Who is `urgent` waits for nobody's turn, but no more than others for a provider that is away.
        """
        rest = self.breaker.wait()
        if rest or urgent:
            return rest
        turn = self.bucket.take()
        if turn > PATIENCE_S:
            return turn
        if turn:
            time.sleep(turn)
        return 0.0
