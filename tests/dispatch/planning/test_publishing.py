"""Publishing: all of it or nothing, and only what the board still is."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlmodel import Session, col, select

from dispatch.core.db import Database, StaleVersion, transaction
from dispatch.core.errors import DispatchError
from dispatch.core.events import Actor
from dispatch.core.lifecycle import IllegalMove, MoveNotYours
from dispatch.core.tables import Event, Task
from dispatch.planning import plans
from dispatch.planning.plans import AlreadyPublished, BoardMoved, LockBroken, NotProposed
from dispatch.planning.rules import edit
from dispatch.planning.states import DayOver
from dispatch.planning.tables import Plan, PlanStatus
from dispatch.registry import crews, shifts
from dispatch.registry.tables import Certificate, Customer, Premises
from dispatch.work import visits as work_visits
from dispatch.work.tables import Points, Priority, Visit, VisitStatus, WorkOrder, WorkOrderStatus
from tests.builders.planning import (
    begin,
    crew_on,
    finish,
    job,
    proposed,
    published,
    set_out,
    stop_of,
    withdraw,
    work_on,
)
from tests.builders.registry import DISPATCHER
from tests.builders.work import make_order
from tests.instants import DAY, NOW, at

EVENING = at("19:00", DAY - timedelta(days=1))
OTHER = Actor("other", "dispatcher")


def a_day(session: Session) -> list[Visit]:
    """Two crews and three visits."""
    crew_on(session, "C1", stock={"fuse_lv": 2})
    crew_on(session, "C2")
    return [job(session, east=1 + k) for k in range(3)]


def publish(session: Session, plan: Plan, **more: int) -> plans.Published:
    return plans.publish(session, plan_id=plan.id or 0, actor=DISPATCHER, now=NOW, **more)


def test_publishing_gives_the_visits_to_their_crews(session: Session) -> None:
    visits = a_day(session)
    plan = proposed(session, now=EVENING)

    done = plans.publish(session, plan_id=plan.id or 0, actor=DISPATCHER, now=EVENING)

    assert (plan.status, plan.published_by) == (PlanStatus.PUBLISHED, "dispatcher")
    for visit in visits:
        stop = stop_of(session, plan, visit)
        assert visit.status is VisitStatus.PUBLISHED
        assert (visit.crew_id, visit.shift_id) == (stop.crew_id, stop.shift_id)
        assert (visit.planned_start_at, visit.planned_end_at) == (stop.start_at, stop.end_at)
        order = session.get_one(WorkOrder, visit.work_order_id)
        assert order.status is WorkOrderStatus.SCHEDULED
    assert {(line.visit_id, line.change) for line in done.told} == {(v.id, "new") for v in visits}


def test_on_the_day_itself_the_crews_get_them_at_once(session: Session) -> None:
    visits = a_day(session)
    published(session)

    assert {visit.status for visit in visits} == {VisitStatus.DISPATCHED}


def test_one_event_tells_who_is_new_changed_and_withdrawn(session: Session) -> None:
    first, second, third = a_day(session)
    one, two = "C1-20260310", "C2-20260310"
    published(session, orders={one: [first.id, second.id]})
    new = job(session, east=4)

    plan = proposed(session, orders={one: [second.id], two: [third.id, new.id]})
    done = publish(session, plan)

    event = session.exec(
        select(Event).where(Event.type == "plan.published", Event.entity_id == str(plan.id))
    ).one()
    assert event.data["new"] == sorted([third.id, new.id])
    assert event.data["changed"] == [second.id], "earlier, as nothing is before it now"
    assert event.data["withdrawn"] == [first.id]
    assert [line.change for line in done.told] == ["withdrawn", "retimed", "new", "new"]
    assert first.status is VisitStatus.PLANNED
    assert first.crew_id is None
    tasks = session.exec(select(Task).where(Task.kind == "message.plan_published")).all()
    assert len(tasks) == 2, "one for each publishing, in its transaction"


def test_a_visit_that_changes_crews_is_taken_from_the_one_and_given_to_the_other(
    session: Session,
) -> None:
    first, *_ = a_day(session)
    published(session, orders={"C1-20260310": [first.id]})
    begin(session, first, "accept", now=NOW)

    plan = proposed(session, orders={"C2-20260310": [first.id]})
    done = publish(session, plan)

    (line,) = [line for line in done.told if line.visit_id == first.id]
    assert (line.change, line.was_crew_id, line.crew_id) == ("moved", "C1", "C2")
    assert (first.crew_id, first.status) == ("C2", VisitStatus.DISPATCHED)
    moves = session.exec(
        select(Event.to_status).where(Event.entity_id == first.id).order_by(col(Event.id))
    ).all()
    assert [move for move in moves if move][-3:] == ["planned", "published", "dispatched"]


def test_a_visit_that_stays_is_not_touched(session: Session) -> None:
    first, *_ = a_day(session)
    published(session)
    begin(session, first, "accept", now=NOW)
    version = first.version

    publish(session, proposed(session))

    assert (first.version, first.status) == (version, VisitStatus.ACCEPTED)


def test_the_older_plan_is_superseded(session: Session) -> None:
    a_day(session)
    old = published(session)
    waiting = proposed(session)

    done = publish(session, proposed(session))

    assert (old.status, waiting.status) == (PlanStatus.SUPERSEDED, PlanStatus.SUPERSEDED)
    assert set(done.superseded) == {old.number, waiting.number}


def test_a_plan_is_published_once(session: Session) -> None:
    a_day(session)
    plan = published(session)

    with pytest.raises(AlreadyPublished, match="dispatcher"):
        publish(session, plan)


@pytest.mark.parametrize(
    "status", [s for s in PlanStatus if s not in ("proposed", "published", "active")]
)
def test_only_a_proposed_plan_is_published(session: Session, status: PlanStatus) -> None:
    a_day(session)
    plan = proposed(session)
    plan.status = status

    with pytest.raises(NotProposed, match=status.value):
        publish(session, plan)


def test_who_saw_an_older_version_is_told_so(session: Session) -> None:
    a_day(session)
    plan = proposed(session)

    with pytest.raises(StaleVersion):
        publish(session, plan, expect=plan.version - 1)
    publish(session, plan, expect=plan.version)


def test_a_crew_may_not_publish(session: Session) -> None:
    a_day(session)
    plan = proposed(session)

    with pytest.raises(MoveNotYours):
        plans.publish(session, plan_id=plan.id or 0, actor=Actor("C1", "crew"), now=NOW)


def test_a_day_that_is_over_is_not_published(session: Session) -> None:
    a_day(session)
    plan = proposed(session)

    with pytest.raises(DayOver):
        plans.publish(session, plan_id=plan.id or 0, actor=DISPATCHER, now=NOW + timedelta(days=1))


def test_another_plan_from_the_same_board_is_refused_after_the_first(session: Session) -> None:
    a_day(session)
    first, second = proposed(session), proposed(session)
    publish(session, first)

    with pytest.raises(BoardMoved, match="Plan again") as refusal:
        publish(session, second)

    assert refusal.value.details["moved"]["changed"]["plan"] == ["in force"]


def _new_visit(session: Session) -> None:
    job(session)


def _window(session: Session) -> None:
    session.exec(select(Visit)).first().window_start_at = at("15:00")  # type: ignore[union-attr]


def _cancelled(session: Session) -> None:
    visit = session.exec(select(Visit)).first()
    assert visit is not None
    work_visits.act(session, visit, "cancel", actor=DISPATCHER, now=NOW)


def _absent(session: Session) -> None:
    shifts.mark_absent(session, shift_id="C1-20260310", reason="ill", actor=DISPATCHER, now=NOW)


def _new_shift(session: Session) -> None:
    crew_on(session, "C9")


def _expired(session: Session) -> None:
    paper = session.exec(select(Certificate).where(Certificate.member_id == "C1-M1")).one()
    paper.valid_until = DAY - timedelta(days=1)


def _stock(session: Session) -> None:
    crews.set_stock(session, crew_id="C1", part="fuse_lv", quantity=0, actor=DISPATCHER, now=NOW)


def _points(session: Session) -> None:
    session.get_one(Points, Priority.P4).unserved = 1


def _rule(session: Session) -> None:
    edit(session, name="weights", value={"change": 1}, actor=DISPATCHER, now=NOW)


def _position(session: Session) -> None:
    session.exec(select(Premises)).first().lat = 22.8  # type: ignore[union-attr]


CHANGES: dict[str, tuple[Callable[[Session], None], str]] = {
    "a new visit": (_new_visit, "visits new"),
    "another window": (_window, "visits changed"),
    "a cancelled visit": (_cancelled, "visits gone"),
    "a corrected position": (_position, "visits changed"),
    "an absent crew": (_absent, "shifts changed: C1-20260310"),
    "a new shift": (_new_shift, "shifts new: C9-20260310"),
    "an expired certificate": (_expired, "certificates changed: C1-20260310"),
    "stock": (_stock, "stock changed: C1"),
    "points": (_points, "points changed: P4"),
    "a rule": (_rule, "rules changed: weights"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_moved_on_the_board_is_named(session: Session, change: str) -> None:
    visits = a_day(session)
    plan = proposed(session)
    what, words = CHANGES[change]
    what(session)
    session.flush()

    with pytest.raises(BoardMoved, match=words) as refusal:
        publish(session, plan)

    assert refusal.value.code == "board_moved"
    assert plan.status is PlanStatus.PROPOSED
    assert VisitStatus.PUBLISHED not in {visit.status for visit in visits}


def test_what_planning_does_not_read_does_not_move_the_board(session: Session) -> None:
    first, second, _ = a_day(session)
    published(session, orders={"C1-20260310": [first.id, second.id]})
    plan = proposed(session)
    begin(session, first, "accept", now=NOW)
    for customer in session.exec(select(Customer)):
        customer.phone = "+86 769 5550 0999"
    first.note = "ring twice"
    make_order(session, work_type="FU-TEL", earliest_day=DAY)

    assert publish(session, plan).plan.status is PlanStatus.PUBLISHED


def test_a_crew_that_goes_on_as_planned_does_not_move_the_board(session: Session) -> None:
    first, second, third = a_day(session)
    orders = {"C1-20260310": [first.id, second.id], "C2-20260310": [third.id]}
    published(session, orders=orders)
    plan = proposed(session, now=at("08:00"), orders=orders)
    finish(session, first, began=at("08:05"), now=at("08:30"))
    set_out(session, second, now=at("08:31"))

    plans.publish(session, plan_id=plan.id or 0, actor=DISPATCHER, now=at("08:32"))

    assert (first.status, second.status) == (VisitStatus.DONE, VisitStatus.EN_ROUTE)


def test_a_crew_that_began_what_the_plan_moves_stops_the_plan(session: Session) -> None:
    first, second, third = a_day(session)
    published(session, orders={"C1-20260310": [first.id, second.id], "C2-20260310": [third.id]})
    plan = proposed(
        session, orders={"C1-20260310": [first.id], "C2-20260310": [second.id, third.id]}
    )
    work_on(session, second, now=at("08:05"))

    with pytest.raises(BoardMoved, match=f"visits gone: {second.id}"):
        plans.publish(session, plan_id=plan.id or 0, actor=DISPATCHER, now=at("08:10"))

    assert (second.crew_id, second.status) == ("C1", VisitStatus.WORKING)


def test_a_crew_that_went_on_in_another_order_stops_the_plan(session: Session) -> None:
    first, second, _ = a_day(session)
    orders = {"C1-20260310": [first.id, second.id]}
    published(session, orders=orders)
    plan = proposed(session, orders=orders)
    work_on(session, second, now=at("08:05"))

    with pytest.raises(BoardMoved, match=second.id):
        plans.publish(session, plan_id=plan.id or 0, actor=DISPATCHER, now=at("08:10"))


def test_a_visit_that_was_taken_back_since_stops_the_plan(session: Session) -> None:
    first, *_ = a_day(session)
    published(session)
    plan = proposed(session)
    withdraw(session, first, now=NOW)

    with pytest.raises(BoardMoved, match=f"visits changed: {first.id}"):
        publish(session, plan)


def test_a_lock_set_after_the_plan_was_made_is_kept(session: Session) -> None:
    first, second, _ = a_day(session)
    plan = proposed(session, orders={"C1-20260310": [first.id, second.id]})
    first.locked_crew, first.locked_crew_id = True, "C2"
    session.flush()

    with pytest.raises(LockBroken, match="C2"):
        publish(session, plan)

    first.locked_crew_id = "C1"
    second.locked_start_at = at("16:00")
    session.flush()
    with pytest.raises(LockBroken, match="another time"):
        publish(session, plan)

    second.locked_start_at = None
    session.flush()
    assert publish(session, plan).plan.status is PlanStatus.PUBLISHED


def test_a_preview_says_the_same_as_publishing_and_changes_nothing(session: Session) -> None:
    first, *_ = a_day(session)
    plan = proposed(session)

    seen = plans.preview(session, plan_id=plan.id or 0)

    assert first.status is VisitStatus.PLANNED
    assert tuple(seen) == publish(session, plan).told


def test_a_visit_left_out_of_the_new_plan_keeps_its_lock(session: Session) -> None:
    first, *_ = a_day(session)
    published(session, orders={"C1-20260310": [first.id]})
    first.locked_crew, first.locked_crew_id = True, "C1"
    session.flush()

    publish(session, proposed(session, orders={}))

    assert (first.status, first.crew_id) == (VisitStatus.PLANNED, None)
    assert stop_of(session, proposed(session), first).crew_id == "C1"


def test_a_refused_publish_leaves_no_trace(database: Database) -> None:
    with transaction(database) as session:
        a_day(session)
        plan_id = proposed(session).id or 0
    with transaction(database) as session:
        job(session)
    with pytest.raises(BoardMoved), transaction(database) as session:
        plans.publish(session, plan_id=plan_id, actor=DISPATCHER, now=NOW)

    with database.reading() as session:
        assert session.get_one(Plan, plan_id).status is PlanStatus.PROPOSED
        statuses = {visit.status for visit in session.exec(select(Visit))}
        assert statuses == {VisitStatus.PLANNED}


@pytest.mark.parametrize("same", [True, False], ids=["one plan", "two plans"])
def test_of_two_who_publish_at_once_one_wins_and_the_other_is_told(
    database: Database, same: bool
) -> None:
    with transaction(database) as session:
        a_day(session)
        first = proposed(session).id or 0
        second = first if same else proposed(session).id or 0
    start = threading.Barrier(2)
    ends: dict[str, str] = {}

    def go(name: str, plan_id: int) -> None:
        start.wait()
        try:
            with transaction(database) as session:
                plans.publish(session, plan_id=plan_id, actor=Actor(name, "dispatcher"), now=NOW)
            ends[name] = "published"
        except DispatchError as refusal:
            ends[name] = refusal.code

    threads = [
        threading.Thread(target=go, args=("ann", first)),
        threading.Thread(target=go, args=("bob", second)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(ends.values())[-1] == "published"
    other = {"already_published"} if same else {"board_moved", "not_proposed"}
    assert len(set(ends.values()) & other) == 1, ends
    with database.reading() as session:
        in_force = [p for p in session.exec(select(Plan)) if p.status is PlanStatus.PUBLISHED]
        assert len(in_force) == 1


def test_the_first_action_of_a_crew_makes_the_plan_active_and_the_end_closes_it(
    session: Session,
) -> None:
    a_day(session)
    plan = published(session)
    crew = Actor("C1", "crew")

    plans.activate(session, plan_id=plan.id or 0, actor=crew, now=at("08:00"))
    plans.activate(session, plan_id=plan.id or 0, actor=crew, now=at("08:01"))
    assert plan.status is PlanStatus.ACTIVE

    late = proposed(session, now=at("17:00"))
    plans.close(session, plan_id=plan.id or 0, actor=DISPATCHER, now=at("18:00"))
    assert plan.status is PlanStatus.CLOSED
    assert late.status is PlanStatus.SUPERSEDED, "nothing waits for a day that is closed"


def test_a_proposed_plan_can_be_discarded_and_a_published_one_cannot(session: Session) -> None:
    a_day(session)
    drop, keep = proposed(session), published(session)

    assert drop.status is PlanStatus.SUPERSEDED
    again = proposed(session)
    plans.discard(session, plan_id=again.id or 0, actor=OTHER, now=NOW)
    assert again.status is PlanStatus.SUPERSEDED
    with pytest.raises(IllegalMove):
        plans.discard(session, plan_id=keep.id or 0, actor=OTHER, now=NOW)
