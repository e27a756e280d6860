"""One solve in a process of its own: limited, watched, and never trusted.

The search takes whole cores for as long as it runs, and OR-Tools' routing holds the interpreter's lock and has
crashed in the field, so that neither runs in an actor's thread. Whatever the child does (crash, hang, garbage,
floods), this returns in time and leaves no process behind.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import structlog

from dispatch.core.config import Settings
from dispatch.core.errors import DispatchError
from dispatch.planning.options import DEFAULT_ENGINE
from workers import child
from workers.logs import mask

logger = structlog.get_logger(__name__)

ASK_TO_STOP_AFTER = 5.0
"""Seconds past its time limit at which the child is asked (SIGTERM) for the best it has."""
KILL_AFTER = 10.0
"""Seconds past its time limit at which the child and all it started are killed."""
BEGINS_WITHIN = 10.0
"""Seconds in which a child says its first word; asked to end before that, it could have no answer yet.

A busy machine may need them only to start it.
"""
MOST_WAITED = 120.0
"""Seconds at most by which a child's limits are put off because it waited for a core."""
ANSWER_LIMIT = 64 * 1024 * 1024
ERRORS_LIMIT = 64 * 1024
LINE_LIMIT = 1024 * 1024

Progress = Callable[[dict[str, Any]], None]

_KEPT = ("-X", f"pycache_prefix={sys.pycache_prefix}") if sys.pycache_prefix else ()
"""Where compiled modules are kept: the solver's process has no environment that could tell it."""


class SolverFailed(DispatchError):
    """The child gave no usable answer; `details["how"]` is crashed, timed_out, refused, too_large or garbage."""

    code = "solver_failed"
    status = 500


@dataclass(slots=True)
class _Streams:
    """What the child has said so far."""

    answer: bytearray = field(default_factory=bytearray)
    errors: bytearray = field(default_factory=bytearray)
    news: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=1000))
    too_large: bool = False


def run_solver(
    settings: Settings,
    document: str,
    *,
    seconds: float,
    seed: int,
    engine: str = DEFAULT_ENGINE,
    workers: int = 1,
    iterations: int | None = None,
    bound_seconds: float = 0.0,
    on_progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
    program: Sequence[str] = (sys.executable, *_KEPT, "-m", "optimizer"),
) -> str:
    """Solve the problem `document` (JSON) in a child process and return its plan, a JSON object as text.

    The child is asked to end `ASK_TO_STOP_AFTER` seconds after its limit, or when `should_stop()` holds and it has
    begun to search, and killed `KILL_AFTER` seconds after its limit (5 s after it was asked early). Time in which
    it could have run but other programs had every core is not counted, up to `MOST_WAITED` seconds: on a busy
    machine it would be killed before it had begun. `on_progress` is called in this thread with each JSON line that
    the child writes to standard error. Raises SolverFailed.
    """
    argv = [
        *program,
        "--seconds",
        str(seconds),
        "--seed",
        str(seed),
        "--workers",
        str(workers),
        "--engine",
        engine,
    ]
    if bound_seconds:
        argv += ["--bound", str(bound_seconds)]
        seconds += bound_seconds
    if iterations is not None:
        argv += ["--iterations", str(iterations)]
    limited = child.command(
        argv,
        memory_mb=settings.solve_memory_mb,
        cpu_seconds=int((seconds + KILL_AFTER) * (workers + 1)) + 1,
        nice=10,
        offline=True,
    )
    with tempfile.TemporaryDirectory(prefix="gridcrew-solve-") as folder:
        process = subprocess.Popen(
            limited,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(),
            cwd=folder,
            start_new_session=True,
        )
        streams = _Streams()
        threads = _talk(process, document, streams)
        try:
            _watch(process, seconds, streams, on_progress, should_stop)
        finally:
            _end(process, threads)
        _tell(streams, on_progress)
        return _judge(process.returncode, streams)


def _environment() -> dict[str, str]:
    """Nothing but where the compiled kernels are: no address, no secret."""
    folder = os.environ.get("NUMBA_CACHE_DIR")
    return {"NUMBA_CACHE_DIR": folder} if folder else {}


def _talk(
    process: "subprocess.Popen[bytes]", document: str, streams: _Streams
) -> list[threading.Thread]:
    threads = [
        threading.Thread(target=_feed, args=(process.stdin, document.encode()), daemon=True),
        threading.Thread(target=_collect, args=(process, process.stdout, streams), daemon=True),
        threading.Thread(target=_listen, args=(process.stderr, streams), daemon=True),
    ]
    for thread in threads:
        thread.start()
    return threads


