"""Where webhooks may go: the public internet over https, and what the installation allows besides."""

import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

from dispatch.core.errors import InvalidError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_LAST_OCTETS = 0xFFFFFFFF


class BadUrl(InvalidError):
    """The address is none that a webhook may go to."""

    code = "bad_url"


def networks(text: str) -> tuple[Network, ...]:
    """The networks of a list such as "10.1.0.0/16, 127.0.0.0/8"; raises ValueError naming the one that is none."""
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())


def is_allowed(address: Address, allowed: Sequence[Network] = ()) -> bool:
    """Whether a webhook may connect to the address: a public one, or one in `allowed`.

    IPv4 inside IPv6 (mapped, NAT64, 6to4) is judged as what it stands for.
    """
    inner = _inner(address)
    for network in allowed:
        if inner.version == network.version and inner in network:
            return True
    return inner.is_global and not inner.is_multicast and not inner.is_reserved


def check(url: str, allowed: Sequence[Network] = ()) -> str:
    """The address as it is kept; raises BadUrl.

    It is https, without a user and a fragment. http is for loopback addresses, where those are allowed. What a name
    stands for is looked at when it is called, each time.
    """
    refusal = BadUrl(
        "A webhook goes to an address such as https://example.com/hooks, on the public internet.",
        field="url",
    )
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError:
        raise refusal from None
    if not host or parts.username or parts.password or parts.fragment or port == 0:
        raise refusal
    if not url.isascii() or not url.isprintable() or " " in url:
        raise refusal
    literal = _literal(host)
    if literal is not None and not is_allowed(literal, allowed):
        raise refusal
    if literal is None and (host == "localhost" or "." not in host) and not allowed:
        raise refusal
    loopback = literal is not None and literal.is_loopback
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
        raise refusal
    return url


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _inner(address: Address) -> Address:
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & _LAST_OCTETS)
    return address
