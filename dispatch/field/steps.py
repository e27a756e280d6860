"""The actions of a crew's page, and the moves of a visit that they stand for."""

from collections.abc import Mapping

from dispatch.work.lifecycle import VISITS
from dispatch.work.tables import VisitStatus

MOVES: Mapping[str, str] = {
    "accept": "accept",
    "decline": "decline",
    "en_route": "depart",
    "arrived": "arrive",
    "start": "start",
    "pause": "pause",
    "resume": "resume",
    "done": "finish",
    "not_done": "fail",
}
"""What a crew's action is called on its page: what the visit's life cycle calls it."""

CHECK_IN = "check_in"
"""Whoever works alone is well; it moves nothing."""

FORWARD = ("accept", "en_route", "arrived", "start", "resume", "done")
"""The one big button: whichever of these the state allows."""

NEEDS_FREE_CREW = ("en_route", "resume")


def allowed(status: VisitStatus, *, crew_is_free: bool = True) -> tuple[str, ...]:
    """What a crew may do with a visit of its own in this state; some of it only while no other one holds it."""
    moves = set(VISITS.allowed(status, "crew"))
    return tuple(
        action
        for action, move in MOVES.items()
        if move in moves and (crew_is_free or action not in NEEDS_FREE_CREW)
    )


def next_of(actions: tuple[str, ...]) -> str | None:
    """The step forward among the allowed actions, if there is one."""
    return next((action for action in FORWARD if action in actions), None)


def moves() -> dict[str, dict[str, str]]:
    """Every state's actions and where they lead: what a page needs to go on without a network."""
    return {
        status.value: {
            action: VISITS.target(status, MOVES[action], role="crew", subject="").value
            for action in allowed(status)
        }
        for status in VisitStatus
        if allowed(status)
    }
