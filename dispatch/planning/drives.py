"""How long drives take: what a road service said, and the estimate for every drive that it has not spoken of."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlmodel import Session, col

from dispatch.geo.roads import MOST_POINTS, NO_WAY, UNKNOWN, Point, Roads, rounded
from dispatch.registry.tables import Depot, Premises
from dispatch.work.tables import Visit, VisitStatus, WorkOrder
from optimizer.problem import Estimate, Matrix, Place
from optimizer.travel import GeodesicTravel
from optimizer.values import MAX_COST, MAX_TIME

ESTIMATE = "estimate"


def between(
    places: Sequence[Place], roads: Roads | None, estimate: Estimate
) -> tuple[Matrix | Estimate, dict[str, Any]]:
    """The travel of a problem with these places, and what it rests on.

    The note's `source` is `estimate` or the road service's name; of all `pairs` of places, `estimated` have the
    estimate's times because the service said nothing, and between `unreachable` there is no way. A road service
    gives the pure drive: the estimate's `overhead` (to park, to walk to the door) is added to it.
    """
    if roads is None:
        return estimate, {"source": ESTIMATE}
    points = [(place.lat or 0.0, place.lon or 0.0) for place in places]
    seconds, metres = (grid.astype(np.int64) for grid in roads.between(points))
    apart = ~np.eye(len(points), dtype=bool)
    unknown, no_way = (seconds == UNKNOWN) & apart, (seconds == NO_WAY) & apart
    seconds[apart] += estimate.overhead
    no_metres = (metres < 0) & apart
    if no_metres.any() or unknown.any():
        guess = GeodesicTravel(estimate).matrix(places)
        seconds[unknown] = np.array(guess.seconds, dtype=np.int64)[unknown]
        metres[no_metres] = np.array(guess.metres, dtype=np.int64)[no_metres]
    seconds[no_way] = MAX_TIME
    for grid, most in ((seconds, MAX_TIME), (metres, MAX_COST)):
        np.fill_diagonal(grid, 0)
        np.clip(grid, 0, most, out=grid)
    note = {
        "source": roads.service.split(" ", 1)[0],
        "pairs": int(apart.sum()),
        "estimated": int(unknown.sum()),
        "unreachable": int(no_way.sum()),
        "asked_at": roads.asked_at.isoformat(),
    }
    return Matrix(_rows(seconds), _rows(metres)), note


def wanted(session: Session, *, territory_id: str, now: datetime) -> list[Point]:
    """The points between which crews drive these days: depots, and premises with visits, the most urgent first."""
    depots = session.execute(
        sa.select(col(Depot.lat), col(Depot.lon)).where(col(Depot.territory_id) == territory_id)
    ).all()
    over = (VisitStatus.DONE, VisitStatus.NOT_DONE, VisitStatus.CANCELLED)
    visits = session.execute(
        sa.select(col(Premises.lat), col(Premises.lon))
        .join(WorkOrder, col(WorkOrder.premises_id) == col(Premises.id))
        .join(Visit, col(Visit.work_order_id) == col(WorkOrder.id))
        .where(
            col(Visit.territory_id) == territory_id,
            col(Premises.lat).is_not(None),
            sa.or_(
                col(Visit.status).not_in(over), col(Visit.finished_at) > now - timedelta(days=1)
            ),
        )
        .order_by(col(Visit.earliest_day), col(Visit.id))
    ).all()
    points = (rounded((row[0], row[1])) for row in (*depots, *visits))
    return list(dict.fromkeys(points))[:MOST_POINTS]


def rests_on_estimates(note: Mapping[str, Any]) -> bool:
    """Whether all or some of a plan's driving times are estimates."""
    return note.get("source", ESTIMATE) == ESTIMATE or bool(note.get("estimated"))


def _rows(grid: "np.ndarray[Any, np.dtype[np.int64]]") -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(row) for row in grid.tolist())
