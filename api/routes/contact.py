"""Messages to customers, and the visit that a customer's signed link opens."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query

from api.customer_view import open_link, seen
from api.deps import Now, Pages, Reading, TheSettings, Who, Writing, public, requires
from api.pagination import read_cursor, write_cursor
from api.repeats import Route
from api.schemas.contact import CustomerVisitOut
from api.schemas.forms import PageOf, PathId, PathNumber
from api.schemas.watch import MessageOut
from dispatch.contact import messages, queries, unreached
from dispatch.contact.tables import MessageStatus
from dispatch.registry import territories
from dispatch.work import visits

router = APIRouter(route_class=Route, tags=["contact"])

Token = Annotated[str, Path(min_length=8, max_length=100)]


@router.get("/territories/{territory_id}/messages", dependencies=[requires("message:read")])
def list_messages(
    territory_id: PathId,
    session: Reading,
    paging: Pages,
    status: Annotated[list[MessageStatus] | None, Query(max_length=10)] = None,
    template: Annotated[str | None, Query(max_length=32)] = None,
) -> PageOf[MessageOut]:
    """The territory's messages, the newest first."""
    territories.get(session, territory_id)
    found = queries.list_messages(
        session,
        territory_id=territory_id,
        statuses=status or (),
        template=template,
        before=read_cursor(paging.cursor),
        limit=paging.limit,
    )
    return PageOf(items=MessageOut.all_of(found.items), next=write_cursor(found.before))


@router.get("/visits/{visit_id}/messages", dependencies=[requires("message:read")])
def list_messages_of(visit_id: PathId, session: Reading) -> list[MessageOut]:
    """Every message about a visit, the oldest first."""
    visits.get(session, visit_id)
    return MessageOut.all_of(queries.of_visit(session, visit_id=visit_id))


@router.post("/messages/{message_id}/resend", dependencies=[requires("visit:write")])
def resend(message_id: PathNumber, session: Writing, caller: Who, moment: Now) -> MessageOut:
    """Send a message again that failed, bounced, or whose fate is unknown; a stale one is still dropped."""
    return MessageOut.of(
        messages.resend(session, message_id=message_id, actor=caller.actor, now=moment)
    )


@router.post("/messages/{message_id}/seen-to", dependencies=[requires("order:call")])
def see_to(message_id: PathNumber, session: Writing, caller: Who, moment: Now) -> MessageOut:
    """Note that the customer was told in another way, or need not be: the message needs nobody any more."""
    return MessageOut.of(
        unreached.see_to(session, message_id=message_id, actor=caller.actor, now=moment)
    )


@router.get(
    "/customer-visits/{token}",
    dependencies=[public("the signed link is the proof; it shows one visit and changes nothing")],
)
def customer_visit(
    token: Token,
    session: Reading,
    settings: TheSettings,
    moment: Now,
    language: Annotated[Literal["zh-CN", "en"] | None, Query()] = None,
) -> CustomerVisitOut:
    """What a customer's signed link shows."""
    _, facts = open_link(session, key=settings.key, token=token, now=moment)
    view = seen(session, facts, key=settings.key, language=language, now=moment)
    return CustomerVisitOut(
        number=view.number,
        language=view.language,
        status=view.status,
        purpose=view.purpose,
        company=view.company,
        address=view.address,
        zone=view.zone.key,
        window_start_at=view.window.start_at if view.window else None,
        window_end_at=view.window.end_at if view.window else None,
        promised=view.promised,
        confirmed=view.confirmed,
        crew=view.crew,
        check_number=view.check_number,
        done_code=view.done_code,
        finished_at=view.finished_at,
        outcome=view.outcome,
        may=sorted(view.may),
    )
