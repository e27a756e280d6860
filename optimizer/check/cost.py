"""What a plan costs, recomputed term by term from the problem."""

from optimizer.check import route as routes_of
from optimizer.check.facts import Facts
from optimizer.check.plan import Served
from optimizer.plan import Cost, Route
from optimizer.problem import Shift


def recomputed_cost(facts: Facts, routes: list[tuple[str, Shift, Route]], served: Served) -> Cost:
    """The cost of known routes with known visits, points; each term is weighted."""
    weights = facts.problem.weights
    visits = facts.problem.visits
    terms = {
        "travel": weights.travel * sum(routes_of.travel(facts, s, r) for _, s, r in routes),
        "work": weights.work * sum(routes_of.working(s, r) for _, s, r in routes),
        "overtime": weights.overtime * sum(routes_of.overtime(s, r) for _, s, r in routes),
        "late": sum(
            visit.late_cost * max(0, served.stop[visit.id].start - visit.due)
            for visit in visits
            if visit.due is not None and visit.id in served.stop
        ),
        "unserved": sum(visit.unserved_cost for visit in visits if visit.id not in served.stop),
        "not_preferred": weights.not_preferred * _not_preferred(facts, served),
        "change": weights.change * _changed(facts, served),
        "use": sum(shift.use_cost for _, shift, _ in routes),
    }
    return Cost(total=sum(terms.values()), **terms)


def _not_preferred(facts: Facts, served: Served) -> int:
    return sum(
        visit.id in served.stop and served.crew(visit.id) not in visit.preferred_crews
        for visit in facts.problem.visits
        if visit.preferred_crews
    )


def _changed(facts: Facts, served: Served) -> int:
    """Visits of the plan in force that are now left out or on another shift."""
    incumbent = facts.problem.incumbent
    before = {} if incumbent is None else incumbent.shift_of()
    return sum(
        visit not in served.shift or served.shift[visit].id != shift
        for visit, shift in before.items()
        if visit in facts.visits
    )
