"""Work orders, and the calls to be made."""

from typing import Annotated

from fastapi import APIRouter, Query, status
from sqlmodel import Session

from api.deps import (
    Caller,
    IfMatch,
    Now,
    Pages,
    Reading,
    Who,
    Writing,
    requires,
)
from api.repeats import Route
from api.schemas.forms import PageOf, PathDay, PathId, page_of
from api.schemas.work import (
    CallOut,
    OrderDetail,
    OrderIn,
    OrderMove,
    OrderOut,
    VisitOut,
    WorkTypeOut,
)
from dispatch.core.errors import InvalidError
from dispatch.work import orders, queries
from dispatch.work.tables import HoldReason, WorkOrder, WorkOrderStatus

router = APIRouter(route_class=Route, tags=["work orders"])


class DayMissing(InvalidError):
    """The call is to be made again, but it is not said when."""

    code = "day_missing"


class UnknownHoldReason(InvalidError):
    """The reason is none of those for which work waits."""

    code = "unknown_hold_reason"


@router.get("/work-orders", dependencies=[requires("order:read")])
def list_orders(
    session: Reading,
    paging: Pages,
    territory_id: Annotated[str | None, Query(max_length=32)] = None,
    status: WorkOrderStatus | None = None,
    customer_id: Annotated[str | None, Query(max_length=32)] = None,
    request_id: Annotated[str | None, Query(max_length=32)] = None,
) -> PageOf[OrderOut]:
    """Work orders by number."""
    found = queries.orders(
        session,
        territory_id=territory_id,
        status=status,
        customer_id=customer_id,
        request_id=request_id,
        cursor=paging.cursor,
        limit=paging.limit,
    )
    return page_of(OrderOut, found)


@router.post(
    "/work-orders", status_code=status.HTTP_201_CREATED, dependencies=[requires("order:write")]
)
def create_order(body: OrderIn, session: Writing, caller: Who, moment: Now) -> OrderDetail:
    """Make a work order with its clocks, its first visit and, with a window, its promise."""
    values = body.model_dump(exclude={"window", "owner"})
    window = (body.window.start_at, body.window.end_at) if body.window else None
    order = orders.create(
        session,
        **values,
        window=window,
        owner=body.owner or caller.account.id,
        actor=caller.actor,
        now=moment,
    )
    return _detail(session, order)


@router.get("/work-orders/{order_id}", dependencies=[requires("order:read")])
def get_order(order_id: PathId, session: Reading) -> OrderDetail:
    """One order with its visits."""
    return _detail(session, orders.get(session, order_id))


@router.post("/work-orders/{order_id}/moves", dependencies=[requires("order:write")])
def move_order(
    order_id: PathId,
    body: OrderMove,
    session: Writing,
    caller: Who,
    moment: Now,
    if_match: IfMatch,
) -> OrderDetail:
    """Hold, release, cancel, verify or close an order, or say what came of a call."""
    order = orders.get(session, order_id)
    order.expect(if_match.of(body.version))
    _move(session, order, body, caller, moment)
    session.flush()
    return _detail(session, order)


@router.get("/territories/{territory_id}/days/{day}/calls", dependencies=[requires("order:call")])
def list_calls(territory_id: PathId, day: PathDay, session: Reading) -> list[CallOut]:
    """The calls to be made by `day`, the oldest first."""
    return [
        CallOut(
            order=OrderOut.of(call.order),
            work_type=WorkTypeOut.of(call.work_type),
            customer_name=call.customer.name,
            phone=call.customer.phone,
            address=call.premises.address,
        )
        for call in queries.call_list(session, territory_id=territory_id, day=day)
    ]


def _move(session: Session, order: WorkOrder, body: OrderMove, caller: Caller, moment: Now) -> None:
    actor = caller.actor
    match body.action:
        case "hold":
            orders.hold(session, order, reason=_hold_reason(body.reason), actor=actor, now=moment)
        case "release":
            orders.release(session, order, earliest_day=body.day, actor=actor, now=moment)
        case "cancel":
            orders.cancel(session, order, reason=body.reason, actor=actor, now=moment)
        case "complete_call":
            orders.complete_call(session, order, outcome=body.outcome, actor=actor, now=moment)
        case "call_again":
            if body.day is None:
                raise DayMissing("Say on which day to call again.", field="day")
            orders.call_again(session, order, day=body.day, actor=actor, now=moment)
        case "verify":
            orders.verify(session, order, actor=actor, now=moment)
        case "close":
            orders.close(session, order, actor=actor, now=moment)


def _hold_reason(text: str) -> HoldReason:
    try:
        return HoldReason(text)
    except ValueError as error:
        raise UnknownHoldReason(
            f"Work waits for one of {', '.join(HoldReason)}.", field="reason"
        ) from error


def _detail(session: Session, order: WorkOrder) -> OrderDetail:
    visits = queries.history(session, order.id)
    return OrderDetail(**OrderOut.of(order).model_dump(), visits=VisitOut.all_of(visits))
