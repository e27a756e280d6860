"""WGS 84 as the maps of mainland China show it: the published formulas forward, which the product only undoes."""

import math

from dispatch.geo.datum import _TURN, Datum, _gcj02


def from_wgs84(datum: Datum, lat: float, lon: float) -> tuple[float, float]:
    """A WGS 84 point of the mainland in `datum`."""
    if datum is Datum.WGS84:
        return lat, lon
    lat, lon = _gcj02(lat, lon)
    if datum is Datum.GCJ02:
        return lat, lon
    far = math.hypot(lat, lon) + 2e-5 * math.sin(lat * _TURN)
    turned = math.atan2(lat, lon) + 3e-6 * math.cos(lon * _TURN)
    return far * math.sin(turned) + 0.006, far * math.cos(turned) + 0.0065
