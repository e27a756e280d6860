"""What customers write back: which messages they want no more of, or want again."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped
from sqlmodel import Session, col, select

from dispatch.contact import preferences
from dispatch.contact.channels import BUILT_IN
from dispatch.contact.notices import tell_stopped
from dispatch.contact.tables import ContactPreference, MessageClass
from dispatch.core.events import SYSTEM
from dispatch.registry.tables import Customer

_M = MessageClass
ALL = (_M.SERVICE, _M.SURVEY, _M.MARKETING)
"""What may be stopped; of danger, and of what the law asks for, everybody is told."""
STOP_WORDS = ("UNSUBSCRIBE", "STOP", "退订", "TD", "T")
START_WORDS = ("UNSTOP", "START", "恢复", "订阅")
CLASS_WORDS: Mapping[str, tuple[MessageClass, ...]] = {
    "": ALL, "ALL": ALL, "全部": ALL,
    "VISITS": (_M.SERVICE,), "SERVICE": (_M.SERVICE,), "服务": (_M.SERVICE,), "上门": (_M.SERVICE,),
    "SURVEY": (_M.SURVEY,), "SURVEYS": (_M.SURVEY,), "回访": (_M.SURVEY,), "调查": (_M.SURVEY,),
    "OFFERS": (_M.MARKETING,), "MARKETING": (_M.MARKETING,), "营销": (_M.MARKETING,), "推广": (_M.MARKETING,),
}  # fmt: skip
"""What may follow such a word, as in `STOP SURVEYS` or 退订回访; alone it is about all of them."""

_FEWEST_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Word:
    """What somebody wrote back: no more messages of these classes, or such messages again."""

    stops: bool
    classes: tuple[MessageClass, ...]


def word_of(text: str) -> Word | None:
    """What a reply asks for; None when it asks for nothing of the kind."""
    written = re.sub(r"[\s.!。！'\"“”]", "", text).upper()
    for words, stops in ((STOP_WORDS, True), (START_WORDS, False)):
        for word in words:
            rest = written.removeprefix(word)
            if written.startswith(word) and rest in CLASS_WORDS:
                return Word(stops, CLASS_WORDS[rest])
    return None


def heed(
    session: Session,
    word: Word,
    *,
    sender: str,
    channel: str,
    now: datetime,
    channels: Collection[str] = BUILT_IN,
) -> bool:
    """Do as whoever has the number `sender` wrote; whether anybody known has it.

    Customers are told which messages still come. Whom a customer named is not told anything any more, and the
    customer is told themself again; only the customer can name somebody anew.
    """
    customers = of_phone(session, sender)
    for customer in customers:
        change = preferences.stop if word.stops else preferences.resume
        for message_class in word.classes:
            change(
                session, customer_id=customer.id, message_class=message_class, channel=channel,
                actor=SYSTEM, now=now,
            )  # fmt: skip
    nominated = _nominated(session, sender) if word.stops else []
    for wished in nominated:
        preferences.drop_nominee(
            session, customer_id=wished.customer_id, channel=channel, actor=SYSTEM, now=now
        )
    if word.stops and customers:  # one telephone, one answer
        tell_stopped(
            session, customer=customers[0], classes=word.classes, channels=channels, now=now
        )
    return bool(customers or nominated)


def of_phone(session: Session, phone: str) -> list[Customer]:
    """The customers who have this telephone number, written with or without the country's code."""
    digits = _digits(phone)
    statement = (
        select(Customer).where(_ends_alike(col(Customer.phone), digits)).order_by(Customer.id)
    )
    return [one for one in session.exec(statement) if _same(_digits(one.phone or ""), digits)]


def _nominated(session: Session, phone: str) -> list[ContactPreference]:
    """The wishes in which somebody with this number is named to be told."""
    digits, number = _digits(phone), col(ContactPreference.nominee_phone)
    statement = select(ContactPreference).where(_ends_alike(number, digits))
    rows = session.exec(statement.order_by(ContactPreference.customer_id))
    return [one for one in rows if _same(_digits(one.nominee_phone or ""), digits)]


def _ends_alike(column: Mapped[str | None], digits: str) -> sa.ColumnElement[bool]:
    if len(digits) < _FEWEST_DIGITS:
        return sa.false()
    written: sa.ColumnElement[str] = sa.func.coalesce(column, "")
    for sign in " -()+":
        written = sa.func.replace(written, sign, "")
    return written.endswith(digits[-_FEWEST_DIGITS:])


def _digits(phone: str) -> str:
    return re.sub(r"\D", "", phone)


def _same(one: str, other: str) -> bool:
    shorter, longer = sorted((one, other), key=len)
    return longer.endswith(shorter.lstrip("0")) and len(shorter.lstrip("0")) >= _FEWEST_DIGITS
