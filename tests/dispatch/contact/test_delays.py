"""Who is told of a delay, when, and how often."""

from collections.abc import Collection
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from sqlmodel import Session, col, select

from dispatch.contact import delays, tellings
from dispatch.contact.delays import EARLY, FAR, NEAR, SOON, STEP, is_due, needed
from dispatch.contact.tables import Message, MessageStatus
from dispatch.contact.windows import Told
from dispatch.core.db import Database, transaction
from dispatch.field import tracking
from dispatch.field.tracking import Arrival
from dispatch.registry.tables import Customer
from dispatch.work import promises
from dispatch.work.tables import Visit, WorkOrder
from tests.builders.planning import begin, crew_on, finish, job, published, set_out, work_on
from tests.builders.registry import DISPATCHER
from tests.instants import DAY, NOW, at, minutes
from tests.statements import counted

ONE = "C1-20260310"


def watch(session: Session, clock: str) -> list[Message]:
    return delays.tell_delayed(session, territory_id="humen", now=at(clock))


def told(start: str, end: str) -> Told:
    return Told(at(start), at(end), promised=False)


@pytest.fixture
def day(session: Session) -> list[Visit]:
    """C1 works for an hour, and then has a visit that is promised from 9 to 11."""
    crew_on(session, "C1")
    first, second = job(session, east=1, minutes=60), job(session, east=2, minutes=60)
    promises.book(
        session, second, start_at=at("09:00"), end_at=at("11:00"), actor=DISPATCHER, now=NOW
    )
    reach(session, second)
    published(session, orders={ONE: [first.id, second.id]})
    work_on(session, first, now=at("08:10"))
    return [first, second]


def reach(session: Session, visit: Visit, *, email: str | None = "chen@example.com") -> None:
    order = session.get_one(WorkOrder, visit.work_order_id)
    session.get_one(Customer, order.customer_id).email = email
    session.flush()


def test_nobody_is_told_while_the_promise_will_probably_be_kept(
    session: Session, day: list[Visit]
) -> None:
    for clock in ("08:15", "09:00", "09:30", "10:00"):
        assert watch(session, clock) == []


def test_the_customer_is_told_once_when_the_promise_is_at_risk_with_the_new_range(
    session: Session, day: list[Visit]
) -> None:
    _, second = day
    minute, found = at("10:00"), list[Message]()
    while not found and minute < at("11:00"):
        minute += minutes(1)
        found = delays.tell_delayed(session, territory_id="humen", now=minute)

    (message,) = found
    assert minute < at("11:00"), "before the window ends"
    assert (message.subject_id, message.template) == (second.id, "delayed")
    assert message.status is MessageStatus.PENDING
    assert message.told_start_at is not None
    assert message.told_end_at is not None
    assert message.told_end_at > at("11:00")
    assert message.told_start_at < message.told_end_at
    assert message.told_end_at.minute % 5 == 0
    assert "09:00–11:00" in message.body
    for later in range(1, 15):
        assert delays.tell_delayed(session, territory_id="humen", now=minute + minutes(later)) == []


def test_who_was_told_of_a_delay_sees_the_range_of_now_and_no_longer_the_window(
    session: Session, day: list[Visit]
) -> None:
    _, second = day
    shown = lambda clock: delays.range_after_notice(session, visit=second, now=at(clock))  # noqa: E731
    assert shown("10:57") is None

    (message,) = watch(session, "10:58")
    now = shown("10:58")
    assert now is not None
    assert (now.start_at, now.end_at) == (message.told_start_at, message.told_end_at)
    later = shown("11:40")
    assert later is not None
    assert later.end_at > now.end_at


def test_a_second_notice_needs_a_range_that_has_left_the_told_one_by_more_than_a_step(
    session: Session, day: list[Visit]
) -> None:
    assert len(watch(session, "10:58")) == 1
    times = [at("10:59") + minutes(5 * k) for k in range(24)]
    later = [
        (now, one)
        for now in times
        for one in delays.tell_delayed(session, territory_id="humen", now=now)
    ]

    assert 1 <= len(later) <= 4
    ends = [one.told_end_at for _, one in later]
    assert all(b - a > STEP for a, b in pairwise(ends) if a and b)
    assert "再推迟" in later[0][1].body


def test_a_crew_that_is_faster_than_told_is_announced_too(
    session: Session, day: list[Visit]
) -> None:
    first, second = day
    (message,) = watch(session, "10:58")
    message.told_start_at, message.told_end_at = at("12:00"), at("13:00")
    begin(session, first, "finish", now=at("10:59"))
    set_out(session, second, now=at("11:00"))

    (better,) = watch(session, "11:01")
    assert "提前" in better.body
    assert watch(session, "11:02") == []