def _watch(
    process: "subprocess.Popen[bytes]",
    seconds: float,
    streams: _Streams,
    on_progress: Progress | None,
    should_stop: Callable[[], bool] | None,
) -> None:
    """Wait for the child's end; raises SolverFailed when it has to be killed."""
    began = time.monotonic()
    ask_at, kill_at = began + seconds + ASK_TO_STOP_AFTER, began + seconds + KILL_AFTER
    asked = heard = False
    while not _has_exited(process):
        time.sleep(0.03)
        heard = _tell(streams, on_progress) or heard
        now = time.monotonic() - _waited(process.pid)
        has_begun = heard or now - began > BEGINS_WITHIN
        if has_begun and not asked and (now >= ask_at or (should_stop and should_stop())):
            asked, kill_at = True, min(kill_at, now + (KILL_AFTER - ASK_TO_STOP_AFTER))
            process.send_signal(signal.SIGTERM)
        if now >= kill_at:
            raise SolverFailed(
                f"The solver did not end in time ({now - began:.0f} s) and was killed.",
                how="timed_out",
            )


def _waited(pid: int) -> float:
    """Seconds that a process' main thread has waited for a core; 0 where the system does not tell.

    Source: Linux, Documentation/scheduler/sched-stats.rst, /proc/PID/schedstat.
    """
    try:
        spent = Path(f"/proc/{pid}/schedstat").read_text().split()
        return min(int(spent[1]) / 1e9, MOST_WAITED)
    except (OSError, ValueError, IndexError):
        return 0.0


def _has_exited(process: "subprocess.Popen[bytes]") -> bool:
    """Whether it ended, without reaping it: until then its group's number belongs to nobody else."""
    if not hasattr(os, "waitid"):  # macOS before Python 3.13
        return process.poll() is not None
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _judge(code: int, streams: _Streams) -> str:
    said = mask(streams.errors.decode("utf-8", "replace").strip())[-500:]
    if streams.too_large:
        raise SolverFailed(
            f"The solver's answer was larger than {ANSWER_LIMIT // 2**20} MiB.", how="too_large"
        )
    if code == 2:
        raise SolverFailed(f"The solver refused the problem: {said}", how="refused")
    if code != 0:
        how = f"signal {_name_of(-code)}" if code < 0 else f"exit code {code}"
        raise SolverFailed(f"The solver crashed ({how}): {said}", how="crashed")
    try:
        answer = streams.answer.decode()
        document = json.loads(answer)
    except (ValueError, RecursionError) as error:  # bad text and bad JSON are ValueErrors
        raise SolverFailed("The solver's answer is no JSON document.", how="garbage") from error
    if not isinstance(document, dict):
        raise SolverFailed("The solver's answer is no JSON object.", how="garbage")
    return answer


def _name_of(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # most real-time signals have no name
        return str(number)


def _tell(streams: _Streams, on_progress: Progress | None) -> bool:
    told = False
    while streams.news:
        line, told = streams.news.popleft(), True
        if on_progress is not None:
            on_progress(line)
    return told


def _feed(stream: IO[bytes], data: bytes) -> None:
    with contextlib.suppress(BrokenPipeError):  # the child died first; its exit code says so
        stream.write(data)
        stream.flush()
    with contextlib.suppress(BrokenPipeError):
        stream.close()


def _collect(process: "subprocess.Popen[bytes]", stream: IO[bytes], streams: _Streams) -> None:
    while chunk := os.read(stream.fileno(), 65536):
        if len(streams.answer) + len(chunk) > ANSWER_LIMIT:
            streams.too_large = True
            streams.answer.clear()
            _kill_group(process)
            return
        streams.answer += chunk


def _listen(stream: IO[bytes], streams: _Streams) -> None:
    """JSON objects on lines of their own are progress; anything else is kept for the error message."""
    while line := stream.readline(LINE_LIMIT):
        try:
            document = json.loads(line)
        except (ValueError, RecursionError):
            document = None
        if isinstance(document, dict):
            streams.news.append(document)
        else:
            streams.errors += line
            del streams.errors[:-ERRORS_LIMIT]


def _kill_group(process: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _end(process: "subprocess.Popen[bytes]", threads: list[threading.Thread]) -> None:
    """Leave nothing: no process of its group, no zombie, no open pipe."""
    _kill_group(process)
    process.wait()
    for thread in threads:
        thread.join(5.0)
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()
