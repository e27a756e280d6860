"""Quiet hours."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from dispatch.contact.quiet import quiet_until
from tests.instants import DAY, HUMEN, at


@pytest.mark.parametrize("clock", ["08:00", "12:00", "20:59"])
def test_the_day_is_not_quiet(clock: str) -> None:
    assert quiet_until(at(clock), HUMEN) is None


@pytest.mark.parametrize("clock", ["21:00", "23:59"])
def test_the_evening_is_quiet_until_the_next_morning(clock: str) -> None:
    assert quiet_until(at(clock), HUMEN) == at("08:00", date(DAY.year, DAY.month, DAY.day + 1))


@pytest.mark.parametrize("clock", ["00:00", "07:59"])
def test_the_early_morning_is_quiet_until_eight(clock: str) -> None:
    assert quiet_until(at(clock), HUMEN) == at("08:00")


def test_quiet_hours_follow_the_zone_and_its_summer_time() -> None:
    london = ZoneInfo("Europe/London")

    assert quiet_until(datetime(2026, 7, 1, 20, 30, tzinfo=UTC), london) == datetime(
        2026, 7, 2, 7, 0, tzinfo=UTC
    )
    assert quiet_until(datetime(2026, 1, 5, 20, 30, tzinfo=UTC), london) is None
