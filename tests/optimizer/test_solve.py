"""Solve, then check: every plan keeps every rule, whatever the day."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence

import pytest

from benchmarks import days
from optimizer.check import check
from optimizer.codec import read_plan, write_problem
from optimizer.naive import naive
from optimizer.plan import Plan, same
from optimizer.problem import (
    After,
    Incumbent,
    IncumbentRoute,
    Pin,
    Problem,
    Relation,
    SameCrew,
    Together,
    Weights,
)
from optimizer.solve import Limits, Progress, solve
from tests.optimizer.builders import problem, shift, visit
from tests.optimizer.generate import random_problem


def solved(given: Problem, iterations: int = 20, seed: int = 0) -> Plan:
    """The plan after so many iterations, judged to be without fault."""
    result = solve(given, Limits(iterations=iterations), seed)
    assert_faultless(given, result)
    return result


def assert_faultless(given: Problem, judged: Plan) -> None:
    """Fail with what the checker says."""
    report = check(given, judged)
    assert not report.violations, [str(violation) for violation in report.violations]
    assert not report.figures, [str(figure) for figure in report.figures]


def served(result: Plan) -> set[str]:
    return {stop.visit for route in result.routes for stop in route.stops}


def begins(result: Plan) -> dict[str, int]:
    return {stop.visit: stop.start for route in result.routes for stop in route.stops}


@pytest.mark.parametrize("seeds", [range(start, start + 20) for start in range(0, 80, 20)])
def test_every_plan_of_a_random_problem_keeps_every_rule(seeds: Sequence[int]) -> None:
    for seed in seeds:
        solved(random_problem(seed), iterations=6, seed=seed)


def test_the_same_seed_and_iterations_give_the_same_plan() -> None:
    for seed in range(200, 205):
        given = random_problem(seed)
        one, other = (solve(given, Limits(iterations=30), seed=3) for _ in range(2))

        assert same(one, other)


def test_a_limit_of_time_that_nobody_reaches_changes_nothing_of_so_many_steps() -> None:
    given = days.made("hard", 100, 1).problem

    plans = [solve(given, Limits(seconds, 4_000), 5) for seconds in (None, 3600, 3600)]

    assert same(plans[0], plans[1])
    assert same(plans[1], plans[2])


def test_a_problem_without_visits_has_a_plan_without_routes() -> None:
    assert solved(problem()).routes == ()


def test_a_problem_without_shifts_leaves_everything_out() -> None:
    result = solved(problem(visit(), shifts=(), crews=()))

    assert [entry.visit for entry in result.unserved] == ["V"]
    assert result.cost.total == 10_000


def test_no_iterations_still_give_a_constructed_plan() -> None:
    assert served(solved(problem(visit("A"), visit("B", "far")), iterations=0)) == {"A", "B"}


def test_no_seconds_still_give_a_plan() -> None:
    given = problem(visit("A"), visit("B", "far"))

    result = solve(given, Limits(seconds=0))

    assert_faultless(given, result)
    assert served(result) == {"A", "B"}


def test_a_visit_worth_less_than_the_way_is_left_out() -> None:
    assert served(solved(problem(visit("A", unserved_cost=1199)))) == set()
    assert served(solved(problem(visit("A", unserved_cost=1200)))) == {"A"}


def test_a_first_that_does_not_pay_is_served_for_the_sake_of_its_second() -> None:
    first, second = visit("A", unserved_cost=0), visit("B", "far", unserved_cost=50_000)

    result = solved(problem(first, second, relations=(After("A", "B", 600, 900),)))

    assert 600 <= begins(result)["B"] - begins(result)["A"] - 300 <= 900


def test_visits_together_begin_at_the_same_second_on_different_crews() -> None:
    shifts = (shift("S1", "C1"), shift("S2", "C2", start=2000))
    given = problem(visit("A"), visit("B", "far"), relations=(Together(("A", "B")),), shifts=shifts)

    result = solved(given)

    assert len(result.routes) == 2
    assert begins(result)["A"] == begins(result)["B"] >= 2600


def test_visits_together_are_left_out_together() -> None:
    given = problem(visit("A"), visit("B"), relations=(Together(("A", "B")),))

    result = solved(given)

    assert [entry.reason for entry in result.unserved] == ["relation", "relation"]


@pytest.mark.parametrize("relations", [(), (After("A", "B"),), (SameCrew(("A", "C")),)])
def test_a_shift_is_used_for_visits_that_pay_for_it_only_together(
    relations: tuple[Relation, ...],
) -> None:
    visits = [visit(id, unserved_cost=1000) for id in "ABC"]
    dear = problem(*visits, shifts=(shift(use_cost=1700),), relations=relations)
    too_dear = problem(*visits, shifts=(shift(use_cost=1900),), relations=relations)

    assert served(solved(dear, 2000)) == {"A", "B", "C"}
    assert served(solved(too_dear, 2000)) == set()


def test_a_long_way_is_gone_for_visits_that_pay_for_it_only_together() -> None:
    far = [visit(id, "far", unserved_cost=500) for id in "BC"]

    assert served(solved(problem(visit("A"), *far), 2000)) == {"A", "B", "C"}
    assert served(solved(problem(visit("A"), far[0]), 2000)) == {"A"}


def test_a_pinned_visit_begins_at_its_second_outside_its_windows() -> None:
    given = problem(visit("A", windows=((0, 700),), pinned=Pin("S", 4000)))

    assert begins(solved(given)) == {"A": 4000}


def test_a_small_gain_does_not_move_a_visit_of_the_plan_in_force() -> None:
    shifts = (shift("S1", "C1", use_cost=100), shift("S2", "C2"))
    incumbent = Incumbent((IncumbentRoute("S1", ("A",)),))
    given = problem(visit("A"), shifts=shifts, incumbent=incumbent, weights=Weights(change=900))

    assert solved(given).routes[0].shift == "S1"


def test_a_plan_in_force_that_breaks_rules_is_repaired() -> None:
    incumbent = Incumbent((IncumbentRoute("S", ("A", "B", "gone")), IncumbentRoute("lost", ("C",))))
    visits = (visit("A", skills={"hv": 1}), visit("B"), visit("C", "far"))

    assert served(solved(problem(*visits, incumbent=incumbent))) == {"B", "C"}


def test_the_search_is_never_dearer_than_the_rule_of_thumb() -> None:
    for seed in range(300, 320):
        given = random_problem(seed)
        if not given.relations:
            result = solve(given, Limits(iterations=40), seed)

            assert result.cost.total <= naive(given).cost.total


def test_progress_tells_of_falling_costs_down_to_that_of_the_plan() -> None:
    told: list[Progress] = []
    given = problem(*(visit(f"V{i}", "far" if i % 2 else "near") for i in range(6)))

    result = solve(given, Limits(iterations=20), progress=told.append)

    totals = [progress.total for progress in told]
    assert totals == sorted(totals, reverse=True)
    assert totals[-1] == result.cost.total
    assert [total for _, total in result.search["trace"]] == totals


def test_a_search_told_to_stop_answers_with_a_plan() -> None:
    given = problem(visit("A"))

    result = solve(given, Limits(seconds=60), stop=lambda: True)

    assert_faultless(given, result)


@pytest.mark.parametrize(
    "limits", [{"seconds": -1.0}, {"seconds": float("nan")}, {"iterations": -1}]
)
def test_limits_below_nothing_are_refused(limits: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be 0 or more"):
        Limits(**limits)  # type: ignore[arg-type]


def test_an_unknown_engine_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="engine must be one of"):
        solve(problem(), Limits(iterations=1), engine="magic")


def run(document: str, *options: str) -> subprocess.CompletedProcess[str]:
    """The optimizer's process on this document."""
    command = [sys.executable, "-m", "optimizer", *options]
    return subprocess.run(command, input=document, capture_output=True, text=True, check=False)


