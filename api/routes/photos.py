"""Photographs that customers send with a request: the office sees them, and the crew that has a visit for it."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from api.deps import OwnCrew, Reading, TheSettings, requires
from api.repeats import Route
from api.schemas.desk import PhotoOut
from api.schemas.forms import PathId
from dispatch.core import picture_files
from dispatch.core.config import Settings
from dispatch.core.picture_files import SUFFIX
from dispatch.desk import photos, requests
from dispatch.desk.tables import RequestPhoto
from dispatch.work import visits
from dispatch.work.visits import VisitNotYours

router = APIRouter(route_class=Route, tags=["requests"])

Number = Annotated[int, Path(ge=1, le=photos.MOST_OF_A_REQUEST)]
PICTURE: dict[str, Any] = {
    "response_class": Response,
    "responses": {200: {"content": {"image/jpeg": {}, "image/png": {}}}},
}


@router.get("/requests/{request_id}/photos", dependencies=[requires("request:read")])
def list_photos(request_id: PathId, session: Reading) -> list[PhotoOut]:
    """The photographs that came with a request, the first one first."""
    requests.get(session, request_id)
    return PhotoOut.all_of(photos.of_request(session, request_id))


@router.get(
    "/requests/{request_id}/photos/{number}",
    dependencies=[requires("request:read")],
    **PICTURE,
)
def get_photo(
    request_id: PathId, number: Number, session: Reading, settings: TheSettings
) -> Response:
    """A photograph that came with a request."""
    found = photos.of_request(session, requests.get(session, request_id).id)
    return _shown(settings, photos.one(found, number))


@router.get("/visits/{visit_id}/photos", dependencies=[requires("request:read")])
def list_photos_of_visit(visit_id: PathId, session: Reading) -> list[PhotoOut]:
    """The photographs that came with the request that the visit is for."""
    return PhotoOut.all_of(photos.of_visit(session, visits.get(session, visit_id)))


@router.get(
    "/crews/{crew_id}/visits/{visit_id}/photos/{number}",
    dependencies=[requires("crew_day:read")],
    **PICTURE,
)
def get_photo_of_visit(
    crew_id: OwnCrew, visit_id: PathId, number: Number, session: Reading, settings: TheSettings
) -> Response:
    """A photograph that came with the request, for the crew that has the visit."""
    visit = visits.get(session, visit_id)
    if visit.crew_id != crew_id:
        raise VisitNotYours(f"Visit {visit_id} is not with crew {crew_id}.", visit=visit_id)
    return _shown(settings, photos.one(photos.of_visit(session, visit), number))


def _shown(settings: Settings, row: RequestPhoto) -> Response:
    name = f"{row.request_id}-{row.number}.{SUFFIX[row.media_type]}"
    return Response(
        picture_files.read(settings.attachments, kept=row.kept, media_type=row.media_type),
        media_type=row.media_type,
        headers={"Content-Disposition": f'inline; filename="{name}"'},
    )
