"""Organisations, the territories they plan, and the depots crews start from."""

import re
from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from dispatch.core import events
from dispatch.core.calendar import zone_named
from dispatch.core.errors import ConflictError, InvalidError, NotFoundError
from dispatch.core.events import Actor
from dispatch.registry.geometry import check_boundary
from dispatch.registry.premises import check_position
from dispatch.registry.tables import Depot, Organisation, Territory

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")


class NoSuchTerritory(NotFoundError):
    """No territory has this id."""

    code = "no_such_territory"


class NoSuchOrganisation(NotFoundError):
    """No organisation has this id."""

    code = "no_such_organisation"


class IdTaken(ConflictError):
    """Another row of this kind has the id."""

    code = "id_taken"


class BadId(InvalidError):
    """An id has 1 to 32 letters, digits, dots, hyphens and underscores."""

    code = "bad_id"


def check_id(value: str) -> str:
    """The id itself when it may be one; raises BadId."""
    if not _ID.fullmatch(value):
        raise BadId(
            f"{value!r} is no id: 1 to 32 of A-Z, a-z, 0-9, dot, hyphen and underscore, beginning with a "
            "letter or digit.",
            field="id",
        )
    return value


def create_organisation(
    session: Session,
    *,
    id: str,
    name_zh: str,
    name_en: str,
    parent_id: str | None = None,
    actor: Actor,
    now: datetime,
) -> Organisation:
    """Add an organisation below its parent; raises BadId, IdTaken and NoSuchOrganisation."""
    if session.get(Organisation, check_id(id)) is not None:
        raise IdTaken(f"There already is an organisation {id}.", field="id")
    if parent_id is not None and session.get(Organisation, parent_id) is None:
        raise NoSuchOrganisation(f"There is no organisation {parent_id}.", field="parent_id")
    organisation = Organisation(id=id, parent_id=parent_id, name_zh=name_zh, name_en=name_en)
    session.add(organisation)
    _created(session, "organisation", id, None, actor, now)
    return organisation


def create(
    session: Session,
    *,
    id: str,
    organisation_id: str,
    name_zh: str,
    name_en: str,
    zone: str,
    boundary: dict[str, Any],
    actor: Actor,
    now: datetime,
) -> Territory:
    """Add a territory; raises BadId, IdTaken, NoSuchOrganisation, UnknownZone and BadBoundary."""
    if session.get(Territory, check_id(id)) is not None:
        raise IdTaken(f"There already is a territory {id}.", field="id")
    if session.get(Organisation, organisation_id) is None:
        raise NoSuchOrganisation(
            f"There is no organisation {organisation_id}.", field="organisation_id"
        )
    territory = Territory(
        id=id,
        organisation_id=organisation_id,
        name_zh=name_zh,
        name_en=name_en,
        zone=zone_named(zone).key,
        boundary=check_boundary(boundary),
    )
    session.add(territory)
    _created(session, "territory", id, id, actor, now)
    return territory


def create_depot(
    session: Session,
    *,
    id: str,
    territory_id: str,
    name_zh: str,
    name_en: str,
    lat: float,
    lon: float,
    actor: Actor,
    now: datetime,
) -> Depot:
    """Add a depot inside its territory; raises BadId, IdTaken, NoSuchTerritory and what `check_position` does."""
    if session.get(Depot, check_id(id)) is not None:
        raise IdTaken(f"There already is a depot {id}.", field="id")
    check_position(get(session, territory_id), lat, lon)
    depot = Depot(
        id=id, territory_id=territory_id, name_zh=name_zh, name_en=name_en, lat=lat, lon=lon
    )
    session.add(depot)
    _created(session, "depot", id, territory_id, actor, now)
    return depot


def get(session: Session, territory_id: str) -> Territory:
    """The territory of this id; raises NoSuchTerritory."""
    territory = session.get(Territory, territory_id)
    if territory is None:
        raise NoSuchTerritory(f"There is no territory {territory_id}.", field="territory_id")
    return territory


def organisations(session: Session) -> list[Organisation]:
    """All organisations, by id."""
    return list(session.exec(select(Organisation).order_by(Organisation.id)))


def listed(session: Session) -> list[Territory]:
    """All territories, by id."""
    return list(session.exec(select(Territory).order_by(Territory.id)))


def depots(session: Session, *, territory_id: str) -> list[Depot]:
    """The territory's depots, by id."""
    return list(
        session.exec(select(Depot).where(Depot.territory_id == territory_id).order_by(Depot.id))
    )


def _created(
    session: Session,
    entity: str,
    entity_id: str,
    territory_id: str | None,
    actor: Actor,
    now: datetime,
) -> None:
    events.record(
        session,
        f"{entity}.created",
        entity=entity,
        entity_id=entity_id,
        actor=actor,
        now=now,
        territory_id=territory_id,
    )
    session.flush()
