"""Rows of the registry for tests, made by the product's own operations."""

import itertools
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlmodel import Session

from dispatch.core.events import Actor
from dispatch.registry import accounts, crews, customers, shifts, territories
from dispatch.registry.hours import Break
from dispatch.registry.tables import (
    Account,
    AreaClass,
    Crew,
    Customer,
    CustomerClass,
    Depot,
    Organisation,
    Premises,
    Role,
    Shift,
    SiteClass,
    Territory,
)
from tests.instants import DAY, NOW

ADMIN = Actor("admin", "admin")
DISPATCHER = Actor("dispatcher", "dispatcher")

_numbers = itertools.count(1)

OWN_PHONE = "own"
"""Stands for a number that no other customer has."""

SQUARE = {
    "type": "Polygon",
    "coordinates": [
        [[113.60, 22.75], [113.74, 22.75], [113.74, 22.87], [113.60, 22.87], [113.60, 22.75]]
    ],
}
"""A square of land around Humen."""


def make_territory(
    session: Session,
    *,
    id: str = "humen",
    zone: str = "Asia/Shanghai",
    boundary: dict[str, Any] = SQUARE,
) -> Territory:
    """The territory of this id, with its organisation; the one that exists already when there is one."""
    known = session.get(Territory, id)
    if known is not None:
        return known
    if session.get(Organisation, "branch") is None:
        territories.create_organisation(
            session, id="branch", name_zh="供电分局", name_en="Branch", actor=ADMIN, now=NOW
        )
    return territories.create(
        session,
        id=id,
        organisation_id="branch",
        name_zh="虎门",
        name_en="Humen",
        zone=zone,
        boundary=boundary,
        actor=ADMIN,
        now=NOW,
    )


def make_depot(
    session: Session,
    *,
    id: str = "depot",
    territory_id: str = "humen",
    lat: float = 22.815,
    lon: float = 113.672,
) -> Depot:
    """The depot of this id, and its territory."""
    known = session.get(Depot, id)
    if known is not None:
        return known
    make_territory(session, id=territory_id)
    return territories.create_depot(
        session,
        id=id,
        territory_id=territory_id,
        name_zh="营业所",
        name_en="Depot",
        lat=lat,
        lon=lon,
        actor=ADMIN,
        now=NOW,
    )


def make_customer(
    session: Session,
    *,
    id: str | None = None,
    name: str = "陈小明",
    customer_class: CustomerClass = CustomerClass.C,
    email: str | None = "chen@example.com",
    phone: str | None = OWN_PHONE,
    language: str = "zh-CN",
    wants_messages: bool = True,
) -> Customer:
    """A customer without premises, with a telephone number of their own unless told otherwise."""
    if phone == OWN_PHONE:
        phone = f"+86 769 5550 {next(_numbers):04d}"
    return customers.create(
        session,
        id=id,
        name=name,
        customer_class=customer_class,
        phone=phone,
        email=email,
        language=language,
        wants_messages=wants_messages,
        actor=ADMIN,
        now=NOW,
    )


def make_premises(
    session: Session,
    *,
    id: str | None = None,
    customer: Customer | None = None,
    territory_id: str = "humen",
    lat: float | None = 22.82,
    lon: float | None = 113.68,
    area_class: AreaClass = AreaClass.URBAN,
    site_class: SiteClass = SiteClass.ORDINARY,
    address: str = "虎门镇太平社区解放路1号",
    feeder: str = "",
) -> Premises:
    """Premises of `customer`, or of a new one, in the territory of this id."""
    make_territory(session, id=territory_id)
    owner = customer or make_customer(session)
    return customers.add_premises(
        session,
        id=id,
        customer_id=owner.id,
        territory_id=territory_id,
        address=address,
        district="太平社区",
        area_class=area_class,
        site_class=site_class,
        lat=lat,
        lon=lon,
        feeder=feeder,
        accuracy_m=20.0 if lat is not None else None,
        actor=ADMIN,
        now=NOW,
    )


def make_crew(
    session: Session,
    *,
    id: str | None = None,
    skills: Mapping[str, int] | None = None,
    members: int = 2,
    depot_id: str = "depot",
    territory_id: str = "humen",
    stock: Mapping[str, int] | None = None,
    valid_until: date = DAY + timedelta(days=365),
) -> Crew:
    """A crew whose first member holds a certificate of each of `skills` (default: LV at level 1)."""
    make_depot(session, id=depot_id, territory_id=territory_id)
    crew_id = id or f"K{next(_numbers):02d}"
    crew = crews.create(
        session,
        id=crew_id,
        territory_id=territory_id,
        depot_id=depot_id,
        name_zh=f"{crew_id}班",
        name_en=f"Crew {crew_id}",
        actor=ADMIN,
        now=NOW,
    )
    for number in range(1, members + 1):
        crews.add_member(
            session,
            id=f"{crew_id}-M{number}",
            crew_id=crew_id,
            name=f"{crew_id}员工{number}",
            actor=ADMIN,
            now=NOW,
        )
    for skill, level in ({"LV": 1} if skills is None else skills).items():
        crews.certify(
            session,
            member_id=f"{crew_id}-M1",
            skill=skill,
            level=level,
            valid_from=DAY - timedelta(days=700),
            valid_until=valid_until,
            actor=ADMIN,
            now=NOW,
        )
    for part, quantity in (stock or {}).items():
        crews.set_stock(
            session, crew_id=crew_id, part=part, quantity=quantity, actor=ADMIN, now=NOW
        )
    return crew


def make_shift(
    session: Session,
    *,
    crew: Crew | None = None,
    day: date = DAY,
    starts: time | datetime = time(8),
    ends: time | datetime = time(17, 30),
    breaks: Sequence[Break] = (),
    max_overtime_s: int = 0,
    members: Sequence[str] | None = None,
) -> Shift:
    """A shift of `crew`, or of a new one, from 08:00 to 17:30 without a break."""
    crew = crew or make_crew(session)
    return shifts.create(
        session,
        crew_id=crew.id,
        day=day,
        starts=starts,
        ends=ends,
        breaks=breaks,
        max_overtime_s=max_overtime_s,
        members=members,
        actor=ADMIN,
        now=NOW,
    )


def make_account(
    session: Session,
    *,
    login: str = "li.ming",
    role: Role = Role.DISPATCHER,
    password: str | None = "correct horse battery",
    crew_id: str | None = None,
) -> Account:
    """An account that can sign in with its password."""
    return accounts.create(
        session,
        login=login,
        name="李明",
        role=role,
        password=password,
        crew_id=crew_id,
        actor=ADMIN,
        now=NOW,
    )
