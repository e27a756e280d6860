"""What a finished visit must show."""

from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session

from dispatch.core.errors import DispatchError
from dispatch.field import attachments, door
from dispatch.field.proof import (
    AttachmentMissing,
    BadAnswer,
    BadPart,
    ChecklistIncomplete,
    CustomerCodeWrong,
    PartsMissing,
    ReadingImplausible,
)
from dispatch.field.tables import AttachmentKind
from dispatch.work import catalogue
from dispatch.work.points import PointKind, point
from dispatch.work.tables import Visit, VisitStatus
from tests.builders.field import act, proof
from tests.builders.pictures import jpeg
from tests.builders.work import crew_actor, make_catalogue, make_visit
from tests.instants import at

KEY = b"k" * 40


def answered(session: Session, visit: Visit, **answers: Any) -> dict[str, Any]:
    """The proof of the visit with these answers in place of the good ones."""
    given = proof(session, visit)
    given["checklist"] |= answers
    return given


@pytest.fixture
def visit(session: Session) -> Visit:
    """A meter exchange that is being worked on."""
    return make_visit(session, status="working", work_type="MTR-XCH")


def test_every_shipped_point_says_how_it_is_answered(session: Session) -> None:
    make_catalogue(session)
    points = {code: point(code) for kind in catalogue.types(session) for code in kind.checklist}

    assert {one.kind for one in points.values()} == set(PointKind)
    for one in points.values():
        assert (one.kind is PointKind.READING) == bool(one.unit)
        assert (one.low is None) == (one.kind is not PointKind.READING)


def test_a_reading_of_zero_is_an_answer_and_an_empty_one_is_none(
    session: Session, visit: Visit
) -> None:
    with pytest.raises(ChecklistIncomplete) as refusal:
        act(session, visit, "done", data=answered(session, visit, reading_old=""))
    assert refusal.value.details["missing"] == ["reading_old"]

    act(session, visit, "done", data=answered(session, visit, reading_old=0))
    assert visit.status is VisitStatus.DONE


def test_an_implausible_reading_must_be_looked_at_twice(session: Session, visit: Visit) -> None:
    with pytest.raises(ReadingImplausible) as refusal:
        act(session, visit, "done", data=answered(session, visit, voltage_after=23))
    assert refusal.value.details["field"] == "data.checklist.voltage_after"
    assert (refusal.value.details["low"], refusal.value.details["unit"]) == (170, "V")

    checked = {"value": 23, "checked": True}
    act(session, visit, "done", data=answered(session, visit, voltage_after=checked))
    assert visit.status is VisitStatus.DONE


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        ("reading_old", "12 kWh"),
        ("reading_old", True),
        ("reading_old", {"value": None}),
        ("sealed", "yes"),
        ("sealed", {"without": "not_possible"}),
        ("photo_before", True),
        ("photo_before", {"without": "no_time"}),
        ("customer_signed", ["a", 1]),
    ],
)
def test_what_cannot_be_an_answer_is_refused_by_its_name(
    session: Session, visit: Visit, code: str, answer: object
) -> None:
    with pytest.raises(BadAnswer) as refusal:
        act(session, visit, "done", data=answered(session, visit, **{code: answer}))
    assert refusal.value.details["field"] == f"data.checklist.{code}"


def test_photographs_must_have_been_sent_for_this_visit(
    session: Session, visit: Visit, tmp_path: Path
) -> None:
    other = make_visit(session, status="accepted")
    for number, of in (("photo-of-this-visit", visit), ("photo-of-another-one", other)):
        attachments.add(
            session,
            tmp_path,
            attachment_id=number,
            visit_id=of.id,
            crew_id="C1",
            kind=AttachmentKind.PHOTO,
            content=jpeg(),
            actor=crew_actor(of),
            now=at("09:00"),
        )

    for wrong in (["never-sent"], ["photo-of-another-one"]):
        with pytest.raises(AttachmentMissing) as refusal:
            act(session, visit, "done", data=answered(session, visit, photo_before=wrong))
        assert refusal.value.details["missing"] == wrong
    with pytest.raises(AttachmentMissing):  # a photograph is no signature
        signed = answered(session, visit, customer_signed=["photo-of-this-visit"])
        act(session, visit, "done", data=signed)

    act(
        session,
        visit,
        "done",
        data=answered(session, visit, photo_before=["photo-of-this-visit"]),
    )
    assert visit.status is VisitStatus.DONE


def test_a_photograph_of_what_could_not_be_done_must_have_been_sent(session: Session) -> None:
    visit = make_visit(session, status="arrived")

    with pytest.raises(AttachmentMissing):
        act(session, visit, "not_done", data={"photos": ["never-sent"]})
    act(session, visit, "not_done", data={"photos": []})
    assert visit.status is VisitStatus.NOT_DONE


def test_the_customers_code_stands_for_a_signature(session: Session, visit: Visit) -> None:
    code = door.done_code(KEY, visit.id)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"

    for given in (wrong, "", door.check_number(KEY, visit.id)):
        with pytest.raises(CustomerCodeWrong):
            signed = answered(session, visit, customer_signed={"code": given})
            act(session, visit, "done", data=signed, key=KEY)
    act(
        session,
        visit,
        "done",
        data=answered(session, visit, customer_signed={"code": f" {code} "}),
        key=KEY,
    )
    assert visit.status is VisitStatus.DONE


@pytest.mark.parametrize(
    ("parts", "error"),
    [
        ({}, PartsMissing),
        ({"meter": 1}, PartsMissing),
        ({"meter": 1, "seal": -1}, BadPart),
        ({"meter": True, "seal": 1}, BadPart),
        ({"meter": 1, "seal": 2000}, BadPart),
        ([1], BadPart),
    ],
)
def test_it_must_be_said_how_many_parts_were_used(
    session: Session, visit: Visit, parts: object, error: type[DispatchError]
) -> None:
    with pytest.raises(error):
        act(session, visit, "done", data={**proof(session, visit), "parts": parts})
    assert visit.status is VisitStatus.WORKING
