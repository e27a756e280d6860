"""Driving times and addresses are kept on PostgreSQL as on SQLite, by two workers at once too."""

import threading

import pytest

from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.geo import geocoding
from dispatch.planning.problem import build
from dispatch.planning.unplaced import unplaced
from tests.builders.planning import crew_on, job
from tests.builders.registry import DISPATCHER
from tests.builders.services import osrm, serving
from tests.instants import DAY, NOW
from workers.execution import Outcome, drain
from workers.handlers import HANDLERS
from workers.roads import fill

pytestmark = pytest.mark.system


def test_two_workers_that_learn_the_same_drives_lose_none(postgresql: Database) -> None:
    with transaction(postgresql) as session:
        crew_on(session, "C1")
        for east in range(1, 7):
            job(session, east=east)
    with serving(osrm()) as server:
        settings = Settings(roads="osrm", roads_url=server.url, roads_coordinates=4)
        gate, left = threading.Barrier(2), list[int]()

        def learn() -> None:
            gate.wait(10)
            left.append(fill(postgresql, settings, "humen", now=NOW))

        threads = [threading.Thread(target=learn) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)

    assert left == [0, 0]
    with postgresql.reading() as session:
        problem = build(session, territory_id="humen", day=DAY, now=NOW).problem
    assert problem.meta["travel"]["estimated"] == 0


def test_addresses_are_listed_and_looked_up(postgresql: Database) -> None:
    with transaction(postgresql) as session:
        job(session, located=False)
        job(session, located=False)
        geocoding.ask(
            session, territory_id="humen", provider="nominatim", actor=DISPATCHER, now=NOW
        )
    with serving(lambda *_: (200, [])) as server:
        settings = Settings(geocoder="nominatim", geocoder_url=server.url, geocoder_per_second=50)
        assert set(drain(postgresql, settings, now=NOW, handlers=HANDLERS).values()) == {
            Outcome.DONE
        }
    with postgresql.reading() as session:
        found = unplaced(
            session, territory_id="humen", provider="nominatim", good_enough_m=300, limit=1
        )

    assert (found.total, found.visits, len(found.rows)) == (2, 2, 1)
    assert found.rows[0].suggestion is not None
    assert found.rows[0].suggestion.doubt == "unknown"
