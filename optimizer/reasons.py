"""Why a visit is left out, shift by shift, and what would make it fit."""

from collections.abc import Iterator

from optimizer.partners import shifts_alone
from optimizer.plan import REASONS, Unserved
from optimizer.search.insertion import spot_on
from optimizer.search.instance import Instance
from optimizer.search.state import State
from optimizer.search.timeline import Service, Windows
from optimizer.seating import Seating


def unserved(state: State) -> tuple[Unserved, ...]:
    """Every visit the state leaves out with its reasons, in the order of the problem."""
    return tuple(_explained(state, v) for v, s in enumerate(state.where) if s < 0)


def _explained(state: State, v: int) -> Unserved:
    instance = state.instance
    counts: dict[str, int] = {}
    least: int | None = None
    for reason, cost in _reasons(state, v):
        counts[reason] = counts.get(reason, 0) + 1
        if cost is not None and (least is None or cost < least):
            least = cost
    # Without any shift no rule fails; there are simply no hours in which to go.
    reason = max(counts, key=REASONS.index, default="shift_hours")
    return Unserved(
        visit=instance.problem.visits[v].id,
        reason=reason,
        shifts={name: counts[name] for name in REASONS if name in counts},
        hint=hint(state, v, reason, least),
    )


def _reasons(state: State, v: int) -> list[tuple[str, int | None]]:
    """The first rule that fails for the visit on each shift, and what it would cost where it fits."""
    partners = [u for u in state.instance.groups[v] if u != v]
    # Beside partners that are served its windows say all.
    find = _together if any(state.where[u] < 0 for u in partners) else _alone
    barrier, found = state.instance.barrier[v], find(state, v)
    return [(rule, None) if rule else next(found) for rule in barrier]


def _alone(state: State, v: int) -> Iterator[tuple[str, int | None]]:
    """The same for the shifts that could serve a visit of its own if they were empty."""
    instance = state.instance
    for s, rule in enumerate(instance.barrier[v]):
        if rule:
            continue
        windows = state.windows(v, s)
        service = instance.services[s][v]
        if state.blocked(v, s) or not _fits(instance, service, windows, s):
            yield "relation", None
            continue
        spot = spot_on(state, v, s)
        yield ("capacity", None) if spot is None else ("cost", spot.cost)


def _fits(instance: Instance, service: Service, windows: Windows | None, s: int) -> bool:
    """Whether an empty shift could serve a visit within what its partners leave of its windows."""
    if windows is None:
        return True
    return bool(windows) and instance.fits_alone(service._replace(windows=windows), s)


def _together(state: State, v: int) -> Iterator[tuple[str, int | None]]:
    """The same for a visit that is served with its partners or not at all."""
    alone = shifts_alone(state, v)
    seating = Seating(state, state.instance.groups[v])
    for s, rule in enumerate(state.instance.barrier[v]):
        if rule:
            continue
        made = seating.best_on(v, (s,))
        if made is not None:
            yield "cost", made.cost
        else:
            yield "capacity" if s in alone else "relation", None


def reasons_on(state: State, v: int) -> list[str]:
    """The first of the format's reasons that holds for an unserved visit, for each shift."""
    return [reason for reason, _ in _reasons(state, v)]


def cost_to_serve(state: State, v: int) -> int | None:
    """Points by which the routes cost more with an unserved visit that begins together with no other in them.

    None when it fits nowhere; compare it with the cost of leaving it out.
    """
    spots = (spot_on(state, v, s) for s in range(state.instance.shifts))
    return min((spot.cost for spot in spots if spot is not None), default=None)


def hint(state: State, v: int, reason: str, cost: int | None) -> str:
    """What would make the visit fit, in words; `cost` is what its insertion would cost, points."""
    instance = state.instance
    visit = instance.problem.visits[v]
    if not instance.problem.shifts:
        return "There is no shift: a crew has to be put on duty."
    match reason:
        case "skill":
            return _skill_hint(instance, v)
        case "members":
            return _members_hint(instance, v)
        case "crew_not_allowed":
            return "Every crew able to do it is not allowed or is forbidden: allow one of them."
        case "pinned":
            assert visit.pinned is not None
            return f"It is pinned to shift {visit.pinned.shift}, which cannot serve it: unpin it."
        case "parts":
            needed = ", ".join(f"{count} x {part}" for part, count in sorted(visit.parts.items()))
            return f"It needs {needed}: more than any able crew's shift has in stock."
        case "shift_hours":
            return "No able crew can reach it, serve it and return within its shift: lengthen one."
        case "window":
            return "No able crew is there within its windows: widen them or move a shift."
        case "relation":
            return _relation_hint(state, v)
        case "capacity":
            return "An able crew has no room beside its other visits: add hours or a crew."
    drop = sum(instance.drop_cost[other] for other in instance.groups[v])
    return f"Serving it would cost {cost} points; leaving it out costs {drop}."


def _skill_hint(instance: Instance, v: int) -> str:
    wanted = instance.problem.visits[v].skills
    on_duty = [instance.problem.crews[c] for c in sorted(set(instance.crew_of))]
    for name, level in sorted(wanted.items()):
        best = max((crew.skills.get(name, 0) for crew in on_duty), default=0)
        if best < level:
            return f"It needs {name} at level {level}; the highest on duty is {best}."
    needed = ", ".join(f"{name} at level {level}" for name, level in sorted(wanted.items()))
    return f"No crew on duty has all at once of {needed}."


def _members_hint(instance: Instance, v: int) -> str:
    visit = instance.problem.visits[v]
    on_duty = (instance.problem.crews[c] for c in sorted(set(instance.crew_of)))
    able = [
        crew
        for crew in on_duty
        if all(crew.skills.get(name, 0) >= level for name, level in visit.skills.items())
    ]
    largest = max(able, key=lambda crew: crew.members)
    return (
        f"It needs a crew of {visit.members}; the largest with the skills, {largest.id}, has "
        f"{largest.members}."
    )


def _relation_hint(state: State, v: int) -> str:
    instance = state.instance
    names = instance.problem.visits
    for first in instance.firsts_of[v]:
        if state.where[first] < 0:
            return f"It follows {names[first].id}, which is left out: serve that one first."
    others = [other for other in instance.groups[v] if other != v]
    if others:
        listed = ", ".join(names[other].id for other in others)
        return f"No second was found at which it and {listed} can begin on different crews."
    return "No time and crew was found that suits it and the visits it is tied to."
