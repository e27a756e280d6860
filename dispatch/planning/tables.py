"""Plans: a day's assignments of a territory, and the runs that proposed them."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from dispatch.core.db import Row, Versioned, choice, document, instant
from dispatch.core.runs import RunRow
from dispatch.planning.packing import ProblemDocument
from dispatch.planning.spread import Measure, Part


class PlanStatus(StrEnum):
    """Where a plan is."""

    DRAFT = "draft"
    SOLVING = "solving"
    PROPOSED = "proposed"
    PUBLISHED = "published"
    ACTIVE = "active"
    CLOSED = "closed"
    SUPERSEDED = "superseded"


class RunOutcome(StrEnum):
    """How a run ended. `vanished`: its process died without a word and another run took its place; `stopped`: its
    worker was stopped, which is no fault of the problem's."""

    RUNNING = "running"
    ANSWERED = "answered"
    REFUSED = "refused"
    CRASHED = "crashed"
    VANISHED = "vanished"
    LATE = "late"
    STOPPED = "stopped"


class Plan(Versioned, table=True):
    """A day's assignments. A newer `number` wins over an older one, whichever run finished first.

    A plan with the name of a `branch` is tried out: it is merged or dropped, never published, and nothing
    supersedes it. `locks` hold what its edits have locked, in the branch alone.

    `board` is the fingerprint of the rows that the problem was made from: publishing is refused when it differs.
    `board_parts` holds what it is made of, so that the refusal can name what has moved. `unplaceable` lists the
    ready visits that the problem could not hold, each with its reason. `affected` lists the visits whose crew or
    time becomes another than on the plan in force when this one was made (see `differences.affected`).
    """

    __table_args__ = (sa.UniqueConstraint("territory_id", "day", "number"),)

    id: int | None = Field(default=None, primary_key=True)
    territory_id: str = Field(foreign_key="territory.id", max_length=32, index=True)
    day: date = Field(index=True)
    number: int
    status: PlanStatus = choice(PlanStatus, PlanStatus.DRAFT)
    board: str = Field(default="", max_length=64)
    board_parts: dict[str, dict[str, str]] = document()
    origin: str = Field(
        default="optimizer", max_length=16, description="optimizer, naive, insert, edit or branch"
    )
    branch: str | None = Field(default=None, max_length=60)
    locks: dict[str, dict[str, str | None]] = document()
    options: dict[str, Any] = document()
    problem: dict[str, Any] | None = Field(default=None, sa_type=ProblemDocument)
    answer: dict[str, Any] | None = Field(default=None, sa_type=sa.JSON)
    input_hash: str = Field(default="", max_length=64)
    progress: dict[str, Any] = document()
    figures: dict[str, Any] = document()
    unplaceable: list[dict[str, str]] = document(list)
    affected: list[dict[str, Any]] = document(list)
    stop_asked: bool = False
    error: str = Field(default="", max_length=500)
    created_by: str = Field(max_length=64)
    created_at: datetime = instant()
    published_at: datetime | None = instant(nullable=True)
    published_by: str | None = Field(default=None, max_length=64)


class Run(Row, table=True):
    """One run of the optimizer for a plan; runs of the same input that crash three times end its plan.

    `options` (seed, seconds, engine and so on) and `versions` are what it takes to repeat the run of the input.
    """

    id: int | None = Field(default=None, primary_key=True)
    plan_id: int = Field(foreign_key="plan.id", index=True)
    input_hash: str = Field(max_length=64, index=True)
    options: dict[str, Any] = document()
    versions: dict[str, str] = document()
    outcome: RunOutcome = choice(RunOutcome, RunOutcome.RUNNING)
    error: str = Field(default="", max_length=500)
    started_at: datetime = instant()
    ended_at: datetime | None = instant(nullable=True)


class Assignment(Row, table=True):
    """One stop of a plan's route."""

    plan_id: int = Field(primary_key=True, foreign_key="plan.id")
    visit_id: str = Field(primary_key=True, foreign_key="visit.id", max_length=40)
    crew_id: str = Field(foreign_key="crew.id", max_length=32)
    shift_id: str = Field(foreign_key="shift.id", max_length=48)
    position: int
    arrive_at: datetime = instant()
    start_at: datetime = instant()
    end_at: datetime = instant()
    travel_s: int = 0


class LeftOut(Row, table=True):
    """A visit that a plan leaves out, and why: `shifts` counts the reasons over all shifts."""

    plan_id: int = Field(primary_key=True, foreign_key="plan.id")
    visit_id: str = Field(primary_key=True, foreign_key="visit.id", max_length=40)
    reason: str = Field(max_length=32)
    shifts: dict[str, int] = document()
    hint: str = Field(default="", max_length=500)


class OutlookStatus(StrEnum):
    """Where a look at the days ahead is."""

    WAITING = "waiting"
    SEARCHING = "searching"
    ANSWERED = "answered"
    FAILED = "failed"


class OutlookRun(RunRow, table=True):
    """One look at the days ahead, and what it found (see `outlook.Outlook`, as JSON); it is told to nobody."""

    first: date
    days: int
    status: OutlookStatus = choice(OutlookStatus, OutlookStatus.WAITING)
    options: dict[str, Any] = document()
    progress: dict[str, Any] = document()
    found: dict[str, Any] | None = Field(default=None, sa_type=sa.JSON)


class LearntSpread(Row, table=True):
    """How actual times compare with planned ones, learnt from `visits` observations: quantiles of the ratio.

    `key` is the work type, the crew or the hour of the local day; empty for all drives (see `spread`). Of setting
    out they are quantiles of the seconds late, and `key` is the occasion.
    """

    __table_args__ = (sa.UniqueConstraint("territory_id", "measure", "part", "key"),)

    id: int | None = Field(default=None, primary_key=True)
    territory_id: str = Field(foreign_key="territory.id", max_length=32)
    measure: Measure = choice(Measure)
    part: Part = choice(Part)
    key: str = Field(max_length=32)
    visits: int
    low: float
    mid: float
    high: float
    learnt_at: datetime = instant()
