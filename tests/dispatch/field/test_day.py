"""A crew's day."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from dispatch.field.day import crew_day
from dispatch.field.door import check_number
from dispatch.registry.crews import NoSuchCrew
from dispatch.registry.tables import SiteClass
from dispatch.work.tables import VisitStatus
from tests.builders.registry import make_crew, make_customer, make_premises
from tests.builders.work import make_visit
from tests.instants import DAY, NOW, at

KEY = b"k" * 32


def test_a_day_shows_the_visits_in_the_order_of_the_plan(session: Session) -> None:
    late = make_visit(session, status="published", start_at=at("14:00"))
    early = make_visit(session, status="published", start_at=at("09:00"))
    make_visit(session, status="published", crew="C2", start_at=at("08:00"))

    day = crew_day(session, crew_id="C1", day=DAY, now=NOW, key=KEY)

    assert [stop.visit_id for stop in day.stops] == [early.id, late.id]
    assert day.next_visit_id == early.id
    assert day.zone == "Asia/Shanghai"
    assert len(day.shifts) == 1
    assert day.shifts[0].members == ("C1员工1", "C1员工2")


def test_a_stop_shows_all_that_the_crew_needs_at_the_door(session: Session) -> None:
    customer = make_customer(session, phone="+86 769 5550 0100")
    premises = make_premises(session, customer=customer, site_class=SiteClass.ESSENTIAL)
    premises.access_notes = "Ring at the gatehouse"
    visit = make_visit(session, status="accepted", premises=premises, description="Meter dead")

    (stop,) = crew_day(session, crew_id="C1", day=DAY, now=NOW, key=KEY).stops

    assert stop.access_notes == "Ring at the gatehouse"
    assert stop.address == premises.address
    assert stop.phone == "+86 769 5550 0100"
    assert stop.description == "Meter dead"
    assert [need.code for need in stop.needs] == ["tell_first"]
    assert stop.parts["meter_1ph"] == 1 if "meter_1ph" in stop.parts else stop.parts
    assert stop.checklist
    assert stop.closing_codes
    assert stop.check_number == check_number(KEY, visit.id)
    assert stop.next == "en_route"


def test_needs_never_tell_of_anybodys_health(session: Session) -> None:
    for number, site_class in enumerate((SiteClass.LIFE_SUPPORT, SiteClass.CRITICAL)):
        premises = make_premises(session, site_class=site_class)
        make_visit(session, status="published", premises=premises, start_at=at(f"1{number}:00"))

    first, second = crew_day(session, crew_id="C1", day=DAY, now=NOW).stops

    assert first.needs == second.needs
    assert "life" not in str(first).lower()
    assert "critical" not in str(first).lower()


def test_while_one_visit_holds_the_crew_the_others_can_only_be_accepted(session: Session) -> None:
    busy = make_visit(session, status="working", start_at=at("11:00"))
    accepted = make_visit(session, status="accepted", start_at=at("09:00"))

    day = crew_day(session, crew_id="C1", day=DAY, now=at("11:30"))
    stops = {stop.visit_id: stop for stop in day.stops}

    assert day.next_visit_id == busy.id
    assert stops[busy.id].allowed == ("pause", "done", "not_done")
    assert stops[busy.id].next == "done"
    assert stops[accepted.id].allowed == ("decline",)
    assert stops[accepted.id].next is None


def test_finished_visits_stay_in_the_list_without_actions(session: Session) -> None:
    make_visit(session, status="done")

    (stop,) = crew_day(session, crew_id="C1", day=DAY, now=NOW).stops

    assert stop.status is VisitStatus.DONE
    assert stop.allowed == ()
    assert stop.next is None


def test_the_parts_to_take_are_those_of_the_visits_still_to_come(session: Session) -> None:
    make_visit(session, status="done", work_type="OUT-LV")
    make_visit(session, status="published", work_type="OUT-LV")
    make_visit(session, status="published", work_type="OUT-LV")

    day = crew_day(session, crew_id="C1", day=DAY, now=NOW)

    assert day.parts_to_take == {"fuse_lv": 2}


def test_a_visit_that_should_have_begun_says_how_late_it_is(session: Session) -> None:
    make_visit(session, status="accepted", start_at=at("09:00"))

    (stop,) = crew_day(session, crew_id="C1", day=DAY, now=at("09:20")).stops

    assert stop.late_s == 1200


def test_another_day_is_empty(session: Session) -> None:
    make_visit(session, status="published")

    day = crew_day(session, crew_id="C1", day=DAY + timedelta(days=1), now=NOW)

    assert (day.shifts, day.stops, day.next_visit_id) == ((), (), None)


def test_an_unknown_crew_is_refused(session: Session) -> None:
    with pytest.raises(NoSuchCrew):
        crew_day(session, crew_id="nobody", day=DAY, now=NOW)


def test_a_long_day_takes_no_more_statements_than_a_short_one(session: Session) -> None:
    make_crew(session, id="C1")

    def statements() -> int:
        session.flush()
        session.expire_all()
        seen: list[str] = []
        listener = lambda *args: seen.append(args[2])  # noqa: E731
        sa.event.listen(session.get_bind(), "before_cursor_execute", listener)
        crew_day(session, crew_id="C1", day=DAY, now=NOW)
        sa.event.remove(session.get_bind(), "before_cursor_execute", listener)
        return len(seen)

    make_visit(session, status="published")
    short = statements()
    for _ in range(12):
        make_visit(session, status="published")

    assert statements() == short <= 8


def test_the_number_at_the_door_belongs_to_the_visit_and_the_installation() -> None:
    number = check_number(KEY, "W-000001-1")

    assert number == check_number(KEY, "W-000001-1")
    assert len(number) == 4
    assert number.isdigit()
    others = {check_number(KEY, f"W-{n:06d}-1") for n in range(100)}
    assert len(others) > 90
    assert any(
        check_number(b"x" * 32, f"W-{n:06d}-1") != check_number(KEY, f"W-{n:06d}-1")
        for n in range(3)
    )
