"""VROOM's JSON in and out: what is read, what is written, and what is refused by its path."""

import contextlib
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from optimizer.check import check
from optimizer.plan import Plan
from optimizer.problem import (
    After,
    Break,
    Crew,
    Incumbent,
    Pin,
    Problem,
    ProblemError,
    Weights,
    Window,
)
from optimizer.solve import Limits, solve
from optimizer.vroom import plan_to_vroom, problem_from_vroom, problem_to_vroom
from tests.optimizer.builders import problem, shift, visit

DOCUMENT: dict[str, Any] = {
    "vehicles": [
        {
            "id": 7,
            "description": "Lin",
            "start_index": 0,
            "end_index": 0,
            "capacity": [2],
            "skills": [3],
            "time_window": [28_800, 61_200],
            "breaks": [{"id": 1, "time_windows": [[41_400, 46_800]], "service": 3600}],
            "costs": {"fixed": 500},
            "max_tasks": 5,
        }
    ],
    "jobs": [
        {
            "id": 11,
            "location_index": 1,
            "setup": 300,
            "service": 600,
            "delivery": [1],
            "time_windows": [[30_000, 32_000], [50_000, 52_000]],
        },
        {
            "id": 12,
            "location_index": 1,
            "setup": 300,
            "service": 600,
            "skills": [3],
            "time_windows": [[50_000, 52_000]],
        },
        {
            "id": 13,
            "location_index": 2,
            "service": 600,
            "delivery": [2],
            "priority": 10,
            "time_windows": [[30_000, 31_000]],
        },
        {"id": 14, "location_index": 2, "service": 600, "skills": [4], "description": "live"},
    ],
    "matrices": {"car": {"durations": [[0, 600, 900], [600, 0, 400], [900, 400, 0]]}},
}


def changed(path: str, value: object) -> dict[str, Any]:
    """The document with one key set; the path is written as an error message writes it."""
    document = deepcopy(DOCUMENT)
    at: Any = document
    *keys, last = path.replace("[", ".").replace("]", "").split(".")
    for key in keys:
        at = at[int(key)] if isinstance(at, list) else at[key]
    at[int(last) if isinstance(at, list) else last] = value
    return document


def planned(given: Problem) -> Plan:
    """A plan of it that the judge accepts."""
    plan = solve(given, Limits(iterations=50))
    assert check(given, plan).ok
    return plan


def test_vehicles_become_crews_with_a_shift_and_jobs_visits() -> None:
    given = problem_from_vroom(DOCUMENT)

    (crew,), (only,) = given.crews, given.shifts
    assert (crew.id, crew.skills, crew.profile) == ("7", {"3": 1}, "car")
    assert (only.start, only.end, only.from_, only.to) == (28_800, 61_200, "0", "0")
    assert (only.stock, only.use_cost, only.max_visits) == ({"0": 2}, 500, 5)
    assert only.breaks == (Break("1", 41_400, 46_800, 3600),)
    first, _, third, _ = given.visits
    assert first.windows == (Window(30_000, 32_000), Window(50_000, 52_000))
    assert (first.setup, first.duration, first.parts) == (300, 600, {"0": 1})
    assert third.unserved_cost == 11 * first.unserved_cost


def test_the_answer_speaks_of_the_documents_ids_and_descriptions() -> None:
    given = problem_from_vroom(DOCUMENT)

    answer = plan_to_vroom(given, planned(given))

    assert answer["code"] == 0
    assert {entry["id"] for entry in answer["unassigned"]} == {11, 14}
    assert answer["unassigned"][1]["description"] == "live"
    (route,) = answer["routes"]
    assert (route["vehicle"], route["description"]) == (7, "Lin")
    kinds = [step["type"] for step in route["steps"]]
    assert (kinds[0], kinds[-1], sorted(kinds[1:-1])) == ("start", "end", ["break", "job", "job"])
    assert {step["id"] for step in route["steps"] if step["type"] == "job"} == {12, 13}
    assert route["cost"] == 600 + 400 + 900 + 500
    assert route["steps"][-1]["duration"] == route["duration"] == 1900


