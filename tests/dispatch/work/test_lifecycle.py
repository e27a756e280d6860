"""The tables of moves of work: every state with every action, against tables written by hand."""

import itertools
from enum import StrEnum

import pytest

from dispatch.core.lifecycle import IllegalMove, Machine, MoveNotYours
from dispatch.work.lifecycle import (
    DECLINE,
    NOT_DONE,
    PROMISES,
    READY_ORDERS,
    SERIES,
    UNFINISHED,
    VISITS,
    WORK_ORDERS,
)
from dispatch.work.tables import VisitStatus

VISIT_MOVES = {
    "planned": {"publish": "published", "cancel": "cancelled"},
    "published": {
        "dispatch": "dispatched",
        "accept": "accepted",
        "decline": "planned",
        "withdraw": "planned",
        "cancel": "cancelled",
    },
    "dispatched": {
        "accept": "accepted",
        "decline": "planned",
        "withdraw": "planned",
        "cancel": "cancelled",
    },
    "accepted": {
        "depart": "en_route",
        "decline": "planned",
        "withdraw": "planned",
        "cancel": "cancelled",
    },
    "en_route": {"arrive": "arrived", "fail": "not_done", "withdraw": "planned"},
    "arrived": {"start": "working", "fail": "not_done"},
    "working": {"pause": "paused", "finish": "done", "fail": "not_done"},
    "paused": {"resume": "working", "fail": "not_done"},
    "done": {"reopen": "working"},
    "not_done": {},
    "cancelled": {},
}
ORDER_MOVES = {
    "draft": {"make_ready": "ready", "cancel": "cancelled"},
    "ready": {
        "hold": "on_hold",
        "cancel": "cancelled",
        "complete_call": "completed",
        "schedule": "scheduled",
        "begin": "in_progress",
        "complete": "completed",
        "call_off": "cancelled",
    },
    "scheduled": {
        "hold": "on_hold",
        "cancel": "cancelled",
        "return_to_pool": "ready",
        "begin": "in_progress",
        "complete": "completed",
        "call_off": "cancelled",
    },
    "in_progress": {
        "return_to_pool": "ready",
        "schedule": "scheduled",
        "complete": "completed",
        "call_off": "cancelled",
    },
    "completed": {
        "verify": "verified",
        "close": "closed",
        "return_to_pool": "ready",
        "schedule": "scheduled",
        "begin": "in_progress",
    },
    "verified": {"close": "closed"},
    "closed": {},
    "on_hold": {"release": "ready", "cancel": "cancelled", "call_off": "cancelled"},
    "cancelled": {},
}
PROMISE_MOVES = {
    "offered": {"hold": "held", "book": "booked", "cancel": "cancelled"},
    "held": {"book": "booked", "cancel": "cancelled"},
    "booked": {
        "confirm": "confirmed",
        "keep": "kept",
        "miss": "missed",
        "reschedule": "rescheduled",
        "cancel": "cancelled",
    },
    "confirmed": {
        "keep": "kept",
        "miss": "missed",
        "reschedule": "rescheduled",
        "cancel": "cancelled",
    },
    "kept": {},
    "missed": {},
    "rescheduled": {},
    "cancelled": {},
}
SERIES_MOVES = {
    "draft": {"activate": "active", "end": "ended"},
    "active": {"suspend": "suspended", "end": "ended"},
    "suspended": {"resume": "active", "end": "ended"},
    "ended": {},
}

Expected = dict[str, dict[str, str]]
MACHINES: list[tuple[Machine[StrEnum], Expected]] = [
    (VISITS, VISIT_MOVES),  # type: ignore[list-item]
    (WORK_ORDERS, ORDER_MOVES),  # type: ignore[list-item]
    (PROMISES, PROMISE_MOVES),  # type: ignore[list-item]
    (SERIES, SERIES_MOVES),  # type: ignore[list-item]
]
PAIRS = [
    pytest.param(machine, expected, state, action, id=f"{machine.name}-{state}-{action}")
    for machine, expected in MACHINES
    for state, action in itertools.product(expected, sorted({row.action for row in machine.moves}))
]


def who_may(machine: Machine[StrEnum], state: str, action: str) -> frozenset[str]:
    [roles] = [row.roles for row in machine.moves if row.action == action and state in row.sources]
    return roles


@pytest.mark.parametrize(("machine", "expected", "state", "action"), PAIRS)
def test_every_state_allows_its_actions_and_refuses_all_others(
    machine: Machine[StrEnum], expected: Expected, state: str, action: str
) -> None:
    now = machine.states(state)
    target = expected[state].get(action)

    if target is None:
        with pytest.raises(IllegalMove) as refused:
            machine.target(now, action, role="admin", subject="X-1")
        assert refused.value.details["state"] == state
        assert sorted(refused.value.details["allowed"]) == sorted(expected[state])
        assert "X-1" in refused.value.message
        return
    roles = who_may(machine, state, action)
    assert roles
    for role in roles:
        assert machine.target(now, action, role=role, subject="X-1") == target
    for role in {"dispatcher", "admin", "intake", "crew", "auditor", "customer", "system"} - roles:
        with pytest.raises(MoveNotYours):
            machine.target(now, action, role=role, subject="X-1")


@pytest.mark.parametrize(("machine", "expected"), MACHINES)
def test_the_hand_written_tables_name_every_state(
    machine: Machine[StrEnum], expected: Expected
) -> None:
    assert set(expected) == {state.value for state in machine.states}


@pytest.mark.parametrize(("machine", "expected"), MACHINES)
def test_an_admin_may_do_whatever_a_dispatcher_may(
    machine: Machine[StrEnum], expected: Expected
) -> None:
    for row in machine.moves:
        assert ("dispatcher" in row.roles) == ("admin" in row.roles)


@pytest.mark.parametrize(("machine", "expected"), MACHINES)
def test_an_auditor_changes_nothing(machine: Machine[StrEnum], expected: Expected) -> None:
    for row in machine.moves:
        assert "auditor" not in row.roles


def test_a_crew_does_field_work_and_plans_nothing() -> None:
    crew = {row.action for row in VISITS.moves if "crew" in row.roles}

    assert crew == {
        "accept", "decline", "depart", "arrive", "start", "pause", "resume", "finish", "fail",
    }  # fmt: skip


def test_every_unfinished_visit_can_still_be_done() -> None:
    for state in UNFINISHED:
        seen, edge = {state}, [state]
        while edge:
            here = edge.pop()
            for row in VISITS.moves:
                if here in row.sources and row.target not in seen:
                    seen.add(row.target)
                    edge.append(row.target)
        assert VisitStatus.DONE in seen


def test_every_reason_is_shown_in_both_languages() -> None:
    for failure in NOT_DONE.values():
        assert failure.zh
        assert failure.en
    for zh, en in DECLINE.values():
        assert zh
        assert en


def test_orders_whose_visits_may_be_planned_are_neither_held_nor_over() -> None:
    assert [state.value for state in READY_ORDERS] == ["ready", "scheduled", "in_progress"]
