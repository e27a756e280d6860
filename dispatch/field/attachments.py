"""Photographs and signatures of visits: rows that say whose they are, and files named by their content."""

import hashlib
import os
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from sqlmodel import Session, col, select

from dispatch.core import events
from dispatch.core.db import lock_for
from dispatch.core.errors import ConflictError, InvalidError, NotFoundError
from dispatch.core.events import Actor
from dispatch.field.pictures import cleaned
from dispatch.field.tables import Attachment, AttachmentKind
from dispatch.work import visits
from dispatch.work.visits import VisitNotYours

MOST_OF_A_VISIT = 40
SUFFIX = {"image/jpeg": "jpg", "image/png": "png"}


class NoSuchAttachment(NotFoundError):
    """No attachment has this id, or not for this crew."""

    code = "no_such_attachment"


class AttachmentReused(InvalidError):
    """The attachment's number was used before, for another picture."""

    code = "attachment_reused"


class TooManyAttachments(ConflictError):
    """The visit has as many pictures as it may have."""

    code = "too_many_attachments"


class AttachmentLost(NotFoundError):
    """The row is there and its file is not: it was not restored, or lies on another machine."""

    code = "attachment_lost"


def add(
    session: Session,
    folder: Path,
    *,
    attachment_id: str,
    visit_id: str,
    crew_id: str,
    kind: AttachmentKind,
    content: bytes,
    actor: Actor,
    now: datetime,
) -> Attachment:
    """Keep a picture of the crew's visit in `folder`; the same id with the same bytes again changes nothing.

    The file is written before the row commits: a failure leaves at most a file that no row names.
    Raises NoSuchVisit, VisitNotYours, AttachmentReused, TooManyAttachments, NotAPicture and PictureTooLarge.
    """
    lock_for(session, f"attachment:{visit_id}")
    sent = hashlib.sha256(content).hexdigest()
    known = session.get(Attachment, attachment_id)
    if known is not None:
        if (known.visit_id, known.crew_id, known.kind, known.sent) != (
            visit_id, crew_id, kind, sent,
        ):  # fmt: skip
            raise AttachmentReused(
                "This attachment's number is another picture's; give every picture a number of its own.",
                field="attachment_id",
            )
        return known
    visit = visits.get(session, visit_id)
    if visit.crew_id != crew_id:
        raise VisitNotYours(
            f"Visit {visit.id} is not with crew {crew_id} any more, or never was; load your day again.",
            visit=visit.id,
        )
    if len(of_visit(session, visit_id)) >= MOST_OF_A_VISIT:
        raise TooManyAttachments(f"Visit {visit_id} has {MOST_OF_A_VISIT} pictures already.")
    picture = cleaned(content)
    row = Attachment(
        id=attachment_id,
        visit_id=visit_id,
        crew_id=crew_id,
        kind=kind,
        media_type=picture.media_type,
        width=picture.width,
        height=picture.height,
        size=len(picture.content),
        sent=sent,
        kept=hashlib.sha256(picture.content).hexdigest(),
        created_by=actor.id,
        created_at=now,
    )
    _write(path_of(folder, row), picture.content)
    session.add(row)
    events.record(
        session,
        "visit.attached",
        entity="visit",
        entity_id=visit_id,
        actor=actor,
        now=now,
        territory_id=visit.territory_id,
        data={"attachment_id": row.id, "kind": kind.value, "crew_id": crew_id, "sha256": row.kept},
    )
    session.flush()
    return row


def of_visit(session: Session, visit_id: str) -> Sequence[Attachment]:
    """The pictures of a visit, the first one first."""
    statement = select(Attachment).where(Attachment.visit_id == visit_id)
    return session.exec(statement.order_by(col(Attachment.created_at), col(Attachment.id))).all()


def get(session: Session, attachment_id: str, *, crew_id: str | None = None) -> Attachment:
    """The attachment, of `crew_id` only when that is given; raises NoSuchAttachment."""
    row = session.get(Attachment, attachment_id)
    if row is None or crew_id not in (None, row.crew_id):
        raise NoSuchAttachment("There is no such attachment.", field="attachment_id")
    return row


def read(folder: Path, row: Attachment) -> bytes:
    """The picture's bytes, as they were written; raises AttachmentLost."""
    try:
        content = path_of(folder, row).read_bytes()
    except FileNotFoundError:
        content = b""
    if hashlib.sha256(content).hexdigest() != row.kept:
        raise AttachmentLost(
            "The picture's file is missing or damaged here. Restore the folder of attachments; several machines "
            "need the same one (GRIDCREW_ATTACHMENTS_DIR)."
        )
    return content


def path_of(folder: Path, row: Attachment) -> Path:
    """Where a row's file lies: the same picture is kept once."""
    return folder / row.kept[:2] / f"{row.kept}.{SUFFIX[row.media_type]}"


def _write(path: Path, content: bytes) -> None:
    if path.exists():
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)