def test_the_times_of_the_steps_add_up_to_the_route() -> None:
    given = problem_from_vroom(DOCUMENT)

    (route,) = plan_to_vroom(given, planned(given))["routes"]

    for before, step in zip(route["steps"], route["steps"][1:], strict=False):
        left = before["arrival"] + before["setup"] + before["service"] + before["waiting_time"]
        assert step["arrival"] >= left + step["duration"] - before["duration"]
    assert route["setup"] == 300
    assert route["service"] == 2 * 600 + 3600


def test_unix_timestamps_come_back_as_they_went_in() -> None:
    day = 1_770_000_000
    document = changed("vehicles[0].time_window", [day + 28_800, day + 61_200])
    document["vehicles"][0]["breaks"] = []
    for job in document["jobs"]:
        job["time_windows"] = [[day + 30_000, day + 32_000]]

    given = problem_from_vroom(document)
    (route,) = plan_to_vroom(given, planned(given))["routes"]

    assert given.start == datetime.fromtimestamp(day + 28_800, UTC)
    assert given.shifts[0].start == 0
    assert route["steps"][0]["arrival"] >= day + 28_800
    assert problem_to_vroom(given)["vehicles"][0]["time_window"] == [day + 28_800, day + 61_200]


def test_coordinates_without_matrices_are_driven_to_by_estimate() -> None:
    document = {
        "vehicles": [{"id": 1, "start": [113.67, 22.8], "end": [113.67, 22.8]}],
        "jobs": [{"id": 1, "location": [113.7, 22.82], "service": 60}],
    }

    given = problem_from_vroom(document)
    (route,) = plan_to_vroom(given, planned(given))["routes"]

    assert [(place.lat, place.lon) for place in given.places] == [(22.8, 113.67), (22.82, 113.7)]
    assert route["steps"][1]["location"] == [113.7, 22.82]
    assert route["duration"] > 0


def test_what_is_written_is_read_back_as_the_same_work() -> None:
    given = problem_from_vroom(DOCUMENT)

    again = problem_from_vroom(problem_to_vroom(given))

    assert [visit.id for visit in again.visits] == [visit.id for visit in given.visits]
    assert [visit.windows for visit in again.visits] == [visit.windows for visit in given.visits]
    assert again.travel == given.travel
    assert again.shifts[0].breaks == given.shifts[0].breaks
    assert again.meta == given.meta


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("jobs[1].location_index", 3),
        ("jobs[1].location_index", "1"),
        ("jobs[0].priority", 101),
        ("jobs[0].service", -1),
        ("jobs[0].time_windows[1]", [5, 4]),
        ("jobs[0].time_windows[0]", [5]),
        ("jobs[0].delivery[0]", 1.0),
        ("jobs[1].pickup", [1]),
        ("jobs[1].id", 11),
        ("jobs[1].service_per_type", {"a": 1}),
        ("jobs[1].colour", "red"),
        ("vehicles[0].steps", []),
        ("vehicles[0].speed_factor", 0),
        ("vehicles[0].profile", "bike"),
        ("vehicles[0].max_tasks", -1),
        ("vehicles[0].max_distance", 9),
        ("vehicles[0].costs.per_hour", 100),
        ("vehicles[0].costs.per_km", 1),
        ("vehicles[0].breaks[0].time_windows", [[0, 1], [2, 3]]),
        ("vehicles[0].breaks[0].service", "long"),
        ("matrices.car.durations[1]", [600, 0]),
        ("matrices.car.costs", []),
        ("shipments[0]", {}),
        ("servers", {}),
    ],
)
def test_a_faulty_document_is_refused_by_the_path_of_its_key(path: str, value: object) -> None:
    document = changed(path, value) if path != "shipments[0]" else {**DOCUMENT, "shipments": [{}]}

    with pytest.raises(ProblemError) as refusal:
        problem_from_vroom(document)

    assert refusal.value.path == path


def paths(at: Any, path: str = "") -> list[str]:
    """The path of everything in a document."""
    keys = at.items() if isinstance(at, dict) else enumerate(at) if isinstance(at, list) else ()
    found = []
    for key, item in keys:
        here = f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}".lstrip(".")
        found += [here, *paths(item, here)]
    return found


@pytest.mark.parametrize(
    "junk", [None, True, -1, 1.5, float("nan"), 10**30, "", [], [[]], {}, {"a": 1}]
)
def test_junk_anywhere_is_refused_or_read_but_never_crashes(junk: object) -> None:
    refused = []
    for path in paths(DOCUMENT):
        with contextlib.suppress(ProblemError):
            problem_from_vroom(changed(path, junk))
            continue
        refused.append(path)

    assert "matrices.car.durations[0]" in refused
    assert "jobs[0]" in refused


