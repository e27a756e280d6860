"""Work on PostgreSQL, where writers do not queue: one crew, one follow-up, one warning, whoever is faster."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlmodel import select

from dispatch.core.db import Database, transaction
from dispatch.core.events import Actor
from dispatch.core.tables import Event
from dispatch.desk import queries as desk_queries
from dispatch.sla import clocks
from dispatch.work import queries, series, visits
from dispatch.work.tables import SeriesOccurrence
from tests.builders.desk import make_request
from tests.builders.work import make_order, make_series, make_visit
from tests.instants import DAY, NOW
from tests.racing import at_once

pytestmark = pytest.mark.system

CREW = Actor("C1", "crew")


def refused(*jobs: Callable[[], None]) -> list[str]:
    """Run the jobs at once; the codes of what was refused."""
    return [end for end in at_once(*jobs) if end != "done"]


def departing(database: Database, visit_id: str) -> Callable[[], None]:
    def depart() -> None:
        with transaction(database) as session:
            visits.act(session, visits.get(session, visit_id), "depart", actor=CREW, now=NOW)

    return depart


def test_a_crew_sets_out_for_one_visit_however_many_telephones_ask(postgresql: Database) -> None:
    with transaction(postgresql) as session:
        names = [make_visit(session, status="accepted", crew="C1").id for _ in range(5)]

    codes = refused(*(departing(postgresql, name) for name in names))

    assert codes == ["crew_busy"] * 4
    with postgresql.reading() as session:
        states = sorted(visits.get(session, name).status.value for name in names)
    assert states == ["accepted"] * 4 + ["en_route"]


def test_the_same_step_taken_at_once_is_taken_once(postgresql: Database) -> None:
    with transaction(postgresql) as session:
        name = make_visit(session, status="accepted", crew="C1").id

    codes = refused(*(departing(postgresql, name) for _ in range(4)))

    assert len(codes) == 3
    assert set(codes) <= {"stale_version", "illegal_move"}
    with postgresql.reading() as session:
        told = session.exec(select(Event).where(Event.type == "visit.en_route")).all()
    assert len(told) == 1


def test_follow_ups_generated_at_once_are_made_once(postgresql: Database) -> None:
    with transaction(postgresql) as session:
        for _ in range(4):
            make_series(session, rrule="FREQ=MONTHLY")
    made: list[int] = []

    def generate() -> None:
        with transaction(postgresql) as session:
            made.append(len(series.generate(session, territory_id="humen", day=DAY, now=NOW)))

    assert refused(*[generate] * 3) == []
    assert sorted(made) == [0, 0, 4]
    with postgresql.reading() as session:
        assert len(session.exec(select(SeriesOccurrence)).all()) == 4


def test_sweeps_at_once_warn_once(postgresql: Database) -> None:
    with transaction(postgresql) as session:
        for _ in range(6):
            make_order(session, work_type="CLM-APP")
    given: list[int] = []

    def sweep() -> None:
        with transaction(postgresql) as session:
            given.append(clocks.sweep(session, now=NOW + timedelta(hours=13)))

    assert refused(*[sweep] * 3) == []
    assert sum(given) == 6


def test_the_pool_and_the_counters_read_as_on_sqlite(postgresql: Database) -> None:
    with transaction(postgresql) as session:
        filler = make_visit(session, work_type="FU-VIS")
        meter = make_visit(session, work_type="MTR-XCH")
        undated = make_visit(session, work_type="MTR-COM")
        make_request(session, received_at=NOW - timedelta(hours=2))

    with postgresql.reading() as session:
        pool = [job.visit.id for job in queries.pool(session, territory_id="humen", day=DAY)]
        backlog = {
            queue.counter.id: queue
            for queue in desk_queries.counters(session, territory_id="humen")
        }

    assert pool == [meter.id, undated.id, filler.id]
    assert backlog["consultation"].oldest_at == NOW - timedelta(hours=2)
    assert backlog["fault"].open == 0
