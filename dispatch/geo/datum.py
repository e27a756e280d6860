"""Datums: maps and geocoders of mainland China shift their coordinates; here everything is WGS 84.

GCJ-02 (AMap, Tencent) moves a point by up to several hundred metres along smooth waves; BD-09 (Baidu) turns that a
little further. The formulas are those published by W. Chen and others (github.com/googollee/eviltransform, public
domain); there is no official text. Both apply within a box around mainland China and leave all else alone.
"""

import math
from enum import StrEnum

_A = 6378245.0
"""Half the great axis of Krasovsky's ellipsoid, metres, on which GCJ-02 is defined."""
_EE = 0.00669342162296594323
_TURN = math.pi * 3000 / 180


class Datum(StrEnum):
    """What a pair of degrees refers to."""

    WGS84 = "wgs84"
    GCJ02 = "gcj02"
    BD09 = "bd09"


def to_wgs84(datum: Datum, lat: float, lon: float) -> tuple[float, float]:
    """The point in WGS 84 degrees: GCJ-02 undone to a millimetre, BD-09 to half a metre, as its own formula is."""
    if datum is Datum.WGS84 or not _is_shifted(lat, lon):
        return lat, lon
    if datum is Datum.BD09:
        lat, lon = _bd09_to_gcj02(lat, lon)
    # The shift changes slowly from place to place, so that walking back by it settles in a few steps.
    found = lat, lon
    for _ in range(30):
        shifted = _gcj02(*found)
        step = lat - shifted[0], lon - shifted[1]
        found = found[0] + step[0], found[1] + step[1]
        if max(map(abs, step)) < 1e-10:
            break
    return found


def to_gcj02(lat: float, lon: float) -> tuple[float, float]:
    """A WGS 84 point as maps that count in GCJ-02 have it, degrees: what a link to AMap needs."""
    return _gcj02(lat, lon) if _is_shifted(lat, lon) else (lat, lon)


def _is_shifted(lat: float, lon: float) -> bool:
    return 0.8293 <= lat <= 55.8271 and 72.004 <= lon <= 137.8347


def _gcj02(lat: float, lon: float) -> tuple[float, float]:
    x, y = lon - 105.0, lat - 35.0
    waves = 20.0 * math.sin(6 * math.pi * x) + 20.0 * math.sin(2 * math.pi * x)
    north = (
        -100.0 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x))
        + (waves + 20.0 * math.sin(math.pi * y) + 40.0 * math.sin(math.pi * y / 3)
           + 160.0 * math.sin(math.pi * y / 12) + 320.0 * math.sin(math.pi * y / 30)) * 2 / 3
    )  # fmt: skip
    east = (
        300.0 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x))
        + (waves + 20.0 * math.sin(math.pi * x) + 40.0 * math.sin(math.pi * x / 3)
           + 150.0 * math.sin(math.pi * x / 12) + 300.0 * math.sin(math.pi * x / 30)) * 2 / 3
    )  # fmt: skip
    radians = math.radians(lat)
    flat = 1 - _EE * math.sin(radians) ** 2
    return (
        lat + math.degrees(north / ((_A * (1 - _EE)) / (flat * math.sqrt(flat)))),
        lon + math.degrees(east / (_A / math.sqrt(flat) * math.cos(radians))),
    )


def _bd09_to_gcj02(lat: float, lon: float) -> tuple[float, float]:
    x, y = lon - 0.0065, lat - 0.006
    far = math.hypot(x, y) - 2e-5 * math.sin(y * _TURN)
    turned = math.atan2(y, x) - 3e-6 * math.cos(x * _TURN)
    return far * math.sin(turned), far * math.cos(turned)
