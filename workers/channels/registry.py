"""Which channel is served by what, as the settings say."""

from collections.abc import Mapping
from functools import lru_cache, partial
from pathlib import Path

from pydantic import SecretStr

from dispatch.contact.channels import Channel as Way
from dispatch.contact.messages import Outgoing
from dispatch.core.config import Settings
from workers.channels import chat, files, gateway, smtp
from workers.channels.delivery import Accepted, Channel, Refused
from workers.channels.gateway_file import Gateway


@lru_cache(maxsize=8)
def channels_of(settings: Settings) -> Mapping[str, Channel]:
    """The channels that this installation sends over, by name; gateways' files are read once in a process.

    Raises gateway.BadGateway when such a file is wrong.
    """
    found = {"email": _email(settings)}
    for name in ("sms", "voice", "chat"):
        address: SecretStr = getattr(settings, f"{name}_url")
        file: Path | None = getattr(settings, f"{name}_gateway")
        if file is not None:
            found[name] = _gateway(settings, name, file)
        elif address.get_secret_value():
            found[name] = Channel(
                name,
                partial(chat.send, url=address.get_secret_value()),
                per_second=_rate(settings, name),
            )
    return found


def installed(settings: Settings) -> frozenset[str]:
    """The names of the channels that this installation has, the print list among them."""
    return frozenset({*channels_of(settings), Way.PRINT.value})


def absent(name: str) -> Channel:
    """Stands for a channel that is not configured: it refuses for good, so that another can be tried."""

    def send(_outgoing: Outgoing) -> Accepted:
        raise Refused(f"this installation has no channel {name}", final=True)

    return Channel(name, send)


@lru_cache(maxsize=8)
def gateways_of(settings: Settings) -> Mapping[str, Gateway]:
    """The HTTP gateways of this installation, by their providers' names: who may call back."""
    given = (getattr(settings, f"{name}_gateway") for name in ("email", "sms", "voice", "chat"))
    read = (gateway.read(file) for file in given if file is not None)
    return {one.name: one for one in read}


def _email(settings: Settings) -> Channel:
    rate = _rate(settings, "email")
    if settings.email_gateway is not None:
        return _gateway(settings, "email", settings.email_gateway)
    if settings.smtp_url:
        send = partial(smtp.send, url=settings.smtp_url, sender=settings.mail_from)
        return Channel("smtp", send, per_second=rate)
    return Channel(
        "files", partial(files.send, folder=settings.outbox_dir, sender=settings.mail_from)
    )


def _gateway(settings: Settings, name: str, file: Path) -> Channel:
    return gateway.channel(gateway.read(file), per_second=_rate(settings, name))


def _rate(settings: Settings, name: str) -> float:
    return float(getattr(settings, f"{name}_per_second"))
