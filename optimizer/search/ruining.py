"""Ruin and recreate: strings of neighbouring stops out, and back in greedily with blinks.

After Christiaens and Vanden Berghe, "Slack Induction by String Removals for Vehicle Routing
Problems", Transportation Science 54 (2020), with visits that may stay out, several orders of
recreation, and whatever depends on a visit going with it.
"""

from optimizer.kernels import inlined, part
from optimizer.search.inserting import insert, is_plain
from optimizer.search.layout import (
    COUNT_LEFT,
    COUNT_STAMP,
    COUNT_TOUCHED,
    INF,
    N_NEXT,
    N_PREV,
    N_SHIFT,
    R_COUNT,
    ROW_LEFT,
    ROW_TOUCHED,
    ROW_WAITING,
    TIED_TIME,
    V_FAR,
    V_GROUP,
    V_ROOM,
    V_TIED,
    V_WORTH,
)
from optimizer.search.retiming import retime
from optimizer.search.scanning import near_spot
from optimizer.search.spots import (
    below,
    best_spot,
    draw,
    gather_all,
    link,
    list_idle,
    list_touched,
    unlink,
    waits,
)
from optimizer.search.ties import (
    hold_for_seconds,
    insert_group,
    place,
    release,
    settle,
    take_out_worthless,
    touch,
)

LONGEST_STRING = 10
MEAN_REMOVED = 10
SPLIT, SPLIT_LONGER = 0.5, 0.01
BLINK = 0.01
MOST_RETRIED = 12
"""Visits left out before the ruin that are tried again in one recreation."""
FROM_LEFT, IN_THE_WAY = 0.25, 0.7
"""Share of the ruins for the sake of a visit left out; of these, the share at a shift that could serve it."""
WORTH_FIRST, BY_WORTH = 0.4, 0.54
"""Share of the recreations, while visits are left out, that begin with what is worth most; its draw."""
FAR_LOOKS = 100
"""Recreations that look at every shift for what fits nowhere near, times the visits of the day; the others look at
the shifts that the step has changed: for the rest little has become new, and it is long on a large day."""
AT_A_LOSS = 0.05
"""Share of the recreations with visits left out in which one of them is served whatever it costs."""


@part
def remove(data, plan, scratch, v, count):
    """Take a visit out with all that depends on it, onto the list of those waiting; how many wait."""
    waiting = scratch.list[ROW_WAITING]
    head = count
    touch(scratch, plan.node[v, N_SHIFT])
    unlink(plan, v)
    waiting[count] = v
    count += 1
    while head < count:
        v = waiting[head]
        head += 1
        if not data.visit[v, V_TIED] & TIED_TIME:
            continue
        release(plan, v)
        for k in range(data.gap_at[v], data.gap_at[v + 1]):
            second = data.gap[data.gap_of[k], 1]
            if plan.node[second, N_SHIFT] >= 0 and second != v:
                touch(scratch, plan.node[second, N_SHIFT])
                unlink(plan, second)
                waiting[count] = second
                count += 1
        group = data.visit[v, V_GROUP]
        if group >= 0:
            for k in range(data.group_at[group], data.group_at[group + 1]):
                mate = data.group_of[k]
                if plan.node[mate, N_SHIFT] >= 0:
                    touch(scratch, plan.node[mate, N_SHIFT])
                    unlink(plan, mate)
                    waiting[count] = mate
                    count += 1
    return count


