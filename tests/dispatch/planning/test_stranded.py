"""What nobody will end is ended, with its reason, and stands in no other one's way."""

from sqlmodel import Session, select

from dispatch.core.tables import Task, TaskState
from dispatch.planning import looking, plans
from dispatch.planning.stranded import give_up_stranded, stranded
from dispatch.planning.tables import OutlookStatus, PlanStatus, Run, RunOutcome
from tests.builders.planning import crew_on, job, request
from tests.builders.registry import DISPATCHER
from tests.instants import DAY, NOW


def bury(session: Session) -> None:
    for task in session.exec(select(Task)):
        task.state = TaskState.DEAD
    session.flush()


def test_a_plan_whose_workers_died_is_closed_and_says_why(session: Session) -> None:
    crew_on(session, "C1")
    job(session)
    plan = request(session)
    plans.take(session, plan_id=plan.id or 0, now=NOW)
    assert stranded(session) == ([], [])
    bury(session)

    assert give_up_stranded(session, now=NOW) == 1

    assert plan.status is PlanStatus.CLOSED
    assert "its task gave up" in plan.error
    assert session.exec(select(Run)).one().outcome is RunOutcome.VANISHED
    assert give_up_stranded(session, now=NOW) == 0


def test_a_look_ahead_whose_workers_died_makes_room_for_another(session: Session) -> None:
    crew_on(session, "C1")
    job(session)
    first = looking.ask(session, territory_id="humen", days=1, first=DAY, actor=DISPATCHER, now=NOW)
    bury(session)

    assert give_up_stranded(session, now=NOW) == 1

    assert first.status is OutlookStatus.FAILED
    looking.ask(session, territory_id="humen", days=1, first=DAY, actor=DISPATCHER, now=NOW)
