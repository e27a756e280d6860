"""What changes, as it changes: server-sent events, to be followed from the last one seen."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, status

from api import permissions
from api.deps import Caller, OwnCrew, Reading, TheState, Who, requires
from api.feed import Listener
from api.repeats import Route
from api.schemas.forms import PathDay, PathId
from api.schemas.watch import FeedEvent
from api.state import State
from api.streams import EventStream
from dispatch.insight.changes import Change
from dispatch.registry import accounts, crews, territories

router = APIRouter(route_class=Route, tags=["feed"])

FOR_EVERY_CREW = frozenset({"plan.published", "day.closed"})
BOARD, CREW_DAY = "board:read", "crew_day:read"
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "`ready` at once; then each change as a message, its number the `id`; a comment every 15 s; "
        "`reset` when too much was missed (load everything anew); `end` with a `code` when you may not listen any "
        "more. The line ends when you fall behind or the server stops: come back with `Last-Event-ID`.",
        "model": FeedEvent,
    }
}
After = Annotated[int | None, Query(ge=0, le=2**53, description="tell what came after this number")]
LastId = Annotated[str | None, Header(alias="Last-Event-ID", max_length=20)]


@router.get(
    "/territories/{territory_id}/days/{day}/feed",
    dependencies=[requires(BOARD)],
    status_code=status.HTTP_200_OK,
    response_class=EventStream,
    responses=_STREAM,
)
def follow_day(
    territory_id: PathId,
    day: PathDay,
    session: Reading,
    caller: Who,
    state: TheState,
    after: After = None,
    last_event_id: LastId = None,
) -> EventStream:
    """Follow what happens in the territory, as far as it may touch the day."""
    territories.get(session, territory_id)

    def concerns(change: Change) -> bool:
        return change.territory_id == territory_id and change.day in (None, day)

    return _stream(state, caller, BOARD, concerns, after=after, last=last_event_id)


@router.get(
    "/crews/{crew_id}/feed",
    dependencies=[requires(CREW_DAY)],
    status_code=status.HTTP_200_OK,
    response_class=EventStream,
    responses=_STREAM,
)
def follow_crew(
    crew_id: OwnCrew,
    session: Reading,
    caller: Who,
    state: TheState,
    after: After = None,
    last_event_id: LastId = None,
) -> EventStream:
    """Follow what happens to the crew's visits and shifts, and when plans are published and days closed."""
    territory_id = crews.get(session, crew_id).territory_id

    def concerns(change: Change) -> bool:
        everybody = change.territory_id == territory_id and change.kind in FOR_EVERY_CREW
        return everybody or crew_id in change.crews

    return _stream(state, caller, CREW_DAY, concerns, after=after, last=last_event_id)


def _stream(
    state: State,
    caller: Caller,
    permission: str,
    concerns: Callable[[Change], bool],
    *,
    after: int | None,
    last: str | None,
) -> EventStream:
    if last is not None and last.strip().isdigit():  # what a browser adds when it comes back
        after = int(last)
    listener = Listener(caller.account.id, concerns)

    def refused() -> str | None:
        """Why the caller may not listen any more: signed out, disabled, or of another role or crew now."""
        with state.database.reading() as session:
            account = accounts.who(session, token=caller.token, now=state.clock(), touch=False)
        if account is None:
            return "not_signed_in"
        same = account.crew_id == caller.account.crew_id
        return None if same and permissions.may(account.role, permission) else "not_allowed"

    return EventStream(state.feed, listener, after=after, refused=refused)
