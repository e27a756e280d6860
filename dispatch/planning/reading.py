"""Reading the board, in a fixed number of statements however large the day is."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.core.calendar import day_bounds, zone_named
from dispatch.core.tables import Event
from dispatch.geo import roads
from dispatch.planning.board import Board, BoardBreak, BoardShift, BoardVisit, Partner, Tie
from dispatch.planning.lifecycle import IN_FORCE
from dispatch.planning.rules import read as read_rules
from dispatch.planning.tables import Assignment, Plan
from dispatch.registry import territories
from dispatch.registry.skills import shift_skills
from dispatch.registry.tables import (
    Crew,
    Customer,
    Depot,
    Premises,
    Shift,
    ShiftBreak,
    Stock,
)
from dispatch.work.lifecycle import READY_ORDERS
from dispatch.work.tables import (
    PartUse,
    Visit,
    VisitRelation,
    VisitStatus,
    WorkOrder,
    WorkType,
)
from dispatch.work.visits import NoSuchVisit


def read_board(session: Session, *, territory_id: str, day: date) -> Board:
    """The board of a territory's local day; raises NoSuchTerritory and BadPlanningRule."""
    territory = territories.get(session, territory_id)
    zone = zone_named(territory.zone)
    opens_at, closes_at = day_bounds(day, zone)
    shifts, rules = _shifts(session, territory_id, day), read_rules(session)
    known = [
        _with_slack(visit, spread_s, rules.slack_percent)
        for visit, spread_s in _visits(session, territory_id, day, shifts, opens_at, closes_at)
    ]
    under_way = tuple(visit for visit in known if visit.is_under_way)
    open_visits = tuple(visit for visit in known if _is_open(visit))
    ties, partners = _ties(session, territory_id, {visit.id for visit in open_visits})
    in_force, planned_breaks = _in_force(session, territory_id, day, shifts, opens_at)
    finished = tuple(v for v in known if v.status in (VisitStatus.DONE, VisitStatus.NOT_DONE))
    return Board(
        territory_id=territory_id,
        day=day,
        zone=zone,
        opens_at=opens_at,
        closes_at=closes_at,
        visits=open_visits,
        under_way=under_way,
        finished=finished,
        shifts=shifts,
        stock=_stock(session, {shift.crew_id for shift in shifts}, finished),
        ties=ties,
        partners=partners,
        departed=departures(session, [visit.id for visit in under_way]),
        rules=rules,
        in_force=in_force,
        planned_breaks=planned_breaks,
        roads=roads.known(session, territory_id=territory_id),
    )


def hold(session: Session, *, territory_id: str, day: date, plan_id: int) -> None:
    """Have who would change the day's shifts, or visits that are on them or in the plan, wait for this transaction.

    PostgreSQL would let them between reading the board and acting on it. SQLite has one writer.
    """
    zone = zone_named(territories.get(session, territory_id).zone)
    opens_at, closes_at = day_bounds(day, zone)
    statement = (
        sa.select(col(Shift.id), col(Shift.crew_id))
        .join(Crew, col(Crew.id) == col(Shift.crew_id))
        .where(col(Crew.territory_id) == territory_id, col(Shift.day) == day)
        .order_by(col(Shift.id))
    )
    shifts = session.execute(statement.with_for_update(read=True, of=Shift)).all()
    planned = sa.select(col(Assignment.visit_id)).where(col(Assignment.plan_id) == plan_id)
    given = _on_shifts([row[0] for row in shifts], {row[1] for row in shifts}, opens_at, closes_at)
    visits = sa.select(col(Visit.id)).where(sa.or_(col(Visit.id).in_(planned), given))
    session.execute(visits.order_by(col(Visit.id)).with_for_update(key_share=True)).all()


def board_visit(session: Session, visit_id: str) -> BoardVisit:
    """One visit as a board has it, whatever day it is on; raises NoSuchVisit."""
    found = _rows(session, col(Visit.id) == visit_id)
    if not found:
        raise NoSuchVisit(f"There is no visit {visit_id}.", subject=visit_id)
    return _with_slack(*found[0], read_rules(session).slack_percent)


def _is_open(visit: BoardVisit) -> bool:
    waits = visit.status is VisitStatus.PLANNED or visit.is_given
    return waits and visit.order_status in READY_ORDERS


