"""From a request to a proposed plan: what waits, what dies, what comes too late."""

import json
from datetime import date, timedelta
from importlib.metadata import version
from typing import Any

import pytest
from sqlmodel import Session, col, select

from dispatch.core.db import Database, transaction
from dispatch.core.tables import Alert, Event, Task
from dispatch.planning import plans
from dispatch.planning.options import BadOption
from dispatch.planning.problem import BoardRefused
from dispatch.planning.states import DayOver
from dispatch.planning.tables import Assignment, LeftOut, Plan, PlanStatus, Run, RunOutcome
from dispatch.registry.territories import NoSuchTerritory
from dispatch.work.tables import Visit
from tests.builders.planning import (
    as_document,
    crew_on,
    job,
    left_out,
    proposed,
    request,
    solved,
    stops,
    visits_on,
)
from tests.builders.registry import DISPATCHER
from tests.builders.work import make_order
from tests.instants import DAY, NOW, at, minutes


def a_day(session: Session, count: int = 3) -> list[Visit]:
    """A crew and so many visits, ready to be planned."""
    crew_on(session, "C1")
    return [job(session, east=1 + k) for k in range(count)]


def take(session: Session, plan: Plan) -> plans.Taken:
    taken = plans.take(session, plan_id=plan.id or 0, now=NOW)
    assert taken is not None
    return taken


def alerts(session: Session) -> dict[str, int]:
    rows = session.exec(select(Alert).where(col(Alert.resolved_at).is_(None)))
    return {row.key: row.count for row in rows}


def test_a_request_is_a_draft_with_one_task(session: Session) -> None:
    a_day(session)

    plan = request(session, seconds=5, seed=7)

    (task,) = session.exec(select(Task).where(Task.kind == "plan.solve")).all()
    assert (plan.status, plan.number, plan.origin) == (PlanStatus.DRAFT, 1, "optimizer")
    assert task.payload == {"plan_id": plan.id}
    assert task.queue == "solve"
    assert plan.options == {"seconds": 5, "seed": 7}


def test_taking_a_plan_hands_out_its_problem_and_options(session: Session) -> None:
    visits = a_day(session)
    plan = request(session, seed=7)

    taken = take(session, plan)

    assert {v["id"] for v in as_document(taken.document)["visits"]} == {v.id for v in visits}
    assert taken.options["seed"] == 7
    assert (plan.status, plan.input_hash) == (PlanStatus.SOLVING, taken.input_hash)
    assert len(plan.board) == 64


def test_a_run_keeps_all_that_it_takes_to_repeat_it(session: Session) -> None:
    a_day(session)
    plan = request(session, seed=7)

    taken = plans.take(session, plan_id=plan.id or 0, now=NOW, seconds=30.0, workers=2)

    run = session.exec(select(Run)).one()
    assert taken is not None
    assert run.input_hash == taken.input_hash
    assert run.options == taken.options
    assert run.options == {"seconds": 30.0, "seed": 7, "engine": "search", "workers": 2}
    assert run.versions["ortools"] == version("ortools")
    assert set(run.versions) == {"gridcrew", "ortools", "numba", "numpy"}


def test_a_run_limited_by_its_iterations_has_time_for_them(session: Session) -> None:
    a_day(session)

    taken = take(session, request(session, iterations=400))

    assert taken.options["iterations"] == 400
    assert taken.options["seconds"] >= 3600


def test_an_answer_becomes_assignments_left_out_visits_and_figures(session: Session) -> None:
    visits = a_day(session)
    big = job(session, minutes=900)
    nowhere = job(session, located=False)

    plan = proposed(session)

    assert plan.status is PlanStatus.PROPOSED
    assert visits_on(session, plan) == sorted(v.id for v in visits)
    assert left_out(session, plan) == {big.id: "shift_hours"}
    assert [entry["visit_id"] for entry in plan.unplaceable] == [nowhere.id]
    first = session.exec(
        select(Assignment).where(Assignment.plan_id == plan.id, Assignment.position == 0)
    ).one()
    assert first.arrive_at == first.start_at == at("08:00") + timedelta(seconds=first.travel_s)
    assert first.travel_s > 60
    assert (first.end_at - first.start_at) == minutes(30)


