"""Photographs that somebody sends with a request: rows that say whose they are, and files of what they show."""

from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path

from sqlmodel import Session, col, select

from dispatch.core import events, picture_files
from dispatch.core.errors import NotFoundError
from dispatch.core.events import Actor
from dispatch.core.pictures import NotAPicture, Picture, PictureTooLarge, cleaned
from dispatch.desk.public import BadReport
from dispatch.desk.requests import SUBJECT
from dispatch.desk.tables import Request, RequestPhoto
from dispatch.work.tables import Visit, WorkOrder

MOST_OF_A_REQUEST = 3


class BadPhoto(BadReport):
    """A photograph cannot be taken; `details["why"]` is count, kind or size, `details["number"]` says which one."""

    code = "bad_photo"


class NoSuchPhoto(NotFoundError):
    """The request has no photograph of this number."""

    code = "no_such_photo"


def checked(contents: Sequence[bytes]) -> list[Picture]:
    """The pictures alone, without where, when and with what they were taken; raises BadPhoto."""
    if len(contents) > MOST_OF_A_REQUEST:
        raise _refused("count", 0)
    pictures = []
    for number, content in enumerate(contents, start=1):
        try:
            pictures.append(cleaned(content))
        except NotAPicture as error:
            raise _refused("kind", number) from error
        except PictureTooLarge as error:
            raise _refused("size", number) from error
    return pictures


def add(
    session: Session,
    folder: Path,
    request: Request,
    pictures: Sequence[Picture],
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Keep pictures of the request in `folder`; one that it has already is not kept twice.

    The files are written before the rows commit: a failure leaves at most files that no row names. Raises BadPhoto
    when the request would have more than `MOST_OF_A_REQUEST`.
    """
    known = {row.kept for row in of_request(session, request.id)}
    for picture in pictures:
        kept = picture_files.keep(folder, picture)
        if kept in known:
            continue
        known.add(kept)
        number = len(known)
        if number > MOST_OF_A_REQUEST:
            raise _refused("count", 0)
        row = RequestPhoto(
            request_id=request.id,
            number=number,
            media_type=picture.media_type,
            width=picture.width,
            height=picture.height,
            size=len(picture.content),
            kept=kept,
            created_at=now,
        )
        session.add(row)
        events.record(
            session,
            "request.photographed",
            entity=SUBJECT,
            entity_id=request.id,
            actor=actor,
            now=now,
            territory_id=request.territory_id,
            data={"number": number, "sha256": kept},
        )
    session.flush()


def of_request(session: Session, request_id: str) -> Sequence[RequestPhoto]:
    """The photographs of a request, the first one first."""
    statement = select(RequestPhoto).where(RequestPhoto.request_id == request_id)
    return session.exec(statement.order_by(col(RequestPhoto.number))).all()


def of_visit(session: Session, visit: Visit) -> Sequence[RequestPhoto]:
    """The photographs of the request that the visit is for; none where nobody asked for it."""
    order = session.get_one(WorkOrder, visit.work_order_id)
    return of_request(session, order.request_id) if order.request_id else ()


def numbers(session: Session, request_ids: Collection[str]) -> dict[str, tuple[int, ...]]:
    """The numbers of the photographs of each request that has some."""
    if not request_ids:
        return {}
    statement = (
        select(RequestPhoto.request_id, RequestPhoto.number)
        .where(col(RequestPhoto.request_id).in_(request_ids))
        .order_by(col(RequestPhoto.request_id), col(RequestPhoto.number))
    )
    found: dict[str, tuple[int, ...]] = {}
    for request_id, number in session.exec(statement):
        found[request_id] = (*found.get(request_id, ()), number)
    return found


def one(photos: Sequence[RequestPhoto], number: int) -> RequestPhoto:
    """The photograph of this number; raises NoSuchPhoto."""
    for photo in photos:
        if photo.number == number:
            return photo
    raise NoSuchPhoto("There is no such photograph.", field="number")


def _refused(why: str, number: int) -> BadPhoto:
    said = {
        "count": f"At most {MOST_OF_A_REQUEST} photographs.",
        "kind": f"Photograph {number} is no whole JPEG or PNG.",
        "size": f"Photograph {number} is too large.",
    }
    return BadPhoto(said[why], field="photos", why=why, number=number)