@part
def _remove_string(data, plan, scratch, random, v, length, count):
    """Take out `length` stops around `v` in its route, perhaps leaving some of them in between."""
    node = plan.node
    s = node[v, N_SHIFT]
    stops = plan.route[s, R_COUNT]
    keep = 0
    if length > 1 and length < stops and draw(random) < SPLIT:
        keep = 1
        while length + keep < stops and draw(random) > SPLIT_LONGER:
            keep += 1
    whole = length + keep
    # The string may begin so far before v that v is its last stop, as far as the route goes.
    back = below(random, whole)
    i = v
    before = data.visit.shape[0] + s
    for _ in range(back):
        if node[i, N_PREV] == before:
            break
        i = node[i, N_PREV]
    kept_from = 1 + below(random, length) if keep else whole
    for k in range(whole):
        if i >= data.visit.shape[0]:
            break
        after = node[i, N_NEXT]
        if (k < kept_from or k >= kept_from + keep) and node[i, N_SHIFT] == s:
            count = remove(data, plan, scratch, i, count)
        i = after
        while i < data.visit.shape[0] and node[i, N_SHIFT] != s:
            i = node[i, N_NEXT]
    return count


@part
def _stop_in_the_way(data, plan, random, v):
    """Any stop of any shift that could serve a visit left out; the visit itself where that has none."""
    first = data.able_at[v]
    s = data.able_of[first + below(random, data.able_at[v + 1] - first)]
    stops = plan.route[s, R_COUNT]
    if stops == 0:
        return v
    stop = plan.node[data.visit.shape[0] + s, N_NEXT]
    for _ in range(below(random, stops)):
        stop = plan.node[stop, N_NEXT]
    return stop


@part
def ruin(data, plan, scratch, random, routes_used, seed):
    """Take strings of stops out of routes near a visit, any if `seed` is -1; how many visits then wait."""
    node = plan.node
    visits = data.visit.shape[0]
    left = scratch.clock[COUNT_LEFT]
    if seed < 0:
        seed = below(random, visits)
        if left and draw(random) < FROM_LEFT:
            seed = scratch.list[ROW_LEFT, below(random, left)]
            if draw(random) < IN_THE_WAY:
                seed = _stop_in_the_way(data, plan, random, seed)
    scratch.clock[COUNT_STAMP] += 1
    stamp = scratch.clock[COUNT_STAMP]
    mean = (visits - left) / max(1, routes_used)
    longest = max(1.0, min(float(LONGEST_STRING), mean))
    most = 4.0 * MEAN_REMOVED / (1.0 + longest) - 1.0
    strings = int(1.0 + draw(random) * most)
    count, done = 0, 0
    for k in range(-1, data.near.shape[1]):
        v = seed if k < 0 else data.near[seed, k]
        if v < 0 or done == strings:
            break
        s = node[v, N_SHIFT]
        if s < 0 or scratch.shift_seen[s, 1] == stamp:
            continue
        scratch.shift_seen[s, 1] = stamp
        room = min(float(plan.route[s, R_COUNT]), longest)
        length = int(1.0 + draw(random) * room)
        length = min(length, plan.route[s, R_COUNT])
        touch(scratch, s)
        count = _remove_string(data, plan, scratch, random, v, length, count)
        done += 1
    return count


@part
def retime_touched(data, plan, scratch, count, tied):
    """Re-time every route that was touched; one that fails without its stops loses all of them."""
    k = 0
    while k < scratch.clock[COUNT_TOUCHED]:
        s = scratch.list[ROW_TOUCHED, k]
        k += 1
        if retime(data, plan, scratch, s):
            continue
        v = plan.node[data.visit.shape[0] + s, N_NEXT]
        while v < data.visit.shape[0]:
            count = remove(data, plan, scratch, v, count)
            v = plan.node[data.visit.shape[0] + s, N_NEXT]
        k = 0
    if tied:
        for k in range(scratch.clock[COUNT_TOUCHED]):
            settle(data, plan, scratch, scratch.list[ROW_TOUCHED, k])
    return count


