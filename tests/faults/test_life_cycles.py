"""Every action in every state of every life cycle, by the one function that writes each kind of status.

What the tables written by hand allow passes, for whom it is allowed; all else is refused and changes nothing.
"""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session

from dispatch.contact import progress as contact
from dispatch.contact.lifecycle import MESSAGES
from dispatch.core.events import Actor
from dispatch.core.lifecycle import IllegalMove, Machine, MoveNotYours
from dispatch.desk import requests
from dispatch.desk.lifecycle import REQUESTS
from dispatch.exchange import imports
from dispatch.exchange.lifecycle import IMPORTS
from dispatch.exchange.tables import ImportRun
from dispatch.geo import geocoding
from dispatch.geo.lifecycle import GEOCODINGS
from dispatch.geo.tables import Geocoding
from dispatch.planning import looking, states
from dispatch.planning.lifecycle import OUTLOOKS, PLANS
from dispatch.planning.tables import OutlookRun, Plan
from dispatch.registry import shifts
from dispatch.registry.lifecycle import SHIFTS
from dispatch.webhooks import deliveries, subscribers
from dispatch.webhooks.lifecycle import DELIVERIES, WEBHOOKS
from dispatch.webhooks.tables import WebhookDelivery
from dispatch.work import progress, promises, series, visits
from dispatch.work.lifecycle import PROMISES, SERIES, VISITS, WORK_ORDERS
from dispatch.work.tables import Visit
from tests.builders.contact import make_message
from tests.builders.desk import make_request
from tests.builders.registry import DISPATCHER, make_territory
from tests.builders.webhooks import make_webhook
from tests.builders.work import first_visit, make_order, make_series, make_visit, shift_of
from tests.dispatch.desk.test_lifecycle import MOVES as REQUEST_MOVES
from tests.dispatch.planning.test_lifecycle import ALLOWED as PLAN_MOVES
from tests.dispatch.work.test_lifecycle import (
    ORDER_MOVES,
    PROMISE_MOVES,
    SERIES_MOVES,
    VISIT_MOVES,
)
from tests.instants import DAY, NOW
from tests.life_cycles import MACHINES

pytestmark = pytest.mark.faults

Moves = Mapping[str, Mapping[str, str]]

_UNSENT = {"defer": "deferred", "begin": "sending", "suppress": "suppressed", "expire": "expired"}
MESSAGE_MOVES: Moves = {
    "pending": _UNSENT,
    "deferred": _UNSENT,
    "sending": {
        "repeat": "sending", "complete": "sent", "retry": "pending", "fail": "failed", "lose": "unknown"
    },
    "sent": {"deliver": "delivered", "bounce": "bounced"},
    "unknown": {"deliver": "delivered", "bounce": "bounced", "resend": "pending"},
    "failed": {"resend": "pending"},
    "bounced": {"resend": "pending"},
    "delivered": {},
    "suppressed": {},
    "expired": {},
}  # fmt: skip
SHIFT_MOVES: Moves = {
    "planned": {"report_on_duty": "on_duty"},
    "on_duty": {"report_off_duty": "off_duty"},
    "off_duty": {"return_to_duty": "on_duty"},
}
OUTLOOK_MOVES: Moves = {
    "waiting": {"search": "searching", "give_up": "failed"},
    "searching": {
        "search": "searching", "retry": "waiting", "answer": "answered", "give_up": "failed"
    },
    "answered": {},
    "failed": {},
}  # fmt: skip
_STARTED_AGAIN = {"start": "waiting"}
IMPORT_MOVES: Moves = {
    "open": _STARTED_AGAIN,
    "waiting": {"read": "running", "stop": "stopped", "give_up": "failed"},
    "running": {
        "read": "running", "retry": "waiting", "check": "checked", "refuse": "refused",
        "keep": "imported", "stop": "stopped", "give_up": "failed",
    },
    "checked": _STARTED_AGAIN,
    "refused": _STARTED_AGAIN,
    "stopped": _STARTED_AGAIN,
    "failed": _STARTED_AGAIN,
    "imported": {},
}  # fmt: skip
GEOCODING_MOVES: Moves = {
    "waiting": {"run": "running", "finish": "done", "give_up": "failed"},
    "running": {"run": "running", "finish": "done", "give_up": "failed"},
    "done": {},
    "failed": {},
}
WEBHOOK_MOVES: Moves = {
    "active": {"disable": "disabled"},
    "disabled": {"enable": "active"},
}
DELIVERY_MOVES: Moves = {
    "waiting": {"deliver": "delivered", "give_up": "failed"},
    "delivered": {"replay": "waiting"},
    "failed": {"replay": "waiting"},
}
REASONS = {"fail": "no_access", "decline": "too_far", "withdraw": "diverted"}
ROLES = ("admin", "dispatcher", "intake", "crew", "auditor", "customer", "system")
_numbers = itertools.count(1)
RUN = {"territory_id": "humen", "created_by": "admin", "created_at": NOW}


