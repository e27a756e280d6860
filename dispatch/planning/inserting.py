"""Places for a waiting visit in a plan that stands: an urgent one during the day, a customer's on the telephone."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session

from dispatch.core.calendar import local_day, zone_named
from dispatch.core.events import Actor
from dispatch.planning.editing import (
    Engine,
    NotEditable,
    Standing,
    current,
    editable,
    propose_edit,
    refusal,
    refuse_begun,
    refuse_unplaceable,
    stand,
)
from dispatch.planning.tables import Plan
from dispatch.registry import territories
from dispatch.work import visits
from dispatch.work.tables import Visit
from optimizer import insert as in_process
from optimizer.insert import Insertion
from optimizer.plan import Plan as Answer
from optimizer.problem import Visit as Asked

DISPLACEMENTS_TRIED = 24
"""How many less urgent visits are tried, the least urgent first, when there is no free place."""


@dataclass(frozen=True, slots=True)
class Displaced:
    """A visit that an insertion delays, or puts out of the plan (`start_at` is then None)."""

    visit_id: str
    was_start_at: datetime
    start_at: datetime | None


@dataclass(frozen=True, slots=True)
class Offer:
    """A place for a visit. `cost` is what the plan's total changes by, points: negative when it is worth it.

    `instead_of` is the less urgent visit that must go for it.
    """

    visit_id: str
    crew_id: str
    shift_id: str
    position: int
    arrive_at: datetime
    start_at: datetime
    end_at: datetime
    cost: int
    displaced: tuple[Displaced, ...]
    instead_of: str | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    offer: Offer
    answer: Answer


def offers(
    session: Session,
    *,
    visit_id: str,
    now: datetime,
    day: date | None = None,
    plan_id: int | None = None,
    k: int = 3,
    engine: Engine = in_process,
) -> list[Offer]:
    """The `k` cheapest places for a waiting visit in a plan (see `editing.base`), and what each displaces.

    `day` is today in the territory unless given. Where every crew is full, a place may be that of one less urgent
    visit. Empty when there is none. Raises NoSuchVisit, NoPlanYet, NotEditable, VisitBegun, DoesNotFit.
    """
    standing = _stand(session, visits.get(session, visit_id), day, plan_id, now=now)
    return [found.offer for found in _places(standing, visit_id, k, engine)]


def insert_visit(
    session: Session,
    *,
    visit_id: str,
    actor: Actor,
    now: datetime,
    day: date | None = None,
    plan_id: int | None = None,
    shift_id: str | None = None,
    engine: Engine = in_process,
) -> Plan:
    """Propose a plan with the visit at its cheapest place, or its cheapest on `shift_id`; ready to publish.

    Raises what `offers` does, and DoesNotFit with the reason when there is no place.
    """
    standing = _stand(session, visits.get(session, visit_id), day, plan_id, now=now)
    places = _places(standing, visit_id, 1, engine, shift_id)
    if not places:
        raise refusal(engine.retime(standing.problem, standing.orders), visit_id)
    answer = places[0].answer
    return propose_edit(session, standing, answer, origin="insert", actor=actor, now=now)


def _stand(
    session: Session, visit: Visit, day: date | None, plan_id: int | None, *, now: datetime
) -> Standing:
    """The plan to insert into, against the board; refuses a visit that cannot be inserted."""
    if plan_id is not None:
        plan = editable(session, plan_id)
    else:
        territory = territories.get(session, visit.territory_id)
        today = local_day(now, zone_named(territory.zone))
        plan = current(session, territory_id=territory.id, day=day or today)
    standing = stand(session, plan, now=now)
    refuse_begun(standing, visit.id)
    refuse_unplaceable(standing, visit.id)
    if any(visit.id in order for order in standing.orders.values()):
        raise NotEditable(
            f"Visit {visit.id} is on plan {plan.number} already; move it instead.", visit=visit.id
        )
    return standing


def _places(
    standing: Standing, visit_id: str, k: int, engine: Engine, shift_id: str | None = None
) -> list[_Found]:
    """The cheapest free places, on any shift or on one; where there is none, those of one less urgent visit."""
    problem = standing.problem
    before = engine.retime(problem, standing.orders)
    asked = k if shift_id is None else len(problem.visits) + len(problem.shifts)
    free = [
        place
        for place in engine.insert(problem, before, visit_id, asked)
        if shift_id in (None, place.shift)
    ]
    found = [
        _offered(standing, before, engine.apply(problem, before, place), place, None)
        for place in free[:k]
    ]
    if not found and _wants_room(before, visit_id):
        found = list(_displacing(standing, before, visit_id, k, engine, shift_id))
    return sorted(found, key=lambda one: one.offer.cost)


def _wants_room(before: Answer, visit_id: str) -> bool:
    """Whether the visit is left out for want of room alone: no other visit's place helps against another reason."""
    reasons = {entry.visit: entry.reason for entry in before.unserved}
    return reasons.get(visit_id) in {"relation", "capacity", "cost"}


