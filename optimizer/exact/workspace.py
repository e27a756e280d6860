"""What all pricings of a bound share: how costs become integers, and room for labels and guides."""

from dataclasses import dataclass

import numpy as np

from optimizer.exact.moves import Ints


@dataclass(frozen=True, slots=True)
class Scale:
    """How costs become integers: times `unit`, and none above `most`, which is scaled."""

    unit: int
    most: int


class Workspace:
    """The arrays that all pricings share: labels, and what else depends on the class's size."""

    def __init__(self, labels: int) -> None:
        self.labels = labels
        self.figures = np.zeros((labels, 5), dtype=np.int64)
        self.links = np.zeros((labels, 4), dtype=np.int64)
        self._flat: dict[str, Ints] = {}
        self.guides: dict[int, tuple[Ints, int]] = {}
        """By kin of classes: the duals their guide is for, and its bound."""

    def array(self, name: str, *shape: int) -> Ints:
        """An array of this shape whose content is whatever was there before."""
        size = int(np.prod(shape))
        if name not in self._flat or len(self._flat[name]) < size:
            self._flat[name] = np.zeros(size, dtype=np.int64)
        return self._flat[name][:size].reshape(shape)
