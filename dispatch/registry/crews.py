"""Crews, their members, what these are certified for, and what lies on the vehicle."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlmodel import Session, col, select

from dispatch.core import alerts, events
from dispatch.core.errors import ConflictError, InvalidError, NotFoundError
from dispatch.core.events import Actor
from dispatch.registry.phones import check_phone
from dispatch.registry.tables import Certificate, Crew, Depot, Member, Stock
from dispatch.registry.territories import IdTaken, check_id


class NoSuchCrew(NotFoundError):
    """No crew has this id."""

    code = "no_such_crew"


class NoSuchMember(NotFoundError):
    """Nobody has this id."""

    code = "no_such_member"


class NoSuchDepot(NotFoundError):
    """No depot of the territory has this id."""

    code = "no_such_depot"


class BadCrew(InvalidError):
    """A value of the crew is wrong."""

    code = "bad_crew"


class BadMember(InvalidError):
    """A value of the member is wrong."""

    code = "bad_member"


class BadCertificate(InvalidError):
    """A value of the certificate is wrong."""

    code = "bad_certificate"


class CertificateKnown(ConflictError):
    """The member already has a certificate of this skill from this day on."""

    code = "certificate_known"


class BadStock(InvalidError):
    """A quantity is below 0."""

    code = "bad_stock"


def create(
    session: Session,
    *,
    id: str,
    territory_id: str,
    depot_id: str,
    name_zh: str,
    name_en: str,
    vehicle: str = "",
    phone: str | None = None,
    actor: Actor,
    now: datetime,
) -> Crew:
    """Add a crew at a depot of its territory; raises BadCrew, BadId, IdTaken and NoSuchDepot."""
    check_phone(phone, BadCrew)
    if session.get(Crew, check_id(id)) is not None:
        raise IdTaken(f"There already is a crew {id}.", field="id")
    depot = session.get(Depot, depot_id)
    if depot is None or depot.territory_id != territory_id:
        raise NoSuchDepot(f"Territory {territory_id} has no depot {depot_id}.", field="depot_id")
    crew = Crew(
        id=id,
        territory_id=territory_id,
        depot_id=depot_id,
        name_zh=name_zh,
        name_en=name_en,
        vehicle=vehicle,
        phone=phone,
    )
    session.add(crew)
    _record(session, "crew.created", "crew", id, crew, actor, now)
    return crew


def get(session: Session, crew_id: str) -> Crew:
    """The crew of this id; raises NoSuchCrew."""
    crew = session.get(Crew, crew_id)
    if crew is None:
        raise NoSuchCrew(f"There is no crew {crew_id}.", field="crew_id")
    return crew


def listed(session: Session, *, territory_id: str) -> list[Crew]:
    """The territory's crews, by id."""
    return list(
        session.exec(select(Crew).where(Crew.territory_id == territory_id).order_by(Crew.id))
    )


def add_member(
    session: Session,
    *,
    id: str,
    crew_id: str,
    name: str,
    phone: str | None = None,
    actor: Actor,
    now: datetime,
) -> Member:
    """Add a person to a crew; raises BadMember, BadId, IdTaken and NoSuchCrew."""
    check_phone(phone, BadMember)
    crew = get(session, crew_id)
    if session.get(Member, check_id(id)) is not None:
        raise IdTaken(f"There already is a member {id}.", field="id")
    member = Member(id=id, crew_id=crew_id, name=name, phone=phone)
    session.add(member)
    _record(session, "member.added", "member", id, crew, actor, now)
    return member


def certify(
    session: Session,
    *,
    member_id: str,
    skill: str,
    level: int,
    valid_from: date,
    valid_until: date,
    actor: Actor,
    now: datetime,
) -> Certificate:
    """Record a certificate, valid on its first day, its last day and between.

    Raises NoSuchMember, BadCertificate and CertificateKnown.
    """
    member = session.get(Member, member_id)
    if member is None:
        raise NoSuchMember(f"There is no member {member_id}.", field="member_id")
    check_certificate(skill, level, valid_from, valid_until)
    known = session.exec(
        select(Certificate.id).where(
            Certificate.member_id == member_id,
            Certificate.skill == skill,
            Certificate.valid_from == valid_from,
        )
    ).first()
    if known is not None:
        raise CertificateKnown(
            f"{member.name} already has a certificate {skill} from {valid_from} on.", field="skill"
        )
    certificate = Certificate(
        member_id=member_id,
        skill=skill,
        level=level,
        valid_from=valid_from,
        valid_until=valid_until,
    )
    session.add(certificate)
    _record(
        session,
        "member.certified",
        "member",
        member_id,
        get(session, member.crew_id),
        actor,
        now,
        skill=skill,
        level=level,
        valid_until=valid_until.isoformat(),
    )
    return certificate


def check_certificate(skill: str, level: int, valid_from: date, valid_until: date) -> None:
    """Raise BadCertificate unless the values can be a certificate's."""
    if not skill or len(skill) > 16:
        raise BadCertificate("A skill is a code such as LV, of 1 to 16 characters.", field="skill")
    if level < 1:
        raise BadCertificate("The lowest level is 1.", field="level")
    if valid_until < valid_from:
        raise BadCertificate(
            f"The certificate would end on {valid_until}, before it begins on {valid_from}.",
            field="valid_until",
        )


def stock_of(session: Session, crew_id: str) -> Sequence[Stock]:
    """What lies on the crew's vehicle, by part; raises NoSuchCrew."""
    get(session, crew_id)
    return session.exec(
        select(Stock).where(Stock.crew_id == crew_id).order_by(col(Stock.part))
    ).all()


def set_stock(
    session: Session,
    *,
    crew_id: str,
    part: str,
    quantity: int,
    actor: Actor,
    now: datetime,
    expect: int | None = None,
) -> Stock:
    """Say how many of a part lie on the crew's vehicle.

    `expect` is the version that the caller saw, 0 when the books had none of it. Raises NoSuchCrew, BadStock and
    StaleVersion.
    """
    crew = get(session, crew_id)
    if quantity < 0 or not part:
        raise BadStock("A stock names its part and is 0 or more.", field="quantity")
    stock = session.get(Stock, (crew_id, part))
    if stock is None:
        stock = Stock(crew_id=crew_id, part=part, version=0, quantity=quantity)
    stock.expect(expect)
    stock.quantity = quantity
    session.add(stock)
    alerts.resolve(session, f"stock:{crew_id}", now=now)
    _record(
        session, "crew.stocked", "crew", crew_id, crew, actor, now, part=part, quantity=quantity
    )
    return stock


def _record(
    session: Session,
    type: str,
    entity: str,
    entity_id: str,
    crew: Crew,
    actor: Actor,
    now: datetime,
    **data: object,
) -> None:
    session.flush()
    events.record(
        session,
        type,
        entity=entity,
        entity_id=entity_id,
        actor=actor,
        now=now,
        territory_id=crew.territory_id,
        data={"crew_id": crew.id, **data},
    )
    session.flush()
