"""The instances of the bench: the same everywhere, accepted, and plannable without breaking a rule."""

import hashlib
import json
from pathlib import Path

import pytest

from benchmarks import days, vrptw
from benchmarks.vrptw import FileRefused
from optimizer.check import check
from optimizer.codec import read_problem, write_problem
from optimizer.naive import naive
from optimizer.problem import After, DifferentCrew, Problem, SameCrew, Together, Window

TINY = """T3

VEHICLE
NUMBER     CAPACITY
  2         10

CUSTOMER
CUST NO.  XCOORD.   YCOORD.    DEMAND   READY TIME  DUE DATE   SERVICE TIME

    0      0          0          0          0        100          0
    1      3          4          6          5         20          2
    2      1          1          5          0         90          3
    3      0          7          4         30         40          1
"""


def fingerprint(problem: Problem) -> str:
    """A hash over the whole document."""
    return hashlib.sha256(write_problem(problem).encode()).hexdigest()[:16]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("plain", "31b088d4924538bf"),
        ("hard", "5a12ae230a9c58d3"),
        ("soft", "8295208d95fb1ea2"),
        ("linked", "f389d0a4ac1278d1"),
        ("replanned", "f4de8fa6fa9e0002"),
        ("week", "6812b47ac335c73d"),
        ("week7", "c10e18eaf2d85074"),
    ],
)
def test_a_made_up_day_is_the_same_on_every_machine(kind: str, expected: str) -> None:
    assert fingerprint(days.made(kind, 100, 1).problem) == expected


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("c1", "fd27ce9febbe899d"), ("rc2", "524db84e2648ae48"), ("r1", "5d282bff1e0935a3")],
)
def test_a_made_up_vrptw_is_the_same_on_every_machine(kind: str, expected: str) -> None:
    assert fingerprint(vrptw.made(kind, 50, 1).problem) == expected


@pytest.mark.parametrize("kind", days.KINDS)
@pytest.mark.parametrize(("size", "seed"), [(8, 3), (50, 1)])
def test_every_made_up_day_is_accepted_and_the_rule_of_thumb_keeps_its_rules(
    kind: str, size: int, seed: int
) -> None:
    problem = days.made(kind, size, seed).problem

    assert read_problem(write_problem(problem)) == problem
    assert len(problem.visits) == size
    report = check(problem, naive(problem))
    assert report.ok, report.violations


@pytest.mark.parametrize("kind", vrptw.TYPES)
def test_every_made_up_vrptw_is_accepted_and_each_customer_can_be_served(kind: str) -> None:
    problem = vrptw.made(kind, 40, 2).problem

    assert read_problem(write_problem(problem)) == problem
    plan = naive(problem)
    assert check(problem, plan).ok
    assert {entry.reason for entry in plan.unserved} <= {"capacity", "cost"}


def test_another_seed_is_another_day() -> None:
    assert days.made("hard", 50, 1).problem != days.made("hard", 50, 2).problem


@pytest.mark.parametrize("kind", days.KINDS)
def test_about_one_visit_in_a_hundred_is_beyond_every_crew(kind: str) -> None:
    problem = days.made(kind, 200, 1).problem

    beyond = [visit for visit in problem.visits if "tower" in visit.skills]
    assert len(beyond) == 2
    assert not any("tower" in crew.skills for crew in problem.crews)


def test_each_kind_of_day_has_what_its_name_says() -> None:
    plain, hard, soft, linked, replanned, week, week7 = (
        days.made(kind, 100, 1).problem for kind in days.KINDS
    )

    assert not any(shift.breaks for shift in plain.shifts)
    assert all(shift.breaks for shift in hard.shifts)
    assert len({shift.from_ for shift in hard.shifts}) > 1
    assert any(visit.due is not None and visit.late_cost for visit in soft.visits)
    assert any(visit.preferred_crews for visit in soft.visits)
    assert all(shift.max_overtime and shift.use_cost for shift in soft.shifts)
    kinds = {type(relation) for relation in linked.relations}
    assert kinds == {After, Together, SameCrew, DifferentCrew}
    assert replanned.incumbent is not None
    assert replanned.weights.change == 900
    gone = {route.shift for route in replanned.incumbent.routes}
    assert gone - {shift.id for shift in replanned.shifts}
    assert len(week.shifts) == 3 * len(week.crews)
    assert len(week7.shifts) == 7 * len(week7.crews)


def test_an_unknown_kind_of_day_is_refused() -> None:
    with pytest.raises(ValueError, match="kind must be one of"):
        days.made("rainy", 50, 1)


def test_a_vrptw_file_becomes_a_problem_in_tenths() -> None:
    problem = vrptw.problem_from(TINY)

    assert problem.travel.seconds[0] == (0, 50, 14, 70)  # type: ignore[union-attr]
    assert [(shift.start, shift.end, shift.stock) for shift in problem.shifts] == [
        (0, 1000, {"load": 10})
    ] * 2
    first, *_ = problem.visits
    assert (first.duration, first.windows, first.parts) == (20, (Window(50, 200),), {"load": 6})
    plan = naive(problem)
    assert not plan.unserved
    assert plan.cost.total == plan.cost.travel


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("    2      1 ", "    2      x ", "line 12 is no row"),
        ("    2      1 ", "    9      1 ", "line 12 should be customer 2"),
        ("  2         10", "  2", "line 5 is no row"),
        ("          3\n", "\n", "line 12 is no row"),
    ],
)
def test_a_faulty_vrptw_file_is_refused_by_its_line(old: str, new: str, said: str) -> None:
    with pytest.raises(FileRefused, match=said):
        vrptw.problem_from(TINY.replace(old, new, 1))


def test_a_text_without_customers_is_refused() -> None:
    with pytest.raises(FileRefused, match="no vehicles or no customers"):
        vrptw.problem_from("nothing here\n")


def test_a_folder_is_read_with_its_best_known_costs(tmp_path: Path) -> None:
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "T3.txt").write_text(TINY)
    (tmp_path / "best_known.json").write_text(json.dumps({"small/T3.txt": {"cost_x10": 175}}))

    (named,) = vrptw.read_folder(tmp_path)

    assert (named.name, named.size, named.best_known) == ("t3", 3, 175)


def test_a_faulty_file_in_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.txt").write_text("1 2 3\n")

    with pytest.raises(FileRefused, match=r"broken\.txt: line 1"):
        vrptw.read_folder(tmp_path)