def test_the_process_writes_a_plan_and_its_progress() -> None:
    given = problem(visit("A"))

    ended = run(write_problem(given), "--iterations", "5", "--seed", "2")

    assert ended.returncode == 0
    assert_faultless(given, read_plan(ended.stdout))
    lines = [json.loads(line) for line in ended.stderr.splitlines()]
    assert set(lines[-1]) == {"seconds", "iterations", "total", "served"}
    assert (lines[-1]["total"], lines[-1]["served"]) == (1200, 1)


def test_the_process_refuses_a_faulty_document_by_its_path() -> None:
    ended = run('{"version": 1}')

    assert ended.returncode == 2
    assert ended.stderr == "start: is required\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_process_with_the_best_plan_so_far(number: signal.Signals) -> None:
    given = problem(*(visit(f"V{i}", "far" if i % 2 else "near") for i in range(12)))
    command = [sys.executable, "-m", "optimizer", "--seconds", "600"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        assert process.stdout is not None
        process.stdin.write(write_problem(given))
        process.stdin.close()
        process.stderr.readline()  # the search has begun
        os.kill(process.pid, number)
        result = process.stdout.read()

    assert process.returncode == 0
    assert_faultless(given, read_plan(result))


def test_a_plan_states_the_bound_that_was_proven() -> None:
    given = problem(*(visit(f"V{i}", "far" if i % 2 else "near") for i in range(6)))

    result = solve(given, Limits(iterations=200), bound_seconds=30)

    assert_faultless(given, result)
    assert result.bound == result.cost.total
    assert result.search["bound"]["closed"]


def test_routes_of_the_bound_change_no_plan_that_a_number_of_iterations_made() -> None:
    for seed in range(330, 336):
        given = random_problem(seed)
        without = solve(given, Limits(iterations=5), seed)

        result = solve(given, Limits(iterations=5), seed, bound_seconds=5)

        assert_faultless(given, result)
        assert result.routes == without.routes


def test_routes_of_the_bound_may_make_a_plan_better() -> None:
    for seed in range(336, 342):
        given = random_problem(seed)
        without = solve(given, Limits(seconds=0), seed)

        result = solve(given, Limits(seconds=0), seed, bound_seconds=2)

        assert_faultless(given, result)
        assert result.bound is not None
        assert result.bound <= result.cost.total <= without.cost.total


def test_routing_is_there_as_another_engine() -> None:
    for seed in range(320, 326):
        given = random_problem(seed)

        result = solve(given, Limits(iterations=10), seed, engine="routing")

        assert_faultless(given, result)
        assert result.search["engine"] == "routing"


def test_the_choice_of_cp_sat_can_be_switched_off() -> None:
    given = problem(*(visit(f"V{i}", "far" if i % 2 else "near") for i in range(6)))

    result = solve(given, Limits(iterations=200), choice=False)

    assert result.search["choice_gained"] == 0
    assert result.search["chosen_from"] == 0


def test_no_worker_is_refused() -> None:
    with pytest.raises(ValueError, match="workers must be 1 or more"):
        solve(problem(), Limits(iterations=1), workers=0)
