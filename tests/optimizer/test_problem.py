"""What a problem refuses when it is made, wherever it is made from."""

import copy
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from optimizer.problem import (
    After,
    Break,
    Crew,
    DifferentCrew,
    Estimate,
    FrozenDict,
    Incumbent,
    IncumbentRoute,
    Matrix,
    Pin,
    Place,
    ProblemError,
    Profiles,
    SameCrew,
    Together,
    Weights,
    Window,
)
from tests.optimizer.builders import START, problem, shift, visit

REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "an empty id": (lambda: Crew(""), "id"),
    "a boolean as a number": (lambda: Crew("C", members=True), "members"),
    "a crew of nobody": (lambda: Crew("C", members=0), "members"),
    "a level below 1": (lambda: Crew("C", {"HV": 0}), "skills.HV"),
    "a level of 1.0": (lambda: Crew("C", {"HV": 1.0}), "skills.HV"),  # type: ignore[dict-item]
    "a factor of zero": (lambda: Crew("C", travel_factor=0), "travel_factor"),
    "an infinite factor": (lambda: Crew("C", service_factor=float("inf")), "service_factor"),
    "a factor that is no number": (lambda: Crew("C", service_factor=float("nan")),
                                   "service_factor"),
    "a latitude beyond the pole": (lambda: Place("A", 91, 0), "lat"),
    "half a position": (lambda: Place("A", lat=22.5), "lon"),
    "a row that is too short": (lambda: Matrix(((0, 1), (0,))), "seconds[1]"),
    "a way of negative length": (lambda: Matrix(((0, -1), (1, 0))), "seconds[0][1]"),
    "a way from a place to itself": (lambda: Matrix(((0, 1), (1, 7))), "seconds[1][1]"),
    "metres of another size": (lambda: Matrix(((0,),), ((0, 0), (0, 0))), "metres"),
    "a speed of zero": (lambda: Estimate(speed_kmh=0), "speed_kmh"),
    "a negative overhead": (lambda: Estimate(overhead=-1), "overhead"),
    "a time beyond three years": (lambda: shift(end=100_000_001), "end"),
    "a shift that ends before it starts": (lambda: shift(start=5, end=4), "end"),
    "a negative stock": (lambda: shift(stock={"fuse": -1}), "stock.fuse"),
    "a break that is late before it is early": (lambda: Break("b", 2, 1, 0), "latest"),
    "a break before the shift": (lambda: shift(start=10, breaks=(Break("b", 0, 9, 5),)),
                                 "breaks[0].latest"),
    "a break id twice": (lambda: shift(breaks=(Break("b", 0, 9, 5), Break("b", 0, 9, 5))),
                         "breaks[1].id"),
    "a window that closes first": (lambda: visit(windows=((0, 5), (9, 8))), "windows[1]"),
    "a window of three numbers": (lambda: visit(windows=((0, 5, 6),)), "windows[0]"),
    "a negative duration": (lambda: visit(duration=-1), "duration"),
    "a cost beyond the limit": (lambda: visit(unserved_cost=1_000_000_001), "unserved_cost"),
    "a negative part": (lambda: visit(parts={"fuse": -1}), "parts.fuse"),
    "a crew named twice": (lambda: visit(allowed_crews=("C", "C")), "allowed_crews[1]"),
    "a pin to a fraction": (lambda: Pin("S", 1.5), "start"),  # type: ignore[arg-type]
    "a visit after itself": (lambda: After("V", "V"), "second"),
    "a gap that is shorter at most than at least": (lambda: After("V", "W", 5, 4), "max_gap"),
    "a relation of one visit": (lambda: Together(("V",)), "visits"),
    "a visit twice in a relation": (lambda: SameCrew(("V", "V")), "visits[1]"),
    "a negative weight": (lambda: Weights(travel=-1), "travel"),
    "a start without an offset": (lambda: problem(start=datetime(2026, 3, 2)), "start"),
    "a start with a fraction": (lambda: problem(start=START.replace(microsecond=1)), "start"),
    "a start at the end of time": (lambda: problem(start=START.replace(year=9999)), "start"),
    "a visit id twice": (lambda: problem(visit(), visit()), "visits[1].id"),
    "a crew id twice": (lambda: problem(crews=(Crew("C"), Crew("C"))), "crews[1].id"),
    "an unknown place of a visit": (lambda: problem(visit(place="moon")), "visits[0].place"),
    "an unknown crew of a shift": (lambda: problem(crews=()), "shifts[0].crew"),
    "an unknown start place": (lambda: problem(shifts=(shift(from_="moon"),)), "shifts[0].from"),
    "an unknown end place": (lambda: problem(shifts=(shift(to="moon"),)), "shifts[0].to"),
    "an unknown crew that is allowed": (lambda: problem(visit(allowed_crews=("X",))),
                                        "visits[0].allowed_crews[0]"),
    "an unknown crew that is forbidden": (lambda: problem(visit(forbidden_crews=("C", "X"))),
                                          "visits[0].forbidden_crews[1]"),
    "an unknown crew that is preferred": (lambda: problem(visit(preferred_crews=("X",))),
                                          "visits[0].preferred_crews[0]"),
    "a pin to an unknown shift": (lambda: problem(visit(pinned=Pin("X"))),
                                  "visits[0].pinned.shift"),
    "an unknown first visit": (lambda: problem(visit("W"), relations=(After("X", "W"),)),
                               "relations[0].first"),
    "an unknown visit in a relation": (
        lambda: problem(visit("V"), relations=(DifferentCrew(("V", "X")),)),
        "relations[0].visits[1]"),
    "overlapping shifts of a crew": (
        lambda: problem(shifts=(shift("S1", end=9), shift("S2", start=8))), "shifts[1]"),
    "a matrix of another size": (lambda: problem(travel=Matrix(((0,),))), "travel.seconds"),
    "an estimate without positions": (lambda: problem(travel=Estimate()), "places[0].lat"),
    "a profile where travel has none": (lambda: problem(crews=(Crew("C", profile="van"),)),
                                        "crews[0].profile"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_nonsense_is_refused_with_its_path(what: str) -> None:
    make, path = REFUSED[what]

    with pytest.raises(ProblemError) as refusal:
        make()

    assert refusal.value.path == path


def test_the_message_says_where_and_what_would_be_right() -> None:
    with pytest.raises(ProblemError) as refusal:
        problem(visit(place="moon"))

    assert str(refusal.value) == "visits[0].place: 'moon' is no place of this problem"


def test_a_shift_may_begin_when_the_one_before_it_ends() -> None:
    shifts = (shift("S1", end=9), shift("S2", start=9))

    assert problem(shifts=shifts).shifts == shifts


def test_shifts_of_different_crews_may_overlap() -> None:
    assert len(problem(shifts=(shift("S1", "C1"), shift("S2", "C2"))).shifts) == 2


@pytest.mark.parametrize("length", [2, 3, 40])
def test_visits_that_wait_for_each_other_in_a_circle_are_refused(length: int) -> None:
    names = [f"V{i}" for i in range(length)]
    chain = tuple(After(a, b) for a, b in pairwise(names))
    aside = After(names[-1], "aside")
    visits = [visit(name) for name in [*names, "aside"]]
    problem(*visits, relations=(*chain, aside))

    with pytest.raises(ProblemError, match="closes a cycle") as refusal:
        problem(*visits, relations=(aside, *chain, After(names[-1], names[0])))

    assert refusal.value.path.startswith("relations[")
    assert refusal.value.path != "relations[0]"


def test_with_profiles_every_crew_names_one_that_exists() -> None:
    matrix = problem().travel
    assert isinstance(matrix, Matrix)
    travel = Profiles(FrozenDict({"van": matrix}))

    problem(crews=(Crew("C", profile="van"),), travel=travel)

    for profile in (None, "boat"):
        with pytest.raises(ProblemError) as refusal:
            problem(crews=(Crew("C", profile=profile),), travel=travel)
        assert refusal.value.path == "crews[0].profile"


def test_a_matrix_of_a_profile_is_refused_at_its_own_path() -> None:
    travel = Profiles(FrozenDict({"van": Matrix(((0,),))}))

    with pytest.raises(ProblemError) as refusal:
        problem(crews=(Crew("C", profile="van"),), travel=travel)

    assert refusal.value.path == "travel.profiles.van.seconds"


def test_the_plan_in_force_is_never_refused_for_what_is_gone_or_forbidden() -> None:
    routes = (IncumbentRoute("gone", ("V", "W")), IncumbentRoute("S", ("V",)))

    made = problem(visit(), incumbent=Incumbent(routes))

    assert made.incumbent is not None
    assert made.incumbent.shift_of() == {"V": "gone", "W": "gone"}


def test_a_pinned_start_stands_in_for_the_windows() -> None:
    assert visit(windows=((0, 9),)).begins == (Window(0, 9),)
    assert visit(windows=((0, 9),), pinned=Pin("S")).begins == (Window(0, 9),)
    assert visit(windows=((0, 9),), pinned=Pin("S", 20)).begins == (Window(20, 20),)


def test_nothing_of_a_problem_can_be_changed() -> None:
    made = problem(visit(skills={"HV": 2}), meta={"a": {"b": 1}})

    with pytest.raises(FrozenInstanceError):
        made.visits = ()  # type: ignore[misc]
    for mapping in (made.visits[0].skills, made.meta, made.meta["a"]):
        with pytest.raises(TypeError):
            mapping["x"] = 1  # type: ignore[index]


def test_what_a_problem_was_made_from_may_change_later() -> None:
    skills, meta = {"HV": 2}, {"a": [1]}
    made = problem(visit(skills=skills), meta=meta)

    skills["HV"] = 3
    meta["a"].append(2)

    assert made.visits[0].skills == {"HV": 2}
    assert made.meta == {"a": [1]}


def test_a_problem_travels_between_processes() -> None:
    made = problem(visit(skills={"HV": 2}, windows=((0, 9),), pinned=Pin("S")))

    assert pickle.loads(pickle.dumps(made)) == made
    assert copy.deepcopy(made) == made
    assert hash(made) == hash(replace(made))