@dataclass(frozen=True, slots=True)
class Case:
    """A life cycle: what is allowed, how a row of it is made in a state, and who writes its status."""

    machine: Machine[Any]
    allowed: Moves
    make: Callable[[Session, str], Any]
    write: Callable[[Session, Any, str, Actor], object]


def _visit(session: Session, state: str) -> Visit:
    """Each with a crew of its own, which can be busy with one; also of what was never given it is its crew's."""
    crew = shift_of(session, f"K-{state}").crew_id
    visit = make_visit(session, status=state, crew=crew)
    visit.crew_id = crew
    session.flush()
    return visit


def _set(session: Session, row: Any, state: str) -> Any:
    row.status = type(row.status)(state)
    session.flush()
    return row


def _added(session: Session, row: Any) -> Any:
    make_territory(session)
    session.add(row)
    session.flush()
    return row


def _promise(session: Session, state: str) -> Any:
    visit, start = first_visit(session, make_order(session)), NOW + timedelta(hours=2)
    made = promises.book(
        session, visit, start_at=start, end_at=start + timedelta(hours=2), actor=DISPATCHER, now=NOW
    )
    return _set(session, made, state)


def _plan(session: Session, state: str) -> Any:
    plan = Plan(
        territory_id="humen", day=DAY, number=next(_numbers), created_by="admin", created_at=NOW
    )
    return _set(session, _added(session, plan), state)


def _delivery(session: Session) -> WebhookDelivery:
    webhook = make_webhook(session)
    return WebhookDelivery(
        webhook_id=webhook.id, message_id="event-1", type="visit.done", created_at=NOW
    )


CASES = (
    Case(
        REQUESTS, REQUEST_MOVES, lambda s, state: _set(s, make_request(s), state),
        lambda s, row, action, actor: requests.move(s, row, action, actor=actor, now=NOW),
    ),
    Case(
        WORK_ORDERS, ORDER_MOVES, lambda s, state: _set(s, make_order(s), state),
        lambda s, row, action, actor: progress.move_order(s, row, action, actor=actor, now=NOW),
    ),
    Case(
        VISITS, VISIT_MOVES, _visit,
        lambda s, row, action, actor: visits.act(
            s, row, action, actor=Actor(row.crew_id, "crew") if actor.role == "crew" else actor, now=NOW,
            reason=REASONS.get(action, ""),
        ),
    ),
    Case(
        PROMISES, PROMISE_MOVES, _promise,
        lambda s, row, action, actor: promises.move(
            s, s.get_one(Visit, row.visit_id), row, action, actor=actor, now=NOW
        ),
    ),
    Case(
        PLANS, PLAN_MOVES, _plan,
        lambda s, row, action, actor: states.move(s, row, action, actor=actor, now=NOW),
    ),
    Case(
        OUTLOOKS, OUTLOOK_MOVES,
        lambda s, state: _set(s, _added(s, OutlookRun(first=DAY, days=2, **RUN)), state),
        lambda s, row, action, actor: looking.RUNS.move(s, row, action, actor=actor, now=NOW),
    ),
    Case(
        MESSAGES, MESSAGE_MOVES, lambda s, state: _set(s, make_message(s), state),
        lambda s, row, action, actor: contact.move(s, row, action, actor=actor, now=NOW),
    ),
    Case(
        SHIFTS, SHIFT_MOVES, lambda s, state: _set(s, shift_of(s, "K1"), state),
        lambda s, row, action, actor: shifts.move(s, row, action, actor=actor, now=NOW),
    ),
    Case(
        SERIES, SERIES_MOVES, lambda s, state: _set(s, make_series(s, rrule="FREQ=MONTHLY"), state),
        lambda s, row, action, actor: series.move(s, row, action, actor=actor, now=NOW),
    ),
    Case(
        IMPORTS, IMPORT_MOVES, lambda s, state: _set(s, _added(s, ImportRun(**RUN)), state),
        lambda s, row, action, actor: imports.RUNS.move(s, row, action, actor=actor, now=NOW),
    ),
    Case(
        GEOCODINGS, GEOCODING_MOVES,
        lambda s, state: _set(s, _added(s, Geocoding(provider="amap", **RUN)), state),
        lambda s, row, action, actor: geocoding.RUNS.move(s, row, action, actor=actor, now=NOW),
    ),
    Case(
        WEBHOOKS, WEBHOOK_MOVES, lambda s, state: _set(s, make_webhook(s), state),
        lambda s, row, action, actor: subscribers.move(s, row, action, actor=actor, now=NOW),
    ),
    Case(
        DELIVERIES, DELIVERY_MOVES, lambda s, state: _set(s, _added(s, _delivery(s)), state),
        lambda s, row, action, actor: deliveries.move(row, action, actor=actor),
    ),
)  # fmt: skip


