"""Datums: what Chinese maps say, in WGS 84."""

import random

import pytest

from dispatch.geo.datum import Datum, to_wgs84
from dispatch.registry.geometry import METRES_PER_DEGREE
from tests.builders.datums import from_wgs84

MILLIMETRE = 0.001 / METRES_PER_DEGREE


@pytest.mark.parametrize(
    ("wgs", "gcj"),
    [
        ((31.1774276, 121.5272106), (31.17530398364597, 121.531541859215)),
        ((22.543847, 113.912316), (22.540796131694766, 113.9171764808363)),
        ((39.911954, 116.377817), (39.91334545536069, 116.38404722455657)),
    ],
)
def test_the_shift_is_that_of_the_published_examples(
    wgs: tuple[float, float], gcj: tuple[float, float]
) -> None:
    assert from_wgs84(Datum.GCJ02, *wgs) == pytest.approx(gcj, abs=1e-9)
    assert to_wgs84(Datum.GCJ02, *gcj) == pytest.approx(wgs, abs=1e-9)


@pytest.mark.parametrize("datum", Datum)
def test_there_and_back_is_the_same_place_all_over_the_mainland(datum: Datum) -> None:
    chance = random.Random(3)
    for _ in range(300):
        place = chance.uniform(18.5, 53), chance.uniform(74, 134)
        back = to_wgs84(datum, *from_wgs84(datum, *place))
        # Baidu's own formula back is an approximation, good to half a metre.
        off = MILLIMETRE if datum is not Datum.BD09 else 1000 * MILLIMETRE
        assert back == pytest.approx(place, abs=off)


def test_humen_moves_by_hundreds_of_metres_and_hamburg_stays() -> None:
    for datum in (Datum.GCJ02, Datum.BD09):
        lat, lon = to_wgs84(datum, 22.8167, 113.6711)
        assert 300 < METRES_PER_DEGREE * max(abs(lat - 22.8167), abs(lon - 113.6711)) < 1500
        assert to_wgs84(datum, 53.55, 9.99) == (53.55, 9.99)
