"""The table of moves of a request: every state with every action, against a table written by hand."""

import itertools

import pytest
from sqlmodel import Session

from dispatch.core.lifecycle import IllegalMove, MoveNotYours
from dispatch.desk import requests
from dispatch.desk.lifecycle import OPEN, REQUESTS
from dispatch.desk.tables import RequestStatus
from tests.builders.desk import CLERK, make_request
from tests.instants import NOW

COUNTER = {
    "begin": "in_progress",
    "ask_customer": "waiting_customer",
    "refer": "referred",
    "resolve": "resolved",
    "merge": "merged",
    "mark_duplicate": "duplicate",
    "reject": "rejected",
    "cancel": "cancelled",
}
ENDING = {"resolve": "resolved", "merge": "merged", "cancel": "cancelled"}
MOVES: dict[str, dict[str, str]] = {
    "received": {**COUNTER, "triage": "triaged"},
    "reopened": {**COUNTER, "triage": "triaged"},
    "triaged": COUNTER,
    "in_progress": {**ENDING, "ask_customer": "waiting_customer", "refer": "referred"},
    "waiting_customer": {**ENDING, "begin": "in_progress"},
    "referred": {**ENDING, "begin": "in_progress"},
    "resolved": {"confirm": "confirmed", "close": "closed", "reopen": "reopened"},
    "confirmed": {"close": "closed", "reopen": "reopened"},
    "closed": {"reopen": "reopened"},
    "merged": {},
    "duplicate": {},
    "rejected": {},
    "cancelled": {},
}
ACTIONS = sorted({row.action for row in REQUESTS.moves})
ROLES = {"dispatcher", "admin", "intake", "crew", "auditor", "customer", "system"}


@pytest.mark.parametrize(("state", "action"), list(itertools.product(MOVES, ACTIONS)))
def test_every_state_allows_its_actions_and_refuses_all_others(state: str, action: str) -> None:
    now, target = RequestStatus(state), MOVES[state].get(action)

    if target is None:
        with pytest.raises(IllegalMove) as refused:
            REQUESTS.target(now, action, role="intake", subject="R-1")
        assert refused.value.details["state"] == state
        assert sorted(refused.value.details["allowed"]) == sorted(MOVES[state])
        return
    [roles] = [row.roles for row in REQUESTS.moves if row.action == action and now in row.sources]
    for role in roles:
        assert REQUESTS.target(now, action, role=role, subject="R-1") == target
    for role in ROLES - roles:
        with pytest.raises(MoveNotYours):
            REQUESTS.target(now, action, role=role, subject="R-1")


def test_the_hand_written_table_names_every_state() -> None:
    assert set(MOVES) == {state.value for state in RequestStatus}


def test_the_office_may_do_everything_and_an_auditor_nothing() -> None:
    for row in REQUESTS.moves:
        assert {"intake", "dispatcher", "admin"} <= row.roles
        assert "auditor" not in row.roles


def test_every_open_request_can_be_resolved() -> None:
    for state in OPEN:
        assert "resolve" in REQUESTS.allowed(state, "intake")


@pytest.mark.parametrize("state", RequestStatus)
def test_the_writer_refuses_what_the_table_refuses(session: Session, state: RequestStatus) -> None:
    request = make_request(session)
    request.status = state
    session.flush()

    for action in ACTIONS:
        if action in MOVES[state.value]:
            continue
        with pytest.raises(IllegalMove) as refused:
            requests.move(session, request, action, actor=CLERK, now=NOW)
        assert refused.value.details["state"] == state.value
        assert request.status == state
