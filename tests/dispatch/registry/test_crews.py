"""Crews and their members: a telephone number that can be none is refused, as a customer's is."""

import pytest
from sqlmodel import Session, select

from dispatch.registry import crews
from dispatch.registry.crews import BadCrew, BadMember
from dispatch.registry.tables import Crew, Member
from tests.builders.registry import ADMIN, make_crew, make_depot
from tests.instants import NOW

NO_PHONES = ["", "call me", "1.38E+10", "138-0013-8000\n", "+", "１３８００１３８０００", "1" * 33]


def _crew(session: Session, phone: str | None) -> Crew:
    make_depot(session)
    return crews.create(
        session, id="K9", territory_id="humen", depot_id="depot", name_zh="九班", name_en="Crew 9",
        phone=phone, actor=ADMIN, now=NOW,
    )  # fmt: skip


@pytest.mark.parametrize("phone", NO_PHONES)
def test_a_crew_has_no_telephone_number_that_can_be_none(session: Session, phone: str) -> None:
    with pytest.raises(BadCrew) as refusal:
        _crew(session, phone)

    assert refusal.value.details["field"] == "phone"
    assert session.exec(select(Crew)).all() == []


@pytest.mark.parametrize("phone", NO_PHONES)
def test_a_member_has_no_telephone_number_that_can_be_none(session: Session, phone: str) -> None:
    crew = make_crew(session, members=0, skills={})

    with pytest.raises(BadMember) as refusal:
        crews.add_member(
            session, id="M1", crew_id=crew.id, name="钱七", phone=phone, actor=ADMIN, now=NOW
        )

    assert refusal.value.details["field"] == "phone"
    assert session.exec(select(Member)).all() == []


@pytest.mark.parametrize("phone", [None, "13800138000", "+86 769 8555 0100", "0769-8555 0100"])
def test_telephone_numbers_are_kept_as_they_are_written(
    session: Session, phone: str | None
) -> None:
    crew = _crew(session, phone)
    member = crews.add_member(
        session, id="M1", crew_id=crew.id, name="钱七", phone=phone, actor=ADMIN, now=NOW
    )

    assert (crew.phone, member.phone) == (phone, phone)
