"""Two people at once: one of them is told, nothing is done twice."""

import threading
from collections.abc import Callable

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from dispatch.core.db import Database, StaleVersion, transaction
from dispatch.core.errors import DispatchError
from dispatch.core.events import Actor
from dispatch.work import series, visits
from dispatch.work.tables import VisitStatus
from tests.builders.work import crew_actor, go, make_series, make_visit
from tests.instants import DAY, NOW

CREW = Actor("C1", "crew")


def at_once(*jobs: Callable[[], None]) -> list[str]:
    """Run the jobs in threads that begin together; the code of each refusal, in no order."""
    ready, codes = threading.Barrier(len(jobs)), []

    def run(job: Callable[[], None]) -> None:
        ready.wait()
        try:
            job()
        except DispatchError as refused:
            codes.append(refused.code)

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return codes


def acting(database: Database, visit_id: str, action: str) -> Callable[[], None]:
    def act() -> None:
        with transaction(database) as session:
            visits.act(session, visits.get(session, visit_id), action, actor=CREW, now=NOW)

    return act


def test_two_telephones_of_a_crew_cannot_set_out_for_two_visits(database: Database) -> None:
    with transaction(database) as session:
        names = [make_visit(session, status="accepted", crew="C1").id for _ in range(2)]

    codes = at_once(*(acting(database, name, "depart") for name in names))

    assert codes == ["crew_busy"]
    with database.reading() as session:
        states = sorted(visits.get(session, name).status.value for name in names)
    assert states == ["accepted", "en_route"]


def test_of_two_who_do_the_same_only_one_does_it(database: Database) -> None:
    with transaction(database) as session:
        name = make_visit(session, status="accepted", crew="C1").id

    codes = at_once(*(acting(database, name, "depart") for _ in range(4)))

    assert len(codes) == 3
    assert set(codes) <= {"illegal_move", "stale_version"}  # before, or while somebody else did it


def test_a_change_under_somebodys_hands_is_told_and_not_overwritten(database: Database) -> None:
    with transaction(database) as session:
        name = make_visit(session, status="published", crew="C1").id
    with database.reading() as early:
        seen = visits.get(early, name)
        early.expunge(seen)
    with transaction(database) as session:
        visits.act(session, visits.get(session, name), "accept", actor=CREW, now=NOW)

    with pytest.raises(StaleVersion), transaction(database) as session:
        mine = session.merge(seen, load=False)
        visits.act(session, mine, "dispatch", actor=Actor("li", "dispatcher"), now=NOW)

    with database.reading() as session:
        assert visits.get(session, name).status == VisitStatus.ACCEPTED


def test_the_database_itself_keeps_a_crew_in_one_place(session: Session) -> None:
    make_visit(session, status="working", crew="C1")
    other = make_visit(session, status="accepted", crew="C1")

    with pytest.raises(IntegrityError), session.begin_nested():
        other.status = VisitStatus.EN_ROUTE  # past the writer, as a faulty program would
        session.flush()


def test_follow_ups_generated_by_two_workers_are_made_once(database: Database) -> None:
    with transaction(database) as session:
        for _ in range(3):
            make_series(session, rrule="FREQ=MONTHLY")
    made: list[int] = []

    def generate() -> None:
        with transaction(database) as session:
            orders = series.generate(session, territory_id="humen", day=DAY, now=NOW)
            made.append(len(orders))

    assert at_once(generate, generate) == []
    assert sorted(made) == [0, 3]


def test_a_crew_goes_on_after_a_refusal(session: Session) -> None:
    first = make_visit(session, status="en_route", crew="C1")
    second = make_visit(session, status="accepted", crew="C1")
    with pytest.raises(visits.CrewBusy):
        visits.act(session, second, "depart", actor=crew_actor(second), now=NOW)

    go(session, first, "arrive", "start", "finish")
    visits.act(session, second, "depart", actor=crew_actor(second), now=NOW)

    assert second.status == VisitStatus.EN_ROUTE
