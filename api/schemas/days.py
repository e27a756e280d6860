"""The account of a day."""

from datetime import date, datetime

from api.schemas.forms import Output


class ReturnedOut(Output):
    """A visit that went back to the pool, and why."""

    visit_id: str
    crew_id: str
    reason: str


class OpenOut(Output):
    """What stays to be done, and who must do it."""

    id: str
    owner: str


class OverdueOut(Output):
    """A clock that ran past its limit and still runs."""

    kind: str
    subject: str
    subject_id: str
    due_at: datetime


class ClosingOut(Output):
    """What became of a day."""

    territory_id: str
    day: date
    plan_ids: list[int]
    done: list[str]
    not_done: list[tuple[str, str]]
    cancelled: list[str]
    returned: list[ReturnedOut]
    left_out: list[str]
    missed: list[str]
    calls: list[OpenOut]
    requests: list[OpenOut]
    overdue: list[OverdueOut]
    on_duty: list[str]
