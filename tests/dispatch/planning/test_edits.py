"""A dispatcher's edits: each proposes another plan that keeps every rule, or says why it cannot."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from dispatch.core.db import StaleVersion
from dispatch.core.events import Actor
from dispatch.core.lifecycle import MoveNotYours
from dispatch.core.tables import Event
from dispatch.planning import edits, plans
from dispatch.planning.editing import stand
from dispatch.planning.edits import DoesNotFit, NoPlanYet, NotEditable, VisitBegun
from dispatch.planning.tables import LeftOut, Plan, PlanStatus
from dispatch.registry import crews, shifts
from dispatch.registry.shifts import ShiftOver
from dispatch.work.tables import Visit, VisitRelation, VisitStatus
from optimizer.check import check
from optimizer.codec import plan_from, problem_from, write_plan
from tests.builders.planning import (
    crew_on,
    finish,
    job,
    left_out,
    proposed,
    published,
    request,
    solved,
    stop_of,
    stops,
    visits_on,
    work_on,
)
from tests.builders.registry import DISPATCHER, make_crew
from tests.instants import DAY, NOW, at

ONE, TWO = "C1-20260310", "C2-20260310"


def a_day(session: Session, *, minutes: float = 60) -> list[Visit]:
    """C1 has visits 0 and 1, C2 has 2, on a published plan."""
    crew_on(session, "C1")
    crew_on(session, "C2")
    visits = [job(session, east=1 + k, minutes=minutes) for k in range(3)]
    a, b, c = (visit.id for visit in visits)
    published(session, orders={ONE: [a, b], TWO: [c]})
    return visits


def publish(session: Session, plan: Plan, clock: str = "10:41") -> None:
    plans.publish(session, plan_id=plan.id or 0, actor=DISPATCHER, now=at(clock))


def urgent(session: Session, **values: object) -> Visit:
    """Somebody has no supply."""
    return job(session, work_type="INT", now=at("10:40"), **values)  # type: ignore[arg-type]


def in_force(session: Session) -> Plan:
    plan = plans.in_force(session, territory_id="humen", day=DAY)
    assert plan is not None
    return plan


def is_sound(plan: Plan) -> bool:
    assert plan.problem is not None
    assert plan.answer is not None
    return check(problem_from(plan.problem), plan_from(plan.answer)).ok


def test_the_best_places_for_an_urgent_visit_come_with_what_each_displaces(
    session: Session,
) -> None:
    a_day(session)
    visit = urgent(session, east=2)

    found = edits.places(session, visit_id=visit.id, now=at("10:40"))

    assert len(found) == 3
    assert [place.cost for place in found] == sorted(place.cost for place in found)
    assert found[0].cost < 0, "better than leaving it out"
    assert all(place.start_at >= at("10:40") for place in found)
    delayed = [place for place in found if place.displaced]
    assert delayed
    for place in delayed:
        for one in place.displaced:
            assert one.start_at is not None
            assert one.start_at > one.was_start_at


def test_an_urgent_visit_is_inserted_into_the_running_plan_and_published(session: Session) -> None:
    first, second, third = a_day(session)
    finish(session, first, began=at("08:10"), now=at("09:10"))
    work_on(session, second, now=at("10:30"))
    visit = urgent(session, east=2)

    plan = edits.insert_visit(session, visit_id=visit.id, actor=DISPATCHER, now=at("10:40"))

    assert (plan.status, plan.origin) == (PlanStatus.PROPOSED, "insert")
    assert is_sound(plan)
    assert visits_on(session, plan) == sorted([second.id, third.id, visit.id])
    publish(session, plan)
    assert visit.status is VisitStatus.DISPATCHED
    assert (second.status, second.crew_id) == (VisitStatus.WORKING, "C1")
    assert stop_of(session, plan, third).crew_id == "C2", "the others keep their crews"


def test_an_insertion_can_be_put_on_a_chosen_shift(session: Session) -> None:
    a_day(session)
    visit = urgent(session)

    plan = edits.insert_visit(
        session, visit_id=visit.id, shift_id=TWO, actor=DISPATCHER, now=at("10:40")
    )

    assert stop_of(session, plan, visit).crew_id == "C2"


def test_where_every_crew_is_full_a_less_urgent_visit_gives_way(session: Session) -> None:
    crew_on(session, "C1", stock={"seal": 1})
    long = job(session, minutes=330)
    short = job(session, east=2, minutes=120, work_type="REC")
    published(session, now=NOW)
    visit = urgent(session, minutes=200)

    (place,) = edits.places(session, visit_id=visit.id, now=at("08:00"), k=1)

    assert place.instead_of == long.id, "P4 goes before P3"
    assert [one.visit_id for one in place.displaced if one.start_at is None] == [long.id]
    plan = edits.insert_visit(session, visit_id=visit.id, actor=DISPATCHER, now=at("08:00"))
    assert visits_on(session, plan) == sorted([short.id, visit.id])
    assert set(left_out(session, plan)) == {long.id}


def test_who_gives_way_goes_to_another_crew_that_has_room(session: Session) -> None:
    crew_on(session, "C1", stock={"seal": 1})
    crew_on(session, "C2")
    long = job(session, minutes=330)
    published(session, orders={ONE: [long.id]})
    visit = job(session, east=2, minutes=330, work_type="REC")

    plan = edits.insert_visit(session, visit_id=visit.id, day=DAY, actor=DISPATCHER, now=NOW)

    assert is_sound(plan)
    assert stops(session, plan) == {"C1": [visit.id], "C2": [long.id]}


def test_visits_that_begin_together_go_in_together(session: Session) -> None:
    a_day(session)
    one, two = urgent(session, east=2), urgent(session, east=3)
    session.add(VisitRelation(territory_id="humen", type="together", visits=[one.id, two.id]))
    session.flush()

    (place,) = edits.places(session, visit_id=one.id, now=at("10:40"), k=1)

    (partner,) = place.together
    assert (partner.visit_id, partner.start_at) == (two.id, place.start_at)
    assert {place.crew_id, partner.crew_id} == {"C1", "C2"}
    plan = edits.insert_visit(session, visit_id=one.id, actor=DISPATCHER, now=at("10:40"))
    assert is_sound(plan)
    assert {one.id, two.id} <= set(visits_on(session, plan))


def test_a_locked_visit_never_gives_way(session: Session) -> None:
    crew_on(session, "C1")
    locked, other = job(session, minutes=270), job(session, east=2, minutes=270)
    published(session)
    locked.locked_crew, locked.locked_crew_id = True, "C1"
    visit = urgent(session, minutes=200)

    found = edits.places(session, visit_id=visit.id, now=at("08:00"))

    assert [place.instead_of for place in found] == [other.id]


def test_a_visit_under_way_stands_once_and_first_on_its_shift(session: Session) -> None:
    first, second, _ = a_day(session)
    work_on(session, second, now=at("08:05"))

    standing = stand(session, in_force(session), now=at("08:10"))

    assert standing.orders[ONE] == [second.id, first.id]


def test_a_visit_that_nobody_can_do_is_refused_with_the_reason(session: Session) -> None:
    a_day(session)
    visit = job(session, work_type="OUT-CBL", now=at("10:40"))

    assert edits.places(session, visit_id=visit.id, now=at("10:40")) == []
    with pytest.raises(DoesNotFit) as refusal:
        edits.insert_visit(session, visit_id=visit.id, actor=DISPATCHER, now=at("10:40"))
    assert refusal.value.details["reason"] == "skill"


def test_a_visit_that_cannot_be_placed_at_all_is_refused_with_the_reason(session: Session) -> None:
    a_day(session)
    visit = urgent(session, located=False)

    with pytest.raises(DoesNotFit, match="position") as refusal:
        edits.insert_visit(session, visit_id=visit.id, actor=DISPATCHER, now=at("10:40"))
    assert refusal.value.details["reason"] == "no_position"


def test_a_visit_of_another_day_is_not_ready(session: Session) -> None:
    a_day(session)
    visit = job(session, day=DAY + timedelta(days=3))

    with pytest.raises(DoesNotFit) as refusal:
        edits.places(session, visit_id=visit.id, now=at("10:40"))
    assert refusal.value.details["reason"] == "not_ready"


def test_a_visit_on_the_plan_is_moved_not_inserted(session: Session) -> None:
    first, *_ = a_day(session)

    with pytest.raises(NotEditable, match="move it"):
        edits.places(session, visit_id=first.id, now=at("07:40"))


def test_a_day_without_a_plan_is_planned_first(session: Session) -> None:
    crew_on(session, "C1")
    visit = job(session)

    with pytest.raises(NoPlanYet):
        edits.places(session, visit_id=visit.id, now=NOW)


def test_a_proposed_plan_is_edited_before_it_is_published(session: Session) -> None:
    crew_on(session, "C1")
    first = job(session)
    plan = proposed(session)
    late = job(session, east=2)

    edited = edits.insert_visit(session, visit_id=late.id, actor=DISPATCHER, now=NOW)

    assert plan.status is PlanStatus.PROPOSED, "to undo, discard the edit"
    assert visits_on(session, edited) == sorted([first.id, late.id])
    publish(session, edited, "07:30")


def test_moving_a_visit_proposes_a_plan_and_locks_the_visit(session: Session) -> None:
    first, second, third = a_day(session)

    plan = edits.move_visit(
        session,
        plan_id=in_force(session).id or 0,
        visit_id=first.id,
        shift_id=TWO,
        position=0,
        actor=DISPATCHER,
        now=NOW,
    )

    assert (plan.origin, plan.status) == ("edit", PlanStatus.PROPOSED)
    assert stops(session, plan) == {"C1": [second.id], "C2": [first.id, third.id]}
    assert is_sound(plan)
    publish(session, plan, "07:40")
    assert (first.crew_id, first.locked_crew) == ("C2", True)
    again = proposed(session, now=at("07:45"))
    assert stop_of(session, again, first).crew_id == "C2", "every later plan keeps it there"


def test_a_visit_moved_without_a_position_gets_the_cheapest(session: Session) -> None:
    first, _, third = a_day(session)

    plan = edits.move_visit(
        session, plan_id=in_force(session).id or 0, visit_id=third.id, shift_id=ONE,
        actor=DISPATCHER, now=NOW,
    )  # fmt: skip

    assert third.id in stops(session, plan)["C1"]
    assert first.id in stops(session, plan)["C1"]
    assert "C2" not in stops(session, plan)


def test_a_visit_moved_to_a_time_begins_then_and_keeps_it(session: Session) -> None:
    first, *_ = a_day(session)

    plan = edits.move_visit(
        session, plan_id=in_force(session).id or 0, visit_id=first.id, shift_id=TWO,
        start_at=at("14:00"), actor=DISPATCHER, now=NOW,
    )  # fmt: skip

    assert stop_of(session, plan, first).start_at == at("14:00")
    publish(session, plan, "07:40")
    assert stop_of(session, proposed(session, now=at("07:45")), first).start_at == at("14:00")


@pytest.mark.parametrize(
    ("obstacle", "reason"),
    [("skill", "skill"), ("members", "members"), ("window", "window"), ("hours", "shift_hours")],
)
def test_a_move_that_does_not_fit_is_refused_with_its_reason_and_leaves_no_lock(
    session: Session, obstacle: str, reason: str
) -> None:
    able = {"LV": 1, "LVL": 1}
    crew_on(session, "C1", skills=able)
    crew_on(
        session,
        "C2",
        skills={} if obstacle == "skill" else able,
        members=1 if obstacle == "members" else 2,
    )
    types = {"members": "OUT-LV"}
    visit = job(session, work_type=types.get(obstacle, "SAFE-DIS"))
    if obstacle == "members":
        for crew in ("C1", "C2"):
            stock(session, crew)
    published(session, orders={ONE: [visit.id]})
    start = {"window": at("06:00"), "hours": None}.get(obstacle)
    if obstacle == "hours":
        visit.duration_s = 10 * 3600

    with pytest.raises(DoesNotFit) as refusal:
        edits.move_visit(
            session, plan_id=in_force(session).id or 0, visit_id=visit.id, shift_id=TWO,
            start_at=start, actor=DISPATCHER, now=NOW,
        )  # fmt: skip

    assert refusal.value.details["reason"] == reason
    session.refresh(visit)
    assert (visit.locked_crew, visit.locked_start_at) == (False, None)


def stock(session: Session, crew: str) -> None:
    crews.set_stock(session, crew_id=crew, part="fuse_lv", quantity=2, actor=DISPATCHER, now=NOW)


def test_a_move_that_pushes_another_out_names_it(session: Session) -> None:
    crew_on(session, "C1")
    crew_on(session, "C2")
    big, small = job(session, minutes=480), job(session, minutes=120)
    published(session, orders={ONE: [big.id], TWO: [small.id]})

    with pytest.raises(DoesNotFit, match=r"does not fit|push out") as refusal:
        edits.move_visit(
            session, plan_id=in_force(session).id or 0, visit_id=small.id, shift_id=ONE,
            actor=DISPATCHER, now=NOW,
        )  # fmt: skip

    assert refusal.value.details["visit"] == small.id


def test_two_who_move_different_visits_of_a_plan_both_keep_their_edit(session: Session) -> None:
    first, second, third = a_day(session)
    plan_id = in_force(session).id or 0
    edits.move_visit(
        session, plan_id=plan_id, visit_id=first.id, shift_id=TWO, position=0,
        actor=DISPATCHER, now=NOW,
    )  # fmt: skip

    plan = edits.move_visit(
        session, plan_id=plan_id, visit_id=third.id, shift_id=ONE, actor=DISPATCHER, now=NOW
    )

    taken = {crew: set(order) for crew, order in stops(session, plan).items()}
    assert taken == {"C1": {second.id, third.id}, "C2": {first.id}}


def test_a_move_on_a_plan_that_does_not_hold_any_more_says_so(session: Session) -> None:
    first, second, _ = a_day(session)
    plan_id = in_force(session).id or 0
    first.duration_s = 700 * 60

    with pytest.raises(DoesNotFit, match=f"has {first.id} where they cannot be") as refusal:
        edits.move_visit(
            session, plan_id=plan_id, visit_id=second.id, shift_id=TWO, actor=DISPATCHER, now=NOW
        )

    assert refusal.value.details["astray"] == [first.id]


def test_what_has_begun_is_not_moved_or_put_back(session: Session) -> None:
    first, second, _ = a_day(session)
    finish(session, first, began=at("08:10"), now=at("09:00"))
    work_on(session, second, now=at("09:05"))
    plan_id = in_force(session).id or 0

    for visit in (first, second):
        with pytest.raises(VisitBegun):
            edits.move_visit(
                session, plan_id=plan_id, visit_id=visit.id, shift_id=TWO,
                actor=DISPATCHER, now=at("09:10"),
            )  # fmt: skip
        with pytest.raises(VisitBegun):
            edits.put_back(
                session, plan_id=plan_id, visit_id=visit.id, actor=DISPATCHER, now=at("09:10")
            )
        assert not visit.locked_crew


def test_a_move_to_an_absent_crew_is_refused(session: Session) -> None:
    first, *_ = a_day(session)
    shifts.mark_absent(session, shift_id=TWO, reason="ill", actor=DISPATCHER, now=NOW)

    with pytest.raises(DoesNotFit, match="absent"):
        edits.move_visit(
            session, plan_id=in_force(session).id or 0, visit_id=first.id, shift_id=TWO,
            actor=DISPATCHER, now=NOW,
        )  # fmt: skip


def test_who_saw_an_older_plan_does_not_edit_it(session: Session) -> None:
    first, *_ = a_day(session)
    plan = in_force(session)

    with pytest.raises(StaleVersion):
        edits.move_visit(
            session, plan_id=plan.id or 0, visit_id=first.id, shift_id=TWO,
            expect=plan.version - 1, actor=DISPATCHER, now=NOW,
        )  # fmt: skip


def test_a_superseded_plan_is_not_edited(session: Session) -> None:
    first, *_ = a_day(session)
    old = in_force(session)
    publish(session, proposed(session), "07:30")

    with pytest.raises(NotEditable, match="superseded"):
        edits.put_back(session, plan_id=old.id or 0, visit_id=first.id, actor=DISPATCHER, now=NOW)


def test_a_visit_put_back_waits_in_the_queue_with_the_persons_name(session: Session) -> None:
    first, *_ = a_day(session)
    first.locked_crew, first.locked_crew_id = True, "C1"

    plan = edits.put_back(
        session, plan_id=in_force(session).id or 0, visit_id=first.id, actor=DISPATCHER, now=NOW
    )

    assert first.id not in visits_on(session, plan)
    entry = session.get_one(LeftOut, (plan.id, first.id))
    assert (entry.reason, entry.hint) == ("put_back", "Put back by dispatcher.")
    assert not first.locked_crew
    assert is_sound(plan)
    publish(session, plan, "07:30")
    assert (first.status, first.crew_id) == (VisitStatus.PLANNED, None)


def test_a_lock_keeps_the_crew_and_the_time_of_the_plan(session: Session) -> None:
    first, *_ = a_day(session)
    plan = in_force(session)
    stop = stop_of(session, plan, first)

    edits.lock(
        session, plan_id=plan.id or 0, visit_id=first.id, time=True, actor=DISPATCHER, now=NOW
    )

    assert (first.locked_crew_id, first.locked_start_at) == ("C1", stop.start_at)
    again = stop_of(session, proposed(session), first)
    assert (again.crew_id, again.start_at) == (stop.crew_id, stop.start_at)
    edits.unlock(session, visit_id=first.id, crew=False, actor=DISPATCHER, now=NOW)
    assert (first.locked_crew, first.locked_start_at) == (True, None)
    edits.unlock(session, visit_id=first.id, actor=DISPATCHER, now=NOW)
    assert not first.locked_crew
    kinds = session.exec(select(Event.type).where(Event.entity_id == first.id)).all()
    assert kinds.count("visit.locked") == 1
    assert kinds.count("visit.unlocked") == 2


def test_a_lock_as_the_plan_has_it_leaves_the_plan_publishable(session: Session) -> None:
    crew_on(session, "C1")
    visit = job(session)
    plan = proposed(session)

    edits.lock(
        session, plan_id=plan.id or 0, visit_id=visit.id, time=True, actor=DISPATCHER, now=NOW
    )

    publish(session, plan, "07:30")


def test_only_a_visit_on_the_plan_is_locked(session: Session) -> None:
    a_day(session)
    other = job(session)

    with pytest.raises(NotEditable):
        edits.lock(
            session, plan_id=in_force(session).id or 0, visit_id=other.id, actor=DISPATCHER, now=NOW
        )


def test_a_crew_falls_ill_and_its_visits_go_to_the_others(session: Session) -> None:
    first, second, third = a_day(session)
    finish(session, first, began=at("08:10"), now=at("09:10"))

    plan = edits.replan_without(
        session, shift_id=ONE, reason="ill", actor=DISPATCHER, now=at("10:00")
    )
    assert plan.status is PlanStatus.DRAFT
    done = proposed(session, now=at("10:00"))
    publish(session, done, "10:01")

    assert set(stops(session, done)) == {"C2"}
    assert visits_on(session, done) == sorted([second.id, third.id])
    assert (second.crew_id, second.status) == ("C2", VisitStatus.DISPATCHED)
    assert (first.crew_id, first.status) == ("C1", VisitStatus.DONE)


def test_a_shift_that_ended_cannot_be_missed(session: Session) -> None:
    a_day(session)
    shift = shifts.get(session, ONE)
    shifts.move(session, shift, "report_on_duty", actor=DISPATCHER, now=at("08:00"))
    shifts.move(session, shift, "report_off_duty", actor=DISPATCHER, now=at("17:00"))

    with pytest.raises(ShiftOver):
        edits.replan_without(session, shift_id=ONE, reason="ill", actor=DISPATCHER, now=at("17:10"))


def test_edits_keep_relations(session: Session) -> None:
    first, second, third = a_day(session)
    session.add(VisitRelation(territory_id="humen", type="after", visits=[first.id, second.id]))
    session.flush()

    plan = edits.move_visit(
        session, plan_id=in_force(session).id or 0, visit_id=second.id, shift_id=TWO, position=1,
        actor=DISPATCHER, now=NOW,
    )  # fmt: skip

    assert is_sound(plan)
    assert stop_of(session, plan, second).start_at >= stop_of(session, plan, first).end_at
    assert stops(session, plan)["C2"] == [third.id, second.id]


def test_a_crew_of_another_role_may_not_edit(session: Session) -> None:
    first, *_ = a_day(session)
    make_crew(session, id="C9")

    with pytest.raises(MoveNotYours):
        edits.put_back(
            session, plan_id=in_force(session).id or 0, visit_id=first.id,
            actor=Actor("C9", "crew"), now=NOW,
        )  # fmt: skip


def proven(session: Session) -> Plan:
    """A proposed plan of which it is proven that none can cost 100 points less."""
    crew_on(session, "C1")
    crew_on(session, "C2")
    for k in range(3):
        job(session, east=1 + k)
    plan = request(session)
    taken = plans.take(session, plan_id=plan.id or 0, now=NOW)
    assert taken is not None
    answer = plan_from(json.loads(solved(taken.document)))
    bounded = replace(answer, bound=answer.cost.total - 100)
    return plans.propose(session, plan_id=taken.plan_id, answer=write_plan(bounded), now=NOW)


@pytest.mark.parametrize("is_published", [False, True])
def test_a_plan_edited_by_hand_keeps_what_is_proven_of_its_problem(
    session: Session, is_published: bool
) -> None:
    before = proven(session)
    if is_published:
        publish(session, before, "07:00")
    crew, order = next(iter(stops(session, before).items()))
    goal = TWO if crew == "C1" else ONE

    after = edits.move_visit(
        session, plan_id=before.id or 0, visit_id=order[0], shift_id=goal, actor=DISPATCHER, now=NOW
    )

    bound, cost = before.figures["bound"], after.figures["cost"]
    assert bound is not None
    assert (after.answer or {})["bound"] == after.figures["bound"] == bound
    assert cost > before.figures["cost"]
    assert after.figures["gap"] == pytest.approx((cost - bound) / cost)
    assert is_sound(after)


def test_a_visit_put_back_has_what_was_proven_before_it_was_locked(session: Session) -> None:
    before = proven(session)
    crew, order = next(iter(stops(session, before).items()))
    moved = edits.move_visit(
        session, plan_id=before.id or 0, visit_id=order[0], shift_id=TWO if crew == "C1" else ONE,
        actor=DISPATCHER, now=NOW,
    )  # fmt: skip

    after = edits.put_back(
        session, plan_id=moved.id or 0, visit_id=order[0], actor=DISPATCHER, now=NOW
    )

    assert after.figures["bound"] == before.figures["bound"]


def test_a_visit_that_came_in_makes_a_problem_of_which_nothing_is_proven(session: Session) -> None:
    before = proven(session)
    new = job(session, east=2)

    after = edits.insert_visit(
        session, visit_id=new.id, day=DAY, plan_id=before.id, actor=DISPATCHER, now=NOW
    )

    assert after.figures["bound"] is None
    assert after.figures["gap"] is None