@pytest.mark.parametrize("key", ["vehicles", "jobs"])
def test_a_missing_list_is_named(key: str) -> None:
    with pytest.raises(ProblemError) as refusal:
        problem_from_vroom({name: item for name, item in DOCUMENT.items() if name != key})

    assert refusal.value.path == key


def test_a_vehicle_without_a_start_is_refused() -> None:
    document = deepcopy(DOCUMENT)
    del document["vehicles"][0]["start_index"]

    with pytest.raises(ProblemError, match="sets out from a place"):
        problem_from_vroom(document)


def test_levels_crew_sizes_and_who_may_go_become_skills() -> None:
    crews = (Crew("C", skills={"hv": 2}, members=2), Crew("D", skills={"hv": 1}))
    shifts = (shift("S", "C"), shift("T", "D"))
    visits = (
        visit("low", skills={"hv": 1}),
        visit("high", skills={"hv": 2}),
        visit("two", members=2),
        visit("d only", allowed_crews=("D",)),
        visit("not d", forbidden_crews=("D",)),
        visit("pinned", pinned=Pin("T", 500)),
    )

    document = problem_to_vroom(problem(*visits, shifts=shifts, crews=crews))

    has = [set(vehicle["skills"]) for vehicle in document["vehicles"]]
    able = {
        job["description"]: [set(job["skills"]) <= one for one in has] for job in document["jobs"]
    }
    assert able == {
        "low": [True, True],
        "high": [True, False],
        "two": [True, False],
        "d only": [False, True],
        "not d": [True, False],
        "pinned": [False, True],
    }
    assert document["jobs"][-1]["time_windows"] == [[500, 500]]


def test_a_crews_pace_becomes_a_vehicle_type() -> None:
    document = problem_to_vroom(
        problem(visit(setup=101), crews=(Crew("C", service_factor=1.5),), shifts=(shift(),))
    )

    kind = document["vehicles"][0]["type"]
    assert document["jobs"][0]["service_per_type"] == {kind: 450}
    assert document["jobs"][0]["setup_per_type"] == {kind: 152}


def test_priorities_keep_the_order_of_what_leaving_out_costs() -> None:
    costs = (0, 10_000, 50_000, 200_000_000)
    document = problem_to_vroom(problem(*(visit(f"V{cost}", unserved_cost=cost) for cost in costs)))

    priorities = [job["priority"] for job in document["jobs"]]
    assert priorities == sorted(priorities)
    assert (priorities[0], priorities[1], priorities[-1]) == (0, 1, 100)


@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("relations[0]", problem(visit("A"), visit("B"), relations=(After("A", "B"),))),
        ("visits[0].due", problem(visit(due=5, late_cost=1))),
        (
            "visits[0].preferred_crews",
            problem(visit(preferred_crews=("C",)), weights=Weights(not_preferred=1)),
        ),
        ("visits[0].windows[0]", problem(visit(windows=(Window(-5, 5),)))),
        ("weights.work", problem(visit(), weights=Weights(work=1))),
        ("weights.change", problem(visit(), weights=Weights(change=1), incumbent=Incumbent())),
        ("shifts[0].max_overtime", problem(visit(), shifts=(shift(max_overtime=60),))),
        ("shifts[0].start", problem(visit(), shifts=(shift(start=-60),))),
        (
            "shifts[0].breaks[0]",
            problem(visit(), shifts=(shift(breaks=(Break("B", 0, 9_990, 60),)),)),
        ),
    ],
)
def test_what_vroom_cannot_say_is_refused_by_its_path(path: str, given: Problem) -> None:
    with pytest.raises(ProblemError) as refusal:
        problem_to_vroom(given)

    assert refusal.value.path == path


def test_a_problem_of_ours_is_answered_with_positions_and_our_names() -> None:
    given = problem(visit("lamp"), visit("pole", skills={"hv": 1}))
    given = replace(given, shifts=(shift("early"),))

    answer = plan_to_vroom(given, planned(given))

    assert answer["unassigned"][0]["id"] == 2
    assert answer["unassigned"][0]["description"] == "pole"
    assert answer["routes"][0]["description"] == "early"
    assert answer["summary"]["duration"] == 1200
