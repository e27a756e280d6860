"""Parts used on a visit come off the vehicle's stock."""

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session, select

from dispatch.core import alerts, events
from dispatch.core.events import Actor
from dispatch.registry.tables import Stock
from dispatch.work.tables import PartUse, Visit


def use(
    session: Session, visit: Visit, parts: Mapping[str, int], *, actor: Actor, now: datetime
) -> None:
    """Take what the visit used from its crew's stock; finished once more, only the difference.

    What the books do not have was on the vehicle all the same: the stock is 0 then, and an alert asks for a count.
    """
    assert visit.crew_id is not None, "only a crew's visit is finished"
    before = {
        row.part: row for row in session.exec(select(PartUse).where(PartUse.visit_id == visit.id))
    }
    short: dict[str, int] = {}
    for part in sorted({*parts, *before}):
        row = before.get(part)
        if row is None:
            row = PartUse(visit_id=visit.id, part=part, crew_id=visit.crew_id, quantity=0)
            session.add(row)
        _take(session, row, parts.get(part, 0))
        if row.short:
            short[part] = row.short
    events.record(
        session,
        "visit.parts_used",
        entity="visit",
        entity_id=visit.id,
        actor=actor,
        now=now,
        territory_id=visit.territory_id,
        data={"crew_id": visit.crew_id, "parts": dict(parts), "short": short},
    )
    key = f"stock:{visit.crew_id}"
    if short:
        lacking = ", ".join(f"{count} {part}" for part, count in short.items())
        alerts.raise_alert(
            session,
            key,
            f"Crew {visit.crew_id} used more than its stock says on visit {visit.id} ({lacking}); count it.",
            now=now,
        )
    session.flush()


def _take(session: Session, row: PartUse, quantity: int) -> None:
    """Give back what the row took, then take the quantity, as far as there is any."""
    stock = session.get(Stock, (row.crew_id, row.part), with_for_update=True)
    on_hand = (stock.quantity if stock else 0) + row.quantity - row.short
    row.quantity, row.short = quantity, max(0, quantity - on_hand)
    if stock is not None:
        stock.quantity = max(0, on_hand - quantity)
