"""What is handed to a channel, made from a message at the moment of its sending."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from dispatch.contact import calendars, links, texts
from dispatch.contact.channels import Channel
from dispatch.contact.classes import CLASSES
from dispatch.contact.facts import About, Facts, RequestFacts
from dispatch.contact.kinds import KINDS
from dispatch.contact.subjects import Written, visits_of
from dispatch.contact.tables import Message, SubjectKind
from dispatch.core.tables import TaskClass
from dispatch.field.door import check_number
from dispatch.work.tables import Visit

_REFUSE = {
    "zh-CN": "选择接收哪些消息：{}",
    "en": "Choose which messages you get: {}",
}
_REFUSE_FOR_ANOTHER = {
    "zh-CN": "不再代收该客户的消息：{}",
    "en": "Get no more messages for this customer: {}",
}
_AGAIN = {"zh-CN": "（重发）", "en": "(repeated) "}


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to hand to the channel now.

    `mail_id` and `key`, by which a provider knows that it is the same message, are the same at every attempt.
    `calendars` are the texts of the iCalendar objects that go with an email. `unsubscribe` is where its reader can
    refuse such messages, empty where nobody may.
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
    calendars: tuple[str, ...] = ()
    unsubscribe: str = ""


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

    An email has a calendar entry for each of its visits, organised by `sender`; without a sender it has none.
    """
    written = [(message, abouts)]
    return make_all(
        session, written, base_url=base_url, key=key, sender=sender, repeated=repeated, now=now
    )[0]


def make_all(
    session: Session,
    written: Sequence[Written],
    *,
    base_url: str,
    key: bytes,
    sender: str,
    repeated: bool,
    now: datetime,
) -> list[Outgoing]:
    """Each message as `make` makes it; the links of all of them are made together."""
    tokens = _tokens(session, written, key=key, now=now)
    choices = _choices(session, [message for message, _ in written], base_url, key=key, now=now)
    made = []
    for message, abouts in written:
        body = _filled(message, tokens, base_url=base_url, key=key)
        entries = _calendars(session, message, abouts, sender=sender, key=key)
        refuse = choices.get(message.id, "")
        made.append(_outgoing(message, body, entries, refuse, repeated=repeated))
    return made


def _tokens(
    session: Session, written: Sequence[Written], *, key: bytes, now: datetime
) -> dict[tuple[int | None, int], str]:
    """The token of each link that a message has a place for, by the message's number and the place's."""
    wanted: dict[tuple[int | None, int], tuple[Visit, datetime]] = {}
    for message, abouts in written:
        visits = {about.visit.id: about.visit for about in abouts if isinstance(about, Facts)}
        for index, visit_id in enumerate(_linked(message)):
            if texts.place("link", index) in message.body:
                end = message.told_end_at or message.expires_at
                wanted[message.id, index] = (visits[visit_id], end)
    made = links.for_visits(session, key, list(wanted.values()), now=now)
    return dict(zip(wanted, made, strict=True)) | _of_requests(session, written, key=key, now=now)


def _of_requests(
    session: Session, written: Sequence[Written], *, key: bytes, now: datetime
) -> dict[tuple[int | None, int], str]:
    """The tokens of messages with a link by which a request is followed."""
    wanted = {
        (message.id, 0): about.request
        for message, abouts in written
        for about in abouts
        if isinstance(about, RequestFacts) and texts.LINK in message.body
    }
    made = links.for_requests(session, key, list(wanted.values()), now=now)
    return dict(zip(wanted, made, strict=True))


def _linked(message: Message) -> list[str]:
    """The visits that the message has links and numbers of."""
    return visits_of(message) if message.subject_kind is SubjectKind.VISIT else []


def _filled(
    message: Message, tokens: dict[tuple[int | None, int], str], *, base_url: str, key: bytes
) -> str:
    body = message.body
    for index, visit_id in enumerate(_linked(message)):
        body = body.replace(texts.place("code", index), check_number(key, visit_id))
        if token := tokens.get((message.id, index)):
            link = f"{base_url.rstrip('/')}/v/{token}"
            body = body.replace(texts.place("link", index), link)
    if message.subject_kind is SubjectKind.REQUEST and (token := tokens.get((message.id, 0))):
        body = body.replace(texts.LINK, f"{base_url.rstrip('/')}/r/{token}")
    return body


def _choices(
    session: Session, messages: Sequence[Message], base_url: str, *, key: bytes, now: datetime
) -> dict[int | None, str]:
    """Where each email's reader may refuse: the customer such messages, whom the customer named all of them."""
    refusable = [
        message
        for message in messages
        if message.channel == Channel.EMAIL
        and CLASSES[message.message_class].can_be_stopped
        and not KINDS[message.template].is_legal
    ]
    own = [message for message in refusable if not message.to_nominee]
    named = [message for message in refusable if message.to_nominee]
    tokens = links.for_choices(session, key, [message.customer_id for message in own], now=now)
    endings = links.for_namings(
        session, key, [(message.customer_id, message.recipient) for message in named], now=now
    )
    base = base_url.rstrip("/")
    return {
        message.id: f"{base}/c/{token}?class={message.message_class.value}"
        for message, token in zip(own, tokens, strict=True)
    } | {message.id: f"{base}/n/{token}" for message, token in zip(named, endings, strict=True)}


def _outgoing(
    message: Message, body: str, entries: Sequence[str], refuse: str, *, repeated: bool
) -> Outgoing:
    assert message.id is not None, "a message that is sent has been written"
    again = _AGAIN[message.language] if repeated else ""
    has_subject = message.channel in (Channel.EMAIL, Channel.PRINT)
    if refuse:
        words = _REFUSE_FOR_ANOTHER if message.to_nominee else _REFUSE
        body = f"{body.rstrip()}\n\n{words[message.language].format(refuse)}\n"
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
        calendars=tuple(entries),
        unsubscribe=refuse,
    )


def _calendars(
    session: Session, message: Message, abouts: Sequence[About], *, sender: str, key: bytes
) -> list[str]:
    method = KINDS[message.template].calendar
    if not method or not sender or message.channel != Channel.EMAIL:
        return []
    visits = [about for about in abouts if isinstance(about, Facts)]
    return calendars.entries(session, message, visits, method=method, sender=sender, key=key)
