"""What services outside said of places: road times, addresses looked up, and the runs that look them up."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field

from dispatch.core.db import Row, choice, instant
from dispatch.core.runs import RunRow
from dispatch.geo.datum import Datum


class RoadTable(Row, table=True):
    """A road service's drives between a territory's points: what is known of them, kept between plans.

    `points` are the degrees, `seconds` and `metres` the drives from each point to each, as `roads.Roads` packs
    them. `service` names who said so: another service's times are never mixed in. `begun_at` is when the oldest
    of them may have been asked for.
    """

    territory_id: str = Field(primary_key=True, foreign_key="territory.id", max_length=32)
    service: str = Field(max_length=300)
    points: bytes = Field(sa_type=sa.LargeBinary)
    seconds: bytes = Field(sa_type=sa.LargeBinary)
    metres: bytes = Field(sa_type=sa.LargeBinary)
    begun_at: datetime = instant()
    asked_at: datetime = instant()


class RoadMap(Row, table=True):
    """The lines that a territory's maps are drawn with, as `road_map` packs them, and whose data they are."""

    territory_id: str = Field(primary_key=True, foreign_key="territory.id", max_length=32)
    lines: bytes = Field(sa_type=sa.LargeBinary)
    attribution: str = Field(default="", max_length=200)
    loaded_at: datetime = instant()


class GeocodeAnswer(Row, table=True):
    """What a geocoder said of an address; without lat and lon it knew none.

    `lat`, `lon` are WGS 84; `given_lat`, `given_lon` are what the geocoder said, in `datum`. `accuracy_m` is how
    far off the point may be, metres.
    """

    __table_args__ = (sa.UniqueConstraint("provider", "address"),)

    id: int | None = Field(default=None, primary_key=True)
    provider: str = Field(max_length=16)
    address: str = Field(max_length=400)
    lat: float | None = None
    lon: float | None = None
    accuracy_m: float | None = None
    label: str = Field(default="", max_length=300)
    datum: Datum = choice(Datum, Datum.WGS84)
    given_lat: float | None = None
    given_lon: float | None = None
    asked_at: datetime = instant()


class GeocodingStatus(StrEnum):
    """Where a run over a territory's addresses is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Geocoding(RunRow, table=True):
    """A run over the addresses of a territory that have no position; counts of what became of them."""

    provider: str = Field(max_length=16)
    status: GeocodingStatus = choice(GeocodingStatus, GeocodingStatus.WAITING)
    total: int = 0
    looked_up: int = 0
    placed: int = 0
    last_premises_id: str = Field(default="", max_length=32)
