"""The arithmetic of elapsed clocks: nights, weekends and changes of the clock."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from dispatch.sla.clock import LEVELS, level_at, next_level_at, passed

SHANGHAI = ZoneInfo("Asia/Shanghai")
LONDON = ZoneInfo("Europe/London")
START = datetime(2026, 3, 9, 0, 0, tzinfo=UTC)
DUE = START + timedelta(hours=24)


def test_nights_and_weekends_count_in_an_elapsed_limit() -> None:
    friday = datetime(2026, 3, 6, 17, 20, tzinfo=SHANGHAI)

    due = friday.astimezone(UTC) + timedelta(hours=24)

    assert due.astimezone(SHANGHAI) == datetime(2026, 3, 7, 17, 20, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("minutes", "clock"),
    [(45, "00:35"), (90, "01:20"), (120, "01:50"), (60, "00:50"), (240, "03:50")],
)
def test_an_arrival_limit_runs_over_midnight(minutes: int, clock: str) -> None:
    reported = datetime(2026, 3, 9, 23, 50, tzinfo=SHANGHAI)

    due = (reported.astimezone(UTC) + timedelta(minutes=minutes)).astimezone(SHANGHAI)

    assert due.strftime("%d %H:%M") == f"10 {clock}"


def test_an_elapsed_limit_ignores_the_end_of_summer_time() -> None:
    started = datetime(2026, 10, 25, 0, 30, tzinfo=LONDON)  # at 01:00 UTC clocks go back

    due = level_at(started.astimezone(UTC), timedelta(hours=3), 100).astimezone(LONDON)

    assert due.strftime("%H:%M %Z") == "02:30 GMT"


@pytest.mark.parametrize(
    ("hours", "level"),
    [(0, 0), (11.99, 0), (12, 50), (17.99, 50), (18, 75), (21.6, 90), (24, 100), (240, 100)],
)
def test_a_level_is_reached_at_its_own_instant(hours: float, level: int) -> None:
    assert passed(START, DUE, START + timedelta(hours=hours)) == level


def test_the_next_warning_follows_the_last_one_given() -> None:
    instants = [next_level_at(START, DUE, warned) for warned in (0, *LEVELS)]

    assert instants == [
        START + timedelta(hours=12),
        START + timedelta(hours=18),
        START + timedelta(hours=21.6),
        DUE,
        None,
    ]


def test_a_clock_before_its_start_has_passed_nothing() -> None:
    assert passed(START, DUE, START - timedelta(hours=1)) == 0
