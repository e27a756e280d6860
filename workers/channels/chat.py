"""The services that apprise knows, for texts, calls and chats: Twilio, WeCom, DingTalk, Feishu and a hundred more.

apprise says only whether it worked; why not stands in what it logs, and nowhere the provider's number of a message.
Where a callback shall tell what became of a message, an HTTP gateway is the way (`gateway.py`).
"""

import logging
import re
import threading
from typing import Any
from urllib.parse import quote

from dispatch.contact.messages import Outgoing
from dispatch.registry.phones import is_phone
from workers.channels.delivery import Accepted, Refused, Unclear
from workers.logs import mask

CONNECT_S = 5.0
READ_S = 15.0
TOTAL_S = 20.0  # below the lease, so that a slow service never costs us the task

_PLACE = "{phone}"
_STATUS = re.compile(r"error=(\d{3})\b")


def send(outgoing: Outgoing, *, url: str) -> Accepted:
    """Hand a message to the service at apprise's address `url`, in which {phone} is the recipient.

    Raises Refused when the service said no, Unclear when the connection broke or took longer than `TOTAL_S`.
    """
    attempt = _Attempt(_service(_address(url, outgoing.recipient)), outgoing)
    attempt.start()
    attempt.join(TOTAL_S)
    if attempt.is_alive():  # it ends by its own limits; what it does until then is anybody's guess
        raise Unclear(f"the service has not answered within {TOTAL_S:g} s")
    attempt.settle()
    return Accepted()


def _address(url: str, recipient: str) -> str:
    if _PLACE in url:
        if not is_phone(recipient):
            raise Refused("the customer's telephone number is not valid", final=True)
        url = url.replace(_PLACE, quote(re.sub(r"[ ()-]", "", recipient), safe=""))
    return f"{url}{'&' if '?' in url else '?'}cto={CONNECT_S:g}&rto={READ_S:g}"


def _service(address: str) -> Any:
    import apprise  # it and its plug-ins take a second, which only those wait for who use them

    service = apprise.Apprise.instantiate(address, suppress_exceptions=True)
    if service is None:
        raise Refused("apprise cannot read the service's address", final=True)
    return service


class _Attempt(threading.Thread):
    """One sending in a thread of its own, which can be left behind; apprise's limits are for each read only."""

    def __init__(self, service: Any, outgoing: Outgoing) -> None:
        super().__init__(name="apprise", daemon=True)
        self._service = service
        self._outgoing = outgoing
        self._worked = False
        self._said: list[str] = []

    def run(self) -> None:
        """Send."""
        handler = _Heard(self._said)
        logger = logging.getLogger("apprise")
        logger.addHandler(handler)
        try:
            title = self._outgoing.subject if self._outgoing.channel == "chat" else ""
            self._worked = bool(
                self._service.notify(body=self._outgoing.body, title=title, body_format="text")
            )
        except Exception as error:  # noqa: BLE001 - a plug-in of somebody else's; its end is judged in `settle`
            self._said.append(type(error).__name__)
        finally:
            logger.removeHandler(handler)

    def settle(self) -> None:
        """Return when it worked; raises Refused or Unclear."""
        if self._worked:
            return
        said = mask(" ".join(self._said))[:300]
        status = _STATUS.search(said)
        if status is None:  # "a connection error occurred" is all that apprise tells
            raise Unclear(said or "the service did not take it and apprise does not say why")
        code = int(status[1])
        if code in (408, 425, 429, 503):
            raise Refused(said, final=False, away=code == 503)
        if code >= 500:
            raise Unclear(said)
        raise Refused(said, final=True)


class _Heard(logging.Handler):
    """Keeps the warnings that this thread gives."""

    def __init__(self, said: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._said = said
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a warning."""
        if record.thread == self._thread:
            self._said.append(record.getMessage())
