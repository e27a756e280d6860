"""Premises without a position, and runs that look their addresses up."""

from datetime import datetime

from pydantic import Field

from api.schemas.forms import Output
from dispatch.geo.datum import Datum
from dispatch.geo.tables import GeocodingStatus


class SuggestionOut(Output):
    """What the geocoder says of an address, WGS 84 degrees, and why it is not the position yet."""

    provider: str
    doubt: str = Field(
        description="unknown: no such address; outside: not in the territory; coarse: may be off too far; "
        "empty: nothing speaks against it"
    )
    lat: float | None
    lon: float | None
    accuracy_m: float | None = Field(description="how far off it may be, metres")
    away_m: int = Field(description="metres from the territory's boundary, when outside")
    label: str
    datum: Datum = Field(description="what the geocoder's own degrees referred to")


class UnplacedOut(Output):
    """Premises without a position: its `visits` cannot be planned."""

    premises_id: str
    version: int
    customer: str
    address: str
    district: str
    visits: int
    suggestion: SuggestionOut | None


class UnlocatedOut(Output):
    """Some premises without a position, of `total`; `visits` wait for them. `geocoder` is who can be asked."""

    total: int
    visits: int
    geocoder: str = Field(description="none, nominatim, photon, amap or baidu")
    rows: list[UnplacedOut]
    next: str | None


class GeocodingOut(Output):
    """A run over a territory's addresses: how far it is, and how many premises it has placed."""

    id: int
    territory_id: str
    provider: str
    status: GeocodingStatus
    total: int
    looked_up: int
    placed: int
    stop_asked: bool
    error: str
    created_by: str
    created_at: datetime
    ended_at: datetime | None
