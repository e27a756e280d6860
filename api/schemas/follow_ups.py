"""What customers are told and what they say: the log of messages, surveys, and calls to them."""

from datetime import date, datetime
from typing import Annotated, Self

from pydantic import Field

from api.schemas.forms import Input, Instant, Output
from dispatch.calls.call_list import Call
from dispatch.calls.scripts import Kind
from dispatch.calls.tables import CallOutcome
from dispatch.contact.log import Line
from dispatch.contact.tables import MessageStatus
from dispatch.desk.tables import RequestKind
from dispatch.registry.tables import CustomerClass
from dispatch.work.tables import Priority

Answers = Annotated[
    dict[
        Annotated[str, Field(max_length=32)],
        Annotated[str, Field(max_length=500)],
    ],
    Field(max_length=50, description="by the question's id"),
]


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


class WordingOut(Output):
    """A text in both languages."""

    zh: str
    en: str


class OptionOut(Output):
    """One answer that can be chosen."""

    value: str
    zh: str
    en: str


class QuestionOut(Output):
    """One question of a script; `values` are the answers allowed, empty for a text.

    `opens` says which answer opens a request, and of which kind.
    """

    id: str
    kind: Kind
    zh: str
    en: str
    needed: bool
    options: list[OptionOut]
    values: list[str]
    opens: dict[str, RequestKind]


class ScriptOut(Output):
    """What is said and asked in a call."""

    name: str
    greeting: WordingOut
    closing: WordingOut
    questions: list[QuestionOut]


class AttemptOut(Output):
    """One attempt to call, and what it brought about."""

    id: int
    work_order_id: str
    made_by: str
    made_at: datetime
    outcome: CallOutcome
    answers: dict[str, str]
    note: str
    again_at: datetime | None
    requests: list[str]
    order_id: str | None


class FollowUpCallOut(Output):
    """A call to be made. `number` shows its last four digits only, unless you have taken the call.

    `best_hours` are the local hours at which the customer was reached before. From `earliest_hour` to `latest_hour`
    they wish to be called; `do_not_contact` says why not at all. `held_by` has the call until `held_until`.
    `next_on` is the day on which its series is due next, if it is of one that goes on.
    """

    work_order_id: str
    work_type: str
    name_zh: str
    name_en: str
    series_id: str | None
    priority: Priority
    due_at: datetime | None
    created_at: datetime
    description: str
    customer_id: str
    customer_name: str
    customer_class: CustomerClass
    language: str
    address: str
    number: str
    tries: int
    again_at: datetime | None
    best_hours: list[int]
    earliest_hour: int | None
    latest_hour: int | None
    do_not_contact: str
    last: list[AttemptOut]
    held_by: str | None
    held_until: datetime | None
    next_on: date | None
    script: ScriptOut

    @classmethod
    def of_call(cls, call: Call) -> Self:
        """The answer for one call."""
        order, kind, customer = call.order, call.work_type, call.customer
        return cls(
            work_order_id=order.id,
            work_type=kind.code,
            name_zh=kind.name_zh,
            name_en=kind.name_en,
            series_id=order.series_id,
            priority=order.priority,
            due_at=order.due_at,
            created_at=order.created_at,
            description=order.description,
            customer_id=customer.id,
            customer_name=customer.name,
            customer_class=customer.customer_class,
            language=call.wished.language or customer.language,
            address=call.premises.address,
            number=call.number,
            tries=call.tries,
            again_at=call.again_at,
            best_hours=list(call.best_hours),
            earliest_hour=call.wished.earliest_hour,
            latest_hour=call.wished.latest_hour,
            do_not_contact=call.wished.do_not_contact,
            last=AttemptOut.all_of(call.last),
            held_by=call.held_by,
            held_until=call.held_until,
            next_on=call.next_on,
            script=ScriptOut.of(call.script),
        )


class WantedIn(Input):
    """A request that the caller opens for the customer."""

    kind: RequestKind
    subject: Annotated[str, Field(min_length=1, max_length=200)]
    text: Annotated[str, Field(max_length=4000)] = ""


class CallReport(Input):
    """What came of a call. `reached` has `answers`, `call_back` has `call_back_at`."""

    outcome: CallOutcome
    answers: Answers = Field(default_factory=dict)
    note: Annotated[str, Field(max_length=500)] = ""
    call_back_at: Instant | None = None
    request: WantedIn | None = None


class LoggedMessageOut(Output):
    """One message: to whom, about what, as it was sent (the customer's link is left out), and its fate.

    `attempts` is how often sending was begun; `did` what the customer has done about the visit since: confirmed,
    rescheduled, cancelled, or answered the survey, with `score`.
    """

    id: int
    customer_id: str
    customer_name: str
    recipient: str
    channel: str
    template: str
    message_class: str
    language: str
    visit_id: str | None
    work_order_id: str | None
    request_id: str | None
    subject: str
    text: str
    status: MessageStatus
    reason: str
    attempts: int
    created_at: datetime
    sent_at: datetime | None
    error: str
    did: str
    score: int | None

    @classmethod
    def of_line(cls, line: Line) -> Self:
        """The answer for one line of the log."""
        message = line.message
        return cls(
            id=message.id or 0,
            customer_id=message.customer_id,
            customer_name=line.customer_name,
            recipient=message.recipient,
            channel=message.channel,
            template=message.template,
            message_class=message.message_class.value,
            language=message.language,
            visit_id=line.visit_id,
            work_order_id=line.work_order_id,
            request_id=line.request_id,
            subject=message.subject,
            text=line.text("…", "····"),
            status=message.status,
            reason=message.reason,
            attempts=message.sends,
            created_at=message.created_at,
            sent_at=message.sent_at,
            error=message.error,
            did=line.did,
            score=line.score,
        )
