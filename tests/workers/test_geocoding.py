"""Geocoding over real sockets: each provider's answers, its limits, and what becomes of the premises."""

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from geopy.exc import GeopyError
from sqlmodel import Session, select

from dispatch.core import tasks
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.core.tables import Event, Task, TaskState
from dispatch.geo import geocoding
from dispatch.geo.datum import Datum
from dispatch.geo.tables import GeocodeAnswer, Geocoding
from dispatch.registry.tables import Premises
from tests.builders.datums import from_wgs84
from tests.builders.registry import DISPATCHER, make_premises, make_territory
from tests.builders.services import Outside, serving
from tests.instants import NOW
from workers.execution import Outcome, drain
from workers.geocoders import configured
from workers.handlers import HANDLERS

HERE = (22.81, 113.66)
KEY = "a-key"


def nominatim(lat: float = HERE[0], lon: float = HERE[1], half: float = 0.0002) -> Any:
    return [
        {
            "lat": str(lat), "lon": str(lon), "display_name": "1, Jiefang Road",
            "boundingbox": [str(lat - half), str(lat + half), str(lon - half), str(lon + half)],
        }
    ]  # fmt: skip


def photon() -> Any:
    point = {"coordinates": [HERE[1], HERE[0]]}
    return {"features": [{"geometry": point, "properties": {"name": "1", "type": "house"}}]}


def amap() -> Any:
    lat, lon = from_wgs84(Datum.GCJ02, *HERE)
    best = {
        "location": f"{lon:.6f},{lat:.6f}",
        "level": "门牌号",
        "formatted_address": "广东省东莞市",
    }
    return {"status": "1", "info": "OK", "infocode": "10000", "geocodes": [best]}


def baidu() -> Any:
    lat, lon = from_wgs84(Datum.BD09, *HERE)
    place = {"location": {"lat": lat, "lng": lon}, "confidence": 80, "level": "门址"}
    return {"status": 0, "result": place}


ANSWERS: dict[str, tuple[Callable[[], Any], str, float]] = {
    "nominatim": (nominatim, "q", 30),
    "photon": (photon, "q", 30),
    "amap": (amap, "address", 30),
    "baidu": (baidu, "address", 100),
}


def settings_for(url: str, geocoder: str = "nominatim", **more: Any) -> Settings:
    more = {"geocoder_per_second": 100, "geocoder_timeout": 0.5, **more}
    return Settings(geocoder=geocoder, geocoder_url=url, geocoder_key=KEY, **more)  # type: ignore[arg-type]


def unplaced(database: Database, count: int = 1) -> list[str]:
    with transaction(database) as session:
        return [
            make_premises(session, lat=None, lon=None, address=f"虎门镇太平社区解放路{n}号").id
            for n in range(1, count + 1)
        ]


def asked(database: Database, provider: str = "nominatim") -> int:
    with transaction(database) as session:
        run = geocoding.ask(
            session, territory_id="humen", provider=provider, actor=DISPATCHER, now=NOW
        )
        return run.id or 0


def run_of(database: Database, number: int) -> Geocoding:
    with database.reading() as session:
        return geocoding.RUNS.get(session, number)


def looked_up(database: Database, server: Outside, **more: Any) -> Geocoding:
    number = asked(database, more.get("geocoder", "nominatim"))
    outcomes = drain(database, settings_for(server.url, **more), now=NOW, handlers=HANDLERS)
    assert set(outcomes.values()) == {Outcome.DONE}
    return run_of(database, number)


def premises(database: Database, premises_id: str) -> Premises:
    with database.reading() as session:
        return session.get_one(Premises, premises_id)


def doubts(database: Database) -> list[str]:
    with database.reading() as session:
        rows = session.exec(select(Premises).order_by(Premises.id)).all()
        said = geocoding.suggestions(session, provider="nominatim", rows=rows, good_enough_m=300)
        return [said[row.id].doubt for row in rows if row.id in said]


@pytest.mark.parametrize("provider", ANSWERS)
def test_each_provider_places_premises_in_wgs84_with_its_accuracy(
    database: Database, provider: str
) -> None:
    answer, parameter, accuracy = ANSWERS[provider]
    (name,) = unplaced(database)
    with serving(lambda *_: (200, answer())) as server:
        run = looked_up(database, server, geocoder=provider)

    assert (run.status, run.total, run.looked_up, run.placed) == ("done", 1, 1, 1)
    query = parse_qs(urlsplit(server.asked[0]).query)
    assert query[parameter] == ["虎门镇太平社区解放路1号"]
    found = premises(database, name)
    assert (found.lat, found.lon) == pytest.approx(HERE, abs=1e-5)
    assert found.accuracy_m == pytest.approx(accuracy, rel=0.1)
    with database.reading() as session:
        event = session.exec(select(Event).where(Event.type == "premises.located")).one()
        kept = session.exec(select(GeocodeAnswer)).one()
    given = event.data["given"]
    assert given["by"] == provider
    assert (given["lat"], given["lon"]) == (kept.given_lat, kept.given_lon)
    shifted = {"amap": "gcj02", "baidu": "bd09"}.get(provider, "wgs84")
    assert (given["datum"], kept.datum.value) == (shifted, shifted)


