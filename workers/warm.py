"""The warm optimizer: one process that keeps the day's problems read and answers small questions at once.

`python -m workers.warm SOCKET` serves; `WarmOptimizer` asks, with the names and signatures of `optimizer.insert`.
A question is one connection: a frame (4 bytes of length, then JSON) there and one back. The problem itself travels
only when the process does not know its hash yet.
"""

import contextlib
import hashlib
import json
import os
import signal
import socket
import struct
import sys
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any

import structlog

from dispatch.core.config import Settings
from dispatch.core.errors import DispatchError
from optimizer import insert as insertion_tools
from optimizer.codec import read_plan, read_problem, write_plan, write_problem
from optimizer.insert import Insertion, InsertionStale, VisitUnknown
from optimizer.plan import Plan
from optimizer.problem import Problem, ProblemError
from workers import logs

logger = structlog.get_logger(__name__)

FRAME_LIMIT = 64 * 1024 * 1024
PROBLEMS_KEPT = 8
PATIENCE_S = 10.0
_REFUSALS: Mapping[str, type[ValueError]] = {
    "visit_unknown": VisitUnknown,
    "insertion_stale": InsertionStale,
}


class OptimizerAway(DispatchError):
    """The warm optimizer does not answer; it is restarted by itself."""

    code = "optimizer_away"
    status = 503


def socket_path(settings: Settings) -> Path:
    """Where the warm optimizer of this installation listens."""
    return settings.data_dir.resolve() / "optimizer.sock"


class WarmOptimizer:
    """Asks the warm process; each call raises OptimizerAway when it does not answer within `patience` seconds."""

    def __init__(self, settings: Settings, *, patience: float = PATIENCE_S) -> None:
        self._path = socket_path(settings)
        self._patience = patience

    def insert(self, problem: Problem, plan: Plan, visit_id: str, k: int = 3) -> list[Insertion]:
        """The `k` cheapest places of an unserved visit; raises VisitUnknown."""
        answer = self._ask(
            problem, {"op": "insert", "plan": write_plan(plan), "visit": visit_id, "k": k}
        )
        return [Insertion(**found) for found in answer["insertions"]]

    def apply(self, problem: Problem, plan: Plan, insertion: Insertion) -> Plan:
        """The plan with the insertion made; raises VisitUnknown, InsertionStale."""
        question = {"op": "apply", "plan": write_plan(plan), "insertion": asdict(insertion)}
        return read_plan(self._ask(problem, question)["plan"])

    def retime(self, problem: Problem, orders: Mapping[str, Sequence[str]]) -> Plan:
        """The plan whose routes have these visits in these orders."""
        question = {"op": "retime", "orders": {shift: list(row) for shift, row in orders.items()}}
        return read_plan(self._ask(problem, question)["plan"])

    def answers(self) -> bool:
        """Whether the process is there."""
        try:
            return bool(self._exchange({"op": "ping"}).get("pong"))
        except OptimizerAway:
            return False

    def _ask(self, problem: Problem, question: dict[str, Any]) -> dict[str, Any]:
        document = write_problem(problem)
        question["hash"] = hashlib.sha256(document.encode()).hexdigest()
        answer = self._exchange(question)
        if answer.get("error") == "problem_needed":
            answer = self._exchange({**question, "problem": document})
        if "error" in answer:
            refusal = _REFUSALS.get(answer["error"])
            if refusal is not None:
                raise refusal(answer["message"])
            raise OptimizerAway(f"The optimizer could not answer: {answer['message']}")
        return answer

    def _exchange(self, question: dict[str, Any]) -> dict[str, Any]:
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(self._patience)
                line.connect(str(self._path))
                _send(line, question)
                return _receive(line, time.monotonic() + self._patience)
        except (OSError, ValueError) as error:
            raise OptimizerAway(
                "The optimizer does not answer just now; it is started again by itself. Try again shortly."
            ) from error


