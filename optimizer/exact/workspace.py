"""What all pricings of a bound share: how costs become integers, and room for labels and guides."""

from dataclasses import dataclass

import numpy as np

from optimizer.exact.completion import Guide, Shorts
from optimizer.exact.moves import Ints


@dataclass(frozen=True, slots=True)
class Scale:
    """How costs become integers: times `unit`, and none above `most`, which is scaled."""

    unit: int
    most: int


class Workspace:
    """The arrays that all pricings share: labels, and what else depends on the class's size."""

    def __init__(self, labels: int, most: int) -> None:
        self.labels = labels
        self.most = most
        """No visit pays more, scaled."""
        self.figures = np.zeros((labels, 5), dtype=np.int64)
        self.links = np.zeros((labels, 4), dtype=np.int64)
        self._flat: dict[str, Ints] = {}
        self._best = np.zeros(0, dtype=np.int32)
        self.guided: tuple[int, Ints, Guide, int] | None = None
        """The kin of classes whose guide was made last, the duals it is for, the guide and its bound."""

    def rows(self, count: int, buckets: int) -> Shorts:
        """The rows of a guide, with whatever was there before."""
        if len(self._best) < count * buckets:
            self._best = np.zeros(count * buckets, dtype=np.int32)
        return self._best[: count * buckets].reshape(count, buckets)

    def array(self, name: str, *shape: int) -> Ints:
        """An array of this shape whose content is whatever was there before."""
        size = int(np.prod(shape))
        if name not in self._flat or len(self._flat[name]) < size:
            self._flat[name] = np.zeros(size, dtype=np.int64)
        return self._flat[name][:size].reshape(shape)
