"""What long searches share: one at a time on a machine, watched, stopped when nobody wants them any more."""

import fcntl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import structlog
from sqlmodel import Session

from dispatch.core.db import transaction
from dispatch.core.errors import DispatchError
from dispatch.planning.options import completed
from workers.execution import Postponed, Work
from workers.solver import run_solver

logger = structlog.get_logger(__name__)

LOOK_EVERY_S = 1.0
"""How often a running search's progress is stored, and whether it should go on is looked up."""
BUSY_PAUSE = timedelta(seconds=2)


class Watch:
    """Stores progress and looks whether to go on, at most once in `LOOK_EVERY_S` seconds."""

    def __init__(
        self,
        work: Work,
        *,
        goes_on: Callable[[Session], bool],
        store: Callable[[Session, Mapping[str, Any]], object],
    ) -> None:
        self._work = work
        self._goes_on = goes_on
        self._store = store
        self._progress: dict[str, Any] | None = None
        self._next = 0.0
        self._stop = False

    def note(self, progress: dict[str, Any]) -> None:
        """Keep the latest progress for the next look."""
        self._progress = progress

    def should_stop(self) -> bool:
        """Whether the search should end with the best it has."""
        if not self._stop and time.monotonic() >= self._next:
            self._next = time.monotonic() + LOOK_EVERY_S
            self._stop = not self._looks()
        return self._stop or self._work.should_stop()

    def _looks(self) -> bool:
        progress, self._progress = self._progress, None
        try:
            if progress is None:
                with self._work.database.reading() as session:
                    return self._goes_on(session)
            with transaction(self._work.database) as session:
                self._store(session, progress)
                return self._goes_on(session)
        except DispatchError as error:  # progress is a courtesy: the search goes on without it
            logger.warning(
                "search.progress_not_stored", task=self._work.lease.task_id, code=error.code
            )
            return True


def searched(work: Work, document: str, options: Mapping[str, Any], watch: Watch) -> str:
    """The plan that a solver's process makes of the problem within the run's options; raises SolverFailed."""
    settings = work.settings
    chosen = completed(options, seconds=settings.solve_seconds, workers=settings.solve_workers)
    return run_solver(
        settings,
        document,
        seconds=float(chosen["seconds"]),
        iterations=chosen.get("iterations"),
        seed=int(chosen["seed"]),
        engine=str(chosen["engine"]),
        workers=int(chosen["workers"]),
        bound_seconds=0.0 if chosen["engine"] == "naive" else settings.solve_bound_seconds,
        on_progress=watch.note,
        should_stop=watch.should_stop,
    )


@contextmanager
def one_at_a_time(work: Work) -> Iterator[None]:
    """Hold this machine's one place for a solve; raises Postponed when another process has it."""
    path = work.settings.data_dir / "solve.lock"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with work.database.reading() as session:
                now = work.clock(session)
            raise Postponed(now + BUSY_PAUSE) from None
        yield
