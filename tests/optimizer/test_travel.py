"""Travel: distances on the ellipsoid, the estimate, matrices, and how a crew drives them."""

import math
import random
import subprocess
import sys

import numpy as np
import pytest
from geopy.distance import geodesic

from optimizer.check.facts import Facts
from optimizer.geodesic import distances
from optimizer.problem import Crew, Estimate, FrozenDict, Matrix, Place, Problem, Profiles
from optimizer.travel import CrewTravel, GeodesicTravel, TravelModel, compile_travel
from optimizer.values import UNREACHABLE
from tests.optimizer.builders import problem

HUNDREDTH_MM = 1e-5
TOWN = (
    Place("depot", 22.8167, 113.6711),
    Place("twin", 22.8167, 113.6711),
    Place("north", 22.9035, 113.7001),
    Place("west", 22.7911, 113.5822),
)


def town(*crews: Crew, travel: Matrix | Estimate | Profiles) -> Problem:
    return problem(places=TOWN, crews=crews, shifts=(), travel=travel)


@pytest.mark.parametrize("spread", [0.001, 0.1, 5, 180])
def test_distances_are_those_of_geopy(spread: float) -> None:
    chance = random.Random(7)
    lat = [max(-90, min(90, 22.8 + chance.uniform(-spread, spread))) for _ in range(24)]
    lon = [max(-180, min(180, 113.6 + chance.uniform(-spread, spread))) for _ in range(24)]

    metres = distances(np.array(lat), np.array(lon))

    for i in range(24):
        for j in range(24):
            expected = geodesic((lat[i], lon[i]), (lat[j], lon[j])).meters
            assert math.isclose(metres[i, j], expected, rel_tol=0, abs_tol=HUNDREDTH_MM)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((0, 0), (0, 180)),
        ((0, 0), (0.5, 179.7)),
        ((30, 0), (-30, 180)),
        ((90, 0), (-90, 0)),
        ((90, 0), (90, 77)),
        ((0, 10), (0, 20)),
        ((10, 50), (-10, 50)),
        ((5, 179.9), (5, -179.9)),
        ((-45, -180), (-45, 180)),
    ],
)
def test_distances_hold_at_poles_the_equator_the_date_line_and_the_antipodes(
    one: tuple[float, float], other: tuple[float, float]
) -> None:
    lat, lon = np.array([one, other], dtype=float).T

    metres = distances(lat, lon)

    expected = geodesic(one, other).meters
    assert math.isclose(metres[0, 1], expected, rel_tol=0, abs_tol=HUNDREDTH_MM)
    assert metres[0, 1] == metres[1, 0]


def test_an_estimate_is_rounded_distance_with_detour_speed_and_overhead() -> None:
    seconds, metres = compile_travel(town(Crew("C"), travel=Estimate(36, 1.5, 45)))[0]

    straight = geodesic((TOWN[0].lat, TOWN[0].lon), (TOWN[2].lat, TOWN[2].lon)).meters
    assert metres is not None
    assert metres[0, 2] == math.floor(straight * 1.5 + 0.5)
    assert seconds[0, 2] == math.floor(straight * 1.5 / (36 / 3.6) + 45 + 0.5)


def test_a_place_is_no_travel_from_itself_but_the_overhead_from_its_twin() -> None:
    seconds, metres = compile_travel(town(Crew("C"), travel=Estimate(30, 1.35, 60)))[0]

    assert metres is not None
    assert (seconds[0, 0], seconds[0, 1]) == (0, 60)
    assert (metres[0, 0], metres[0, 1]) == (0, 0)


def test_a_travel_factor_scales_whole_seconds_and_leaves_metres() -> None:
    travel = Matrix(((0, 5, 1, 9), (3, 0, 1, 9), (1, 1, 0, 9), (9, 9, 9, 0)), ((0,) * 4,) * 4)
    crews = (Crew("C"), Crew("slow", travel_factor=1.5), Crew("fast", travel_factor=0.5))

    plain, slow, fast = compile_travel(town(*crews, travel=travel))

    assert plain.seconds[0].tolist() == [0, 5, 1, 9]
    assert slow.seconds[0].tolist() == [0, 8, 2, 14]
    assert fast.seconds[0].tolist() == [0, 3, 1, 5]
    assert plain.seconds[1, 0] == 3
    assert slow.seconds.dtype == np.int64
    assert slow.metres is plain.metres