def test_another_promise_is_told_of_anew(session: Session, day: list[Visit]) -> None:
    _, second = day
    assert len(watch(session, "10:58")) == 1
    promises.reschedule(
        session, second, start_at=at("11:00"), end_at=at("12:00"), by="company", actor=DISPATCHER,
        now=at("10:59"),
    )  # fmt: skip
    assert watch(session, "11:00") == []
    (again,) = watch(session, "11:58")
    assert "可能无法在约定的 11:00–12:00" in again.body


def test_who_cannot_be_reached_is_written_down_once_and_who_was_reached_by_the_crew_is_not_told(
    session: Session, day: list[Visit]
) -> None:
    first, second = day
    reach(session, second, email=None)
    (message,) = watch(session, "10:58")
    assert (message.status, message.reason) == (MessageStatus.SUPPRESSED, "no_address")
    assert watch(session, "10:59") == []

    begin(session, first, "finish", now=at("10:59"))
    finish(session, second, began=at("11:05"), now=at("11:30"))
    assert watch(session, "11:31") == []


def test_a_visit_without_a_promise_or_without_a_crew_is_nobodys_delay(session: Session) -> None:
    crew_on(session, "C1")
    first, second = job(session, minutes=60), job(session, minutes=60)
    published(session, orders={ONE: [first.id]})
    promises.book(
        session, second, start_at=at("09:00"), end_at=at("10:00"), actor=DISPATCHER, now=NOW
    )
    assert watch(session, "11:30") == []


def test_what_was_told_stands_until_the_range_leaves_it_by_a_step() -> None:
    assert is_due(told("10:00", "11:00"), None, at_risk=True)
    assert not is_due(told("10:00", "11:00"), None, at_risk=False)
    last = told("10:00", "11:00")
    assert not is_due(told("10:20", "11:30"), last, at_risk=True), "not more than a step later"
    assert is_due(told("10:20", "11:35"), last, at_risk=True)
    assert not is_due(told("10:20", "11:35"), last, at_risk=False), "it may be kept after all"
    assert not is_due(told("09:30", "10:00"), last, at_risk=False)
    assert is_due(told("09:25", "10:00"), last, at_risk=False)


def test_while_the_window_leaves_time_a_delay_must_be_nearly_certain() -> None:
    assert needed(2 * EARLY) == needed(EARLY) == FAR
    assert needed((EARLY + SOON) / 2) == pytest.approx((NEAR + FAR) / 2)
    assert needed(SOON) == needed(timedelta(0)) == needed(-SOON) == NEAR


def test_what_will_probably_break_is_told_twenty_minutes_before_the_window_ends(
    session: Session, day: list[Visit], monkeypatch: pytest.MonkeyPatch
) -> None:
    def expected(
        session: Session, *, visit_ids: Collection[str], now: datetime
    ) -> dict[str, Arrival]:
        return {one: Arrival(one, at("11:00"), at("11:20"), at("12:00"), 0.9) for one in visit_ids}

    monkeypatch.setattr(tracking, "arrivals", expected)

    assert [clock for clock in ("10:30", "10:35", "10:40") if watch(session, clock)] == ["10:40"]


def test_a_notice_is_no_booking(session: Session, day: list[Visit]) -> None:
    _, second = day
    watch(session, "10:58")
    assert tellings.tell_booked(session, visit_ids=[second.id], now=at("10:59"))
    assert not tellings.tell_booked(session, visit_ids=[second.id], now=at("10:59"))


def test_a_quiet_minute_asks_once_and_a_busy_one_no_more_for_many_than_for_few(
    database: Database,
) -> None:
    def statements(now: datetime) -> int:
        with counted(database) as asked, transaction(database) as session:
            delays.tell_delayed(session, territory_id="humen", now=now)
        return len(asked)

    with transaction(database) as session:
        shifts = [crew_on(session, f"C{k}") for k in range(6)]
        visits = [job(session, east=1 + k / 4, minutes=60) for k in range(12)]
    assert statements(at("10:00")) == 1, "no promise is open"

    with transaction(database) as session:
        rows = {v.id: v for v in session.exec(select(Visit).where(col(Visit.earliest_day) == DAY))}
        for visit in visits[1::2]:
            promises.book(
                session, rows[visit.id], start_at=at("09:00"), end_at=at("11:00"),
                actor=DISPATCHER, now=NOW,
            )  # fmt: skip
        orders = {
            shift.id: [visits[2 * k].id, visits[2 * k + 1].id] for k, shift in enumerate(shifts)
        }
        published(session, orders=orders)
        work_on(session, session.get_one(Visit, visits[0].id), now=at("08:10"))
    few = statements(at("09:59"))
    with transaction(database) as session:
        for visit in visits[2::2]:
            work_on(session, session.get_one(Visit, visit.id), now=at("08:10"))
    assert statements(at("10:00")) == few <= 15
