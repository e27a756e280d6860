"""A message as an email: one recipient, no header but ours, the same Message-ID at every attempt."""

import re
from collections.abc import Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr

from dispatch.contact.messages import Outgoing
from workers.channels.delivery import Refused

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([^\s@,;:<>()\[\]\\\"]{1,190})")
_METHOD = re.compile(r"^METHOD:(REQUEST|CANCEL)\r?$", re.MULTILINE)
_DOMAIN = re.compile(r"[A-Za-z0-9.-]+")


def check_address(text: str) -> str:
    """The address in the form that SMTP carries (a domain of other letters in its ASCII form); raises Refused."""
    local, _, domain = text.rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode() if _ADDRESS.fullmatch(text) else ""
        Address(username=local, domain=ascii_domain)
    except ValueError:
        ascii_domain = ""
    if not _DOMAIN.fullmatch(ascii_domain):
        raise Refused("the customer's email address is not valid", final=True)
    return f"{local}@{ascii_domain}"


def compose(outgoing: Outgoing, *, sender: str) -> EmailMessage:
    """The email of a message; raises Refused when its address or subject could add a header."""
    recipient = check_address(outgoing.recipient)
    name, address = parseaddr(sender)
    mail = EmailMessage(policy=SMTP)
    try:
        mail["From"] = Address(name, addr_spec=address)
        mail["To"] = Address(addr_spec=recipient)
        mail["Subject"] = outgoing.subject
        mail["Message-ID"] = f"<{outgoing.mail_id.strip('<>')}>"
        mail["Content-Language"] = outgoing.language
        mail["Auto-Submitted"] = "auto-generated"
        if outgoing.unsubscribe:  # RFC 2369, and the one press of RFC 8058
            mail["List-Unsubscribe"] = f"<{outgoing.unsubscribe}>"
            mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    except ValueError as error:
        raise Refused("the message's subject or address holds a line break", final=True) from error
    mail.set_content(outgoing.body, cte="base64" if not outgoing.body.isascii() else None)
    if len(outgoing.calendars) == 1:
        _invite(mail, outgoing.calendars[0])
    else:
        _attach(mail, outgoing.calendars)
    return mail


def _invite(mail: EmailMessage, calendar: str) -> None:
    """Add the calendar as what mail programs offer to accept (RFC 6047, 2.4), and as a file for the others."""
    mail.add_alternative(calendar, subtype="calendar", cte="base64")
    _name_method(mail, calendar)
    mail.add_attachment(calendar.encode(), "application", "ics", filename="visit.ics")


def _attach(mail: EmailMessage, calendars: Sequence[str]) -> None:
    """Add each calendar as a file: shown in place of the text, one of several would hide the others."""
    for number, calendar in enumerate(calendars, start=1):
        mail.add_attachment(
            calendar, subtype="calendar", cte="base64", filename=f"visit-{number}.ics"
        )
        _name_method(mail, calendar)


def _name_method(mail: EmailMessage, calendar: str) -> None:
    """Name the method of the calendar that was added last, as mail programs need it."""
    method = _METHOD.search(calendar)
    if method is None:
        raise Refused("the message's calendar names no method", final=True)
    added = mail.get_payload()[-1]  # type: ignore[index]
    assert isinstance(added, EmailMessage)
    added.set_param("method", method[1])
