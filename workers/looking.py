"""The task outlook.look: the problem of the days ahead, a process that solves it, what it found as a row."""

from typing import Any

import structlog

from dispatch.core.db import transaction
from dispatch.planning import looking
from dispatch.planning.answers import BrokenAnswer, judged
from dispatch.planning.outlook import told
from dispatch.planning.problem import Built
from optimizer.codec import write_problem
from workers.execution import Interrupted, Work
from workers.roads import fill
from workers.solver import SolverFailed
from workers.watching import Watch, one_at_a_time, searched

logger = structlog.get_logger(__name__)


def look_ahead(work: Work) -> None:
    """Make one look at the days ahead. A person's stop or a stopping worker ends the search early.

    Raises Postponed while another search goes on on this machine, and Interrupted when the worker stops.
    """
    outlook_id = int(work.payload["outlook_id"])
    with one_at_a_time(work):
        with work.database.reading() as session:
            territory_id = looking.RUNS.get(session, outlook_id).territory_id
            now = work.clock(session)
        fill(work.database, work.settings, territory_id, now=now, should_stop=work.should_stop)
        with transaction(work.database) as session:
            built = looking.take(session, outlook_id=outlook_id, now=work.clock(session))
            if built is None:
                work.finish(session)
                return
            options = dict(looking.RUNS.get(session, outlook_id).options)
        _search(work, outlook_id, built, options)


def _search(work: Work, outlook_id: int, built: Built, options: dict[str, Any]) -> None:
    watch = Watch(
        work,
        goes_on=lambda session: looking.RUNS.goes_on(session, outlook_id),
        store=lambda session, progress: looking.RUNS.record_progress(
            session, outlook_id, progress=progress
        ),
    )
    failure: SolverFailed | BrokenAnswer | None = None
    try:
        answer = searched(work, write_problem(built.problem), options, watch)
        found = told(built, judged(built.problem, answer))
    except (SolverFailed, BrokenAnswer) as error:
        logger.exception("outlook.failed", outlook=outlook_id)
        failure = error
    with transaction(work.database) as session:
        work.hold(session)
        now = work.clock(session)
        stopping = work.is_cut_short()
        if stopping:
            # A search cut short because this worker stops is no answer: it begins anew elsewhere.
            looking.give_back(session, outlook_id=outlook_id, now=now)
        elif failure is not None:
            looking.fail(session, outlook_id=outlook_id, error=failure.message, now=now)
        else:
            looking.answer(session, outlook_id=outlook_id, found=found, now=now)
        if not stopping:
            work.finish(session)
    if stopping:
        raise Interrupted
