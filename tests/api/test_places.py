"""Premises without a position over HTTP and as a page: listed, looked up, placed by hand, in both languages."""

import html
import re

import pytest
from starlette.testclient import TestClient

from dispatch.core import pages
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.geo import geocoding
from dispatch.geo.datum import Datum
from dispatch.planning import plans
from tests.api.conftest import ORIGIN, SignIn
from tests.builders.datums import from_wgs84
from tests.builders.planning import crew_on, job
from tests.builders.registry import DISPATCHER, make_premises
from tests.builders.services import osrm, serving
from tests.instants import DAY, NOW
from workers.execution import drain
from workers.handlers import HANDLERS
from workers.roads import fill

UNPLACED = "/api/v1/territories/humen/unplaced"
GEOCODINGS = "/api/v1/territories/humen/geocodings"
HERE = (22.81, 113.66)


@pytest.fixture
def settings(tmp_path: object) -> Settings:
    return Settings(
        data_dir=tmp_path, public_url=ORIGIN, geocoder="nominatim",
        geocoder_url="http://127.0.0.1:9", geocoder_per_second=100,
    )  # type: ignore[arg-type]  # fmt: skip


@pytest.fixture
def without(settings: Settings) -> Settings:
    return Settings(data_dir=settings.data_dir, public_url=ORIGIN)


@pytest.fixture
def office(sign_in: SignIn, database: Database) -> TestClient:
    """A dispatcher of a territory with two premises that nobody has located; a visit waits for the second."""
    with transaction(database) as session:
        crew_on(session, "C1")
        job(session)
        make_premises(session, id="P-1", lat=None, lon=None, address="解放路1号")
        job(session, located=False)
    return sign_in("dispatcher")


def waiting(office: TestClient) -> dict[str, object]:
    found: dict[str, object] = office.get(UNPLACED).json()["rows"][0]
    return found


def test_what_has_no_position_is_listed_those_that_visits_wait_for_first(
    office: TestClient,
) -> None:
    found = office.get(UNPLACED).json()

    assert (found["total"], found["visits"], found["geocoder"]) == (2, 1, "nominatim")
    assert [row["visits"] for row in found["rows"]] == [1, 0]
    assert found["rows"][1]["premises_id"] == "P-1"
    assert office.get(UNPLACED, params={"limit": 1}).json()["total"] == 2
    assert office.get("/api/v1/territories/nowhere/unplaced").json()["code"] == "no_such_territory"


def test_a_long_list_goes_on_page_after_page(office: TestClient, database: Database) -> None:
    with transaction(database) as session:
        for number in range(2, 6):
            make_premises(session, id=f"P-{number}", lat=None, lon=None)
        job(session, located=False)
    whole = [row["premises_id"] for row in office.get(UNPLACED).json()["rows"]]

    listed, cursor = [], None
    while cursor is not None or not listed:
        page = office.get(UNPLACED, params={"limit": 2} | ({"cursor": cursor} if cursor else {}))
        listed += [row["premises_id"] for row in page.json()["rows"]]
        cursor = page.json()["next"]

    assert listed == whole
    assert len(listed) == page.json()["total"] == 7
    assert office.get(UNPLACED, params={"cursor": "no"}).json()["code"] == "bad_cursor"
    other = office.get(UNPLACED, params={"cursor": pages.cursor_after("P-1")})
    assert other.json()["code"] == "bad_cursor"


def test_the_page_lists_a_hundred_and_leads_to_the_next_ones(
    office: TestClient, database: Database
) -> None:
    with transaction(database) as session:
        for number in range(120):
            make_premises(session, id=f"Q-{number:03d}", lat=None, lon=None)
    first = office.get("/places?territory=humen&lang=en", headers={"Accept": "text/html"}).text
    (link,) = re.findall(r'href="(/places[^"]*cursor=[^"]*)"', first)

    second = office.get(html.unescape(link), headers={"Accept": "text/html"}).text

    assert first.count("data-premises=") == 100
    assert second.count("data-premises=") == 22
    assert "From the beginning" in second
    assert "The next ones" not in second


def test_a_run_is_asked_for_followed_and_stopped(office: TestClient) -> None:
    asked = office.post(GEOCODINGS)

    assert asked.status_code == 202
    run = asked.json()
    assert (run["status"], run["total"], run["looked_up"]) == ("waiting", 2, 0)
    assert office.post(GEOCODINGS).json()["code"] == "geocoding_under_way"
    stopped = office.post(f"/api/v1/geocodings/{run['id']}/stop")
    assert stopped.json()["stop_asked"] is True
    assert [row["id"] for row in office.get(GEOCODINGS).json()] == [run["id"]]
    assert office.get("/api/v1/geocodings/99").json()["code"] == "no_such_geocoding"


