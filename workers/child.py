"""`python -m workers.child ... -- COMMAND`: run a command that cannot outlive its parent, within limits.

It replaces itself by the command, so that signals and exit codes are the command's own. Where the system has no
parent-death signal (anything but Linux) it stays in between, watches its parent and ends the command with it.
"""

import argparse
import contextlib
import ctypes
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000


def command(
    argv: Sequence[str],
    *,
    memory_mb: int | None = None,
    cpu_seconds: int | None = None,
    nice: int = 0,
    offline: bool = False,
) -> list[str]:
    """The command line that runs `argv` as a child of this very process, within the limits given.

    `memory_mb` limits the address space; `offline` takes the network away where the system lets us.
    The parent-death signal follows the thread that starts the child: start it from one that lasts.
    """
    line = [
        sys.executable,
        "-m",
        "workers.child",
        "--parent",
        str(os.getpid()),
        "--nice",
        str(nice),
    ]
    if memory_mb is not None:
        line += ["--memory-mb", str(memory_mb)]
    if cpu_seconds is not None:
        line += ["--cpu-seconds", str(cpu_seconds)]
    if offline:
        line.append("--offline")
    return [*line, "--", *argv]


def main(argv: Sequence[str] | None = None) -> int:
    """Tie this process to its parent, set the limits and become the command."""
    parser = argparse.ArgumentParser(prog="workers.child")
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--memory-mb", type=int)
    parser.add_argument("--cpu-seconds", type=int)
    parser.add_argument("--nice", type=int, default=0)
    parser.add_argument("--offline", action="store_true")
    parser.add_argument("argv", nargs="+")
    options = parser.parse_args(argv)
    tied = _die_with_parent()
    if os.getppid() != options.parent:  # it died before the line above
        return 1
    if options.nice:
        os.nice(options.nice)
    if options.offline:
        _leave_network()
    _limit(options.memory_mb, options.cpu_seconds)
    signal.signal(
        signal.SIGPIPE, signal.SIG_DFL
    )  # Python ignores it, and the command would inherit that
    if tied:
        os.execvp(options.argv[0], options.argv)  # noqa: S606 - no shell is the point
    return _stay_between(options.argv, options.parent)


def _die_with_parent() -> bool:
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) == 0)


def _leave_network() -> None:
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if (
        libc.unshare(CLONE_NEWNET) != 0
    ):  # needs a privilege; an unprivileged user needs a namespace of users too
        libc.unshare(CLONE_NEWUSER | CLONE_NEWNET)


def _limit(memory_mb: int | None, cpu_seconds: int | None) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory_mb is not None:
        size = memory_mb * 1024 * 1024
        with contextlib.suppress(ValueError, OSError):  # macOS refuses this limit
            resource.setrlimit(resource.RLIMIT_AS, (size, size))
    if cpu_seconds is not None:
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 5))


def _stay_between(argv: Sequence[str], parent: int) -> int:
    process = subprocess.Popen(argv)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: process.send_signal(received))
    while process.poll() is None:
        if os.getppid() != parent:
            process.kill()
        time.sleep(0.2)
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


if __name__ == "__main__":
    sys.exit(main())
