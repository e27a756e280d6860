"""A dispatcher's last edit is undone, unless that would overwrite what came after it."""

import pytest
from sqlmodel import Session, select

from dispatch.core.events import Actor
from dispatch.core.tables import Event
from dispatch.planning import edits, undoing
from dispatch.planning.tables import PlanStatus
from dispatch.planning.undoing import NothingToUndo, NotUndoable, Undone
from dispatch.work import visits
from dispatch.work.tables import VisitStatus
from tests.builders.planning import set_out
from tests.builders.registry import DISPATCHER
from tests.dispatch.planning.test_edits import TWO, a_day, in_force, publish, urgent
from tests.instants import DAY, NOW, at

OTHER = Actor("U-OTHER", "dispatcher")


def undo(session: Session, *, actor: Actor = DISPATCHER, clock: str = "07:30") -> Undone:
    return undoing.undo(session, territory_id="humen", day=DAY, actor=actor, now=at(clock))


def refused(session: Session, **values: object) -> str:
    with pytest.raises(NotUndoable) as caught:
        undo(session, **values)  # type: ignore[arg-type]
    return str(caught.value.details["reason"])


def test_a_move_is_undone_with_its_lock_and_then_the_one_before_it(session: Session) -> None:
    first, second, _ = a_day(session)
    base = in_force(session)
    one = edits.move_visit(
        session, plan_id=base.id or 0, visit_id=first.id, shift_id=TWO, actor=DISPATCHER, now=NOW
    )
    two = edits.move_visit(
        session, plan_id=one.id or 0, visit_id=second.id, shift_id=TWO, actor=DISPATCHER, now=NOW
    )

    assert undo(session) == Undone("move", second.id, one.id)
    assert (two.status, second.locked_crew, first.locked_crew) == (
        PlanStatus.SUPERSEDED, False, True,
    )  # fmt: skip
    assert undo(session) == Undone("move", first.id, base.id)
    assert (one.status, first.locked_crew) == (PlanStatus.SUPERSEDED, False)
    assert base.status is PlanStatus.PUBLISHED
    assert refused(session) == "published", "what was done before that is known to others"
    told = session.exec(select(Event).where(Event.type == "edit.undone")).all()
    assert [(event.entity, event.actor, event.data["kind"]) for event in told] == [
        ("plan", DISPATCHER.id, "move")
    ] * 2


def test_an_insertion_and_a_visit_put_back_are_undone(session: Session) -> None:
    first, *_ = a_day(session)
    visit = urgent(session)
    made = edits.insert_visit(session, visit_id=visit.id, day=DAY, actor=DISPATCHER, now=NOW)
    edits.lock(session, plan_id=made.id or 0, visit_id=first.id, actor=DISPATCHER, now=NOW)
    edits.put_back(session, plan_id=made.id or 0, visit_id=first.id, actor=DISPATCHER, now=NOW)
    assert not first.locked_crew

    assert undo(session).kind == "put_back"
    assert (first.locked_crew, first.locked_crew_id) == (True, "C1")
    assert undo(session).kind == "lock"
    assert not first.locked_crew
    assert undo(session) == Undone("insert", visit.id, in_force(session).id)


def test_an_unlocking_is_undone(session: Session) -> None:
    first, *_ = a_day(session)
    plan_id = in_force(session).id or 0
    edits.lock(session, plan_id=plan_id, visit_id=first.id, time=True, actor=DISPATCHER, now=NOW)
    start = first.locked_start_at
    edits.unlock(session, visit_id=first.id, actor=DISPATCHER, now=NOW)

    assert undo(session) == Undone("unlock", first.id, None)
    assert (first.locked_crew_id, first.locked_start_at) == ("C1", start)


def test_a_visit_put_back_into_the_queue_is_given_to_its_crew_again(session: Session) -> None:
    first, *_ = a_day(session)
    had = (first.crew_id, first.shift_id, first.planned_start_at, first.planned_end_at)
    visits.act(session, first, "withdraw", actor=DISPATCHER, now=at("07:10"))
    assert first.crew_id is None

    assert undo(session) == Undone("withdraw", first.id, None)
    assert (first.crew_id, first.shift_id, first.planned_start_at, first.planned_end_at) == had
    assert first.status is VisitStatus.DISPATCHED


def test_what_a_crew_was_on_its_way_to_or_was_called_off_is_not_brought_back(
    session: Session,
) -> None:
    first, second, _ = a_day(session)
    set_out(session, first, now=at("08:05"))
    visits.act(session, first, "withdraw", reason="storm", actor=DISPATCHER, now=at("08:10"))
    assert refused(session, clock="08:20") == "set_out"

    visits.act(session, second, "cancel", actor=DISPATCHER, now=at("08:20"))
    assert refused(session, clock="08:30") == "called_off"


def test_somebody_elses_later_change_is_not_overwritten(session: Session) -> None:
    first, second, third = a_day(session)
    base = in_force(session).id or 0
    made = edits.move_visit(
        session, plan_id=base, visit_id=first.id, shift_id=TWO, actor=DISPATCHER, now=NOW
    )
    edits.move_visit(
        session, plan_id=made.id or 0, visit_id=second.id, shift_id=TWO, actor=OTHER, now=NOW
    )
    assert refused(session) == "built_upon"
    assert undo(session, actor=OTHER).visit_id == second.id
    edits.unlock(session, visit_id=first.id, actor=OTHER, now=NOW)
    assert refused(session) == "changed_since"
    assert made.status is PlanStatus.PROPOSED, "a refusal changes nothing"

    visits.act(session, third, "withdraw", actor=DISPATCHER, now=NOW)
    edits.lock(session, plan_id=base, visit_id=third.id, actor=OTHER, now=NOW)
    assert refused(session) == "changed_since"


def test_what_was_published_is_not_undone(session: Session) -> None:
    first, *_ = a_day(session)
    made = edits.put_back(
        session, plan_id=in_force(session).id or 0, visit_id=first.id, actor=DISPATCHER, now=NOW
    )
    publish(session, made, "07:20")

    assert refused(session) == "published"


def test_another_persons_and_an_older_edit_are_not_mine_to_undo(session: Session) -> None:
    first, *_ = a_day(session)
    edits.lock(session, plan_id=in_force(session).id or 0, visit_id=first.id, actor=OTHER, now=NOW)

    with pytest.raises(NotUndoable, match="published"):
        undo(session)
    with pytest.raises(NothingToUndo):
        undoing.undo(
            session, territory_id="humen", day=DAY, actor=Actor("U-X", "dispatcher"), now=NOW
        )
