"""What needs a person is listed once, with what solves it."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
from sqlmodel import Session

from dispatch.contact.kinds import KINDS
from dispatch.contact.tables import MessageStatus
from dispatch.core.alerts import raise_alert
from dispatch.core.events import Actor, record
from dispatch.field import positions
from dispatch.field.positions import Position
from dispatch.insight import watching
from dispatch.insight.matters import Action, Item, Kind
from dispatch.registry import shifts
from dispatch.work import promises, visits
from dispatch.work.tables import Visit, VisitStatus
from tests.builders.contact import make_message
from tests.builders.planning import HOME, KM_EAST, begin, crew_on, job, published, work_on
from tests.builders.registry import DISPATCHER
from tests.instants import NOW, at

ONE = "C1-20260310"


def items(session: Session, clock: str | datetime) -> list[Item]:
    now = at(clock) if isinstance(clock, str) else clock
    return watching.watch_list(session, territory_id="humen", now=now)


def told(session: Session, clock: str) -> list[tuple[str, str, str | None]]:
    return [(item.kind, item.action, item.visit_id) for item in items(session, clock)]


@pytest.fixture
def day(session: Session) -> list[Visit]:
    """C1 is on duty with two visits, the second promised for 9 to 11."""
    crew_on(session, "C1")
    first, second = job(session, minutes=60), job(session, east=2, minutes=60)
    promises.book(
        session, second, start_at=at("09:00"), end_at=at("11:00"), actor=DISPATCHER, now=NOW
    )
    published(session, orders={ONE: [first.id, second.id]})
    shift = shifts.get(session, ONE)
    shifts.move(session, shift, "report_on_duty", actor=DISPATCHER, now=at("07:50"))
    return [first, second]


def test_a_day_that_goes_well_needs_nobody(session: Session, day: list[Visit]) -> None:
    assert items(session, "07:55") == []
    work_on(session, day[0], now=at("08:10"))
    assert items(session, "08:30") == []


def test_a_crew_that_does_not_come_on_duty_is_called(session: Session) -> None:
    crew_on(session, "C1")
    published(session, orders={ONE: [job(session).id]})

    assert items(session, "08:05") == []
    (item,) = items(session, "08:20")
    assert (item.kind, item.action, item.crew_id) == ("not_on_duty", "call_crew", "C1")


def test_a_crew_that_has_not_set_out_is_called_until_its_visits_are_late(
    session: Session, day: list[Visit]
) -> None:
    first, second = day
    assert told(session, "08:20") == [("not_set_out", "call_crew", first.id)]
    assert told(session, "10:20") == [
        ("late", "move_visit", second.id), ("not_set_out", "call_crew", first.id),
    ]  # fmt: skip


def test_a_promise_at_risk_is_listed_and_then_as_late_with_its_limit(
    session: Session, day: list[Visit]
) -> None:
    first, second = day
    work_on(session, first, now=at("08:10"))

    assert told(session, "10:10") == [("risk", "move_visit", second.id)]
    (item,) = items(session, "10:58")
    assert (item.kind, item.code, item.is_urgent, item.since) == (
        "late", "window", True, at("11:00"),
    )  # fmt: skip
    begin(session, first, "finish", now=at("10:58"))
    begin(session, second, "accept", "depart", now=at("10:59"))
    assert told(session, "11:10") == [("late", "call_customer", second.id)]


def test_a_clock_that_runs_out_names_the_visit_that_stops_it(session: Session) -> None:
    crew_on(session, "C1")
    visit = job(session, work_type="INT", now=at("08:00"))

    found = items(session, "08:20")
    assert {(item.kind, item.action, item.visit_id) for item in found} == {
        ("clock", "plan_visit", visit.id)
    }
    assert len(found) == 1, "one visit, one matter"


def test_messages_that_did_not_arrive_and_conflicts_are_listed_until_somebody_acts(
    session: Session, day: list[Visit]
) -> None:
    first, second = day
    message = make_message(session, visit=second)
    message.status = MessageStatus.BOUNCED
    record(
        session, "visit.action_refused", entity="visit", entity_id=first.id, territory_id="humen",
        actor=Actor("U1", "crew"), now=at("07:52"), data={"crew_id": "C1", "code": "stale_version"},
    )  # fmt: skip
    session.flush()
    assert set(told(session, "07:55")) == {
        ("message", "see_to_messages", second.id), ("conflict", "look_at_visit", first.id),
    }  # fmt: skip

    visits.act(session, first, "withdraw", actor=DISPATCHER, now=at("07:56"))
    assert told(session, "07:57") == [("message", "see_to_messages", second.id)]


def test_messages_of_visits_that_do_not_come_are_named_and_many_are_one_matter(
    session: Session,
) -> None:
    gone = make_message(session)
    gone.template = "cancelled"
    session.get_one(Visit, gone.subject_id).status = VisitStatus.CANCELLED
    gone.status, gone.reason = MessageStatus.SUPPRESSED, "no_address"
    session.flush()
    (item,) = items(session, "07:55")
    assert (item.kind, item.visit_id, item.message_id, item.template, item.code) == (
        "message", gone.subject_id, gone.id, "cancelled", "no_address",
    )  # fmt: skip

    for _ in range(watching.MOST_MESSAGES):
        another = make_message(session)
        another.template = "cancelled"
        session.get_one(Visit, another.subject_id).status = VisitStatus.CANCELLED
        another.status = MessageStatus.FAILED
    session.flush()
    (item,) = items(session, "07:55")
    assert (item.template, item.count, item.message_id) == ("cancelled", 6, None)


def test_who_waits_for_nobody_in_a_promised_window_and_is_not_told_is_called(
    session: Session,
) -> None:
    crew_on(session, "C1")
    visit = job(session, window=(at("14:00"), at("16:00")))
    published(session, orders={ONE: []})

    for clock, is_urgent, action in (
        ("07:55", False, "plan_visit"),
        ("12:00", True, "call_customer"),
    ):
        (item,) = [item for item in items(session, clock) if item.kind == "customer"]
        assert (item.action, item.code, item.visit_id) == (action, "left_out", visit.id)
        assert (item.about, item.is_urgent) == (at("14:00"), is_urgent)


def test_a_missed_check_in_comes_first_and_alerts_of_the_installation_last(
    session: Session, day: list[Visit]
) -> None:
    first, _ = day
    work_on(session, first, now=at("08:10"))
    raise_alert(session, f"lone_work:{first.id}", "has not checked in", now=at("09:00"))
    raise_alert(session, "task.dead:plan.solve", "gave up", now=at("09:00"))
    raise_alert(session, "message.failed", "not delivered", now=at("09:00"))
    raise_alert(session, "clock.arrive:work_order:W", "passed", now=at("09:00"))
    raise_alert(session, "clock.step", "The clock was set", now=at("09:00"))

    assert told(session, "09:01") == [
        ("check_in_missed", "call_crew", first.id),
        ("alert", "requeue_tasks", None),
        ("alert", "see_administrator", None),
    ]


def test_a_crew_that_stands_still_on_its_way_is_called_until_it_moves(
    session: Session, day: list[Visit]
) -> None:
    first, _ = day
    begin(session, first, "accept", "depart", now=at("07:50"))

    def seen(clock: str, *, km_east: float) -> None:
        place = Position(HOME[0], HOME[1] + km_east * KM_EAST, at(clock))
        positions.report(session, crew_id="C1", positions=[place], now=at(clock))

    for clock in ("07:52", "07:57", "08:02", "08:06"):
        seen(clock, km_east=0.3)
    assert told(session, "08:06") == []
    seen("08:09", km_east=0.35)
    (item,) = items(session, "08:10")
    assert (item.kind, item.action, item.visit_id, item.about) == (
        "not_moving", "call_crew", first.id, at("07:52"),
    )  # fmt: skip
    assert told(session, "08:30") == [], "a telephone that is silent tells nothing"
    seen("08:31", km_east=0.9)
    assert told(session, "08:32") == []


def test_a_crew_that_is_there_and_does_not_begin_is_called(
    session: Session, day: list[Visit]
) -> None:
    first, second = day
    begin(session, first, "accept", "depart", "arrive", now=at("08:05"))

    assert told(session, "08:14") == []
    (item,) = items(session, "08:16")
    assert (item.kind, item.action, item.visit_id, item.about) == (
        "not_started", "call_crew", first.id, at("08:05"),
    )  # fmt: skip
    begin(session, first, "start", now=at("08:16"))
    assert told(session, "08:17") == []
    begin(session, first, "finish", now=at("08:20"))
    begin(session, second, "accept", "depart", "arrive", now=at("08:40"))
    assert told(session, "09:05") == [], "it waits for its window to open"
    assert told(session, "09:25") == [("not_started", "call_crew", second.id)]


def test_work_that_will_not_be_done_by_the_end_of_the_shift_is_listed_once_with_its_first_visit(
    session: Session,
) -> None:
    crew_on(session, "C1")
    one, two, three = (job(session, east=1 + k, minutes=160) for k in range(3))
    published(session, orders={ONE: [one.id, two.id, three.id]})
    shift = shifts.get(session, ONE)
    shifts.move(session, shift, "report_on_duty", actor=DISPATCHER, now=at("07:50"))
    work_on(session, one, now=at("08:10"))
    assert items(session, "09:00") == []
    begin(session, one, "finish", now=at("14:25"))

    (item,) = [one for one in items(session, "14:30") if one.kind == "shift_end"]
    assert (item.action, item.visit_id, item.count) == ("move_visit", three.id, 1)
    assert item.since == shift.ends_at + timedelta(seconds=shift.max_overtime_s)
    assert item.about is not None
    assert item.about > item.since
    assert told(session, "17:45") == [("not_set_out", "call_crew", two.id)], "nothing twice"


def test_every_kind_and_action_has_its_words_in_both_languages() -> None:
    folder = Path(__file__).parents[3] / "api/web/src/console/texts"
    for language in ("en", "zh-CN"):
        words = (folder / f"{language}.ts").read_text(encoding="utf-8")
        for kind in get_args(Kind):
            assert f'"watch.{kind}"' in words, (language, kind)
        for action in get_args(Action):
            assert f'"watch.do_{action}"' in words, (language, action)
        for template in KINDS:
            assert f'"message.{template}"' in words, (language, template)
