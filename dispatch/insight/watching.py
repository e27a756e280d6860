"""What needs a person, in one list: each matter once, the most pressing first, with what solves it.

A visit is listed for the worst that is the matter with it; its work order's clocks and its messages then say
no more.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from dispatch.contact import promised, unreached, wishes
from dispatch.contact.tables import Message, MessageStatus, SubjectKind
from dispatch.core.alerts import AlertRow, alert_list, open_alerts
from dispatch.core.calendar import local_day, zone_named
from dispatch.core.tables import Alert, Event
from dispatch.field import tracking
from dispatch.insight import behind, satisfaction
from dispatch.insight.matters import Action, Item, Matters
from dispatch.planning.projecting import at_risk, limit_of
from dispatch.planning.queries import BoardPage
from dispatch.registry import territories
from dispatch.sla import clocks
from dispatch.work.lifecycle import UNFINISHED, WAITING
from dispatch.work.tables import Visit, VisitStatus

AHEAD = timedelta(hours=2)
"""How long before its limit a clock is listed; one that is used for three quarters is listed earlier."""
BACK = timedelta(hours=24)
"""How long conflicts stay in the list, unless the office has dealt with the visit since."""
MOST_MESSAGES = 5
"""As many messages of one template are listed one by one; beyond that one matter stands for all of them."""
_ALERT_ACTIONS: tuple[tuple[str, Action], ...] = (
    ("plan.", "plan_day"),
    ("task.dead", "requeue_tasks"),
)
NAMED_ONE_BY_ONE = ("clock.answer", "clock.arrive", "clock.visit_within", "message.", "lone_work:")
"""Alerts about what the list names one by one."""
_LONE = "lone_work:"


def watch_list(session: Session, *, territory_id: str, now: datetime) -> list[Item]:
    """What needs a person in a territory today, from the plan, the clocks and what crews have done so far.

    Raises NoSuchTerritory.
    """
    today = local_day(now, zone_named(territories.get(session, territory_id).zone))
    board = tracking.board(session, territory_id=territory_id, day=today, now=now)
    found = Matters()
    _lone_work(found, board, open_alerts(session, limit=200))
    if board.in_force is not None and board.plan is not None and board.plan.id == board.in_force.id:
        driving = [
            crew.crew_id
            for crew in board.crews
            if any(stop.visit.status is VisitStatus.EN_ROUTE for stop in crew.stops)
        ]
        still = tracking.standing_still(session, crew_ids=driving, now=now) if driving else {}
        behind.crews_stuck(found, board, still, now)
        _lateness(found, board)
        behind.crews_behind(found, board, now)
        behind.work_left(found, board)
    _low_scores(session, found, territory_id, now)
    _clocks(session, found, board, now)
    for item in (
        *_conflicts(session, territory_id, now),
        *_forgotten(session, territory_id, now),
        *_customers(session, territory_id),
        *_messages(session, territory_id, now),
    ):
        found.add(item)
    _alerts(found, alert_list(session, without=NAMED_ONE_BY_ONE))
    return sorted(found.items, key=_order)


def _order(item: Item) -> tuple[bool, bool, float]:
    moment = item.about or item.since
    return not item.is_urgent, item.kind == "alert", moment.timestamp() if moment else 0.0


def _lone_work(found: Matters, board: BoardPage, alerts: list[Alert]) -> None:
    here = {stop.visit.id: (crew, stop) for crew in board.crews for stop in crew.stops}
    for alert in alerts:
        visit_id = alert.key.removeprefix(_LONE)
        if alert.key.startswith(_LONE) and visit_id in here:
            crew, stop = here[visit_id]
            found.add(
                Item(
                    "check_in_missed", "call_crew", True, visit_id, stop.visit.work_order_id,
                    crew_id=crew.crew_id, since=alert.first_at,
                )
            )  # fmt: skip


def _lateness(found: Matters, board: BoardPage) -> None:
    for crew, stop in at_risk(board.crews):
        visit = stop.visit
        by_window = visit.window_end_at is not None and limit_of(visit) == visit.window_end_at
        can_move = visit.status in WAITING
        found.add(
            Item(
                "late" if stop.risk == "late" else "risk",
                "move_visit" if can_move else "call_customer",
                stop.risk == "late",
                visit.id,
                visit.work_order_id,
                crew_id=crew.crew_id,
                code="window" if by_window else "deadline",
                about=stop.projected_start_at,
                since=limit_of(visit),
            )
        )


def _low_scores(session: Session, found: Matters, territory_id: str, now: datetime) -> None:
    for bad in satisfaction.to_make_good(session, territory_id=territory_id):
        found.add(
            Item(
                "low_score", "answer_request", bad.due_at <= now, request_id=bad.request_id,
                code=str(bad.score), about=bad.due_at, since=bad.since,
            )
        )  # fmt: skip


def _clocks(session: Session, found: Matters, board: BoardPage, now: datetime) -> None:
    planned = {s.visit.work_order_id: s.visit.id for crew in board.crews for s in crew.stops}
    waiting = {row.visit.work_order_id: row.visit.id for row in board.queue}
    running = [
        clock
        for clock in clocks.running(session, territory_id=board.territory_id)
        if clock.due_at - now <= AHEAD or clock.warned >= 75
    ]
    elsewhere = _visits_elsewhere(
        session,
        {one.subject_id for one in running if one.subject == "work_order"}
        - planned.keys()
        - waiting.keys(),
    )
    for clock in running:
        if clock.subject == "request":
            if clock.subject_id in found.requests:
                continue
            found.add(
                Item(
                    "clock", "answer_request", clock.due_at <= now, request_id=clock.subject_id,
                    code=clock.kind.value, about=clock.due_at,
                )
            )  # fmt: skip
        elif clock.subject_id not in found.orders:
            visit_id = waiting.get(clock.subject_id) or planned.get(clock.subject_id)
            action: Action = "plan_visit" if clock.subject_id in waiting else "move_visit"
            if visit_id is None:
                visit_id = elsewhere.get(clock.subject_id)
                action = "look_at_visit" if visit_id else "make_call"
            found.add(
                Item(
                    "clock", action, clock.due_at <= now, visit_id, clock.subject_id,
                    code=clock.kind.value, about=clock.due_at,
                )
            )  # fmt: skip


def _visits_elsewhere(session: Session, orders: set[str]) -> dict[str, str]:
    """The unfinished visit of each order that is not on the board: it is on another day's plan. A call has none."""
    statement = select(Visit.work_order_id, Visit.id).where(
        col(Visit.work_order_id).in_(orders), col(Visit.status).in_(UNFINISHED)
    )
    return dict(session.exec(statement.order_by(col(Visit.id).desc())).all())