@pytest.mark.parametrize(
    ("said", "doubt"),
    [
        ([], "unknown"),
        (nominatim(lat=23.5), "outside"),
        (nominatim(half=0.02), "coarse"),
    ],
)
def test_what_is_doubtful_is_a_suggestion_and_no_position(
    database: Database, said: Any, doubt: str
) -> None:
    (name,) = unplaced(database)
    with serving(lambda *_: (200, said)) as server:
        run = looked_up(database, server)

    assert (run.looked_up, run.placed) == (1, 0)
    assert premises(database, name).lat is None
    assert doubts(database) == [doubt]


def test_an_answer_without_accuracy_is_not_taken_as_exact(database: Database) -> None:
    unplaced(database)
    said = [{"lat": "22.81", "lon": "113.66", "display_name": "somewhere"}]
    with serving(lambda *_: (200, said)) as server:
        assert looked_up(database, server).placed == 0

    assert doubts(database) == ["coarse"]


def test_an_address_is_asked_about_once(database: Database) -> None:
    unplaced(database, 3)
    with serving(lambda *_: (200, [])) as server:
        looked_up(database, server)
        assert looked_up(database, server).looked_up == 3

    assert len(server.asked) == 3


def test_questions_keep_the_geocoders_pace(database: Database) -> None:
    unplaced(database, 6)
    with serving(lambda *_: (200, nominatim())) as server:
        looked_up(database, server, geocoder_per_second=5)

    # By the whole, and with room: on a busy machine the first question may arrive late, and the others in time.
    assert server.at[-1] - server.at[0] > 5 * 0.2 - 0.3


def test_a_geocoder_that_asks_for_patience_is_left_alone_and_then_goes_on(
    database: Database,
) -> None:
    unplaced(database, 3)
    number, turn = asked(database), iter(range(100))

    def play(*_: Any) -> Any:
        return (429, {}) if next(turn) == 1 else (200, nominatim())

    with serving(play) as server:
        server.headers["Retry-After"] = "40"
        settings = settings_for(server.url)
        first = drain(database, settings, now=NOW, handlers=HANDLERS)
        assert set(first.values()) == {Outcome.POSTPONED}
        assert (run_of(database, number).status, run_of(database, number).placed) == ("running", 1)
        with database.reading() as session:
            task = session.exec(select(Task).where(Task.kind == "geocoding.run")).one()
        assert (task.state, task.attempts) == (TaskState.DUE, 0)
        assert (task.run_at - NOW).total_seconds() == 40
        drain(database, settings, now=task.run_at, handlers=HANDLERS)

    assert (run_of(database, number).status, run_of(database, number).placed) == ("done", 3)
    assert len(server.asked) == 4


@pytest.mark.parametrize(
    "said",
    [
        (500, b"oops"),
        (200, b"<html>no"),
        (200, [{"lat": "north"}]),
        (200, [{"lat": "95", "lon": "13"}]),
        (200, [{"lat": "nan", "lon": "13"}]),
        "hangs",
        "drips",
    ],
)
def test_a_geocoder_that_fails_ends_the_run_with_its_reason(database: Database, said: Any) -> None:
    unplaced(database, 5)
    with serving(lambda *_: (200, nominatim()) if isinstance(said, str) else said) as server:
        if isinstance(said, str):
            setattr(server, said, True)
        began = time.monotonic()
        run = looked_up(database, server)

    assert time.monotonic() - began < 20
    assert (run.status, run.placed, len(server.asked)) == ("failed", 0, 3)
    assert "does not answer" in run.error
    assert KEY not in run.error


BAD = [
    (500, b"oops"),
    (200, [{"lat": "north"}]),
    (200, [nominatim()[0] | {"boundingbox": ["a", "b", "c", "d"]}]),
    (200, [nominatim()[0] | {"boundingbox": ["nan"] * 4}]),
]


def failing_at(*numbers: int, said: Any = BAD[0]) -> Callable[..., Any]:
    """A geocoder that answers well, but about these houses."""

    def play(_method: str, path: str, _body: Any) -> Any:
        house = parse_qs(urlsplit(path).query)["q"][0]
        return said if any(house.endswith(f"路{n}号") for n in numbers) else (200, nominatim())

    return play


@pytest.mark.parametrize("said", BAD)
def test_an_address_that_the_geocoder_fails_at_is_named_passed_over_and_asked_about_again(
    database: Database, said: Any
) -> None:
    names = unplaced(database, 6)
    with serving(failing_at(1, 4, 5, said=said)) as server:
        run = looked_up(database, server)

    assert (run.status, run.total, run.looked_up, run.placed) == ("done", 6, 6, 3)
    assert run.error.startswith(f"{names[4]}: ")
    assert [premises(database, name).lat is None for name in names] == [1, 0, 0, 1, 1, 0]
    with serving(lambda *_: (200, nominatim())) as server:
        assert looked_up(database, server).placed == 3
    assert len(server.asked) == 3


