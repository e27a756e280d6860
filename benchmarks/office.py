"""A made-up day as the rows of a branch's database, to measure the whole product and not the optimizer alone."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel

from benchmarks import days
from benchmarks.days.work import POINTS
from dispatch.core.calendar import at_local, zone_named
from dispatch.registry.tables import (
    Certificate,
    Crew,
    Customer,
    Depot,
    Member,
    Organisation,
    Premises,
    Shift,
    ShiftBreak,
    ShiftMember,
    Stock,
    Territory,
)
from dispatch.work import catalogue
from dispatch.work.tables import Priority, Visit, WorkOrder, WorkType
from optimizer.problem import Crew as Able
from optimizer.problem import Place, Problem
from optimizer.problem import Shift as Period
from optimizer.problem import Visit as Job

TERRITORY = "bench"
ZONE = "Asia/Shanghai"
DAY_S = 86400


def opened(
    session: Session,
    *,
    first: date,
    visits: int,
    shifts: int,
    days_ahead: int = 1,
    kind: str = "hard",
    seed: int = 1,
) -> None:
    """Write the territory TERRITORY with a made-up day (see `days.made`) from `first` on, in bulk.

    `shifts` a day, for `days_ahead` days, over which the visits' earliest days are spread. A visit keeps the first
    of its windows, and crews their skills and members; what a crew's pace would change is left out.
    """
    day = days.made(kind, visits, seed).problem
    begins = midnight(first)
    _add(session, Organisation, [{"id": "branch", "name_zh": "分局", "name_en": "Branch"}])
    _add(session, Territory, [
        {"id": TERRITORY, "organisation_id": "branch", "name_zh": "试验区", "name_en": "Bench", "zone": ZONE}
    ])  # fmt: skip
    catalogue.seed(session)
    places = {place.id: place for place in day.places}
    working = day.shifts[:shifts]
    _people(session, day, working, places, first)
    for ahead in range(days_ahead):
        _shifts(session, working, first + timedelta(days=ahead), begins + timedelta(days=ahead))
    _work(session, day, places, first, begins, days_ahead)


def midnight(day: date) -> datetime:
    """When the territory's day begins."""
    return at_local(day, time(0), zone_named(ZONE))


def _people(
    session: Session,
    day: Problem,
    shifts: Sequence[Period],
    places: Mapping[str, Place],
    first: date,
) -> None:
    known: Mapping[str, Able] = {crew.id: crew for crew in day.crews}
    crews = [known[shift.crew] for shift in shifts]
    depots = {shift.from_: places[shift.from_] for shift in shifts}
    _add(session, Depot, [
        {"id": _name(key), "territory_id": TERRITORY, "name_zh": key, "name_en": key, "lat": at.lat, "lon": at.lon}
        for key, at in depots.items()
    ])  # fmt: skip
    _add(session, Crew, [
        {"id": s.crew, "territory_id": TERRITORY, "depot_id": _name(s.from_), "name_zh": s.crew, "name_en": s.crew}
        for s in shifts
    ])  # fmt: skip
    _add(session, Member, [
        {"id": member, "crew_id": crew.id, "name": member} for crew in crews for member in _members(crew)
    ])  # fmt: skip
    until = first + timedelta(days=60)
    _add(session, Certificate, [
        {"member_id": f"{crew.id}-1", "skill": skill, "level": level, "valid_from": first, "valid_until": until}
        for crew in crews
        for skill, level in crew.skills.items()
    ])  # fmt: skip
    _add(session, Stock, [
        {"crew_id": shift.crew, "part": part, "quantity": quantity}
        for shift in shifts
        for part, quantity in shift.stock.items()
    ])  # fmt: skip


