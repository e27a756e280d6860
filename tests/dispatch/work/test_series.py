"""Series: follow-ups that fall due, are caught up once, and are made once."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import Session

from dispatch.core.lifecycle import IllegalMove
from dispatch.registry.tables import CustomerClass
from dispatch.work import orders, series
from dispatch.work.progress import visits_of
from dispatch.work.recurrence import BadRecurrence, NoCadence
from dispatch.work.tables import Mode, Priority, SeriesStatus, WorkOrder, WorkOrderStatus
from tests.builders.registry import DISPATCHER, make_customer, make_premises, make_territory
from tests.builders.work import make_series
from tests.instants import DAY, NOW


def generate(session: Session, day: date = DAY, *, territory_id: str = "humen") -> list[WorkOrder]:
    now = NOW + timedelta(days=(day - DAY).days)
    return series.generate(session, territory_id=territory_id, day=day, now=now)


def days_of(session: Session, series_id: str) -> list[tuple[str, str]]:
    """Each day so far with the order it became or why it was skipped."""
    rows = series.occurrences(session, series_id)
    return [(row.due_on.isoformat(), row.work_order_id or row.skipped) for row in rows]


def finish(session: Session, order: WorkOrder) -> None:
    orders.cancel(session, order, actor=DISPATCHER, now=NOW)


@pytest.mark.parametrize(
    ("customer_class", "rule", "mode", "work_type"),
    [
        (CustomerClass.A, "FREQ=MONTHLY", Mode.VISIT, "FU-VIS"),
        (CustomerClass.B, "FREQ=MONTHLY;INTERVAL=3", Mode.VISIT, "FU-VIS"),
        (CustomerClass.C, "FREQ=YEARLY", Mode.PHONE, "FU-TEL"),
    ],
)
def test_without_a_rule_the_class_sets_cadence_and_mode(
    session: Session, customer_class: CustomerClass, rule: str, mode: Mode, work_type: str
) -> None:
    customer = make_customer(session, customer_class=customer_class)
    place = make_premises(session, customer=customer)
    made = make_series(session, premises=place, mode=None)  # type: ignore[arg-type]

    assert (made.rrule, made.mode, made.work_type, made.next_on) == (rule, mode, work_type, DAY)


def test_customers_of_class_d_are_visited_on_an_event(session: Session) -> None:
    customer = make_customer(session, customer_class=CustomerClass.D)

    with pytest.raises(NoCadence):
        make_series(session, customer=customer)
    assert make_series(session, customer=customer, rrule="FREQ=YEARLY").next_on == DAY


def test_a_due_follow_up_becomes_a_work_order_with_an_owner(session: Session) -> None:
    made = make_series(session, rrule="FREQ=MONTHLY", owner="metering")

    [order] = generate(session)

    assert (order.series_id, order.owner, order.priority) == (made.id, "metering", Priority.P5)
    assert order.earliest_day == DAY
    assert order.due_at == datetime(2026, 3, 17, 16, tzinfo=UTC)  # 7 days on, midnight in Humen
    assert len(visits_of(session, order.id)) == 1
    assert made.next_on == date(2026, 4, 10)


def test_a_follow_up_by_telephone_goes_on_the_call_list(session: Session) -> None:
    make_series(session, rrule="FREQ=YEARLY", mode=Mode.PHONE)

    [order] = generate(session)

    assert order.work_type == "FU-TEL"
    assert visits_of(session, order.id) == []


def test_generating_again_makes_nothing_new(session: Session) -> None:
    made = make_series(session, rrule="FREQ=MONTHLY")

    assert [len(generate(session)) for _ in range(3)] == [1, 0, 0]
    assert len(days_of(session, made.id)) == 1


def test_even_a_series_set_back_makes_a_day_only_once(session: Session) -> None:
    made = make_series(session, rrule="FREQ=MONTHLY")
    [order] = generate(session)
    finish(session, order)
    made.next_on = DAY
    session.flush()

    assert generate(session) == []
    assert days_of(session, made.id) == [("2026-03-10", order.id)]


def test_nothing_is_made_before_its_day(session: Session) -> None:
    made = make_series(session, rrule="FREQ=MONTHLY", starts_on=DAY + timedelta(days=1))

    assert generate(session) == []
    assert made.next_on == DAY + timedelta(days=1)


def test_of_several_missed_days_the_latest_is_made_up_for_once(session: Session) -> None:
    made = make_series(session, rrule="FREQ=WEEKLY", starts_on=DAY - timedelta(days=22))

    [order] = generate(session)

    assert days_of(session, made.id) == [
        ("2026-02-16", "missed; 2026-03-09 makes up for it"),
        ("2026-02-23", "missed; 2026-03-09 makes up for it"),
        ("2026-03-02", "missed; 2026-03-09 makes up for it"),
        ("2026-03-09", order.id),
    ]
    assert order.earliest_day == DAY
    assert made.next_on == date(2026, 3, 16)


def test_a_follow_up_missed_beyond_its_tolerance_is_due_today(session: Session) -> None:
    make_series(session, rrule="FREQ=YEARLY", starts_on=DAY - timedelta(days=40), tolerance_days=7)

    [order] = generate(session)

    assert order.due_at == datetime(2026, 3, 10, 16, tzinfo=UTC)


def test_a_follow_up_is_not_doubled_while_the_last_is_open(session: Session) -> None:
    made = make_series(session, rrule="FREQ=MONTHLY")
    [first] = generate(session)

    assert generate(session, date(2026, 4, 10)) == []
    finish(session, first)
    [third] = generate(session, date(2026, 5, 10))

    assert days_of(session, made.id) == [
        ("2026-03-10", first.id),
        ("2026-04-10", f"{first.id} is still open"),
        ("2026-05-10", third.id),
    ]


def test_a_suspended_series_makes_nothing_and_resumes_from_today(session: Session) -> None:
    made = make_series(session, rrule="FREQ=WEEKLY")
    [order] = generate(session)
    finish(session, order)
    series.suspend(session, made, actor=DISPATCHER, now=NOW)
    assert generate(session, DAY + timedelta(days=21)) == []

    series.resume(session, made, actor=DISPATCHER, now=NOW + timedelta(days=22))

    assert made.next_on == DAY + timedelta(days=28)
    assert len(days_of(session, made.id)) == 1


def test_resuming_on_a_day_that_was_made_already_does_not_make_it_again(session: Session) -> None:
    made = make_series(session, rrule="FREQ=WEEKLY")
    [order] = generate(session)
    finish(session, order)
    series.suspend(session, made, actor=DISPATCHER, now=NOW)

    series.resume(session, made, actor=DISPATCHER, now=NOW)

    assert generate(session) == []
    assert made.next_on == DAY + timedelta(days=7)


def test_an_ended_series_stays_ended(session: Session) -> None:
    made = make_series(session, rrule="FREQ=WEEKLY")
    series.end(session, made, actor=DISPATCHER, now=NOW)

    assert generate(session) == []
    with pytest.raises(IllegalMove):
        series.resume(session, made, actor=DISPATCHER, now=NOW)


def test_a_series_ends_with_its_last_day(session: Session) -> None:
    made = make_series(session, rrule="FREQ=WEEKLY;COUNT=2")
    [order] = generate(session)
    finish(session, order)
    generate(session, DAY + timedelta(days=7))

    assert (made.status, made.next_on) == (SeriesStatus.ENDED, None)


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25)])
def test_a_change_of_the_clock_makes_each_day_once(session: Session, day: date) -> None:
    make_territory(session, id="london", zone="Europe/London")
    place = make_premises(session, territory_id="london")
    made = make_series(
        session, premises=place, rrule="FREQ=DAILY", starts_on=day - timedelta(days=1)
    )

    for offset in (-1, 0, 1):
        for order in generate(session, day + timedelta(days=offset), territory_id="london"):
            finish(session, order)

    assert [due for due, _ in days_of(session, made.id)] == [
        (day + timedelta(days=offset)).isoformat() for offset in (-1, 0, 1)
    ]


def test_the_tolerance_ends_at_local_midnight_across_a_change_of_the_clock(
    session: Session,
) -> None:
    make_territory(session, id="london", zone="Europe/London")
    place = make_premises(session, territory_id="london")
    make_series(
        session,
        premises=place,
        rrule="FREQ=YEARLY",
        starts_on=date(2026, 3, 28),
        tolerance_days=1,
    )

    [order] = generate(session, date(2026, 3, 28), territory_id="london")

    assert order.due_at == datetime(2026, 3, 29, 23, tzinfo=UTC)  # midnight is an hour earlier


def test_each_territory_generates_its_own(session: Session) -> None:
    make_territory(session, id="changan")
    make_series(session, rrule="FREQ=MONTHLY")
    make_series(
        session, premises=make_premises(session, territory_id="changan"), rrule="FREQ=MONTHLY"
    )

    assert [order.territory_id for order in generate(session)] == ["humen"]


def test_the_mode_must_be_the_work_types(session: Session) -> None:
    with pytest.raises(series.ModeMismatch):
        make_series(session, rrule="FREQ=YEARLY", mode=Mode.PHONE, work_type="FU-VIS")


@pytest.mark.parametrize("tolerance_days", [-1, 367])
def test_a_tolerance_is_a_number_of_days(session: Session, tolerance_days: int) -> None:
    with pytest.raises(series.BadTolerance):
        make_series(session, rrule="FREQ=YEARLY", tolerance_days=tolerance_days)


def test_a_bad_rule_makes_no_series(session: Session) -> None:
    with pytest.raises(BadRecurrence):
        make_series(session, rrule="FREQ=HOURLY")

    assert series.listing(session).items == []


def test_a_held_follow_up_counts_as_open(session: Session) -> None:
    make_series(session, rrule="FREQ=WEEKLY")
    [order] = generate(session)
    order.status = WorkOrderStatus.ON_HOLD
    session.flush()

    assert generate(session, DAY + timedelta(days=7)) == []


def test_an_unknown_series_is_named(session: Session) -> None:
    with pytest.raises(series.NoSuchSeries, match="S-404"):
        series.get(session, "S-404")
