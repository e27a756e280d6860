"""Where premises are: what nobody has located yet, and a geocoder's runs over their addresses."""

from typing import Annotated

from fastapi import APIRouter, Query, status

from api.deps import Now, Reading, TheSettings, Who, Writing, requires
from api.repeats import Route
from api.schemas.forms import PathId, PathNumber
from api.schemas.places import GeocodingOut, UnlocatedOut, UnplacedOut
from dispatch.geo import geocoding
from dispatch.planning.unplaced import unplaced
from dispatch.registry import territories

router = APIRouter(route_class=Route, tags=["places"])


@router.get("/territories/{territory_id}/unplaced", dependencies=[requires("registry:read")])
def list_unplaced(
    territory_id: PathId,
    session: Reading,
    settings: TheSettings,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> UnlocatedOut:
    """Premises without a position, those that visits wait for first, with what the geocoder says of each.

    `next` is the cursor of the page after this one, null on the last one.
    """
    territories.get(session, territory_id)
    found = unplaced(
        session,
        territory_id=territory_id,
        provider=settings.geocoder,
        good_enough_m=settings.geocoder_accuracy_m,
        limit=limit,
        cursor=cursor,
    )
    return UnlocatedOut(
        total=found.total,
        visits=found.visits,
        geocoder=settings.geocoder,
        rows=UnplacedOut.all_of(found.rows),
        next=found.next,
    )


@router.post(
    "/territories/{territory_id}/geocodings",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[requires("customer:write")],
)
def ask(
    territory_id: PathId, session: Writing, caller: Who, moment: Now, settings: TheSettings
) -> GeocodingOut:
    """Look up the addresses of all premises without a position; a worker asks the configured geocoder."""
    run = geocoding.ask(
        session,
        territory_id=territory_id,
        provider=settings.geocoder,
        actor=caller.actor,
        now=moment,
    )
    return GeocodingOut.of(run)


@router.get("/territories/{territory_id}/geocodings", dependencies=[requires("registry:read")])
def list_geocodings(territory_id: PathId, session: Reading) -> list[GeocodingOut]:
    """The territory's last runs, the newest first."""
    territories.get(session, territory_id)
    return GeocodingOut.all_of(geocoding.RUNS.listed(session, territory_id=territory_id))


@router.get("/geocodings/{geocoding_id}", dependencies=[requires("registry:read")])
def get(geocoding_id: PathNumber, session: Reading) -> GeocodingOut:
    """One run: how far it is."""
    return GeocodingOut.of(geocoding.RUNS.get(session, geocoding_id))


@router.post("/geocodings/{geocoding_id}/stop", dependencies=[requires("customer:write")])
def stop(geocoding_id: PathNumber, session: Writing, caller: Who, moment: Now) -> GeocodingOut:
    """Ask the run to end; what it has found stays."""
    run = geocoding.RUNS.stop(session, geocoding_id, actor=caller.actor, now=moment)
    return GeocodingOut.of(run)
