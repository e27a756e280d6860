"""A visit taken to another place of a plan, or why it cannot be there."""

from dataclasses import replace

from dispatch.planning.editing import DoesNotFit, Standing
from dispatch.planning.engine import Engine
from dispatch.planning.refusing import pushes_out, refusal, unserved_of
from optimizer.plan import Plan as Answer
from optimizer.problem import Problem


def moved(
    standing: Standing, visit_id: str, shift_id: str, position: int | None, engine: Engine
) -> Answer:
    """The plan with the visit there, the cheapest place when `position` is None, and all else in its order.

    Raises DoesNotFit when it, or a visit that it would push out, cannot be served.
    """
    problem, orders = standing.problem, standing.without(visit_id)
    orders[shift_id].append(visit_id)
    answer = engine.relocate(problem, orders, visit_id, shift_id, position)
    pushed = unserved_of(orders, answer)
    if visit_id in pushed:
        only, order = _only(problem, shift_id, orders[shift_id])
        alone = engine.relocate(only, order, visit_id, shift_id, position)
        raise refusal(alone if visit_id in unserved_of(order, alone) else answer, visit_id)
    if pushed:
        raise _pushing(standing, visit_id, pushed, engine)
    return answer


def _pushing(standing: Standing, visit_id: str, pushed: list[str], engine: Engine) -> DoesNotFit:
    """Why nobody may be pushed out: the move would do it, or what the plan has does not hold without it either."""
    without = standing.without(visit_id)
    lost = unserved_of(without, engine.retime(standing.problem, without))
    astray = [other for other in pushed if other in lost]
    if astray:
        return DoesNotFit(
            f"Plan {standing.plan.number} has {', '.join(astray)} where they cannot be any more: moved, locked or "
            "changed since it was made. Edit the draft that was made then, put them back, or unlock them.",
            reason="outdated",
            visit=visit_id,
            astray=astray,
        )
    return pushes_out(f"Visit {visit_id} there", visit_id, pushed)


def _only(
    problem: Problem, shift_id: str, order: list[str]
) -> tuple[Problem, dict[str, list[str]]]:
    """The problem of this shift and its visits alone, so that the reason is why a visit cannot be there."""
    known = set(order)
    return replace(
        problem,
        shifts=tuple(shift for shift in problem.shifts if shift.id == shift_id),
        visits=tuple(visit for visit in problem.visits if visit.id in known),
        relations=(),
        incumbent=None,
    ), {shift_id: order}