def test_a_run_begins_behind_where_the_last_gave_up_and_comes_to_those_before_at_its_end(
    database: Database,
) -> None:
    names = unplaced(database, 6)
    with serving(failing_at(1, 2, 3)) as server:
        first = looked_up(database, server)
        second = looked_up(database, server)

    assert (first.status, first.looked_up, first.placed) == ("failed", 3, 0)
    assert f"does not answer, {names[2]}: " in first.error
    assert (second.looked_up, second.placed) == (6, 3), "those behind, then those before"
    assert [premises(database, name).lat is None for name in names] == [1, 1, 1, 0, 0, 0]


def test_amaps_codes_of_a_single_address_stop_no_run(database: Database) -> None:
    unplaced(database, 2)
    said = iter([{"status": "0", "info": "ENGINE_RESPONSE_DATA_ERROR", "infocode": "30002"}])
    with serving(lambda *_: (200, next(said, None) or amap())) as server:
        run = looked_up(database, server, geocoder="amap")

    assert (run.status, run.looked_up, run.placed) == ("done", 2, 1)
    assert "ENGINE_RESPONSE_DATA_ERROR" in run.error


def test_a_refused_key_ends_the_run_at_once(database: Database) -> None:
    unplaced(database, 2)
    said = {"status": "0", "info": "INVALID_USER_KEY", "infocode": "10001"}
    with serving(lambda *_: (200, said)) as server:
        run = looked_up(database, server, geocoder="amap")

    assert (run.status, len(server.asked)) == ("failed", 1)
    assert "INVALID_USER_KEY" in run.error


def test_amaps_daily_limit_is_honoured_and_its_unknown_address_is_unknown(
    database: Database,
) -> None:
    def said(code: str) -> Any:
        return {"status": "0", "info": "NO", "infocode": code}

    with serving(lambda *_: (200, said("30001"))) as server:
        provider = configured(settings_for(server.url, "amap"))
        assert provider is not None
        assert provider.find("x") is None
    unplaced(database)
    asked(database, "amap")
    with serving(lambda *_: (200, said("10003"))) as server:
        outcomes = drain(database, settings_for(server.url, "amap"), now=NOW, handlers=HANDLERS)

    assert set(outcomes.values()) == {Outcome.POSTPONED}


def test_there_is_one_run_at_a_time_and_none_without_a_geocoder(database: Database) -> None:
    unplaced(database)
    with pytest.raises(geocoding.NoGeocoder), transaction(database) as session:
        geocoding.ask(session, territory_id="humen", provider="none", actor=DISPATCHER, now=NOW)
    number = asked(database)
    with pytest.raises(geocoding.GeocodingUnderWay):
        asked(database)
    with transaction(database) as session:
        geocoding.RUNS.stop(session, number, actor=DISPATCHER, now=NOW)
    with serving(lambda *_: (200, nominatim())) as server:
        drain(database, settings_for(server.url), now=NOW, handlers=HANDLERS)

    assert (run_of(database, number).status, server.asked) == ("done", [])


def test_a_run_whose_geocoder_is_gone_from_the_settings_says_so(database: Database) -> None:
    unplaced(database)
    number = asked(database)
    drain(database, Settings(), now=NOW, handlers=HANDLERS)

    assert run_of(database, number).status == "failed"
    assert "no longer configured" in run_of(database, number).error


def test_a_run_whose_task_gave_up_stands_in_nobodys_way(database: Database) -> None:
    unplaced(database)
    number = asked(database)
    with transaction(database) as session:
        session.exec(select(Task)).one().state = TaskState.DEAD

    again = asked(database)

    assert (run_of(database, number).status, run_of(database, again).status) == (
        "failed",
        "waiting",
    )


def test_a_person_who_was_faster_keeps_the_last_word(session: Session) -> None:
    make_territory(session)
    row = make_premises(session, lat=22.80, lon=113.65)
    run = Geocoding(territory_id="humen", provider="nominatim", created_by="x", created_at=NOW)
    session.add(run)
    session.flush()
    found = geocoding.Found(*HERE, 10, "here", Datum.WGS84)
    answer = geocoding.keep(session, provider="nominatim", address="a", found=found, now=NOW)

    placed = geocoding.take(
        session, geocoding_id=run.id or 0, premises_id=row.id, answer=answer,
        good_enough_m=300, now=NOW,
    )  # fmt: skip

    assert (placed, row.lat, row.lon) == (False, 22.80, 113.65)


def test_a_task_of_a_run_that_is_gone_ends_dead(database: Database) -> None:
    with transaction(database) as session:
        tasks.enqueue(session, "geocoding.run", key="x", payload={"id": 99}, now=NOW)

    assert list(drain(database, Settings(), now=NOW, handlers=HANDLERS).values()) == [Outcome.DEAD]


def test_geopys_errors_are_all_that_a_provider_raises() -> None:
    with serving(lambda *_: (200, {"status": "1", "geocodes": [{"location": "x"}]})) as server:
        provider = configured(settings_for(server.url, "amap"))
        assert provider is not None
        with pytest.raises(GeopyError):
            provider.find("x")
