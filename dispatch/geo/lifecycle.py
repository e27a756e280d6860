"""The life cycle of a run over a territory's addresses."""

from dispatch.core.lifecycle import Machine, move
from dispatch.geo.tables import GeocodingStatus

_G = GeocodingStatus

GEOCODINGS: Machine[GeocodingStatus] = Machine(
    "geocoding",
    GeocodingStatus,
    (
        move("run", [_G.WAITING, _G.RUNNING], _G.RUNNING, "system"),
        move("finish", [_G.WAITING, _G.RUNNING], _G.DONE, "system"),
        move("give_up", [_G.WAITING, _G.RUNNING], _G.FAILED, "system"),
    ),
)
"""Asked for, run, done; `run` again goes on after a run whose process ended or had to wait for the geocoder."""

UNDER_WAY = (_G.WAITING, _G.RUNNING)
"""A run that has not ended."""
