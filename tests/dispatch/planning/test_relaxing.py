"""What keeps a visit out is changed for the day and the visit inserted; undone, everything is as it was."""

from collections.abc import Callable

import pytest
from sqlmodel import Session, select

from dispatch.core.errors import DispatchError
from dispatch.core.tables import Event
from dispatch.planning import branches, edits, explaining, relaxing, undoing
from dispatch.planning.edits import DoesNotFit, NotEditable
from dispatch.planning.relaxing import BadRelaxation, Change, Load, Loan, Overtime
from dispatch.planning.tables import Plan, PlanStatus
from dispatch.planning.undoing import NotUndoable
from dispatch.registry import crews, shifts
from dispatch.registry.hours import BadShift
from dispatch.registry.lending import MemberNotFree
from dispatch.registry.shifts import TooMuchOvertime
from dispatch.registry.tables import Member, Shift, ShiftMember, Stock
from dispatch.work.tables import Visit
from tests.builders.planning import crew_on, job, proposed, published, stop_of, visits_on, work_on
from tests.builders.registry import DISPATCHER, make_crew
from tests.dispatch.planning.test_edits import is_sound, publish
from tests.instants import DAY, NOW, at

ONE, TWO = "C1-20260310", "C2-20260310"
AGREED = "the crew agreed on the telephone"


def relax(session: Session, plan: Plan, visit: Visit, shift: str, change: Change) -> Plan:
    return relaxing.relax(
        session, plan_id=plan.id or 0, visit_id=visit.id, shift_id=shift, change=change,
        actor=DISPATCHER, now=NOW,
    )  # fmt: skip


def undo(session: Session) -> undoing.Undone:
    return undoing.undo(session, territory_id="humen", day=DAY, actor=DISPATCHER, now=NOW)


def change_of(session: Session, plan: Plan, visit: Visit, kind: str) -> explaining.Change:
    """The change of this kind with which the visit fits, as the explanation has it."""
    found = explaining.explain(session, plan_id=plan.id or 0, visit_id=visit.id, now=NOW)
    return next(each for each in found.changes if each.kind == kind)


def members_of(session: Session, shift: str) -> set[str]:
    rows = session.exec(select(ShiftMember.member_id).where(ShiftMember.shift_id == shift))
    return set(rows)


def test_the_overtime_that_an_explanation_names_is_allowed_and_the_visit_put_in(
    session: Session,
) -> None:
    shift = crew_on(session, "C1")
    full = job(session, minutes=540)
    plan = published(session, orders={ONE: [full.id]})
    visit = job(session, minutes=60)
    named = change_of(session, plan, visit, "overtime")
    assert named.amount is not None

    made = relax(session, plan, visit, ONE, Overtime(named.amount, AGREED))

    assert (made.status, made.origin) == (PlanStatus.PROPOSED, "edit")
    assert visits_on(session, made) == sorted([full.id, visit.id])
    assert is_sound(made)
    assert shift.max_overtime_s == named.amount * 60, "that day's shift, and no more than it takes"
    told = session.exec(select(Event).where(Event.type == "shift.overtime_changed")).one()
    assert (told.actor, told.data["reason"]) == (DISPATCHER.id, AGREED)
    assert undo(session) == undoing.Undone("overtime", visit.id, plan.id)
    assert (shift.max_overtime_s, made.status) == (0, PlanStatus.SUPERSEDED)


def test_a_plan_made_so_is_published_like_any_other(session: Session) -> None:
    crew_on(session, "C1")
    full = job(session, minutes=540)
    plan = published(session, orders={ONE: [full.id]})
    visit = job(session, minutes=60)

    publish(session, relax(session, plan, visit, ONE, Overtime(120, AGREED)), "07:20")

    assert visit.crew_id == "C1"


