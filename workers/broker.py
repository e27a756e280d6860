"""The broker: dramatiq over Redis, used as a doorbell. A message carries a task's number and nothing else."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

import dramatiq
import redis
import structlog
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker

from dispatch.core.config import Settings
from dispatch.core.crash import crashpoint
from dispatch.core.tasks import QUEUES
from workers.redis_server import connect

logger = structlog.get_logger(__name__)

AnyBroker = TypeVar("AnyBroker", bound=dramatiq.Broker)

RING_PATIENCE = 0.4
"""Seconds that one call to Redis may take while somebody waits for a commit's answer."""
RING_BUDGET = 0.5
"""Seconds after which the rest of a commit's rings are left to the sweeper."""
SWEEP_BUDGET = 5.0
"""Seconds that one round of the sweeper rings at most; nobody waits for it."""
SILENCE = 2.0
"""Seconds without a further try after Redis did not answer."""
WORK_PATIENCE = 5.0
"""Seconds that a worker waits for one answer of Redis."""

_MAINTENANCE_CHANCE = 50_000
"""Commands in a million that look for dead workers' messages; the default of 1,000 takes minutes."""
_HEARTBEAT_TIMEOUT_MS = 20_000


def make_broker(settings: Settings, *, patience: float = RING_PATIENCE) -> RedisBroker:
    """The broker of this installation; it connects when first used.

    It has no middleware: retries and delays live in the task table, because a delayed message that a live
    worker holds is lost from view when Redis restarts.
    """
    broker = RedisBroker(  # type: ignore[no-untyped-call]
        client=connect(settings.redis, patience=patience),
        middleware=[],
        namespace="gridcrew",
        maintenance_chance=_MAINTENANCE_CHANCE,
        heartbeat_timeout=_HEARTBEAT_TIMEOUT_MS,
    )
    return _with_queues(broker)


def make_stub_broker() -> StubBroker:
    """A broker in this process's memory, for tests."""
    return _with_queues(StubBroker(middleware=[]))


def _with_queues(broker: AnyBroker) -> AnyBroker:
    for queue in QUEUES:
        broker.declare_queue(queue)
    return broker


def actor_of(queue: str) -> str:
    """The name of the actor that serves a queue."""
    return f"run_{queue}"


def bell(
    broker: dramatiq.Broker,
    *,
    budget: float = RING_BUDGET,
    monotonic: Callable[[], float] = time.monotonic,
) -> "Doorbell":
    """What `Database` rings after a commit: it never raises and returns soon after `budget` seconds."""
    return Doorbell(broker, budget, monotonic)


class Doorbell:
    """Rings for tasks. While Redis is away it keeps silent for `SILENCE` seconds after each failure."""

    def __init__(
        self, broker: dramatiq.Broker, budget: float, monotonic: Callable[[], float]
    ) -> None:
        self._broker = broker
        self._budget = budget
        self._monotonic = monotonic
        self._silent_until = 0.0
        self._lock = threading.Lock()

    def __call__(self, rings: list[tuple[str, int]]) -> None:
        """Ring for each (queue, task id); what cannot be rung now is found by the sweeper."""
        self.ring(rings)

    def ring(self, rings: list[tuple[str, int]]) -> int:
        """Ring for each (queue, task id), in order; for how many of them it rang before it had to stop."""
        began = self._monotonic()
        if began < self._silent_until:
            return 0
        for number, (queue, task_id) in enumerate(rings):
            if self._monotonic() - began > self._budget:
                logger.info("bell.slow", left_to_sweeper=len(rings) - number)
                return number
            try:
                if number:
                    crashpoint("between_rings")
                self._broker.enqueue(dramatiq.Message(queue, actor_of(queue), (task_id,), {}, {}))
            except (redis.RedisError, OSError) as error:
                with self._lock:
                    self._silent_until = self._monotonic() + SILENCE
                logger.warning("bell.away", left_to_sweeper=len(rings) - number, error=str(error))
                return number
        return len(rings)


def waiting(broker: dramatiq.Broker, queue: str) -> int:
    """How many rings wait in a queue; raises redis.RedisError when Redis is away."""
    if isinstance(broker, RedisBroker):
        return int(broker.client.llen(f"{broker.namespace}:{queue}"))
    return int(broker.queues[queue].qsize())
