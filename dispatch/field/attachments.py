"""Photographs and signatures of visits: rows that say whose they are, and files named by their content."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from sqlmodel import Session, col, select

from dispatch.core import events, picture_files
from dispatch.core.db import lock_for
from dispatch.core.errors import ConflictError, InvalidError, NotFoundError
from dispatch.core.events import Actor
from dispatch.core.pictures import cleaned
from dispatch.field.tables import Attachment, AttachmentKind
from dispatch.work import visits
from dispatch.work.visits import VisitNotYours

MOST_OF_A_VISIT = 40


class NoSuchAttachment(NotFoundError):
    """No attachment has this id, or not for this crew."""

    code = "no_such_attachment"


class AttachmentReused(InvalidError):
    """The attachment's number was used before, for another picture."""

    code = "attachment_reused"


class TooManyAttachments(ConflictError):
    """The visit has as many pictures as it may have."""

    code = "too_many_attachments"


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
        kept=picture_files.keep(folder, picture),
        created_by=actor.id,
        created_at=now,
    )
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
