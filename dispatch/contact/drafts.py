"""Writing messages: each telling once, and nobody passed over silently."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.contact import templates, texts
from dispatch.contact.channels import BUILT_IN, TEXT_OF, Channel, Person, Way, first_way
from dispatch.contact.classes import CLASSES, held_until
from dispatch.contact.facts import About, Facts
from dispatch.contact.kinds import KINDS, class_of, message_class_of
from dispatch.contact.placeholders import absent
from dispatch.contact.preferences import objection
from dispatch.contact.progress import URGENT_BEFORE, WAITING, queue, tell
from dispatch.contact.tables import Message, MessageStatus, SubjectKind, Telling
from dispatch.contact.windows import Told
from dispatch.core.events import SYSTEM

MOST_VISITS = 10
"""Visits that one message lists: more would not fit."""


@dataclass(frozen=True, slots=True)
class Part:
    """What a message tells of one subject; `version` says which telling of it this is."""

    facts: About
    version: str
    told: Told | None
    values: dict[str, Any]


def compose(
    session: Session,
    facts: About,
    *,
    template: str,
    version: str,
    told: Told | None,
    values: dict[str, Any],
    expires_at: datetime | None = None,
    now: datetime,
    obstacle: str = "",
    also: Sequence[Part] = (),
    people: Sequence[Person] | None = None,
    channels: Collection[str] = BUILT_IN,
) -> Message | None:
    """Write a message and the task that sends it; None when this telling (`version`) was written before.

    `also` are the household's other visits, which the same message lists. It goes to `people`, or to the customer
    and whom the customer named, over the first of their channels among `channels`, those of the installation; the
    first message is returned. One that cannot or shall not go out (no address, no consent, `obstacle`) is written
    as suppressed, with the reason; in quiet hours it is deferred to their end, or expired when it would be stale by
    then: at `expires_at`, or when its class says.
    """
    parts = [Part(facts, version, told, values), *also]
    if any(_is_written(session, part, template) for part in parts):
        return None
    details = _details(parts)
    rules = CLASSES[message_class_of(template, facts.priority)]
    stale = expires_at or now + rules.stale_after
    due_at = told.start_at if told else stale
    order = order_of(facts, template, due_at=due_at, now=now)
    written = []
    for person in facts.people() if people is None else people:
        way = first_way(person, order, installed=channels)
        message = _message(session, parts, template, details, person, way, stale, now)
        _settle(
            message, facts, obstacle=obstacle or why_not(facts, template) or way.obstacle, now=now
        )
        _keep(session, message, parts, now=now)
        written.append(message)
    return written[0] if written else None


def order_of(about: About, template: str, *, due_at: datetime, now: datetime) -> tuple[str, ...]:
    """The channels to try, in order: the customer's wish or the class's; a legal notice ends as a letter.

    Another letter is no use when nobody has a day to carry it out before `due_at`: the time that it tells or, of
    what tells none, when it is stale. Only who wished letters gets it all the same.
    """
    if about.preference.channels:
        order = about.preference.channels
    else:
        order = CLASSES[message_class_of(template, about.priority)].channels
        if due_at <= now + URGENT_BEFORE:
            order = tuple(name for name in order if name != Channel.PRINT)
    if KINDS[template].is_legal and Channel.PRINT not in order:
        return (*order, Channel.PRINT)
    return tuple(order)


def obstacle(
    about: About,
    template: str,
    *,
    due_at: datetime,
    now: datetime,
    channels: Collection[str] = BUILT_IN,
) -> str:
    """Why nobody would be reached by a message of this kind, as a code; empty when somebody would."""
    if reason := why_not(about, template):
        return reason
    order = order_of(about, template, due_at=due_at, now=now)
    ways = [first_way(person, order, installed=channels) for person in about.people()]
    return "" if any(way.address for way in ways) else ways[0].obstacle


def why_not(about: About, template: str) -> str:
    """Why nothing of this kind may be told, as a code; empty when it may."""
    if about.is_unannounced:
        return "unannounced"
    return objection(
        about.customer,
        about.preference,
        message_class_of(template, about.priority),
        is_legal=KINDS[template].is_legal or KINDS[template].is_reply,
    )


def may_be_told(message: Message, abouts: Sequence[About]) -> list[About]:
    """Those of a message's subjects whose customers may be told of them."""
    return [about for about in abouts if not why_not(about, message.template)]


def write_text(session: Session, message: Message, reader: str) -> None:
    """Render the message's text for its channel from its details."""
    kind = TEXT_OF[message.channel]
    values = {**absent(message.template), **_with_places(message.details), "reader": reader}
    text, number = templates.render(session, message.template, kind, message.language, values)
    message.subject, message.body, message.template_version = text.subject, text.body[:4000], number


def keep_only(session: Session, message: Message, abouts: Sequence[About], *, reader: str) -> None:
    """Write a household's message again, with these of its visits alone."""
    ids = [about.subject.id for about in abouts]
    kept = [visit for visit in message.details["visits"] if visit["id"] in ids]
    session.execute(
        sa.delete(Telling).where(
            col(Telling.message_id) == message.id, col(Telling.visit_id).not_in(ids)
        )
    )
    message.details = {**message.details, **kept[0], "visits": kept}
    message.customer_id = abouts[0].customer.id
    first = session.get_one(Telling, (message.id, kept[0]["id"]))
    message.subject_id, message.subject_version = first.visit_id, first.version
    message.told_start_at, message.told_end_at = first.told_start_at, first.told_end_at
    write_text(session, message, reader)


