"""Things numbered from 0 that belong together, by and by: union-find with path halving."""

from collections.abc import Iterable


class Joined:
    """Each of `count` things by itself at first."""

    def __init__(self, count: int) -> None:
        self._root = list(range(count))

    def find(self, k: int) -> int:
        """One thing of those that this belongs with, the same one for all of them."""
        root = self._root
        while root[k] != k:
            root[k] = root[root[k]]
            k = root[k]
        return k

    def join(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Put together the two of each pair, and with them all that they belong with."""
        for one, other in pairs:
            self._root[self.find(one)] = self.find(other)
