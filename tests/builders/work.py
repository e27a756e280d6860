"""Work for tests, made by the product's own operations."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from dispatch.core.events import SYSTEM, Actor
from dispatch.registry.tables import Crew, Customer, Premises, Shift
from dispatch.work import catalogue, orders, series, visits
from dispatch.work.lifecycle import WAITING
from dispatch.work.progress import visits_of
from dispatch.work.tables import Mode, Series, Visit, VisitStatus, WorkOrder, WorkType
from tests.builders.registry import (
    DISPATCHER,
    make_crew,
    make_customer,
    make_premises,
    make_shift,
)
from tests.instants import DAY, NOW

WAY_TO: dict[VisitStatus, tuple[str, ...]] = {
    VisitStatus.PLANNED: (),
    VisitStatus.PUBLISHED: ("publish",),
    VisitStatus.DISPATCHED: ("publish", "dispatch"),
    VisitStatus.ACCEPTED: ("publish", "dispatch", "accept"),
    VisitStatus.EN_ROUTE: ("publish", "dispatch", "accept", "depart"),
    VisitStatus.ARRIVED: ("publish", "dispatch", "accept", "depart", "arrive"),
    VisitStatus.WORKING: ("publish", "dispatch", "accept", "depart", "arrive", "start"),
    VisitStatus.PAUSED: ("publish", "dispatch", "accept", "depart", "arrive", "start", "pause"),
    VisitStatus.DONE: ("publish", "dispatch", "accept", "depart", "arrive", "start", "finish"),
    VisitStatus.NOT_DONE: ("publish", "dispatch", "accept", "depart", "arrive", "fail"),
    VisitStatus.CANCELLED: ("cancel",),
}
"""The actions that lead from `planned` to each state."""


def make_catalogue(session: Session) -> None:
    """The shipped work types and priority classes, unless they are there."""
    if session.get(WorkType, "MTR-XCH") is None or session.get(WorkType, "FU-VIS") is None:
        catalogue.seed(session)


def make_order(
    session: Session,
    *,
    work_type: str = "MTR-XCH",
    premises: Premises | None = None,
    owner: str = "metering",
    actor: Actor = DISPATCHER,
    now: datetime = NOW,
    **values: Any,
) -> WorkOrder:
    """A work order at `premises`, or at new ones in the territory humen; `values` go to `orders.create`."""
    make_catalogue(session)
    place = premises or make_premises(session)
    return orders.create(
        session,
        territory_id=place.territory_id,
        work_type=work_type,
        customer_id=place.customer_id,
        premises_id=place.id,
        owner=owner,
        actor=actor,
        now=now,
        **values,
    )


def first_visit(session: Session, order: WorkOrder) -> Visit:
    """The order's first visit."""
    return visits_of(session, order.id)[0]


def make_visit(
    session: Session,
    *,
    status: VisitStatus | str = VisitStatus.PLANNED,
    crew: str = "C1",
    start_at: datetime = NOW + timedelta(hours=2),
    now: datetime = NOW,
    **values: Any,
) -> Visit:
    """A visit in `status`; beyond `planned` it is assigned to `crew` from `start_at` on, as `assign` does it.

    `values` go to `make_order`.
    """
    visit = first_visit(session, make_order(session, now=now, **values))
    way = WAY_TO[VisitStatus(status)]
    if "publish" in way:
        assign(session, visit, crew=crew, start_at=start_at, now=now)
    go(session, visit, *way, now=now)
    return visit


def assign(
    session: Session,
    visit: Visit,
    *,
    crew: str = "C1",
    start_at: datetime = NOW + timedelta(hours=2),
    now: datetime = NOW,
) -> Visit:
    """Give the visit to `crew`, made on demand with its shift of DAY.

    It begins at `start_at`, or when the crew's waiting visits leave it the time.
    """
    shift = shift_of(session, crew)
    length = timedelta(seconds=visit.duration_s + visit.setup_s)
    waiting = select(Visit.planned_start_at, Visit.planned_end_at).where(
        Visit.crew_id == crew, Visit.id != visit.id, col(Visit.status).in_(WAITING)
    )
    for begins, ends in session.exec(waiting.order_by(col(Visit.planned_start_at))):
        if begins is not None and ends is not None and begins < start_at + length:
            start_at = max(start_at, ends)
    return visits.assign(
        session,
        visit,
        crew_id=crew,
        shift_id=shift.id,
        arrive_at=start_at,
        start_at=start_at,
        end_at=start_at + length,
        travel_s=600,
        actor=SYSTEM,
        now=now,
    )


def shift_of(session: Session, crew_id: str) -> Shift:
    """The crew's shift of DAY, both made on demand."""
    crew = session.get(Crew, crew_id) or make_crew(session, id=crew_id)
    known = session.get(Shift, f"{crew_id}-{DAY:%Y%m%d}")
    return known or make_shift(session, crew=crew)


def go(
    session: Session,
    visit: Visit,
    *actions: str,
    actor: Actor = DISPATCHER,
    now: datetime = NOW,
    reason: str = "no_access",
) -> Visit:
    """Do the actions one after the other."""
    for action in actions:
        needs = "other" if action == "decline" else reason if action == "fail" else ""
        visits.act(session, visit, action, actor=actor, now=now, reason=needs)
    return visit


def crew_actor(visit: Visit) -> Actor:
    """The crew that the visit is assigned to, acting."""
    assert visit.crew_id is not None
    return Actor(visit.crew_id, "crew")


def make_series(
    session: Session,
    *,
    premises: Premises | None = None,
    customer: Customer | None = None,
    mode: Mode = Mode.VISIT,
    now: datetime = NOW,
    **values: Any,
) -> Series:
    """A series for `premises`, or for new ones; `values` go to `series.create`."""
    make_catalogue(session)
    place = premises or make_premises(session, customer=customer or make_customer(session))
    return series.create(
        session,
        territory_id=place.territory_id,
        customer_id=place.customer_id,
        premises_id=place.id,
        mode=mode,
        actor=DISPATCHER,
        now=now,
        **values,
    )


def statuses(rows: Sequence[Visit]) -> list[str]:
    """The states of visits, in their order."""
    return [row.status.value for row in rows]
