"""What GRIDCREW_REDIS_URL says: one Redis, or the Sentinels that know which one is the master.

    redis://[user:password@]host[:port][/db][?options]  (rediss: TLS)
    redis+sentinel://[user:password@]host[:port][,host[:port]...]/service[/db][?options]  (rediss+sentinel: TLS)
    unix://[user:password@]/path/to/socket[?options]

The grammar with Sentinels is the one that kombu's, Prefect's and RedisVL's users know; it is no part of redis-py.
"""

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import parse_qs

SENTINEL_PORT = 26379


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """A Redis address in its parts; `hosts` are the Sentinels where there is a `service`."""

    scheme: str
    userinfo: str
    hosts: tuple[tuple[str, int], ...]
    service: str
    rest: str
    """The database and the options, as they stand in the address of a single server: /0?client_name=x."""
    options: dict[str, str]

    @property
    def master_like(self) -> str:
        """The address of a single server that has everything of this one but its host."""
        return f"{self.scheme}://{self.userinfo}{'@' if self.userinfo else ''}localhost{self.rest}"

    @property
    def is_local(self) -> bool:
        """Whether nobody on another machine can be meant."""
        return all(_is_loopback(host) for host, _ in self.hosts)

    @property
    def is_authenticated(self) -> bool:
        """Whether it says a password, or with TLS a certificate of its own."""
        return bool(self.userinfo.partition(":")[2] or self.options.get("ssl_certfile"))


def parsed(url: str) -> RedisAddress:
    """The address in its parts; raises ValueError that says what is wrong and what would be right."""
    scheme, mark, after = url.partition("://")
    base, _, how = scheme.lower().partition("+")
    if not mark or base not in {"redis", "rediss", "unix"} or how not in {"", "sentinel"}:
        raise ValueError(
            "it begins with redis://, rediss://, unix://, redis+sentinel:// or rediss+sentinel://"
        )
    place, question, query = after.partition("?")
    authority, slash, path = place.partition("/")
    userinfo, _, members = authority.rpartition("@")
    options = {name: values[0] for name, values in parse_qs(query).items()}
    if base == "unix":
        return RedisAddress(base, userinfo, (), "", slash + path + question + query, options)
    service, rest = "", slash + path
    if how:
        service, slash, number = path.partition("/")
        rest = slash + number
        if not service or not members:
            raise ValueError(
                "with Sentinels it is redis+sentinel://HOST:26379,HOST:26379/SERVICE, "
                "SERVICE being the master's name there"
            )
    port = SENTINEL_PORT if how else 6379
    hosts = tuple(_host(member, port) for member in members.split(","))
    return RedisAddress(base, userinfo, hosts, service, rest + question + query, options)


def _host(member: str, port: int) -> tuple[str, int]:
    name, colon, number = member.rpartition(":")
    if not colon or number.endswith("]"):
        name, number = member, str(port)
    if not number.isdigit() or not 0 < int(number) < 65536:
        raise ValueError(f"{number!r} is no port")
    return name.strip("[]") or "localhost", int(number)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