def again(
    session: Session, message: Message, person: Person, way: Way, *, now: datetime
) -> Message:
    """Write the message once more, over another channel."""
    copied = {"customer_id", "territory_id", "to_nominee", "template", "language", "subject_kind", "subject_id",
              "subject_version", "told_start_at", "told_end_at", "message_class", "task_class", "details",
              "expires_at"}  # fmt: skip
    other = Message(
        **message.model_dump(include=copied),
        channel=way.channel,
        recipient=way.address,
        subject="",
        body="",
        message_id=_mail_id(message, way, now),
        fallback_of=message.id,
        send_after=now,
        created_at=now,
    )
    write_text(session, other, person.name)
    session.add(other)
    session.flush()
    assert other.id is not None
    for telling in session.exec(select(Telling).where(Telling.message_id == message.id)).all():
        session.add(Telling(**telling.model_dump(exclude={"message_id"}), message_id=other.id))
    session.flush()
    tell(session, other, None, actor=SYSTEM, now=now)
    queue(session, other, now=now)
    return other


def values_of(parts: Sequence[Part]) -> dict[str, Any]:
    """What a text about these is rendered with, but for its reader."""
    return _with_places(_details(parts))


def _with_places(details: dict[str, Any]) -> dict[str, Any]:
    """The details with the places of each visit's link and code."""
    if "visits" not in details:
        return details
    visits = [
        {**visit, "code": texts.place("code", index), "link": texts.place("link", index)}
        for index, visit in enumerate(details["visits"])
    ]
    return {**details, "visits": visits}


def _details(parts: Sequence[Part]) -> dict[str, Any]:
    """The values of the first part at the top; of visits, those of each in `visits`."""
    first = parts[0]
    details = {**first.facts.values(), **first.values}
    if first.facts.kind is SubjectKind.VISIT:
        details["visits"] = [
            {**part.facts.values(), **part.values, "id": part.facts.subject.id} for part in parts
        ]
    return details


def _message(
    session: Session,
    parts: Sequence[Part],
    template: str,
    details: dict[str, Any],
    person: Person,
    way: Way,
    expires_at: datetime,
    now: datetime,
) -> Message:
    first = parts[0]
    facts, told = first.facts, first.told
    message = Message(
        territory_id=facts.territory.id,
        customer_id=facts.customer.id,
        to_nominee=person.is_nominee,
        recipient=way.address,
        channel=way.channel,
        template=template,
        language=facts.language,
        subject_kind=facts.kind,
        subject_id=facts.subject.id,
        subject_version=first.version,
        told_start_at=told.start_at if told else None,
        told_end_at=told.end_at if told else None,
        message_class=message_class_of(template, facts.priority),
        task_class=class_of(template, facts.priority),
        subject="",
        body="",
        details=details,
        message_id="",
        send_after=now,
        expires_at=expires_at,
        created_at=now,
    )
    message.message_id = _mail_id(message, way, now)
    write_text(session, message, person.name)
    return message


def _settle(message: Message, facts: About, *, obstacle: str, now: datetime) -> None:
    """Decide the status that a new message begins with."""
    resume = quiet(message, facts, now=now)
    if obstacle:
        message.status, message.reason = MessageStatus.SUPPRESSED, obstacle
    elif (resume or now) >= message.expires_at:
        message.status, message.reason = MessageStatus.EXPIRED, "stale"
    elif resume is not None:
        message.status, message.reason = MessageStatus.DEFERRED, "quiet_hours"
        message.send_after = resume


def quiet(message: Message, about: About, *, now: datetime) -> datetime | None:
    """When the quiet hours that hold the message back end; None when none do. A letter wakes nobody."""
    if message.channel == Channel.PRINT:
        return None
    return held_until(
        message.message_class,
        told_of=message.told_start_at or message.created_at,
        earliest_hour=about.preference.earliest_hour,
        latest_hour=about.preference.latest_hour,
        zone=about.zone,
        now=now,
    )


def _keep(session: Session, message: Message, parts: Sequence[Part], *, now: datetime) -> None:
    session.add(message)
    session.flush()
    assert message.id is not None
    for part in parts:
        if isinstance(part.facts, Facts):
            session.add(
                Telling(
                    message_id=message.id,
                    visit_id=part.facts.visit.id,
                    version=part.version,
                    told_start_at=part.told.start_at if part.told else None,
                    told_end_at=part.told.end_at if part.told else None,
                )
            )
    session.flush()
    tell(session, message, None, actor=SYSTEM, now=now)
    if message.status in WAITING:
        queue(session, message, now=now)


def _is_written(session: Session, part: Part, template: str) -> bool:
    # Whatever the address was then: a visit has one customer, who is told once.
    statement = select(Message.id).where(col(Message.template) == template)
    if part.facts.kind is SubjectKind.VISIT:
        statement = statement.join(Telling, col(Telling.message_id) == col(Message.id)).where(
            col(Telling.visit_id) == part.facts.subject.id, col(Telling.version) == part.version
        )
    else:
        statement = statement.where(
            col(Message.customer_id) == part.facts.customer.id,
            col(Message.subject_id) == part.facts.subject.id,
            col(Message.subject_version) == part.version,
        )
    return session.exec(statement.limit(1)).first() is not None


def _mail_id(message: Message, way: Way, now: datetime) -> str:
    """The Message-ID: fixed for good, and of another installation's messages never the same."""
    content = (
        message.customer_id, str(message.to_nominee), way.channel, way.address, message.template,
        message.subject_id, message.subject_version, now.isoformat(),
    )  # fmt: skip
    return f"<{hashlib.sha256('|'.join(content).encode()).hexdigest()[:32]}@gridcrew>"
