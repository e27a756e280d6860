"""What keeps a visit from a shift is changed for that day, and the visit inserted: one edit, taken back as one.

It is the facts that change, never a rule: a crew is allowed to work longer, parts are loaded, a member of another
crew comes along. The plan is then made of the board as it is, so that it can be published like any other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from dispatch.core.errors import InvalidError
from dispatch.core.events import Actor
from dispatch.planning.editing import (
    DoesNotFit,
    NotEditable,
    Standing,
    editable,
    propose_edit,
    stand,
)
from dispatch.planning.engine import Engine, in_process
from dispatch.planning.refusing import (
    pushes_out,
    refusal,
    refuse_begun,
    refuse_unplaceable,
    unserved_of,
)
from dispatch.planning.tables import Plan
from dispatch.registry import crews, lending, shifts
from dispatch.registry.lending import Lendable, MemberNotFree
from dispatch.registry.skills import shift_skills
from dispatch.registry.tables import Shift, ShiftStatus, Stock
from dispatch.work import visits
from optimizer.problem import Crew, Visit

Fact = dict[str, Any]
"""What was changed, with what was before, as kept with the edit."""


class BadRelaxation(InvalidError):
    """A value of the change is wrong."""

    code = "bad_relaxation"


@dataclass(frozen=True, slots=True)
class Overtime:
    """The shift may last `minutes` longer than it may now."""

    minutes: int
    reason: str


@dataclass(frozen=True, slots=True)
class Load:
    """`quantity` more of `part` are put on the crew's vehicle."""

    part: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Loan:
    """These members of other crews work on the shift."""

    member_ids: tuple[str, ...]
    reason: str


Change = Overtime | Load | Loan


@dataclass(frozen=True, slots=True)
class Candidates:
    """Who could be lent to a shift for a visit, and how many of them it takes."""

    needed: int
    members: tuple[Lendable, ...]


def relax(
    session: Session,
    *,
    plan_id: int,
    visit_id: str,
    shift_id: str,
    change: Change,
    actor: Actor,
    now: datetime,
    expect: int | None = None,
    engine: Engine = in_process,
) -> Plan:
    """Make the change, and propose the plan with the visit at its cheapest place on the shift.

    When it does not fit even so, nothing is changed: raises DoesNotFit, with `pushed_out` where visits of the plan
    would lose their crew by it. Raises also NoSuchPlan, NotEditable (branches touch nobody, so they change no
    facts), StaleVersion, NoSuchVisit, VisitBegun, NoSuchShift, BadRelaxation, and what `shifts.allow_overtime` and
    `lending.lend` raise.
    """
    visits.get(session, visit_id)
    plan = editable(session, plan_id)
    plan.expect(expect)
    before = _waiting(session, plan, visit_id, now=now)
    if shift_id not in before.orders:
        shift = shifts.get(session, shift_id)
        raise DoesNotFit(
            f"Shift {shift_id} cannot take visits any more: crew {shift.crew_id} is absent or off duty.",
            reason="shift_hours",
            visit=visit_id,
        )
    with session.begin_nested():  # a refusal takes the change back
        fact = _make(session, before, shift_id, change, actor=actor, now=now)
        session.flush()
        standing = stand(session, plan, now=now)
        answer = engine.retime(standing.problem, standing.orders)
        place = next(
            iter(engine.insert(standing.problem, answer, visit_id, 1, shift=shift_id)), None
        )
        if place is None:
            raise refusal(answer, visit_id)
        made = engine.apply(standing.problem, answer, place)
        pushed = unserved_of(before.orders, made)
        if pushed:
            raise pushes_out("That", visit_id, pushed)
        edit = {"kind": fact["kind"], "visit_id": visit_id, "fact": fact}
        return propose_edit(session, standing, made, origin="edit", actor=actor, now=now, edit=edit)


def candidates(
    session: Session, *, plan_id: int, visit_id: str, shift_id: str, now: datetime
) -> Candidates:
    """Who could come along on the shift so that it meets what the visit needs, and nobody's plan falls apart.

    A member stays who is at a visit, or whom the crew needs for what it has. Raises as `relax` does.
    """
    visits.get(session, visit_id)
    standing = _waiting(session, editable(session, plan_id), visit_id, now=now)
    shifts.get(session, shift_id)
    if shift_id not in standing.orders:
        return Candidates(0, ())
    needs, able = _visit(standing, visit_id), _crew_of(standing, shift_id)
    lacking = [skill for skill, level in needs.skills.items() if able.skills.get(skill, 0) < level]
    skill = lacking[0] if lacking else None
    found = lending.lendable(
        session, shift_id=shift_id, skill=skill, level=needs.skills[skill] if skill else 1
    )
    at_visits = {row.shift_id for row in standing.built.rows.under_way}
    kept = [
        one for one in found
        if one.shift_id not in at_visits and _can_spare(session, standing, one)
    ]  # fmt: skip
    # Who is off that day comes first: no crew is short of them.
    kept.sort(key=lambda one: (one.shift_id is not None, one.crew_id, one.member_id))
    return Candidates(1 if skill else max(0, needs.members - able.members), tuple(kept))


