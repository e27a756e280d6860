"""Requests from the public: a fault or a question by somebody who signs in nowhere, taken in like any other.

Nobody is told whether a number is a customer's: a report that names one is only theirs when the telephone is too,
and else that of somebody new, with what was named in its text for the counter to look at.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, select

from dispatch.core.errors import InvalidError
from dispatch.core.events import Actor
from dispatch.desk import requests
from dispatch.desk.tables import Request, RequestKind
from dispatch.registry import customers, territories
from dispatch.registry.customers import BadCustomer
from dispatch.registry.tables import Customer, Premises

PUBLIC = Actor("public", "customer")
LONGEST = 4000
"""Characters of what somebody reports, with the number that they name."""
_SUBJECT = 80
_SAME_DIGITS = 7
"""As many last digits of two telephone numbers make them the same, whatever stands before."""


class BadReport(InvalidError):
    """Something of the report is missing or wrong; `details["field"]` names it."""

    code = "bad_report"


@dataclass(frozen=True, slots=True)
class Report:
    """What somebody reports. `account` is the number of a customer or premises, `address` is in their own words.

    `lat` and `lon` are where it is, in WGS 84 degrees: both, or neither.
    """

    kind: RequestKind
    name: str
    phone: str
    text: str
    address: str = ""
    account: str = ""
    email: str = ""
    lat: float | None = None
    lon: float | None = None
    language: str = "zh-CN"


def take_in(
    session: Session,
    report: Report,
    *,
    now: datetime,
    territory_id: str | None = None,
    channel: str = "web",
) -> Request:
    """Receive what somebody reports, as a known customer's where number and telephone agree.

    `territory_id` may be left out where there is one territory. Raises BadReport, NoSuchTerritory and NoCounter.
    """
    check(report)
    place = _known_premises(session, report)
    if place is None:
        place = _new_premises(session, report, territory_of(session, territory_id), now=now)
    return requests.receive(
        session,
        kind=report.kind,
        customer_id=place.customer_id,
        premises_id=place.id,
        subject=_one_line(report.text)[:_SUBJECT],
        text=_text(report),
        channel=channel,
        actor=PUBLIC,
        now=now,
    )


def check(report: Report) -> None:
    """Raise BadReport for the first value that is missing or wrong."""
    if not _one_line(report.text):
        raise BadReport("Say what it is about.", field="text")
    if len(_text(report)) > LONGEST:
        raise BadReport(f"At most {LONGEST} characters.", field="text")
    if not report.phone.strip():
        raise BadReport("Leave a telephone number, so that we can call back.", field="phone")
    if (report.lat is None) != (report.lon is None):
        raise BadReport("Give both latitude and longitude, or neither.", field="lat")
    if not _address(report):
        raise BadReport("Give the address, or the number on your bill.", field="address")
    if len(report.address) > 240 or len(report.account) > 32:
        raise BadReport("That is too long.", field="address")
    try:
        customers.check(
            name=report.name,
            phone=report.phone.strip(),
            email=report.email.strip() or None,
            language=report.language,
        )
    except BadCustomer as error:
        raise BadReport(error.message, **error.details) from error


def territory_of(session: Session, territory_id: str | None) -> str:
    """The territory that is meant, which may be left out where there is one.

    Raises NoSuchTerritory, and BadReport where several could be meant.
    """
    if territory_id:
        return territories.get(session, territory_id).id
    known = territories.listed(session)
    if len(known) != 1:
        raise BadReport("Choose where you are.", field="territory")
    return known[0].id


def made_by(session: Session, *, number: str, phone: str) -> Request | None:
    """The request of this number, when the telephone is that of whoever made it; else None, whatever is wrong."""
    row = session.get(Request, number_of(number))
    customer = session.get(Customer, row.customer_id) if row else None
    known = digits_of((customer.phone if customer else "") or "")
    return row if len(known) == _SAME_DIGITS and known == digits_of(phone) else None


def number_of(text: str) -> str:
    """A request's number as we write it: people leave out the letter, the hyphen and the noughts before."""
    written = re.sub(r"[\W_]", "", text.upper())
    return f"R-{written.removeprefix('R').zfill(6)}"


def digits_of(phone: str) -> str:
    """The last digits of a telephone number, by which two ways of writing it are the same."""
    return re.sub(r"\D", "", phone)[-_SAME_DIGITS:]


def _known_premises(session: Session, report: Report) -> Premises | None:
    """The premises that the number names, when the telephone is that of their customer."""
    number = report.account.strip()
    if not number:
        return None
    place = session.get(Premises, number)
    if place is None:
        of_customer = select(Premises).where(Premises.customer_id == number)
        found = session.exec(of_customer.order_by(Premises.id).limit(2)).all()
        place = found[0] if len(found) == 1 else None
    customer = session.get(Customer, place.customer_id) if place else None
    known = digits_of((customer.phone if customer else "") or "")
    return place if len(known) == _SAME_DIGITS and known == digits_of(report.phone) else None


def _new_premises(
    session: Session, report: Report, territory_id: str, *, now: datetime
) -> Premises:
    customer = customers.create(
        session,
        name=_one_line(report.name),
        phone=report.phone.strip(),
        email=report.email.strip() or None,
        language=report.language,
        actor=PUBLIC,
        now=now,
    )
    return customers.add_premises(
        session,
        customer_id=customer.id,
        territory_id=territory_id,
        address=_address(report),
        district="",
        lat=report.lat,
        lon=report.lon,
        actor=PUBLIC,
        now=now,
    )


def _text(report: Report) -> str:
    """What the counter reads: the report, and the number that was named."""
    named = report.account.strip()
    return f"{report.text.strip()}\n[{named}]" if named else report.text.strip()


def _address(report: Report) -> str:
    """Where it is: in words, else by the number, else by degrees; empty when nothing was said."""
    degrees = "" if report.lat is None else f"{report.lat:.5f}, {report.lon:.5f}"
    return _one_line(report.address) or _one_line(report.account) or degrees


def _one_line(text: str) -> str:
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
