"""What a device may tell, and whose time counts."""

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from dispatch.core.db import StaleVersion
from dispatch.core.errors import InvalidError
from dispatch.core.events import Actor
from dispatch.core.tables import Event
from dispatch.field import actions
from dispatch.field.actions import DeviceClockWrong, OutOfOrder
from dispatch.field.operations import BadOperation, Operation
from dispatch.field.tables import CrewAction
from dispatch.work.tables import Visit, VisitStatus
from tests.builders.field import act
from tests.builders.work import make_visit
from tests.instants import at

WAY = ("accept", "en_route", "arrived", "start", "done")


def test_the_devices_time_counts_and_the_servers_is_kept_beside_it(session: Session) -> None:
    visit = make_visit(session, status="en_route")

    act(session, visit, "arrived", device_at=at("09:00"), now=at("11:30"))

    assert visit.arrived_at == at("09:00")
    (row,) = actions.of_visit(session, visit.id)
    assert (row.device_at, row.recorded_at, row.late) == (at("09:00"), at("11:30"), True)
    event = session.exec(select(Event).where(Event.type == "visit.arrived")).one()
    assert (event.happened_at, event.recorded_at) == (at("09:00"), at("11:30"))


def test_an_action_told_at_once_is_not_late(session: Session) -> None:
    visit = make_visit(session, status="en_route")

    act(session, visit, "arrived", device_at=at("09:00"), now=at("09:01"))

    assert not actions.of_visit(session, visit.id)[0].late


def test_a_device_whose_clock_is_far_ahead_is_refused(session: Session) -> None:
    visit = make_visit(session, status="en_route")

    with pytest.raises(DeviceClockWrong):
        act(session, visit, "arrived", device_at=at("09:06"), now=at("09:00"))

    act(session, visit, "arrived", device_at=at("09:04"), now=at("09:00"))
    assert visit.arrived_at == at("09:00"), "a little ahead counts as now"


def test_a_device_that_tells_of_last_month_is_refused(session: Session) -> None:
    visit = make_visit(session, status="en_route")

    with pytest.raises(DeviceClockWrong):
        act(session, visit, "arrived", device_at=at("09:00") - timedelta(days=8))


def test_an_action_from_before_a_recorded_one_is_refused(session: Session) -> None:
    visit = make_visit(session, status="accepted")
    act(session, visit, "en_route", device_at=at("09:30"), now=at("10:00"))

    with pytest.raises(OutOfOrder):
        act(session, visit, "arrived", device_at=at("09:10"), now=at("10:00"))

    act(session, visit, "arrived", device_at=at("09:28"), now=at("10:00"))
    assert visit.arrived_at == at("09:30"), "a clock set back by a little does not turn time round"


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({"op_id": "x" * 65}, "op_id"),
        ({"op_id": "a\nb"}, "op_id"),
        ({"device_at": at("09:00").replace(tzinfo=None)}, "device_at"),
        ({"note": "x" * 501}, "note"),
        ({"reason": "x" * 65}, "reason"),
        ({"data": {"photo": "x" * 9_000}}, "data"),
        ({"data": {"reading": float("nan")}}, "data"),
        ({"data": {"when": at("09:00")}}, "data"),
        ({"lat": 22.8}, "lat"),
        ({"lat": 113.7, "lon": 22.8}, "lat"),
        ({"lat": float("nan"), "lon": 0.0}, "lat"),
        ({"lat": 22.8, "lon": 181.0}, "lon"),
    ],
)
def test_an_operation_that_cannot_be_meant_so_is_refused_by_its_field(
    session: Session, bad: dict[str, Any], field: str
) -> None:
    visit = make_visit(session, status="dispatched")

    with pytest.raises(BadOperation) as refusal:
        act(session, visit, "accept", **bad)

    assert isinstance(refusal.value, InvalidError)
    assert refusal.value.details["field"] == field


def test_the_position_is_kept_with_the_action(session: Session) -> None:
    visit = make_visit(session, status="en_route")

    act(session, visit, "arrived", lat=22.8201, lon=113.6803)

    (row,) = actions.of_visit(session, visit.id)
    assert (row.lat, row.lon) == (22.8201, 113.6803)


def told(
    session: Session, visit: Visit, action: str, *, op_id: str, version: int | None = None
) -> CrewAction:
    asked = Operation(op_id, visit.id, action, at("09:00"), version=version)
    return actions.take(session, asked, crew_id="C1", actor=Actor("K", "crew"), now=at("09:01"))


def test_a_repeated_operation_is_answered_as_the_first_time(session: Session) -> None:
    visit = make_visit(session, status="dispatched", crew="C1")
    first = told(session, visit, "accept", op_id="op-one")
    told(session, visit, "en_route", op_id="op-two")

    again = told(session, visit, "accept", op_id="op-one")

    assert again.id == first.id
    assert (again.to_status, again.to_version) == ("accepted", visit.version - 1)
    assert visit.status is VisitStatus.EN_ROUTE


def test_a_queue_made_on_one_version_is_taken_whole(session: Session) -> None:
    visit = make_visit(session, status="dispatched", crew="C1")
    seen = visit.version

    for number, action in enumerate(("accept", "en_route", "arrived")):
        told(session, visit, action, op_id=f"queued-{number}", version=seen)

    assert visit.status is VisitStatus.ARRIVED


def test_an_action_on_what_somebody_else_has_changed_is_refused(session: Session) -> None:
    visit = make_visit(session, status="dispatched", crew="C1")
    seen = visit.version
    told(session, visit, "accept", op_id="op-one", version=seen)
    visit.planned_arrive_at = at("13:00")  # a dispatcher's plan
    session.flush()

    with pytest.raises(StaleVersion) as refused:
        told(session, visit, "en_route", op_id="op-two", version=seen)

    assert refused.value.details == {"seen": seen, "current": seen + 2, "state": "accepted"}
    told(session, visit, "en_route", op_id="op-three", version=visit.version)
    assert visit.status is VisitStatus.EN_ROUTE
