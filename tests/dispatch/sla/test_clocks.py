"""Clocks in the database: their policy, their end, their warnings."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, col, select

from dispatch.core.alerts import open_alerts
from dispatch.core.events import SYSTEM
from dispatch.core.tables import Event
from dispatch.registry.tables import AreaClass
from dispatch.sla import clocks, policy
from dispatch.sla.tables import Clock, ClockKind, ClockStatus
from tests.builders.registry import make_territory
from tests.instants import NOW
from tests.statements import way_to


@pytest.fixture(autouse=True)
def _territory(session: Session) -> None:
    make_territory(session)


def start(
    session: Session,
    subject_id: str = "R-1",
    *,
    kind: ClockKind = ClockKind.ANSWER,
    at: datetime = NOW,
    area_class: AreaClass | None = None,
    limit: timedelta | None = None,
    pack: policy.Pack | None = None,
) -> Clock:
    return clocks.start(
        session,
        kind=kind,
        subject="request",
        subject_id=subject_id,
        territory_id="humen",
        started_at=at,
        now=NOW,
        area_class=area_class,
        limit=limit,
        pack=pack,
    )


def stop(session: Session, at: datetime, subject_id: str = "R-1") -> Clock | None:
    return clocks.stop(
        session,
        subject="request",
        subject_id=subject_id,
        kind=ClockKind.ANSWER,
        at=at,
        actor=SYSTEM,
        now=max(at, NOW),
    )


def warnings(session: Session) -> list[tuple[str, int]]:
    rows = session.exec(select(Event).where(Event.type == "clock.warning").order_by(col(Event.id)))
    return [(row.entity_id, row.data["percent"]) for row in rows]


def test_a_clock_keeps_the_policy_it_began_under(session: Session) -> None:
    clock = start(session, kind=ClockKind.ARRIVE, area_class=AreaClass.RURAL)

    assert clock.policy == "cn-csg-2017/arrive.rural"
    assert clock.due_at == NOW + timedelta(minutes=90)


def test_a_given_limit_is_named_as_given(session: Session) -> None:
    clock = start(session, limit=timedelta(hours=3))

    assert clock.policy == "given/answer"
    assert clock.due_at == NOW + timedelta(hours=3)


def test_a_new_policy_changes_new_clocks_only(session: Session) -> None:
    shipped = policy.load()
    answer = shipped.entries["answer"]
    stricter = replace(
        shipped, id="cn-2027", entries={"answer": replace(answer, limit=timedelta(hours=8))}
    )
    old = start(session)

    new = start(session, "R-2", pack=stricter)

    assert (old.policy, old.due_at) == ("cn-csg-2017/answer", NOW + timedelta(hours=24))
    assert (new.policy, new.due_at) == ("cn-2027/answer", NOW + timedelta(hours=8))


def test_a_subject_has_one_clock_of_a_kind(session: Session) -> None:
    start(session)

    with pytest.raises(clocks.ClockExists):
        start(session)


@pytest.mark.parametrize(
    ("hours", "status"),
    [(1, ClockStatus.KEPT), (24, ClockStatus.KEPT), (24.001, ClockStatus.BROKEN)],
)
def test_a_clock_is_kept_up_to_its_limit_and_broken_after(
    session: Session, hours: float, status: ClockStatus
) -> None:
    start(session)

    stopped = stop(session, NOW + timedelta(hours=hours))

    assert stopped is not None
    assert stopped.status == status
    assert stopped.next_warning_at is None


def test_a_limit_that_has_passed_at_the_start_is_accepted_and_broken_when_stopped(
    session: Session,
) -> None:
    start(session, at=NOW - timedelta(days=3))

    stopped = stop(session, NOW)

    assert stopped is not None
    assert stopped.status == ClockStatus.BROKEN


def test_a_clock_stops_once(session: Session) -> None:
    start(session)
    stop(session, NOW)

    assert stop(session, NOW + timedelta(days=2)) is None
    assert stop(session, NOW, "R-unknown") is None


def test_a_cancelled_clock_gives_no_verdict(session: Session) -> None:
    start(session, at=NOW - timedelta(days=3))

    ended = clocks.cancel(session, subject="request", subject_id="R-1", actor=SYSTEM, now=NOW)

    assert [clock.status for clock in ended] == [ClockStatus.CANCELLED]
    assert clocks.sweep(session, now=NOW) == 0


def test_each_level_warns_once_at_its_time(session: Session) -> None:
    start(session)

    given = [
        clocks.sweep(session, now=NOW + timedelta(hours=hours))
        for hours in (11, 12, 12, 17, 18, 21.6, 23, 24, 25, 300)
    ]

    assert given == [0, 1, 0, 0, 1, 1, 0, 1, 0, 0]
    assert warnings(session) == [("R-1", 50), ("R-1", 75), ("R-1", 90), ("R-1", 100)]


def test_of_several_levels_passed_since_the_last_sweep_only_the_highest_is_given(
    session: Session,
) -> None:
    start(session)

    clocks.sweep(session, now=NOW + timedelta(hours=23))

    assert warnings(session) == [("R-1", 90)]


def test_a_clock_past_its_limit_runs_on_until_what_it_waits_for_happens(session: Session) -> None:
    clock = start(session)

    clocks.sweep(session, now=NOW + timedelta(days=2))

    assert (clock.status, clock.warned, clock.next_warning_at) == (ClockStatus.RUNNING, 100, None)


def test_from_90_percent_on_a_person_is_asked_until_the_clock_ends(session: Session) -> None:
    start(session)
    clocks.sweep(session, now=NOW + timedelta(hours=18))
    assert open_alerts(session) == []

    clocks.sweep(session, now=NOW + timedelta(hours=22))
    clocks.sweep(session, now=NOW + timedelta(hours=24))
    [alert] = open_alerts(session)
    assert "R-1" in alert.text
    assert alert.count == 2

    stop(session, NOW + timedelta(hours=25))
    assert open_alerts(session) == []


def test_a_sweep_gives_at_most_its_limit_and_goes_on_at_the_next(session: Session) -> None:
    for number in range(5):
        start(session, f"R-{number}", at=NOW - timedelta(hours=number + 12))

    assert [clocks.sweep(session, now=NOW, limit=2) for _ in range(4)] == [2, 2, 1, 0]
    assert warnings(session)[0] == ("R-4", 50)


def test_the_watch_list_shows_the_next_to_break_first(session: Session) -> None:
    start(session, "late", at=NOW - timedelta(hours=20))
    start(session, "early")
    start(session, "done")
    stop(session, NOW, "done")

    running = clocks.running(session, territory_id="humen")

    assert [clock.subject_id for clock in running] == ["late", "early"]


def test_the_sweep_reads_by_its_index(session: Session) -> None:
    statement = (
        "SELECT * FROM clock WHERE status = 'running' AND next_warning_at <= '2026-01-01' "
        "ORDER BY next_warning_at LIMIT 10"
    )

    assert "ix_clock_next" in way_to(session, statement)


def test_a_clock_says_nothing_about_people_in_its_events(session: Session) -> None:
    start(session)

    event = session.exec(select(Event).where(Event.type == "clock.started")).one()

    assert set(event.data) == {"kind", "policy", "percent", "due_at"}
    assert (event.entity, event.entity_id, event.territory_id) == ("request", "R-1", "humen")
