"""dramatiq's actors: one for each queue, a few lines each. What they run is in the task table."""

from collections.abc import Callable, Iterable

import dramatiq
import structlog

from dispatch.core.errors import DispatchError
from workers.broker import actor_of

logger = structlog.get_logger(__name__)


def declare(broker: dramatiq.Broker, queues: Iterable[str], run: Callable[[int], object]) -> None:
    """Have `broker` call `run` with the task's number for every ring of these queues."""

    def rung(task_id: int) -> None:
        try:
            run(task_id)
        except DispatchError as refusal:  # the database is away; the sweeper rings again
            logger.warning("task.left", task=task_id, code=refusal.code)

    for queue in queues:
        dramatiq.actor(actor_name=actor_of(queue), queue_name=queue, broker=broker)(rung)