def test_the_figures_say_what_a_dispatcher_compares(session: Session) -> None:
    crew_on(session, "C1", max_overtime_s=3600)
    due = job(session, due_at=at("09:00"))
    job(session, due_at=at("08:10"), minutes=10, east=-7)
    job(session, minutes=900)
    job(session, located=False)
    make_order(session, work_type="FU-TEL", earliest_day=DAY)

    figures = proposed(session, orders={"C1-20260310": [due.id]}).figures

    assert figures["visits"] == 1
    assert (
        figures["left_out"] == {"capacity": 1, "shift_hours": 1} or figures["left_out_total"] == 2
    )
    assert figures["unplaceable"] == {"no_position": 1}
    assert (figures["deadlines"], figures["deadlines_kept"]) == (2, 1)
    assert figures["travel_minutes"] == figures["travel_minutes_per_visit"] > 0
    assert figures["km"] > 2
    assert (figures["call_list"], figures["at_counters"]) == (1, 0)
    assert figures["naive"]["visits"] == 2
    assert figures["naive"]["cost"] < figures["cost"]
    assert json.loads(json.dumps(figures)) == figures


def test_every_ready_visit_is_on_the_plan_left_out_or_unplaceable(session: Session) -> None:
    visits = [*a_day(session, 4), job(session, minutes=900), job(session, located=False)]

    plan = proposed(session)

    on_plan = set(visits_on(session, plan))
    out, listed = set(left_out(session, plan)), {e["visit_id"] for e in plan.unplaceable}
    assert on_plan | out | listed == {visit.id for visit in visits}
    assert len(on_plan) + len(out) + len(listed) == len(visits)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda document: document["routes"][0]["stops"].pop(),
        lambda document: document["routes"][0]["stops"].reverse(),
        lambda document: document["cost"].update(total=1),
        lambda document: document["routes"][0].update(departs=0),
        lambda document: document.update(routes="none"),
        lambda document: document.clear(),
    ],
)
def test_a_broken_answer_is_refused_with_an_alert_and_nothing_of_it_is_stored(
    session: Session, spoil: Any
) -> None:
    a_day(session)
    plan = request(session)
    answer = as_document(solved(take(session, plan).document))
    spoil(answer)

    plans.propose(session, plan_id=plan.id or 0, answer=answer, now=NOW)

    assert plan.status is PlanStatus.DRAFT, "the task may try again"
    assert plan.error
    assert session.exec(select(Assignment)).all() == []
    assert session.exec(select(LeftOut)).all() == []
    assert alerts(session) == {"plan.broken_answer:humen": 1}
    assert [run.outcome for run in session.exec(select(Run))] == [RunOutcome.REFUSED]


def test_the_alert_of_a_broken_answer_says_what_the_rule_of_thumb_makes_of_the_board(
    session: Session,
) -> None:
    a_day(session, 4)
    plan = request(session)
    take(session, plan)

    plans.propose(session, plan_id=plan.id or 0, answer={}, now=NOW)

    text = session.get_one(Alert, "plan.broken_answer:humen").text
    assert "The rule of thumb plans 4 of its 4 visits." in text
    assert plan.problem is not None


def test_an_answer_that_leaves_out_what_the_rule_of_thumb_plans_is_an_alert(
    session: Session,
) -> None:
    a_day(session)

    empty = proposed(session, orders={})

    text = session.get_one(Alert, "plan.poor_answer:humen").text
    assert empty.status is PlanStatus.PROPOSED
    assert "has 0 of 3 visits" in text
    assert "plans 3 for" in text
    proposed(session)
    assert alerts(session) == {}


def test_a_search_that_somebody_stopped_may_answer_poorly(session: Session) -> None:
    a_day(session)
    plan = request(session)
    taken = take(session, plan)
    plans.stop(session, plan_id=plan.id or 0, actor=DISPATCHER, now=NOW)

    plans.propose(session, plan_id=plan.id or 0, answer=solved(taken.document, {}), now=NOW)

    assert alerts(session) == {}


def test_garbage_is_refused_like_any_broken_answer(session: Session) -> None:
    a_day(session)
    plan = request(session)
    take(session, plan)

    plans.propose(session, plan_id=plan.id or 0, answer="Segmentation fault", now=NOW)

    assert plan.status is PlanStatus.DRAFT


