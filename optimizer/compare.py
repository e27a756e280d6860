"""Two plans of one problem side by side: what each costs, by term, crew, customer and visit."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from optimizer.plan import Cost, Plan, Route
from optimizer.problem import Problem

TERMS = (
    "total",
    "travel",
    "work",
    "overtime",
    "late",
    "unserved",
    "not_preferred",
    "change",
    "use",
)
"""The terms of a plan's cost, their sum first."""


@dataclass(frozen=True, slots=True)
class Term:
    """One term of the cost in both plans, points."""

    name: str
    a: int
    b: int

    @property
    def difference(self) -> int:
        """What plan b costs more."""
        return self.b - self.a


@dataclass(frozen=True, slots=True)
class CrewFigures:
    """What a crew does in a plan, over all its shifts: seconds, and metres where they are known."""

    visits: int = 0
    driving: int = 0
    working: int = 0
    overtime: int = 0
    late: int = 0
    metres: int | None = 0


@dataclass(frozen=True, slots=True)
class CrewChange:
    """A crew that works in either plan, with its figures in both."""

    crew: str
    a: CrewFigures
    b: CrewFigures


@dataclass(frozen=True, slots=True)
class VisitChange:
    """A visit that the plans treat differently.

    `what` is `added` (left out in a), `left_out` (left out in b), `crew` (another crew), `shift`
    (another shift of the same crew) or `time` (another begin on the same shift); `moved` is how
    many seconds later it begins in b, None where only one plan serves it.
    """

    visit: str
    what: str
    crew_a: str | None
    crew_b: str | None
    shift_a: str | None
    shift_b: str | None
    start_a: int | None
    start_b: int | None

    @property
    def moved(self) -> int | None:
        """Seconds by which the visit begins later in plan b."""
        if self.start_a is None or self.start_b is None:
            return None
        return self.start_b - self.start_a


@dataclass(frozen=True, slots=True)
class CustomerFigures:
    """What a customer has of a plan: visits that it serves, and seconds by which they begin late."""

    visits: int = 0
    late: int = 0


@dataclass(frozen=True, slots=True)
class CustomerChange:
    """A customer of whom the plans treat `changed` visits differently, with the figures in both.

    `moved` is the most seconds by which one of the visits begins at another time.
    """

    customer: str
    changed: int
    moved: int
    a: CustomerFigures
    b: CustomerFigures


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both plans: cost terms, crews in the order of the problem, and the visits that differ.

    `affected` are the crews whose list of visits, or the time of one, differs.
    """

    terms: tuple[Term, ...]
    crews: tuple[CrewChange, ...]
    visits: tuple[VisitChange, ...]
    affected: tuple[str, ...]


def compare(problem: Problem, plan_a: Plan, plan_b: Plan) -> Comparison:
    """How plan b differs from plan a. Stops of shifts that the problem does not have are ignored."""
    visits = tuple(_visits(problem, plan_a, plan_b))
    touched = {crew for change in visits for crew in (change.crew_a, change.crew_b)}
    return Comparison(
        terms=tuple(_terms(plan_a.cost, plan_b.cost)),
        crews=tuple(_crews(problem, plan_a, plan_b)),
        visits=visits,
        affected=tuple(crew.id for crew in problem.crews if crew.id in touched),
    )


def by_customer(
    problem: Problem, plan_a: Plan, plan_b: Plan, customer_of: Mapping[str, str]
) -> tuple[CustomerChange, ...]:
    """The same by customer, those with the most changes first; a visit of nobody's is passed over."""
    changes: dict[str, list[VisitChange]] = {}
    for change in _visits(problem, plan_a, plan_b):
        if change.visit in customer_of:
            changes.setdefault(customer_of[change.visit], []).append(change)
    a, b = (_had(problem, plan, customer_of) for plan in (plan_a, plan_b))
    found = (
        CustomerChange(
            customer=customer,
            changed=len(own),
            moved=max(abs(change.moved or 0) for change in own),
            a=a.get(customer, CustomerFigures()),
            b=b.get(customer, CustomerFigures()),
        )
        for customer, own in changes.items()
    )
    return tuple(sorted(found, key=lambda each: (-each.changed, each.customer)))


