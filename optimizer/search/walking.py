"""A step along a route: from the labels at one stop to those at the next, and back again.

The compiled twin of `timeline.py`, over arrays instead of lists. Waiting is free and service times
are fixed, so for each set of breaks taken the earliest moment is the best; a label beats another
when it has taken no fewer breaks, is no later and costs no more.
"""

from optimizer.kernels import inlined, part
from optimizer.search.layout import (
    INF,
    L_BEGIN,
    L_COST,
    L_COUNT,
    L_FROM,
    L_MASK,
    L_SLACK,
    L_TIME,
    LABELS,
    V_CLOSE,
    V_DUE,
    V_LATE,
    V_OPEN,
    V_SINGLE,
    V_WINDOW,
    V_WINDOWS,
)

WAYS = 64
"""Orders of breaks looked at between two stops."""


@inlined
def first_begin(visit, window, v, ready, low, high):
    """The first moment from `ready` on in a window of the visit and in `[low, high]`, or INF."""
    begin = max(ready, low)
    if visit[v, V_SINGLE]:
        begin = max(begin, visit[v, V_OPEN])
        return begin if begin <= visit[v, V_CLOSE] and begin <= high else INF
    for w in range(visit[v, V_WINDOW], visit[v, V_WINDOWS]):
        if begin <= window[w, 1]:
            begin = max(begin, window[w, 0])
            return begin if begin <= high else INF
    return INF


@part
def close_after(visit, window, v, begin, high):
    """The last moment in the window in which `begin` lies, at most `high`."""
    for w in range(visit[v, V_WINDOW], visit[v, V_WINDOWS]):
        if begin <= window[w, 1]:
            return min(window[w, 1], high)
    return begin


@inlined
def last_begin(visit, window, v, latest, low, high):
    """The last moment up to `latest` in a window of the visit and in `[low, high]`, or -INF."""
    begin = min(latest, high)
    if visit[v, V_SINGLE]:
        begin = min(begin, visit[v, V_CLOSE])
        return begin if begin >= visit[v, V_OPEN] and begin >= low else -INF
    for w in range(visit[v, V_WINDOWS] - 1, visit[v, V_WINDOW] - 1, -1):
        if window[w, 0] <= begin:
            begin = min(begin, window[w, 1])
            return begin if begin >= low else -INF
    return -INF


@part
def set_origin(label, row, begin):
    """The one label with which a route begins."""
    label[row, 0, L_MASK] = 0
    label[row, 0, L_TIME] = begin
    label[row, 0, L_COST] = 0
    label[row, 0, L_SLACK] = INF
    label[row, 0, L_BEGIN] = begin
    label[row, 0, L_FROM] = -1
    label[row, 0, L_COUNT] = 1


@part
def _keep(label, row, mask, time, cost, slack, begin, origin):
    """Put a label in its place by time, unless another beats it; those it beats go."""
    count = label[row, 0, L_COUNT]
    for k in range(count):
        if (
            label[row, k, L_TIME] <= time
            and label[row, k, L_COST] <= cost
            and label[row, k, L_MASK] & mask == mask
        ):
            return
    kept = 0
    for k in range(count):
        beaten = (
            time <= label[row, k, L_TIME]
            and cost <= label[row, k, L_COST]
            and mask & label[row, k, L_MASK] == label[row, k, L_MASK]
        )
        if not beaten:
            if kept < k:
                for c in range(L_COUNT):
                    label[row, kept, c] = label[row, k, c]
            kept += 1
    at = kept
    while at > 0 and label[row, at - 1, L_TIME] > time:
        at -= 1
    if kept == LABELS:
        kept -= 1
        if at > kept:
            label[row, 0, L_COUNT] = LABELS
            return
    for k in range(kept, at, -1):
        for c in range(L_COUNT):
            label[row, k, c] = label[row, k - 1, c]
    label[row, at, L_MASK] = mask
    label[row, at, L_TIME] = time
    label[row, at, L_COST] = cost
    label[row, at, L_SLACK] = slack
    label[row, at, L_BEGIN] = begin
    label[row, at, L_FROM] = origin
    label[row, 0, L_COUNT] = kept + 1


@part
def _pause_before(way, mask, time, leg, pause, s, breaks, full):
    """Fill `way` with the label and those with breaks taken before the next drive; how many."""
    way[0, 0], way[0, 1], way[0, 2], way[0, 3] = mask, time, 0, INF
    count, k = 1, 0
    while k < count:
        taken, now = way[k, 0], way[k, 1]
        undone = full & ~taken
        single = undone & (undone - 1) == 0
        for b in range(breaks):
            # The last break is as well taken after the drive, unless that is too late for it.
            if taken >> b & 1 or (single and now + leg <= pause[s, b, 1]):
                continue
            begin = max(pause[s, b, 0], now)
            if begin <= pause[s, b, 1] and count < WAYS // 2:
                way[count, 0] = taken | 1 << b
                way[count, 1] = begin + pause[s, b, 2]
                way[count, 2] = way[k, 2] + pause[s, b, 2]
                way[count, 3] = min(way[k, 3], pause[s, b, 1] - begin)
                count += 1
        k += 1
    return count


