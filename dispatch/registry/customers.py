"""Customers: who uses electricity, how to reach them, and the premises where they use it."""

import re
from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from dispatch.core import events, numbers
from dispatch.core.errors import InvalidError, NotFoundError
from dispatch.core.events import Actor
from dispatch.registry import premises as places
from dispatch.registry import territories
from dispatch.registry.phones import check_phone
from dispatch.registry.tables import AreaClass, Customer, CustomerClass, Premises, SiteClass
from dispatch.registry.territories import IdTaken, check_id

LANGUAGES = ("zh-CN", "en")

_EMAIL = re.compile(r"[^@\s,;<>\"]{1,64}@[A-Za-z0-9.-]{1,185}\.[A-Za-z]{2,}")


class NoSuchCustomer(NotFoundError):
    """No customer has this id."""

    code = "no_such_customer"


class BadCustomer(InvalidError):
    """A value of the customer is wrong."""

    code = "bad_customer"


def create(
    session: Session,
    *,
    name: str,
    id: str | None = None,
    customer_class: CustomerClass = CustomerClass.D,
    phone: str | None = None,
    email: str | None = None,
    language: str = "zh-CN",
    wants_messages: bool = True,
    actor: Actor,
    now: datetime,
) -> Customer:
    """Add a customer, numbered unless `id` is given; raises BadCustomer, BadId and IdTaken."""
    check(name=name, phone=phone, email=email, language=language)
    if id is not None and session.get(Customer, check_id(id)) is not None:
        raise IdTaken(f"There already is a customer {id}.", field="id")
    customer = Customer(
        id=id or numbers.next_number(session, "customer", "C"),
        name=name.strip(),
        customer_class=customer_class,
        phone=phone,
        email=email,
        language=language,
        wants_messages=wants_messages,
    )
    session.add(customer)
    _record(session, "customer.created", customer, actor, now)
    return customer


def change(
    session: Session,
    *,
    customer_id: str,
    values: dict[str, Any],
    expect: int | None = None,
    actor: Actor,
    now: datetime,
) -> Customer:
    """Change some of name, customer_class, phone, email, language and wants_messages.

    Raises NoSuchCustomer, BadCustomer, and StaleVersion when the customer is no longer at version `expect`.
    The event names the fields, not the values: the trail holds no addresses.
    """
    customer = get(session, customer_id)
    customer.expect(expect)
    allowed = {"name", "customer_class", "phone", "email", "language", "wants_messages"}
    unknown = sorted(set(values) - allowed)
    if unknown:
        raise BadCustomer(f"{unknown[0]} of a customer cannot be changed.", field=unknown[0])
    merged = {name: getattr(customer, name) for name in ("name", "phone", "email", "language")}
    check(**{name: values.get(name, value) for name, value in merged.items()})
    for name, value in values.items():
        setattr(customer, name, value)
    _record(session, "customer.changed", customer, actor, now, fields=sorted(values))
    return customer


def get(session: Session, customer_id: str) -> Customer:
    """The customer of this id; raises NoSuchCustomer."""
    customer = session.get(Customer, customer_id)
    if customer is None:
        raise NoSuchCustomer(f"There is no customer {customer_id}.", field="customer_id")
    return customer


def premises_of(session: Session, *, customer_id: str) -> list[Premises]:
    """The customer's premises, by id."""
    statement = select(Premises).where(Premises.customer_id == customer_id).order_by(Premises.id)
    return list(session.exec(statement))


def add_premises(
    session: Session,
    *,
    customer_id: str,
    territory_id: str,
    address: str,
    district: str,
    id: str | None = None,
    area_class: AreaClass = AreaClass.URBAN,
    site_class: SiteClass = SiteClass.ORDINARY,
    lat: float | None = None,
    lon: float | None = None,
    accuracy_m: float | None = None,
    access_notes: str = "",
    feeder: str = "",
    actor: Actor,
    now: datetime,
) -> Premises:
    """Add premises of a customer; without lat and lon they cannot be planned until they are located.

    Raises NoSuchCustomer, NoSuchTerritory, BadCustomer, BadId, IdTaken and what `premises.locate` does.
    """
    get(session, customer_id)
    territories.get(session, territory_id)
    if id is not None and session.get(Premises, check_id(id)) is not None:
        raise IdTaken(f"There already are premises {id}.", field="id")
    if not address.strip() or not address.isprintable():
        raise BadCustomer("Premises have an address, in one line.", field="address")
    if not access_notes.isprintable():
        raise BadCustomer("Access notes are one line.", field="access_notes")
    if len(feeder) > 80 or not feeder.isprintable():
        raise BadCustomer("A feeder is one line of up to 80 characters.", field="feeder")
    if (lat is None) != (lon is None):
        raise BadCustomer("Give both latitude and longitude, or neither.", field="lat")
    row = Premises(
        id=id or numbers.next_number(session, "premises", "P"),
        customer_id=customer_id,
        territory_id=territory_id,
        address=address.strip(),
        district=district,
        area_class=area_class,
        site_class=site_class,
        access_notes=access_notes,
        feeder=feeder.strip(),
    )
    session.add(row)
    session.flush()
    events.record(
        session,
        "premises.created",
        entity="premises",
        entity_id=row.id,
        actor=actor,
        now=now,
        territory_id=territory_id,
    )
    if lat is not None and lon is not None:
        places.locate(
            session,
            premises_id=row.id,
            lat=lat,
            lon=lon,
            accuracy_m=accuracy_m,
            actor=actor,
            now=now,
        )
    return row


def check(*, name: str, phone: str | None, email: str | None, language: str) -> None:
    """Raise BadCustomer unless these can be a customer's: one line each, an address that can be written to."""
    if not name.strip() or len(name) > 120 or not name.isprintable():
        raise BadCustomer("A name is one line of 1 to 120 characters.", field="name")
    check_phone(phone, BadCustomer)
    if email is not None and not _EMAIL.fullmatch(email):
        raise BadCustomer(f"{email!r} is no e-mail address.", field="email")
    if language not in LANGUAGES:
        raise BadCustomer(f"{language!r} is not one of {', '.join(LANGUAGES)}.", field="language")


def _record(
    session: Session, type: str, customer: Customer, actor: Actor, now: datetime, **data: object
) -> None:
    session.flush()
    events.record(
        session,
        type,
        entity="customer",
        entity_id=customer.id,
        actor=actor,
        now=now,
        data=dict(data),
    )
    session.flush()
