"""The channel over SMTP."""

import asyncio
import contextlib
from email.utils import parseaddr
from urllib.parse import unquote, urlsplit

import aiosmtplib

from dispatch.contact.messages import Outgoing
from workers.channels.delivery import Accepted, Refused, Unclear
from workers.channels.mail import check_address, compose
from workers.logs import mask

CONNECT_S = 5.0
TOTAL_S = 20.0  # below the lease, so that a slow server never costs us the task


def send(outgoing: Outgoing, *, url: str, sender: str) -> Accepted:
    """Hand the message to the mail server at `url` (smtp:// with STARTTLS when offered, or smtps://).

    Raises Refused when the server did not take it, Unclear when the connection broke before its last answer.
    """
    mail = compose(outgoing, sender=sender)
    asyncio.run(
        _converse(url, parseaddr(sender)[1], check_address(outgoing.recipient), mail.as_bytes())
    )
    return Accepted(str(mail["Message-ID"]).strip("<>"))


async def _converse(url: str, sender: str, recipient: str, data: bytes) -> None:
    parts = urlsplit(url)
    tls = parts.scheme == "smtps"
    client = aiosmtplib.SMTP(
        hostname=parts.hostname or "localhost",
        port=parts.port or (465 if tls else 25),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        use_tls=tls,
        timeout=CONNECT_S,
    )
    handed_over = False
    try:
        async with asyncio.timeout(TOTAL_S):
            await client.connect()
            await client.mail(sender)
            await client.rcpt(recipient)
            handed_over = True
            await client.data(data, timeout=TOTAL_S)
    except aiosmtplib.SMTPResponseException as answer:
        # 4yz: "try again later", 5yz: "do not" (RFC 5321, section 4.2.1); 421 is the server going away
        reason = mask(f"{answer.code} {answer.message}")[:300]
        raise Refused(reason, final=answer.code >= 500, away=answer.code == 421) from answer
    except aiosmtplib.SMTPNotSupported as error:
        raise Refused(f"the mail server cannot do it: {error}", final=True) from error
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
        text = f"{type(error).__name__}: {mask(str(error))}"[:300]
        if handed_over:
            raise Unclear(text) from error
        raise Refused(text, final=False, away=True) from error
    finally:
        with contextlib.suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
            if client.is_connected:
                await client.quit(timeout=1.0)
        client.close()