def test_metres_that_nobody_gave_are_unknown() -> None:
    assert compile_travel(problem())[0].metres is None


def test_each_crew_drives_by_its_profile_and_equal_crews_share_their_matrix() -> None:
    matrix = Matrix(((0, 5, 1, 9), (3, 0, 1, 9), (1, 1, 0, 9), (9, 9, 9, 0)))
    travel = Profiles(FrozenDict({"boat": matrix, "van": Estimate(30, 1.35, 60)}))
    crews = (Crew("A", profile="van"), Crew("B", profile="boat"), Crew("C", profile="van"))

    a, b, c = compile_travel(town(*crews, travel=travel))

    assert b.seconds[0, 1] == 5
    assert a.seconds[0, 1] == 60
    assert a is c


def test_a_way_too_long_for_any_shift_is_as_good_as_none() -> None:
    crews = (Crew("C", travel_factor=1e300), Crew("D"))
    slow, plain = compile_travel(town(*crews, travel=Estimate(1e-300, 1e300, 0)))

    assert slow.seconds.tolist()[0] == [0, 0, UNREACHABLE, UNREACHABLE]
    assert plain.seconds.tolist()[0] == [0, 0, UNREACHABLE, UNREACHABLE]


def test_the_checker_finds_the_same_travel_in_its_own_way() -> None:
    crews = (Crew("A", travel_factor=0.85), Crew("B", travel_factor=1.15))
    made = town(*crews, travel=Estimate(28, 1.42, 75))
    facts = Facts(made)

    for crew, (seconds, metres) in zip(made.crews, compile_travel(made), strict=True):
        assert metres is not None
        for i, origin in enumerate(TOWN):
            for j, target in enumerate(TOWN):
                assert facts.seconds(crew, origin.id, target.id) == seconds[i, j]
                assert facts.metres(crew, origin.id, target.id) == metres[i, j]


def test_the_estimate_can_stand_in_for_a_road_network() -> None:
    model: TravelModel = GeodesicTravel(Estimate(30, 1.35, 60))

    matrix = model.matrix(TOWN)

    seconds, metres = compile_travel(town(Crew("C"), travel=Estimate(30, 1.35, 60)))[0]
    assert metres is not None
    assert matrix == Matrix(tuple(map(tuple, seconds.tolist())), tuple(map(tuple, metres.tolist())))


def test_no_places_make_an_empty_matrix() -> None:
    made = problem(places=(), shifts=(), crews=(Crew("C"),), travel=Estimate())

    assert compile_travel(made)[0].seconds.shape == (0, 0)


def test_the_format_and_the_checker_load_no_compiler_and_no_solver() -> None:
    program = (
        "import sys, optimizer.problem, optimizer.plan, optimizer.codec, optimizer.check\n"
        "sys.exit(bool({'numba', 'numpy', 'ortools'} & set(sys.modules)))"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_large_estimate_is_made_once_and_follows_its_places_and_numbers() -> None:
    chance = random.Random(11)
    spots = [(22.7 + chance.random() / 10, 113.6 + chance.random() / 10) for _ in range(240)]

    def legs(estimate: Estimate, moved: float = 0.0) -> CrewTravel:
        places = [Place(f"p{n}", lat + moved, lon) for n, (lat, lon) in enumerate(spots)]
        made = problem(places=tuple(places), crews=(Crew("C"),), shifts=(), travel=estimate)
        return compile_travel(made)[0]

    first, again = legs(Estimate()), legs(Estimate())
    other, elsewhere = legs(Estimate(60)), legs(Estimate(), moved=0.01)

    assert again.metres is first.metres
    assert (again.seconds == first.seconds).all()
    assert not first.metres.flags.writeable
    assert (other.seconds != first.seconds).any()
    assert elsewhere.metres is not first.metres
    expected = GeodesicTravel(Estimate()).matrix(
        [Place(f"p{n}", *spot) for n, spot in enumerate(spots)]
    )
    assert first.seconds.tolist() == [list(row) for row in expected.seconds]
