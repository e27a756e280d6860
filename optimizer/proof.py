"""Whether what is proven of one problem holds for another: a plan edited by hand keeps its bound.

A bound holds for every plan of its problem. Where a problem asks more of its visits, and is the same
otherwise, each of its plans is one of the other's at the same cost, so that the bound holds for it too.
A plan in force where there was none only adds the points of changes to it. Documents are compared, of
which only the visits that differ are read.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from optimizer.codec import visit_from
from optimizer.work import Visit, Window

_APART = frozenset({"visits", "incumbent", "meta"})
_HARDER = frozenset({"windows", "pinned", "allowed_crews", "forbidden_crews"})
"""What a visit may ask more of, when its plans are to stay plans without that."""


def holds_for(problem: Mapping[str, Any], proven_of: Mapping[str, Any]) -> bool:
    """Whether a bound proven of one problem is one of the other too; both as JSON's own types."""
    asked, others = _parts(problem)
    known, same = _parts(proven_of)
    if others != same or not _moves_no_less(problem, proven_of):
        return False
    if [each["id"] for each in asked] != [each["id"] for each in known]:
        return False
    return all(
        after == before or asks_more(visit_from(after), visit_from(before))
        for after, before in zip(asked, known, strict=True)
    )


def _parts(problem: Mapping[str, Any]) -> tuple[Sequence[Mapping[str, Any]], dict[str, Any]]:
    """The visits, and all else that a plan and its cost depend on."""
    rest = {key: value for key, value in problem.items() if key not in _APART}
    return problem.get("visits", ()), rest


def _moves_no_less(problem: Mapping[str, Any], proven_of: Mapping[str, Any]) -> bool:
    """Whether every plan costs as much or more in changes to the plan in force."""
    before = proven_of.get("incumbent")
    return before in (None, problem.get("incumbent")) or not proven_of["weights"].get("change")


def asks_more(after: Visit, before: Visit) -> bool:
    """Whether wherever and whenever the one can be served, so can the other, at the same cost."""
    if any(
        getattr(after, key) != getattr(before, key) for key in Visit.__slots__ if key not in _HARDER
    ):
        return False
    pin, pinned = after.pinned, before.pinned
    return (
        (pinned is None or (pin is not None and pin.shift == pinned.shift))
        and _within(after.begins, before.begins)
        and {*before.forbidden_crews} <= {*after.forbidden_crews}
        and (
            before.allowed_crews is None
            or (after.allowed_crews is not None and {*after.allowed_crews} <= {*before.allowed_crews})
        )
    )  # fmt: skip


def _within(windows: Sequence[Window], others: Sequence[Window]) -> bool:
    """Whether each window lies in one of the others; none at all means any time."""
    if not others:
        return True
    return bool(windows) and all(
        any(other.open <= window.open and window.close <= other.close for other in others)
        for window in windows
    )
