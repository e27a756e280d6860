"""Satisfaction by crew, work type, class and week, the answers behind it, and what is to be made good."""

import csv
import io
from datetime import date, datetime, timedelta

import pytest
from sqlmodel import Session

from dispatch.contact import surveys
from dispatch.contact.tables import Survey
from dispatch.core.db import Database, transaction
from dispatch.desk import requests
from dispatch.insight import satisfaction as figures
from dispatch.insight.report import day_report
from dispatch.insight.satisfaction import BadSpan, By, Satisfaction
from dispatch.insight.sheet import satisfaction_text
from dispatch.insight.watching import watch_list
from dispatch.registry.tables import CustomerClass
from dispatch.work.tables import Visit, VisitStatus
from tests.builders.desk import make_counters
from tests.builders.registry import DISPATCHER, make_customer, make_premises
from tests.builders.work import make_visit
from tests.instants import DAY, at
from tests.statements import counted

LATER = DAY + timedelta(days=6)
"""The Monday after."""


def answered(
    session: Session,
    score: int,
    *,
    solved: bool = True,
    crew: str = "C1",
    customer_class: CustomerClass = CustomerClass.C,
    now: datetime = at("15:00"),
) -> Survey:
    customer = make_customer(session, customer_class=customer_class)
    visit = make_visit(
        session,
        status=VisitStatus.DONE,
        crew=crew,
        premises=make_premises(session, customer=customer),
    )
    return surveys.answer(
        session, visit_id=visit.id, score=score, solved=solved, comment="=1+1", now=now
    )


@pytest.fixture
def four(session: Session) -> list[Survey]:
    """Two answers about C1, two about C2, the last in the next week."""
    make_counters(session)
    return [
        answered(session, 5, customer_class=CustomerClass.A),
        answered(session, 2),
        answered(session, 4, crew="C2"),
        answered(session, 5, crew="C2", solved=False, now=at("09:00", LATER)),
    ]


def by(session: Session, group: By) -> dict[str, Satisfaction]:
    found = figures.satisfaction(session, territory_id="humen", first=DAY, last=LATER, by=group)
    return {one.key: one for one in found}


def test_every_figure_counts_what_it_says(session: Session, four: list[Survey]) -> None:
    (everything,) = by(session, "all").values()

    assert (everything.answered, everything.satisfied, everything.solved) == (4, 3, 3)
    assert (everything.bad, everything.mean) == (2, 4.0)


def test_the_groups_are_crews_types_classes_and_weeks(session: Session, four: list[Survey]) -> None:
    assert {key: one.mean for key, one in by(session, "crew").items()} == {"C1": 3.5, "C2": 4.5}
    assert by(session, "crew")["C1"].name_en == "Crew C1"
    assert {key: one.answered for key, one in by(session, "customer_class").items()} == {
        "A": 1,
        "C": 3,
    }
    assert by(session, "work_type")["MTR-XCH"].answered == 4
    assert {key: one.answered for key, one in by(session, "week").items()} == {
        "2026-03-09": 3, "2026-03-16": 1,
    }  # fmt: skip


def test_a_span_counts_local_days_and_both_its_ends(session: Session) -> None:
    answered(session, 5, now=at("00:00"))
    answered(session, 5, now=at("23:59"))
    answered(session, 5, now=at("00:00", DAY + timedelta(days=1)))

    found = figures.satisfaction(session, territory_id="humen", first=DAY, last=DAY, by="all")

    assert [one.answered for one in found] == [2]


def test_who_was_asked_and_said_nothing_is_counted_as_asked(session: Session) -> None:
    survey = answered(session, 5)
    survey.asked_at, survey.answered_at, survey.score = at("14:00"), None, None
    session.flush()

    (one,) = by(session, "all").values()

    assert (one.asked, one.answered, one.mean) == (1, 0, None)


def test_behind_each_figure_stand_its_answers(session: Session, four: list[Survey]) -> None:
    def behind(**which: object) -> list[str]:
        found = figures.answers(
            session,
            territory_id="humen",
            first=DAY,
            last=LATER,
            **which,  # type: ignore[arg-type]
        )
        return [survey.visit_id for survey in found]

    assert behind() == [four[3].visit_id, *sorted(one.visit_id for one in four[:3])]
    assert behind(crew_id="C1", bad_only=True) == [four[1].visit_id]
    assert behind(customer_class=CustomerClass.A) == [four[0].visit_id]
    assert len(behind(bad_only=True)) == by(session, "all")["all"].bad


def test_a_span_that_is_none_is_refused(session: Session, four: list[Survey]) -> None:
    for first, last, field in (
        (LATER, DAY, "last"),
        (date(2025, 1, 1), date(2026, 3, 1), "first"),
    ):
        with pytest.raises(BadSpan) as refused:
            figures.satisfaction(session, territory_id="humen", first=first, last=last, by="all")
        assert refused.value.details["field"] == field


def test_the_sheet_has_a_row_for_each_group(session: Session, four: list[Survey]) -> None:
    text = satisfaction_text("crew", by(session, "crew").values())

    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert [(row["crew"], row["answered"], row["mean"]) for row in rows] == [
        ("C1", "2", "3.50"),
        ("C2", "2", "4.50"),
    ]


def test_the_days_report_says_how_satisfied_customers_were(
    session: Session, four: list[Survey]
) -> None:
    report = day_report(session, territory_id="humen", day=DAY, now=at("19:00"))

    assert (report.satisfaction.answered, report.satisfaction.satisfied) == (3, 2)


def test_a_bad_answer_is_on_the_watch_list_until_somebody_answers(
    session: Session, four: list[Survey]
) -> None:
    def listed(now: datetime) -> list[tuple[str, str, str | None, bool]]:
        found = watch_list(session, territory_id="humen", now=now)
        return [(one.kind, one.action, one.request_id, one.is_urgent) for one in found]

    bad = four[1].request_id
    assert bad is not None
    assert listed(at("16:00"))[0] == ("low_score", "answer_request", bad, False)
    overdue = listed(at("15:00", DAY + timedelta(days=1)))
    assert [row for row in overdue if row[2] == bad] == [
        ("low_score", "answer_request", bad, True)
    ], "once, though its clock has run out too"

    requests.answer(
        session, requests.get(session, bad), text="sorry", actor=DISPATCHER, now=at("16:00")
    )
    assert bad not in [row[2] for row in listed(at("16:30"))]


def test_figures_take_the_same_number_of_questions_however_many_answers(
    database: Database,
) -> None:
    def asked(answers: int) -> int:
        with transaction(database) as session:
            make_counters(session)
            for _ in range(answers):
                answered(session, 5)
        with counted(database) as statements, database.reading() as session:
            by(session, "crew")
        return len(statements)

    assert asked(1) == asked(6)


def test_a_visits_survey_is_one_row(session: Session, four: list[Survey]) -> None:
    assert surveys.get(session, four[0].visit_id) is four[0]
    assert isinstance(session.get(Visit, four[0].visit_id), Visit)
    with pytest.raises(surveys.NoSuchSurvey):
        surveys.get(session, "V-9")
