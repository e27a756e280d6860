"""Local days, working days and the hours that summer time skips or repeats."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from dispatch.core.calendar import (
    UnknownZone,
    at_local,
    day_bounds,
    is_skipped,
    is_working_day,
    next_working_day,
    zone_named,
)
from tests.instants import HUMEN

LONDON = ZoneInfo("Europe/London")


def test_a_skipped_wall_time_moves_forward_by_the_gap() -> None:
    assert at_local(date(2026, 3, 29), time(1, 30), LONDON) == datetime(
        2026, 3, 29, 1, 30, tzinfo=UTC
    )
    assert is_skipped(date(2026, 3, 29), time(1, 30), LONDON)
    assert not is_skipped(date(2026, 3, 30), time(1, 30), LONDON)


def test_a_repeated_wall_time_means_its_first_occurrence() -> None:
    assert at_local(date(2026, 10, 25), time(1, 30), LONDON) == datetime(
        2026, 10, 25, 0, 30, tzinfo=UTC
    )


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)])
def test_a_local_day_has_23_to_25_hours(day: date, hours: int) -> None:
    begin, end = day_bounds(day, LONDON)
    assert end - begin == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2026, 3, 10), True),
        (date(2026, 3, 15), False),
        (date(2026, 2, 17), False),  # Spring Festival
        (date(2026, 2, 28), True),  # a Saturday worked to make up for it
        (date(2026, 10, 1), False),  # National Day
    ],
)
def test_chinese_holidays_and_their_make_up_days_are_known(day: date, works: bool) -> None:
    assert is_working_day(day) is works


def test_an_installations_own_calendar_overrides_the_official_one() -> None:
    assert not is_working_day(date(2026, 3, 10), off={date(2026, 3, 10)})
    assert is_working_day(date(2026, 3, 15), on={date(2026, 3, 15)})


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("2026-03-10 00:30", date(2026, 3, 10)),
        ("2026-03-10 07:00", date(2026, 3, 10)),
        ("2026-03-10 07:30", date(2026, 3, 11)),
        ("2026-03-10 19:00", date(2026, 3, 11)),
        ("2026-03-15 12:00", date(2026, 3, 16)),  # Sunday
        ("2026-02-13 19:00", date(2026, 2, 14)),  # the Saturday is a make-up day
        ("2026-02-14 19:00", date(2026, 2, 24)),  # over the Spring Festival
    ],
)
def test_the_next_working_day_is_the_first_that_has_not_begun(local: str, expected: date) -> None:
    now = datetime.fromisoformat(local).replace(tzinfo=HUMEN).astimezone(UTC)
    assert next_working_day(now, HUMEN) == expected


def test_an_unknown_zone_is_refused_with_an_example() -> None:
    with pytest.raises(UnknownZone, match="Asia/Shanghai"):
        zone_named("Asia/Humen")
