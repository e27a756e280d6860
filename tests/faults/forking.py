"""Worker processes that begin in milliseconds: copies of one process that has imported everything already.

They are processes like any others and end with the tests.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from multiprocessing.process import BaseProcess
from pathlib import Path

from tests.forks import FORKS
from workers.child import PR_SET_PDEATHSIG
from workers.supervisor import Child, Supervisor, _Running


class Forked:
    """A started process with what `subprocess.Popen` offers. `with` it, it is killed at the end of the block."""

    def __init__(self, process: BaseProcess) -> None:
        self._process = process
        self.args: Sequence[str] = ()

    def __enter__(self) -> "Forked":
        return self

    def __exit__(self, *_error: object) -> None:
        self.kill()
        self.wait(timeout=10)

    @property
    def pid(self) -> int:
        """The process number."""
        return self._process.pid or 0

    @property
    def returncode(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; raises subprocess.TimeoutExpired."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("a forked process", timeout or 0)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to stop."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """kill -9."""
        self.send_signal(signal.SIGKILL)


def forked(
    main: Callable[..., object], *arguments: object, env: Mapping[str, str], log: Path
) -> Forked:
    """Start `main(*arguments)`, a function of an importable module, with these variables; it logs to `log`."""
    target = (main.__module__, main.__qualname__, arguments, dict(env), str(log))
    process = FORKS.Process(target=_begin, args=target, daemon=True)
    process.start()
    return Forked(process)


def _begin(
    module: str, name: str, arguments: Sequence[object], env: Mapping[str, str], log: str
) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    os.setsid()
    os.environ.update(env)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for number in (1, 2):
        os.dup2(output, number)
    sys.stdout = open(1, "w", buffering=1, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
    getattr(import_module(module), name)(*arguments)


class ForkingSupervisor(Supervisor):
    """The product's supervisor; children whose command is `python -m MODULE ...` are forked instead."""

    def _launch(self, wanted: Child) -> _Running:
        main, arguments = import_module(wanted.argv[2]).main, list(wanted.argv[3:])
        started = forked(main, arguments, env=wanted.env, log=self._log_path(wanted.name))
        return _Running(wanted, started, time.monotonic())  # type: ignore[arg-type]
