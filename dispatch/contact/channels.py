"""Channels: which ways lead to a person, and in what order they are tried."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from dispatch.contact.tables import TextKind


class Channel(StrEnum):
    """A way for a message to reach somebody."""

    EMAIL = "email"
    SMS = "sms"
    VOICE = "voice"
    CHAT = "chat"
    PRINT = "print"


BUILT_IN: frozenset[str] = frozenset({Channel.EMAIL, Channel.PRINT})
"""What every installation has: mail (or its outbox), and the list of letters to print and carry out."""

TEXT_OF: Mapping[str, TextKind] = {
    Channel.EMAIL: TextKind.EMAIL,
    Channel.PRINT: TextKind.EMAIL,
    Channel.SMS: TextKind.SMS,
    Channel.VOICE: TextKind.SMS,
    Channel.CHAT: TextKind.SMS,
}
"""Which text a channel carries."""

HOME_REGION = "CN"
"""Where telephone numbers without a country code are."""

_EMAIL = re.compile(r"[^\s@<>(),;:\"\\]+@[^\s@<>(),;:\"\\]+\.[^\s@<>(),;:\"\\]+")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can be told: the customer, or whom the customer named. `place` is a postal address."""

    name: str
    phone: str | None
    email: str | None
    place: str
    is_nominee: bool = False


@dataclass(frozen=True, slots=True)
class Way:
    """A channel and the address on it; `obstacle` says why the address is empty."""

    channel: str
    address: str
    obstacle: str = ""


def way_to(person: Person, channel: str) -> Way:
    """The person's address on a channel, in the form that the channel carries: E.164 for telephones.

    Obstacles are `no_address`, `bad_address`, and `no_mobile` for an SMS to a fixed line.
    """
    if channel == Channel.PRINT:
        return _way(channel, " ".join(person.place.split())[:254])
    if channel == Channel.EMAIL:
        address = (person.email or "").strip()
        fits = not address or _EMAIL.fullmatch(address)
        return _way(channel, address) if fits else Way(channel, "", "bad_address")
    phone = (person.phone or "").strip()
    if not phone:
        return _way(channel, "")
    try:
        number = phonenumbers.parse(phone, HOME_REGION)
    except NumberParseException:
        return Way(channel, "", "bad_address")
    if not phonenumbers.is_valid_number(number):
        return Way(channel, "", "bad_address")
    if channel == Channel.SMS and phonenumbers.number_type(number) == PhoneNumberType.FIXED_LINE:
        return Way(channel, "", "no_mobile")
    return _way(channel, phonenumbers.format_number(number, PhoneNumberFormat.E164))


def first_way(person: Person, order: Iterable[str], *, installed: Collection[str]) -> Way:
    """The first way in this order that the installation has and that leads to the person.

    When none does, the way says why: a wrong address weighs more than a missing one.
    """
    failed: list[Way] = []
    for channel in order:
        if channel in installed:
            way = way_to(person, channel)
            if way.address:
                return way
            failed.append(way)
    weight = ["bad_address", "no_mobile", "no_address"]
    failed.sort(key=lambda way: weight.index(way.obstacle))
    return failed[0] if failed else Way(Channel.EMAIL, "", "no_channel")


def _way(channel: str, address: str) -> Way:
    return Way(channel, address, "" if address else "no_address")
