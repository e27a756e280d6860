"""Distances on the WGS 84 ellipsoid, all pairs at once.

The iteration is that of T. Vincenty, "Direct and inverse solutions of geodesics on the ellipsoid
with application of nested equations", Survey Review XXIII 176 (1975). His series are off by 0.07 mm
over a quarter of the Earth, so they are replaced by those of C. F. F. Karney, "Algorithms for
geodesics", Journal of Geodesy 87 (2013), equations 17, 18, 24 and 25, which leaves nanometres.
Pairs for which the iteration does not settle (nearly antipodal ones) go to Karney's own algorithm.
"""

import math

import numpy as np
import numpy.typing as npt
from geographiclib.geodesic import Geodesic

from optimizer.kernels import compiled

_A = 6378137.0
_F = 1 / 298.257223563
_B = (1 - _F) * _A
_N = _F / (2 - _F)
_EP2 = _F * (2 - _F) / (1 - _F) ** 2
_ITERATIONS = 100


def distances(
    lat: npt.NDArray[np.float64], lon: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Metres between all pairs of points, shape (n, n), from degrees of shape (n,)."""
    lat, lon = np.ascontiguousarray(lat), np.ascontiguousarray(lon)
    metres = _all_pairs(lat, lon)
    for i, j in np.argwhere(np.isnan(metres)):
        line = Geodesic.WGS84.Inverse(lat[i], lon[i], lat[j], lon[j], Geodesic.DISTANCE)
        metres[i, j] = line["s12"]
    return metres


@compiled("float64(float64, float64, float64, float64, float64)")
def _metres(epsilon: float, sigma: float, sin_sigma: float, cos_sigma: float, mid: float) -> float:
    """Length of the arc `sigma`, `mid` being the cosine of twice its middle's angle (eq. 15-18)."""
    e2 = epsilon * epsilon
    sin2, cos2 = 2 * sin_sigma * cos_sigma, 2 * mid * mid - 1
    sin3, cos3 = sin_sigma * (4 * cos_sigma * cos_sigma - 1), mid * (2 * cos2 - 1)
    sin4, cos4 = 2 * sin2 * (2 * cos_sigma * cos_sigma - 1), 2 * cos2 * cos2 - 1
    waves = (
        epsilon * (-1 / 2 + e2 * 3 / 16) * mid * sin_sigma
        + e2 * (-1 / 16 + e2 / 32) * cos2 * sin2
        - epsilon * e2 / 48 * cos3 * sin3
        - e2 * e2 * 5 / 512 * cos4 * sin4
    )
    return _B * (1 + e2 / 4 + e2 * e2 / 64) / (1 - epsilon) * (sigma + 2 * waves)


@compiled("float64(float64, float64, float64, float64, float64)")
def _turn(epsilon: float, sigma: float, sin_sigma: float, cos_sigma: float, mid: float) -> float:
    """The integral that relates longitudes on the sphere and the ellipsoid (eq. 23-25)."""
    e2 = epsilon * epsilon
    e3 = e2 * epsilon
    sin2, cos2 = 2 * sin_sigma * cos_sigma, 2 * mid * mid - 1
    sin3, cos3 = sin_sigma * (4 * cos_sigma * cos_sigma - 1), mid * (2 * cos2 - 1)
    mean = (
        1
        - (1 / 2 - _N / 2) * epsilon
        - (1 / 4 + _N / 8 - 3 * _N * _N / 8) * e2
        - (1 / 16 + 3 * _N / 16) * e3
        - 3 / 64 * e3 * epsilon
    )
    first = (1 / 4 - _N / 4) * epsilon + (1 / 8 - _N * _N / 8) * e2 + (3 / 64 + 3 * _N / 64) * e3
    second = (1 / 16 - 3 * _N / 32) * e2 + 3 / 64 * e3
    waves = first * mid * sin_sigma + second * cos2 * sin2 + 5 / 192 * e3 * cos3 * sin3
    return mean * (sigma + 2 * waves)


@compiled("float64(float64, float64, float64, float64, float64)")
def _distance(sin_u1: float, cos_u1: float, sin_u2: float, cos_u2: float, dlon: float) -> float:
    """Metres between two points of given reduced latitudes, or NaN when it does not settle."""
    lam = dlon
    for _ in range(_ITERATIONS):
        sin_lam, cos_lam = math.sin(lam), math.cos(lam)
        sin_sigma = math.hypot(cos_u2 * sin_lam, cos_u1 * sin_u2 - sin_u1 * cos_u2 * cos_lam)
        cos_sigma = sin_u1 * sin_u2 + cos_u1 * cos_u2 * cos_lam
        if sin_sigma == 0.0:
            return 0.0 if cos_sigma > 0.0 else math.nan
        sigma = math.atan2(sin_sigma, cos_sigma)
        sin_alpha = cos_u1 * cos_u2 * sin_lam / sin_sigma
        cos2_alpha = 1 - sin_alpha * sin_alpha
        # Along the equator cos2_alpha is 0, and so is every term that the middle is in.
        mid = 0.0 if cos2_alpha < 1e-15 else cos_sigma - 2 * sin_u1 * sin_u2 / cos2_alpha
        root = math.sqrt(1 + _EP2 * cos2_alpha)
        epsilon = _EP2 * cos2_alpha / (1 + root) ** 2
        before = lam
        lam = dlon + _F * sin_alpha * _turn(epsilon, sigma, sin_sigma, cos_sigma, mid)
        if abs(lam) > math.pi:
            return math.nan
        # A few units in the last place: any more would be seen in the metres.
        if abs(lam - before) <= 1e-15 * abs(lam):
            return _metres(epsilon, sigma, sin_sigma, cos_sigma, mid)
    return math.nan


@compiled("float64[:, ::1](float64[::1], float64[::1])")
def _all_pairs(
    lat: npt.NDArray[np.float64], lon: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    count = lat.size
    reduced = np.arctan((1 - _F) * np.tan(np.radians(lat)))
    sin_u, cos_u = np.sin(reduced), np.cos(reduced)
    metres = np.zeros((count, count))
    for i in range(count):
        for j in range(i + 1, count):
            # Degrees are subtracted, not radians: near points would lose digits otherwise.
            degrees = lon[j] - lon[i]
            if degrees > 180:
                degrees -= 360
            elif degrees < -180:
                degrees += 360
            found = _distance(sin_u[i], cos_u[i], sin_u[j], cos_u[j], math.radians(degrees))
            metres[i, j] = metres[j, i] = found
    return metres
