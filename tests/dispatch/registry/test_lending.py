"""Members are lent to another crew's shift for that shift alone."""

import pytest
from sqlmodel import Session, select

from dispatch.registry import lending, shifts
from dispatch.registry.crews import NoSuchMember
from dispatch.registry.hours import BadShift
from dispatch.registry.lending import MemberNotFree
from dispatch.registry.shifts import ShiftOver
from dispatch.registry.skills import shift_skills
from dispatch.registry.tables import Shift, ShiftMember
from tests.builders.registry import DISPATCHER, make_crew, make_shift
from tests.instants import DAY, NOW, at


def lend(session: Session, shift: Shift, member: str, reason: str = "agreed") -> str | None:
    return lending.lend(
        session, shift_id=shift.id, member_id=member, reason=reason, actor=DISPATCHER, now=NOW
    )


def members_of(session: Session, shift: Shift) -> set[str]:
    rows = session.exec(select(ShiftMember.member_id).where(ShiftMember.shift_id == shift.id))
    return set(rows)


def test_the_skills_of_both_shifts_follow_the_member(session: Session) -> None:
    mine = make_shift(session, crew=make_crew(session, id="K1"))
    other = make_shift(session, crew=make_crew(session, id="K2", skills={"HV": 2}))

    assert lend(session, mine, "K2-M1") == other.id

    found = shift_skills(session, shift_ids=[mine.id, other.id], day=DAY)
    assert (found[mine.id].skills, found[mine.id].members) == ({"HV": 2, "LV": 1}, 3)
    assert (found[other.id].skills, found[other.id].members) == ({}, 1)
    assert lending.give_back(
        session, shift_id=mine.id, member_id="K2-M1", to_shift_id=other.id, actor=DISPATCHER, now=NOW
    )  # fmt: skip
    assert members_of(session, other) == {"K2-M1", "K2-M2"}
    assert not lending.give_back(
        session, shift_id=mine.id, member_id="K2-M1", to_shift_id=other.id, actor=DISPATCHER, now=NOW
    ), "what has been given back is not given back again"  # fmt: skip


def test_only_certificates_of_the_level_that_are_valid_that_day_count(session: Session) -> None:
    shift = make_shift(session, crew=make_crew(session, id="K1"))
    make_crew(session, id="K2", skills={"HV": 1}, members=1)
    make_crew(session, id="K3", skills={"HV": 3}, members=1)
    make_crew(session, id="K4", skills={"HV": 3}, members=1, valid_until=NOW.date().replace(day=1))

    found = lending.lendable(session, shift_id=shift.id, skill="HV", level=2)

    assert [(one.member_id, one.level) for one in found] == [("K3-M1", 3)]
    everybody = lending.lendable(session, shift_id=shift.id)
    assert {one.crew_id for one in everybody} == {"K2", "K3", "K4"}


def test_who_works_at_another_time_stays_on_that_shift_too(session: Session) -> None:
    mine = make_shift(session, crew=make_crew(session, id="K1"), starts=at("13:00"))
    early = make_shift(session, crew=make_crew(session, id="K2"), ends=at("13:00"))

    assert lend(session, mine, "K2-M2") is None

    assert members_of(session, early) == {"K2-M1", "K2-M2"}


def test_refusals_name_what_is_wrong_and_change_nothing(session: Session) -> None:
    mine = make_shift(session, crew=make_crew(session, id="K1"))
    make_crew(session, id="K2")
    make_crew(session, id="F1", depot_id="far", territory_id="elsewhere")

    for member, reason, error, field in (
        ("K1-M1", "agreed", MemberNotFree, "member_id"),
        ("F1-M1", "agreed", NoSuchMember, "member_id"),
        ("nobody", "agreed", NoSuchMember, "member_id"),
        ("K2-M1", " ", BadShift, "reason"),
    ):
        with pytest.raises(error) as caught:
            lend(session, mine, member, reason)
        assert caught.value.details["field"] == field
    for action in ("report_on_duty", "report_off_duty"):
        shifts.move(session, mine, action, actor=DISPATCHER, now=NOW)
    with pytest.raises(ShiftOver):
        lend(session, mine, "K2-M1")
    assert members_of(session, mine) == {"K1-M1", "K1-M2"}