@part
def sort_waiting(data, scratch, random, count):
    """Put those waiting into one of several orders: any, by worth, by room, the farthest first or last."""
    waiting, key, visit = scratch.list[ROW_WAITING], scratch.key, data.visit
    chance = draw(random)
    if scratch.clock[COUNT_LEFT] and draw(random) < WORTH_FIRST:
        chance = BY_WORTH
    for k in range(count):
        v = waiting[k]
        if chance < 0.36:
            key[k] = draw(random)
        elif chance <= BY_WORTH:
            key[k] = -float(visit[v, V_WORTH]) * (0.9 + 0.2 * draw(random))
        elif chance < 0.72:
            key[k] = float(visit[v, V_ROOM])
        elif chance < 0.90:
            key[k] = -float(visit[v, V_FAR])
        else:
            key[k] = float(visit[v, V_FAR])
    # Shell's sort with Knuth's gaps: short lists, and now and then a whole day.
    gap = 1
    while gap < count // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for k in range(gap, count):
            v, own, at = waiting[k], key[k], k
            while at >= gap and key[at - gap] > own:
                waiting[at], key[at] = waiting[at - gap], key[at - gap]
                at -= gap
            waiting[at], key[at] = v, own
        gap //= 3


@inlined
def _place(data, plan, scratch, u, before, tied):
    """As `place`, where every nanosecond counts."""
    if tied:
        return place(data, plan, scratch, u, before, True)
    s = plan.node[before, N_SHIFT]
    touch(scratch, s)
    link(plan, before, u, s)
    if is_plain(data, plan, s):
        if insert(data, plan, s, u):
            return True
    elif retime(data, plan, scratch, s):
        return True
    unlink(plan, u)
    retime(data, plan, scratch, s)
    return False


@part
def _serve_at_a_loss(data, plan, scratch, random, tied):
    """Now and then serve one of the visits left out whatever it costs; the visit, or -1.

    Visits that pay only together, such as two for which a shift has to be opened, are met no
    other way.
    """
    left = min(scratch.clock[COUNT_LEFT], MOST_RETRIED)
    if left == 0 or draw(random) >= AT_A_LOSS:
        return -1
    u = scratch.list[ROW_LEFT, below(random, left)]
    if plan.node[u, N_SHIFT] >= 0 or data.visit[u, V_GROUP] >= 0 or waits(data, plan, u):
        return -1
    count = gather_all(data, plan, scratch, u)
    _, before = best_spot(data, plan, scratch, random, u, count, 0.0, INF)
    return u if before >= 0 and place(data, plan, scratch, u, before, tied) else -1


@part
def recreate(data, plan, scratch, random, count, blink, tied):
    """Insert those waiting in their order, each where it costs least, while it is worth it.

    Those that are tied in time are tried again, as long as any is served.
    """
    waiting, visit = scratch.list[ROW_WAITING], data.visit
    wide = data.near.shape[1] < visit.shape[0] - 1
    everywhere = draw(random) * visit.shape[0] < FAR_LOOKS
    bold = _serve_at_a_loss(data, plan, scratch, random, tied)
    list_idle(data, plan, scratch)
    again, first = True, True
    while again:
        again = False
        for k in range(count):
            u = waiting[k]
            if plan.node[u, N_SHIFT] >= 0 or data.able_at[u] == data.able_at[u + 1]:
                continue
            if not first and not visit[u, V_TIED] & TIED_TIME:
                continue
            if tied:
                if visit[u, V_GROUP] >= 0:
                    if insert_group(data, plan, scratch, random, visit[u, V_GROUP], blink):
                        again = True
                    continue
                if waits(data, plan, u):
                    continue
                hold_for_seconds(data, plan, random, u)
            most = visit[u, V_WORTH] + 1
            before = near_spot(data, plan, scratch, random, u, blink, most)
            if before < 0 and wide:
                found = (
                    gather_all(data, plan, scratch, u)
                    if everywhere
                    else list_touched(data, plan, scratch, u)
                )
                _, before = best_spot(data, plan, scratch, random, u, found, blink, most)
            if before >= 0 and _place(data, plan, scratch, u, before, tied):
                again = tied
                if before >= visit.shape[0] and plan.node[u, N_NEXT] >= visit.shape[0]:
                    list_idle(data, plan, scratch)
            elif tied:
                release(plan, u)
        first = False
    if bold >= 0:
        take_out_worthless(data, plan, scratch, bold, tied)
