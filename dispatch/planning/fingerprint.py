"""The board's fingerprint: what a plan was made from, and what of it has moved since.

It is made of what planning reads of each row rather than of row versions, so that a crew that accepts a visit or
a corrected telephone number leaves a waiting plan publishable. Visits that crews have begun are not in it: a plan
never moves them.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from dispatch.planning.board import Board, BoardShift, BoardVisit

Parts = dict[str, dict[str, str]]
"""Group of rows -> id -> digest of what planning reads of the row."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What differs between two boards, ids by group."""

    changed: Mapping[str, list[str]]
    new: Mapping[str, list[str]]
    gone: Mapping[str, list[str]]

    def __bool__(self) -> bool:
        return bool(self.changed or self.new or self.gone)

    def __str__(self) -> str:
        words = []
        for label, groups in (("changed", self.changed), ("new", self.new), ("gone", self.gone)):
            for group, ids in groups.items():
                some = ", ".join(ids[:5]) + (f" and {len(ids) - 5} more" if len(ids) > 5 else "")
                words.append(f"{group} {label}: {some}")
        return "; ".join(words)

    def document(self) -> dict[str, dict[str, list[str]]]:
        """The same as plain JSON values."""
        return {"changed": dict(self.changed), "new": dict(self.new), "gone": dict(self.gone)}


def parts(board: Board) -> Parts:
    """What the fingerprint is made of. Locks are not in it: publishing checks a plan against them directly."""
    rules = board.rules
    return {
        "plan": {"in force": str(board.in_force or "none")},
        "visits": {visit.id: _digest(_of_visit(visit)) for visit in board.visits},
        "shifts": {shift.id: _digest(_of_shift(shift)) for shift in board.shifts},
        "certificates": {
            shift.id: _digest([dict(shift.skills.skills), shift.skills.members])
            for shift in board.shifts
        },
        "stock": {crew: _digest(dict(board.stock[crew])) for crew in sorted(board.stock)},
        "relations": {
            str(tie.id): _digest([tie.type, tie.visits, tie.min_gap_s, tie.max_gap_s])
            for tie in board.ties
        },
        "points": {priority.value: _digest(rules.points[priority]) for priority in rules.points},
        "rules": {name: _digest(dict(value)) for name, value in rules.documents.items()},
    }


def of(found: Parts) -> str:
    """The fingerprint of these parts: SHA-256, in hexadecimal."""
    return _sha256(found).hexdigest()


def moved(before: Parts, after: Parts, *, but: Collection[str] = ()) -> Moved:
    """What differs; visits named in `but`, and relations that ended with them, are not looked at."""
    changed: dict[str, list[str]] = {}
    new: dict[str, list[str]] = {}
    gone: dict[str, list[str]] = {}
    for group in after:
        old, now = before.get(group, {}), after[group]
        seen = but if group == "visits" else ()
        for label, ids in (
            (changed, [key for key in now if key in old and old[key] != now[key]]),
            (new, [key for key in now if key not in old]),
            (gone, [key for key in old if key not in now]),
        ):
            kept = sorted(key for key in ids if key not in seen)
            if kept and not (but and group == "relations" and label is gone):
                label[group] = kept
    return Moved(changed, new, gone)


def _of_visit(visit: BoardVisit) -> list[Any]:
    return [
        visit.is_given, visit.earliest_day, visit.duration_s, visit.setup_s, visit.due,
        visit.window_start_at, visit.window_end_at, visit.allowed_crews, visit.forbidden_crews,
        visit.preferred_crews, visit.priority, visit.customer_class, visit.premises_id, visit.lat,
        visit.lon, visit.work_type, dict(visit.skills), dict(visit.parts), visit.members,
    ]  # fmt: skip


def _of_shift(shift: BoardShift) -> list[Any]:
    return [
        shift.works, shift.crew_id, shift.starts_at, shift.ends_at, shift.max_overtime_s,
        shift.depot_id, shift.lat, shift.lon,
        [[pause.earliest_at, pause.latest_at, pause.duration_s] for pause in shift.breaks],
    ]  # fmt: skip


def _digest(value: Any) -> str:
    return _sha256(value).hexdigest()[:12]


def _sha256(value: Any) -> "hashlib._Hash":
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode())