def _shifts(session: Session, shifts: Sequence[Period], day: date, begins: datetime) -> None:
    def at(seconds: int) -> datetime:
        return begins + timedelta(seconds=seconds)

    _add(session, Shift, [
        {
            "id": _shift(row.crew, day), "crew_id": row.crew, "day": day, "starts_at": at(row.start),
            "ends_at": at(row.end), "max_overtime_s": row.max_overtime,
        }
        for row in shifts
    ])  # fmt: skip
    _add(session, ShiftBreak, [
        {
            "shift_id": _shift(row.crew, day), "earliest_at": at(pause.earliest), "latest_at": at(pause.latest),
            "duration_s": pause.duration,
        }
        for row in shifts
        for pause in row.breaks
    ])  # fmt: skip
    people = session.execute(
        sa.select(sa.column("id"), sa.column("crew_id")).select_from(sa.table("member"))
    )
    _add(session, ShiftMember, [
        {"shift_id": _shift(crew_id, day), "member_id": member} for member, crew_id in people
    ])  # fmt: skip


def _work(
    session: Session,
    day: Problem,
    places: Mapping[str, Place],
    first: date,
    begins: datetime,
    days_ahead: int,
) -> None:
    types: dict[tuple[Any, ...], str] = {}
    for job in day.visits:
        types.setdefault(_kind(job), f"T{len(types) + 1}")
    _add(session, WorkType, [
        {
            "code": code, "name_zh": code, "name_en": code, "p50_minutes": 30, "p90_minutes": 60,
            "priority": priority, "skills": dict(skills), "members": members, "parts": dict(parts),
        }
        for (priority, skills, members, parts), code in types.items()
    ])  # fmt: skip
    where = sorted({job.place for job in day.visits})
    _add(session, Customer, [{"id": place, "name": place} for place in where])
    _add(session, Premises, [
        {
            "id": place, "customer_id": place, "territory_id": TERRITORY, "address": place, "district": "",
            "lat": places[place].lat, "lon": places[place].lon,
        }
        for place in where
    ])  # fmt: skip
    orders = [(job, first + timedelta(days=i % days_ahead)) for i, job in enumerate(day.visits)]
    _add(session, WorkOrder, [
        {
            "id": job.id, "territory_id": TERRITORY, "work_type": types[_kind(job)], "customer_id": job.place,
            "premises_id": job.place, "owner": "fault", "priority": _priority(job), "earliest_day": earliest,
            "created_at": begins,
        }
        for job, earliest in orders
    ])  # fmt: skip
    _add(session, Visit, [
        {
            "id": f"{job.id}-1", "work_order_id": job.id, "territory_id": TERRITORY, "earliest_day": earliest,
            "duration_s": job.duration, "setup_s": job.setup, "forbidden_crews": _of(shifts=day, job=job),
            **_window(job, begins + (earliest - first)),
        }
        for job, earliest in orders
    ])  # fmt: skip


def _window(job: Job, begins: datetime) -> dict[str, datetime]:
    if not job.windows:
        return {}
    opens, closes = job.windows[0]
    return {
        "window_start_at": begins + timedelta(seconds=opens % DAY_S),
        "window_end_at": begins + timedelta(seconds=closes % DAY_S + 1),
    }


def _of(*, shifts: Problem, job: Job) -> list[str]:
    known = {shift.crew for shift in shifts.shifts}
    return [crew for crew in job.forbidden_crews if crew in known]


def _kind(job: Job) -> tuple[Any, ...]:
    skills, parts = tuple(sorted(job.skills.items())), tuple(sorted(job.parts.items()))
    return _priority(job), skills, job.members, parts


def _priority(job: Job) -> Priority:
    classes = [number for number, (worth, _) in POINTS.items() if job.unserved_cost >= worth]
    return Priority(f"P{min(classes, default=5)}")


def _members(crew: Able) -> list[str]:
    return [f"{crew.id}-{number + 1}" for number in range(crew.members)]


def _shift(crew: str, day: date) -> str:
    return f"{crew}-{day:%Y%m%d}"


def _name(place: str) -> str:
    return place.replace(" ", "-")


def _add(session: Session, table: type[SQLModel], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows in one statement, with the table's defaults."""
    filled = [dict(table(**row)) for row in rows]
    for row in filled:
        if row.get("id", "") is None:
            del row["id"]
    if filled:
        session.execute(sa.insert(table), filled)
