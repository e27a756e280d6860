"""The roads of a territory's maps: read from GeoJSON, drawn by their size, refused by name when they are none."""

from typing import Any

import pytest
from sqlmodel import Session, select

from dispatch.core.tables import Event
from dispatch.geo import road_map
from dispatch.geo.road_map import BadRoads
from dispatch.registry.territories import NoSuchTerritory
from tests.builders.registry import ADMIN, make_territory
from tests.instants import NOW

NEAR: list[list[float]] = [[113.65, 22.80], [113.6612345678, 22.81]]
FAR: list[list[float]] = [[110.0, 20.0], [110.1, 20.1]]


def feature(coordinates: Any, highway: str | None = None, kind: str = "LineString") -> Any:
    return {
        "type": "Feature",
        "geometry": {"type": kind, "coordinates": coordinates},
        "properties": {} if highway is None else {"highway": highway},
    }


def load(session: Session, *features: Any, attribution: str = "") -> road_map.Loaded:
    make_territory(session)
    return road_map.load(
        session,
        territory_id="humen",
        document={"type": "FeatureCollection", "features": list(features)},
        attribution=attribution,
        actor=ADMIN,
        now=NOW,
    )


def test_roads_are_kept_by_size_without_paths_and_what_lies_elsewhere(session: Session) -> None:
    found = load(
        session,
        feature(NEAR, "trunk"),
        feature([NEAR, NEAR], "tertiary", "MultiLineString"),
        feature(NEAR),
        feature(NEAR, "footway"),
        feature(FAR, "primary"),
        feature([113.65, 22.80], "crossing", "Point"),
        attribution="© OpenStreetMap contributors",
    )

    assert (found.lines, found.points, found.left_out) == (4, 8, 2)
    drawn, whose = road_map.features(session, territory_id="humen")
    lines = {each["properties"]["size"]: each["geometry"]["coordinates"] for each in drawn}
    assert {size: len(kept) for size, kept in lines.items()} == {
        "large": 1,
        "middle": 2,
        "small": 1,
    }
    assert lines["large"][0] == [[113.65, 22.8], [113.66123, 22.81]], "to a metre"
    assert whose == "© OpenStreetMap contributors"
    told = session.exec(select(Event).where(Event.type == "territory.roads_loaded")).one()
    assert told.data == {"lines": 4, "points": 8}


def test_loading_again_puts_the_new_roads_in_place_of_the_old(session: Session) -> None:
    load(session, feature(NEAR, "trunk"), feature(NEAR, "trunk"))
    load(session, feature(NEAR, "residential"))

    drawn, _ = road_map.features(session, territory_id="humen")

    assert [(each["id"], len(each["geometry"]["coordinates"])) for each in drawn] == [
        ("road:small", 1)
    ]


def test_a_territory_has_no_roads_until_some_are_loaded(session: Session) -> None:
    make_territory(session)

    assert road_map.features(session, territory_id="humen") == ([], "")
    with pytest.raises(NoSuchTerritory):
        road_map.features(session, territory_id="nowhere")


@pytest.mark.parametrize(
    ("features", "field"),
    [
        ([feature(FAR, "primary")], "features"),
        ([feature(NEAR), {"type": "Feature"}], "features[1]"),
        ([feature([["x", 1], [2, 3]])], "features[0].geometry.coordinates"),
        ([feature([[113.65, 22.80]])], "features[0].geometry.coordinates"),
        ([feature([[113.65, 122.80], [113.65, 22.80]])], "features[0].geometry.coordinates"),
        ([feature(7, kind="MultiLineString")], "features[0].geometry.coordinates"),
        ([feature(None)], "features[0].geometry.coordinates"),
        ([feature([[113.65, float("nan")], [113.65, 22.80]])], "features[0].geometry.coordinates"),
    ],
)
def test_what_are_no_roads_is_refused_and_named(
    session: Session, features: list[Any], field: str
) -> None:
    with pytest.raises(BadRoads) as caught:
        load(session, *features)
    assert caught.value.details["field"] == field
    assert road_map.features(session, territory_id="humen") == ([], "")


def test_another_document_is_refused(session: Session) -> None:
    make_territory(session)
    for document, field in (([], "type"), ({"type": "FeatureCollection"}, "features")):
        with pytest.raises(BadRoads) as caught:
            road_map.load(
                session, territory_id="humen", document=document, actor=ADMIN, now=NOW
            )  # fmt: skip
        assert caught.value.details["field"] == field


def test_more_roads_than_a_page_can_hold_are_refused(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(road_map, "MOST_POINTS", 3)

    with pytest.raises(BadRoads, match="3 are the most"):
        load(session, feature(NEAR), feature(NEAR))
