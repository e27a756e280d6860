"""Photographs and signatures that crews send along, and who may look at them."""

from typing import Annotated

from fastapi import APIRouter, Body, Path, Query, Response

from api.deps import Now, OwnCrew, Reading, TheSettings, Who, Writing, requires
from api.repeats import Route
from api.schemas.field import AttachmentOut
from api.schemas.forms import PathId
from dispatch.core import picture_files
from dispatch.core.picture_files import SUFFIX
from dispatch.core.pictures import MOST_BYTES
from dispatch.field import attachments
from dispatch.field.tables import AttachmentKind
from dispatch.work import visits

router = APIRouter(route_class=Route, tags=["crew's day"])

AttachmentId = Annotated[str, Path(min_length=16, max_length=64, pattern=r"^[A-Za-z0-9-]+$")]
Content = Annotated[bytes, Body(media_type="application/octet-stream", max_length=MOST_BYTES)]


@router.put(
    "/crews/{crew_id}/visits/{visit_id}/attachments/{attachment_id}",
    dependencies=[requires("crew_day:act")],
)
def send_attachment(
    crew_id: OwnCrew,
    visit_id: PathId,
    attachment_id: AttachmentId,
    kind: Annotated[AttachmentKind, Query()],
    content: Content,
    session: Writing,
    caller: Who,
    moment: Now,
    settings: TheSettings,
) -> AttachmentOut:
    """Send a JPEG or PNG of up to 1,000,000 bytes, as application/octet-stream, under a number of the device's own.

    Only the picture is kept: where it was taken and with what is left out. The same again changes nothing.
    """
    row = attachments.add(
        session,
        settings.attachments,
        attachment_id=attachment_id,
        visit_id=visit_id,
        crew_id=crew_id,
        kind=kind,
        content=content,
        actor=caller.actor,
        now=moment,
    )
    return AttachmentOut.of(row)


@router.get(
    "/crews/{crew_id}/attachments/{attachment_id}",
    dependencies=[requires("crew_day:read")],
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}, "image/png": {}}}},
)
def get_attachment(
    crew_id: OwnCrew, attachment_id: AttachmentId, session: Reading, settings: TheSettings
) -> Response:
    """A picture that the crew sent, as a file to be saved."""
    row = attachments.get(session, attachment_id, crew_id=crew_id)
    name = f"{row.kind.value}-{row.id[:8]}.{SUFFIX[row.media_type]}"
    return Response(
        picture_files.read(settings.attachments, kept=row.kept, media_type=row.media_type),
        media_type=row.media_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@router.get("/visits/{visit_id}/attachments", dependencies=[requires("visit:read")])
def list_attachments(visit_id: PathId, session: Reading) -> list[AttachmentOut]:
    """The pictures of a visit, the first one first; each is at its crew's address."""
    visits.get(session, visit_id)
    return AttachmentOut.all_of(attachments.of_visit(session, visit_id))