def test_overtime_has_a_limit_and_needs_a_reason(session: Session) -> None:
    shift = crew_on(session, "C1", max_overtime_s=3600)
    full = job(session, minutes=580)
    plan = published(session, orders={ONE: [full.id]})
    visit = job(session, minutes=90)

    for error, change in (
        (TooMuchOvertime, Overtime(121, AGREED)),
        (BadShift, Overtime(60, " ")),
        (BadRelaxation, Overtime(0, AGREED)),
        (DoesNotFit, Overtime(5, AGREED)),
    ):
        with pytest.raises(error):
            relax(session, plan, visit, ONE, change)
        assert shift.max_overtime_s == 3600, "a refusal changes nothing"
    relax(session, plan, visit, ONE, Overtime(120, AGREED))


def test_missing_parts_are_put_on_the_vehicle(session: Session) -> None:
    crew_on(session, "C1", skills={"LV": 1, "MT": 1}, stock={"meter": 0, "seal": 5})
    first = job(session)
    plan = published(session, orders={ONE: [first.id]})
    visit = job(session, work_type="MTR-XCH")
    named = change_of(session, plan, visit, "parts")
    assert (named.detail, named.amount) == ("meter", 1)

    made = relax(session, plan, visit, ONE, Load("meter", 1))

    assert visits_on(session, made) == sorted([first.id, visit.id])
    assert session.get_one(Stock, ("C1", "meter")).quantity == 1
    assert undo(session).kind == "load"
    assert session.get_one(Stock, ("C1", "meter")).quantity == 0
    with pytest.raises(BadRelaxation):
        relax(session, plan, visit, ONE, Load("meter", 0))


@pytest.fixture
def short_of_skill(session: Session) -> tuple[Plan, Visit, Visit]:
    """C1 lacks MT; C2 has it in its first member, who is not needed for what C2 does, and C3 is off that day."""
    crew_on(session, "C1", stock={"meter": 1, "seal": 2})
    crew_on(session, "C2", skills={"MT": 1})
    crews.certify(
        session, member_id="C2-M2", skill="LV", level=1, valid_from=DAY, valid_until=DAY,
        actor=DISPATCHER, now=NOW,
    )  # fmt: skip
    make_crew(session, id="C3", skills={"MT": 2}, members=1)
    first, second = job(session), job(session, east=2)
    plan = published(session, orders={ONE: [first.id], TWO: [second.id]})
    return plan, job(session, work_type="MTR-XCH"), second


def test_who_has_the_missing_skill_is_lent_for_the_day(
    session: Session, short_of_skill: tuple[Plan, Visit, Visit]
) -> None:
    plan, visit, _ = short_of_skill
    assert change_of(session, plan, visit, "skill").shift_id == ONE

    found = relaxing.candidates(
        session, plan_id=plan.id or 0, visit_id=visit.id, shift_id=ONE, now=NOW
    )
    assert found.needed == 1
    assert [(one.member_id, one.shift_id, one.level) for one in found.members] == [
        ("C3-M1", None, 2), ("C2-M1", TWO, 1),
    ], "who is off that day comes first"  # fmt: skip
    made = relax(session, plan, visit, ONE, Loan(("C2-M1",), AGREED))

    assert stop_of(session, made, visit).crew_id == "C1"
    assert is_sound(made)
    assert members_of(session, ONE) == {"C1-M1", "C1-M2", "C2-M1"}
    assert members_of(session, TWO) == {"C2-M2"}
    assert session.get_one(Member, "C2-M1").crew_id == "C2", "for that day alone"
    told = session.exec(select(Event).where(Event.type == "shift.member_lent")).one()
    assert (told.data["member_id"], told.data["other_crew_id"]) == ("C2-M1", "C2")
    assert undo(session).kind == "loan"
    assert (members_of(session, ONE), members_of(session, TWO)) == (
        {"C1-M1", "C1-M2"}, {"C2-M1", "C2-M2"},
    )  # fmt: skip


def test_who_is_off_that_day_is_lent_and_leaves_no_other_shift(
    session: Session, short_of_skill: tuple[Plan, Visit, Visit]
) -> None:
    plan, visit, _ = short_of_skill

    relax(session, plan, visit, ONE, Loan(("C3-M1",), AGREED))

    assert "C3-M1" in members_of(session, ONE)
    undo(session)
    assert "C3-M1" not in members_of(session, ONE)


