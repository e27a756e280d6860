"""Maps and positions."""

from typing import Annotated, Any, Literal

from pydantic import Field

from api.schemas.forms import Input, Instant, Latitude, Longitude, Output


class FeatureOut(Output):
    """A GeoJSON feature; `properties.kind` is territory, depot, route, visit or crew."""

    type: Literal["Feature"]
    id: str
    geometry: dict[str, Any]
    properties: dict[str, Any]


class TilesOut(Output):
    """Raster tiles to lay under the map, and whose they are."""

    url: str
    attribution: str


class MapOut(Output):
    """A day on the map, a GeoJSON feature collection in WGS 84; `tiles` where a source is configured."""

    type: Literal["FeatureCollection"]
    features: list[FeatureOut]
    tiles: TilesOut | None


class RoadsOut(Output):
    """The territory's roads as GeoJSON, one feature for each `properties.size`; and whose data they are."""

    type: Literal["FeatureCollection"]
    features: list[FeatureOut]
    attribution: str


class PositionIn(Input):
    """Where the device was at a moment of its clock, WGS 84."""

    lat: Latitude
    lon: Longitude
    device_at: Instant
    accuracy_m: Annotated[float, Field(ge=0, le=100_000)] | None = None


class PositionsIn(Input):
    """What a device recorded since it last reported."""

    positions: Annotated[list[PositionIn], Field(min_length=1, max_length=500)]


class PositionsOut(Output):
    """How many positions were new and are kept."""

    kept: int
