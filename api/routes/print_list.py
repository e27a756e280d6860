"""The print list: notices as a PDF to cut and hang, and the word that they hang."""

from fastapi import APIRouter
from fastapi.responses import Response

from api.deps import Now, Reading, TheSettings, Who, Writing, requires
from api.repeats import Route
from api.schemas.contact import HandedOver, HandedOverOut, NoticeOut
from api.schemas.forms import PathId, QueryDay
from dispatch.contact import print_list
from workers.channels.door_hangers import sheets

router = APIRouter(route_class=Route, tags=["contact"])


@router.post(
    "/territories/{territory_id}/print-list",
    dependencies=[requires("visit:write")],
    response_class=Response,
    responses={200: {"content": {"application/pdf": {}}}},
)
def print_sheets(
    territory_id: PathId, day: QueryDay, session: Writing, settings: TheSettings, moment: Now
) -> Response:
    """Print the notices to hand over on the day, four a page; each printing makes new links for their customers."""
    notices = print_list.printed(
        session, territory_id=territory_id, day=day,
        base_url=settings.base_url, key=settings.key, now=moment,
    )  # fmt: skip
    name = f"print-list-{day.isoformat()}.pdf"
    return Response(
        sheets(notices, day=day),
        media_type="application/pdf",
        headers={"Content-Disposition": f'inline; filename="{name}"'},
    )


@router.get(
    "/territories/{territory_id}/print-list/notices", dependencies=[requires("message:read")]
)
def list_notices(territory_id: PathId, day: QueryDay, session: Reading) -> list[NoticeOut]:
    """The notices to hand over on the day, in the order of the sheets."""
    return [
        NoticeOut(
            message_id=one.message.id or 0,
            name=one.name,
            address=one.address,
            subject=one.message.subject,
        )
        for one in print_list.due(session, territory_id=territory_id, day=day)
    ]


@router.post(
    "/territories/{territory_id}/print-list/handed-over", dependencies=[requires("visit:write")]
)
def hand_over(
    territory_id: PathId, body: HandedOver, session: Writing, caller: Who, moment: Now
) -> HandedOverOut:
    """These notices hang at their doors; their messages are sent."""
    count = print_list.hand_over(
        session,
        territory_id=territory_id,
        message_ids=body.message_ids,
        actor=caller.actor,
        now=moment,
    )
    return HandedOverOut(handed_over=count)
