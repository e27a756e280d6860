"""A day on the map: GeoJSON of what there is, crews only for who may see them."""

from collections import Counter

import pytest
from fastapi import FastAPI

from api.state import State
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.geo import road_map
from dispatch.planning.engine import in_process
from tests.api.conftest import SignIn, VirtualClock
from tests.builders.planning import crew_on, job, published
from tests.builders.registry import ADMIN
from tests.instants import NOW, at

MAP = "/api/v1/territories/humen/map?day=2026-03-10"


@pytest.fixture
def town(database: Database) -> None:
    with transaction(database) as session:
        crew_on(session, "K01")
        job(session)
        published(session)
        job(session, east=2)
        job(session, located=False)


def kinds(answer: dict[str, object]) -> Counter[str]:
    return Counter(feature["properties"]["kind"] for feature in answer["features"])  # type: ignore[attr-defined]


def test_the_map_shows_territory_depots_routes_visits_and_crews(
    town: None, sign_in: SignIn, clock: VirtualClock
) -> None:
    clock.now = at("09:00")
    spots = [{"lat": 22.8, "lon": 113.6, "device_at": at("08:55").isoformat()}]
    crew = sign_in("crew", crew_id="K01")
    url = "/api/v1/crews/K01/positions"
    assert crew.post(url, json={"positions": spots}).json() == {"kept": 1}
    assert crew.post(url, json={"positions": spots}).json() == {"kept": 0}

    answer = sign_in("dispatcher").get(MAP).json()

    assert answer["type"] == "FeatureCollection"
    assert answer["tiles"] is None
    assert kinds(answer) == {"territory": 1, "depot": 1, "route": 1, "visit": 2, "crew": 1}
    visit, waiting = [f for f in answer["features"] if f["properties"]["kind"] == "visit"]
    assert (visit["properties"]["crew_id"], waiting["properties"]["crew_id"]) == ("K01", None)
    (seen,) = [f for f in answer["features"] if f["properties"]["kind"] == "crew"]
    assert seen["geometry"] == {"type": "Point", "coordinates": [113.6, 22.8]}
    assert "crew" not in kinds(sign_in("intake").get(MAP).json())
    some = f"{MAP}&kind=crew&kind=depot"
    assert kinds(sign_in("dispatcher").get(some).json()) == {"crew": 1, "depot": 1}
    assert kinds(sign_in("intake").get(some).json()) == {"depot": 1}


def test_another_crews_position_is_not_reported(town: None, sign_in: SignIn, crew_b: str) -> None:
    spots = [{"lat": 22.8, "lon": 113.6, "device_at": at("08:55").isoformat()}]
    answer = sign_in("crew", crew_id="K02").post(
        "/api/v1/crews/K01/positions", json={"positions": spots}
    )
    assert answer.status_code == 404


def test_a_configured_source_of_tiles_is_told(
    town: None,
    app: FastAPI,
    sign_in: SignIn,
    settings: Settings,
    database: Database,
    clock: VirtualClock,
) -> None:
    url = "https://tiles.example.org/{z}/{x}/{y}.png"
    there = settings.model_copy(update={"tiles_url": url, "tiles_attribution": "© some"})
    app.state.gridcrew = State(there, database, clock, in_process)

    answer = sign_in("dispatcher").get(MAP)

    assert answer.json()["tiles"] == {"url": url, "attribution": "© some"}
    assert "https://tiles.example.org" in answer.headers["content-security-policy"]


def test_the_roads_that_were_loaded_are_there_to_draw(
    town: None, sign_in: SignIn, database: Database
) -> None:
    line = {"type": "LineString", "coordinates": [[113.65, 22.80], [113.66, 22.81]]}
    road = {"type": "Feature", "geometry": line, "properties": {"highway": "primary"}}
    url, client = "/api/v1/territories/humen/roads", sign_in("dispatcher")
    assert client.get(url).json() == {
        "type": "FeatureCollection", "features": [], "attribution": "",
    }  # fmt: skip

    with transaction(database) as session:
        road_map.load(
            session, territory_id="humen", attribution="© Us", actor=ADMIN, now=NOW,
            document={"type": "FeatureCollection", "features": [road]},
        )  # fmt: skip

    found = client.get(url).json()
    assert found["attribution"] == "© Us"
    assert [each["properties"]["size"] for each in found["features"]] == ["large"]
    assert sign_in("crew", crew_id="K01").get(url).status_code == 403
