"""Crews are followed while they are at work, and their positions forgotten two days later."""

from datetime import datetime, timedelta

from sqlmodel import Session, select

from dispatch.field import positions
from dispatch.field.positions import LastSeen, Position
from dispatch.field.tables import CrewPosition
from tests.builders.field import act
from tests.builders.planning import crew_on, job, published
from tests.instants import NOW, at


def spot(clock: str, lat: float = 22.8) -> Position:
    return Position(lat, 113.6, at(clock))


def report(session: Session, *spots: Position, now: datetime | None = None) -> int:
    return positions.report(session, crew_id="C1", positions=spots, now=now or at("12:00"))


def test_positions_of_a_shift_are_kept_once(session: Session) -> None:
    crew_on(session, "C1")

    assert report(session, spot("09:00"), spot("09:01"), spot("09:01", lat=22.9)) == 2
    assert report(session, spot("09:01"), spot("09:02")) == 1
    assert len(session.exec(select(CrewPosition)).all()) == 3


def test_nobody_is_followed_outside_the_shift_in_the_future_or_without_one(
    session: Session,
) -> None:
    crew_on(session, "C1")

    assert report(session, spot("05:00"), spot("12:10")) == 0
    assert report(session, spot("21:00"), now=at("21:00")) == 0
    assert report(session, spot("12:04")) == 1, "a telephone may be a little ahead"


def test_the_last_place_is_that_of_the_newest_report_or_action(session: Session) -> None:
    crew_on(session, "C1")
    crew_on(session, "C2")
    visit = job(session)
    published(session)
    report(session, spot("09:00"), spot("09:30", lat=22.81))
    seen = lambda: positions.last_seen(  # noqa: E731
        session, crew_ids={"C1", "C2"}, since=NOW, until=at("12:00")
    )
    assert seen() == {"C1": LastSeen("C1", 22.81, 113.6, at("09:30"), "report")}

    act(session, visit, "accept", now=at("10:00"), lat=22.9, lon=113.7)

    assert visit.crew_id == "C1"
    assert seen() == {"C1": LastSeen("C1", 22.9, 113.7, at("10:00"), "action")}


def test_what_is_older_than_the_next_day_is_forgotten(session: Session) -> None:
    crew_on(session, "C1")
    report(session, spot("09:00"), spot("11:00"))

    assert positions.forget(session, now=at("10:00") + timedelta(hours=47)) == 0
    assert positions.forget(session, now=at("10:00") + timedelta(hours=48)) == 1
    assert [row.device_at for row in session.exec(select(CrewPosition))] == [at("11:00")]
