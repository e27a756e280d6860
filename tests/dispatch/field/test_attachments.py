"""Photographs and signatures of visits."""

from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, select

from dispatch.core import picture_files
from dispatch.core.tables import Event
from dispatch.field import attachments
from dispatch.field.attachments import (
    AttachmentReused,
    NoSuchAttachment,
    TooManyAttachments,
)
from dispatch.field.tables import Attachment, AttachmentKind
from dispatch.work.tables import Visit
from dispatch.work.visits import VisitNotYours
from tests.builders.pictures import MAKER, jpeg, png
from tests.builders.work import crew_actor, make_visit
from tests.instants import at


def send(session: Session, folder: Path, visit: Visit, **other: Any) -> Attachment:
    values: dict[str, Any] = {
        "attachment_id": "photo-0000000001",
        "crew_id": "C1",
        "kind": AttachmentKind.PHOTO,
        "content": jpeg(),
    }
    return attachments.add(
        session,
        folder,
        visit_id=visit.id,
        actor=crew_actor(visit),
        now=at("09:00"),
        **(values | other),
    )


def test_a_picture_is_a_file_named_by_its_content_and_its_row_holds_none(
    session: Session, tmp_path: Path
) -> None:
    visit = make_visit(session, status="working")

    row = send(session, tmp_path, visit)

    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files == [picture_files.path_of(tmp_path, row.kept, row.media_type)]
    assert files[0].name == f"{row.kept}.jpg"
    assert MAKER.encode() not in files[0].read_bytes()
    assert all(not isinstance(value, bytes) for value in row.model_dump().values())


def test_the_same_picture_sent_again_is_one(session: Session, tmp_path: Path) -> None:
    visit = make_visit(session, status="working")
    content = jpeg()

    first = send(session, tmp_path, visit, content=content)
    again = send(session, tmp_path, visit, content=content)

    assert first is again
    assert len(session.exec(select(Event).where(Event.type == "visit.attached")).all()) == 1
    with pytest.raises(AttachmentReused):
        send(session, tmp_path, visit, content=png())


def test_only_the_crew_that_has_the_visit_sends_pictures_of_it(
    session: Session, tmp_path: Path
) -> None:
    visit = make_visit(session, status="working")

    with pytest.raises(VisitNotYours):
        send(session, tmp_path, visit, crew_id="C2")
    assert not list(tmp_path.iterdir())


def test_another_crew_finds_no_such_picture(session: Session, tmp_path: Path) -> None:
    row = send(session, tmp_path, make_visit(session, status="working"))

    assert attachments.get(session, row.id, crew_id="C1") is row
    assert attachments.get(session, row.id) is row
    with pytest.raises(NoSuchAttachment):
        attachments.get(session, row.id, crew_id="C2")


def test_a_visit_has_so_many_pictures_and_no_more(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attachments, "MOST_OF_A_VISIT", 1)
    visit = make_visit(session, status="working")
    send(session, tmp_path, visit)

    with pytest.raises(TooManyAttachments):
        send(session, tmp_path, visit, attachment_id="photo-0000000002")
