"""Why a visit is left out, shift by shift, and what would make it fit."""

from optimizer.plan import REASONS, Unserved
from optimizer.search.groups import insert_group
from optimizer.search.insertion import spot_on
from optimizer.search.instance import Instance
from optimizer.search.state import State
from optimizer.search.timeline import INFINITY


def unserved(state: State) -> tuple[Unserved, ...]:
    """Every visit the state leaves out with its reasons, in the order of the problem."""
    return tuple(_explained(state, v) for v, s in enumerate(state.where) if s < 0)


def _explained(state: State, v: int) -> Unserved:
    instance = state.instance
    counts: dict[str, int] = {}
    least: int | None = None
    for s in range(instance.shifts):
        reason, cost = _reason(state, v, s)
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


def _reason(state: State, v: int, s: int) -> tuple[str, int | None]:
    """The first rule that fails for the visit on the shift, and what it would cost if it fits."""
    instance = state.instance
    if instance.barrier[v][s]:
        return instance.barrier[v][s], None
    if len(instance.groups[v]) > 1:
        return _reason_in_group(state, v, s)
    if state.blocked(v, s):
        return "relation", None
    windows = state.windows(v, s)
    if windows is not None:
        service = instance.services[s][v]._replace(windows=windows)
        if not windows or not instance.fits_alone(service, s):
            return "relation", None
    spot = spot_on(state, v, s)
    return ("capacity", None) if spot is None else ("cost", spot.cost)


def reason_on(state: State, v: int, s: int) -> str:
    """The first of the format's reasons that holds for an unserved visit on the shift."""
    return _reason(state, v, s)[0]


def cost_to_serve(state: State, v: int) -> int | None:
    """Points by which the routes cost more with an unserved visit, its group included, in them.

    None when it fits nowhere; compare it with the cost of leaving the group out.
    """
    group = state.instance.groups[v]
    if len(group) > 1:
        trial = insert_group(state, group, INFINITY)
        return None if trial is None else _more(state, trial)
    spots = (spot_on(state, v, s) for s in range(state.instance.shifts))
    return min((spot.cost for spot in spots if spot is not None), default=None)


def _reason_in_group(state: State, v: int, s: int) -> tuple[str, int | None]:
    """The same for a visit that is served with its partners or not at all."""
    trial = insert_group(state, state.instance.groups[v], INFINITY)
    if trial is None or trial.where[v] != s:
        return "relation", None
    return "cost", _more(state, trial)


def _more(state: State, trial: State) -> int:
    """Points that the routes of the trial cost more."""
    return sum(trial.route_cost(s) - state.route_cost(s) for s in range(len(trial.routes)))


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
