"""Work orders: what they begin with, and how people move them."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import Session

from dispatch.core.events import Actor
from dispatch.core.lifecycle import IllegalMove, MoveNotYours
from dispatch.registry.tables import AreaClass, SiteClass
from dispatch.sla import clocks
from dispatch.sla.tables import Clock, ClockStatus
from dispatch.work import catalogue, orders, promises
from dispatch.work.beginnings import PremisesUnknown
from dispatch.work.progress import visits_of
from dispatch.work.tables import HoldReason, Priority, VisitStatus, WorkOrder, WorkOrderStatus
from tests.builders.registry import ADMIN, DISPATCHER, make_customer, make_premises, make_territory
from tests.builders.work import first_visit, go, make_catalogue, make_order, make_visit, statuses
from tests.instants import DAY, NOW, at, minutes


def clock_of(session: Session, order: WorkOrder) -> Clock:
    [clock] = clocks.of_subject(session, subject="work_order", subject_id=order.id)
    return clock


def test_an_order_is_made_with_its_first_visit(session: Session) -> None:
    order = make_order(session, work_type="MTR-XCH", preferred_crews=["C1"])

    [visit] = visits_of(session, order.id)
    assert (order.id, order.status, order.owner) == ("W-000001", "ready", "metering")
    assert (visit.id, visit.status) == ("W-000001-1", VisitStatus.PLANNED)
    assert visit.duration_s == 25 * 60 + 20 * 60 // 4  # p50 25, p90 45 minutes
    assert visit.setup_s == 5 * 60
    assert visit.preferred_crews == ["C1"]
    assert visit.earliest_day == order.earliest_day == DAY


@pytest.mark.parametrize(
    ("site_class", "priority"),
    [
        (SiteClass.ORDINARY, "P2"),
        (SiteClass.ESSENTIAL, "P1"),
        (SiteClass.CRITICAL, "P1"),
        (SiteClass.LIFE_SUPPORT, "P1"),
    ],
)
@pytest.mark.parametrize("work_type", ["OUT-LV", "OUT-MV", "OUT-CBL", "FUSE"])
def test_lost_supply_at_a_site_that_matters_comes_first(
    session: Session, work_type: str, site_class: SiteClass, priority: str
) -> None:
    place = make_premises(session, site_class=site_class)

    assert make_order(session, work_type=work_type, premises=place).priority == priority


def test_a_site_that_matters_lifts_nothing_else(session: Session) -> None:
    place = make_premises(session, site_class=SiteClass.LIFE_SUPPORT)

    assert make_order(session, work_type="MTR-XCH", premises=place).priority == "P4"


def test_a_given_priority_wins(session: Session) -> None:
    assert make_order(session, work_type="OUT-LV", priority=Priority.P0).priority == Priority.P0


@pytest.mark.parametrize(
    ("area", "limit"), [(AreaClass.URBAN, 45), (AreaClass.RURAL, 90), (AreaClass.REMOTE, 120)]
)
def test_an_outage_is_due_by_the_area_it_lies_in(
    session: Session, area: AreaClass, limit: int
) -> None:
    order = make_order(
        session, work_type="OUT-LV", premises=make_premises(session, area_class=area)
    )

    assert order.due_at == first_visit(session, order).due_at == NOW + minutes(limit)
    assert clock_of(session, order).policy == f"cn-csg-2017/arrive.{area.value}"


@pytest.mark.parametrize(
    ("work_type", "hours"), [("MTR-XCH", 120), ("CLM-APP", 24), ("REC", 12), ("LV-INV1", 168)]
)
def test_a_visit_is_due_within_the_limit_of_its_type(
    session: Session, work_type: str, hours: int
) -> None:
    assert make_order(session, work_type=work_type).due_at == NOW + timedelta(hours=hours)


def test_a_clock_given_in_the_work_type_itself_is_used(session: Session) -> None:
    make_catalogue(session)
    catalogue.edit(
        session, "STL", changes={"clocks": {"visit_within": "36 h"}}, actor=ADMIN, now=NOW
    )

    order = make_order(session, work_type="STL")

    assert order.due_at == NOW + timedelta(hours=36)
    assert clock_of(session, order).policy == "given/STL"


def test_work_without_a_limit_has_no_due_time(session: Session) -> None:
    order = make_order(session, work_type="FU-VIS")

    assert order.due_at is None
    assert clocks.of_subject(session, subject="work_order", subject_id=order.id) == []


def test_clocks_run_from_when_it_was_reported(session: Session) -> None:
    order = make_order(session, work_type="OUT-LV", reported_at=NOW - minutes(30))

    assert order.due_at == NOW + minutes(15)


def test_a_limit_that_has_passed_at_the_start_is_accepted_and_broken_on_arrival(
    session: Session,
) -> None:
    visit = make_visit(
        session, status="en_route", work_type="OUT-LV", reported_at=NOW - timedelta(days=1)
    )
    assert visit.due_at is not None
    assert visit.due_at < NOW

    go(session, visit, "arrive")

    assert clock_of(session, orders.get(session, visit.work_order_id)).status == ClockStatus.BROKEN


@pytest.mark.parametrize("due_at", [NOW, NOW - minutes(1)])
def test_a_due_time_given_in_the_past_is_refused_and_named(
    session: Session, due_at: datetime
) -> None:
    with pytest.raises(orders.DueInPast) as refused:
        make_order(session, due_at=due_at)

    assert refused.value.details["field"] == "due_at"


def test_a_given_due_time_wins_over_the_clocks(session: Session) -> None:
    order = make_order(session, work_type="OUT-LV", due_at=at("18:00"))

    assert order.due_at == at("18:00")
    assert clock_of(session, order).due_at == NOW + minutes(45)


def test_a_window_is_promised_at_once(session: Session) -> None:
    order = make_order(session, window=(at("09:00"), at("11:00")))

    visit = first_visit(session, order)
    assert visit.window_start_at == at("09:00")
    assert promises.standing(session, visit.id) is not None


def test_a_window_in_the_past_is_refused(session: Session) -> None:
    with pytest.raises(promises.WindowInPast):
        make_order(session, window=(at("05:00"), at("06:00")))


@pytest.mark.parametrize("owner", ["", "  "])
def test_nothing_is_without_an_owner(session: Session, owner: str) -> None:
    with pytest.raises(orders.OwnerMissing) as refused:
        make_order(session, owner=owner)

    assert refused.value.details["field"] == "owner"


def test_premises_must_be_the_customers_and_of_the_territory(session: Session) -> None:
    make_catalogue(session)
    place = make_premises(session)
    stranger = make_customer(session)
    make_territory(session, id="changan")

    for territory_id, customer_id, premises_id, field in (
        ("humen", stranger.id, place.id, "premises_id"),
        ("humen", place.customer_id, "P-404", "premises_id"),
        ("changan", place.customer_id, place.id, "territory_id"),
    ):
        with pytest.raises(PremisesUnknown) as refused:
            orders.create(
                session,
                territory_id=territory_id,
                work_type="STL",
                customer_id=customer_id,
                premises_id=premises_id,
                owner="fault",
                actor=DISPATCHER,
                now=NOW,
            )
        assert refused.value.details["field"] == field


def test_an_unknown_or_retired_work_type_is_refused(session: Session) -> None:
    with pytest.raises(catalogue.NoSuchWorkType):
        make_order(session, work_type="MTR-MOON")
    with pytest.raises(orders.WorkTypeInactive):
        make_order(session, work_type="TRAIN")


def test_premises_without_a_position_get_their_work_all_the_same(session: Session) -> None:
    place = make_premises(session, lat=None, lon=None)

    assert make_order(session, premises=place).status == WorkOrderStatus.READY


def test_today_is_the_territorys_own_day(session: Session) -> None:
    evening = datetime(2026, 3, 9, 16, 30, tzinfo=UTC)  # 00:30 on the 10th in Humen

    assert make_order(session, now=evening).earliest_day == DAY


def test_work_by_telephone_has_no_visit_and_ends_with_its_outcome(session: Session) -> None:
    order = make_order(session, work_type="FU-TEL")
    assert visits_of(session, order.id) == []

    with pytest.raises(orders.OutcomeMissing):
        orders.complete_call(session, order, outcome=" ", actor=DISPATCHER, now=NOW)
    orders.complete_call(session, order, outcome="reached", actor=DISPATCHER, now=NOW)

    assert (order.status, order.outcome) == (WorkOrderStatus.COMPLETED, "reached")
    with pytest.raises(IllegalMove):
        orders.complete_call(session, order, outcome="again", actor=DISPATCHER, now=NOW)


def test_a_call_that_nobody_answers_is_made_again(session: Session) -> None:
    order = make_order(session, work_type="FU-TEL")

    orders.call_again(session, order, day=DAY + timedelta(days=1), actor=DISPATCHER, now=NOW)

    assert (order.status, order.earliest_day) == (WorkOrderStatus.READY, DAY + timedelta(days=1))


def test_no_window_is_promised_for_a_telephone_call(session: Session) -> None:
    with pytest.raises(orders.NoWindowByPhone):
        make_order(session, work_type="FU-TEL", window=(at("09:00"), at("11:00")))


def test_a_visit_is_not_completed_by_telephone(session: Session) -> None:
    with pytest.raises(orders.NotByPhone):
        orders.complete_call(
            session, make_order(session), outcome="reached", actor=DISPATCHER, now=NOW
        )


def test_holding_takes_visits_off_the_plan(session: Session) -> None:
    visit = make_visit(session, status="dispatched")
    order = orders.get(session, visit.work_order_id)

    orders.hold(session, order, reason=HoldReason.PERMIT, actor=DISPATCHER, now=NOW)

    assert (order.status, order.hold_reason) == (WorkOrderStatus.ON_HOLD, HoldReason.PERMIT)
    assert (visit.status, visit.crew_id) == (VisitStatus.PLANNED, None)


def test_a_hold_that_is_refused_leaves_the_visits_alone(session: Session) -> None:
    visit = make_visit(session, status="en_route")
    order = orders.get(session, visit.work_order_id)

    with pytest.raises(IllegalMove) as refused:
        orders.hold(session, order, reason=HoldReason.PERMIT, actor=DISPATCHER, now=NOW)

    assert refused.value.details["state"] == "in_progress"
    assert visit.status == VisitStatus.EN_ROUTE


def test_a_released_order_is_ready_from_the_day_given(session: Session) -> None:
    order = make_order(session)
    orders.hold(session, order, reason=HoldReason.WEATHER, actor=DISPATCHER, now=NOW)

    orders.release(session, order, actor=DISPATCHER, now=NOW, earliest_day=DAY + timedelta(days=2))

    assert order.status == WorkOrderStatus.READY
    assert first_visit(session, order).earliest_day == DAY + timedelta(days=2)


def test_calling_an_order_off_ends_its_visits_promises_and_clocks(session: Session) -> None:
    visit = make_visit(session, status="published", window=(at("09:00"), at("11:00")))
    order = orders.get(session, visit.work_order_id)

    orders.cancel(session, order, actor=DISPATCHER, now=NOW, reason="customer moved away")

    assert order.status == WorkOrderStatus.CANCELLED
    assert statuses([visit]) == ["cancelled"]
    assert promises.standing(session, visit.id) is None
    assert clock_of(session, order).status == ClockStatus.CANCELLED


def test_work_under_way_is_not_called_off(session: Session) -> None:
    visit = make_visit(session, status="working")

    with pytest.raises(IllegalMove):
        orders.cancel(session, orders.get(session, visit.work_order_id), actor=DISPATCHER, now=NOW)


def test_a_crew_does_not_verify_its_own_work(session: Session) -> None:
    visit = make_visit(session, status="done")

    with pytest.raises(MoveNotYours):
        orders.verify(
            session,
            orders.get(session, visit.work_order_id),
            actor=Actor("C1", "crew"),
            now=NOW,
        )


def test_completing_stops_every_clock_that_still_runs(session: Session) -> None:
    visit = make_visit(session, status="done", work_type="MTR-XCH")

    assert clock_of(session, orders.get(session, visit.work_order_id)).status == ClockStatus.KEPT


def test_a_held_order_whose_last_visit_is_cancelled_is_called_off(session: Session) -> None:
    visit = make_visit(session, status="not_done")
    order = orders.get(session, visit.work_order_id)
    orders.hold(session, order, reason=HoldReason.CUSTOMER, actor=DISPATCHER, now=NOW)

    go(session, visits_of(session, order.id)[-1], "cancel")

    assert (order.status, order.hold_reason) == (WorkOrderStatus.CANCELLED, None)
