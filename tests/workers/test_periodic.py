"""What happens by the calendar happens once, in each territory at its own time."""

from datetime import timedelta

import pytest
from sqlmodel import select

from dispatch.core.db import Database, transaction
from dispatch.core.tables import Task
from dispatch.registry.tables import Organisation, Territory
from tests.instants import NOW, at
from workers.periodic import start_jobs


@pytest.fixture
def branch(database: Database) -> Database:
    """Two territories, one of them seven hours behind."""
    with transaction(database) as session:
        session.add(Organisation(id="o", name_zh="公司", name_en="Company"))
        session.flush()
        for name, zone in (("humen", "Asia/Shanghai"), ("west", "Europe/Madrid")):
            session.add(
                Territory(id=name, organisation_id="o", name_zh=name, name_en=name, zone=zone)
            )
    return database


def kinds(database: Database) -> dict[str, list[str]]:
    with database.reading() as session:
        found: dict[str, list[str]] = {}
        for task in session.exec(select(Task).order_by(Task.id)):
            found.setdefault(task.kind, []).append(
                f"{task.payload['subject']} {task.payload['key']}"
            )
    return found


def test_follow_ups_are_generated_once_a_day_of_each_territory(branch: Database) -> None:
    assert start_jobs(branch, now=NOW) > 0

    assert kinds(branch)["series.generate"] == ["humen 2026-03-10", "west 2026-03-09"]


def test_an_office_that_opens_in_the_morning_still_gets_its_missed_jobs(branch: Database) -> None:
    start_jobs(branch, now=at("08:00"))
    start_jobs(branch, now=at("08:01"))

    assert kinds(branch)["message.day_before"] == ["humen 2026-03-09", "west 2026-03-09"]
    assert kinds(branch)["series.generate"] == ["humen 2026-03-10", "west 2026-03-10"]


def test_jobs_of_the_minute_skip_what_was_missed(branch: Database) -> None:
    start_jobs(branch, now=NOW)
    start_jobs(branch, now=NOW + timedelta(minutes=30))

    assert kinds(branch)["clock.sweep"] == ["all 2026-03-09T23:00:00Z", "all 2026-03-09T23:30:00Z"]


def test_two_sweepers_start_a_job_once(branch: Database) -> None:
    first: dict[str, str] = {}
    started = start_jobs(branch, now=NOW, known=first)

    assert started == 13
    assert start_jobs(branch, now=NOW, known={}) == 0
    assert start_jobs(branch, now=NOW, known=first) == 0
