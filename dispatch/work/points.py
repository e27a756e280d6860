"""The points of a checklist: what kind of proof each of them is."""

from dataclasses import dataclass
from enum import StrEnum

from dispatch.work.catalogue import shipped


class PointKind(StrEnum):
    """How a point is answered: ticked off, with a number, with photographs, with a signature or a code."""

    TICK = "tick"
    READING = "reading"
    PHOTO = "photo"
    SIGNATURE = "signature"


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a checklist and its names. A reading is in `unit` and plausible from `low` to `high`."""

    code: str
    kind: PointKind
    zh: str
    en: str
    unit: str = ""
    low: float | None = None
    high: float | None = None

    def is_plausible(self, value: float) -> bool:
        """Whether a reading of this size is what one would expect."""
        return (self.low is None or self.low <= value) and (self.high is None or value <= self.high)


def point(code: str) -> Point:
    """The point with this code; one that a branch added itself is ticked off and shown as its code."""
    known = shipped()["checklist"].get(code, {})
    return Point(
        code=code,
        kind=PointKind(known.get("kind", PointKind.TICK)),
        zh=known.get("zh", code),
        en=known.get("en", code),
        unit=known.get("unit", ""),
        low=known.get("low"),
        high=known.get("high"),
    )
