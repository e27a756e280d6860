from datetime import timedelta

from sqlmodel import Session

from dispatch.core.db import Database, transaction
from dispatch.registry import crews
from dispatch.registry.skills import CrewSkills, shift_skills
from tests.builders.registry import ADMIN, make_crew, make_shift
from tests.instants import DAY, NOW
from tests.statements import counted


def certify(
    session: Session, member_id: str, skill: str, level: int, *, until: int, since: int = -900
) -> None:
    crews.certify(
        session,
        member_id=member_id,
        skill=skill,
        level=level,
        valid_from=DAY + timedelta(days=since),
        valid_until=DAY + timedelta(days=until),
        actor=ADMIN,
        now=NOW,
    )


def test_a_crew_has_the_highest_valid_level_among_its_members(session: Session) -> None:
    crew = make_crew(session, id="K1", skills={"LV": 1})
    certify(session, "K1-M2", "LV", 3, until=30)
    certify(session, "K1-M2", "SW", 2, until=30)
    shift = make_shift(session, crew=crew)

    found = shift_skills(session, shift_ids=[shift.id], day=DAY)

    assert found[shift.id] == CrewSkills({"LV": 3, "SW": 2}, 2)


def test_only_the_members_on_shift_count(session: Session) -> None:
    crew = make_crew(session, id="K1", skills={"LV": 1})
    certify(session, "K1-M2", "LV", 3, until=30)
    shift = make_shift(session, crew=crew, members=["K1-M1"])

    assert shift_skills(session, shift_ids=[shift.id], day=DAY)[shift.id].skills == {"LV": 1}


def test_a_certificate_counts_on_its_last_day_and_not_on_the_next(session: Session) -> None:
    crew = make_crew(session, id="K1", skills={})
    certify(session, "K1-M1", "LV", 2, until=0)
    shift = make_shift(session, crew=crew)

    today = shift_skills(session, shift_ids=[shift.id], day=DAY)[shift.id]
    tomorrow = shift_skills(session, shift_ids=[shift.id], day=DAY + timedelta(days=1))[shift.id]

    assert (today.skills, today.expired) == ({"LV": 2}, ())
    assert tomorrow.skills == {}
    assert [(paper.member_id, paper.skill, paper.valid_until) for paper in tomorrow.expired] == [
        ("K1-M1", "LV", DAY)
    ]


def test_a_certificate_does_not_count_before_its_first_day(session: Session) -> None:
    crew = make_crew(session, id="K1", skills={})
    certify(session, "K1-M1", "LV", 2, since=1, until=30)
    shift = make_shift(session, crew=crew)

    assert shift_skills(session, shift_ids=[shift.id], day=DAY)[shift.id] == CrewSkills({}, 2)


def test_a_renewed_certificate_is_not_told_as_expired(session: Session) -> None:
    crew = make_crew(session, id="K1", skills={})
    certify(session, "K1-M1", "LV", 2, until=-1)
    certify(session, "K1-M1", "LV", 2, since=-1, until=700)
    shift = make_shift(session, crew=crew)

    assert shift_skills(session, shift_ids=[shift.id], day=DAY)[shift.id].expired == ()


def test_a_shift_that_nobody_works_has_no_skills(session: Session) -> None:
    shift = make_shift(session, crew=make_crew(session, members=1), members=[])

    assert shift_skills(session, shift_ids=[shift.id], day=DAY)[shift.id] == CrewSkills({}, 0)


def test_the_skills_of_many_shifts_take_one_query(database: Database) -> None:
    with transaction(database) as session:
        ids = [make_shift(session).id for _ in range(6)]

    with database.reading() as session, counted(database) as statements:
        shift_skills(session, shift_ids=ids, day=DAY)

    assert len(statements) == 1
