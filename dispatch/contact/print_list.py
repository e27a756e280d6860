"""The print list: messages that reach their customer on paper, by hand, and that a person says were handed over."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from dispatch.contact import messages
from dispatch.contact.channels import Channel
from dispatch.contact.drafts import keep_only, may_be_told
from dispatch.contact.facts import About
from dispatch.contact.outgoing import Outgoing, make_all
from dispatch.contact.progress import URGENT_BEFORE, WAITING, get, move
from dispatch.contact.subjects import Written, load_all, reader_of, still_true_of_all, visits_of
from dispatch.contact.tables import Message, SubjectKind
from dispatch.core.alerts import raise_alert, resolve
from dispatch.core.calendar import day_bounds, zone_named
from dispatch.core.errors import ConflictError
from dispatch.core.events import Actor, record
from dispatch.registry import territories

MOST = 400
"""Notices on one list: a hundred sheets."""
_URGENT = "print_list.urgent"
"""The alert about letters that have to be handed over soon."""
_AT_ONCE = 500
"""Messages that are looked at in one statement: databases allow only so many parameters."""


class NotOnList(ConflictError):
    """A message is not on the print list, or no longer."""

    code = "not_on_print_list"


@dataclass(frozen=True, slots=True)
class Due:
    """A message that waits to be handed over, and what it is about."""

    message: Message
    abouts: Sequence[About]

    @property
    def name(self) -> str:
        """Whose door it is."""
        reader = reader_of(self.message, self.abouts[0])
        return reader.name if reader else self.abouts[0].customer.name

    @property
    def address(self) -> str:
        """Where it is to hang."""
        return self.message.recipient or self.abouts[0].place


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


def due(session: Session, *, territory_id: str, day: date) -> list[Due]:
    """What is to be handed over on a local day, by address, at most `MOST`; raises NoSuchTerritory.

    That is what waits and still holds on that day; what is no longer true, and who is told nothing, is left out.
    """
    territory = territories.get(session, territory_id)
    begin, end = day_bounds(day, zone_named(territory.zone))
    rows = session.exec(
        _waiting(territory_id)
        .where(Message.send_after < end, Message.expires_at > begin)
        .order_by(col(Message.id))
    ).all()
    found = [
        Due(row, abouts)
        for start in range(0, len(rows), _AT_ONCE)
        for row, abouts in _still_told(session, rows[start : start + _AT_ONCE])
    ]
    return sorted(found, key=lambda one: (one.address, one.message.id))[:MOST]


def printed(
    session: Session, *, territory_id: str, day: date, base_url: str, key: bytes, now: datetime
) -> list[Notice]:
    """What `due` lists, as it hangs at the doors: each printing gives each notice a link of its own."""
    listed = due(session, territory_id=territory_id, day=day)
    for one in listed:
        _leave_out_stale(session, one)
    written = [(one.message, one.abouts) for one in listed]
    made = make_all(
        session, written, base_url=base_url, key=key, sender="", repeated=False, now=now
    )
    return [_notice(one, said) for one, said in zip(listed, made, strict=True)]


def _leave_out_stale(session: Session, one: Due) -> None:
    """Write a household's letter again without the visits that it is not to tell of any more."""
    of_visits = one.message.subject_kind is SubjectKind.VISIT
    if of_visits and len(one.abouts) < len(visits_of(one.message)):
        keep_only(session, one.message, one.abouts, reader=one.name)


def _notice(one: Due, said: Outgoing) -> Notice:
    row, company = one.message, one.abouts[0].company
    return Notice(
        said.message_id, one.name, one.address,
        company.name_zh if row.language == "zh-CN" else company.name_en,
        said.subject, said.body, row.language,
    )  # fmt: skip


def _still_told(session: Session, rows: Sequence[Message]) -> list[Written]:
    """Those of the messages that still hold and that their customers may be told, with what they are about."""
    told = [(row, may_be_told(row, abouts)) for row, abouts in load_all(session, rows)]
    true = still_true_of_all(session, told)
    return [(row, abouts) for (row, _), abouts in zip(told, true, strict=True) if abouts]


def _waiting(territory_id: str) -> SelectOfScalar[Message]:
    return select(Message).where(
        Message.territory_id == territory_id,
        Message.channel == Channel.PRINT,
        col(Message.status).in_(WAITING),
    )


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
        _waiting(territory_id).where(col(Message.id).in_(message_ids)).order_by(col(Message.id))
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
        move(session, row, "begin", now=now)
        messages.complete(session, message_id=row.id, provider=Channel.PRINT, now=now)
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
    _settle(session, territory_id, now=now)
    return len(rows)


def watch(session: Session, *, message_id: int, now: datetime) -> datetime | None:
    """When to look at an urgent letter again; None when it waits no more.

    While it waits an alert says so. One that nobody handed over in time expires, and another alert says that its
    customer was not told.
    """
    message = get(session, message_id)
    if message.status not in WAITING:
        return None
    territory_id, holds = message.territory_id, bool(_still_told(session, [message]))
    if now < message.expires_at:
        if holds:
            text = (
                f"Letters of {territory_id} have to be handed over within a day: print the list of them "
                f"(gridcrew print-list {territory_id}) and say which hang."
            )
            raise_alert(session, f"{_URGENT}:{territory_id}", text, now=now)
        return message.expires_at
    move(session, message, "expire", reason="stale", now=now)
    if holds:
        text = (
            f"Letters of {territory_id} were not handed over in time, so nobody was told: call these customers. "
            "The log of messages lists them as expired."
        )
        raise_alert(session, f"print_list.expired:{territory_id}", text, now=now)
    _settle(session, territory_id, now=now)
    return None


def _settle(session: Session, territory_id: str, *, now: datetime) -> None:
    """Close the alert about urgent letters when none waits any more."""
    begins = sa.func.coalesce(col(Message.told_start_at), col(Message.expires_at))
    urgent = session.exec(
        _waiting(territory_id).where(begins <= now + URGENT_BEFORE, Message.expires_at > now)
    ).all()
    if not any(
        _still_told(session, urgent[start : start + _AT_ONCE])
        for start in range(0, len(urgent), _AT_ONCE)
    ):
        resolve(session, f"{_URGENT}:{territory_id}", now=now)
