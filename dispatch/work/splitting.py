"""Splitting a visit: what one trip was meant for becomes the work of several, each with its time and skills."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from sqlmodel import Session, col, select

from dispatch.core import events
from dispatch.core.errors import ConflictError, InvalidError
from dispatch.core.events import Actor
from dispatch.work.progress import follow_visits, get_order, visits_of
from dispatch.work.tables import Visit, VisitRelation, VisitStatus

MOST_PARTS = 6
SHORTEST_S, LONGEST_S = 5 * 60, 12 * 3600


class BadParts(InvalidError):
    """The parts are too few, too many, too short or too long, or need a skill that the work does not."""

    code = "bad_parts"


class NotSplittable(ConflictError):
    """The visit is on a published plan, begun or over."""

    code = "not_splittable"


@dataclass(frozen=True, slots=True)
class Part:
    """Seconds on site, and the skills with their levels that this part needs; None: those of the work type."""

    duration_s: int
    skills: Mapping[str, int] | None = None


def split(
    session: Session,
    visit: Visit,
    parts: Sequence[Part],
    *,
    in_order: bool,
    actor: Actor,
    now: datetime,
    expect: int | None = None,
) -> list[Visit]:
    """Make several visits of one that waits in the queue; the first part stays it, with its promise and its lock.

    Each further part has the same deadline and crews. `in_order`: each begins when the one before it has ended, and
    what had to come after the visit comes after its last part. Raises BadParts, NotSplittable and StaleVersion.
    """
    visit.expect(expect)
    _check(parts)
    if visit.status is not VisitStatus.PLANNED:
        raise NotSplittable(
            f"Visit {visit.id} is {visit.status.value}; put it back into the queue first.",
            subject=visit.id,
            state=visit.status.value,
        )
    order = get_order(session, visit.work_order_id)
    visit.duration_s, visit.skills = parts[0].duration_s, _skills(parts[0])
    made = [visit]
    number = visits_of(session, order.id)[-1].number
    for part in parts[1:]:
        number += 1
        made.append(_further(session, visit, part, number, actor=actor, now=now))
    session.flush()
    if in_order:
        _follow_one_another(session, made)
    events.record(
        session,
        "visit.split",
        entity="visit",
        entity_id=visit.id,
        actor=actor,
        now=now,
        territory_id=visit.territory_id,
        data={"work_order_id": order.id, "parts": [part.id for part in made], "in_order": in_order},
    )
    follow_visits(session, order, actor=actor, now=now)
    return made


def _check(parts: Sequence[Part]) -> None:
    if not 2 <= len(parts) <= MOST_PARTS:
        raise BadParts(f"A visit is split into 2 to {MOST_PARTS} parts.", field="parts")
    for index, part in enumerate(parts):
        if not SHORTEST_S <= part.duration_s <= LONGEST_S:
            raise BadParts(
                f"A part takes {SHORTEST_S // 60} to {LONGEST_S // 60} minutes.",
                field=f"parts.{index}.minutes",
            )
        for skill, level in (part.skills or {}).items():
            if not 1 <= level <= 9:
                raise BadParts(
                    f"The level of {skill} is a number from 1 to 9.", field=f"parts.{index}.skills"
                )


def _skills(part: Part) -> dict[str, int] | None:
    return None if part.skills is None else dict(part.skills)


def _further(
    session: Session, first: Visit, part: Part, number: int, *, actor: Actor, now: datetime
) -> Visit:
    visit = Visit(
        id=f"{first.work_order_id}-{number}",
        work_order_id=first.work_order_id,
        number=number,
        territory_id=first.territory_id,
        earliest_day=first.earliest_day,
        duration_s=part.duration_s,
        setup_s=first.setup_s,
        skills=_skills(part),
        due_at=first.due_at,
        allowed_crews=first.allowed_crews,
        forbidden_crews=list(first.forbidden_crews),
        preferred_crews=list(first.preferred_crews),
    )
    session.add(visit)
    events.record(
        session,
        "visit.created",
        entity="visit",
        entity_id=visit.id,
        actor=actor,
        now=now,
        to_status=visit.status.value,
        territory_id=visit.territory_id,
        data={"work_order_id": visit.work_order_id, "split_from": first.id},
    )
    return visit


def _follow_one_another(session: Session, made: Sequence[Visit]) -> None:
    first, last = made[0], made[-1]
    statement = select(VisitRelation).where(
        VisitRelation.territory_id == first.territory_id, col(VisitRelation.type) == "after"
    )
    for tie in session.exec(statement):
        if tie.visits[:1] == [first.id]:
            tie.visits = [last.id, *tie.visits[1:]]
    for one, next_one in pairwise(made):
        session.add(
            VisitRelation(
                territory_id=first.territory_id, type="after", visits=[one.id, next_one.id]
            )
        )
    session.flush()
