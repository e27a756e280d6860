"""What the time of scarce crews is worth while it is open who stays out.

Where a visit stays out step after step, the shifts that could serve it are full, perhaps of visits that
others could serve as well and that are there for a shorter drive. So their time is given a price, as a
Lagrangian relaxation would: a visit then counts for more there, by the second of its service, than on
the shifts that are less in demand. The prices follow the absence counters and end with the bold walk.
"""

import numpy as np
import numpy.typing as npt

from optimizer.search.layout import S_PACE
from optimizer.search.packing import Packed
from optimizer.search.searcher import Outline, Searcher

PRICE = 1.0
"""Points of a second of service on a shift that could serve a visit which is always left out."""
SELDOM = 0.05
"""Share of the steps up to which staying out means nothing: every visit is out now and then."""


def priced(packed: Packed, absent: npt.NDArray[np.float64]) -> Packed:
    """The problem with the time of scarce shifts at a price.

    `absent` is the share of the steps in which each visit stayed out. A visit pays the price of a shift
    only beyond that of the cheapest which could serve it: where that is all the same it pays nothing.
    """
    data = packed.data
    able = data.able != 0
    scarce = np.where(able, np.where(absent > SELDOM, absent, 0.0)[:, None], 0.0).max(axis=0)
    asked = np.where(able, scarce, 1.0)
    more = np.where(able, asked - asked.min(axis=1, keepdims=True), 0.0)
    service = data.service[data.shift[:, S_PACE], :, 0].T
    points = np.round(PRICE * more * service).astype(np.int64)
    return packed._replace(data=data._replace(serve=np.ascontiguousarray(data.serve + points)))


class Scarcity:
    """The prices of one walk, and the cheapest plan that it met by what plans truly cost."""

    def __init__(self, searcher: Searcher) -> None:
        self._searcher, self._packed = searcher, searcher.packed
        self._absent, self._steps = searcher.absences(), searcher.steps
        self.best: Outline | None = None
        """None as long as there were no prices."""

    def look(self) -> None:
        """Set the prices by who has stayed out since the last look, and go on from where the walk stands."""
        searcher = self._searcher
        absent, steps = searcher.absences(), searcher.steps
        share = np.minimum(1.0, (absent - self._absent) / max(1, steps - self._steps))
        self._absent, self._steps = absent, steps
        if searcher.packed is self._packed and not (share > SELDOM).any():
            return
        here = searcher.standing()
        self.best = self._cheapest(self.best)
        searcher.go_on(priced(self._packed, share), here)

    def end(self) -> None:
        """Go on without prices from the cheapest plan met."""
        if self.best is not None:
            self.best = self._cheapest(self.best)
            self._searcher.go_on(self._packed, self.best)

    def _cheapest(self, before: Outline | None) -> Outline:
        """The cheaper of a plan and the best since the last look, both without prices."""
        searcher = self._searcher
        searcher.go_on(self._packed, searcher.best())
        found = searcher.best()
        return found if before is None or found.total < before.total else before
