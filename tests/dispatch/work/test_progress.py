"""A work order's status follows its visits."""

from itertools import combinations_with_replacement

import pytest
from sqlmodel import Session

from dispatch.work import orders, visits
from dispatch.work.progress import NoSuchWorkOrder, status_from, visits_of
from dispatch.work.tables import Visit, VisitStatus, WorkOrderStatus
from tests.builders.registry import DISPATCHER
from tests.builders.work import WAY_TO, assign, first_visit, go, make_order, make_visit
from tests.instants import DAY, NOW


@pytest.mark.parametrize(
    ("of_visits", "order"),
    [
        ("", None),
        ("planned", "ready"),
        ("published", "scheduled"),
        ("dispatched", "scheduled"),
        ("accepted", "scheduled"),
        ("en_route", "in_progress"),
        ("arrived", "in_progress"),
        ("working", "in_progress"),
        ("paused", "in_progress"),
        ("done", "completed"),
        ("cancelled", "cancelled"),
        ("not_done planned", "ready"),
        ("not_done published", "scheduled"),
        ("not_done cancelled", "cancelled"),
        ("not_done done", "completed"),
        ("done planned", "in_progress"),
        ("done published", "in_progress"),
        ("done cancelled", "completed"),
        ("done done", "completed"),
        ("planned published", "scheduled"),
        ("planned working", "in_progress"),
        ("not_done not_done accepted", "scheduled"),
    ],
)
def test_an_order_is_what_its_visits_make_it(of_visits: str, order: str | None) -> None:
    status = status_from([VisitStatus(name) for name in of_visits.split()])

    assert (status.value if status else None) == order


def test_an_order_with_work_left_is_never_over() -> None:
    over = {WorkOrderStatus.COMPLETED, WorkOrderStatus.CANCELLED}
    ended = {VisitStatus.DONE, VisitStatus.NOT_DONE, VisitStatus.CANCELLED}
    for count in (1, 2, 3):
        for statuses in combinations_with_replacement(VisitStatus, count):
            left = any(status not in ended for status in statuses)
            assert (status_from(statuses) in over) == (not left), statuses


def test_an_order_with_two_visits_is_completed_with_the_last(session: Session) -> None:
    order = make_order(session)
    second = Visit(
        id=f"{order.id}-2",
        work_order_id=order.id,
        number=2,
        territory_id="humen",
        earliest_day=DAY,
        duration_s=600,
    )
    session.add(second)
    first = assign(session, first_visit(session, order))

    go(session, first, *WAY_TO[VisitStatus.DONE])
    assert order.status == WorkOrderStatus.IN_PROGRESS
    go(session, second, "cancel")

    assert order.status == WorkOrderStatus.COMPLETED


def test_a_verified_order_no_longer_follows(session: Session) -> None:
    visit = make_visit(session, status="done")
    order = orders.get(session, visit.work_order_id)
    orders.verify(session, order, actor=DISPATCHER, now=NOW)
    orders.close(session, order, actor=DISPATCHER, now=NOW)

    assert order.status == WorkOrderStatus.CLOSED
    assert [row.status for row in visits_of(session, order.id)] == [VisitStatus.DONE]
    assert visits.allowed(visit, role="crew") == []


def test_an_unknown_work_order_is_named(session: Session) -> None:
    with pytest.raises(NoSuchWorkOrder, match="W-404"):
        orders.get(session, "W-404")
