import math

import pytest
from sqlmodel import Session, select

from dispatch.core.tables import Event
from dispatch.registry import premises
from dispatch.registry.premises import (
    BadPosition,
    NoSuchPremises,
    OutsideTerritory,
    SwappedPosition,
)
from tests.builders.registry import DISPATCHER, make_premises, make_territory
from tests.instants import NOW


def locate(
    session: Session, lat: float, lon: float, accuracy_m: float | None = 15.0
) -> premises.Premises:
    row = make_premises(session, lat=None, lon=None)
    return premises.locate(
        session,
        premises_id=row.id,
        lat=lat,
        lon=lon,
        accuracy_m=accuracy_m,
        actor=DISPATCHER,
        now=NOW,
    )


def test_premises_are_located_with_their_accuracy(session: Session) -> None:
    row = locate(session, 22.81, 113.67)

    told = session.exec(select(Event).where(Event.type == "premises.located")).one()
    assert (row.lat, row.lon, row.accuracy_m) == (22.81, 113.67, 15.0)
    assert told.data["before"] == [None, None]


def test_swapped_coordinates_are_refused_and_said_to_be_swapped(session: Session) -> None:
    with pytest.raises(SwappedPosition, match="swapped: the other way round they lie in Humen"):
        locate(session, 113.67, 22.81)


def test_a_position_in_the_sea_is_refused_with_its_distance(session: Session) -> None:
    with pytest.raises(
        OutsideTerritory, match=r"5\.\d km from its boundary: in the sea"
    ) as refusal:
        locate(session, 22.70, 113.65)

    assert refusal.value.details["field"] == "lat"


def test_a_position_in_the_next_town_is_refused(session: Session) -> None:
    with pytest.raises(OutsideTerritory):
        locate(session, 23.02, 113.75)


@pytest.mark.parametrize(
    ("lat", "lon", "field"),
    [(91.0, 113.6, "lat"), (22.8, 181.0, "lon"), (math.nan, 113.6, "lat"), (22.8, math.inf, "lon")],
)
def test_what_is_no_position_is_refused(
    session: Session, lat: float, lon: float, field: str
) -> None:
    with pytest.raises(BadPosition) as refusal:
        locate(session, lat, lon)

    assert refusal.value.details["field"] == field


@pytest.mark.parametrize("accuracy_m", [-1.0, 20_001.0, math.nan])
def test_an_accuracy_out_of_range_is_refused(session: Session, accuracy_m: float) -> None:
    with pytest.raises(BadPosition, match="accuracy"):
        locate(session, 22.81, 113.67, accuracy_m)


def test_unknown_premises_cannot_be_located(session: Session) -> None:
    make_territory(session)

    with pytest.raises(NoSuchPremises):
        premises.locate(
            session,
            premises_id="P9",
            lat=22.8,
            lon=113.7,
            accuracy_m=None,
            actor=DISPATCHER,
            now=NOW,
        )
