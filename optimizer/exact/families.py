"""The pricing of all classes of shifts, on all cores at once."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

import numpy as np

from optimizer.exact.cuts import Prices
from optimizer.exact.pricing import Priced, ShiftClass
from optimizer.exact.workspace import Scale, Workspace

MOST_LABELS = 1_000_000
"""Labels of one pricing; beyond that the bound of its relaxation counts. About 100 MB a core."""


class Families:
    """Classes of shifts by kin: those of one family share their guides, the families the cores.

    What is found does not depend on how many `workers` they are. No pricing begins once `late`
    answers True. `cores` must be shut down in the end.
    """

    def __init__(
        self, classes: Sequence[ShiftClass], scale: Scale, workers: int, late: Callable[[], bool]
    ) -> None:
        self.classes, self.scale, self.late = classes, scale, late
        self.groups = [
            [k for k, kind in enumerate(classes) if kind.kin == kin]
            for kin in sorted({kind.kin for kind in classes})
        ]
        self.rooms = [Workspace(MOST_LABELS, scale.most) for _ in range(workers)]
        self.spaces: SimpleQueue[Workspace] = SimpleQueue()
        for space in self.rooms:
            self.spaces.put(space)
        self.cores = ThreadPoolExecutor(workers, "pricing")

    def price(self, prices: Prices, thresholds: Sequence[int], effort: int) -> list[Priced] | None:
        """What pricing finds for each class, see `ShiftClass.price`; None when it is late."""

        def one(group: list[int]) -> dict[int, Priced]:
            found: dict[int, Priced] = {}
            # Without limits, classes that differ in stock only have the same routes.
            for same in self._alike(group):
                if self.late():
                    break
                highest = max(thresholds[k] for k in same)
                space = self.spaces.get()
                priced = self.classes[same[0]].price(
                    prices, highest, self.scale, space, effort=effort
                )
                self.spaces.put(space)
                found.update(dict.fromkeys(same, priced))
            return found

        found: dict[int, Priced] = {}
        for some in self.cores.map(one, self.groups):
            found |= some
        whole = len(found) == len(self.classes)
        return [found[k] for k in range(len(self.classes))] if whole else None

    def restrict(self, prices: Prices, most: Sequence[int], effort: int) -> None:
        """Leave out the moves of each class that are on no route with a reduced cost up to `most`."""

        def one(group: list[int]) -> None:
            if self.late():
                return
            space = self.spaces.get()
            # Classes alike but for their stock keep the same moves, so as to share their guides.
            highest = max(most[k] for k in group)
            made = [
                self.classes[same[0]].moves(prices, highest, space, effort)
                for same in self._alike(group)
            ]
            known = [moves for moves in made if moves is not None]
            if len(known) == len(made):
                for k in group:
                    self.classes[k].restrict(np.logical_or.reduce(known))
            self.spaces.put(space)

        list(self.cores.map(one, self.groups))
        for space in self.rooms:
            space.guided = None

    def _alike(self, group: Sequence[int]) -> list[list[int]]:
        alike: dict[int, list[int]] = {}
        for k in group:
            alike.setdefault(k if self.classes[k].kept else -1, []).append(k)
        return list(alike.values())
