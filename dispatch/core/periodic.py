"""Periodic jobs as unique occurrence rows: whoever inserts the row enqueues the task, once."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session, select

from dispatch.core import tasks
from dispatch.core.calendar import at_local, local_day
from dispatch.core.tables import Occurrence


@dataclass(frozen=True, slots=True)
class Job:
    """A periodic job: `daily` at a local wall time, or `every` so many seconds.

    A daily job's latest missed occurrence is caught up once; missed ones of the other kind are skipped.
    """

    kind: str
    daily: time | None = None
    every: timedelta | None = None


def occurrence_of(job: Job, *, now: datetime, zone: ZoneInfo) -> tuple[str, datetime]:
    """The latest occurrence at or before `now`: its unique key and its instant."""
    if job.daily is not None:
        day = local_day(now, zone)
        scheduled = at_local(day, job.daily, zone)
        if scheduled > now:
            day -= timedelta(days=1)
            scheduled = at_local(day, job.daily, zone)
        return day.isoformat(), scheduled
    assert job.every is not None, "a job is daily or every so many seconds"
    step = job.every.total_seconds()
    scheduled = datetime.fromtimestamp(now.timestamp() // step * step, UTC)
    return scheduled.strftime("%Y-%m-%dT%H:%M:%SZ"), scheduled


def start_due(session: Session, job: Job, *, subject: str, zone: ZoneInfo, now: datetime) -> bool:
    """Enqueue the job's latest occurrence for `subject` unless that was done; whether it was enqueued now."""
    key, scheduled = occurrence_of(job, now=now, zone=zone)
    name = f"{job.kind}:{subject}"
    known = session.exec(
        select(Occurrence.id).where(Occurrence.job == name, Occurrence.key == key)
    ).first()
    if known is not None:
        return False
    session.add(Occurrence(job=name, key=key, scheduled_for=scheduled, created_at=now))
    session.flush()
    payload = {"subject": subject, "key": key, "scheduled_for": scheduled.isoformat()}
    return (
        tasks.enqueue(session, job.kind, key=f"{name}:{key}", payload=payload, now=now) is not None
    )
