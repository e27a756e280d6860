"""Who holds a lease: a name that tells whether its process still lives, for those on the same machine."""

import os
import socket
from functools import lru_cache
from pathlib import Path

_PROC = Path("/proc")


@lru_cache(maxsize=1)
def machine() -> str:
    """This boot of this machine (and container): its host name and, on Linux, boot and process namespace."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()[:8]
        space = (_PROC / "self/ns/pid").readlink().name.strip("pid:[]")
    except OSError:
        return socket.gethostname()[:40]
    return f"{socket.gethostname()[:40]}/{boot}.{space}"


def owner_name() -> str:
    """The name under which this process takes leases, at most 96 characters."""
    return f"{machine()}:{os.getpid()}.{_started(os.getpid()) or 0}"


def is_gone(owner: str) -> bool:
    """Whether `owner` was a process of this very machine that no longer runs. In doubt: no."""
    place, _, process = owner.rpartition(":")
    pid, _, started = process.partition(".")
    if place != machine() or not pid.isdigit() or started in {"", "0"}:
        return False  # another machine's, or one whose processes we cannot look at
    return str(_started(int(pid))) != started


def _started(pid: int) -> int | None:
    """When a process began, in clock ticks after the boot; None when there is none, or only its remains."""
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in {"Z", "X"} else int(fields[19])
