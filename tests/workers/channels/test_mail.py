"""Emails: one recipient and our headers whatever a subject holds, and a calendar that programs understand."""

import email
import re
from email import policy
from email.message import EmailMessage

import icalendar
import pytest

from tests.workers.channels.conftest import outgoing
from workers.channels.delivery import Refused
from workers.channels.mail import compose

SENDER = "Humen Power <dispatch@example.com>"
HEADERS = {
    "From", "To", "Subject", "Message-ID", "Content-Language", "Auto-Submitted", "Content-Type",
    "Content-Transfer-Encoding", "MIME-Version",
}  # fmt: skip

BREAKS = (
    "\r\n",
    "\n",
    "\r",
    "\x0b",
    "\x0c",
    "\x1c",
    "\x85",
    "\u2028",
    "\u2029",
    "\x00",
    "=0D=0A",
    "%0d%0a",
)
"""Whatever some program takes for the end of a line."""
ADDED = ("Bcc: all@example.org", "X-Admin: yes", "\r\n\r\nbody of my own")
PAYLOADS = [f"hello{end}{added}" for end in BREAKS for added in ADDED]


def made(**changes: str | tuple[str, ...]) -> EmailMessage:
    """The email as a mail server reads it."""
    given = {"channel": "email", "recipient": "chen@example.com", **changes}
    data = compose(outgoing(**given), sender=SENDER).as_bytes()
    mail = email.message_from_bytes(data, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def is_clean(mail: EmailMessage) -> bool:
    return (
        set(mail.keys()) <= HEADERS
        and len(mail.keys()) == len(set(mail.keys()))
        and str(mail["To"]) == "chen@example.com"
        and "of my own" not in (mail.get_body() or mail).get_content()
    )


def test_there_are_enough_payloads() -> None:
    assert len(PAYLOADS) >= 30


@pytest.mark.parametrize("payload", PAYLOADS, ids=repr)
def test_no_subject_adds_a_header_or_a_recipient(payload: str) -> None:
    try:
        mail = made(subject=payload)
    except Refused:
        return
    assert is_clean(mail)


@pytest.mark.parametrize("payload", PAYLOADS, ids=repr)
def test_no_address_adds_a_header_or_a_recipient(payload: str) -> None:
    for recipient in (f"chen@example.com{payload}", f"{payload}@example.com", payload):
        with pytest.raises(Refused):
            made(recipient=recipient)


@pytest.mark.parametrize("payload", PAYLOADS, ids=repr)
def test_no_number_or_language_of_a_message_adds_a_header(payload: str) -> None:
    for changes in ({"mail_id": payload}, {"language": payload}):
        try:
            mail = made(**changes)
        except Refused:
            continue
        assert is_clean(mail)


def test_a_header_of_ones_own_shows() -> None:
    """The control: the check tells a header that was added."""
    mail = made()
    assert is_clean(mail)
    mail["Bcc"] = "all@example.org"
    assert not is_clean(mail)


INVITATION = "\r\n".join(
    [
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//gridcrew//EN", "METHOD:REQUEST", "BEGIN:VEVENT",
        "UID:v1@gridcrew", "SEQUENCE:0", "DTSTAMP:20260309T020000Z", "DTSTART:20260310T020000Z",
        "DTEND:20260310T040000Z", "SUMMARY:换表", "END:VEVENT", "END:VCALENDAR", "",
    ]
)  # fmt: skip


@pytest.mark.parametrize("method", ["REQUEST", "CANCEL"])
def test_a_calendar_is_offered_to_mail_programs_and_attached_for_the_others(method: str) -> None:
    calendar = INVITATION.replace("METHOD:REQUEST", f"METHOD:{method}")
    mail = made(calendars=(calendar,))
    parts = {part.get_content_type(): part for part in mail.walk()}

    assert mail.get_content_type() == "multipart/mixed"
    assert parts["text/plain"].get_content().strip() == outgoing().body
    offered = parts["text/calendar"]
    assert (offered.get_param("method"), offered.get_param("charset")) == (method, "utf-8")
    assert offered.get_content_disposition() != "attachment"
    assert parts["application/ics"].get_filename() == "visit.ics"
    for part in (offered.get_content(), parts["application/ics"].get_content()):
        text = part if isinstance(part, str) else part.decode()
        event = icalendar.Calendar.from_ical(text).walk("VEVENT")[0]
        assert event["SUMMARY"] == "换表"


def test_the_calendars_of_several_visits_are_files_beside_the_text() -> None:
    second = INVITATION.replace("UID:v1@", "UID:v2@")
    mail = made(calendars=(INVITATION, second))
    text, *files = mail.iter_parts()

    assert text.get_content_type() == "text/plain"
    assert [file.get_filename() for file in files] == ["visit-1.ics", "visit-2.ics"]
    for file, number in zip(files, ("v1", "v2"), strict=True):
        assert file.get_content_disposition() == "attachment"
        assert (file.get_content_type(), file.get_param("method")) == ("text/calendar", "REQUEST")
        event = icalendar.Calendar.from_ical(file.get_content()).walk("VEVENT")[0]
        assert event["UID"] == f"{number}@gridcrew"


def test_a_calendar_without_a_method_is_not_sent() -> None:
    with pytest.raises(Refused):
        made(calendars=(INVITATION.replace("METHOD:REQUEST\r\n", ""),))


def test_the_message_id_is_the_same_at_every_attempt() -> None:
    first, second = made(), made()

    assert first["Message-ID"] == second["Message-ID"] == "<7@gridcrew>"
    assert re.fullmatch(r"<[^<>]+>", str(first["Message-ID"]))


def test_where_such_messages_are_refused_stands_in_the_headers_that_mail_programs_read() -> None:
    mail = made(unsubscribe="https://power.example/c/abc?class=survey")

    assert mail["List-Unsubscribe"] == "<https://power.example/c/abc?class=survey>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert made()["List-Unsubscribe"] is None
