"""A folder's registry as rows: who serves whom. Rows whose id is known already stay as they are."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.core.calendar import zone_named
from dispatch.core.errors import DispatchError
from dispatch.desk.tables import Counter, RequestKind
from dispatch.exchange.contact_rows import write_contacts
from dispatch.exchange.folder import BOUNDARY, Folder
from dispatch.exchange.moments import read_day
from dispatch.exchange.sheets import BadFile, Row
from dispatch.registry import customers, premises
from dispatch.registry.crews import check_certificate
from dispatch.registry.geometry import check_boundary
from dispatch.registry.phones import is_phone
from dispatch.registry.tables import (
    AreaClass,
    Certificate,
    Crew,
    Customer,
    CustomerClass,
    Depot,
    Member,
    Organisation,
    Premises,
    SiteClass,
    Stock,
    Territory,
)
from dispatch.registry.territories import check_id

Tell = Callable[[str, int, int], None]
"""Told the file, the rows written so far and the rows there are."""

BATCH = 500


def write_registry(session: Session, folder: Folder, *, day: date, tell: Tell) -> dict[str, int]:
    """Write every sheet of the registry; returns how many rows of each file are new. Raises BadFile.

    `day` is what relative days of certificates count from.
    """
    territory = _territory(folder)
    makers: list[tuple[str, type[Any], Callable[[Row], dict[str, Any]]]] = [
        ("organisations.csv", Organisation, _organisation),
        ("territory.csv", Territory, lambda row: _territory_values(row, territory)),
        ("depots.csv", Depot, lambda row: _depot(row, territory)),
        ("counters.csv", Counter, lambda row: _counter(row, territory)),
        ("crews.csv", Crew, lambda row: crew_values(row, territory)),
        ("members.csv", Member, member_values),
        ("customers.csv", Customer, customer_values),
        ("premises.csv", Premises, lambda row: premises_values(row, territory)),
    ]
    new = {
        file: _insert_new(session, table, folder.sheets[file], make, tell)
        for file, table, make in makers
    }
    new["certificates.csv"] = _insert_certificates(session, folder.sheets["certificates.csv"], day)
    new["stock.csv"] = _insert_stock(session, folder.sheets["stock.csv"])
    new["contacts.csv"] = write_contacts(session, folder.sheets["contacts.csv"])
    return new


def _insert_new(
    session: Session,
    table: type[Any],
    rows: list[Row],
    make: Callable[[Row], dict[str, Any]],
    tell: Tell,
) -> int:
    known: set[str] = set()
    for batch in _batches([row.text("id") for row in rows]):
        known.update(session.exec(select(table.id).where(col(table.id).in_(batch))))
    fresh = [row for row in rows if row.text("id") not in known]
    written = 0
    for chunk in _batches(fresh):
        for row in chunk:
            with row.located():
                check_id(row.text("id"))
        written += _insert(session, table, [make(row) for row in chunk])
        tell(rows[0].file, written, len(fresh))
    return written


def _insert(session: Session, table: type[Any], values: list[dict[str, Any]]) -> int:
    if values:
        session.execute(sa.insert(table), values)
    return len(values)


def _batches(items: list[Any]) -> Iterator[list[Any]]:
    for begin in range(0, len(items), BATCH):
        yield items[begin : begin + BATCH]


def _territory(folder: Folder) -> Territory:
    row = folder.territory
    try:
        boundary = check_boundary(folder.boundary)
    except DispatchError as error:
        raise BadFile(f"{BOUNDARY}: {error.message}", file=BOUNDARY) from error
    with row.located():
        zone = zone_named(row.text("zone")).key
    return Territory(
        id=row.text("id", most=32),
        organisation_id=row.text("organisation_id"),
        name_zh=row.text("name_zh", most=120),
        name_en=row.text("name_en", most=120),
        zone=zone,
        boundary=boundary,
    )


def _territory_values(_row: Row, territory: Territory) -> dict[str, Any]:
    return territory.model_dump()


def _organisation(row: Row) -> dict[str, Any]:
    return {
        "id": row.text("id"),
        "parent_id": row.optional("parent_id"),
        "name_zh": row.text("name_zh", most=120),
        "name_en": row.text("name_en", most=120),
    }


def _depot(row: Row, territory: Territory) -> dict[str, Any]:
    lat, lon = _position(row, territory)
    if lat is None:
        raise row.wrong("lat", "crews start at a depot, so its position must be known.")
    return {
        "id": row.text("id"),
        "territory_id": territory.id,
        "name_zh": row.text("name_zh", most=120),
        "name_en": row.text("name_en", most=120),
        "lat": lat,
        "lon": lon,
    }


def _counter(row: Row, territory: Territory) -> dict[str, Any]:
    known = {kind.value for kind in RequestKind}
    kinds = row.several("kinds")
    for kind in kinds:
        if kind not in known:
            raise row.wrong("kinds", f"{kind!r} is not one of {', '.join(sorted(known))}.")
    return {
        "id": row.text("id"),
        "territory_id": territory.id,
        "name_zh": row.text("name_zh", most=80),
        "name_en": row.text("name_en", most=80),
        "kinds": kinds,
    }


def crew_values(row: Row, territory: Territory) -> dict[str, Any]:
    """A crew's columns; raises BadFile."""
    return {
        "id": row.text("id"),
        "territory_id": territory.id,
        "depot_id": row.text("depot_id"),
        "name_zh": row.text("name_zh", most=80),
        "name_en": row.text("name_en", most=80),
        "vehicle": row.optional("vehicle", most=32) or "",
        "phone": _phone(row),
        "version": 1,
    }


