"""What the guide of pricing learns from routes that come back."""

import numpy as np

from optimizer.exact.recall import DEEPEST, Recall, returns


def _line(count: int) -> Recall:
    at = np.arange(count + 2, dtype=np.int64)
    return Recall(100 * np.abs(at[:, None] - at[None, :]), count)


def _guided(recall: Recall, u: int) -> list[int]:
    return recall.near[u, 1 : recall.deep[u] + 1].tolist()


def test_ways_back_are_told_with_what_lies_between() -> None:
    assert list(returns([4, 1, 4, 2, 1])) == [([1], 4), ([4, 2], 1)]
    assert list(returns([4, 1, 2])) == []


def test_it_begins_with_the_nearest() -> None:
    recall = _line(12)

    assert recall.near[6, 0] == 6
    assert _guided(recall, 6) == [5]
    assert set(recall.near[6, :8].tolist()) == {3, 4, 5, 6, 7, 8, 9, 2}


def test_it_learns_the_shortest_ways_back_of_a_route_first() -> None:
    recall = _line(12)
    recall.lesson = [0, 9, 0, 3, 11, 9]

    assert recall.lacks()
    recall.learn()

    assert 0 in _guided(recall, 9)
    assert 9 not in _guided(recall, 3)
    assert not recall.lacks()  # the lesson is learned

    recall.lesson = [9, 0, 3, 11, 9]
    recall.learn()

    assert all(9 in _guided(recall, u) for u in (0, 3, 11))


def test_a_route_that_comes_back_nowhere_teaches_nothing() -> None:
    recall = _line(6)
    recall.lesson = [3, 1, 5]

    assert not recall.lacks()


def test_without_room_it_forgets_what_it_needed_least_often() -> None:
    recall = _line(20)
    for v in range(10, 10 + DEEPEST):
        recall.lesson = [v, 0, v]
        recall.learn()
        recall.needed[0, v] = 1 if v == 12 else 2

    recall.lesson = [19, 0, 19]
    recall.learn()

    assert set(_guided(recall, 0)) == {*range(10, 10 + DEEPEST), 19} - {12}
    assert recall.bit[0, recall.near[0, : DEEPEST + 1]].tolist() == list(range(DEEPEST + 1))
