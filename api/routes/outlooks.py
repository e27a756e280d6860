"""The days ahead: ask for a look, follow it, stop it, read what it found."""

from fastapi import APIRouter, status

from api.deps import Now, Reading, Who, Writing, requires
from api.repeats import Route
from api.schemas.forms import PathId, PathNumber
from api.schemas.outlooks import OutlookIn, OutlookOut
from dispatch.planning import looking
from dispatch.registry import territories

router = APIRouter(route_class=Route, tags=["outlooks"])


@router.post(
    "/territories/{territory_id}/outlooks",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[requires("plan:write")],
)
def ask(
    territory_id: PathId, body: OutlookIn, session: Writing, caller: Who, moment: Now
) -> OutlookOut:
    """Look at the days ahead as one problem; a worker searches. Nothing is published or told to anybody."""
    run = looking.ask(
        session,
        territory_id=territory_id,
        first=body.first,
        days=body.days,
        options=body.options(),
        actor=caller.actor,
        now=moment,
    )
    return OutlookOut.of(run)


@router.get("/territories/{territory_id}/outlooks", dependencies=[requires("plan:read")])
def list_outlooks(territory_id: PathId, session: Reading) -> list[OutlookOut]:
    """The territory's last looks at the days ahead, the newest first."""
    territories.get(session, territory_id)
    return OutlookOut.all_of(looking.RUNS.listed(session, territory_id=territory_id))


@router.get("/outlooks/{outlook_id}", dependencies=[requires("plan:read")])
def get(outlook_id: PathNumber, session: Reading) -> OutlookOut:
    """One look: how far its search is, and what it found once it has ended."""
    return OutlookOut.of(looking.RUNS.get(session, outlook_id))


@router.post("/outlooks/{outlook_id}/stop", dependencies=[requires("plan:write")])
def stop(outlook_id: PathNumber, session: Writing, caller: Who, moment: Now) -> OutlookOut:
    """Ask the search to end early with the best it has."""
    run = looking.RUNS.stop(session, outlook_id, actor=caller.actor, now=moment)
    return OutlookOut.of(run)
