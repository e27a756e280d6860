"""Surveys: two questions after a closed visit, and what a bad answer sets in motion.

A customer is asked `ASKED_AFTER` the work was finished, a sample of the visits and nobody twice within `APART`. A
bad answer becomes a request at the complaint counter, whose answer clock runs from that moment.
"""

import hashlib
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from dispatch.contact import texts
from dispatch.contact.channels import BUILT_IN
from dispatch.contact.drafts import compose, obstacle
from dispatch.contact.facts import Facts, load
from dispatch.contact.links import VALID_AFTER_END
from dispatch.contact.progress import WAITING
from dispatch.contact.tables import Survey
from dispatch.core import tasks
from dispatch.core.alerts import raise_alert
from dispatch.core.db import lock_for
from dispatch.core.errors import ConflictError, DispatchError, InvalidError, NotFoundError
from dispatch.core.events import SYSTEM, Actor, record
from dispatch.core.tables import TaskClass
from dispatch.desk import requests
from dispatch.desk.counters import NoCounter
from dispatch.desk.tables import RequestKind
from dispatch.work.lifecycle import OPEN_ORDERS
from dispatch.work.tables import VisitStatus
from dispatch.work.visits import NoSuchVisit

TASK = "survey.ask"
ENTITY = "survey"
TEMPLATE = "survey"
ASKED_AFTER = timedelta(hours=3)
"""Time for the customer to see whether the work holds."""
ASKED_PERCENT = 50
"""Of a hundred finished visits, so many are asked about."""
APART = timedelta(days=30)
"""Between two surveys of one customer."""
CHANGED_WITHIN = timedelta(days=7)
"""How long after the first answer it may be changed."""
LOWEST, HIGHEST = 1, 5
LOW = 2
"""The highest score that calls for making good."""
MOST_COMMENT = 500


class NotDoneYet(ConflictError):
    """The visit is not finished, so there is nothing to judge."""

    code = "not_done_yet"


class NoSuchSurvey(NotFoundError):
    """The customer was not asked about this visit, and has said nothing."""

    code = "no_such_survey"


class BadSurveyAnswer(InvalidError):
    """A score is 1 to 5, a comment at most 500 characters."""

    code = "bad_survey_answer"


class SurveyClosed(DispatchError):
    """The answer was given more than a week ago and stays as it is."""

    code = "survey_closed"
    status = 410


def get(session: Session, visit_id: str) -> Survey:
    """The survey of a visit; raises NoSuchSurvey."""
    survey = session.get(Survey, visit_id)
    if survey is None:
        raise NoSuchSurvey(f"There is no survey about visit {visit_id}.", field="visit_id")
    return survey


def arrange(session: Session, *, visit_id: str, finished_at: datetime, now: datetime) -> bool:
    """Enqueue the asking about a finished visit, if it is one of the sample; whether it is.

    The sample goes by the visit's number, so that deciding again decides the same.
    """
    drawn = int.from_bytes(hashlib.sha256(visit_id.encode()).digest()[:4], "big") % 100
    if drawn >= ASKED_PERCENT:
        return False
    tasks.enqueue(
        session,
        TASK,
        key=f"{TASK}:{visit_id}",
        payload={"visit_id": visit_id},
        run_at=max(now, finished_at + ASKED_AFTER),
        task_class=TaskClass.COURTESY,
        now=now,
    )
    return True


def ask(
    session: Session, *, visit_id: str, now: datetime, channels: Collection[str] = BUILT_IN
) -> Survey | None:
    """Ask the customer about the visit; None when they shall not be asked.

    That is so when work on the order goes on, when no message may go out, when they have been asked about this
    visit or within `APART`, and when they have answered unasked.
    """
    facts = load(session, [visit_id])
    if not facts:
        return None
    one = facts[0]
    lock_for(session, f"message:{one.territory.id}")
    if not _is_closed(one) or obstacle(one, TEMPLATE, due_at=now, now=now, channels=channels):
        return None
    if _was_asked(session, one, now=now):
        return None
    finished = one.visit.finished_at or now
    message = compose(
        session,
        one,
        template=TEMPLATE,
        version="1",
        told=None,
        values={"day": texts.day_text(finished, one.zone, one.language)},
        expires_at=finished + VALID_AFTER_END,
        channels=channels,
        now=now,
    )
    if message is None or message.status not in WAITING:
        return None
    survey = _made(session, one)
    survey.asked_at = now
    _record(session, survey, "asked", SYSTEM, now=now)
    return survey


