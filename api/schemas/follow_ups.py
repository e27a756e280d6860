"""What customers say: surveys, and calls to them."""

from datetime import datetime

from api.schemas.forms import Output
from dispatch.registry.tables import CustomerClass


class SurveyOut(Output):
    """What a customer was asked about a visit, and said; `request_id` is what makes good for a bad answer."""

    visit_id: str
    version: int
    customer_id: str
    crew_id: str | None
    work_type: str
    customer_class: CustomerClass
    asked_at: datetime | None
    answered_at: datetime | None
    changed_at: datetime | None
    score: int | None
    solved: bool | None
    comment: str
    request_id: str | None


class SatisfactionOut(Output):
    """The figures of one group: `satisfied` with 4 or 5, `bad` with 1 or 2 or not solved; `mean` of the scores."""

    key: str
    name_zh: str
    name_en: str
    asked: int
    answered: int
    satisfied: int
    solved: int
    bad: int
    mean: float | None
