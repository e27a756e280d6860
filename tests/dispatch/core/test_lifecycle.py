"""Tables of moves: what they allow and what they say when they refuse."""

from enum import StrEnum

import pytest

from dispatch.core.lifecycle import IllegalMove, Machine, MoveNotYours, move


class Light(StrEnum):
    RED = "red"
    GREEN = "green"
    OFF = "off"


LIGHTS = Machine(
    "light",
    Light,
    [
        move("go", [Light.RED], Light.GREEN, "officer"),
        move("stop", [Light.GREEN], Light.RED, "officer", "child"),
        move("switch_off", Light, Light.OFF, "officer"),
    ],
)


def test_an_allowed_move_leads_to_its_target() -> None:
    assert LIGHTS.target(Light.RED, "go", role="officer", subject="L1") is Light.GREEN


def test_an_illegal_move_names_the_state_and_what_it_allows() -> None:
    with pytest.raises(
        IllegalMove, match="light L1 is red: it cannot stop; it allows go, switch_off"
    ) as caught:
        LIGHTS.target(Light.RED, "stop", role="officer", subject="L1")
    assert caught.value.details["allowed"] == ["go", "switch_off"]


def test_a_move_of_another_role_is_refused_and_says_whose_it_is() -> None:
    with pytest.raises(MoveNotYours, match="officer may"):
        LIGHTS.target(Light.RED, "go", role="child", subject="L1")


def test_what_a_role_may_do_is_listed_in_the_tables_order() -> None:
    assert LIGHTS.allowed(Light.GREEN, "child") == ["stop"]
    assert LIGHTS.allowed(Light.GREEN) == ["stop", "switch_off"]
