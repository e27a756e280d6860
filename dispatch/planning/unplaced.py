"""What nobody knows the place of: premises without a position, those that visits wait for first."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.core import pages
from dispatch.geo import geocoding
from dispatch.geo.geocoding import Suggestion
from dispatch.registry.tables import Customer, Premises
from dispatch.work.tables import Visit, VisitStatus, WorkOrder

_OVER = (VisitStatus.DONE, VisitStatus.NOT_DONE, VisitStatus.CANCELLED)


@dataclass(frozen=True, slots=True)
class Unplaced:
    """Premises without a position; `visits` cannot be planned until somebody says where they are."""

    premises_id: str
    version: int
    customer: str
    address: str
    district: str
    visits: int
    suggestion: Suggestion | None


@dataclass(frozen=True, slots=True)
class Unlocated:
    """Some premises without a position, how many there are, and how many visits wait for them.

    `next` is the cursor of those after them, None on the last page.
    """

    total: int
    visits: int
    rows: Sequence[Unplaced]
    next: str | None


def unplaced(
    session: Session,
    *,
    territory_id: str,
    provider: str,
    good_enough_m: float,
    limit: int = 100,
    cursor: str | None = None,
) -> Unlocated:
    """The territory's premises without a position, each with what `provider` has said of its address.

    Raises BadCursor.
    """
    open_visits = (
        sa.select(sa.func.count())
        .select_from(Visit)
        .join(WorkOrder, col(WorkOrder.id) == col(Visit.work_order_id))
        .where(col(WorkOrder.premises_id) == col(Premises.id), col(Visit.status).not_in(_OVER))
        .correlate(Premises)
        .scalar_subquery()
    )
    here = col(Premises.territory_id) == territory_id, col(Premises.lat).is_(None)
    total, visits = session.execute(
        sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(open_visits), 0)).where(*here)
    ).one()
    after = () if cursor is None else (_follows(open_visits, cursor),)
    listed = session.exec(
        select(Premises, Customer.name, open_visits)
        .join(Customer, col(Customer.id) == col(Premises.customer_id))
        .where(*here, *after)
        .order_by(open_visits.desc(), col(Premises.id))
        .limit(limit + 1)
    ).all()
    found = listed[:limit]
    said = geocoding.suggestions(
        session,
        provider=provider,
        rows=[row for row, _, _ in found],
        good_enough_m=good_enough_m,
    )
    rows = tuple(
        Unplaced(row.id, row.version, name, row.address, row.district, count, said.get(row.id))
        for row, name, count in found
    )
    more = len(listed) > limit
    return Unlocated(total, int(visits), rows, _cursor(rows[-1]) if more else None)


def _cursor(row: Unplaced) -> str:
    return pages.cursor_after(f"{row.visits} {row.premises_id}")


def _follows(open_visits: sa.ScalarSelect[int], cursor: str) -> sa.ColumnElement[bool]:
    """Whether premises come after the row that the cursor was made of."""
    visits, _, premises_id = pages.key_before(cursor).partition(" ")
    if not (visits.isascii() and visits.isdigit() and len(visits) < 10):
        raise pages.BadCursor(
            "This cursor is another list's; begin again without one.", field="cursor"
        )
    count = sa.literal(int(visits))
    return (open_visits < count) | ((open_visits == count) & (col(Premises.id) > premises_id))
