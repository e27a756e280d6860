"""Two plans of a day side by side: what each costs, every crew's day, and who is affected."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from dispatch.core.errors import ConflictError, InvalidError
from dispatch.planning import states
from dispatch.planning.clock import DayClock
from dispatch.registry.tables import Customer
from dispatch.work.tables import Visit, WorkOrder
from optimizer.codec import plan_from, problem_from
from optimizer.compare import Comparison as Found
from optimizer.compare import CrewChange, CustomerFigures, Term, by_customer, compare
from optimizer.compare import CustomerChange as Changed
from optimizer.problem import Problem


class OtherDay(InvalidError):
    """The two plans are not of the same day and territory."""

    code = "other_day"


class NoAnswerYet(ConflictError):
    """A plan that has no answer cannot be compared."""

    code = "no_answer_yet"


@dataclass(frozen=True, slots=True)
class VisitChange:
    """A visit that the plans treat differently.

    `what`: `added` (only the plan has it), `left_out` (only the other has it), `crew`, `shift` or `time`.
    `moved_s` is how many seconds later it begins.
    """

    visit_id: str
    customer_id: str
    customer: str
    what: str
    was_crew_id: str | None
    was_start_at: datetime | None
    crew_id: str | None
    start_at: datetime | None
    moved_s: int | None


@dataclass(frozen=True, slots=True)
class CustomerChange:
    """A customer of whom the plans treat `changed` visits differently, by `moved_s` seconds at most.

    `a` and `b` count the visits that either plan serves, and the seconds by which those begin late.
    """

    customer_id: str
    customer: str
    changed: int
    moved_s: int
    a: CustomerFigures
    b: CustomerFigures


@dataclass(frozen=True, slots=True)
class Comparison:
    """A plan (b) against another (a): terms of the cost in points, crews, visits, and their customers.

    `affected` are crews.

    `same_board` says whether both were made from the same rows. Otherwise part of the difference is the board's,
    and visits that only the other plan's board had are not listed.
    """

    plan_id: int
    with_plan_id: int
    same_board: bool
    terms: tuple[Term, ...]
    crews: tuple[CrewChange, ...]
    customers: tuple[CustomerChange, ...]
    visits: tuple[VisitChange, ...]
    affected: tuple[str, ...]


def compare_plans(session: Session, *, plan_id: int, with_plan_id: int) -> Comparison:
    """How a plan differs from another of its day. Raises NoSuchPlan, OtherDay, NoAnswerYet."""
    plan, other = states.get(session, plan_id), states.get(session, with_plan_id)
    if (plan.territory_id, plan.day) != (other.territory_id, other.day):
        raise OtherDay("Plans of different days or territories cannot be compared.", field="with")
    for each in (plan, other):
        if each.problem is None or each.answer is None:
            raise NoAnswerYet(f"Plan {each.number} has no answer yet.", plan=each.id)
    assert plan.problem is not None
    assert plan.answer is not None
    assert other.problem is not None
    assert other.answer is not None
    problem = _with_crews_of(problem_from(plan.problem), problem_from(other.problem))
    one, two = plan_from(other.answer), plan_from(plan.answer)
    found = compare(problem, one, two)
    names = _customers(session, [visit.id for visit in problem.visits])
    customers = by_customer(problem, one, two, {v: customer for v, (customer, _) in names.items()})
    return Comparison(
        plan_id=plan.id or 0,
        with_plan_id=other.id or 0,
        same_board=plan.board == other.board,
        terms=found.terms,
        crews=found.crews,
        customers=_with_names(customers, dict(names.values())),
        visits=_visits(found, names, DayClock(problem.start)),
        affected=found.affected,
    )


def _with_crews_of(problem: Problem, other: Problem) -> Problem:
    """The problem with the other's crews and shifts too: one that has fallen ill since is affected all the same."""
    places = {place.id: place for place in (*other.places, *problem.places)}
    crews = {crew.id: crew for crew in (*other.crews, *problem.crews)}
    shifts = {shift.id: shift for shift in (*other.shifts, *problem.shifts)}
    return replace(
        problem,
        places=tuple(places.values()),
        crews=tuple(crews[name] for name in sorted(crews)),
        shifts=tuple(shifts.values()),
    )


def _with_names(
    customers: Iterable[Changed], names: Mapping[str, str]
) -> tuple[CustomerChange, ...]:
    return tuple(
        CustomerChange(
            each.customer, names[each.customer], each.changed, each.moved, each.a, each.b
        )
        for each in customers
    )


def _visits(
    found: Found, customers: Mapping[str, tuple[str, str]], clock: DayClock
) -> tuple[VisitChange, ...]:
    return tuple(
        VisitChange(
            visit_id=each.visit,
            customer_id=customers[each.visit][0],
            customer=customers[each.visit][1],
            what=each.what,
            was_crew_id=each.crew_a,
            was_start_at=None if each.start_a is None else clock.instant(each.start_a),
            crew_id=each.crew_b,
            start_at=None if each.start_b is None else clock.instant(each.start_b),
            moved_s=each.moved,
        )
        for each in found.visits
    )


def _customers(session: Session, visit_ids: list[str]) -> Mapping[str, tuple[str, str]]:
    """The customer of each visit: id and name."""
    rows = session.execute(
        sa.select(col(Visit.id), col(Customer.id), col(Customer.name))
        .join(WorkOrder, col(WorkOrder.id) == col(Visit.work_order_id))
        .join(Customer, col(Customer.id) == col(WorkOrder.customer_id))
        .where(col(Visit.id).in_(visit_ids))
    )
    return {row[0]: (row[1], row[2]) for row in rows}