def test_the_same_input_that_fails_three_times_ends_its_plan_and_keeps_the_problem(
    session: Session,
) -> None:
    a_day(session)
    plan = request(session)
    for _ in range(3):
        assert plan.status is PlanStatus.DRAFT
        take(session, plan)
        plans.fail(session, plan_id=plan.id or 0, error="signal SIGSEGV", now=NOW)

    assert plan.status is PlanStatus.CLOSED
    assert "3 times" in plan.error
    assert "SIGSEGV" in plan.error
    assert plan.problem is not None
    assert alerts(session) == {"plan.failed:humen": 1}
    assert plans.take(session, plan_id=plan.id or 0, now=NOW) is None


def test_another_request_of_the_same_crashing_input_is_not_run_again(session: Session) -> None:
    a_day(session)
    first = request(session)
    for _ in range(3):
        take(session, first)
        plans.fail(session, plan_id=first.id or 0, error="crash", now=NOW)
    second = request(session)

    assert plans.take(session, plan_id=second.id or 0, now=NOW) is None
    assert second.status is PlanStatus.CLOSED


def test_a_changed_board_is_another_input_and_runs(session: Session) -> None:
    a_day(session)
    first = request(session)
    for _ in range(3):
        take(session, first)
        plans.fail(session, plan_id=first.id or 0, error="crash", now=NOW)
    job(session)
    second = request(session)

    assert plans.take(session, plan_id=second.id or 0, now=NOW) is not None


def test_a_run_that_vanished_counts_as_one_that_crashed(session: Session) -> None:
    a_day(session)
    plan = request(session)
    for _ in range(3):
        take(session, plan)

    assert plans.take(session, plan_id=plan.id or 0, now=NOW) is None
    assert plan.status is PlanStatus.CLOSED
    assert {run.outcome for run in session.exec(select(Run))} == {RunOutcome.VANISHED}


def test_a_failure_of_no_use_to_repeat_ends_the_plan_at_once(session: Session) -> None:
    a_day(session)
    plan = request(session)
    take(session, plan)

    plans.fail(session, plan_id=plan.id or 0, error="no memory", now=NOW, final=True)

    assert (plan.status, plan.error) == (PlanStatus.CLOSED, "no memory")


def test_a_success_after_a_failure_resolves_the_alert(session: Session) -> None:
    a_day(session)
    plan = request(session)
    take(session, plan)
    plans.fail(session, plan_id=plan.id or 0, error="crash", now=NOW, final=True)

    proposed(session)

    assert alerts(session) == {}


def test_a_retry_takes_the_same_problem_and_a_late_one_a_new_one(session: Session) -> None:
    a_day(session)
    plan = request(session, now=at("09:00"))
    first = plans.take(session, plan_id=plan.id or 0, now=at("09:00"))
    again = plans.take(session, plan_id=plan.id or 0, now=at("09:05"))
    late = plans.take(session, plan_id=plan.id or 0, now=at("10:30"))

    assert first is not None
    assert again is not None
    assert late is not None
    assert first.document == again.document
    assert first.input_hash == again.input_hash != late.input_hash


def test_a_newer_request_supersedes_one_that_waits(session: Session) -> None:
    a_day(session)
    older = request(session)
    newer = request(session)

    assert (older.status, newer.status) == (PlanStatus.SUPERSEDED, PlanStatus.DRAFT)
    assert newer.number == older.number + 1
    assert plans.take(session, plan_id=older.id or 0, now=NOW) is None


def test_the_newer_request_stands_whichever_run_ends_first(session: Session) -> None:
    a_day(session)
    older = request(session)
    old_answer = solved(take(session, older).document)
    newer = request(session)
    new_answer = solved(take(session, newer).document)

    plans.propose(session, plan_id=newer.id or 0, answer=new_answer, now=NOW)
    late = plans.propose(session, plan_id=older.id or 0, answer=old_answer, now=NOW)

    assert (late.status, newer.status) == (PlanStatus.SUPERSEDED, PlanStatus.PROPOSED)
    assert stops(session, late) == {}
    said = session.exec(select(Event).where(Event.type == "plan.answer_late")).all()
    assert [event.entity_id for event in said] == [str(older.id)]


