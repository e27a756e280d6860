"""How far an outage reaches: the premises that are named, lie in an area, or are fed by a line or transformer."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.core.errors import InvalidError
from dispatch.registry import geometry, territories
from dispatch.registry.tables import Premises

MOST_PREMISES = 20_000
SHOWN = 5
"""Addresses that are shown of those concerned."""
_AT_ONCE = 500
"""Premises in one statement: databases allow only so many parameters."""


class BadOutage(InvalidError):
    """A value of the notice is wrong."""

    code = "bad_outage"


@dataclass(frozen=True, slots=True)
class Whom:
    """Whom a notice would concern; `addresses` are the first few of them."""

    premises: int
    customers: int
    addresses: tuple[str, ...]


def whom(
    session: Session,
    *,
    territory_id: str,
    premises: Collection[str] = (),
    feeders: Collection[str] = (),
    area: dict[str, Any] | None = None,
) -> Whom:
    """Whom a notice would tell, to look at before it is given; raises as `concerned` does."""
    territories.get(session, territory_id)
    found = concerned(session, territory_id, premises, feeders, area)
    customers: set[str] = set()
    addresses: list[str] = []
    for begin in range(0, len(found), _AT_ONCE):
        some = col(Premises.id).in_(found[begin : begin + _AT_ONCE])
        statement = select(Premises.customer_id, Premises.address).where(some)
        for customer_id, address in session.exec(statement.order_by(col(Premises.id))):
            customers.add(customer_id)
            addresses.append(address)
    return Whom(len(found), len(customers), tuple(addresses[:SHOWN]))


def concerned(
    session: Session,
    territory_id: str,
    premises: Collection[str],
    feeders: Collection[str],
    area: dict[str, Any] | None,
) -> list[str]:
    """The premises meant, by id: those named, fed by one of the feeders, or inside the area.

    A line feeds all of its transformers. Raises BadBoundary, and BadOutage when nothing was named, premises or a
    feeder are unknown in the territory, and nobody or too many are concerned.
    """
    if not premises and not feeders and area is None:
        raise BadOutage(
            "Name the premises, their feeder, or the area that they lie in.", field="premises"
        )
    if area is not None:
        geometry.check_boundary(area)
    statement = sa.select(
        col(Premises.id), col(Premises.lat), col(Premises.lon), col(Premises.feeder)
    ).where(col(Premises.territory_id) == territory_id)
    named, lines = set(premises), set(feeders)
    known, feeding, found = set(), set(), set()
    for premises_id, lat, lon, feeder in session.execute(statement):
        known.add(premises_id)
        of = lines & {feeder, line_of(feeder)}
        feeding |= of
        inside = area is not None and lat is not None and geometry.contains(area, lat, lon)
        if premises_id in named or of or inside:
            found.add(premises_id)
    if unknown := sorted(named - known):
        raise BadOutage(f"{unknown[0]} are no premises of {territory_id}.", field="premises")
    if unknown := sorted(lines - feeding):
        raise BadOutage(f"{unknown[0]!r} feeds nobody in {territory_id}.", field="feeders")
    if not found:
        raise BadOutage("Nobody's premises lie in this area.", field="area")
    if len(found) > MOST_PREMISES:
        raise BadOutage(f"A notice concerns at most {MOST_PREMISES} premises.", field="area")
    return sorted(found)


def feeders(session: Session, *, territory_id: str) -> dict[str, int]:
    """The territory's lines, each before its transformers, with how many premises each of them feeds."""
    statement = (
        select(Premises.feeder, sa.func.count())
        .where(Premises.territory_id == territory_id, Premises.feeder != "")
        .group_by(col(Premises.feeder))
    )
    found: dict[str, int] = {}
    for feeder, count in session.exec(statement):
        for name in {feeder, line_of(feeder)}:
            found[name] = found.get(name, 0) + count
    return dict(sorted(found.items(), key=lambda item: item[0].split("/", 1)))


def line_of(feeder: str) -> str:
    """The line that a transformer is on: `L12` of `L12/T3`."""
    return feeder.split("/", 1)[0]
