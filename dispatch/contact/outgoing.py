"""What is handed to a channel, made from a message at the moment of its sending."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from dispatch.contact import calendars, links, texts
from dispatch.contact.channels import Channel
from dispatch.contact.facts import About, Facts
from dispatch.contact.kinds import KINDS
from dispatch.contact.subjects import visits_of
from dispatch.contact.tables import Message, SubjectKind
from dispatch.core.tables import TaskClass
from dispatch.field.door import check_number

_AGAIN = {"zh-CN": "（重发）", "en": "(repeated) "}


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to hand to the channel now.

    `mail_id` and `key`, by which a provider knows that it is the same message, are the same at every attempt.
    `calendar` is the text of an iCalendar object that goes with an email, empty when none does.
    """

    message_id: int
    mail_id: str
    recipient: str
    subject: str
    body: str
    language: str
    task_class: TaskClass
    channel: str = Channel.EMAIL.value
    key: str = ""
    calendar: str = ""


def make(
    session: Session,
    message: Message,
    abouts: Sequence[About],
    *,
    base_url: str,
    key: bytes,
    sender: str,
    repeated: bool,
    now: datetime,
) -> Outgoing:
    """The message with its links and numbers filled in; `repeated` says so in its first words.

    An email about one visit has a calendar entry, organised by `sender`; without a sender it has none.
    """
    assert message.id is not None, "a message that is sent has been written"
    body = message.body
    if message.subject_kind is SubjectKind.VISIT:
        visits = {about.visit.id: about for about in abouts if isinstance(about, Facts)}
        for index, visit_id in enumerate(visits_of(message)):
            body = body.replace(texts.place("code", index), check_number(key, visit_id))
            if texts.place("link", index) in body:
                end = message.told_end_at or message.expires_at
                visit = visits[visit_id].visit
                token = links.for_visit(session, key, visit, end_at=end, now=now)
                link = f"{base_url.rstrip('/')}/v/{token}"
                body = body.replace(texts.place("link", index), link)
    again = _AGAIN[message.language] if repeated else ""
    has_subject = message.channel in (Channel.EMAIL, Channel.PRINT)
    return Outgoing(
        message_id=message.id,
        mail_id=message.message_id,
        recipient=message.recipient,
        subject=again + message.subject if has_subject else "",
        body=body if has_subject else again + body,
        language=message.language,
        task_class=message.task_class,
        channel=message.channel,
        key=f"gridcrew-{message.id}",
        calendar=_calendar(session, message, abouts, sender=sender, key=key),
    )


def _calendar(
    session: Session, message: Message, abouts: Sequence[About], *, sender: str, key: bytes
) -> str:
    method = KINDS[message.template].calendar
    if not method or not sender or message.channel != Channel.EMAIL or len(abouts) != 1:
        return ""
    (about,) = abouts
    assert isinstance(about, Facts), "only visits have a place in a calendar"
    return calendars.entry(session, message, about, method=method, sender=sender, key=key)