def member_values(row: Row) -> dict[str, Any]:
    """A member's columns; raises BadFile."""
    return {
        "id": row.text("id"),
        "crew_id": row.text("crew_id"),
        "name": row.text("name", most=80),
        "phone": _phone(row),
    }


def _phone(row: Row) -> str | None:
    phone = row.optional("phone", most=32)
    if phone is not None and not is_phone(phone):
        raise row.wrong("phone", f"{phone!r} is no telephone number such as +86 769 8555 0100.")
    return phone


def customer_values(row: Row) -> dict[str, Any]:
    """A customer's columns; raises BadFile."""
    values = {
        "name": row.text("name", most=120),
        "phone": _phone(row),
        "email": row.optional("email", most=254),
        "language": row.text("language", most=8),
    }
    with row.located():
        customers.check(**values)  # type: ignore[arg-type]
    return {
        "id": row.text("id"),
        "customer_class": row.choice("customer_class", CustomerClass),
        "wants_messages": row.flag("wants_messages"),
        "version": 1,
        **values,
    }


def premises_values(row: Row, territory: Territory) -> dict[str, Any]:
    """The columns of premises, whose position lies in the territory; raises BadFile."""
    lat, lon = _position(row, territory)
    accuracy_m = row.number_or_none("accuracy_m")
    if accuracy_m is not None and not 0 <= accuracy_m <= premises.WORST_ACCURACY_M:
        raise row.wrong("accuracy_m", f"{accuracy_m} m is no accuracy.")
    return {
        "id": row.text("id"),
        "customer_id": row.text("customer_id"),
        "territory_id": territory.id,
        "address": row.text("address"),
        "district": row.text("district", most=80),
        "area_class": row.choice("area_class", AreaClass),
        "site_class": row.choice("site_class", SiteClass),
        "lat": lat,
        "lon": lon,
        "accuracy_m": accuracy_m,
        "access_notes": row.optional("access_notes", most=500) or "",
        "feeder": row.optional("feeder", most=80) or "",
        "version": 1,
    }


def _position(row: Row, territory: Territory) -> tuple[float | None, float | None]:
    lat, lon = row.number_or_none("lat"), row.number_or_none("lon")
    if lat is None and lon is None:
        return None, None
    if lat is None or lon is None:
        raise row.wrong(
            "lat" if lat is None else "lon", "give both latitude and longitude, or neither."
        )
    with row.located():
        premises.check_position(territory, lat, lon)
    return lat, lon


def _insert_certificates(session: Session, rows: Iterable[Row], day: date) -> int:
    """Members who have certificates already keep theirs as they are."""
    holders = set(session.exec(select(Certificate.member_id).distinct()))
    seen: set[tuple[str, str, date]] = set()
    fresh = []
    for row in rows:
        values = certificate_values(row, day)
        key = (values["member_id"], values["skill"], values["valid_from"])
        if key in seen:
            raise row.wrong("skill", f"{key[0]} has {key[1]} from this day on already.")
        seen.add(key)
        if key[0] not in holders:
            fresh.append(values)
    return _insert(session, Certificate, fresh)


def certificate_values(row: Row, day: date) -> dict[str, Any]:
    """A certificate's columns, relative days counted from `day`; raises BadFile."""
    values = {
        "skill": row.text("skill", most=16),
        "level": row.whole("level", least=1, most=100),
        "valid_from": row.parsed("valid_from", read_day).on(day),
        "valid_until": row.parsed("valid_until", read_day).on(day),
    }
    with row.located():
        check_certificate(**values)  # type: ignore[arg-type]
    return {"member_id": row.text("member_id"), **values}


def _insert_stock(session: Session, rows: Iterable[Row]) -> int:
    known = set(session.exec(select(Stock.crew_id, Stock.part)))
    seen: set[tuple[str, str]] = set()
    fresh = []
    for row in rows:
        key = (row.text("crew_id"), row.text("part", most=32))
        if key in seen:
            raise row.wrong("part", f"{key[1]} of {key[0]} is there twice.")
        seen.add(key)
        if key not in known:
            fresh.append({"crew_id": key[0], "part": key[1], "quantity": row.whole("quantity")})
    return _insert(session, Stock, fresh)
