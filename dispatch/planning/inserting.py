"""Places for a waiting visit in a plan that stands: an urgent one during the day, a customer's on the telephone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session

from dispatch.core.calendar import local_day, zone_named
from dispatch.core.events import Actor
from dispatch.planning.clock import DayClock
from dispatch.planning.editing import NotEditable, Standing, current, editable, propose_edit, stand
from dispatch.planning.engine import Engine, in_process
from dispatch.planning.refusing import refusal, refuse_begun, refuse_unplaceable
from dispatch.planning.tables import Plan
from dispatch.registry import territories
from dispatch.work import visits
from dispatch.work.tables import Visit
from optimizer.insert import Insertion
from optimizer.partners import Partner as Seat
from optimizer.plan import Plan as Answer


@dataclass(frozen=True, slots=True)
class Displaced:
    """A visit that an insertion delays, or puts out of the plan (`start_at` is then None)."""

    visit_id: str
    was_start_at: datetime
    start_at: datetime | None


@dataclass(frozen=True, slots=True)
class Partner:
    """Where a visit goes that begins together with one that is asked about."""

    visit_id: str
    crew_id: str
    shift_id: str
    start_at: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """A place for a visit. `cost` is what the plan's total changes by, points: negative when it is worth it.

    `instead_of` is the less urgent visit that must go for it; `together` go in with it and begin when it does.
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
    together: tuple[Partner, ...] = ()


def places(
    session: Session,
    *,
    visit_id: str,
    now: datetime,
    day: date | None = None,
    plan_id: int | None = None,
    k: int = 3,
    engine: Engine = in_process,
) -> list[Place]:
    """The `k` cheapest places for a waiting visit in a plan (see `editing.current`), and what each displaces.

    `day` is today in the territory unless given. Where every crew is full, a place may be that of one less urgent
    visit. Empty when there is none. Raises NoSuchVisit, NoPlanYet, NotEditable, VisitBegun, DoesNotFit.
    """
    standing = _waiting(session, visit_id, day, plan_id, now=now)
    before = engine.retime(standing.problem, standing.orders)
    found = engine.insert(standing.problem, before, visit_id, k, displacing=True)
    return [_told(standing, before, insertion) for insertion in found]


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

    Where others must make room for it, whatever way `explain` finds that pays more than one visit put out is
    proposed. Raises what `places` does, and DoesNotFit with the reason when there is no place.
    """
    standing = _waiting(session, visit_id, day, plan_id, now=now)
    before = engine.retime(standing.problem, standing.orders)
    found: list[Insertion] = []
    if shift_id is None or shift_id in standing.orders:
        found = engine.insert(
            standing.problem, before, visit_id, 1, displacing=True, shift=shift_id
        )
    answer = engine.apply(standing.problem, before, found[0]) if found else None
    if shift_id is None and (not found or found[0].instead_of is not None):
        settled = engine.explain(standing.problem, before, visit_id).plan
        if settled is not None and (answer is None or settled.cost.total < answer.cost.total):
            answer = settled
    if answer is None:
        raise refusal(before, visit_id)
    edit = {"kind": "insert", "visit_id": visit_id}
    return propose_edit(session, standing, answer, origin="insert", actor=actor, now=now, edit=edit)


def stand_for(
    session: Session, visit: Visit, day: date | None, plan_id: int | None, *, now: datetime
) -> Standing:
    """The plan that a question about a visit is about: the one named, else the day's, today's unless given."""
    if plan_id is not None:
        plan = editable(session, plan_id)
    else:
        territory = territories.get(session, visit.territory_id)
        today = local_day(now, zone_named(territory.zone))
        plan = current(session, territory_id=territory.id, day=day or today)
    return stand(session, plan, now=now)


def _waiting(
    session: Session, visit_id: str, day: date | None, plan_id: int | None, *, now: datetime
) -> Standing:
    """The plan to insert into, against the board; refuses a visit that cannot be inserted."""
    standing = stand_for(session, visits.get(session, visit_id), day, plan_id, now=now)
    refuse_begun(standing, visit_id)
    refuse_unplaceable(standing, visit_id)
    if any(visit_id in order for order in standing.orders.values()):
        raise NotEditable(
            f"Visit {visit_id} is on plan {standing.plan.number} already; move it instead.",
            visit=visit_id,
        )
    return standing


def _told(standing: Standing, before: Answer, found: Insertion) -> Place:
    clock = standing.built.clock
    crews = {shift.id: shift.crew for shift in standing.problem.shifts}
    begins = {stop.visit: stop.start for route in before.routes for stop in route.stops}
    moved: dict[str, int | None] = {delay.visit: delay.start for delay in found.displaces}
    if found.instead_of is not None:
        moved[found.instead_of] = None
    displaced = (
        Displaced(
            visit_id,
            clock.instant(begins[visit_id]),
            None if start is None else clock.instant(start),
        )
        for visit_id, start in sorted(moved.items(), key=lambda item: (begins[item[0]], item[0]))
    )
    return Place(
        visit_id=found.visit,
        crew_id=crews[found.shift],
        shift_id=found.shift,
        position=found.position,
        arrive_at=clock.instant(found.arrive),
        start_at=clock.instant(found.start),
        end_at=clock.instant(found.end),
        cost=found.cost,
        displaced=tuple(displaced),
        instead_of=found.instead_of,
        together=beginning_too(found.together, crews, clock),
    )


def beginning_too(
    found: Iterable[Seat], crews: Mapping[str, str], clock: DayClock
) -> tuple[Partner, ...]:
    """Where those go that begin together with a visit; `crews` are by shift."""
    return tuple(
        Partner(each.visit, crews[each.shift], each.shift, clock.instant(each.start))
        for each in found
    )