def _had(
    problem: Problem, plan: Plan, customer_of: Mapping[str, str]
) -> dict[str, CustomerFigures]:
    due = {visit.id: visit.due for visit in problem.visits}
    found: dict[str, CustomerFigures] = {}
    for route in plan.routes:
        for stop in route.stops:
            customer, latest = customer_of.get(stop.visit), due.get(stop.visit)
            if customer is not None:
                before = found.get(customer, CustomerFigures())
                late = 0 if latest is None else max(0, stop.start - latest)
                found[customer] = CustomerFigures(before.visits + 1, before.late + late)
    return found


def _terms(a: Cost, b: Cost) -> Iterator[Term]:
    for name in TERMS:
        yield Term(name, getattr(a, name), getattr(b, name))


def _crews(problem: Problem, a: Plan, b: Plan) -> Iterator[CrewChange]:
    figures_a, figures_b = _figures(problem, a), _figures(problem, b)
    for crew in problem.crews:
        if crew.id in figures_a or crew.id in figures_b:
            one, two = figures_a.get(crew.id), figures_b.get(crew.id)
            yield CrewChange(crew.id, one or CrewFigures(), two or CrewFigures())


def _figures(problem: Problem, plan: Plan) -> dict[str, CrewFigures]:
    crew_of = {shift.id: shift.crew for shift in problem.shifts}
    due = {visit.id: visit.due for visit in problem.visits}
    found: dict[str, CrewFigures] = {}
    for route in plan.routes:
        if route.shift not in crew_of:
            continue
        before = found.get(crew_of[route.shift], CrewFigures())
        known = before.metres is not None and route.metres is not None
        found[crew_of[route.shift]] = CrewFigures(
            visits=before.visits + len(route.stops),
            driving=before.driving + route.travel_seconds,
            working=before.working + _working(route),
            overtime=before.overtime + route.overtime,
            late=before.late + _late(route, due),
            metres=(before.metres or 0) + (route.metres or 0) if known else None,
        )
    return found


def _working(route: Route) -> int:
    inside = (
        taken.end - taken.start
        for taken in route.breaks
        if route.departs <= taken.start and taken.end <= route.returns
    )
    return route.returns - route.departs - sum(inside)


def _late(route: Route, due: dict[str, int | None]) -> int:
    """Seconds by which the route's visits begin after they are due."""
    total = 0
    for stop in route.stops:
        latest = due.get(stop.visit)
        total += 0 if latest is None else max(0, stop.start - latest)
    return total


def _visits(problem: Problem, a: Plan, b: Plan) -> Iterator[VisitChange]:
    crew_of = {shift.id: shift.crew for shift in problem.shifts}
    begun_a, begun_b = _begins(a), _begins(b)
    for visit in problem.visits:
        shift_a, start_a = begun_a.get(visit.id, (None, None))
        shift_b, start_b = begun_b.get(visit.id, (None, None))
        crew_a = None if shift_a is None else crew_of.get(shift_a)
        crew_b = None if shift_b is None else crew_of.get(shift_b)
        if (shift_a, start_a) == (shift_b, start_b):
            continue
        if shift_a is None:
            what = "added"
        elif shift_b is None:
            what = "left_out"
        elif shift_a == shift_b:
            what = "time"
        else:
            what = "shift" if crew_a == crew_b else "crew"
        yield VisitChange(visit.id, what, crew_a, crew_b, shift_a, shift_b, start_a, start_b)


def _begins(plan: Plan) -> dict[str, tuple[str, int]]:
    return {stop.visit: (route.shift, stop.start) for route in plan.routes for stop in route.stops}
