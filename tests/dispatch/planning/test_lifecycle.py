"""The life cycle of a plan: every action in every state."""

import pytest

from dispatch.core.lifecycle import IllegalMove, MoveNotYours
from dispatch.planning.lifecycle import IN_FORCE, PLANS, WAITING
from dispatch.planning.tables import PlanStatus

ALLOWED = {
    "draft": {"solve": "solving", "give_up": "closed", "propose": "proposed",
              "discard": "superseded", "supersede": "superseded"},
    "solving": {"solve": "solving", "retry": "draft", "give_up": "closed", "propose": "proposed",
                "discard": "superseded", "supersede": "superseded"},
    "proposed": {"publish": "published", "discard": "superseded", "supersede": "superseded"},
    "published": {"activate": "active", "close": "closed", "supersede": "superseded"},
    "active": {"close": "closed", "supersede": "superseded"},
    "closed": {},
    "superseded": {},
}  # fmt: skip
ACTIONS = sorted({action for moves in ALLOWED.values() for action in moves})


@pytest.mark.parametrize("state", PlanStatus)
@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_leads_where_it_should_or_is_refused(state: PlanStatus, action: str) -> None:
    target = ALLOWED[state.value].get(action)
    if target is None:
        with pytest.raises(IllegalMove) as refusal:
            PLANS.target(state, action, role="system", subject="1")
        assert sorted(refusal.value.details["allowed"]) == sorted(ALLOWED[state.value])
    else:
        assert PLANS.target(state, action, role="system", subject="1").value == target


@pytest.mark.parametrize(("role", "actions"), [
    ("crew", {"activate"}),
    ("intake", set()),
    ("auditor", set()),
    ("dispatcher", {"propose", "publish", "activate", "close", "discard", "supersede"}),
])  # fmt: skip
def test_who_may_do_what(role: str, actions: set[str]) -> None:
    for state in PlanStatus:
        for action in ALLOWED[state.value]:
            if action in actions:
                PLANS.target(state, action, role=role, subject="1")
            else:
                with pytest.raises(MoveNotYours):
                    PLANS.target(state, action, role=role, subject="1")


def test_the_groups_of_states_hold_what_their_names_say() -> None:
    assert {state.value for state in IN_FORCE} == {"published", "active"}
    assert {state.value for state in WAITING} == {"draft", "solving"}