def test_a_worker_looks_up_and_what_is_doubtful_stands_beside_the_address(
    office: TestClient, database: Database, settings: Settings
) -> None:
    said = [{"lat": "23.9", "lon": "113.66", "display_name": "elsewhere"}]
    with serving(lambda *_: (200, said)) as server:
        run = office.post(GEOCODINGS).json()
        asks = settings.model_copy(update={"geocoder_url": server.url})
        drain(database, asks, now=NOW, handlers=HANDLERS)

    assert office.get(f"/api/v1/geocodings/{run['id']}").json()["looked_up"] == 2
    suggestion = waiting(office)["suggestion"]
    assert suggestion["doubt"] == "outside"  # type: ignore[index]
    assert suggestion["away_m"] > 100_000  # type: ignore[index]
    page = office.get("/places?territory=humen&lang=en").text
    assert "km outside the territory: is the address right?" in page
    assert "data-lat" not in page


def test_premises_are_placed_by_degrees_of_a_chinese_map(
    office: TestClient, database: Database
) -> None:
    row = waiting(office)
    lat, lon = from_wgs84(Datum.GCJ02, *HERE)
    url = f"/api/v1/premises/{row['premises_id']}/position"
    body = {"lat": lat, "lon": lon, "datum": "gcj02", "accuracy_m": 20, "version": row["version"]}

    placed = office.put(url, json=body)

    assert placed.status_code == 200
    assert (placed.json()["lat"], placed.json()["lon"]) == pytest.approx(HERE, abs=1e-9)
    assert office.get(UNPLACED).json()["total"] == 1
    again = office.put(url, json={**body, "lat": 23.9, "version": placed.json()["version"]})
    assert again.json()["code"] == "outside_territory"
    assert office.put(url, json={**body, "datum": "mars"}).status_code == 422


def test_without_a_geocoder_the_page_says_how_to_place_them(
    office: TestClient, app: object, without: Settings
) -> None:
    app.state.gridcrew.settings = without  # type: ignore[attr-defined]

    assert office.post(GEOCODINGS).json()["code"] == "no_geocoder"
    page = office.get("/places?territory=humen&lang=en").text
    assert "No geocoder is configured" in page
    assert 'id="map"' in page
    assert "解放路1号" in page


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "Premises without a position: 2"), ("zh-CN", "没有坐标的用电地址：2 处")],
)
def test_the_page_speaks_the_language(office: TestClient, language: str, words: str) -> None:
    page = office.get(f"/places?territory=humen&lang={language}").text

    assert words in page
    assert page.count("data-premises=") == 2
    assert page.count('class="known"') >= 1


def test_those_who_only_read_see_no_buttons(office: TestClient, sign_in: SignIn) -> None:
    page = sign_in("auditor").get("/places?territory=humen&lang=en").text

    assert "解放路1号" in page
    assert "data-choose" not in page
    assert 'id="position"' not in page


def test_a_page_with_a_suggestion_offers_it_and_shows_a_running_look_up(
    office: TestClient, database: Database
) -> None:
    with transaction(database) as session:
        found = geocoding.Found(*HERE, 900, "Jiefang Road", Datum.WGS84)
        for row in office.get(UNPLACED).json()["rows"]:
            geocoding.keep(
                session, provider="nominatim", address=f"太平社区{row['address']}"
                if "太平社区" not in row["address"] else row["address"], found=found, now=NOW,
            )  # fmt: skip
    run = office.post(GEOCODINGS).json()

    page = office.get("/places?territory=humen&lang=en").text

    assert f'data-run="{run["id"]}"' in page
    assert page.count('data-lat="22.81"') == 2
    assert "Only accurate to 900 m" in page


@pytest.mark.parametrize("kind", ["estimate", "osrm", "partly"])
def test_a_plan_says_what_its_driving_times_rest_on(
    office: TestClient, database: Database, kind: str
) -> None:
    with serving(osrm()) as server:
        roads = Settings(roads="osrm", roads_url=server.url)
        if kind != "estimate":
            fill(database, roads, "humen", now=NOW)
    with transaction(database) as session:
        if kind == "partly":
            job(session, east=3)
        plan = plans.request_plan(
            session, territory_id="humen", day=DAY, options={"engine": "naive"},
            actor=DISPATCHER, now=NOW,
        )  # fmt: skip

    times = office.get(f"/api/v1/plans/{plan.id}").json()["figures"]["travel_times"]
    assert times["source"] == ("estimate" if kind == "estimate" else "osrm")
    assert bool(times.get("estimated")) == (kind == "partly")