def test_a_crew_of_more_members_is_made_for_the_day(session: Session) -> None:
    crew_on(session, "C1", members=1, skills={"LV": 1, "PL": 1})
    crew_on(session, "C2")
    first, second = job(session), job(session, east=2)
    plan = published(session, orders={ONE: [first.id], TWO: [second.id]})
    visit = job(session, work_type="EMG-HAZ-LV")
    assert change_of(session, plan, visit, "members").amount == 2

    found = relaxing.candidates(
        session, plan_id=plan.id or 0, visit_id=visit.id, shift_id=ONE, now=NOW
    )
    assert found.needed == 1
    assert [one.member_id for one in found.members] == ["C2-M2"], "C2 needs whom it has LV from"
    made = relax(session, plan, visit, ONE, Loan(("C2-M2",), AGREED))

    assert stop_of(session, made, visit).crew_id == "C1"


def test_nobody_is_lent_whose_own_crew_would_lose_its_visits_or_is_at_one(
    session: Session,
) -> None:
    crew_on(session, "C1", members=1, skills={"LV": 1, "PL": 1})
    crew_on(session, "C2", skills={"LV": 1})
    first, second = job(session), job(session, east=2)
    plan = published(session, orders={ONE: [first.id], TWO: [second.id]})
    visit = job(session, work_type="EMG-HAZ-LV")

    with pytest.raises(DoesNotFit) as caught:
        relax(session, plan, visit, ONE, Loan(("C2-M1",), AGREED))
    assert caught.value.details["pushed_out"] == [second.id]
    work_on(session, second, now=at("08:30"))
    values = {"plan_id": plan.id or 0, "visit_id": visit.id, "shift_id": ONE, "now": at("08:40")}
    assert relaxing.candidates(session, **values).members == ()  # type: ignore[arg-type]
    with pytest.raises(MemberNotFree):
        relaxing.relax(
            session, change=Loan(("C2-M2",), AGREED), actor=DISPATCHER, **values  # type: ignore[arg-type]
        )  # fmt: skip
    assert members_of(session, TWO) == {"C2-M1", "C2-M2"}


def test_what_was_changed_since_is_not_overwritten(
    session: Session, short_of_skill: tuple[Plan, Visit, Visit]
) -> None:
    plan, visit, _ = short_of_skill
    made = relax(session, plan, visit, ONE, Loan(("C2-M1",), AGREED))
    session.delete(session.get_one(ShiftMember, (ONE, "C2-M1")))
    session.flush()

    with pytest.raises(NotUndoable) as caught:
        undo(session)

    assert caught.value.details["reason"] == "fact_changed"
    assert made.status is PlanStatus.PROPOSED


def _branch(session: Session, plan: Plan, visit: Visit) -> None:
    tried = branches.begin(
        session, territory_id="humen", day=DAY, name="rain", plan_id=plan.id, actor=DISPATCHER, now=NOW
    )  # fmt: skip
    relax(session, tried, visit, ONE, Overtime(60, AGREED))


def _planned(session: Session, plan: Plan, visit: Visit) -> None:
    made = edits.insert_visit(
        session, visit_id=visit.id, plan_id=plan.id, actor=DISPATCHER, now=NOW
    )
    relax(session, made, visit, ONE, Overtime(60, AGREED))


def _absent(session: Session, plan: Plan, visit: Visit) -> None:
    shifts.mark_absent(session, shift_id=ONE, reason="ill", actor=DISPATCHER, now=NOW)
    relax(session, plan, visit, ONE, Overtime(60, AGREED))


@pytest.mark.parametrize(
    ("ask", "error"), [(_branch, NotEditable), (_planned, NotEditable), (_absent, DoesNotFit)]
)
def test_branches_planned_visits_and_absent_crews_are_refused(
    session: Session, ask: Callable[[Session, Plan, Visit], None], error: type[DispatchError]
) -> None:
    crew_on(session, "C1")
    first = job(session)
    plan = proposed(session, orders={ONE: [first.id]})

    with pytest.raises(error):
        ask(session, plan, job(session, east=2))
    assert session.get_one(Shift, ONE).max_overtime_s == 0
