"""Windows that a customer may choose: on any day with crews, whether it is planned yet and wherever the visit is.

On a day that has a plan the question is asked beside it; on one that has none, beside what was promised for it.
Nobody else loses a place for a customer's choice.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col

from dispatch.core.calendar import local_day, zone_named
from dispatch.core.events import Actor
from dispatch.planning import editing, refusing
from dispatch.planning.board import Board
from dispatch.planning.editing import NoPlanYet
from dispatch.planning.engine import Engine, in_process
from dispatch.planning.inserting import stand_for
from dispatch.planning.offering import Offer, Span, beside, of_the_day
from dispatch.planning.problem import Built, build_from
from dispatch.planning.reading import board_visit, read_board
from dispatch.planning.tables import Plan as PlanRow
from dispatch.registry import territories
from dispatch.registry.tables import Crew, Shift
from dispatch.work import visits
from dispatch.work.progress import get_order
from dispatch.work.tables import Visit, VisitStatus
from optimizer.plan import Plan

DAYS = 7
"""How many days with crews a customer may choose from."""
NOTICE = timedelta(hours=1)
"""A window that begins sooner than this is not offered: nobody could be told in time."""


def days(session: Session, *, visit_id: str, now: datetime) -> list[date]:
    """The next days on which crews work and the visit can be done, today among them; raises NoSuchVisit."""
    visit = visits.get(session, visit_id)
    zone = zone_named(territories.get(session, visit.territory_id).zone)
    earliest = max(local_day(now, zone), get_order(session, visit.work_order_id).earliest_day)
    statement = (
        sa.select(col(Shift.day))
        .join(Crew, col(Crew.id) == col(Shift.crew_id))
        .where(
            col(Crew.territory_id) == visit.territory_id,
            col(Shift.day) >= earliest,
            col(Shift.ends_at) > now + NOTICE,
            col(Shift.absent).is_(False),
        )
        .distinct()
        .order_by(col(Shift.day))
        .limit(DAYS)
    )
    return list(session.execute(statement).scalars())


def choices(
    session: Session, *, visit_id: str, day: date, now: datetime, engine: Engine = in_process
) -> list[Offer]:
    """The windows of the day in which a crew can begin the visit, in their order; raises NoSuchVisit."""
    board = _asked(session, visits.get(session, visit_id), day)
    spans = [span for span in of_the_day(board.shifts, now) if span[0] >= now + NOTICE]
    found = _offers(session, board, visit_id, spans, now=now, engine=engine)
    return [offer for offer in found if offer.crew_id is not None]


def is_offered(
    session: Session, *, visit_id: str, span: Span, now: datetime, engine: Engine = in_process
) -> bool:
    """Whether `span` is among the windows that a customer may choose now; raises NoSuchVisit."""
    zone = zone_named(territories.get(session, visits.get(session, visit_id).territory_id).zone)
    day = local_day(span[0], zone)
    found = choices(session, visit_id=visit_id, day=day, now=now, engine=engine)
    return any((offer.start_at, offer.end_at) == span for offer in found)


def is_free(
    session: Session, *, visit_id: str, span: Span, now: datetime, engine: Engine = in_process
) -> bool:
    """Whether a crew can begin the visit in `span`, whichever it is; raises NoSuchVisit."""
    visit = visits.get(session, visit_id)
    zone = zone_named(territories.get(session, visit.territory_id).zone)
    board = _asked(session, visit, local_day(span[0], zone))
    return any(
        offer.crew_id is not None
        for offer in _offers(session, board, visit_id, [span], now=now, engine=engine)
    )


def place(
    session: Session,
    *,
    visit_id: str,
    day: date,
    actor: Actor,
    now: datetime,
    engine: Engine = in_process,
) -> PlanRow:
    """Propose the day's plan with the visit at its cheapest place and nobody put out for it; ready to publish.

    Raises NoSuchVisit, NoPlanYet, VisitBegun, and DoesNotFit with the reason when there is no place.
    """
    standing = stand_for(session, visits.get(session, visit_id), day, None, now=now)
    refusing.refuse_begun(standing, visit_id)
    refusing.refuse_unplaceable(standing, visit_id)
    before = engine.retime(standing.problem, standing.without(visit_id))
    found = engine.insert(standing.problem, before, visit_id, 1)
    if not found:
        raise refusing.refusal(before, visit_id)
    answer = engine.apply(standing.problem, before, found[0])
    edit = {"kind": "insert", "visit_id": visit_id}
    return editing.propose_edit(
        session, standing, answer, origin="insert", actor=actor, now=now, edit=edit
    )


def _asked(session: Session, visit: Visit, day: date) -> Board:
    """The day's board with the visit waiting on it, without the window and the crew that it may have now."""
    board = read_board(session, territory_id=visit.territory_id, day=day)
    waiting = replace(
        board_visit(session, visit.id),
        status=VisitStatus.PLANNED,
        earliest_day=day,
        window_start_at=None,
        window_end_at=None,
        crew_id=None,
        shift_id=None,
    )
    others = [row for row in board.visits if row.id != visit.id]
    return replace(board, visits=tuple(sorted((*others, waiting), key=lambda row: row.id)))


def _offers(
    session: Session,
    board: Board,
    visit_id: str,
    spans: Sequence[Span],
    *,
    now: datetime,
    engine: Engine,
) -> list[Offer]:
    built = build_from(board, now=editing.next_minute(now))
    if all(visit.id != visit_id for visit in built.problem.visits):
        return []
    plan = _beside_what(session, built, visit_id, engine)
    return beside(built, plan, visit_id, spans, now=now, engine=engine)


def _beside_what(session: Session, built: Built, visit_id: str, engine: Engine) -> Plan:
    """The day's plan without the visit; on a day without a plan, the visits that were promised for it."""
    rows = built.rows
    try:
        plan = editing.current(session, territory_id=rows.territory_id, day=rows.day)
    except NoPlanYet:
        return _of_promises(built, visit_id, engine)
    orders = editing.orders_of(session, plan, built)
    without = {shift: [one for one in stops if one != visit_id] for shift, stops in orders.items()}
    return engine.retime(built.problem, without)


def _of_promises(built: Built, visit_id: str, engine: Engine) -> Plan:
    """A plan of what was promised for the day alone, each at its cheapest place, the earliest window first."""
    problem, rows = built.problem, built.rows
    known = {visit.id for visit in problem.visits}
    plan = engine.retime(problem, {shift.id: [] for shift in problem.shifts})
    promised = sorted(
        (row.window_start_at, row.id)
        for row in rows.visits
        if row.window_start_at is not None
        and rows.opens_at <= row.window_start_at < rows.closes_at
        and row.id in known - {visit_id}
    )
    for _, promised_id in promised:
        for place in engine.insert(problem, plan, promised_id, 1)[:1]:
            plan = engine.apply(problem, plan, place)
    return plan