def test_an_answer_given_twice_changes_nothing(session: Session) -> None:
    a_day(session)
    plan = request(session)
    answer = solved(take(session, plan).document)
    plans.propose(session, plan_id=plan.id or 0, answer=answer, now=NOW)
    before = stops(session, plan)

    again = plans.propose(session, plan_id=plan.id or 0, answer=answer, now=NOW)

    assert again.status is PlanStatus.PROPOSED
    assert stops(session, plan) == before


def test_progress_is_noted_and_a_stop_ends_the_run(session: Session) -> None:
    a_day(session)
    plan = request(session)
    take(session, plan)
    version = plan.version

    goes_on = plans.record_progress(session, plan_id=plan.id or 0, progress={"total": 5}, now=NOW)
    plans.stop(session, plan_id=plan.id or 0, actor=DISPATCHER, now=NOW)

    assert goes_on
    assert not plans.record_progress(session, plan_id=plan.id or 0, progress={"total": 4}, now=NOW)
    session.refresh(plan)
    assert plan.progress == {"total": 4}
    assert plan.version == version + 1, "only the stop is a change of the plan"


def test_a_superseded_run_is_told_to_end(session: Session) -> None:
    a_day(session)
    plan = request(session)
    take(session, plan)
    request(session)

    assert not plans.goes_on(session, plan_id=plan.id or 0)


def test_the_naive_rule_is_proposed_at_once_and_runs_no_task(session: Session) -> None:
    visits = a_day(session)

    plan = request(session, engine="naive")

    assert (plan.status, plan.origin) == (PlanStatus.PROPOSED, "naive")
    assert len(visits_on(session, plan)) == len(visits)
    assert plan.figures["cost"] == plan.figures["naive"]["cost"]
    assert session.exec(select(Task).where(Task.kind == "plan.solve")).all() == []


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"speed": 1}, "speed"),
        ({"seconds": 0}, "seconds"),
        ({"seconds": True}, "seconds"),
        ({"seed": 1.5}, "seed"),
        ({"engine": "magic"}, "engine"),
    ],
)
def test_an_option_that_means_nothing_is_refused(
    session: Session, options: dict[str, Any], field: str
) -> None:
    a_day(session)

    with pytest.raises(BadOption) as refusal:
        request(session, **options)

    assert refusal.value.details["field"] == field


def test_a_day_that_is_over_is_not_planned(session: Session) -> None:
    a_day(session)

    with pytest.raises(DayOver, match="2026-03-09"):
        request(session, day=date(2026, 3, 9))


def test_an_unknown_territory_is_refused(session: Session) -> None:
    with pytest.raises(NoSuchTerritory):
        request(session)


def test_nonsense_on_the_board_is_refused_to_who_asks(session: Session) -> None:
    a_day(session)
    shift = crew_on(session, "C2")
    shift.ends_at = shift.starts_at - minutes(5)
    session.flush()

    with pytest.raises(BoardRefused, match="C2"):
        request(session, now=NOW - timedelta(days=1))


def test_nonsense_that_came_later_closes_the_plan_with_its_error(session: Session) -> None:
    a_day(session)
    shift = crew_on(session, "C2")
    plan = request(session, now=NOW - timedelta(days=1))
    shift.ends_at = shift.starts_at - minutes(5)
    session.flush()

    assert plans.take(session, plan_id=plan.id or 0, now=NOW - timedelta(days=1)) is None
    assert plan.status is PlanStatus.CLOSED
    assert "C2" in plan.error


def test_a_plan_without_any_visit_is_a_plan(session: Session) -> None:
    crew_on(session, "C1")

    plan = proposed(session)

    assert plan.status is PlanStatus.PROPOSED
    assert plan.figures["visits"] == 0


def test_the_solve_holds_no_transaction(database: Database) -> None:
    with transaction(database) as session:
        a_day(session)
        plan_id = request(session).id or 0
    with transaction(database) as session:
        taken = plans.take(session, plan_id=plan_id, now=NOW)
    assert taken is not None
    answer = solved(taken.document)  # no session is open here
    with transaction(database) as session:
        plan = plans.propose(session, plan_id=plan_id, answer=answer, now=NOW)
        assert plan.status is PlanStatus.PROPOSED
