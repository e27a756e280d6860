"""Somebody alone at a visit checks in, or a person is asked to look."""

from collections.abc import Callable

import pytest
from sqlmodel import Session, col, delete, select

from dispatch.core.alerts import open_alerts
from dispatch.core.tables import Event
from dispatch.field import lone
from dispatch.field.day import crew_day
from dispatch.field.lone import NothingToCheckIn
from dispatch.field.tables import LoneWatch
from dispatch.registry.tables import ShiftMember
from dispatch.work import visits
from dispatch.work.tables import Visit
from tests.builders.field import act
from tests.builders.registry import DISPATCHER
from tests.builders.work import make_visit, shift_of
from tests.instants import DAY, at

Alone = Callable[..., Visit]


@pytest.fixture
def alone(session: Session) -> Alone:
    """`alone(status)`: a visit of a crew of which one member came; FUSE asks for a word every 30 minutes."""

    def make(status: str = "en_route", work_type: str = "FUSE") -> Visit:
        visit = make_visit(session, status=status, work_type=work_type)
        shift = shift_of(session, "C1")
        members = session.exec(
            select(ShiftMember.member_id).where(ShiftMember.shift_id == shift.id)
        ).all()
        others = col(ShiftMember.member_id).in_(members[1:])
        session.exec(delete(ShiftMember).where(col(ShiftMember.shift_id) == shift.id, others))
        return visit

    return make


def alarms(session: Session) -> list[str]:
    return [alert.key for alert in open_alerts(session) if alert.key.startswith("lone_work:")]


def test_the_timer_runs_from_arrival_by_the_work_types_minutes(
    session: Session, alone: Alone
) -> None:
    visit = alone()

    act(session, visit, "arrived", now=at("09:00"))

    stop = crew_day(session, crew_id="C1", day=DAY, now=at("09:00")).stops[0]
    assert stop.check_in is not None
    assert (stop.check_in.every_s, stop.check_in.due_at) == (1800, at("09:30"))


def test_two_at_work_need_no_timer(session: Session) -> None:
    visit = make_visit(session, status="en_route", work_type="FUSE")

    act(session, visit, "arrived")

    assert session.get(LoneWatch, visit.id) is None


def test_a_missed_check_in_asks_for_a_person_once_and_a_late_one_ends_that(
    session: Session, alone: Alone
) -> None:
    visit = alone()
    act(session, visit, "arrived", now=at("09:00"))

    assert lone.sweep(session, now=at("09:34")) == 0
    assert lone.sweep(session, now=at("09:35")) == 1
    assert lone.sweep(session, now=at("09:36")) == 0
    assert alarms(session) == [f"lone_work:{visit.id}"]

    act(session, visit, "check_in", now=at("09:40"))
    assert alarms(session) == []
    assert session.get_one(LoneWatch, visit.id).due_at == at("10:10")
    told = session.exec(select(Event.type).where(col(Event.type).like("visit.check%"))).all()
    assert told == ["visit.check_in_missed", "visit.checked_in"]


def test_a_check_in_that_waited_for_a_network_counts_from_when_it_was_made(
    session: Session, alone: Alone
) -> None:
    visit = alone()
    act(session, visit, "arrived", now=at("09:00"))
    lone.sweep(session, now=at("09:50"))

    act(session, visit, "check_in", device_at=at("09:28"), now=at("09:52"))
    assert alarms(session) == []
    assert session.get_one(LoneWatch, visit.id).due_at == at("09:58")


def test_every_step_of_the_work_counts_as_a_word_and_the_end_ends_it(
    session: Session, alone: Alone
) -> None:
    visit = alone()
    act(session, visit, "arrived", now=at("09:00"))
    act(session, visit, "start", now=at("09:20"))
    assert session.get_one(LoneWatch, visit.id).due_at == at("09:50")

    act(session, visit, "done", now=at("09:40"))
    assert lone.sweep(session, now=at("12:00")) == 0
    with pytest.raises(NothingToCheckIn):
        act(session, visit, "check_in", now=at("12:00"))


def test_work_that_ended_without_the_crew_is_watched_no_more(
    session: Session, alone: Alone
) -> None:
    visit = alone()
    act(session, visit, "arrived", now=at("09:00"))
    visits.act(session, visit, "fail", actor=DISPATCHER, now=at("09:10"), reason="out_of_time")

    assert lone.sweep(session, now=at("12:00")) == 0
    assert alarms(session) == []


def test_nobody_alone_has_nothing_to_check_in(session: Session) -> None:
    visit = make_visit(session, status="working")

    with pytest.raises(NothingToCheckIn):
        act(session, visit, "check_in")
