"""The day's report, figure by figure."""

import csv
import io
import json
from datetime import timedelta

import pytest
from sqlmodel import Session

from dispatch.contact import tellings
from dispatch.desk import requests
from dispatch.desk.tables import Counter, Request, RequestKind
from dispatch.field.closing import close_day
from dispatch.insight.report import DayReport, day_report, render
from dispatch.insight.sheet import csv_rows, csv_text
from dispatch.insight.visits import Missing
from dispatch.planning.tables import LeftOut, PlanStatus
from dispatch.registry.territories import NoSuchTerritory
from dispatch.work import orders
from tests.builders.field import act, make_plan
from tests.builders.registry import DISPATCHER, make_premises, make_territory
from tests.builders.work import make_order, make_visit, shift_of
from tests.instants import DAY, NOW, at, minutes

EVENING = at("19:00")


def report(session: Session) -> DayReport:
    return day_report(session, territory_id="humen", day=DAY, now=EVENING)


def make_request(session: Session) -> Request:
    if session.get(Counter, "billing") is None:
        make_territory(session)
        session.add(
            Counter(
                id="billing",
                territory_id="humen",
                name_zh="电费",
                name_en="Billing",
                kinds=["billing"],
            )
        )
        session.flush()
    premises = make_premises(session)
    return requests.receive(
        session,
        kind=RequestKind.BILLING,
        customer_id=premises.customer_id,
        premises_id=premises.id,
        subject="Bill too high",
        text="",
        channel="phone",
        actor=DISPATCHER,
        now=NOW,
    )


def test_a_day_with_nothing_reports_zeroes_and_no_shares(session: Session) -> None:
    make_territory(session)

    empty = report(session)

    assert empty.visits.planned == 0
    assert empty.promises.kept_share is None
    assert empty.driving.planned_per_visit is None
    assert empty.driving.driven_per_visit is None
    assert (empty.plan, empty.naive) == (None, None)
    assert json.dumps(render(empty))


def test_each_planned_visit_is_counted_once_by_what_became_of_it(session: Session) -> None:
    done = [make_visit(session, status="done") for _ in range(2)]
    failed = make_visit(session, status="not_done")
    working = make_visit(session, status="working")
    withdrawn = make_visit(session, status="published", crew="C2")
    left_out = make_visit(session, status="planned")
    plan = make_plan(session, *done, failed, working, withdrawn)
    session.add(
        LeftOut(plan_id=plan.id or 0, visit_id=left_out.id, reason="skill", hint="Needs HV")
    )
    close_day(
        session,
        territory_id="humen",
        day=DAY,
        actor=DISPATCHER,
        now=EVENING,
        despite=["C1"],
    )

    visits = report(session).visits

    assert visits.planned == 5
    assert visits.done == 2
    assert visits.not_done == 2
    assert visits.not_done_reasons == {"no_access": 1, "out_of_time": 1}
    assert visits.returned == 1
    assert visits.open == 0
    parts = visits.done + visits.not_done + visits.cancelled + visits.open + visits.returned
    assert parts == visits.planned
    assert visits.left_out == (Missing(left_out.id, "skill", "Needs HV"),)


def test_a_visit_left_out_in_the_morning_and_inserted_later_is_not_missing(
    session: Session,
) -> None:
    visit = make_visit(session, status="published")
    first = make_plan(session, status=PlanStatus.SUPERSEDED, number=1)
    session.add(LeftOut(plan_id=first.id or 0, visit_id=visit.id, reason="capacity"))
    make_plan(session, visit, number=2, published_at=at("10:00"))

    visits = report(session).visits

    assert (visits.planned, visits.open, visits.left_out) == (1, 1, ())


def test_visits_that_could_not_be_placed_are_missing_too(session: Session) -> None:
    visit = make_visit(session, status="planned")
    plan = make_plan(session)
    plan.unplaceable = [{"visit_id": visit.id, "reason": "no_position", "text": "Locate it."}]

    assert report(session).visits.left_out == (Missing(visit.id, "no_position", "Locate it."),)


def test_promises_are_kept_by_arrival_and_missed_by_whose_fault(session: Session) -> None:
    window = (at("09:00"), at("11:00"))
    for number, (arrival, end) in enumerate(
        [("10:59", "done"), ("11:00", "done"), ("", "no_access")]
    ):
        crew = f"C{number}"
        visit = make_visit(session, status="en_route", crew=crew, window=window)
        if end == "done":
            act(session, visit, "arrived", crew=crew, now=at(arrival))
        else:
            act(session, visit, "not_done", crew=crew, now=at("10:00"), reason=end)
    make_visit(session, status="published", crew="C9", window=(at("18:30"), at("20:00")))
    make_visit(session, window=(at("09:00") + timedelta(days=1), at("11:00") + timedelta(days=1)))

    promises = report(session).promises

    assert (promises.kept, promises.missed_by_company, promises.missed_by_customer) == (1, 1, 1)
    assert promises.open == 1
    assert promises.kept_share == 0.5


