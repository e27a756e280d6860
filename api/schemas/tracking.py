"""What was learnt of how long work and drives really take."""

from datetime import datetime
from typing import Self

from api.schemas.forms import Output
from dispatch.planning.learning import Applied
from dispatch.planning.spread import Measure, Part


class SpreadOut(Output):
    """The 10 %, 50 % and 90 % points of actual over planned time, from so many `visits`.

    `key` is the work type, the crew or the hour of the local day (empty: all drives). `weight` is how much this
    counts against what is assumed without history, 0 to 1, and `applied_*` is what both come to: for crews and
    hours one factor, by which the spread of the work type or of drives is multiplied. Of `setting_out` the points
    are seconds after the planned departure, and `key` is the occasion: begin, break or waiting.
    """

    measure: Measure
    part: Part
    key: str
    visits: int
    low: float
    mid: float
    high: float
    weight: float
    applied_low: float
    applied_mid: float
    applied_high: float
    learnt_at: datetime

    @classmethod
    def of_applied(cls, one: Applied) -> Self:
        """The answer for one spread, ratios to three places."""
        learnt, used = one.learnt, one.applied
        return cls(
            measure=learnt.measure,
            part=learnt.part,
            key=learnt.key,
            visits=learnt.count,
            low=round(learnt.spread.low, 3),
            mid=round(learnt.spread.mid, 3),
            high=round(learnt.spread.high, 3),
            weight=round(learnt.weight, 3),
            applied_low=round(used.low, 3),
            applied_mid=round(used.mid, 3),
            applied_high=round(used.high, 3),
            learnt_at=one.learnt_at,
        )