def answer(
    session: Session, *, visit_id: str, score: int, solved: bool, comment: str, now: datetime
) -> Survey:
    """Keep what the customer says of a visit; who has a link that opens may change it for a week.

    `score` is 1 (bad) to 5 (very good). A low score, or a matter not solved, opens a request at the complaint
    counter, once. Raises NoSuchVisit, NotDoneYet, BadSurveyAnswer, and SurveyClosed a week after the first answer.
    """
    if not LOWEST <= score <= HIGHEST:
        raise BadSurveyAnswer(f"A score is {LOWEST} to {HIGHEST}, not {score}.", field="score")
    text = comment.strip()
    if len(text) > MOST_COMMENT:
        raise BadSurveyAnswer(
            f"A comment has at most {MOST_COMMENT} characters, this one {len(text)}.",
            field="comment",
        )
    facts = load(session, [visit_id])
    if not facts:
        raise NoSuchVisit(f"There is no visit {visit_id}.", field="visit_id")
    one = facts[0]
    if one.visit.status is not VisitStatus.DONE:
        raise NotDoneYet(
            f"Visit {visit_id} is {one.visit.status.value}; it can be judged when it is done.",
            state=one.visit.status.value,
        )
    lock_for(session, f"{ENTITY}:{visit_id}")
    survey = session.get(Survey, visit_id) or _made(session, one)
    first = survey.answered_at is None
    if survey.answered_at is not None and now >= survey.answered_at + CHANGED_WITHIN:
        raise SurveyClosed(
            "This was answered more than a week ago and stays as it is. To tell us more, please call us.",
            answered_at=survey.answered_at.isoformat(),
        )
    survey.score, survey.solved, survey.comment = score, solved, text
    survey.answered_at, survey.changed_at = survey.answered_at or now, now
    customer = Actor(survey.customer_id, "customer")
    if survey.request_id is None and is_bad(score, solved=solved):
        survey.request_id = _make_good(session, one, survey, actor=customer, now=now)
    _record(session, survey, "answered" if first else "changed", customer, now=now)
    return survey


def is_bad(score: int, *, solved: bool) -> bool:
    """Whether an answer calls for somebody to make good."""
    return score <= LOW or not solved


def _is_closed(facts: Facts) -> bool:
    return facts.visit.status is VisitStatus.DONE and facts.order.status not in OPEN_ORDERS


def _was_asked(session: Session, facts: Facts, *, now: datetime) -> bool:
    """Whether this visit's customer has answered or been asked, about it or lately about another one."""
    statement = select(Survey.visit_id).where(
        (col(Survey.visit_id) == facts.visit.id)
        | ((col(Survey.customer_id) == facts.customer.id) & (col(Survey.asked_at) > now - APART))
    )
    return session.exec(statement.limit(1)).first() is not None


def _made(session: Session, facts: Facts) -> Survey:
    survey = Survey(
        visit_id=facts.visit.id,
        territory_id=facts.territory.id,
        customer_id=facts.customer.id,
        crew_id=facts.visit.crew_id,
        work_type=facts.order.work_type,
        customer_class=facts.customer.customer_class,
    )
    session.add(survey)
    return survey


def _make_good(
    session: Session, facts: Facts, survey: Survey, *, actor: Actor, now: datetime
) -> str | None:
    """Open the request that somebody answers within a day; None, with an alert, when no counter takes it."""
    solved = "已解决 solved" if survey.solved else "未解决 not solved"
    try:
        request = requests.receive(
            session,
            kind=RequestKind.COMPLAINT,
            customer_id=facts.customer.id,
            premises_id=facts.premises.id,
            subject=f"满意度低 Low satisfaction {survey.score}/{HIGHEST}, {solved} ({facts.visit.id})",
            text=survey.comment,
            channel="survey",
            actor=actor,
            now=now,
        )
    except NoCounter:
        raise_alert(
            session,
            f"survey.no_counter:{facts.territory.id}",
            f"Customers of {facts.territory.id} are not satisfied, and no counter takes complaints: give "
            "the kind complaint to one. The surveys name the visits.",
            now=now,
        )
        return None
    return request.id


def _record(session: Session, survey: Survey, what: str, actor: Actor, *, now: datetime) -> None:
    """Tell that something happened to the survey; nothing of the comment."""
    said = {"score": survey.score, "solved": survey.solved, "request_id": survey.request_id}
    session.flush()
    record(
        session,
        f"survey.{what}",
        entity=ENTITY,
        entity_id=survey.visit_id,
        actor=actor,
        now=now,
        territory_id=survey.territory_id,
        data={"crew_id": survey.crew_id, **({} if what == "asked" else said)},
    )
    session.flush()
