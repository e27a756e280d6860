"""What happens by the calendar: which job when, for which territory or for all."""

from collections.abc import MutableMapping
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from dispatch.core.calendar import zone_named
from dispatch.core.db import Database, transaction
from dispatch.core.periodic import Job, occurrence_of, start_due
from dispatch.registry.tables import Territory

PER_TERRITORY = (
    Job("series.generate", daily=time(0, 5)),
    Job("spread.learn", daily=time(2, 20)),
    Job("message.day_before", daily=time(17)),
    Job("delay.watch", every=timedelta(minutes=1)),
    Job("roads.refresh", every=timedelta(minutes=5)),
)
"""For each territory, what is daily at its own local time."""
FOR_ALL = (
    Job("clock.sweep", every=timedelta(minutes=1)),
    Job("check_in.sweep", every=timedelta(minutes=1)),
    Job("task.archive", daily=time(3, 30)),
)
"""Once for the whole installation, by UTC."""
UTC_ZONE = ZoneInfo("UTC")


def start_jobs(
    database: Database, *, now: datetime, known: MutableMapping[str, str] | None = None
) -> int:
    """Enqueue every job whose latest occurrence nobody has started; how many were enqueued.

    `known` remembers what this caller has seen started, so that a quiet minute costs one read. Each job has a
    transaction of its own: two sweepers that meet disturb neither each other nor the other jobs.
    """
    known = {} if known is None else known
    with database.reading() as session:
        territories = session.exec(select(Territory.id, Territory.zone)).all()
    due = [(job, "all", UTC_ZONE) for job in FOR_ALL] + [
        (job, territory, zone_named(zone))
        for territory, zone in territories
        for job in PER_TERRITORY
    ]
    started = 0
    for job, subject, zone in due:
        name, key = f"{job.kind}:{subject}", occurrence_of(job, now=now, zone=zone)[0]
        if known.get(name) == key:
            continue
        try:
            with transaction(database) as session:
                started += start_due(session, job, subject=subject, zone=zone, now=now)
        except IntegrityError:
            pass  # another sweeper inserted the same occurrence first, which is all we wanted
        known[name] = key
    return started