def _displacing(
    standing: Standing,
    before: Answer,
    visit_id: str,
    k: int,
    engine: Engine,
    shift_id: str | None,
) -> Iterator[_Found]:
    problem = standing.problem
    count = 0
    for other in _less_urgent(standing, before, visit_id, shift_id)[:DISPLACEMENTS_TRIED]:
        without = engine.retime(problem, standing.without(other.id))
        places = [
            place
            for place in engine.insert(problem, without, visit_id, 1 if shift_id is None else 99)
            if shift_id in (None, place.shift)
        ]
        for place in places[:1]:
            after = engine.apply(problem, without, place)
            yield _offered(standing, before, after, place, other.id)
            count += 1
        if count == k:
            return


def _less_urgent(
    standing: Standing, before: Answer, visit_id: str, shift_id: str | None
) -> list[Asked]:
    """The planned visits that cost less to leave out and are free to go, the least urgent first.

    Only those of crews that could do the visit at all: an empty route of theirs would have room for it.
    """
    asked = {visit.id: visit for visit in standing.problem.visits}
    able = _able(standing, visit_id)
    served = (
        asked[stop.visit]
        for route in before.routes
        for stop in route.stops
        if shift_id in (None, route.shift) and route.shift in able
    )
    free = [
        visit
        for visit in served
        if visit.pinned is None and visit.unserved_cost < asked[visit_id].unserved_cost
    ]
    return sorted(free, key=lambda visit: (visit.unserved_cost, visit.id))


def _able(standing: Standing, visit_id: str) -> set[str]:
    """The shifts whose crews have the skills and the members that the visit needs."""
    visit = next(visit for visit in standing.problem.visits if visit.id == visit_id)
    crews = {
        crew.id
        for crew in standing.problem.crews
        if crew.members >= visit.members
        and all(crew.skills.get(skill, 0) >= level for skill, level in visit.skills.items())
    }
    return {shift.id for shift in standing.problem.shifts if shift.crew in crews}


def _offered(
    standing: Standing, before: Answer, after: Answer, place: Insertion, instead_of: str | None
) -> _Found:
    clock = standing.built.clock
    shift = next(shift for shift in standing.problem.shifts if shift.id == place.shift)
    old, new = _begins(before), _begins(after)
    displaced = tuple(
        Displaced(
            visit_id,
            clock.instant(start),
            clock.instant(new[visit_id]) if visit_id in new else None,
        )
        for visit_id, start in sorted(old.items(), key=lambda item: (item[1], item[0]))
        if new.get(visit_id, start + 1) > start
    )
    offer = Offer(
        visit_id=place.visit,
        crew_id=shift.crew,
        shift_id=place.shift,
        position=place.position,
        arrive_at=clock.instant(place.arrive),
        start_at=clock.instant(place.start),
        end_at=clock.instant(place.end),
        cost=after.cost.total - before.cost.total,
        displaced=displaced,
        instead_of=instead_of,
    )
    return _Found(offer, after)


def _begins(answer: Answer) -> dict[str, int]:
    return {stop.visit: stop.start for route in answer.routes for stop in route.stops}
