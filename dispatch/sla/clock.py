"""The arithmetic of a clock: its limit and its warnings. Elapsed time; no tables, no calendar."""

from datetime import datetime, timedelta

LEVELS = (50, 75, 90, 100)
"""Percent of the time used at which a warning is given."""


def level_at(started_at: datetime, limit: timedelta, percent: int) -> datetime:
    """The instant at which `percent` of the limit is used."""
    return started_at + limit * percent / 100


def passed(started_at: datetime, due_at: datetime, now: datetime) -> int:
    """The highest level reached at `now`; 0 before the first. A level is reached at its own instant."""
    limit = due_at - started_at
    return max((level for level in LEVELS if level_at(started_at, limit, level) <= now), default=0)


def next_level_at(started_at: datetime, due_at: datetime, warned: int) -> datetime | None:
    """When the next warning after `warned` percent falls due; None after the last."""
    limit = due_at - started_at
    for level in LEVELS:
        if level > warned:
            return level_at(started_at, limit, level)
    return None