def test_clocks_are_counted_by_kind_and_how_they_ended(session: Session) -> None:
    kept, late, waiting = (make_request(session) for _ in range(3))
    requests.answer(session, kept, text="Explained.", actor=DISPATCHER, now=at("09:00"))
    late.received_at = NOW - timedelta(days=2)
    make_visit(session, status="published", work_type="OUT-LV", now=NOW - timedelta(hours=3))

    clocks = {row.kind: row for row in report(session).clocks}

    assert (clocks["answer"].kept, clocks["answer"].broken) == (1, 0)
    assert clocks["arrive"].overdue == 1
    assert waiting.answered_at is None


def test_driving_is_the_plans_travel_beside_what_was_driven(session: Session) -> None:
    visits = [make_visit(session, status="accepted") for _ in range(2)]
    answer = {
        "routes": [
            {"stops": [{}, {}], "travel_seconds": 3000, "overtime": 600},
            {"stops": [{}], "travel_seconds": 1200, "overtime": 0},
        ]
    }
    make_plan(session, *visits, answer=answer)
    for number, visit in enumerate(visits):
        start = at("09:00") + minutes(60 * number)
        act(session, visit, "en_route", now=start)
        act(session, visit, "arrived", now=start + minutes(10 + 6 * number))
        act(session, visit, "start", now=start + minutes(20))
        act(session, visit, "done", now=start + minutes(40))

    driving = report(session).driving

    assert (driving.planned_minutes, driving.planned_visits) == (70.0, 3)
    assert driving.planned_per_visit == pytest.approx(70 / 3)
    assert (driving.drives, driving.driven_per_visit) == (2, 13.0)
    assert (driving.overtime_planned, driving.overtime_worked) == (10.0, 0.0)


def test_overtime_is_how_long_after_its_shift_a_crew_ended(session: Session) -> None:
    visit = make_visit(session, status="working")
    assert shift_of(session, "C1").ends_at == at("17:30")

    act(session, visit, "done", now=at("18:05"))

    assert report(session).driving.overtime_worked == 35.0


def test_the_days_plan_is_the_last_one_before_the_first_shift(session: Session) -> None:
    shift_of(session, "C1")
    figures = {"visits": 1, "naive": {"visits": 0}}
    make_plan(session, number=1, status=PlanStatus.SUPERSEDED, published_at=at("06:00"))
    make_plan(
        session, number=2, status=PlanStatus.SUPERSEDED, published_at=at("07:00"), figures=figures
    )
    make_plan(session, number=3, published_at=at("13:00"))

    found = report(session)

    assert found.plan == {"visits": 1}
    assert found.naive == {"visits": 0}


def test_calls_and_requests_of_the_day_are_counted(session: Session) -> None:
    call, _ = (make_order(session, work_type="FU-TEL") for _ in range(2))
    orders.complete_call(session, call, outcome="satisfied", actor=DISPATCHER, now=at("10:00"))
    answered, _ = make_request(session), make_request(session)
    requests.answer(session, answered, text="Explained.", actor=DISPATCHER, now=at("11:00"))

    found = report(session)

    assert (found.calls.done, found.calls.left) == (1, 1)
    assert (found.requests.received, found.requests.answered, found.requests.unanswered) == (
        2,
        1,
        1,
    )


def test_messages_are_counted_by_template_and_status(session: Session) -> None:
    visit = make_visit(session, status="published", start_at=at("15:00"))
    tellings.tell_booked(session, visit_ids=[visit.id], now=at("09:00"))

    assert report(session).messages == {"booked": {"pending": 1}}


def test_another_days_work_is_not_in_it(session: Session) -> None:
    make_plan(session, make_visit(session, status="done"))

    other = day_report(session, territory_id="humen", day=DAY + timedelta(days=1), now=EVENING)

    assert other.visits.planned == 0
    assert other.driving.drives == 0


def test_an_unknown_territory_is_refused(session: Session) -> None:
    with pytest.raises(NoSuchTerritory):
        day_report(session, territory_id="nowhere", day=DAY, now=EVENING)


def test_the_report_is_plain_json_and_a_sheet_with_one_figure_a_row(session: Session) -> None:
    visit = make_visit(session, status="planned")
    plan = make_plan(session, figures={"visits": 3, "naive": {"visits": 2}})
    session.add(
        LeftOut(plan_id=plan.id or 0, visit_id=visit.id, reason="skill", hint="=HYPERLINK(1)")
    )

    found = report(session)
    content = json.loads(json.dumps(render(found)))
    rows = dict(csv_rows(found))
    read = list(csv.reader(io.StringIO(csv_text(found).lstrip("\ufeff"))))

    assert content["day"] == "2026-03-10"
    assert content["visits"]["left_out"][0]["visit_id"] == visit.id
    assert rows["visits.left_out.1.hint"] == "'=HYPERLINK(1)", "no formula reaches a spreadsheet"
    assert rows["naive.visits"] == "2"
    assert read[0] == ["figure", "value"]
    assert len(read) == len(rows) + 1
