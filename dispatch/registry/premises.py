"""Premises: where electricity is used, and whether the place can be true."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from dispatch.core import events
from dispatch.core.errors import InvalidError, NotFoundError
from dispatch.core.events import Actor
from dispatch.registry.geometry import contains, distance_m
from dispatch.registry.tables import Premises, Territory

WORST_ACCURACY_M = 20_000.0


class NoSuchPremises(NotFoundError):
    """No premises have this id."""

    code = "no_such_premises"


class BadPosition(InvalidError):
    """The numbers are no position on the globe."""

    code = "bad_position"


class SwappedPosition(InvalidError):
    """Latitude and longitude are in each other's place."""

    code = "swapped_position"


class OutsideTerritory(InvalidError):
    """The position lies outside the territory's boundary: in the sea, or in somebody else's."""

    code = "outside_territory"


def get(session: Session, premises_id: str) -> Premises:
    """The premises of this id; raises NoSuchPremises."""
    premises = session.get(Premises, premises_id)
    if premises is None:
        raise NoSuchPremises(f"There are no premises {premises_id}.", field="premises_id")
    return premises


def check_position(territory: Territory, lat: float, lon: float) -> None:
    """Raise BadPosition, SwappedPosition or OutsideTerritory unless the point lies in `territory`."""
    for value, field in ((lat, "lat"), (lon, "lon")):
        if not math.isfinite(value):
            raise BadPosition(f"{value} is no position.", field=field)
    if abs(lat) <= 90 and abs(lon) <= 180 and contains(territory.boundary, lat, lon):
        return
    if abs(lon) <= 90 and abs(lat) <= 180 and contains(territory.boundary, lon, lat):
        raise SwappedPosition(
            f"Latitude {lat} and longitude {lon} are swapped: the other way round they lie in "
            f"{territory.name_en}.",
            field="lat",
        )
    for value, most, field, name in ((lat, 90, "lat", "latitude"), (lon, 180, "lon", "longitude")):
        if abs(value) > most:
            raise BadPosition(f"{value} is no {name}: it lies in -{most}..{most}.", field=field)
    away = distance_m(territory.boundary, lat, lon)
    raise OutsideTerritory(
        f"{lat}, {lon} lies outside {territory.name_en}, {_far(away)} from its boundary: in the sea or in "
        "another territory. Correct the position, or leave it empty until it is known.",
        field="lat",
        metres=round(away),
    )


def locate(
    session: Session,
    *,
    premises_id: str,
    lat: float,
    lon: float,
    accuracy_m: float | None,
    actor: Actor,
    now: datetime,
    given: Mapping[str, Any] | None = None,
) -> Premises:
    """Set where the premises are, in WGS 84 degrees; `accuracy_m` is how far off that may be, in metres.

    `given` is for the trail: where the position comes from, and what it was before it was converted.
    Raises NoSuchPremises, BadPosition, SwappedPosition and OutsideTerritory.
    """
    premises = get(session, premises_id)
    territory = session.get(Territory, premises.territory_id)
    assert territory is not None, "a foreign key holds"
    check_position(territory, lat, lon)
    if accuracy_m is not None and not 0 <= accuracy_m <= WORST_ACCURACY_M:
        raise BadPosition(
            f"An accuracy is 0 to {WORST_ACCURACY_M:.0f} metres, not {accuracy_m}.",
            field="accuracy_m",
        )
    before = [premises.lat, premises.lon]
    premises.lat, premises.lon, premises.accuracy_m = lat, lon, accuracy_m
    events.record(
        session,
        "premises.located",
        entity="premises",
        entity_id=premises.id,
        actor=actor,
        now=now,
        territory_id=premises.territory_id,
        data={
            "before": before,
            "after": [lat, lon],
            "accuracy_m": accuracy_m,
            **({"given": dict(given)} if given else {}),
        },
    )
    session.flush()
    return premises


def _far(metres: float) -> str:
    return f"{metres:.0f} m" if metres < 1000 else f"{metres / 1000:.1f} km"
