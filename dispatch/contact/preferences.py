"""How customers want to be told, and what they no longer want to be told."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from dispatch.contact.channels import Channel, Person, way_to
from dispatch.contact.classes import CLASSES
from dispatch.contact.tables import ContactPreference, MessageClass
from dispatch.core.errors import ConflictError, InvalidError
from dispatch.core.events import Actor, record
from dispatch.core.tables import Event
from dispatch.registry import customers
from dispatch.registry.tables import Customer


class BadPreference(InvalidError):
    """A value of the preferences is wrong."""

    code = "bad_preference"


class CannotBeStopped(ConflictError):
    """Messages of this class go out whatever the customer wishes: they are about safety."""

    code = "cannot_be_stopped"


STILL_SENT = ("emergency", "planned_outage", "outage_withdrawn")
"""What goes out to those who stopped everything: a class, and notices that the law asks for."""

SAID = ("customer.contact_changed", "customer.contact_stopped", "customer.contact_resumed")
"""The events that tell how a customer's wishes came about."""

_FIELDS = (
    "channels", "language", "earliest_hour", "latest_hour", "nominee_name", "nominee_phone", "nominee_email",
    "nominee_instead", "stopped", "wants_marketing", "do_not_contact",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Preference:
    """A customer's wishes; version 0 when nobody has set any."""

    customer_id: str
    channels: tuple[str, ...] = ()
    language: str | None = None
    earliest_hour: int | None = None
    latest_hour: int | None = None
    nominee_name: str = ""
    nominee_phone: str | None = None
    nominee_email: str | None = None
    nominee_instead: bool = False
    stopped: tuple[str, ...] = ()
    wants_marketing: bool = False
    do_not_contact: str = ""
    version: int = 0

    def allows(self, hour: int) -> bool:
        """Whether the customer wants to hear from us at this local hour."""
        earliest = 0 if self.earliest_hour is None else self.earliest_hour
        latest = 24 if self.latest_hour is None else self.latest_hour
        return earliest <= hour < latest

    @classmethod
    def of(cls, customer_id: str, row: ContactPreference | None) -> "Preference":
        """The wishes that a row holds, or those of somebody who has none."""
        if row is None:
            return cls(customer_id)
        values = {name: getattr(row, name) for name in _FIELDS}
        values |= {"channels": tuple(row.channels), "stopped": tuple(row.stopped)}
        return cls(customer_id, **values, version=row.version)

    @property
    def wishes(self) -> tuple[object, ...]:
        """What is wished, whoever wishes it."""
        return tuple(getattr(self, name) for name in _FIELDS)

    @property
    def has_nominee(self) -> bool:
        """Whether somebody else is told, instead or too."""
        return bool(self.nominee_phone or self.nominee_email)


def get(session: Session, *, customer_id: str) -> Preference:
    """The customer's wishes; raises NoSuchCustomer."""
    customers.get(session, customer_id)
    return Preference.of(customer_id, session.get(ContactPreference, customer_id))


def of_all(session: Session, customer_ids: Collection[str]) -> dict[str, Preference]:
    """What each of these customers wishes, in one statement; who never said anything has the defaults."""
    statement = select(ContactPreference).where(
        col(ContactPreference.customer_id).in_(customer_ids)
    )
    rows = {row.customer_id: row for row in session.exec(statement)}
    return {number: Preference.of(number, rows.get(number)) for number in customer_ids}


def history(session: Session, *, customer_id: str, limit: int = 20) -> list[Event]:
    """What was said about it, and who noted it over which channel, the newest first."""
    statement = select(Event).where(
        Event.entity == "customer", Event.entity_id == customer_id, col(Event.type).in_(SAID)
    )
    return list(session.exec(statement.order_by(col(Event.id).desc()).limit(limit)))


def put(
    session: Session,
    *,
    customer_id: str,
    values: dict[str, Any],
    expect: int | None = None,
    actor: Actor,
    now: datetime,
) -> Preference:
    """Replace the customer's wishes by these; what `values` leaves out is as if nobody had wished anything.

    Raises NoSuchCustomer, BadPreference, and StaleVersion when they are no longer at version `expect` (0: none).
    The event names the fields, and of consent also the values; it holds no address.
    """
    customers.get(session, customer_id)
    wished = Preference(customer_id, **values)
    check(wished)
    row = _row(session, customer_id)
    row.expect(expect)
    before = Preference.of(customer_id, row)
    changed = [name for name in _FIELDS if getattr(before, name) != getattr(wished, name)]
    for name in changed:
        value = getattr(wished, name)
        setattr(row, name, list(value) if isinstance(value, tuple) else value)
    _keep(session, row)
    consent = {
        name: getattr(row, name) for name in ("stopped", "wants_marketing") if name in changed
    }
    _record(session, "customer.contact_changed", row, actor, now, fields=changed, **consent)
    return Preference.of(customer_id, row)


def stop(
    session: Session,
    *,
    customer_id: str,
    message_class: MessageClass = MessageClass.SERVICE,
    channel: str = "",
    actor: Actor,
    now: datetime,
) -> Preference:
    """Note that the customer wants no more messages of a class; again it changes nothing.

    To stop `service` stops `service_urgent` too; marketing is opted out of. `channel` is where it was said.
    Emergencies cannot be stopped (CannotBeStopped), nor can notices that the law asks for: those go on, whatever
    is stopped (`STILL_SENT`). Raises NoSuchCustomer.
    """
    customers.get(session, customer_id)
    if not CLASSES[message_class].can_be_stopped:
        raise CannotBeStopped(
            "Messages about danger cannot be stopped; they go to everybody whom they concern.",
            field="message_class",
        )
    row = _row(session, customer_id)
    wanted = {message_class.value}
    if message_class is MessageClass.SERVICE:
        wanted.add(MessageClass.SERVICE_URGENT.value)
    stopped = sorted(wanted | set(row.stopped))
    opted_out = message_class is MessageClass.MARKETING and row.wants_marketing
    if stopped == sorted(row.stopped) and not opted_out:
        return Preference.of(customer_id, row)
    row.stopped = stopped
    row.wants_marketing = row.wants_marketing and not opted_out
    _keep(session, row)
    data = {"stopped": sorted(wanted), "channel": channel}
    _record(session, "customer.contact_stopped", row, actor, now, **data)
    return Preference.of(customer_id, row)


def resume(
    session: Session,
    *,
    customer_id: str,
    message_class: MessageClass = MessageClass.SERVICE,
    channel: str = "",
    actor: Actor,
    now: datetime,
) -> Preference:
    """Note that the customer wants messages of a class again; marketing is not opted into by this."""
    customers.get(session, customer_id)
    row = _row(session, customer_id)
    wanted = {message_class.value}
    if message_class is MessageClass.SERVICE:
        wanted.add(MessageClass.SERVICE_URGENT.value)
    if not wanted & set(row.stopped):
        return Preference.of(customer_id, row)
    row.stopped = sorted(set(row.stopped) - wanted)
    _keep(session, row)
    data = {"resumed": sorted(wanted), "channel": channel}
    _record(session, "customer.contact_resumed", row, actor, now, **data)
    return Preference.of(customer_id, row)


def choose(
    session: Session,
    *,
    customer_id: str,
    wanted: Collection[MessageClass],
    channel: str,
    actor: Actor,
    now: datetime,
) -> Preference:
    """Note which of the classes that may be stopped the customer wants, and no others: express consent for each.

    Raises NoSuchCustomer.
    """
    customers.get(session, customer_id)
    row = _row(session, customer_id)
    wishes = set(wanted) | (
        {MessageClass.SERVICE_URGENT} if MessageClass.SERVICE in wanted else set()
    )
    stopped = sorted(
        one.value for one in MessageClass if CLASSES[one].can_be_stopped and one not in wishes
    )
    wants_marketing = MessageClass.MARKETING in wanted
    if (stopped, wants_marketing) == (sorted(row.stopped), row.wants_marketing):
        return Preference.of(customer_id, row)
    row.stopped, row.wants_marketing = stopped, wants_marketing
    _keep(session, row)
    data = {"stopped": stopped, "wants_marketing": wants_marketing, "channel": channel}
    _record(session, "customer.contact_changed", row, actor, now, **data)
    return Preference.of(customer_id, row)


def drop_nominee(
    session: Session, *, customer_id: str, channel: str = "", actor: Actor, now: datetime
) -> Preference:
    """Note that whom the customer named wants to be told nothing: the customer is told themself again."""
    row = _row(session, customer_id)
    row.nominee_name, row.nominee_phone, row.nominee_email = "", None, None
    row.nominee_instead = False
    _keep(session, row)
    fields = [name for name in _FIELDS if name.startswith("nominee_")]
    _record(session, "customer.contact_changed", row, actor, now, fields=fields, channel=channel)
    return Preference.of(customer_id, row)


def objection(
    customer: Customer, wished: Preference, message_class: MessageClass, *, is_legal: bool
) -> str:
    """Why the customer is not to be told, as a code: `do_not_contact`, `no_consent`, `stopped`; empty: may be."""
    rules = CLASSES[message_class]
    if is_legal or not rules.can_be_stopped:
        return ""
    if wished.do_not_contact:
        return "do_not_contact"
    if not customer.wants_messages or (rules.asks and not wished.wants_marketing):
        return "no_consent"
    return "stopped" if message_class.value in wished.stopped else ""


def row_of(wished: Preference) -> ContactPreference:
    """A new row that holds these wishes."""
    values = {name: getattr(wished, name) for name in _FIELDS}
    values |= {"channels": list(wished.channels), "stopped": list(wished.stopped)}
    return ContactPreference(customer_id=wished.customer_id, **values)


def check(wished: Preference) -> None:
    """Raise BadPreference naming the first field that cannot be so."""
    known = [channel.value for channel in Channel]
    for channel in wished.channels:
        if channel not in known:
            raise _bad("channels", f"{channel!r} is not one of {', '.join(known)}.")
    if len(set(wished.channels)) < len(wished.channels):
        raise _bad("channels", "Each channel is named once.")
    if wished.language is not None and wished.language not in customers.LANGUAGES:
        raise _bad(
            "language", f"{wished.language!r} is not one of {', '.join(customers.LANGUAGES)}."
        )
    for name, most in (("earliest_hour", 23), ("latest_hour", 24)):
        hour = getattr(wished, name)
        if hour is not None and not 0 <= hour <= most:
            raise _bad(name, f"An hour lies between 0 and {most}.")
    if (wished.earliest_hour or 0) >= (24 if wished.latest_hour is None else wished.latest_hour):
        raise _bad("latest_hour", "The latest hour lies after the earliest.")
    _check_nominee(wished)
    for name in wished.stopped:
        if name not in [one.value for one in MessageClass if CLASSES[one].can_be_stopped]:
            raise _bad("stopped", f"{name!r} is no class of messages that can be stopped.")
    if len(wished.do_not_contact) > 200 or not wished.do_not_contact.isprintable():
        raise _bad("do_not_contact", "A reason is one line of at most 200 characters.")


def _check_nominee(wished: Preference) -> None:
    if len(wished.nominee_name) > 120 or not wished.nominee_name.isprintable():
        raise _bad("nominee_name", "A name is one line of at most 120 characters.")
    if wished.has_nominee and not wished.nominee_name.strip():
        raise _bad("nominee_name", "Say who is told at this address.")
    if wished.nominee_instead and not wished.has_nominee:
        raise _bad("nominee_instead", "Nobody is named who could be told instead.")
    nominee = Person(wished.nominee_name, wished.nominee_phone, wished.nominee_email, "")
    for name, channel in (("nominee_phone", Channel.VOICE), ("nominee_email", Channel.EMAIL)):
        if way_to(nominee, channel).obstacle == "bad_address":
            raise _bad(name, f"{getattr(wished, name)!r} cannot be reached: it is not complete.")


def _bad(field: str, text: str) -> BadPreference:
    return BadPreference(text, field=field)


def _row(session: Session, customer_id: str) -> ContactPreference:
    row = session.get(ContactPreference, customer_id)
    return row or ContactPreference(customer_id=customer_id, version=0)


def _keep(session: Session, row: ContactPreference) -> None:
    session.add(row)
    session.flush()


def _record(
    session: Session, type: str, row: ContactPreference, actor: Actor, now: datetime, **data: Any
) -> None:
    record(
        session,
        type,
        entity="customer",
        entity_id=row.customer_id,
        actor=actor,
        now=now,
        data=data,
    )
    session.flush()
