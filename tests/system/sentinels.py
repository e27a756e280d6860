"""A Redis master, its replica and the Sentinel that watches both: real servers, ended with the block."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import redis

from tests.system.servers import eventually, free_port
from workers import child, redis_server

PASSWORD = "a word for this test"
SERVICE = "branch"


@dataclass(slots=True)
class Watched:
    """Two servers, of which the Sentinel says which one is the master."""

    folder: Path
    sentinel: int = field(default_factory=free_port)
    nobody: int = field(default_factory=free_port)
    servers: "dict[int, subprocess.Popen[bytes]]" = field(default_factory=dict)

    @property
    def url(self) -> str:
        """What GRIDCREW_REDIS_URL says: of two Sentinels the first is away."""
        places = f"127.0.0.1:{self.nobody},127.0.0.1:{self.sentinel}"
        return f"redis+sentinel://:{PASSWORD.replace(' ', '%20')}@{places}/{SERVICE}"

    def master(self) -> int:
        """The port of the server that the Sentinel calls the master."""
        client = redis.Redis(port=self.sentinel)
        try:
            return int(client.sentinel_get_master_addr_by_name(SERVICE)[1])
        finally:
            client.close()

    def kill_master(self) -> int:
        """End the master as a crash would; its port."""
        port = self.master()
        self.servers[port].kill()
        self.servers[port].wait()
        return port

    def start(self, port: int, lines: list[str], *options: str) -> None:
        """Start one server on this port."""
        folder = self.folder / str(port)
        folder.mkdir()
        config = folder / "redis.conf"
        common = [f"port {port}", "bind 127.0.0.1", f"dir {folder}", "protected-mode no"]
        config.write_text("\n".join([*common, *lines, ""]))
        argv = child.command([str(redis_server.find().path), str(config), *options])
        self.servers[port] = subprocess.Popen(
            argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )

    def replicates(self) -> bool:
        """Whether the Sentinel knows a replica that is in step with its master."""
        client = redis.Redis(port=self.sentinel, decode_responses=True)
        try:
            found = client.sentinel_slaves(SERVICE)
            return [one["master-link-status"] for one in found] == ["ok"]
        except redis.RedisError:
            return False
        finally:
            client.close()


@contextmanager
def watched(folder: Path) -> Iterator[Watched]:
    """A master and a replica that a Sentinel has found well."""
    running, first, second = Watched(folder), free_port(), free_port()
    guarded = [f'requirepass "{PASSWORD}"', f'masterauth "{PASSWORD}"', 'save ""']
    try:
        running.start(first, guarded)
        running.start(
            second, [*guarded, f"replicaof 127.0.0.1 {first}", "repl-diskless-sync-delay 0"]
        )
        running.start(
            running.sentinel,
            [
                f"sentinel monitor {SERVICE} 127.0.0.1 {first} 1",
                f'sentinel auth-pass {SERVICE} "{PASSWORD}"',
                f"sentinel down-after-milliseconds {SERVICE} 1000",
                f"sentinel failover-timeout {SERVICE} 5000",
            ],
            "--sentinel",
        )
        eventually(running.replicates, seconds=60, what="a replica in step")
        yield running
    finally:
        for server in running.servers.values():
            server.kill()
            server.wait()
