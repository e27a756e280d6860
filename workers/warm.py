"""The warm optimizer: one process that keeps the day's problems compiled and answers small questions at once.

`python -m workers.warm SOCKET` serves; `WarmOptimizer` asks, with the names and signatures of `optimizer.insert`,
`optimizer.offers`, `optimizer.explain` and `optimizer.compare`. A question is one connection: a frame there and one
back. Problems and plans travel only when the process does not know their hashes yet.
"""

import hashlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import structlog

from dispatch.core.config import Settings
from dispatch.core.errors import DispatchError
from optimizer.codec import write_plan, write_problem
from optimizer.compare import Comparison
from optimizer.explain import Explanation
from optimizer.insert import Insertion, InsertionStale, VisitUnknown
from optimizer.offers import Offer
from optimizer.plan import Plan
from optimizer.problem import Problem, ProblemError, Visit
from optimizer.trials import Trial
from workers import logs
from workers.answering import PATIENCE_S, Server
from workers.frames import plain, receive, restored, send, visit_document

logger = structlog.get_logger(__name__)

DOCUMENTS_KEPT = 8
"""Documents an asker remembers as it wrote them."""
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
        self._written = _Written()

    def insert(
        self,
        problem: Problem,
        plan: Plan,
        visit_id: str,
        k: int = 3,
        *,
        displacing: bool = False,
        shift: str | None = None,
    ) -> list[Insertion]:
        """The `k` cheapest places of an unserved visit; raises VisitUnknown."""
        question = {"visit": visit_id, "k": k, "displacing": displacing, "shift": shift}
        return restored(list[Insertion], self._ask("insert", problem, question, {"plan": plan}))

    def apply(self, problem: Problem, plan: Plan, insertion: Insertion) -> Plan:
        """The plan with the insertion made; raises VisitUnknown, InsertionStale."""
        question = {"insertion": plain(insertion)}
        return restored(Plan, self._ask("apply", problem, question, {"plan": plan}))

    def retime(self, problem: Problem, orders: Mapping[str, Sequence[str]]) -> Plan:
        """The plan whose routes have these visits in these orders; raises VisitUnknown."""
        question = {"orders": {shift: list(row) for shift, row in orders.items()}}
        return restored(Plan, self._ask("retime", problem, question, {}))

    def relocate(
        self,
        problem: Problem,
        orders: Mapping[str, Sequence[str]],
        visit_id: str,
        shift_id: str,
        position: int | None = None,
    ) -> Plan:
        """The plan of these orders with the visit taken to this place; raises VisitUnknown."""
        rows = {shift: list(row) for shift, row in orders.items()}
        question = {"orders": rows, "visit": visit_id, "shift": shift_id, "position": position}
        return restored(Plan, self._ask("relocate", problem, question, {}))

    def offers(
        self, problem: Problem, plan: Plan, visit: str | Visit, windows: Iterable[Sequence[int]]
    ) -> list[Offer]:
        """Each window with its cost, or why it cannot be offered; raises VisitUnknown, ProblemError."""
        question = {
            "visit": visit if isinstance(visit, str) else visit_document(visit),
            "windows": [list(window) for window in windows],
        }
        return restored(list[Offer], self._ask("offers", problem, question, {"plan": plan}))

    def explain(self, problem: Problem, plan: Plan, visit_id: str) -> Explanation:
        """Why the visit is left out, or where it is; raises VisitUnknown."""
        answer = self._ask("explain", problem, {"visit": visit_id}, {"plan": plan})
        return restored(Explanation, answer)

    def trials(self, problem: Problem, plan: Plan, visit_id: str) -> list[Trial]:
        """The visit on each shift, or why it cannot be there; raises VisitUnknown."""
        answer = self._ask("trials", problem, {"visit": visit_id}, {"plan": plan})
        return restored(list[Trial], answer)

    def settle(self, problem: Problem, plan: Plan) -> Plan:
        """The plan with every insertion made that lowers its total."""
        return restored(Plan, self._ask("settle", problem, {}, {"plan": plan}))

    def compare(self, problem: Problem, plan_a: Plan, plan_b: Plan) -> Comparison:
        """How plan b differs from plan a."""
        plans = {"plan_a": plan_a, "plan_b": plan_b}
        return restored(Comparison, self._ask("compare", problem, {}, plans))

    def answers(self) -> bool:
        """Whether the process is there."""
        try:
            return bool(self._exchange({"op": "ping"}).get("pong"))
        except OptimizerAway:
            return False

    def _ask(
        self, op: str, problem: Problem, question: Mapping[str, Any], plans: Mapping[str, Plan]
    ) -> Any:
        documents = {"problem": self._written.document(problem)}
        documents |= {key: self._written.document(plan) for key, plan in plans.items()}
        asked = {"op": op, **question, **{key: made[0] for key, made in documents.items()}}
        answer = self._exchange(asked)
        if answer.get("error") == "needed":
            sent = {
                key: {"kind": "problem" if key == "problem" else "plan", "text": text}
                for key, (_, text) in documents.items()
            }
            answer = self._exchange({**asked, "documents": sent})
        if "error" in answer:
            if answer["error"] == "refused":
                raise ProblemError(answer["path"], answer["message"])
            refusal = _REFUSALS.get(answer["error"])
            if refusal is not None:
                raise refusal(answer["message"])
            raise OptimizerAway(f"The optimizer could not answer: {answer['message']}")
        return answer["answer"]

    def _exchange(self, question: Mapping[str, Any]) -> dict[str, Any]:
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(self._patience)
                line.connect(str(self._path))
                send(line, question)
                return receive(line, time.monotonic() + self._patience)
        except (OSError, ValueError) as error:
            raise OptimizerAway(
                "The optimizer does not answer just now; it is started again by itself. Try again shortly."
            ) from error


class _Written:
    """The problems and plans asked about last, with their documents and hashes; neither can change."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: list[tuple[Problem | Plan, tuple[str, str]]] = []

    def document(self, value: Problem | Plan) -> tuple[str, str]:
        """The SHA-256 of the value's document, and the document; comparing is cheaper than writing."""
        with self._lock:
            for kept, made in self._kept:
                if kept == value:
                    return made
        text = write_problem(value) if isinstance(value, Problem) else write_plan(value)
        made = hashlib.sha256(text.encode()).hexdigest(), text
        with self._lock:
            self._kept = [*self._kept[1 - DOCUMENTS_KEPT :], (value, made)]
        return made


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
        server = Server()
        server.make_ready()
        logger.info("warm.ready", process=os.getpid())
        server.serve(listener)
    return 0


if __name__ == "__main__":
    sys.exit(main())
