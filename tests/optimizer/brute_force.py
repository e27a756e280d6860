"""The least total that any plan of a small problem can have, proven, over the whole format.

One CP-SAT model holds every rule and every cost of the planning format, word by word: circuits of
optional visits, times as integers, breaks and drives that keep apart. It shares no code with the
search: travel and service seconds come from the checker's facts. CP-SAT proves the answer for
problems of up to 7 visits in some 30 ms, for the hardest of them in 0.5 s.
"""

from collections.abc import Sequence
from itertools import combinations

from ortools.sat.python import cp_model

from optimizer.plan import Plan
from optimizer.problem import (
    After,
    DifferentCrew,
    Problem,
    Relation,
    SameCrew,
    Together,
)
from tests.optimizer.routes_model import DEPOT, Day, Linear, Literal, RoutesModel
from tests.optimizer.written_out import Times, written_out


def cheapest(problem: Problem) -> Plan:
    """A plan of the least total; raise ArithmeticError when CP-SAT cannot prove it so."""
    plan = Model(problem).solved()
    if plan is None:
        raise ArithmeticError("CP-SAT found no plan, and every problem has one")
    return plan


class Model(RoutesModel):
    """The routes with what ties visits of several routes, and with every cost."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.costs: list[Linear] = []
        for relation in problem.relations:
            self._relate(relation)
        for day in self.days:
            self._price_the_day(day)
        self._price_the_visits()

    # Relations

    def _relate(self, relation: Relation) -> None:
        nodes = {stop.visit.id: node for node, stop in self.stops.items()}
        if isinstance(relation, After):
            first, second = self.stops[nodes[relation.first]], self.stops[nodes[relation.second]]
            self.model.add_implication(second.served, first.served)
            gap = second.start - first.end
            self.model.add(gap >= relation.min_gap).only_enforce_if(second.served)
            if relation.max_gap is not None:
                self.model.add(gap <= relation.max_gap).only_enforce_if(second.served)
            return
        members = [nodes[visit] for visit in relation.visits]
        for a, b in combinations(members, 2):
            one, other = self.stops[a], self.stops[b]
            if isinstance(relation, Together):
                self.model.add(one.served == other.served)
                self.model.add(one.start == other.start).only_enforce_if(one.served)
            for crew in self.facts.crews:
                here, there = self._by_crew(crew, a), self._by_crew(crew, b)
                if isinstance(relation, SameCrew):
                    both = [one.served, other.served]
                    self.model.add(sum(here) == sum(there)).only_enforce_if(both)
                if isinstance(relation, Together | DifferentCrew):
                    self.model.add(sum(here) + sum(there) <= 1)

    def _by_crew(self, crew: str, node: int) -> Sequence[Literal]:
        days = [day for day in self.days if day.shift.crew == crew]
        return [day.serves[node] for day in days if node in day.serves]

    # Costs

    def _price_the_day(self, day: Day) -> None:
        weights, shift, span = self.problem.weights, day.shift, self.last - self.first
        self.costs.append(weights.travel * self.travel(day))
        self.costs.append(shift.use_cost * day.used)
        if weights.overtime and shift.max_overtime:
            over = self.model.new_int_var(0, shift.max_overtime, f"{shift.id} overtime")
            self.model.add(over >= day.returns - shift.end).only_enforce_if(day.used)
            self.costs.append(weights.overtime * over)
        if weights.work:
            work = self.model.new_int_var(0, span, f"{shift.id} work")
            pauses = sum(pause.of.duration * pause.inside for pause in day.pauses)
            self.model.add(work >= day.returns - day.departs - pauses)
            self.costs.append(weights.work * work)

    def _price_the_visits(self) -> None:
        weights, incumbent = self.problem.weights, self.problem.incumbent
        before = {} if incumbent is None else incumbent.shift_of()
        for node, stop in self.stops.items():
            visit = stop.visit
            self.costs.append(visit.unserved_cost * (1 - stop.served))
            if visit.due is not None and visit.late_cost:
                late = self.model.new_int_var(0, max(0, self.last - visit.due), f"{visit.id} late")
                self.model.add(late >= stop.start - visit.due).only_enforce_if(stop.served)
                self.costs.append(visit.late_cost * late)
            for day in self.days:
                if visit.preferred_crews and day.shift.crew not in visit.preferred_crews:
                    self.costs.append(weights.not_preferred * day.serves.get(node, 0))
            if visit.id in before:
                stays = [d.serves.get(node, 0) for d in self.days if d.shift.id == before[visit.id]]
                self.costs.append(weights.change * (1 - sum(stays)))

    # The answer

    def solved(self) -> Plan | None:
        """A plan of the least total, None when the model has none; ArithmeticError without proof."""
        self.model.minimize(sum(self.costs))
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        # The linear relaxation of the circuits proves in milliseconds what clauses take seconds for.
        solver.parameters.linearization_level = 2
        status = solver.solve(self.model)
        if status == cp_model.INFEASIBLE:
            return None
        if status != cp_model.OPTIMAL:
            raise ArithmeticError(f"CP-SAT proved nothing: {solver.status_name(status)}")
        plan = written_out(self.problem, [self._times(day, solver) for day in self.days])
        proven = round(solver.objective_value)
        if plan.cost.total != proven:
            raise ArithmeticError(f"the plan costs {plan.cost.total}, CP-SAT proved {proven}")
        return plan

    def _times(self, day: Day, solver: cp_model.CpSolver) -> Times:
        after = {a: b for (a, b), taken in day.arcs.items() if solver.boolean_value(taken)}
        order, node = [], after.get(DEPOT, DEPOT)
        while node != DEPOT:
            order.append(self.stops[node])
            node = after[node]
        value = solver.value
        return Times(
            day.shift,
            value(day.departs),
            value(day.returns),
            [(s.visit, value(s.arrive), value(s.start), value(s.end)) for s in order],
            [(p.of, value(p.begin)) for p in day.pauses if solver.boolean_value(p.listed)],
        )