def _shifts(session: Session, territory_id: str, day: date) -> tuple[BoardShift, ...]:
    rows = _fetched(session, sa.select(
            col(Shift.id), col(Shift.crew_id), col(Shift.starts_at), col(Shift.ends_at),
            col(Shift.max_overtime_s), col(Shift.status), col(Shift.absent),
            col(Depot.id), col(Depot.lat), col(Depot.lon),
        )
        .join(Crew, col(Crew.id) == col(Shift.crew_id))
        .join(Depot, col(Depot.id) == col(Crew.depot_id))
        .where(col(Crew.territory_id) == territory_id, col(Shift.day) == day)
        .order_by(col(Shift.crew_id), col(Shift.starts_at), col(Shift.id))
    )  # fmt: skip
    ids = [row[0] for row in rows]
    skills = shift_skills(session, shift_ids=ids, day=day)
    breaks: dict[str, list[BoardBreak]] = {shift_id: [] for shift_id in ids}
    statement = select(ShiftBreak).where(col(ShiftBreak.shift_id).in_(ids))
    for row in session.exec(statement.order_by(col(ShiftBreak.latest_at), col(ShiftBreak.id))):
        breaks[row.shift_id].append(
            BoardBreak(f"break:{row.id}", row.earliest_at, row.latest_at, row.duration_s)
        )
    return tuple(BoardShift(*(*row, tuple(breaks[row[0]]), skills[row[0]])) for row in rows)


def _fetched(session: Session, statement: Any) -> Sequence[Any]:
    """The rows of a statement whose columns are in the order of a dataclass's first fields."""
    return session.execute(statement).all()


def _visits(
    session: Session,
    territory_id: str,
    day: date,
    shifts: Iterable[BoardShift],
    opens_at: datetime,
    closes_at: datetime,
) -> list[tuple[BoardVisit, int]]:
    """The day's visits by id, each with the seconds between its work type's p50 and p90."""
    waiting = sa.and_(
        col(Visit.territory_id) == territory_id,
        col(Visit.status) == VisitStatus.PLANNED,
        col(Visit.earliest_day) <= day,
    )
    ids, crews = [shift.id for shift in shifts], {shift.crew_id for shift in shifts}
    on_the_day = _on_shifts(ids, crews, opens_at, closes_at)
    found = {row[0].id: row for row in _rows(session, waiting, on_the_day)}
    return [found[visit_id] for visit_id in sorted(found)]


def _on_shifts(
    shift_ids: Sequence[str], crew_ids: Iterable[str], opens_at: datetime, closes_at: datetime
) -> sa.ColumnElement[bool]:
    """Visits on these shifts of a day; one may run past midnight, so its visits may be planned into the next."""
    return sa.and_(
        col(Visit.crew_id).in_(sorted(crew_ids)),
        col(Visit.planned_start_at).between(opens_at, closes_at + timedelta(days=1)),
        col(Visit.shift_id).in_(shift_ids),
    )


def _rows(session: Session, *conditions: Any) -> list[tuple[BoardVisit, int]]:
    """The visits that each condition finds, with the seconds between p50 and p90."""
    types = {row.code: row for row in session.exec(select(WorkType))}
    found: list[tuple[BoardVisit, int]] = []
    for condition in conditions:
        for *row, own_skills in _fetched(session, _visit_columns().where(condition)):
            work_type = types[row[-1]]
            skills = work_type.skills if own_skills is None else own_skills
            visit = BoardVisit(*(*row, skills, work_type.parts, work_type.members))
            found.append((visit, 60 * (work_type.p90_minutes - work_type.p50_minutes)))
    return found


