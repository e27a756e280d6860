"""A small day from the plan to the report, every part by the product's own operations."""

from collections import Counter

from sqlmodel import Session, col, select

from dispatch.contact.tables import Message
from dispatch.field.closing import close_day
from dispatch.field.day import crew_day
from dispatch.insight.report import day_report
from dispatch.planning import plans
from dispatch.planning.tables import PlanStatus
from dispatch.registry import shifts
from dispatch.work import visits
from tests.builders import planning
from tests.builders.contact import work_off
from tests.builders.field import act
from tests.builders.registry import DISPATCHER
from tests.instants import DAY, NOW, at, minutes


def test_a_day_is_planned_told_worked_closed_and_reported(session: Session) -> None:
    planning.crew_on(session, "C1")
    planning.crew_on(session, "C2")
    promised = planning.job(session, east=1, window=(at("09:00"), at("11:00")))
    free = [planning.job(session, east=2 + n, minutes=40) for n in range(3)]
    unskilled = planning.job(session, work_type="OUT-MV", east=3)
    orders = {"C1-20260310": [promised.id, free[0].id], "C2-20260310": [free[1].id, free[2].id]}

    assert work_off(session, now=NOW) == [], "nothing is told before the plan is published"
    plan = planning.published(session, orders=orders)
    told = work_off(session, now=at("08:00"))
    assert Counter(one.subject.split("：")[1] for one in told) == {
        "2026年3月10日星期二上门服务安排": 4
    }

    clock = at("09:00")
    for stop in crew_day(session, crew_id="C1", day=DAY, now=clock).stops:
        for action in ("accept", "en_route", "arrived", "start", "done"):
            visit = act(session, visits.get(session, stop.visit_id), action, now=clock)
            work_off(session, now=clock)
            clock += minutes(8)
        assert visit.finished_at is not None
    assert plan.status is PlanStatus.ACTIVE

    # C2 falls ill: the rest is planned anew, with nobody to go.
    shifts.mark_absent(
        session, shift_id="C2-20260310", reason="ill", actor=DISPATCHER, now=at("13:00")
    )
    planning.published(session, now=at("13:05"), orders={"C1-20260310": [free[1].id]})
    told = work_off(session, now=at("13:06"))
    texts = {one.message_id: one.subject for one in told}
    put_off = {
        row.subject_id for row in session.exec(select(Message).where(Message.template == "put_off"))
    }
    assert put_off == {free[2].id}, "told a time in the morning, and nobody comes"
    again = [row for row in changed(session, free[1].id) if row.id in texts]
    assert len(again) == 1, "another time than the one told"
    assert "时间有调整" in again[0].body

    closing = close_day(session, territory_id="humen", day=DAY, actor=DISPATCHER, now=at("19:00"))
    work_off(session, now=at("19:00"))
    report = day_report(session, territory_id="humen", day=DAY, now=at("19:05"))

    assert set(closing.done) == {promised.id, free[0].id}
    assert [one.visit_id for one in closing.returned] == [free[1].id]
    assert set(closing.left_out) == {free[2].id, unskilled.id}
    assert report.visits.planned == 4
    assert (report.visits.done, report.visits.returned) == (2, 2)
    assert unskilled.id in {one.visit_id for one in report.visits.left_out}
    assert report.promises.kept == 1
    assert report.driving.drives == 2
    assert report.driving.planned_per_visit
    assert report.naive is not None
    assert report.messages["on_the_way"] == {"sent": 2}
    assert report.messages["done"] == {"sent": 2}
    assert report.messages["put_off"] == {"sent": 2}
    assert plans.in_force(session, territory_id="humen", day=DAY) is None


def changed(session: Session, visit_id: str) -> list[Message]:
    statement = select(Message).where(Message.subject_id == visit_id, Message.template == "changed")
    return list(session.exec(statement.order_by(col(Message.id))))
