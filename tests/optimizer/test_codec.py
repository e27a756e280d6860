"""Reading and writing the planning format."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.codec import (
    plan_document,
    plan_from,
    problem_document,
    problem_from,
    read_plan,
    read_problem,
    write_plan,
    write_problem,
)
from optimizer.plan import REASONS, Cost, Plan, Route, Stop, TakenBreak, Unserved, same
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
    Problem,
    ProblemError,
    Profiles,
    SameCrew,
    Together,
    Visit,
    Weights,
)
from tests.optimizer.builders import FREE, START, left_out, plan, problem, route, shift, visit

SMALL: dict[str, Any] = {
    "version": 1,
    "start": "2026-03-02T00:00:00+08:00",
    "places": [{"id": "depot", "lat": 22.8, "lon": 113.6}, {"id": "A", "lat": 22.9, "lon": 113.7}],
    "travel": {"estimate": {"speed_kmh": 30, "detour": 1.35, "overhead": 60}},
    "crews": [{"id": "C", "skills": {"HV": 2}}],
    "shifts": [{"id": "S", "crew": "C", "start": 0, "end": 100, "from": "depot",
                "breaks": [{"id": "b", "earliest": 1, "latest": 2, "duration": 3}]}],
    "visits": [{"id": "V", "place": "A", "duration": 9, "unserved_cost": 5, "windows": [[0, 9]]},
               {"id": "W", "place": "A", "duration": 9, "unserved_cost": 5}],
    "relations": [{"type": "after", "first": "V", "second": "W"}],
    "incumbent": {"routes": [{"shift": "S", "stops": [{"visit": "V"}]}]},
}  # fmt: skip
"""A small problem as a document."""

MADE = problem(visit(), visit("W", place="far"))
PLAN = plan(MADE, route(("V", 600, 600, 900), returns=1500), unserved=(left_out("W", "cost"),))


def changed(keys: str, value: Any, document: dict[str, Any] = SMALL) -> dict[str, Any]:
    """The document with another value at a dotted path such as `visits.0.windows`."""
    copied: dict[str, Any] = json.loads(json.dumps(document))
    *parents, last = keys.split(".")
    at: Any = copied
    for key in parents:
        at = at[int(key)] if isinstance(at, list) else at[key]
    at[int(last) if isinstance(at, list) else last] = value
    return copied


def path_of_refusal(read: Callable[[Any], object], document: Any) -> str:
    with pytest.raises(ProblemError) as refusal:
        read(document)
    assert str(refusal.value)
    return refusal.value.path


def test_a_small_document_makes_the_problem_it_says() -> None:
    made = problem_from(SMALL)

    assert made.start == START
    assert made.travel == Estimate(30, 1.35, 60)
    assert made.crews == (Crew("C", {"HV": 2}),)
    assert made.shifts[0].from_ == "depot"
    assert made.shifts[0].breaks == (Break("b", 1, 2, 3),)
    assert made.visits[0] == Visit("V", "A", 9, 5, windows=((0, 9),))  # type: ignore[arg-type]
    assert made.relations == (After("V", "W"),)
    assert made.weights == Weights(1, 0, 2, 0, 0)
    assert made.incumbent == Incumbent((IncumbentRoute("S", ("V",)),))


@pytest.mark.parametrize(
    ("keys", "value", "path"),
    [
        ("version", 2, "version"),
        ("version", True, "version"),
        ("extra", 1, "extra"),
        ("start", "2026-03-02T00:00:00", "start"),
        ("start", "2026-03-02T00:00:00.5+08:00", "start"),
        ("start", "2026-02-30T00:00:00Z", "start"),
        ("start", "2026-03-02T24:00:00Z", "start"),
        ("start", "2026-03-02T00:00:60Z", "start"),
        ("start", 0, "start"),
        ("places", {}, "places"),
        ("places.1", "A", "places[1]"),
        ("places.0.lat", "22", "places[0].lat"),
        ("places.0.lat", float("nan"), "places[0].lat"),
        ("places.0.lat", 10**400, "places[0].lat"),
        ("travel", {}, "travel.seconds"),
        ("travel", {"seconds": [[0, 1], [1, 0.0]]}, "travel.seconds[1][1]"),
        ("travel", {"seconds": [[0, 1]]}, "travel.seconds[0]"),
        ("travel", {"estimate": {}, "seconds": []}, "travel.seconds"),
        ("travel.estimate.speed_kmh", 0, "travel.estimate.speed_kmh"),
        ("travel.estimate.overhead", 60.0, "travel.estimate.overhead"),
        ("travel.estimate.detours", 2, "travel.estimate.detours"),
        ("travel", {"profiles": {"car": {"seconds": [[1]]}}},
         "travel.profiles.car.seconds[0][0]"),
        ("travel", {"profiles": {"car": {"profiles": {}}}}, "travel.profiles.car.profiles"),
        ("crews.0.skills", [], "crews[0].skills"),
        ("crews.0.skills.HV", 0, "crews[0].skills.HV"),
        ("crews.0.profile", "car", "crews[0].profile"),
        ("shifts.0.breaks.0.latest", -1, "shifts[0].breaks[0].latest"),
        ("shifts.0.breaks.0.hours", 1, "shifts[0].breaks[0].hours"),
        ("shifts.0.to", "moon", "shifts[0].to"),
        ("shifts.0.from_", "depot", "shifts[0].from_"),
        ("shifts.0.max_visits", -1, "shifts[0].max_visits"),
        ("visits.0.duration", True, "visits[0].duration"),
        ("visits.0.duration", 1.0, "visits[0].duration"),
        ("visits.0.due", 100_000_001, "visits[0].due"),
        ("visits.0.due", -100_000_001, "visits[0].due"),
        ("visits.0.unserved_cost", None, "visits[0].unserved_cost"),
        ("visits.0.windows.0", [9, 0], "visits[0].windows[0]"),
        ("visits.0.windows.0", [0], "visits[0].windows[0]"),
        ("visits.0.windows.0", [0, "9"], "visits[0].windows[0][1]"),
        ("visits.0.pinned", {"shift": "T"}, "visits[0].pinned.shift"),
        ("visits.0.pinned", {"start": 3}, "visits[0].pinned.shift"),
        ("visits.0.pinned", [], "visits[0].pinned"),
        ("visits.1.id", "V", "visits[1].id"),
        ("relations.0", {"first": "V"}, "relations[0].type"),
        ("relations.0.type", "before", "relations[0].type"),
        ("relations.0.type", [], "relations[0].type"),
        ("relations.0.visits", [], "relations[0].visits"),
        ("relations.0.second", "V", "relations[0].second"),
        ("weights", {"speed": 1}, "weights.speed"),
        ("weights", {"work": 1_000_000_001}, "weights.work"),
        ("incumbent", [], "incumbent"),
        ("incumbent", {}, "incumbent.routes"),
        ("incumbent.routes.0.stops", [{}], "incumbent.routes[0].stops[0].visit"),
        ("incumbent.routes.0.shift", 7, "incumbent.routes[0].shift"),
        ("meta", [], "meta"),
        ("meta", {"a": [float("inf")]}, "meta.a[0]"),
        ("meta", {"a": "\ud800"}, "meta.a"),
    ],
)  # fmt: skip
def test_a_faulty_key_is_refused_with_its_path(keys: str, value: Any, path: str) -> None:
    assert path_of_refusal(read_problem, json.dumps(changed(keys, value))) == path


@pytest.mark.parametrize(
    "key", ["version", "start", "places", "travel", "crews", "shifts", "visits"]
)
def test_a_problem_without_a_required_key_is_refused(key: str) -> None:
    document = {name: value for name, value in SMALL.items() if name != key}

    assert path_of_refusal(problem_from, document) == key


@pytest.mark.parametrize(
    ("before", "after", "path"),
    [
        ('"crew": "C"', '"crew": "C", "crew": "C"', "shifts[0].crew"),
        ('"HV": 2', '"HV": 2, "HV": 2', "crews[0].skills.HV"),
        ('"version": 1', '"version": 1, "version": 1', "version"),
        ('"version": 1', '"version": 1, "meta": {"a": [{"b": 1, "b": 1}]}', "meta.a[0].b"),
        ('"overhead": 60', '"overhead": 60, "overhead": 60', "travel.estimate.overhead"),
        ('"shift": "S"', '"shift": "S", "shift": "S"', "incumbent.routes[0].shift"),
    ],
)
def test_a_key_that_stands_twice_is_refused(before: str, after: str, path: str) -> None:
    text = json.dumps(SMALL)
    assert before in text

    assert path_of_refusal(read_problem, text.replace(before, after)) == path


@pytest.mark.parametrize(
    "garbage",
    [
        "",
        "{",
        "nul",
        "[]",
        "1",
        b"\xff\xfe{}",
        "\ufeff{}",
        "[" * 10_000,
        '{"a":' * 10_000 + "1" + "}" * 10_000,
        '{"version": ' + "9" * 5_000 + "}",
        '{"version": 1e999}',
        '{"version": 1, "meta": {"a": ' + "[" * 500 + "]" * 500 + "}}",
    ],
    ids=range(12),
)
def test_no_text_brings_down_the_reader(garbage: str | bytes) -> None:
    for read in (read_problem, read_plan):
        path_of_refusal(read, garbage)


@given(st.binary(max_size=40) | st.text(max_size=40))
@settings(max_examples=50, deadline=None, database=None)
def test_noise_is_refused(noise: str | bytes) -> None:
    path_of_refusal(read_problem, noise)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "shift", "seconds", "type", "a"]), inner, max_size=3
        )
    ),
    max_leaves=5,
)
KEYS = [
    "start", "places", "places.0.lat", "travel", "crews", "crews.0.skills", "shifts.0.breaks",
    "visits.0.windows", "visits.0.pinned", "relations.0", "weights", "incumbent", "meta",
    "incumbent.routes.0",
]  # fmt: skip


@given(st.sampled_from(KEYS), ANYTHING)
@settings(max_examples=150, deadline=None, database=None)
def test_anything_anywhere_is_read_or_refused(keys: str, value: Any) -> None:
    try:
        made = problem_from(changed(keys, value))
    except ProblemError as refusal:
        assert refusal.path  # noqa: PT017
    else:
        assert read_problem(write_problem(made)) == made


@pytest.mark.parametrize("offset", ["Z", "+00:00", "-00:00", "+08:00", "-03:30"])
def test_the_start_is_written_as_it_was_read(offset: str) -> None:
    made = problem_from(changed("start", "2026-03-02T07:00:00" + offset))

    assert made.start.utcoffset() is not None
    assert problem_document(made)["start"] == "2026-03-02T07:00:00" + offset


def test_a_start_made_in_python_is_written_with_its_offset() -> None:
    assert problem_document(problem())["start"] == "2026-03-02T00:00:00+08:00"
    utc = problem(start=datetime(2026, 3, 2, tzinfo=UTC))
    assert problem_document(utc)["start"] == "2026-03-02T00:00:00+00:00"
    misnamed = problem(start=datetime(2026, 3, 2, tzinfo=timezone(timedelta(hours=1), "Z")))
    assert problem_document(misnamed)["start"] == "2026-03-02T00:00:00+01:00"


def test_every_key_comes_back() -> None:
    seconds = ((0, 1), (2, 0))
    made = Problem(
        start=START,
        places=(Place("东莞", 22.8, 113.6), Place("A", 22.9, 113.7)),
        travel=Profiles(FrozenDict({"van": Matrix(seconds, seconds), "boat": Estimate(9, 1.1, 5)})),
        crews=(Crew("C", {"HV": 2}, 3, 1.5, 0.5, "van"), Crew("D", profile="boat")),
        shifts=(
            shift(from_="东莞", to=None, breaks=(Break("b", 1, 2, 3),), stock={"fuse": 0},
                  max_overtime=5, max_visits=0, max_travel=0, use_cost=7),
            shift("T", "D", from_="A", to="A"),
        ),
        visits=(
            visit("V", "A", setup=4, windows=((-5, 0), (3, 3)), due=0, late_cost=2,
                  skills={"HV": 1}, members=2, parts={"fuse": 1}, allowed_crews=(),
                  forbidden_crews=("C",), preferred_crews=("D",), pinned=Pin("S", 0)),
            visit("W", "A", pinned=Pin("T")),
        ),
        relations=(After("V", "W", 1, 2), After("V", "W", 0, 0), Together(("V", "W")),
                   SameCrew(("V", "W")), DifferentCrew(("W", "V"))),
        weights=Weights(5, 4, 3, 2, 1),
        incumbent=Incumbent((IncumbentRoute("gone", ("V", "gone")), IncumbentRoute("S", ()))),
        meta={"free": [1, 2.5, None, {"x": "中"}]},
    )  # fmt: skip

    assert read_problem(write_problem(made)) == made
    assert problem_document(read_problem(write_problem(made))) == problem_document(made)
    assert "中" in write_problem(made)


def test_a_whole_plan_is_taken_as_the_plan_in_force() -> None:
    made = problem_from(changed("incumbent", plan_document(PLAN)))

    assert made.incumbent == Incumbent((IncumbentRoute("S", ("V",)),))


def test_defaults_are_left_out_of_what_is_written() -> None:
    written = problem_document(problem(visit()))

    assert set(written["visits"][0]) == {"id", "place", "duration", "unserved_cost"}
    assert "relations" not in written
    assert "incumbent" not in written


def test_a_plan_comes_back() -> None:
    made = Plan(
        routes=(
            Route("S", -5, 9, (Stop("V", 1, 2, 3),), (TakenBreak("b", 4, 5),), 6, None, 0),
            Route("T", 0, 9, (), (), 6, 77, 8),
        ),
        unserved=(
            Unserved("W", "cost", {"cost": 2, "skill": 1}, "120 more would do"),
            Unserved("X", "skill", {}),
        ),
        cost=Cost(*range(9)),
        bound=-1,
        search={"seconds": 1.5, "trace": [[0, 7]]},
    )

    assert read_plan(write_plan(made)) == made
    document = plan_document(made)
    assert document["routes"][0]["metres"] is None
    assert document["unserved"][1] == {"visit": "X", "reason": "skill", "shifts": {}}


@pytest.mark.parametrize(
    ("keys", "value", "path"),
    [
        ("version", None, "version"),
        ("extra", 1, "extra"),
        ("routes", None, "routes"),
        ("routes.0.metres", 1.0, "routes[0].metres"),
        ("routes.0.stops.0.start", "9", "routes[0].stops[0].start"),
        ("routes.0.stops.0.wait", 9, "routes[0].stops[0].wait"),
        ("routes.0.breaks", [{"id": "b", "start": 1}], "routes[0].breaks[0].end"),
        ("unserved.0.reason", "laziness", "unserved[0].reason"),
        ("unserved.0.shifts", {"laziness": 1}, "unserved[0].shifts.laziness"),
        ("unserved.0.shifts", {"cost": 0}, "unserved[0].shifts.cost"),
        ("unserved.0.hint", 1, "unserved[0].hint"),
        ("cost", {"total": 1}, "cost.travel"),
        ("bound", 0.5, "bound"),
        ("search", {"seconds": float("nan")}, "search.seconds"),
    ],
)
def test_a_faulty_plan_is_refused_with_its_path(keys: str, value: Any, path: str) -> None:
    document = changed(keys, value, plan_document(PLAN))

    assert path_of_refusal(read_plan, json.dumps(document)) == path


@pytest.mark.parametrize("key", ["version", "routes", "unserved", "cost"])
def test_a_plan_without_a_required_key_is_refused(key: str) -> None:
    document = plan_document(PLAN)
    del document[key]

    assert path_of_refusal(plan_from, document) == key


@pytest.mark.parametrize(
    "keys", ["routes.0.metres", "routes.0.breaks", "routes.0.overtime", "unserved.0.shifts"]
)
def test_nothing_else_may_be_left_out_of_a_plan(keys: str) -> None:
    document = plan_document(PLAN)
    group, index, key = keys.split(".")
    del document[group][int(index)][key]

    assert path_of_refusal(plan_from, document) == f"{group}[{index}].{key}"


def test_plans_are_the_same_whatever_their_search_was() -> None:
    searched = Plan((), (), FREE, search={"seed": 1})

    assert same(searched, Plan((), (), FREE))
    assert searched != Plan((), (), FREE)
    assert not same(searched, Plan((), (), FREE, bound=0))


IDS = st.text(min_size=1, max_size=3)
TIMES = st.integers(-(10**8), 10**8)
AMOUNTS = st.dictionaries(IDS, st.integers(1, 10**9), max_size=2)
FACTORS = st.floats(1e-6, 1e6)
SPANS = st.tuples(TIMES, TIMES).map(lambda pair: tuple(sorted(pair)))


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Any problem with two crews, one shift each, and two visits."""
    places = draw(st.lists(IDS, min_size=1, max_size=3, unique=True))
    crews = draw(st.lists(IDS, min_size=2, max_size=2, unique=True))
    names = draw(st.lists(IDS, min_size=2, max_size=2, unique=True))
    begin, end = draw(SPANS)
    at, who = st.sampled_from(places), st.lists(st.sampled_from(crews), unique=True)
    visits = [
        visit(
            name,
            draw(at),
            windows=tuple(draw(st.lists(SPANS, max_size=2))),
            due=draw(st.none() | TIMES),
            skills=draw(AMOUNTS),
            allowed_crews=draw(st.none() | who.map(tuple)),
            pinned=draw(st.none() | st.builds(Pin, st.just("S"), st.none() | TIMES)),
        )
        for name in names
    ]
    gap = draw(st.integers(0, 9))
    return Problem(
        start=START,
        places=tuple(Place(name, draw(st.floats(-90, 90)), 0) for name in places),
        travel=draw(st.builds(Estimate, FACTORS, FACTORS, st.integers(0, 99))),
        crews=tuple(Crew(name, draw(AMOUNTS), travel_factor=draw(FACTORS)) for name in crews),
        shifts=(
            shift("S", crews[0], start=begin, end=end, from_=draw(at), to=None),
            shift("T", crews[1], from_=draw(at), to=draw(at), stock=draw(AMOUNTS)),
        ),
        visits=tuple(visits),
        relations=draw(
            st.sampled_from([(), (After(names[0], names[1], gap, gap),), (Together(tuple(names)),)])
        ),
        meta=draw(st.dictionaries(IDS, ANYTHING.filter(_is_json), max_size=2)),
    )


