"""The task plan.solve: the problem out of one transaction, a process that solves it, its answer into another."""

import structlog

from dispatch.core.crash import crashpoint
from dispatch.core.db import transaction
from dispatch.planning import plans
from dispatch.planning.tables import PlanStatus
from optimizer.codec import read_plan, read_problem, write_plan
from optimizer.concluding import concluded
from optimizer.plan import Plan
from optimizer.problem import ProblemError
from optimizer.standing import VisitUnknown
from workers.execution import Interrupted, TransientFailure, Work
from workers.roads import fill
from workers.solver import SolverFailed
from workers.watching import Watch, one_at_a_time, searched

logger = structlog.get_logger(__name__)


def solve_plan(work: Work) -> None:
    """Solve one plan. A newer request, a dispatcher's stop or a stopping worker ends the search early.

    Raises Postponed while another plan is solved on this machine, Interrupted when the worker stops, and
    TransientFailure when the solver died and may be tried again.
    """
    plan_id = int(work.payload["plan_id"])
    with one_at_a_time(work):
        _learn_roads(work, plan_id)
        with transaction(work.database) as session:
            taken = plans.take(
                session,
                plan_id=plan_id,
                now=work.clock(session),
                seconds=work.settings.solve_seconds,
                workers=work.settings.solve_workers,
            )
            if taken is None:
                work.finish(session)
        if taken is not None:
            crashpoint("plan_solving")
            _run(work, taken)


def _learn_roads(work: Work, plan_id: int) -> None:
    """Ask for the driving times that are not known yet, for a minute at most; the plan is made with what is."""
    with work.database.reading() as session:
        territory_id, now = plans.get(session, plan_id).territory_id, work.clock(session)
    fill(work.database, work.settings, territory_id, now=now, should_stop=work.should_stop)


def _run(work: Work, taken: plans.Taken) -> None:
    watch = Watch(
        work,
        goes_on=lambda session: plans.goes_on(session, plan_id=taken.plan_id),
        store=lambda session, progress: plans.record_progress(
            session, plan_id=taken.plan_id, progress=progress, now=work.clock(session)
        ),
    )
    try:
        answer = searched(work, taken.document, taken.options, watch)
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
    crashpoint("plan_proposed")
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
    if work.is_cut_short():
        with transaction(work.database) as session:
            work.hold(session)
            plans.give_back(session, plan_id=plan_id, now=work.clock(session))
        raise Interrupted
