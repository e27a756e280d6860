"""The task plan.solve: the problem out of one transaction, a process that solves it, its answer into another."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import structlog

from dispatch.core.crash import crashpoint
from dispatch.core.db import transaction
from dispatch.core.errors import DispatchError
from dispatch.planning import plans
from dispatch.planning.options import DEFAULT_ENGINE
from dispatch.planning.tables import PlanStatus
from optimizer.codec import read_plan, read_problem, write_plan
from optimizer.plan import Plan
from optimizer.problem import ProblemError
from optimizer.replan import concluded
from optimizer.standing import VisitUnknown
from workers.execution import Interrupted, Postponed, TransientFailure, Work
from workers.solver import SolverFailed, run_solver

logger = structlog.get_logger(__name__)

LOOK_EVERY_S = 1.0
"""How often a running solve's progress is stored, and whether it should go on is looked up."""
BUSY_PAUSE = timedelta(seconds=2)
UNLIMITED_S = 3600.0
"""Seconds for a solve that is limited by its iterations."""


def solve_plan(work: Work) -> None:
    """Solve one plan. A newer request, a dispatcher's stop or a stopping worker ends the search early.

    Raises Postponed while another plan is solved on this machine, Interrupted when the worker stops, and
    TransientFailure when the solver died and may be tried again.
    """
    plan_id = int(work.payload["plan_id"])
    with _one_at_a_time(work):
        with transaction(work.database) as session:
            taken = plans.take(session, plan_id=plan_id, now=work.clock(session))
            if taken is None:
                work.finish(session)
        if taken is not None:
            crashpoint("plan_solving")
            _run(work, taken)


def _run(work: Work, taken: plans.Taken) -> None:
    options, watch = taken.options, _Watch(work, taken.plan_id)
    default = UNLIMITED_S if "iterations" in options else work.settings.solve_seconds
    try:
        answer = run_solver(
            work.settings,
            taken.document,
            seconds=float(options.get("seconds", default)),
            iterations=options.get("iterations"),
            seed=int(options.get("seed", 0)),
            engine=str(options.get("engine", DEFAULT_ENGINE)),
            workers=int(options.get("workers", work.settings.solve_workers)),
            on_progress=watch.note,
            should_stop=watch.should_stop,
        )
    except SolverFailed as failure:
        _give_back_if_stopping(work, taken.plan_id)
        _record_failure(work, taken.plan_id, failure)
        return
    _give_back_if_stopping(work, taken.plan_id)
    answer = calmed(taken.document, answer)
    crashpoint("plan_solved")
    with transaction(work.database) as session:
        work.hold(session)
        plan = plans.propose(session, plan_id=taken.plan_id, answer=answer, now=work.clock(session))
        again = plan.status is PlanStatus.DRAFT
        if not again:
            work.finish(session)
    if again:
        raise TransientFailure(plan.error)


def calmed(document: str, answer: str) -> str:
    """The answer without moves away from the plan in force that do not pay, and with whatever still pays.

    A search stops when its limit says so; the rest of a day under way should move nobody for nothing. An answer
    that is no plan is left as it is, for `propose` to refuse.
    """
    try:
        rest, found = read_problem(document), read_plan(answer)
        if rest.incumbent is None:
            return answer
        in_force = Plan(routes=(), unserved=(), cost=found.cost, search={})
        return write_plan(concluded(rest, in_force, found).plan)
    except (ProblemError, VisitUnknown):
        return answer


def _record_failure(work: Work, plan_id: int, failure: SolverFailed) -> None:
    refused = failure.details.get("how") == "refused"
    with transaction(work.database) as session:
        work.hold(session)
        now = work.clock(session)
        plan = plans.fail(session, plan_id=plan_id, error=failure.message, now=now, final=refused)
        again = plan.status is PlanStatus.DRAFT
        if not again:
            work.finish(session)
    logger.error("plan.failed", plan=plan_id, error=failure.message, again=again)
    if again:
        raise TransientFailure(failure.message)


def _give_back_if_stopping(work: Work, plan_id: int) -> None:
    """A search cut short because this worker stops is no answer to what was asked: it begins anew elsewhere."""
    if work.stopping.work.is_set() and not work.lost.is_set():
        with transaction(work.database) as session:
            work.hold(session)
            plans.give_back(session, plan_id=plan_id, now=work.clock(session))
        raise Interrupted


class _Watch:
    """Stores progress and looks whether to go on, at most once in `LOOK_EVERY_S` seconds."""

    def __init__(self, work: Work, plan_id: int) -> None:
        self._work = work
        self._plan_id = plan_id
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
            self._stop = not self._goes_on()
        return self._stop or self._work.should_stop()

    def _goes_on(self) -> bool:
        progress, self._progress = self._progress, None
        try:
            if progress is None:
                with self._work.database.reading() as session:
                    return plans.goes_on(session, plan_id=self._plan_id)
            with transaction(self._work.database) as session:
                now = self._work.clock(session)
                return plans.record_progress(
                    session, plan_id=self._plan_id, progress=progress, now=now
                )
        except DispatchError as error:  # progress is a courtesy: the search goes on without it
            logger.warning("plan.progress_not_stored", plan=self._plan_id, code=error.code)
            return True


@contextmanager
def _one_at_a_time(work: Work) -> Iterator[None]:
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
