"""The supervisor of a machine's processes: starts them, restarts what dies, stops all, leaves none behind."""

import fcntl
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from dispatch.core.config import Settings
from dispatch.core.errors import ConflictError, DispatchError
from workers import child
from workers.startup import check_data_dir

STOP_WITHIN_S = 9.0
"""Seconds from the wish to stop until everything has ended, the rest killed."""
GRACE_S = 7.0
"""Seconds of those that the children have to end by themselves."""
BACKOFF_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before each further restart of a child that keeps dying; from the start again after a quiet minute."""
QUIET_S = 60.0
LOG_LIMIT = 10 * 1024 * 1024


class DataDirInUse(ConflictError):
    """Another `up` runs on the same data directory."""

    code = "data_dir_in_use"


class PortInUse(ConflictError):
    """Another program listens on the port."""

    code = "port_in_use"


class ChildFailed(DispatchError):
    """A process of ours did not become ready."""

    code = "child_failed"
    status = 503


@dataclass(frozen=True, slots=True)
class Child:
    """A process to keep alive. `last`: it is stopped after the others, who need it until their end."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    memory_mb: int | None = None
    last: bool = False


@dataclass(slots=True)
class _Running:
    child: Child
    process: "subprocess.Popen[bytes]"
    began: float
    deaths: int = 0
    restart_at: float | None = None


@contextmanager
def data_dir_lock(settings: Settings) -> Iterator[None]:
    """Hold the data directory for this process alone; raises DataDirInUse, DataDirUnusable.

    The lock is the operating system's: it is free again as soon as its holder has died, however it died.
    """
    check_data_dir(settings)
    path = settings.data_dir / "up.lock"
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise DataDirInUse(
                f"Gridcrew is already running on {settings.data_dir.absolute()} (process {holder}). "
                "Stop it with Ctrl-C in its terminal, or set GRIDCREW_DATA_DIR to another directory.",
                holder=holder,
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def check_port(host: str, port: int) -> None:
    """Raise PortInUse when somebody listens there already, or the address is not this machine's."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortInUse(
                f"Port {port} on {host} cannot be used: {os.strerror(error.errno or 0)}. "
                "Choose another with GRIDCREW_PORT (or GRIDCREW_HOST).",
                port=port,
            ) from error


class Supervisor:
    """Keeps children alive in a thread of its own until it is stopped.

    `say` is told one line for whatever a person should know, from that thread. Every child has its own session,
    so that Ctrl-C in the terminal reaches only us, and dies with us even when we are killed.
    """

    def __init__(
        self, *, logs: Path, say: Callable[[str], None], pauses: Sequence[float] = BACKOFF_S
    ) -> None:
        self._logs = logs
        self._say = say
        self._pauses = pauses
        self._running: dict[str, _Running] = {}
        self._wanted: list[tuple[Child, threading.Event]] = []
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)
        self._logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._thread.start()

    def start(self, child: Child) -> None:
        """Start a child and keep it alive from now on."""
        started = threading.Event()
        self._wanted.append((child, started))
        self._wake.set()
        started.wait(30)

    def wait_ready(self, name: str, is_ready: Callable[[], bool], *, seconds: float) -> None:
        """Wait until `is_ready()`; raises ChildFailed with the child's last words when it dies or takes longer."""
        end = time.monotonic() + seconds
        while not is_ready():
            running = self._running.get(name)
            died = running is None or running.deaths > 0
            if died or time.monotonic() > end or self._stop.is_set():
                how = "ended at once" if died else f"was not ready within {seconds:g} s"
                raise ChildFailed(
                    f"{name} {how}: {self._last_words(name) or 'it said nothing'} (see {self._log_path(name)})",
                    child=name,
                )
            time.sleep(0.05)

    def pids(self) -> dict[str, int]:
        """The process number of each child that runs."""
        return {
            name: running.process.pid
            for name, running in self._running.items()
            if running.process.poll() is None
        }

    def stop(self) -> None:
        """End all children within `STOP_WITHIN_S` seconds; calling it again does nothing."""
        self._stop.set()
        self._wake.set()
        self._thread.join(STOP_WITHIN_S + 5)

    def _run(self) -> None:
        # The parent-death signal follows the thread that started a child, so that this one thread starts them all.
        while not self._stop.is_set():
            while self._wanted:
                child, started = self._wanted.pop(0)
                self._running[child.name] = self._launch(child)
                started.set()
            for running in list(self._running.values()):
                self._look_after(running)
            self._wake.wait(0.1)
            self._wake.clear()
        self._stop_all()

    def _launch(self, wanted: Child) -> _Running:
        with self._open_log(wanted.name) as log:
            process = subprocess.Popen(
                child.command(wanted.argv, memory_mb=wanted.memory_mb),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **wanted.env},
                start_new_session=True,
            )
        return _Running(wanted, process, time.monotonic())

    def _look_after(self, running: _Running) -> None:
        now, name = time.monotonic(), running.child.name
        if running.restart_at is not None:
            if now >= running.restart_at:
                again = self._launch(running.child)
                running.process, running.began, running.restart_at = again.process, now, None
            return
        if running.process.poll() is None:
            return
        if now - running.began > QUIET_S:
            running.deaths = 0
        pause = self._pauses[min(running.deaths, len(self._pauses) - 1)]
        running.deaths += 1
        running.restart_at = now + pause
        self._say(
            f"{name} {_how(running.process.returncode)}; starting it again in {pause:g} s "
            f"(log: {self._log_path(name)})"
        )

    def _stop_all(self) -> None:
        began = time.monotonic()
        everyone = list(self._running.values())
        first = [running for running in everyone if not running.child.last]
        last = [running for running in everyone if running.child.last]
        for group, until in ((first, began + GRACE_S), (last, began + GRACE_S + 1.5)):
            for running in group:
                if running.process.poll() is None:  # once only: a second signal may hang a worker
                    running.process.terminate()
            for running in group:
                _wait_until(running.process, until)
            for running in group:
                _kill(running.process)

    def _log_path(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def _open_log(self, name: str) -> IO[bytes]:
        path = self._log_path(name)
        if path.exists() and path.stat().st_size > LOG_LIMIT:
            path.replace(path.with_suffix(".old.log"))
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab")

    def _last_words(self, name: str) -> str:
        try:
            lines = self._log_path(name).read_text(errors="replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1][-300:] if lines else ""


def _how(code: int) -> str:
    return f"was killed ({signal.Signals(-code).name})" if code < 0 else f"ended (exit code {code})"


def _wait_until(process: "subprocess.Popen[bytes]", end: float) -> None:
    try:
        process.wait(max(0.0, end - time.monotonic()))
    except subprocess.TimeoutExpired:
        return


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """Kill the child and whatever is left of its session, unless all of it is gone."""
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
