"""Recurrence rules over local days."""

from datetime import date

import pytest

from dispatch.registry.tables import CustomerClass
from dispatch.work.recurrence import BadRecurrence, NoCadence, cadence, check, days, next_day
from dispatch.work.tables import Mode

START = date(2026, 3, 10)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("FREQ=MONTHLY", "FREQ=MONTHLY"),
        ("rrule:freq=weekly;byday=mo,th", "FREQ=WEEKLY;BYDAY=MO,TH"),
        (" FREQ=DAILY;INTERVAL=10;COUNT=3 ", "FREQ=DAILY;INTERVAL=10;COUNT=3"),
        ("FREQ=MONTHLY;UNTIL=20271231T235959Z", "FREQ=MONTHLY;UNTIL=20271231"),
        ("FREQ=MONTHLY;BYDAY=-1FR", "FREQ=MONTHLY;BYDAY=-1FR"),
    ],
)
def test_a_rule_is_kept_in_its_plain_form(text: str, plain: str) -> None:
    assert check(text, START) == plain


@pytest.mark.parametrize(
    "text",
    [
        "", "monthly", "FREQ=", "FREQ=HOURLY", "FREQ=MONTHLY;FREQ=DAILY", "INTERVAL=2",
        "FREQ=MONTHLY;INTERVAL=0", "FREQ=MONTHLY;INTERVAL=-1", "FREQ=YEARLY;INTERVAL=11",
        "FREQ=DAILY;COUNT=1001", "FREQ=DAILY;COUNT=２", "FREQ=MONTHLY;BYDAY=XX", "FREQ=MONTHLY;BYMONTHDAY=x",
        "FREQ=DAILY;BYHOUR=9", "FREQ=DAILY;COUNT=2;UNTIL=20270101", "FREQ=DAILY;UNTIL=tomorrow",
        "FREQ=DAILY;UNTIL=20269901", "DTSTART:20260101\nRRULE:FREQ=DAILY", "FREQ=MONTHLY;BYSETPOS=0",
    ],
)  # fmt: skip
def test_what_is_no_rule_of_days_is_refused(text: str) -> None:
    with pytest.raises(BadRecurrence) as refused:
        check(text, START)
    assert refused.value.details["field"] == "rrule"


@pytest.mark.parametrize(
    "text", ["FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=MONTHLY;UNTIL=20260101"]
)
def test_a_rule_that_never_falls_due_is_refused(text: str) -> None:
    with pytest.raises(BadRecurrence, match="does not fall due"):
        check(text, START)


def test_a_rule_on_the_31st_leaves_short_months_out() -> None:
    assert days("FREQ=MONTHLY", date(2026, 1, 31), until=date(2026, 6, 30)) == [
        date(2026, 1, 31),
        date(2026, 3, 31),
        date(2026, 5, 31),
    ]


def test_a_cadence_from_the_31st_falls_on_the_last_day_of_short_months() -> None:
    rule, _ = cadence(CustomerClass.A, date(2026, 1, 31))

    assert days(rule, date(2026, 1, 31), until=date(2026, 6, 30)) == [
        date(2026, 1, 31),
        date(2026, 2, 28),
        date(2026, 3, 31),
        date(2026, 4, 30),
        date(2026, 5, 31),
        date(2026, 6, 30),
    ]


def test_a_yearly_cadence_from_29_february_falls_on_the_28th_in_common_years() -> None:
    rule, _ = cadence(CustomerClass.C, date(2024, 2, 29))

    assert days(rule, date(2024, 2, 29), until=date(2028, 12, 31)) == [
        date(2024, 2, 29),
        date(2025, 2, 28),
        date(2026, 2, 28),
        date(2027, 2, 28),
        date(2028, 2, 29),
    ]


def test_the_customers_class_sets_the_cadence() -> None:
    assert cadence(CustomerClass.A, START) == ("FREQ=MONTHLY", Mode.VISIT)
    assert cadence(CustomerClass.B, START) == ("FREQ=MONTHLY;INTERVAL=3", Mode.VISIT)
    assert cadence(CustomerClass.C, START) == ("FREQ=YEARLY", Mode.PHONE)
    with pytest.raises(NoCadence):
        cadence(CustomerClass.D, START)


def test_the_next_day_is_found_from_any_day_on() -> None:
    assert next_day("FREQ=MONTHLY", START, on_or_after=START) == START
    assert next_day("FREQ=MONTHLY", START, on_or_after=date(2026, 3, 11)) == date(2026, 4, 10)
    assert next_day("FREQ=MONTHLY", START, on_or_after=date(2020, 1, 1)) == START
    assert next_day("FREQ=YEARLY;INTERVAL=10", START, on_or_after=date(2026, 3, 11)) == date(
        2036, 3, 10
    )


def test_a_rule_ends_after_its_count_or_its_last_day() -> None:
    last = date(2026, 5, 10)
    for rule in ("FREQ=MONTHLY;COUNT=3", "FREQ=MONTHLY;UNTIL=20260510"):
        assert days(rule, START, until=date(2030, 1, 1))[-1] == last
        assert next_day(rule, START, on_or_after=date(2026, 5, 11)) is None
