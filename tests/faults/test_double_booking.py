"""Dispatchers race for one crew's hour: one of them gets it, whatever the writers overlook."""

import functools
import random
from datetime import timedelta

import pytest
from sqlmodel import Session

from dispatch.core.db import Database
from dispatch.core.events import Actor
from dispatch.work import visits
from tests.builders.planning import crew_on, job
from tests.faults.counts import times
from tests.faults.racing import Copies, stubbornly
from tests.instants import NOW, at, minutes
from tests.racing import at_once

pytestmark = pytest.mark.faults

SEED = 20260320
_WAITING = "('published', 'dispatched', 'accepted')"
OVERLAPS = (
    "SELECT count(*) FROM visit a JOIN visit b ON a.crew_id = b.crew_id AND a.id < b.id "
    f"WHERE a.status IN {_WAITING} AND b.status IN {_WAITING} "
    "AND a.planned_start_at < b.planned_end_at AND a.planned_end_at > b.planned_start_at"
)
DISPATCHERS = times(8, 50)


def day(database: Database) -> list[str]:
    """A crew, and a visit for each dispatcher to give it."""

    def fill(session: Session) -> None:
        crew_on(session, "C1")
        names.extend(job(session).id for _ in range(DISPATCHERS))

    names: list[str] = []
    stubbornly(database, fill)
    return names


def race(database: Database, names: list[str], chance: random.Random, *, round: int) -> list[str]:
    """Every dispatcher gives the crew another visit, at times of the round's hour that all overlap.

    Returns the codes of the refusals. A visit that was given is taken off `names`.
    """
    hour = at("08:00") + timedelta(days=round)

    def giving(name: str, late_s: int) -> None:
        def give(session: Session) -> None:
            visit = visits.get(session, name)
            start = hour + timedelta(seconds=late_s)
            visits.assign(
                session, visit, crew_id="C1", shift_id="C1-20260310", arrive_at=start, start_at=start,
                end_at=hour + minutes(60), travel_s=0, actor=Actor(name, "dispatcher"), now=NOW,
            )  # fmt: skip
            visits.act(session, visit, "publish", actor=Actor(name, "dispatcher"), now=NOW)

        stubbornly(database, give)
        names.remove(name)

    late = {name: chance.randrange(0, 3000) for name in names}
    calls = [functools.partial(giving, name, late[name]) for name in names]
    return [end for end in at_once(*calls) if end != "done"]


def overlaps(database: Database) -> int:
    with database.engine.connect() as connection:
        return int(connection.exec_driver_sql(OVERLAPS).scalar_one())


def test_one_dispatcher_gets_the_crews_hour(copies: Copies) -> None:
    chance = random.Random(SEED)
    rounds = times(12, 500)
    with copies.open() as database:
        names = day(database)
        for round in range(rounds):
            refused = race(database, names, chance, round=round)

            assert refused == ["double_booked"] * (DISPATCHERS - 1), f"seed {SEED}, round {round}"
            assert overlaps(database) == 0, f"seed {SEED}, round {round}"
            stubbornly(database, lambda session: names.append(job(session).id))
        with database.engine.connect() as connection:
            given = connection.exec_driver_sql(
                "SELECT count(*) FROM visit WHERE status = 'published'"
            )
            assert given.scalar_one() == rounds


def test_without_the_databases_rule_the_hour_is_given_many_times(copies: Copies) -> None:
    with copies.open() as database:
        with database.engine.begin() as connection:
            if database.is_sqlite:
                connection.exec_driver_sql("DROP TRIGGER visit_double_booking")
            else:
                connection.exec_driver_sql("ALTER TABLE visit DROP CONSTRAINT visit_double_booking")

        refused = race(database, day(database), random.Random(SEED), round=0)

        assert refused == []
        assert overlaps(database) > 0
