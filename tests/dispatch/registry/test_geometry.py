from typing import Any

import pytest

from dispatch.registry.geometry import BadBoundary, check_boundary, contains, distance_m

HORSESHOE = {
    "type": "Polygon",
    "coordinates": [[[0, 0], [3, 0], [3, 3], [2, 3], [2, 1], [1, 1], [1, 3], [0, 3], [0, 0]]],
}
RING = {
    "type": "MultiPolygon",
    "coordinates": [
        [
            [[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]],
            [[1, 1], [1, 3], [3, 3], [3, 1], [1, 1]],
        ],
        [[[10, 10], [11, 10], [11, 11], [10, 10]]],
    ],
}


@pytest.mark.parametrize(
    ("lat", "lon", "inside"),
    [(0.5, 1.5, True), (2, 0.5, True), (2, 2.5, True), (2, 1.5, False), (4, 1, False)],
)
def test_an_inlet_lies_outside(lat: float, lon: float, inside: bool) -> None:
    assert contains(HORSESHOE, lat, lon) is inside


@pytest.mark.parametrize(
    ("lat", "lon", "inside"), [(0.5, 0.5, True), (2, 2, False), (10.2, 10.6, True), (7, 7, False)]
)
def test_holes_and_islands_are_respected(lat: float, lon: float, inside: bool) -> None:
    assert contains(RING, lat, lon) is inside


def test_a_ray_through_a_corner_crosses_once() -> None:
    diamond = {"type": "Polygon", "coordinates": [[[1, 0], [2, 1], [1, 2], [0, 1], [1, 0]]]}

    assert contains(diamond, 1, 1)
    assert not contains(diamond, 1, -1)


def test_the_distance_to_a_boundary_is_in_metres() -> None:
    assert distance_m(HORSESHOE, -1, 1.5) == pytest.approx(111_195, rel=0.01)


@pytest.mark.parametrize(
    "boundary",
    [
        None,
        {"type": "Point", "coordinates": [0, 0]},
        {"type": "Polygon"},
        {"type": "Polygon", "coordinates": []},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0]]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [2, 0], [1, 0]]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 100], [2, 0], [0, 0]]]},
        {"type": "Polygon", "coordinates": [[[0, 0], ["1", 1], [2, 0], [0, 0]]]},
        {"type": "MultiPolygon", "coordinates": [[]]},
    ],
)
def test_what_is_no_boundary_is_refused(boundary: Any) -> None:
    with pytest.raises(BadBoundary):
        check_boundary(boundary)