def restore(session: Session, fact: Mapping[str, Any], *, actor: Actor, now: datetime) -> bool:
    """Make a changed fact what it was before; False, with nothing changed, when somebody has changed it since."""
    shift = shifts.get(session, fact["shift_id"])
    if shift.status is ShiftStatus.OFF_DUTY:
        return False
    if fact["kind"] == "overtime":
        if shift.max_overtime_s != fact["after_s"]:
            return False
        shifts.set_overtime(session, shift, fact["before_s"], reason="undo", actor=actor, now=now)
        return True
    if fact["kind"] == "load":
        stock = session.get(Stock, (shift.crew_id, fact["part"]))
        if stock is None or stock.quantity != fact["after"]:
            return False
        _stock(session, shift, fact["part"], fact["before"], actor=actor, now=now)
        return True
    with session.begin_nested() as loans:
        for member_id, left in fact["members"].items():
            if not lending.give_back(
                session, shift_id=shift.id, member_id=member_id, to_shift_id=left, actor=actor, now=now
            ):  # fmt: skip
                loans.rollback()
                return False
    return True


def _waiting(session: Session, plan: Plan, visit_id: str, *, now: datetime) -> Standing:
    """The plan against the board; refuses branches, and a visit that cannot be inserted."""
    if plan.branch is not None:
        raise NotEditable(
            f"Plan {plan.number} is the branch {plan.branch}, which touches nobody; merge the branch first.",
            plan=plan.id,
        )
    standing = stand(session, plan, now=now)
    refuse_begun(standing, visit_id)
    refuse_unplaceable(standing, visit_id)
    if any(visit_id in order for order in standing.orders.values()):
        raise NotEditable(
            f"Visit {visit_id} is on plan {plan.number} already; move it instead.", visit=visit_id
        )
    return standing


def _make(
    session: Session, standing: Standing, shift_id: str, change: Change, *, actor: Actor, now: datetime
) -> Fact:  # fmt: skip
    shift = shifts.get(session, shift_id)
    match change:
        case Overtime():
            return _allow(session, standing, shift, change, actor=actor, now=now)
        case Load():
            return _load(session, shift, change, actor=actor, now=now)
        case Loan():
            return _lend(session, standing, shift, change, actor=actor, now=now)


def _allow(
    session: Session, standing: Standing, shift: Shift, change: Overtime, *, actor: Actor, now: datetime
) -> Fact:  # fmt: skip
    if change.minutes < 1:
        raise BadRelaxation("Overtime is a minute or more.", field="minutes")
    # On a day under way a crew at work may run later than its shift allows; the minutes are on top of that.
    rest = next(each for each in standing.problem.shifts if each.id == shift.id)
    ends = standing.built.clock.not_after(shift.ends_at)
    before, after = shift.max_overtime_s, rest.end + rest.max_overtime - ends + 60 * change.minutes
    shifts.allow_overtime(
        session, shift_id=shift.id, seconds=after, reason=change.reason, actor=actor, now=now
    )
    return {"kind": "overtime", "shift_id": shift.id, "before_s": before, "after_s": after}


def _load(session: Session, shift: Shift, change: Load, *, actor: Actor, now: datetime) -> Fact:
    if change.quantity < 1 or not change.part:
        raise BadRelaxation("A load names its part and is 1 or more.", field="quantity")
    stock = session.get(Stock, (shift.crew_id, change.part))
    before = 0 if stock is None else stock.quantity
    after = before + change.quantity
    _stock(session, shift, change.part, after, actor=actor, now=now)
    return {
        "kind": "load", "shift_id": shift.id, "part": change.part, "before": before, "after": after,
    }  # fmt: skip


def _stock(
    session: Session, shift: Shift, part: str, quantity: int, *, actor: Actor, now: datetime
) -> None:
    crews.set_stock(
        session, crew_id=shift.crew_id, part=part, quantity=quantity, actor=actor, now=now
    )


def _lend(
    session: Session, standing: Standing, shift: Shift, change: Loan, *, actor: Actor, now: datetime
) -> Fact:  # fmt: skip
    if not change.member_ids:
        raise BadRelaxation("Name who is lent.", field="member_ids")
    at_visits = {row.shift_id for row in standing.built.rows.under_way}
    members: dict[str, str | None] = {}
    for member_id in change.member_ids:
        left = lending.lend(
            session, shift_id=shift.id, member_id=member_id, reason=change.reason, actor=actor, now=now
        )  # fmt: skip
        if left in at_visits:
            raise MemberNotFree(
                f"The crew of {member_id} is at a visit; nobody leaves it before that is done.",
                field="member_ids",
            )
        members[member_id] = left
    return {"kind": "loan", "shift_id": shift.id, "members": members}


def _visit(standing: Standing, visit_id: str) -> Visit:
    return next(each for each in standing.problem.visits if each.id == visit_id)


def _crew_of(standing: Standing, shift_id: str) -> Crew:
    crew = next(each.crew for each in standing.problem.shifts if each.id == shift_id)
    return next(each for each in standing.problem.crews if each.id == crew)


def _can_spare(session: Session, standing: Standing, one: Lendable) -> bool:
    """Whether the member's crew can do all that the plan gives it without them."""
    if one.shift_id is None or one.shift_id not in standing.orders:
        return True
    day = standing.plan.day
    rest = shift_skills(session, shift_ids=[one.shift_id], day=day, without=[one.member_id])[
        one.shift_id
    ]
    return rest.members > 0 and all(
        visit.members <= rest.members
        and all(rest.skills.get(skill, 0) >= level for skill, level in visit.skills.items())
        for visit in (_visit(standing, each) for each in standing.orders[one.shift_id])
    )
