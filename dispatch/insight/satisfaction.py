"""How satisfied customers are: by crew, work type, customer class and week, and the answers behind each figure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from dispatch.contact.surveys import LOW, is_bad
from dispatch.contact.tables import Survey
from dispatch.core.calendar import day_bounds, local_day, zone_named
from dispatch.core.errors import InvalidError
from dispatch.desk.lifecycle import OPEN
from dispatch.desk.requests import SUBJECT
from dispatch.desk.tables import Request
from dispatch.insight.span import Span
from dispatch.registry import territories
from dispatch.registry.tables import Crew, CustomerClass
from dispatch.sla.tables import Clock, ClockKind
from dispatch.work.tables import WorkType

By = Literal["all", "crew", "work_type", "customer_class", "week"]
GROUPS: tuple[By, ...] = ("all", "crew", "work_type", "customer_class", "week")
SATISFIED = 4
"""The lowest score of a satisfied customer."""
MOST_DAYS = 366


class BadSpan(InvalidError):
    """The days of a figure are the wrong way round, or more than a year."""

    code = "bad_span"


@dataclass(frozen=True, slots=True)
class Satisfaction:
    """Population: the surveys of the group first answered in the span; `asked` are those sent in it.

    `satisfied` have a score of 4 or 5, `solved` say that the matter is solved, `bad` have a score of 1 or 2 or are
    not solved. `mean` is the mean score, None without an answer. `key` names the group: a crew, a work type, a
    class, or the Monday of a week.
    """

    key: str
    name_zh: str
    name_en: str
    asked: int
    answered: int
    satisfied: int
    solved: int
    bad: int
    mean: float | None


@dataclass(frozen=True, slots=True)
class ToMakeGood:
    """A bad answer whose request nobody has answered; `due_at` is its clock's limit."""

    request_id: str
    score: int
    since: datetime
    due_at: datetime


def satisfaction(
    session: Session, *, territory_id: str, first: date, last: date, by: By
) -> list[Satisfaction]:
    """The figures of each group of the local days `first` to `last`, by key. Raises NoSuchTerritory, BadSpan."""
    zone = zone_named(territories.get(session, territory_id).zone)
    begin, end = _bounds(first, last, zone)
    group = _GROUP_OF[by]
    asked: dict[str, int] = {}
    answers: dict[str, list[Survey]] = {}
    for survey in session.exec(_in_span(territory_id, begin, end)):
        if survey.asked_at is not None and begin <= survey.asked_at < end:
            key = group(survey, local_day(survey.asked_at, zone))
            asked[key] = asked.get(key, 0) + 1
        if survey.answered_at is not None and begin <= survey.answered_at < end:
            answers.setdefault(group(survey, local_day(survey.answered_at, zone)), []).append(
                survey
            )
    names = _names(session, territory_id, by)
    return [
        _figure(key, names.get(key, (key, key)), asked.get(key, 0), answers.get(key, []))
        for key in sorted(asked.keys() | answers.keys())
    ]


def of_day(session: Session, span: Span) -> Satisfaction:
    """The figures of one day, for its report."""
    found = satisfaction(
        session, territory_id=span.territory_id, first=span.day, last=span.day, by="all"
    )
    return found[0] if found else _figure(_ALL, (_ALL, _ALL), 0, [])


def answers(
    session: Session,
    *,
    territory_id: str,
    first: date,
    last: date,
    crew_id: str | None = None,
    work_type: str | None = None,
    customer_class: CustomerClass | None = None,
    bad_only: bool = False,
    limit: int = 200,
) -> list[Survey]:
    """The answers behind a figure, the newest first, `limit` at most. Raises NoSuchTerritory and BadSpan."""
    zone = zone_named(territories.get(session, territory_id).zone)
    begin, end = _bounds(first, last, zone)
    statement = select(Survey).where(
        Survey.territory_id == territory_id,
        col(Survey.answered_at) >= begin,
        col(Survey.answered_at) < end,
    )
    for column, value in (
        (Survey.crew_id, crew_id),
        (Survey.work_type, work_type),
        (Survey.customer_class, customer_class),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if bad_only:
        statement = statement.where((col(Survey.score) <= LOW) | col(Survey.solved).is_(False))
    ordered = statement.order_by(col(Survey.answered_at).desc(), col(Survey.visit_id))
    return list(session.exec(ordered.limit(limit)))


def to_make_good(session: Session, *, territory_id: str) -> list[ToMakeGood]:
    """The bad answers that nobody has made good, the next limit first, 200 at most."""
    answer_clock = sa.and_(
        col(Clock.subject) == SUBJECT,
        col(Clock.subject_id) == col(Request.id),
        col(Clock.kind) == ClockKind.ANSWER,
    )
    statement = (
        select(Request.id, Survey.score, Request.received_at, Clock.due_at)
        .join(Survey, col(Survey.request_id) == col(Request.id))
        .join(Clock, answer_clock)
        .where(
            col(Survey.territory_id) == territory_id,
            col(Request.answered_at).is_(None),
            col(Request.status).in_(OPEN),
        )
        .order_by(col(Clock.due_at), col(Request.id))
        .limit(200)
    )
    return [
        ToMakeGood(request_id, score or 0, since, due_at)
        for request_id, score, since, due_at in session.exec(statement)
    ]


_ALL = "all"
_GROUP_OF: Mapping[By, Callable[[Survey, date], str]] = {
    "all": lambda _survey, _day: _ALL,
    "crew": lambda survey, _day: survey.crew_id or "",
    "work_type": lambda survey, _day: survey.work_type,
    "customer_class": lambda survey, _day: survey.customer_class.value,
    "week": lambda _survey, day: date.fromisocalendar(*day.isocalendar()[:2], 1).isoformat(),
}


def _bounds(first: date, last: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    if last < first:
        raise BadSpan(f"The last day, {last}, is before the first, {first}.", field="last")
    if (last - first).days >= MOST_DAYS:
        raise BadSpan(f"Figures are of {MOST_DAYS} days at most.", field="first")
    return day_bounds(first, zone)[0], day_bounds(last, zone)[1]


def _in_span(territory_id: str, begin: datetime, end: datetime) -> SelectOfScalar[Survey]:
    asked = (col(Survey.asked_at) >= begin) & (col(Survey.asked_at) < end)
    answered = (col(Survey.answered_at) >= begin) & (col(Survey.answered_at) < end)
    return select(Survey).where(Survey.territory_id == territory_id, asked | answered)


def _figure(key: str, names: tuple[str, str], asked: int, answered: list[Survey]) -> Satisfaction:
    scores = [survey.score or 0 for survey in answered]
    return Satisfaction(
        key=key,
        name_zh=names[0],
        name_en=names[1],
        asked=asked,
        answered=len(answered),
        satisfied=sum(score >= SATISFIED for score in scores),
        solved=sum(bool(survey.solved) for survey in answered),
        bad=sum(is_bad(survey.score or 0, solved=bool(survey.solved)) for survey in answered),
        mean=round(sum(scores) / len(scores), 2) if scores else None,
    )


def _names(session: Session, territory_id: str, by: By) -> dict[str, tuple[str, str]]:
    if by == "crew":
        crews = session.exec(select(Crew).where(Crew.territory_id == territory_id))
        return {crew.id: (crew.name_zh, crew.name_en) for crew in crews}
    if by == "work_type":
        return {kind.code: (kind.name_zh, kind.name_en) for kind in session.exec(select(WorkType))}
    return {}
