"""A branch of a day is edited without any effect on the day until it is merged."""

import pytest
from sqlmodel import Session

from dispatch.planning import branches, edits, plans, queries
from dispatch.planning.branches import BadBranchName, BranchExists, NotBranch, TooManyBranches
from dispatch.planning.comparing import compare_plans
from dispatch.planning.editing import NotEditable
from dispatch.planning.publishing import BoardMoved, IsBranch
from dispatch.planning.tables import Plan, PlanStatus
from tests.builders.planning import job, left_out, stop_of, visits_on
from tests.builders.registry import DISPATCHER
from tests.dispatch.planning.test_edits import TWO, a_day, in_force, publish
from tests.instants import DAY, NOW


def begin(session: Session, name: str = "storm") -> Plan:
    return branches.begin(
        session, territory_id="humen", day=DAY, name=name, actor=DISPATCHER, now=NOW
    )


def move(session: Session, plan: Plan, visit_id: str, shift_id: str = TWO) -> Plan:
    return edits.move_visit(
        session,
        plan_id=plan.id or 0,
        visit_id=visit_id,
        shift_id=shift_id,
        actor=DISPATCHER,
        now=NOW,
    )


def merge(session: Session, plan: Plan, **values: bool) -> Plan:
    return branches.merge(session, plan_id=plan.id or 0, actor=DISPATCHER, now=NOW, **values)


def test_edits_of_a_branch_lock_nothing_and_leave_the_days_plans_alone(session: Session) -> None:
    first, second, _ = a_day(session)
    base = in_force(session)
    branch = begin(session)
    versions = (first.version, second.version)

    head = move(session, move(session, branch, first.id), second.id)

    assert (head.branch, head.status) == ("storm", PlanStatus.PROPOSED)
    assert stop_of(session, head, first).crew_id == stop_of(session, head, second).crew_id == "C2"
    assert (first.version, second.version) == versions
    assert not first.locked_crew
    assert in_force(session).id == base.id
    board = queries.board(session, territory_id="humen", day=DAY)
    assert board.plan is not None
    assert board.plan.id == base.id
    assert branches.heads(session, territory_id="humen", day=DAY) == [head]
    found = compare_plans(session, plan_id=head.id or 0, with_plan_id=base.id or 0)
    assert {change.visit_id for change in found.visits if change.what == "crew"} == {
        first.id, second.id,
    }  # fmt: skip


def test_a_visit_put_back_in_a_branch_stays_on_the_day(session: Session) -> None:
    first, *_ = a_day(session)
    base = in_force(session)
    edits.lock(session, plan_id=base.id or 0, visit_id=first.id, actor=DISPATCHER, now=NOW)

    head = edits.put_back(
        session, plan_id=begin(session).id or 0, visit_id=first.id, actor=DISPATCHER, now=NOW
    )

    assert left_out(session, head) == {first.id: "put_back"}
    assert first.locked_crew
    assert first.id in visits_on(session, base)


def test_a_branch_is_merged_as_a_proposal_with_its_locks_and_ends(session: Session) -> None:
    first, *_ = a_day(session)
    head = move(session, begin(session), first.id)

    made = merge(session, head)

    assert (made.branch, made.status) == (None, PlanStatus.PROPOSED)
    assert stop_of(session, made, first).crew_id == "C2"
    assert first.locked_crew_id == "C2"
    assert branches.heads(session, territory_id="humen", day=DAY) == []
    publish(session, made, "07:30")
    assert first.crew_id == "C2"


def test_when_the_board_has_moved_a_merge_is_refused_or_keeps_what_holds(session: Session) -> None:
    first, *_ = a_day(session)
    head = move(session, begin(session), first.id)
    late = job(session)

    with pytest.raises(BoardMoved) as caught:
        merge(session, head)
    assert caught.value.details["moved"]["new"] == {"visits": [late.id]}
    assert not first.locked_crew
    made = merge(session, head, renew=True)

    assert stop_of(session, made, first).crew_id == "C2"
    assert late.id in left_out(session, made)
    publish(session, made, "07:30")


def test_a_branch_is_dropped_without_a_trace_on_the_day(session: Session) -> None:
    first, *_ = a_day(session)
    head = move(session, begin(session), first.id)

    branches.drop(session, plan_id=head.id or 0, actor=DISPATCHER, now=NOW)

    assert branches.heads(session, territory_id="humen", day=DAY) == []
    assert not first.locked_crew
    with pytest.raises(NotBranch):
        merge(session, head)


def test_a_branch_is_neither_published_nor_ended_by_a_publication(session: Session) -> None:
    first, second, _ = a_day(session)
    branch = begin(session)

    with pytest.raises(IsBranch):
        plans.publish(session, plan_id=branch.id or 0, actor=DISPATCHER, now=NOW)
    with pytest.raises(IsBranch):
        plans.preview(session, plan_id=branch.id or 0)
    publish(session, move(session, in_force(session), second.id), "07:20")

    assert branch.status is PlanStatus.PROPOSED
    with pytest.raises(NotEditable):
        edits.lock(session, plan_id=branch.id or 0, visit_id=first.id, actor=DISPATCHER, now=NOW)


def test_only_the_head_of_a_branch_is_merged_or_dropped(session: Session) -> None:
    first, *_ = a_day(session)
    branch = begin(session)
    move(session, branch, first.id)

    with pytest.raises(NotBranch, match="edited since"):
        merge(session, branch)
    with pytest.raises(NotBranch):
        merge(session, in_force(session))


def test_branches_have_names_of_their_own_and_are_ten_at_most(session: Session) -> None:
    a_day(session)
    begin(session, " storm  plan ")

    with pytest.raises(BranchExists):
        begin(session, "storm plan")
    with pytest.raises(BadBranchName):
        begin(session, " ")
    for number in range(branches.MOST - 1):
        begin(session, f"b{number}")
    with pytest.raises(TooManyBranches):
        begin(session, "one more")