def _with_slack(visit: BoardVisit, spread_s: int, percent: int) -> BoardVisit:
    """The visit with the branch's slack in its duration: time for what takes longer than expected."""
    if not percent or visit.duration_s <= 0:
        return visit
    return replace(visit, duration_s=visit.duration_s + spread_s * percent // 100)


def _visit_columns() -> Any:
    return (
        sa.select(
            col(Visit.id), col(Visit.status), col(Visit.earliest_day), col(Visit.duration_s),
            col(Visit.setup_s), col(Visit.due_at), col(Visit.window_start_at), col(Visit.window_end_at),
            col(Visit.allowed_crews), col(Visit.forbidden_crews), col(Visit.preferred_crews),
            col(Visit.locked_crew), col(Visit.locked_crew_id), col(Visit.locked_start_at),
            col(Visit.crew_id), col(Visit.shift_id),
            col(Visit.planned_arrive_at), col(Visit.planned_start_at), col(Visit.planned_end_at),
            col(Visit.travel_s), col(Visit.arrived_at), col(Visit.started_at), col(Visit.finished_at),
            col(WorkOrder.status), col(WorkOrder.priority), col(WorkOrder.due_at),
            col(Customer.id), col(Customer.customer_class), col(Premises.id), col(Premises.lat), col(Premises.lon),
            col(WorkOrder.work_type), col(Visit.skills),
        )
        .join(WorkOrder, col(WorkOrder.id) == col(Visit.work_order_id))
        .join(Premises, col(Premises.id) == col(WorkOrder.premises_id))
        .join(Customer, col(Customer.id) == col(WorkOrder.customer_id))
    )  # fmt: skip


def _stock(
    session: Session, crew_ids: set[str], finished: Iterable[BoardVisit]
) -> dict[str, dict[str, int]]:
    """What was on each vehicle before the day's visits, as far as they used what their work types say.

    So a visit that ends as foreseen does not move the board; what was used beyond that is gone from it.
    """
    result: dict[str, dict[str, int]] = {}
    for row in session.exec(select(Stock).where(col(Stock.crew_id).in_(sorted(crew_ids)))):
        result.setdefault(row.crew_id, {})[row.part] = row.quantity
    done = {visit.id: visit for visit in finished if visit.status is VisitStatus.DONE}
    for use in session.exec(select(PartUse).where(col(PartUse.visit_id).in_(sorted(done)))):
        stock = result.get(use.crew_id, {})
        if use.part in stock:
            foreseen = done[use.visit_id].parts.get(use.part, 0)
            stock[use.part] += max(0, foreseen - use.short)
    return result


def _ties(
    session: Session, territory_id: str, open_ids: set[str]
) -> tuple[tuple[Tie, ...], dict[str, Partner]]:
    statement = select(VisitRelation).where(VisitRelation.territory_id == territory_id)
    ties = tuple(
        Tie(row.id or 0, row.type, tuple(row.visits), row.min_gap_s, row.max_gap_s)
        for row in session.exec(statement.order_by(col(VisitRelation.id)))
        if open_ids.intersection(row.visits)
    )
    named = sorted({visit_id for tie in ties for visit_id in tie.visits})
    rows = session.execute(
        sa.select(
            col(Visit.id), col(Visit.status), col(Visit.crew_id),
            sa.func.coalesce(col(Visit.started_at), col(Visit.planned_start_at)),
            sa.func.coalesce(col(Visit.finished_at), col(Visit.planned_end_at)),
        ).where(col(Visit.id).in_(named))
    )  # fmt: skip
    return ties, {row[0]: Partner(*row) for row in rows}


def departures(session: Session, visit_ids: list[str]) -> dict[str, datetime]:
    """When the crews of these visits set out for them, as far as they have."""
    rows = session.execute(
        sa.select(col(Event.entity_id), col(Event.happened_at))
        .where(
            col(Event.entity) == "visit",
            col(Event.entity_id).in_(visit_ids),
            col(Event.type) == "visit.en_route",
        )
        .order_by(col(Event.id))
    )
    return {row[0]: row[1] for row in rows}


def _in_force(
    session: Session,
    territory_id: str,
    day: date,
    shifts: Iterable[BoardShift],
    opens_at: datetime,
) -> tuple[int | None, dict[str, tuple[datetime, datetime] | None]]:
    """The number of the plan in force, and when it has each break of the shifts that it knew."""
    statement = (
        sa.select(col(Plan.number), col(Plan.problem)["shifts"], col(Plan.answer)["routes"])
        .where(
            col(Plan.territory_id) == territory_id,
            col(Plan.day) == day,
            col(Plan.status).in_(IN_FORCE),
        )
        .order_by(col(Plan.number).desc())
    )
    row = session.execute(statement.limit(1)).first()
    if row is None:
        return None, {}
    number, known_shifts, routes = row
    known = {shift["id"]: shift.get("breaks", []) for shift in known_shifts or []}
    taken = {
        pause["id"]: (
            opens_at + timedelta(seconds=pause["start"]),
            opens_at + timedelta(seconds=pause["end"]),
        )
        for route in routes or []
        for pause in route["breaks"]
    }
    planned: dict[str, tuple[datetime, datetime] | None] = {}
    for shift in shifts:
        listed = {pause["id"] for pause in known.get(shift.id, [])}
        for pause in shift.breaks:
            if pause.id in taken:
                planned[pause.id] = taken[pause.id]
            elif shift.id in known and pause.id not in listed:
                planned[pause.id] = None
    return number, planned
