"""The print list: messages that reach their customer on paper, by hand, and that a person says were handed over."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session, col, select

from dispatch.contact import messages
from dispatch.contact.facts import load
from dispatch.contact.kinds import KINDS
from dispatch.contact.progress import WAITING, get, move
from dispatch.contact.tables import Message
from dispatch.core.calendar import day_bounds, zone_named
from dispatch.core.errors import ConflictError
from dispatch.core.events import Actor, record
from dispatch.registry import territories
from dispatch.work.tables import Visit

CHANNEL = "print"
MOST = 400
"""Notices on one list: a hundred sheets."""
_OF_PAPER = ("no_address", "bad_address")
"""Why a message cannot be sent to a telephone or a mailbox, which does not matter to a door."""


class NotOnList(ConflictError):
    """A message is not on the print list, or no longer."""

    code = "not_on_print_list"


@dataclass(frozen=True, slots=True)
class Notice:
    """What hangs at one door."""

    message_id: int
    name: str
    address: str
    company: str
    subject: str
    body: str
    language: str


def due(
    session: Session, *, territory_id: str, day: date, base_url: str, key: bytes
) -> list[Notice]:
    """What is to be handed over on a local day, by address, at most `MOST`; raises NoSuchTerritory.

    That is what waits and still holds on that day; what is no longer true, and who is told nothing, is left out.
    """
    territory = territories.get(session, territory_id)
    begin, end = day_bounds(day, zone_named(territory.zone))
    rows = session.exec(
        select(Message)
        .join(Visit, col(Visit.id) == col(Message.subject_id))
        .where(
            Visit.territory_id == territory_id,
            Message.channel == CHANNEL,
            col(Message.status).in_(WAITING),
            Message.send_after < end,
            Message.expires_at > begin,
        )
        .order_by(col(Message.id))
    ).all()
    facts = {one.visit.id: one for one in load(session, {row.subject_id for row in rows})}
    found = []
    for row in rows:
        about = facts[row.subject_id]
        if about.obstacle and about.obstacle not in _OF_PAPER:
            continue
        if row.id is None or not KINDS[row.template].is_current(row, about.visit):
            continue
        said = messages.as_sent(session, message_id=row.id, base_url=base_url, key=key)
        company = about.company.name_zh if row.language == "zh-CN" else about.company.name_en
        found.append(
            Notice(
                row.id, about.customer.name, about.premises.address, company, said.subject,
                said.body, row.language,
            )
        )  # fmt: skip
    return sorted(found, key=lambda notice: (notice.address, notice.message_id))[:MOST]


def hand_over(
    session: Session,
    *,
    territory_id: str,
    message_ids: Collection[int],
    actor: Actor,
    now: datetime,
) -> int:
    """These notices hang at their doors: they are sent; how many. Raises NotOnList, and NoSuchTerritory."""
    territories.get(session, territory_id)
    rows = session.exec(
        select(Message)
        .join(Visit, col(Visit.id) == col(Message.subject_id))
        .where(
            Visit.territory_id == territory_id,
            Message.channel == CHANNEL,
            col(Message.status).in_(WAITING),
            col(Message.id).in_(message_ids),
        )
        .order_by(col(Message.id))
    ).all()
    strange = sorted(set(message_ids) - {row.id for row in rows})
    if strange:
        raise NotOnList(
            f"Message {strange[0]} is not on the print list, or no longer.",
            field="message_ids",
            message_ids=strange[:20],
        )
    for row in rows:
        assert row.id is not None, "it has been read"
        row.sends, row.begun_at = row.sends + 1, now
        move(session, row, "begin", territory_id=territory_id, now=now)
        messages.complete(session, message_id=row.id, provider=CHANNEL, now=now)
    if rows:
        record(
            session,
            "print_list.handed_over",
            entity="territory",
            entity_id=territory_id,
            actor=actor,
            now=now,
            territory_id=territory_id,
            data={"message_ids": [row.id for row in rows]},
        )
    return len(rows)


def expire(session: Session, *, message_id: int, now: datetime) -> datetime | None:
    """Until when a message may still be handed over; None when it may not any more, and then it has expired."""
    message = get(session, message_id)
    if message.status not in WAITING:
        return None
    if now < message.expires_at:
        return message.expires_at
    move(session, message, "expire", reason="stale", now=now)
    return None
