"""Why a plan cannot be edited as somebody asked, as refusals that name the visit and the reason."""

from collections.abc import Mapping, Sequence

from dispatch.planning.editing import DoesNotFit, Standing, VisitBegun
from optimizer.plan import Plan as Answer


def refuse_begun(standing: Standing, visit_id: str) -> None:
    """Raise VisitBegun for a visit under way or finished."""
    board = standing.built.rows
    for row in (*board.under_way, *board.finished):
        if row.id == visit_id:
            raise VisitBegun(
                f"Visit {visit_id} is {row.status.value} by crew {row.crew_id}; it stays where it is.",
                visit=visit_id,
                state=row.status.value,
            )


def refuse_unplaceable(standing: Standing, visit_id: str) -> None:
    """Raise DoesNotFit for a visit that the day's problem does not hold, with the reason."""
    for entry in standing.built.unplaceable:
        if entry.visit_id == visit_id:
            raise DoesNotFit(
                f"Visit {visit_id} cannot be planned: {entry.text}",
                reason=entry.reason,
                visit=visit_id,
            )
    if all(visit.id != visit_id for visit in standing.problem.visits):
        raise DoesNotFit(
            f"Visit {visit_id} is not ready on {standing.plan.day.isoformat()}: it is held, over, or "
            "not before a later day.",
            reason="not_ready",
            visit=visit_id,
        )


def refusal(answer: Answer, visit_id: str) -> DoesNotFit:
    """Why the answer leaves the visit out, as a refusal of the edit that asked for it."""
    entry = next(entry for entry in answer.unserved if entry.visit == visit_id)
    return DoesNotFit(
        f"Visit {visit_id} does not fit there: {entry.reason}. {entry.hint or ''}".strip(),
        reason=entry.reason,
        visit=visit_id,
        shifts=dict(entry.shifts),
    )


def unserved_of(orders: Mapping[str, Sequence[str]], answer: Answer) -> list[str]:
    """The visits of these orders that the answer has no place for."""
    served = {stop.visit for route in answer.routes for stop in route.stops}
    return [visit for order in orders.values() for visit in order if visit not in served]


def pushes_out(what: str, visit_id: str, pushed: list[str]) -> DoesNotFit:
    """That `what` would take these other visits off the plan, as a refusal of the edit."""
    return DoesNotFit(
        f"{what} would push out {', '.join(pushed)}. Move or put back those first.",
        reason="capacity",
        visit=visit_id,
        pushed_out=pushed,
    )
