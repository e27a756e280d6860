"""OSRM and Valhalla over real sockets: their answers, their refusals, and everything that goes wrong on the way."""

import time
from typing import Any

import pytest

from dispatch.geo.roads import NO_WAY, UNKNOWN
from tests.builders.services import drive, osrm, serving, valhalla
from workers.outside import ServiceAway
from workers.road_services import Osrm, RoadService, TooMany, Valhalla

TOWN = [(22.80, 113.60), (22.81, 113.62), (22.83, 113.61)]
SERVICES = {"osrm": (Osrm, osrm), "valhalla": (Valhalla, valhalla)}


def service(kind: str, url: str, timeout: float = 5) -> RoadService:
    return SERVICES[kind][0](url, "", timeout)


@pytest.mark.parametrize("kind", SERVICES)
def test_a_table_has_the_drives_from_each_to_each_whole_seconds_and_metres(kind: str) -> None:
    with serving(SERVICES[kind][1]()) as server:
        block = service(kind, server.url + "/").block(TOWN[:2], TOWN)

    assert block.seconds.tolist() == [[round(drive(a, b)[0]) for b in TOWN] for a in TOWN[:2]]
    assert block.metres.tolist() == [[round(drive(a, b)[1]) for b in TOWN] for a in TOWN[:2]]


def test_null_is_a_drive_that_does_not_exist_and_old_servers_know_no_metres() -> None:
    said = {"code": "Ok", "durations": [[0, None], [12.6, 0]]}
    with serving(lambda *_: (200, said)) as server:
        block = Osrm(server.url, "", 5).block(TOWN[:2], TOWN[:2])

    assert block.seconds.tolist() == [[0, NO_WAY], [13, 0]]
    assert block.metres.tolist() == [[UNKNOWN] * 2] * 2


def test_valhalla_s_null_and_its_short_form_are_understood() -> None:
    cell = {"time": None, "distance": None}
    long = {"sources_to_targets": [[cell, {"time": 7, "distance": 0.25}]]}
    short = {"sources_to_targets": {"durations": [[None, 7]], "distances": [[None, 0.25]]}}
    for said in (long, short):
        with serving(lambda *_, said=said: (200, said)) as server:
            block = Valhalla(server.url, "", 5).block(TOWN[:1], TOWN[1:])

        assert block.seconds.tolist() == [[NO_WAY, 7]]
        assert block.metres.tolist() == [[UNKNOWN, 250]]


@pytest.mark.parametrize("kind", SERVICES)
def test_a_service_that_takes_fewer_coordinates_says_so(kind: str) -> None:
    with serving(SERVICES[kind][1](2)) as server, pytest.raises(TooMany):
        service(kind, server.url).block(TOWN, TOWN)


@pytest.mark.parametrize("kind", SERVICES)
@pytest.mark.parametrize(
    "said",
    [
        (500, {"code": "Ok", "durations": [[0, 1], [1, 0]]}),
        (502, b"<html>Bad gateway</html>"),
        (429, {"message": "slow down"}),
        (302, b""),
        (200, b"<html>Sign in to the hotel's network</html>"),
        (200, b"[" * 200_000),
        (200, []),
        (200, {}),
        (200, {"code": "Ok", "durations": None, "sources_to_targets": None}),
        (200, {"code": "NoSegment", "message": "no segment"}),
        (400, {"code": "InvalidQuery", "error_code": 154, "error": "Path distance exceeds"}),
        (200, {"code": "Ok", "durations": [[0, 1]], "sources_to_targets": [[{"time": 1}] * 2]}),
        (200, {"code": "Ok", "durations": [[0, 1], [1]], "sources_to_targets": [[], []]}),
        (200, {"code": "Ok", "durations": [[0, "1"], [1, 0]], "sources_to_targets": [[1, 2]] * 2}),
        (200, {"code": "Ok", "durations": [[0, -1], [1, 0]]}),
        (200, {"code": "Ok", "durations": [[0, True], [1, 0]]}),
        (200, b'{"code": "Ok", "durations": [[0, NaN], [1, 0]]}'),
        (200, b'{"code": "Ok", "durations": [[0, 1e999], [1, 0]]}'),
    ],
)
def test_an_error_or_nonsense_is_no_table(kind: str, said: Any) -> None:
    with serving(lambda *_: said) as server, pytest.raises(ServiceAway) as refusal:
        service(kind, server.url).block(TOWN[:2], TOWN[:2])

    assert not isinstance(refusal.value, TooMany)


@pytest.mark.parametrize("kind", SERVICES)
@pytest.mark.parametrize("how", ["hangs", "drips"])
def test_a_server_that_hangs_or_drips_holds_nobody_longer_than_the_time_limit(
    kind: str, how: str
) -> None:
    with serving(SERVICES[kind][1]()) as server:
        setattr(server, how, True)
        began = time.monotonic()
        with pytest.raises(ServiceAway, match=r"within 0\.5 s"):
            service(kind, server.url, timeout=0.5).block(TOWN, TOWN)

    assert time.monotonic() - began < 5


def test_nobody_at_the_address_is_the_same_refusal() -> None:
    with serving(osrm()) as server:
        url = server.url
    with pytest.raises(ServiceAway, match="cannot be reached"):
        Osrm(url, "", 5).block(TOWN, TOWN)
