"""Photographs that come with requests."""

from pathlib import Path

import pytest
from sqlmodel import Session, select

from dispatch.core.tables import Event
from dispatch.desk import photos
from dispatch.desk.photos import BadPhoto, NoSuchPhoto
from dispatch.desk.public import PUBLIC
from dispatch.desk.tables import RequestPhoto
from tests.builders.desk import make_request
from tests.builders.pictures import jpeg, png
from tests.instants import NOW


def test_a_picture_that_the_request_has_is_not_kept_twice_and_a_fourth_is_refused(
    session: Session, tmp_path: Path
) -> None:
    request = make_request(session)
    pictures = photos.checked([jpeg(), png(), png(8, 8)])

    for some in (pictures[:1], pictures[:2], pictures):
        photos.add(session, tmp_path, request, some, actor=PUBLIC, now=NOW)
    with pytest.raises(BadPhoto) as refused, session.begin_nested():
        more = photos.checked([png(9, 9)])
        photos.add(session, tmp_path, request, more, actor=PUBLIC, now=NOW)

    rows = session.exec(select(RequestPhoto)).all()
    assert [(row.request_id, row.number) for row in rows] == [(request.id, n) for n in (1, 2, 3)]
    assert refused.value.details == {"field": "photos", "why": "count", "number": 0}
    added = session.exec(select(Event).where(Event.type == "request.photographed")).all()
    assert [event.data["number"] for event in added] == [1, 2, 3]
    assert photos.numbers(session, [request.id, "R-999999"]) == {request.id: (1, 2, 3)}
    with pytest.raises(NoSuchPhoto):
        photos.one(photos.of_request(session, request.id), 4)


@pytest.mark.parametrize(
    ("contents", "why", "number"),
    [
        ([png(), b"<svg/>"], "kind", 2),
        ([b"\xff\xd8\xff" + bytes(1_000_000)], "size", 1),
        ([b""] * 4, "count", 0),
    ],
)
def test_a_photograph_that_cannot_be_taken_is_named(
    contents: list[bytes], why: str, number: int
) -> None:
    with pytest.raises(BadPhoto) as refused:
        photos.checked(contents)

    assert refused.value.details == {"field": "photos", "why": why, "number": number}
