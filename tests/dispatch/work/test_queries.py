"""Reads of work: the pool, the plan's visits, the call list."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from dispatch.core.db import Database, transaction
from dispatch.core.pages import BadCursor
from dispatch.registry.tables import CustomerClass
from dispatch.work import orders, queries
from dispatch.work.tables import HoldReason, Priority, VisitStatus, WorkOrderStatus
from tests.builders.registry import DISPATCHER, make_customer, make_premises
from tests.builders.work import assign, first_visit, go, make_order, make_visit
from tests.instants import DAY, NOW, at

TOMORROW = DAY + timedelta(days=1)


def pool(session: Session, day=DAY) -> list[str]:  # type: ignore[no-untyped-def]
    return [job.visit.id for job in queries.pool(session, territory_id="humen", day=day)]


def test_the_pool_is_what_is_ready_and_whose_day_has_come(session: Session) -> None:
    today = make_visit(session)
    overdue = make_visit(session, earliest_day=DAY - timedelta(days=9))
    make_visit(session, earliest_day=TOMORROW)
    make_visit(session, status="published")
    make_visit(session, status="cancelled")
    make_visit(session, status="done", crew="C2")
    make_order(session, work_type="FU-TEL")

    assert set(pool(session)) == {today.id, overdue.id}


def test_what_is_left_out_returns_the_next_day(session: Session) -> None:
    visit = make_visit(session)

    assert pool(session, TOMORROW) == [visit.id]


def test_what_is_withdrawn_or_declined_is_in_the_pool_again(session: Session) -> None:
    withdrawn = go(session, make_visit(session, status="dispatched"), "withdraw")
    declined = go(session, make_visit(session, status="dispatched"), "decline")

    assert set(pool(session)) == {withdrawn.id, declined.id}


def test_held_orders_wait_elsewhere(session: Session) -> None:
    order = make_order(session)
    orders.hold(session, order, reason=HoldReason.PERMIT, actor=DISPATCHER, now=NOW)
    assert pool(session) == []

    orders.release(session, order, actor=DISPATCHER, now=NOW)
    assert pool(session) == [f"{order.id}-1"]


def test_what_could_not_be_done_is_in_the_next_days_pool(session: Session) -> None:
    visit = make_visit(session, status="not_done")

    assert pool(session) == []
    assert pool(session, TOMORROW) == [f"{visit.work_order_id}-2"]


def test_the_most_urgent_class_comes_first(session: Session) -> None:
    filler = make_visit(session, work_type="FU-VIS")
    outage = make_visit(session, work_type="OUT-LV")
    meter = make_visit(session, work_type="MTR-XCH")

    assert pool(session) == [outage.id, meter.id, filler.id]


def test_a_job_carries_what_planning_needs(session: Session) -> None:
    customer = make_customer(session, customer_class=CustomerClass.A)
    place = make_premises(session, customer=customer)
    make_visit(session, work_type="OUT-LV", premises=place)

    [job] = queries.pool(session, territory_id="humen", day=DAY)

    assert job.work_type.skills == {"LV": 1, "LVL": 1}
    assert (job.premises.id, job.customer_class) == (place.id, CustomerClass.A)
    assert job.priority == Priority.P2


def test_the_pool_is_read_in_one_query_however_long_it_is(database: Database) -> None:
    with transaction(database) as session:
        for _ in range(12):
            make_visit(session)
    statements: list[str] = []

    @sa.event.listens_for(database.engine, "before_cursor_execute")
    def _count(*args: object) -> None:
        statements.append(str(args[2]))

    with database.reading() as session:
        jobs = queries.pool(session, territory_id="humen", day=DAY)
        names = {(job.order.id, job.work_type.code, job.premises.address) for job in jobs}

    assert len(names) == 12
    assert len([text for text in statements if text.startswith("SELECT")]) == 2  # territory, pool


@pytest.mark.parametrize(
    ("work_type", "promised", "due_in_hours", "priority"),
    [
        ("MTR-XCH", False, 120, "P4"),
        ("MTR-XCH", False, 10, "P3"),
        ("MTR-XCH", True, 120, "P3"),
        ("FU-VIS", False, 10, "P5"),
        ("FU-VIS", True, None, "P3"),
        ("OUT-LV", True, 1, "P2"),
        ("EMG-HAZ-LV", False, None, "P0"),
    ],
)
def test_a_promise_or_a_deadline_today_lifts_a_visit_to_p3_and_lowers_none(
    session: Session, work_type: str, promised: bool, due_in_hours: int | None, priority: str
) -> None:
    make_visit(
        session,
        work_type=work_type,
        window=(at("09:00"), at("11:00")) if promised else None,
        due_at=NOW + timedelta(hours=due_in_hours) if due_in_hours else None,
    )

    [job] = queries.pool(session, territory_id="humen", day=DAY)

    assert job.priority == priority


def test_the_plans_visits_are_those_of_the_days_shifts(session: Session) -> None:
    done = make_visit(session, status="done", crew="C1")
    working = make_visit(session, status="working", crew="C2")
    failed = make_visit(session, status="not_done", crew="C3")
    make_visit(session)

    on_plan = queries.on_plan(session, territory_id="humen", day=DAY)

    assert {job.visit.id for job in on_plan} == {done.id, working.id, failed.id}
    assert queries.on_plan(session, territory_id="humen", day=TOMORROW) == []


def test_one_job_is_read_by_its_number(session: Session) -> None:
    visit = make_visit(session)

    found = queries.job(session, visit.id, day=DAY)

    assert found is not None
    assert found.order.id == visit.work_order_id
    assert queries.job(session, "W-404-1", day=DAY) is None


def test_the_call_list_has_what_is_to_be_called_by_the_day(session: Session) -> None:
    late = make_order(session, work_type="FU-TEL", earliest_day=DAY - timedelta(days=2))
    today = make_order(session, work_type="FU-TEL")
    make_order(session, work_type="FU-TEL", earliest_day=TOMORROW)
    done = make_order(session, work_type="FU-TEL")
    orders.complete_call(session, done, outcome="reached", actor=DISPATCHER, now=NOW)
    make_visit(session)

    calls = queries.call_list(session, territory_id="humen", day=DAY)

    assert [call.order.id for call in calls] == [late.id, today.id]
    assert calls[0].customer.name == "陈小明"


def test_orders_come_in_pages(session: Session) -> None:
    made = [make_order(session).id for _ in range(5)]

    first = queries.orders(session, territory_id="humen", limit=3)
    rest = queries.orders(session, territory_id="humen", limit=3, cursor=first.next)

    assert [order.id for order in [*first.items, *rest.items]] == made
    assert rest.next is None
    with pytest.raises(BadCursor):
        queries.orders(session, cursor="%%%")


def test_lists_are_narrowed(session: Session) -> None:
    visit = assign(session, make_visit(session), crew="C1")
    go(session, visit, "publish")
    other = make_order(session, request_id="R-1")

    assert [row.id for row in queries.visits(session, crew_id="C1").items] == [visit.id]
    assert [row.id for row in queries.visits(session, status=VisitStatus.PLANNED).items] == [
        first_visit(session, other).id
    ]
    assert [row.id for row in queries.orders(session, request_id="R-1").items] == [other.id]
    assert [row.id for row in queries.orders(session, status=WorkOrderStatus.SCHEDULED).items] == [
        visit.work_order_id
    ]
