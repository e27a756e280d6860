"""Customers of a simulated day answer their surveys by how the visit went, the same for the same seed."""

from collections import Counter
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from dispatch.contact import surveys
from dispatch.contact.tables import Survey
from dispatch.core.db import Database, transaction
from dispatch.desk.tables import Request, RequestKind
from dispatch.work import visits
from dispatch.work.tables import Visit, VisitStatus
from tests.builders.contact import make_message, make_told_visit
from tests.builders.desk import make_counters
from tests.builders.registry import DISPATCHER
from tests.instants import at
from workers.simulation.agenda import Agenda
from workers.simulation.customers import SimulatedCustomers, lateness
from workers.simulation.luck import Luck

IN_TIME = timedelta(0)
VISITS = [f"W-{number:06d}-1" for number in range(400)]


def scores(luck: Luck, *, late: timedelta = IN_TIME, came_before: bool = False) -> list[int]:
    """What 400 customers give."""
    return [luck.opinion(visit, late=late, came_before=came_before)[0] for visit in VISITS]


def test_most_are_satisfied_with_a_visit_in_time_and_few_with_one_that_is_an_hour_late() -> None:
    luck = Luck(1)

    in_time, late = Counter(scores(luck)), Counter(scores(luck, late=timedelta(minutes=70)))

    assert in_time[5] + in_time[4] > 340
    assert set(in_time) == {1, 2, 3, 4, 5}
    assert late[5] + late[4] == 0
    assert late[2] > 200


def test_each_begun_half_hour_and_an_earlier_try_cost_a_point_and_nobody_gives_less_than_one() -> (
    None
):
    luck = Luck(3)

    plain = scores(luck)

    assert scores(luck, late=timedelta(minutes=1)) == [max(1, score - 1) for score in plain]
    assert scores(luck, late=timedelta(minutes=31)) == [max(1, score - 2) for score in plain]
    assert scores(luck, came_before=True) == [max(1, score - 1) for score in plain]
    assert set(scores(luck, late=timedelta(hours=8))) == {1}


def test_the_same_seed_gives_the_same_answers_and_another_one_others() -> None:
    def said(seed: int) -> list[object]:
        luck = Luck(seed)
        return [
            (luck.answers_after(visit), luck.opinion(visit, late=IN_TIME, came_before=False))
            for visit in VISITS
        ]

    assert said(1) == said(1)
    assert said(1) != said(2)
    silent = sum(Luck(1).answers_after(visit) is None for visit in VISITS)
    assert 120 < silent < 200


def asked(session: Session, *, arrived: str) -> Visit:
    """A visit promised for 9 to 11 o'clock whose crew arrived at `arrived`; done at 12:30, asked about at 15:30."""
    visit = make_told_visit(session, window=(at("09:00"), at("11:00")))
    make_message(session, visit=visit)
    visit.status, visit.arrived_at = VisitStatus.WORKING, at(arrived)
    visits.act(session, visit, "finish", actor=DISPATCHER, now=at("12:30"))
    assert surveys.ask(session, visit_id=visit.id, now=at("15:30")) is not None
    return visit


@pytest.mark.parametrize(("arrived", "minutes"), [("10:05", 0), ("11:40", 40)])
def test_lateness_is_against_what_the_customer_was_told(
    session: Session, arrived: str, minutes: int
) -> None:
    visit = asked(session, arrived=arrived)

    assert lateness(session, visit.id) == timedelta(minutes=minutes)


def test_who_waited_far_too_long_says_so_and_somebody_has_to_make_good(database: Database) -> None:
    luck = next(
        luck for luck in map(Luck, range(100)) if luck.answers_after("W-000001-1") is not None
    )
    with transaction(database) as session:
        make_counters(session)
        visit = asked(session, arrived="12:20")
    agenda = Agenda(at("15:30"))
    told: list[tuple[int | None, str | None]] = []
    customers = SimulatedCustomers(
        database,
        agenda,
        luck,
        territory_id="humen",
        told=lambda survey: told.append((survey.score, survey.request_id)),
    )
    assert visit.id == "W-000001-1"

    customers.look()
    customers.look()  # who was seen is not asked to decide again
    agenda.play(at("17:00"))

    with database.reading() as session:
        survey = session.get_one(Survey, visit.id)
        (request,) = session.exec(select(Request)).all()
    assert survey.score in (1, 2)
    assert survey.comment.startswith("You came ")
    assert told == [(survey.score, request.id)]
    assert (request.kind, request.id) == (RequestKind.COMPLAINT, survey.request_id)