class Server:
    """Answers one question after another; a bad one harms nobody but its asker."""

    def __init__(self) -> None:
        self._problems: OrderedDict[str, Problem] = OrderedDict()

    def serve(self, listener: socket.socket) -> None:
        """Answer until the process ends."""
        while True:
            line, _ = listener.accept()
            with line:
                line.settimeout(PATIENCE_S)
                with contextlib.suppress(OSError):  # the asker went away
                    try:
                        answer = self.answer(_receive(line, time.monotonic() + PATIENCE_S))
                    except ValueError as error:
                        answer = {"error": "bad_frame", "message": str(error)}
                    _send(line, answer)

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        """The answer to one question; an error is an answer too."""
        if question.get("op") == "ping":
            return {"pong": True}
        try:
            problem = self._problem(question)
            if problem is None:
                return {"error": "problem_needed", "message": "send the problem with the question"}
            return _do(question, problem)
        except VisitUnknown as refusal:
            return {"error": "visit_unknown", "message": str(refusal)}
        except InsertionStale as refusal:
            return {"error": "insertion_stale", "message": str(refusal)}
        except ProblemError as refusal:
            return {"error": "refused", "message": str(refusal)}
        except Exception as error:
            logger.exception("warm.failed", op=question.get("op"))
            return {"error": "failed", "message": type(error).__name__}

    def _problem(self, question: dict[str, Any]) -> Problem | None:
        key = question["hash"]
        if key not in self._problems:
            if "problem" not in question:
                return None
            document = question["problem"].encode()
            self._problems[hashlib.sha256(document).hexdigest()] = read_problem(document)
            while len(self._problems) > PROBLEMS_KEPT:
                self._problems.popitem(last=False)
        self._problems.move_to_end(key)
        return self._problems[key]


def _do(question: dict[str, Any], problem: Problem) -> dict[str, Any]:
    match question["op"]:
        case "insert":
            plan = read_plan(question["plan"])
            found = insertion_tools.insert(problem, plan, question["visit"], question["k"])
            return {"insertions": [asdict(insertion) for insertion in found]}
        case "apply":
            plan = read_plan(question["plan"])
            made = insertion_tools.apply(problem, plan, Insertion(**question["insertion"]))
            return {"plan": write_plan(made)}
        case "retime":
            return {"plan": write_plan(insertion_tools.retime(problem, question["orders"]))}
        case other:
            return {"error": "unknown_op", "message": f"no such question: {other}"}


def _send(line: socket.socket, document: dict[str, Any]) -> None:
    data = json.dumps(document).encode()
    line.sendall(struct.pack(">I", len(data)) + data)


def _receive(line: socket.socket, end: float) -> dict[str, Any]:
    size = struct.unpack(">I", _read(line, 4, end))[0]
    if size > FRAME_LIMIT:
        raise ValueError(f"a frame of {size} bytes is too large")
    document = json.loads(_read(line, size, end))
    if not isinstance(document, dict):
        raise ValueError("a frame holds a JSON object")  # noqa: TRY004 - a bad value, as the others here
    return document


def _read(line: socket.socket, size: int, end: float) -> bytes:
    data = bytearray()
    while len(data) < size:
        line.settimeout(max(0.001, end - time.monotonic()))
        chunk = line.recv(min(size - len(data), 1 << 20))
        if not chunk:
            raise ConnectionError("the line was cut")
        data += chunk
    return bytes(data)


def main() -> int:
    """Serve on the socket given until told to stop."""
    path = Path(sys.argv[1])
    os.umask(0o077)
    logs.set_up("INFO")

    def end(_number: int, _frame: FrameType | None) -> None:
        sys.exit(0)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    path.unlink(missing_ok=True)  # `up` holds the data directory: whoever listened there is dead
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(16)
        logger.info("warm.ready", process=os.getpid())
        Server().serve(listener)
    return 0


if __name__ == "__main__":
    sys.exit(main())
