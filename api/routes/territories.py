"""Organisations, territories and depots."""

from fastapi import APIRouter, status

from api.deps import Now, Reading, Who, Writing, requires
from api.repeats import Route
from api.schemas.forms import PathId
from api.schemas.registry import (
    DepotIn,
    DepotOut,
    OrganisationIn,
    OrganisationOut,
    TerritoryIn,
    TerritoryOut,
)
from dispatch.registry import territories

router = APIRouter(route_class=Route, tags=["territories"])


@router.get("/organisations", dependencies=[requires("registry:read")])
def list_organisations(session: Reading) -> list[OrganisationOut]:
    """All organisations, by id."""
    return OrganisationOut.all_of(territories.organisations(session))


@router.post(
    "/organisations",
    status_code=status.HTTP_201_CREATED,
    dependencies=[requires("territory:write")],
)
def create_organisation(
    body: OrganisationIn, session: Writing, caller: Who, moment: Now
) -> OrganisationOut:
    """Add an organisation below its parent."""
    return OrganisationOut.of(
        territories.create_organisation(
            session, **body.model_dump(), actor=caller.actor, now=moment
        )
    )


@router.get("/territories", dependencies=[requires("registry:read")])
def list_territories(session: Reading) -> list[TerritoryOut]:
    """All territories, by id."""
    return TerritoryOut.all_of(territories.listed(session))


@router.post(
    "/territories", status_code=status.HTTP_201_CREATED, dependencies=[requires("territory:write")]
)
def create_territory(body: TerritoryIn, session: Writing, caller: Who, moment: Now) -> TerritoryOut:
    """Add a territory."""
    return TerritoryOut.of(
        territories.create(session, **body.model_dump(), actor=caller.actor, now=moment)
    )


@router.get("/territories/{territory_id}", dependencies=[requires("registry:read")])
def get_territory(territory_id: PathId, session: Reading) -> TerritoryOut:
    """One territory."""
    return TerritoryOut.of(territories.get(session, territory_id))


@router.get("/territories/{territory_id}/depots", dependencies=[requires("registry:read")])
def list_depots(territory_id: PathId, session: Reading) -> list[DepotOut]:
    """The territory's depots, by id."""
    territories.get(session, territory_id)
    return DepotOut.all_of(territories.depots(session, territory_id=territory_id))


@router.post(
    "/territories/{territory_id}/depots",
    status_code=status.HTTP_201_CREATED,
    dependencies=[requires("territory:write")],
)
def create_depot(
    territory_id: PathId, body: DepotIn, session: Writing, caller: Who, moment: Now
) -> DepotOut:
    """Add a depot inside the territory."""
    return DepotOut.of(
        territories.create_depot(
            session,
            territory_id=territory_id,
            **body.model_dump(),
            actor=caller.actor,
            now=moment,
        )
    )