def _conflicts(session: Session, territory_id: str, now: datetime) -> Iterator[Item]:
    """What crews did without a network and could not be taken, until the office does something about the visit."""
    statement = (
        select(Event)
        .where(
            Event.territory_id == territory_id,
            Event.type == "visit.action_refused",
            col(Event.recorded_at) > now - BACK,
            col(Event.happened_at) > now - 2 * BACK,
        )
        .order_by(col(Event.id).desc())
        .limit(200)
    )
    refused: dict[str, list[Event]] = {}
    for event in session.exec(statement):
        refused.setdefault(event.entity_id, []).append(event)
    settled = _touched_by_office(session, refused)
    for visit_id, events in refused.items():
        last = events[0]
        if settled.get(visit_id, 0) < (last.id or 0):
            yield Item(
                "conflict", "look_at_visit", False, visit_id, crew_id=last.data.get("crew_id"),
                code=str(last.data.get("code", "")), count=len(events), since=last.recorded_at,
            )  # fmt: skip


def _touched_by_office(session: Session, visits: dict[str, list[Event]]) -> dict[str, int]:
    """The last event about each visit that somebody of the office brought about."""
    statement = select(Event.entity_id, Event.id).where(
        Event.entity == "visit",
        col(Event.entity_id).in_(list(visits)),
        col(Event.role).in_(("dispatcher", "admin")),
    )
    touched: dict[str, int] = {}
    for visit_id, number in session.exec(statement.order_by(col(Event.id))):
        touched[visit_id] = number or 0
    return touched


def _customers(session: Session, territory_id: str) -> Iterator[Item]:
    """Customers who did something through their links that somebody must see to."""
    for wish in wishes.open_wishes(session, territory_id=territory_id):
        yield Item(
            "customer", "look_at_visit" if wish.is_called_off else "call_customer", False, wish.visit_id,
            wish.work_order_id, code="called_off" if wish.is_called_off else "wants_call", since=wish.since,
        )  # fmt: skip


def _forgotten(session: Session, territory_id: str, now: datetime) -> Iterator[Item]:
    """Customers who count on a time at which nobody comes, and whom no message tells."""
    for one in promised.forgotten(session, territory_id=territory_id, now=now):
        call = one.is_late or one.is_held
        yield Item(
            "customer", "call_customer" if call else "plan_visit", one.is_late, one.visit_id, one.work_order_id,
            code="left_out", about=one.starts_at,
        )  # fmt: skip


def _messages(session: Session, territory_id: str, now: datetime) -> Iterator[Item]:
    """What did not reach anybody and still matters: each message, or one matter for many of a template."""
    counts = unreached.counted(session, territory_id=territory_id, now=now)
    few = [template for template, count in counts.items() if count <= MOST_MESSAGES]
    for template, count in counts.items():
        if template not in few:
            yield Item("message", "see_to_messages", False, template=template, count=count)
    found = unreached.need_a_person(session, territory_id=territory_id, templates=few, now=now)
    orders = _orders_of(session, found)
    for message in found:
        visit_id = message.subject_id if message.subject_id in orders else None
        is_request = message.subject_kind is SubjectKind.REQUEST
        suppressed = message.status is MessageStatus.SUPPRESSED
        yield Item(
            "message", "see_to_messages", False, visit_id, orders.get(message.subject_id),
            request_id=message.subject_id if is_request else None, message_id=message.id,
            template=message.template, code=message.reason if suppressed else message.status.value,
            since=message.created_at,
        )  # fmt: skip


def _orders_of(session: Session, messages: list[Message]) -> dict[str, str]:
    """The work order of each visit that messages are about."""
    visits = {one.subject_id for one in messages if one.subject_kind is SubjectKind.VISIT}
    statement = select(Visit.id, Visit.work_order_id).where(col(Visit.id).in_(visits))
    return dict(session.exec(statement).all())


def _alerts(found: Matters, alerts: list[AlertRow]) -> None:
    for alert in alerts:
        action: Action = next(
            (does for begins, does in _ALERT_ACTIONS if alert.key.startswith(begins)),
            "see_administrator",
        )
        found.add(
            Item(
                "alert", action, False, code=alert.key, text=alert.text, count=alert.count,
                since=alert.first_at,
            )
        )  # fmt: skip
