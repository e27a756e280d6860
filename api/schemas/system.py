"""Health and readiness."""

from typing import Literal

from api.schemas.forms import Output


class Health(Output):
    """The process answers."""

    status: Literal["ok"]


class Readiness(Output):
    """The database answers; the age of the oldest due task in seconds tells whether workers keep up."""

    status: Literal["ready"]
    oldest_due_task_s: float