def attempt(
    session: Session, case: Case, row: Any, action: str, role: str
) -> tuple[str, Exception | None]:
    """What the action makes of the row, or the refusal; it is taken back."""
    trial = session.begin_nested()
    try:
        case.write(session, row, action, Actor(f"a-{role}", role))
        return str(row.status.value), None
    except (IllegalMove, MoveNotYours) as refused:
        return str(row.status.value), refused
    finally:
        trial.rollback()
        session.refresh(row)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.machine.name)
def test_every_action_in_every_state_does_what_the_table_says(session: Session, case: Case) -> None:
    actions = sorted({row.action for row in case.machine.moves})
    assert set(case.allowed) == {state.value for state in case.machine.states}
    assert {action for moves in case.allowed.values() for action in moves} == set(actions)
    pairs = 0
    for state, moves in case.allowed.items():
        row = case.make(session, state)
        for action in actions:
            who = ROLES if action in moves else ("admin",)
            ends = {role: attempt(session, case, row, action, role) for role in who}
            passed = {role for role, (_, refused) in ends.items() if refused is None}
            for role, (reached, refused) in ends.items():
                said = f"{case.machine.name} {state} {action} by {role}"
                if action not in moves:
                    assert isinstance(refused, IllegalMove), said
                    assert (refused.status, refused.details["state"]) == (409, state), said
                    assert sorted(refused.details["allowed"]) == sorted(moves), said
                elif role in passed:
                    assert reached == moves[action], said
                else:
                    assert isinstance(refused, MoveNotYours), said
                    assert set(refused.details["roles"]) & set(ROLES) == passed, said
                if refused is not None:
                    assert reached == state, said
            assert bool(passed) == (action in moves), f"{case.machine.name} {state} {action}"
            pairs += 1
    assert pairs == len(case.machine.states) * len(actions)


def test_no_life_cycle_is_left_out() -> None:
    assert {id(case.machine) for case in CASES} == {id(machine) for machine in MACHINES}


def test_a_table_that_allows_too_much_is_found(session: Session) -> None:
    shift = shift_of(session, "K1")
    case = next(case for case in CASES if case.machine is SHIFTS)
    everything = {"return_to_duty": "on_duty", "report_on_duty": "on_duty"}
    wrong = Case(
        SHIFTS, {**SHIFT_MOVES, "planned": {}, "off_duty": everything}, case.make, case.write
    )

    with pytest.raises(AssertionError, match="shift planned"):
        test_every_action_in_every_state_does_what_the_table_says(session, wrong)
    assert shift.status.value == "planned"
