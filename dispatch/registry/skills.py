"""What a crew can do on a day: the highest valid level of each skill among the members on shift."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from sqlmodel import Session, col, select

from dispatch.registry.tables import Certificate, Member, ShiftMember


@dataclass(frozen=True, slots=True)
class ExpiredSkill:
    """A certificate that no longer counts on the day, of a member who has no other for that skill."""

    member_id: str
    member: str
    skill: str
    level: int
    valid_until: date


@dataclass(frozen=True, slots=True)
class CrewSkills:
    """The skills and the number of members of one shift."""

    skills: dict[str, int]
    members: int
    expired: tuple[ExpiredSkill, ...] = ()


def shift_skills(
    session: Session, *, shift_ids: Collection[str], day: date, without: Collection[str] = ()
) -> dict[str, CrewSkills]:
    """The skills of each shift on `day`, in one query; certificates count on their first and last day.

    A shift that nobody works has no skills and 0 members. Members named in `without` are not counted.
    """
    statement = (
        select(ShiftMember.shift_id, Member, Certificate)
        .join(Member, col(Member.id) == ShiftMember.member_id)
        .join(Certificate, col(Certificate.member_id) == Member.id, isouter=True)
        .where(col(ShiftMember.shift_id).in_(shift_ids), col(Member.id).not_in(without))
        .order_by(
            ShiftMember.shift_id, Member.id, col(Certificate.valid_until), col(Certificate.id)
        )
    )
    people: dict[str, dict[str, Member]] = {shift_id: {} for shift_id in shift_ids}
    papers: dict[str, list[Certificate]] = {shift_id: [] for shift_id in shift_ids}
    for shift_id, member, certificate in session.exec(statement):
        people[shift_id][member.id] = member
        if certificate is not None:
            papers[shift_id].append(certificate)
    return {shift_id: _sum_up(people[shift_id], papers[shift_id], day) for shift_id in shift_ids}


def _sum_up(people: dict[str, Member], papers: list[Certificate], day: date) -> CrewSkills:
    skills: dict[str, int] = {}
    holders: set[tuple[str, str]] = set()
    for paper in papers:
        if paper.valid_from <= day <= paper.valid_until:
            skills[paper.skill] = max(paper.level, skills.get(paper.skill, 0))
            holders.add((paper.member_id, paper.skill))
    expired = {
        (paper.member_id, paper.skill): ExpiredSkill(
            paper.member_id,
            people[paper.member_id].name,
            paper.skill,
            paper.level,
            paper.valid_until,
        )
        for paper in papers  # by valid_until: the latest of a member's expired ones stays
        if paper.valid_until < day and (paper.member_id, paper.skill) not in holders
    }
    return CrewSkills(dict(sorted(skills.items())), len(people), tuple(expired.values()))