def _is_json(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True


@given(problems())
@settings(max_examples=40, deadline=None, database=None)
def test_every_problem_comes_back(made: Problem) -> None:
    assert read_problem(write_problem(made)) == made


ROUTES = st.builds(
    Route,
    IDS,
    TIMES,
    TIMES,
    st.lists(st.builds(Stop, IDS, TIMES, TIMES, TIMES), max_size=2).map(tuple),
    st.lists(st.builds(TakenBreak, IDS, TIMES, TIMES), max_size=2).map(tuple),
    st.integers(0, 10**8),
    st.none() | st.integers(0, 10**8),
    st.integers(0, 10**8),
)
COUNTS = st.dictionaries(st.sampled_from(REASONS), st.integers(1, 9), max_size=3)
PLANS = st.builds(
    Plan,
    st.lists(ROUTES, max_size=2).map(tuple),
    st.lists(
        st.builds(Unserved, IDS, st.sampled_from(REASONS), COUNTS, st.none() | st.text(max_size=3)),
        max_size=2,
    ).map(tuple),
    st.builds(Cost, *[st.integers(0, 10**18)] * 9),
    st.none() | st.integers(0, 10**18),
)


@given(PLANS)
@settings(max_examples=40, deadline=None, database=None)
def test_every_plan_comes_back(made: Plan) -> None:
    assert read_plan(write_plan(made)) == made
