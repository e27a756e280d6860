from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from dispatch.exchange.moments import read_clock, read_day, read_moment
from tests.instants import DAY, HUMEN, at


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("day", DAY),
        ("day-1", date(2026, 3, 9)),
        ("day+30", date(2026, 4, 9)),
        ("2025-12-31", date(2025, 12, 31)),
    ],
)
def test_a_day_is_a_date_or_counts_from_the_loaded_day(text: str, expected: date) -> None:
    assert read_day(text).on(DAY) == expected


@pytest.mark.parametrize(
    "text", ["", "tomorrow", "day-", "day1", "10.3.2026", "2026-02-30", "day+1.5"]
)
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no day such as 2026-03-10, day"):
        read_day(text)


def test_a_time_of_day_has_hours_and_minutes() -> None:
    assert read_clock("08:30") == time(8, 30)


@pytest.mark.parametrize("text", ["", "8:30", "24:00", "08:60", "08:30:00", "08.30", "noon"])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no time of day such as"):
        read_clock(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("08:30", at("08:30")),
        ("day 06:50", at("06:50")),
        ("day-1 19:40", at("19:40", date(2026, 3, 9))),
        ("2026-03-11 00:05", at("00:05", date(2026, 3, 11))),
    ],
)
def test_a_moment_is_a_local_wall_time(text: str, expected: datetime) -> None:
    assert read_moment(text).on(DAY, HUMEN) == expected


def test_the_same_wall_time_is_another_instant_in_another_zone() -> None:
    moment = read_moment("day 08:30").on(DAY, ZoneInfo("Europe/Berlin"))

    assert moment == datetime(2026, 3, 10, 7, 30, tzinfo=UTC)


def test_a_wall_time_that_the_spring_change_skips_is_refused() -> None:
    with pytest.raises(ValueError, match="2026-03-29 02:30 does not exist in Europe/Berlin"):
        read_moment("02:30").on(date(2026, 3, 29), ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize("text", ["", "day", "day-1 7:00", "then 07:00"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no"):
        read_moment(text)