@part
def _arrive(
    way, count, leg, v, visit, window, seconds, low, high, pause, deadline, s, breaks, full
):
    """Drive `leg` from every way, and take breaks after it where that can pay; how many ways."""
    kept = 0
    for k in range(count):
        now = way[k, 1] + leg
        if now <= deadline[s, way[k, 0]]:
            way[kept, 0], way[kept, 1] = way[k, 0], now
            way[kept, 2], way[kept, 3] = way[k, 2], way[k, 3]
            kept += 1
    k = 0
    while k < kept:
        taken, now = way[k, 0], way[k, 1]
        undone = full & ~taken
        single = undone & (undone - 1) == 0
        for b in range(breaks):
            if taken >> b & 1:
                continue
            begin = max(pause[s, b, 0], now)
            if begin > pause[s, b, 1]:
                continue
            # Waiting for a break that could as well follow the service is never better.
            if single and pause[s, b, 0] >= first_begin(visit, window, v, now, low, high) + seconds:
                continue
            if kept < WAYS:
                way[kept, 0] = taken | 1 << b
                way[kept, 1] = begin + pause[s, b, 2]
                way[kept, 2] = way[k, 2] + pause[s, b, 2]
                way[kept, 3] = min(way[k, 3], pause[s, b, 1] - begin)
                kept += 1
        k += 1
    return kept


@part
def extend(
    label, row, out, to, way, leg, v, seconds, low, high, visit, window, pause, deadline,
    s, breaks, full, limit, work,
):  # fmt: skip
    """Write the labels after driving `leg` and serving `v` for `seconds`; how many there are.

    `low` and `high` narrow the windows; `limit` is the last end; `work` points per working second.
    """
    out[to, 0, L_COUNT] = 0
    due, late = visit[v, V_DUE], visit[v, V_LATE]
    for a in range(label[row, 0, L_COUNT]):
        mask, time = label[row, a, L_MASK], label[row, a, L_TIME]
        if mask == full:
            way[0, 0], way[0, 1], way[0, 2], way[0, 3] = mask, time + leg, 0, INF
            count = 1
        else:
            count = _pause_before(way, mask, time, leg, pause, s, breaks, full)
            count = _arrive(
                way, count, leg, v, visit, window, seconds, low, high, pause, deadline,
                s, breaks, full,
            )  # fmt: skip
        for k in range(count):
            begin = first_begin(visit, window, v, way[k, 1], low, high)
            end = begin + seconds
            if begin >= INF or end > limit or end > deadline[s, way[k, 0]]:
                continue
            cost = label[row, a, L_COST] + late * max(0, begin - due)
            slack = label[row, a, L_SLACK]
            if work:
                waited = begin - time - way[k, 2] - leg
                # Waiting is taken out of the working time by setting out later, as far as that goes.
                absorbed = min(waited, slack)
                cost += work * (leg + waited - absorbed + seconds)
                slack = min(slack - absorbed, way[k, 3])
                slack = min(slack, close_after(visit, window, v, begin, high) - begin)
                if late:
                    slack = min(slack, max(0, due - begin))
            _keep(out, to, way[k, 0], end, cost, slack, begin, a)
    return out[to, 0, L_COUNT]


@part
def finish(label, row, way, leg, has_end, pause, deadline, s, breaks, full, end, limit, over, work):
    """The cheapest ending after the labels: (points, return, label), INF points when none.

    `end` is the end of the shift, `over` points per second of overtime.
    """
    best, returns, chosen = INF, INF, -1
    for a in range(label[row, 0, L_COUNT]):
        mask, time = label[row, a, L_MASK], label[row, a, L_TIME]
        if mask == full or not has_end:
            way[0, 0], way[0, 1], way[0, 2], way[0, 3] = mask, time, 0, INF
            count = 1
        else:
            count = _pause_before(way, mask, time, leg, pause, s, breaks, full)
        for k in range(count):
            back = way[k, 1] + leg
            if back > limit or back > deadline[s, way[k, 0]]:
                continue
            cost = label[row, a, L_COST] + over * max(0, back - end)
            if work:
                waited = back - time - way[k, 2] - leg
                cost += work * (leg + waited - min(waited, label[row, a, L_SLACK], way[k, 3]))
            if cost < best or (cost == best and back < returns):
                best, returns, chosen = cost, back, a
    return best, returns, chosen


@part
def latest_at_end(latest, row, leg, pause, deadline, s, breaks, full, limit):
    """Write the latest ends of the last service for each set of breaks taken."""
    for mask in range(full + 1):
        latest[row, mask] = min(limit, deadline[s, mask]) - leg
    if leg:
        _pause_back(latest, row, pause, s, breaks, full)


@part
def latest_before(
    latest, after, row, leg, v, seconds, low, high, visit, window, pause, deadline,
    s, breaks, full, limit,
):  # fmt: skip
    """Write into `row` the latest ends of the stop before `v`, whose own are in `after`."""
    for mask in range(full + 1):
        end = min(latest[after, mask], min(limit, deadline[s, mask]))
        latest[row, mask] = last_begin(visit, window, v, end - seconds, low, high)
    if breaks:
        _pause_back(latest, row, pause, s, breaks, full)
    for mask in range(full + 1):
        latest[row, mask] -= leg
    if breaks:
        _pause_back(latest, row, pause, s, breaks, full)


@part
def _pause_back(latest, row, pause, s, breaks, full):
    """The same moments when breaks may be taken at this point."""
    for mask in range(full, -1, -1):
        for b in range(breaks):
            if not mask >> b & 1:
                then = latest[row, mask | 1 << b]
                if pause[s, b, 0] + pause[s, b, 2] <= then:
                    latest[row, mask] = max(
                        latest[row, mask], min(pause[s, b, 1], then - pause[s, b, 2])
                    )
