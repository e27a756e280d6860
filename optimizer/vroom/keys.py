"""The keys of a VROOM document: which are read, which are refused, and where a refusal points."""

from collections.abc import Iterable
from typing import Any

from optimizer.reading import object_at
from optimizer.values import MAX_TIME, ProblemError, joined

DOCUMENT = ("vehicles", "jobs", "shipments", "matrices")
VEHICLE = (
    *("id", "profile", "description", "start", "start_index", "end", "end_index", "capacity"),
    *("skills", "time_window", "breaks", "speed_factor", "max_tasks", "max_travel_time", "costs"),
)
JOB = (
    *("id", "description", "location", "location_index", "setup", "service", "delivery", "pickup"),
    *("amount", "skills", "priority", "time_windows"),
)
_NOT_READ = {
    "max_distance": "is not read: a shift has no limit in metres",
    "steps": "is not read: a plan in force is an `incumbent` in the planning format",
    "type": "is not read: a crew has one service factor for all visits",
    "service_per_type": "is not read: a crew has one service factor for all visits",
    "setup_per_type": "is not read: a crew has one service factor for all visits",
    "max_load": "is not read: a break does not depend on the load",
    "per_km": "must be 0 or left out: driving is priced by time",
    "per_task_hour": "must be 0 or left out: service is not priced",
    "costs": "is not read: driving costs its seconds",
}
_WORDS = {
    "max_visits": "max_tasks",
    "max_travel": "max_travel_time",
    "travel_factor": "speed_factor",
}
"""What VROOM calls the keys of our types, wherever they stand."""


def keys_of(
    value: object, path: str, known: Iterable[str], required: Iterable[str]
) -> dict[str, Any]:
    """The object at a path with no keys but these."""
    found, names = object_at(value, path), tuple(known)
    for key, item in found.items():
        if key in names:
            continue
        if key in _NOT_READ:
            if key in {"per_km", "per_task_hour"} and item == 0:
                continue
            raise ProblemError(joined(path, key), _NOT_READ[key])
        raise ProblemError(joined(path, key), f"is unknown; known are {', '.join(names)}")
    for key in required:
        if key not in found:
            raise ProblemError(joined(path, key), "is required")
    return found


def offset_of(found: dict[str, Any]) -> int:
    """What VROOM's times are counted from, when they are Unix timestamps; 0 when they are not."""
    times = sorted(_times(found.get("vehicles")) + _times(found.get("jobs")))
    return times[0] if times and times[-1] > MAX_TIME else 0


def _times(items: object) -> list[int]:
    """All times of vehicles or jobs; whatever is no time is refused where it is read."""
    pairs: list[object] = []
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict):
            pairs.append(item.get("time_window"))
            holders = [item, *(item["breaks"] if isinstance(item.get("breaks"), list) else ())]
            for holder in holders:
                if isinstance(holder, dict) and isinstance(holder.get("time_windows"), list):
                    pairs.extend(holder["time_windows"])
    return [t for pair in pairs if isinstance(pair, list) for t in pair if type(t) is int]


class At:
    """Turns a refusal of our types into one at a path of the VROOM document.

    `words` are what the document calls the keys of our types there.
    """

    def __init__(self, path: str, words: dict[str, str]) -> None:
        self.path, self.words = path, _WORDS | words

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: object, _trace: object) -> None:
        if isinstance(error, ProblemError) and not error.path.startswith(self.path):
            key = self.words.get(error.path, error.path)
            raise ProblemError(joined(self.path, key), error.message) from None


def in_matrix(path: str) -> str:
    """The path of a matrix's key as VROOM spells it."""
    return path.replace("seconds", "durations", 1).replace("metres", "distances", 1)


def in_vroom(error: ProblemError) -> ProblemError:
    """A refusal of a whole problem, with the words of a VROOM document in its path."""
    path = error.path.replace("shifts[", "vehicles[", 1).replace("crews[", "vehicles[", 1)
    return ProblemError(path.replace("visits[", "jobs[", 1), error.message)
