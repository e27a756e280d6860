"""Customers and their premises."""

from typing import Annotated

from fastapi import APIRouter, Query, status

from api.deps import IfMatch, Now, Pages, Reading, Who, Writing, requires
from api.repeats import Route
from api.schemas.forms import PageOf, PathId, page_of
from api.schemas.registry import (
    CustomerChange,
    CustomerIn,
    CustomerOut,
    Position,
    PremisesIn,
    PremisesOut,
)
from dispatch.registry import customers, premises, queries

router = APIRouter(route_class=Route, tags=["customers"])

Search = Annotated[str, Query(max_length=100, description="part of an id, name, number or address")]


@router.get("/customers", dependencies=[requires("registry:read")])
def find_customers(
    session: Reading,
    paging: Pages,
    text: Search = "",
    territory_id: Annotated[str | None, Query(max_length=32)] = None,
) -> PageOf[CustomerOut]:
    """Customers by id, all or those that match."""
    found = queries.find_customers(
        session, text=text, territory_id=territory_id, cursor=paging.cursor, limit=paging.limit
    )
    return page_of(CustomerOut, found)


@router.post(
    "/customers", status_code=status.HTTP_201_CREATED, dependencies=[requires("customer:write")]
)
def create_customer(body: CustomerIn, session: Writing, caller: Who, moment: Now) -> CustomerOut:
    """Add a customer."""
    return CustomerOut.of(
        customers.create(session, **body.model_dump(), actor=caller.actor, now=moment)
    )


@router.get("/customers/{customer_id}", dependencies=[requires("registry:read")])
def get_customer(customer_id: PathId, session: Reading) -> CustomerOut:
    """One customer."""
    return CustomerOut.of(customers.get(session, customer_id))


@router.patch("/customers/{customer_id}", dependencies=[requires("customer:write")])
def change_customer(
    customer_id: PathId,
    body: CustomerChange,
    session: Writing,
    caller: Who,
    moment: Now,
    if_match: IfMatch,
) -> CustomerOut:
    """Change some of a customer's data; what is left out stays."""
    customer = customers.change(
        session,
        customer_id=customer_id,
        values=body.model_dump(exclude_unset=True, exclude={"version"}),
        expect=if_match.of(body.version),
        actor=caller.actor,
        now=moment,
    )
    return CustomerOut.of(customer)


@router.get("/customers/{customer_id}/premises", dependencies=[requires("registry:read")])
def list_premises_of(customer_id: PathId, session: Reading) -> list[PremisesOut]:
    """The customer's premises, by id."""
    customers.get(session, customer_id)
    return PremisesOut.all_of(customers.premises_of(session, customer_id=customer_id))


@router.post(
    "/customers/{customer_id}/premises",
    status_code=status.HTTP_201_CREATED,
    dependencies=[requires("customer:write")],
)
def add_premises(
    customer_id: PathId, body: PremisesIn, session: Writing, caller: Who, moment: Now
) -> PremisesOut:
    """Add premises; without a position they wait to be located."""
    return PremisesOut.of(
        customers.add_premises(
            session,
            customer_id=customer_id,
            **body.model_dump(),
            actor=caller.actor,
            now=moment,
        )
    )


@router.get("/territories/{territory_id}/premises", dependencies=[requires("registry:read")])
def find_premises(
    territory_id: PathId,
    session: Reading,
    paging: Pages,
    without_position: Annotated[bool, Query()] = False,
) -> PageOf[PremisesOut]:
    """The territory's premises by id, or only those that nobody has located."""
    found = queries.find_premises(
        session,
        territory_id=territory_id,
        without_position=without_position,
        cursor=paging.cursor,
        limit=paging.limit,
    )
    return page_of(PremisesOut, found)


@router.get("/premises/{premises_id}", dependencies=[requires("registry:read")])
def get_premises(premises_id: PathId, session: Reading) -> PremisesOut:
    """One premises."""
    return PremisesOut.of(premises.get(session, premises_id))


@router.put("/premises/{premises_id}/position", dependencies=[requires("customer:write")])
def locate(
    premises_id: PathId,
    body: Position,
    session: Writing,
    caller: Who,
    moment: Now,
    if_match: IfMatch,
) -> PremisesOut:
    """Say where the premises are; swapped or foreign coordinates are refused."""
    premises.get(session, premises_id).expect(if_match.of(body.version))
    found = premises.locate(
        session,
        premises_id=premises_id,
        **body.in_wgs84(),
        actor=caller.actor,
        now=moment,
    )
    return PremisesOut.of(found)
