"""Tracking: what arrivals are expected from."""

from fastapi import APIRouter

from api.deps import Reading, requires
from api.repeats import Route
from api.schemas.forms import PathId
from api.schemas.tracking import SpreadOut
from dispatch.planning import learning

router = APIRouter(route_class=Route, tags=["tracking"])


@router.get("/territories/{territory_id}/spreads", dependencies=[requires("report:read")])
def list_spreads(territory_id: PathId, session: Reading) -> list[SpreadOut]:
    """How actual service and travel times compare with planned ones, as learnt last night from what happened.

    Empty until there is history: the catalogue's 50 % and 90 % points are expected then.
    """
    return [
        SpreadOut.of_applied(one) for one in learning.applied(session, territory_id=territory_id)
    ]
