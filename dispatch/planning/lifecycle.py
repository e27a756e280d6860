"""The life cycles of a plan, and of a look at the days ahead."""

from dispatch.core.lifecycle import Machine, move
from dispatch.planning.tables import OutlookStatus, PlanStatus

_S = PlanStatus
_O = OutlookStatus
_OFFICE = ("dispatcher", "admin", "system")

PLANS: Machine[PlanStatus] = Machine(
    "plan",
    PlanStatus,
    (
        move("solve", [_S.DRAFT, _S.SOLVING], _S.SOLVING, "system"),
        move("retry", [_S.SOLVING], _S.DRAFT, "system"),
        move("give_up", [_S.DRAFT, _S.SOLVING], _S.CLOSED, "system"),
        move("propose", [_S.DRAFT, _S.SOLVING], _S.PROPOSED, *_OFFICE),
        move("publish", [_S.PROPOSED], _S.PUBLISHED, *_OFFICE),
        move("activate", [_S.PUBLISHED], _S.ACTIVE, "crew", *_OFFICE),
        move("close", [_S.PUBLISHED, _S.ACTIVE], _S.CLOSED, *_OFFICE),
        move("discard", [_S.DRAFT, _S.SOLVING, _S.PROPOSED], _S.SUPERSEDED, *_OFFICE),
        move(
            "supersede",
            [_S.DRAFT, _S.SOLVING, _S.PROPOSED, _S.PUBLISHED, _S.ACTIVE],
            _S.SUPERSEDED,
            *_OFFICE,
        ),
    ),
)
"""Requested, solved, proposed, published, followed, closed; a newer plan supersedes an older one.

A plan that no run could make is closed with its error; `solve` again is a new run after one that died.
"""

OUTLOOKS: Machine[OutlookStatus] = Machine(
    "outlook",
    OutlookStatus,
    (
        move("search", [_O.WAITING, _O.SEARCHING], _O.SEARCHING, "system"),
        move("retry", [_O.SEARCHING], _O.WAITING, "system"),
        move("answer", [_O.SEARCHING], _O.ANSWERED, "system"),
        move("give_up", [_O.WAITING, _O.SEARCHING], _O.FAILED, "system"),
    ),
)
"""Asked for, searched, answered; `search` again is a new run after one whose process died."""

IN_FORCE = (PlanStatus.PUBLISHED, PlanStatus.ACTIVE)
"""A plan that crews work by."""
WAITING = (PlanStatus.DRAFT, PlanStatus.SOLVING)
"""A plan that no answer has come for yet."""
