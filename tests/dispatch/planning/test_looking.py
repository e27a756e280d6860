"""Looks at the days ahead as rows: one at a time, refused for nonsense, ended once."""

from datetime import timedelta

import pytest
from sqlmodel import Session, select

from dispatch.core.calendar import local_day
from dispatch.core.db import Database
from dispatch.core.tables import Event
from dispatch.planning import looking
from dispatch.planning.looking import NoSuchOutlook, OutlookUnderWay
from dispatch.planning.options import BadOption
from dispatch.planning.outlook import BadHorizon, Outlook, build_outlook
from dispatch.planning.tables import OutlookRun, OutlookStatus
from dispatch.registry import shifts
from dispatch.registry.tables import Crew
from tests.builders.planning import crew_on, job
from tests.builders.registry import DISPATCHER, make_shift
from tests.instants import DAY, HUMEN, NOW
from tests.statements import counted

NOTHING = Outlook(days=(), left_out=(), travel_times={"source": "estimate"})


def ask(session: Session, *, days: int = 3, **options: float) -> OutlookRun:
    return looking.ask(
        session, territory_id="humen", days=days, options=options, actor=DISPATCHER, now=NOW
    )


def number(run: OutlookRun) -> int:
    assert run.id is not None
    return run.id


def test_a_look_begins_today_in_the_territory_and_only_one_is_made_at_a_time(
    session: Session,
) -> None:
    crew_on(session, "C1")

    run = ask(session)

    assert (run.first, run.days, run.status) == (local_day(NOW, HUMEN), 3, OutlookStatus.WAITING)
    with pytest.raises(OutlookUnderWay):
        ask(session)
    looking.take(session, outlook_id=number(run), now=NOW)
    looking.answer(session, outlook_id=number(run), found=NOTHING, now=NOW)
    assert ask(session).id != run.id


def test_nonsense_is_refused_before_anything_is_searched(session: Session) -> None:
    crew_on(session, "C1")

    with pytest.raises(BadHorizon):
        ask(session, days=9)
    with pytest.raises(BadOption):
        ask(session, seed=-1)
    with pytest.raises(NoSuchOutlook):
        looking.RUNS.get(session, 12345)
    assert looking.RUNS.listed(session, territory_id="humen") == []


def test_a_stop_is_noted_once_and_an_ended_look_is_left_alone(session: Session) -> None:
    crew_on(session, "C1")
    run = ask(session)
    assert looking.take(session, outlook_id=number(run), now=NOW) is not None
    assert looking.RUNS.goes_on(session, number(run))

    for _ in range(2):
        looking.RUNS.stop(session, number(run), actor=DISPATCHER, now=NOW)

    assert not looking.RUNS.goes_on(session, number(run))
    looking.answer(session, outlook_id=number(run), found=NOTHING, now=NOW)
    looking.fail(session, outlook_id=number(run), error="late", now=NOW)
    assert (run.status, run.error, run.ended_at) == (OutlookStatus.ANSWERED, "", NOW)
    assert looking.take(session, outlook_id=number(run), now=NOW) is None
    types = session.exec(select(Event.type).where(Event.entity == "outlook")).all()
    assert sorted(types) == [
        "outlook.answered", "outlook.searching", "outlook.stop_asked", "outlook.waiting",
    ]  # fmt: skip


def test_a_look_whose_problem_cannot_be_made_any_more_says_why(session: Session) -> None:
    shift = crew_on(session, "C1")
    run = ask(session)
    shifts.get(session, shift.id).max_overtime_s = -5
    session.flush()

    assert looking.take(session, outlook_id=number(run), now=NOW) is None

    assert run.status is OutlookStatus.FAILED
    assert shift.id in run.error


def test_seven_days_are_read_in_as_many_statements_for_many_visits_as_for_few(
    session: Session, database: Database
) -> None:
    crew = session.get_one(Crew, crew_on(session, "C1").crew_id)
    for ahead in range(1, 7):
        make_shift(session, crew=crew, day=DAY + timedelta(days=ahead))
    job(session)

    def statements() -> int:
        session.expire_all()
        with counted(database) as seen:
            build_outlook(session, territory_id="humen", first=DAY, days=7, now=NOW)
        return len(seen)

    few = statements()
    for number_ in range(20):
        job(session, day=DAY + timedelta(days=number_ % 7))
    assert statements() == few
