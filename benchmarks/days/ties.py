"""Relations between visits of a day, all four types."""

from dataclasses import replace
from random import Random

from optimizer.problem import After, DifferentCrew, Problem, Relation, SameCrew, Together, Visit

TIED = 0.16
"""Share of the visits that have a relation."""
_TURNS = ("after", "after", "together", "same_crew", "different_crew")
HOUR = 3600


def tied(chance: Random, problem: Problem) -> Problem:
    """The problem with relations between pairs of its visits, each visit in one pair at most.

    Switching off comes before the work it makes safe; two crews work together at one place; one crew does both
    visits at a customer's; a repair is inspected by another crew than the one that made it.
    """
    visits = list(problem.visits)
    possible = [index for index, visit in enumerate(visits) if "tower" not in visit.skills]
    pairs = max(5, int(TIED * len(visits) / 2))
    chosen = chance.sample(possible, min(len(possible) // 2, pairs) * 2)
    relations: list[Relation] = []
    for turn, (a, b) in enumerate(zip(chosen[::2], chosen[1::2], strict=True)):
        kind = _TURNS[turn % len(_TURNS)]
        one, two = visits[a], replace(visits[b], windows=())
        if kind == "after":
            one = replace(one, windows=())
            most = chance.choice([None, 2 * HOUR, 4 * HOUR])
            relations.append(After(one.id, two.id, chance.choice([0, 0, 1800]), most))
        elif kind == "together":
            two = _same_work(one, two)
            relations.append(Together((one.id, two.id)))
        elif kind == "same_crew":
            two = _same_work(one, two)
            relations.append(SameCrew((one.id, two.id)))
        else:
            relations.append(DifferentCrew((one.id, two.id)))
        visits[a], visits[b] = one, two
    return replace(problem, visits=tuple(visits), relations=tuple(relations))


def _same_work(one: Visit, two: Visit) -> Visit:
    """The second visit at the first one's place, asking for no more than the first."""
    return replace(
        two, place=one.place, skills=one.skills, members=one.members, windows=one.windows
    )
