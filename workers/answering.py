"""The warm optimizer's side of a question: what it keeps between them, and how each is answered.

Kept are the problems read last, the plans read last, and what takes longest: compiled problems and
standing plans. A question names problem and plans by the SHA-256 of their documents; what is not
known yet is asked for.
"""

import contextlib
import gc
import hashlib
import json
import socket
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import structlog

from optimizer import compare as comparing
from optimizer import explain as explaining
from optimizer import insert as inserting
from optimizer import offers as offering
from optimizer import trials as trying
from optimizer.codec import read_plan, read_problem
from optimizer.insert import Insertion, InsertionStale, VisitUnknown
from optimizer.plan import Plan
from optimizer.problem import Crew, Estimate, Pin, Place, Problem, ProblemError, Visit
from optimizer.reading import maker, or_null
from optimizer.search.instance import Instance
from optimizer.standing import Standing
from workers.frames import plain, receive, restored, send

logger = structlog.get_logger(__name__)

PATIENCE_S = 10.0
PROBLEMS_KEPT = 8
PLANS_KEPT = 32
COMPILED_KEPT = 3
STANDING_KEPT = 8
RETIMED_KEPT = 8
ROUTES_KEPT = 20_000
"""Routes that one compiled problem remembers between questions; about 3 kB each."""

Key = TypeVar("Key")
Value = TypeVar("Value")

_read_visit = maker(Visit, pinned=or_null(maker(Pin)))


class Recent(Generic[Key, Value]):
    """The things used last, no more than `most` of them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[Key, Value] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        """What is kept under the key, now the last used; None when nothing is."""
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def put(self, key: Key, value: Value) -> Value:
        """Keep this, and forget what was used longest ago."""
        self._kept[key] = value
        self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return value


class _Needed(Exception):
    """A document is named by a hash that is not known; `key` is its key in the question."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


class Server:
    """Answers one question after another; a bad one harms nobody but its asker."""

    def __init__(self) -> None:
        self._problems: Recent[str, Problem] = Recent(PROBLEMS_KEPT)
        self._plans: Recent[str, Plan] = Recent(PLANS_KEPT)
        self._compiled: Recent[str, Instance] = Recent(COMPILED_KEPT)
        self._standing: Recent[tuple[str, str], Standing] = Recent(STANDING_KEPT)
        self._retimed: Recent[tuple[str, str], Plan] = Recent(RETIMED_KEPT)

    def make_ready(self) -> None:
        """Load what the first question would wait for: compiled code takes most of a second."""
        depot = Place("depot", 0.0, 0.0)
        start, crew = datetime(2000, 1, 1, tzinfo=UTC), Crew("crew")
        Instance(Problem(start, (depot,), Estimate(), (crew,), (), ()))
        _settle_memory()

    def serve(self, listener: socket.socket) -> None:
        """Answer until the process ends."""
        while True:
            line, _ = listener.accept()
            with line:
                line.settimeout(PATIENCE_S)
                with contextlib.suppress(OSError):  # the asker went away
                    try:
                        answer = self.answer(receive(line, time.monotonic() + PATIENCE_S))
                    except ValueError as error:
                        answer = {"error": "bad_frame", "message": str(error)}
                    send(line, answer)

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        """The answer to one question; an error is an answer too."""
        if question.get("op") == "ping":
            return {"pong": True}
        try:
            ask = _OPERATIONS.get(question["op"])
            if ask is None:
                return {"error": "unknown_op", "message": f"no such question: {question['op']}"}
            self._keep(question)
            return {"answer": plain(ask(self, question))}
        except _Needed as needed:
            return {"error": "needed", "message": f"send the {needed.key} with the question"}
        except VisitUnknown as refusal:
            return {"error": "visit_unknown", "message": str(refusal)}
        except InsertionStale as refusal:
            return {"error": "insertion_stale", "message": str(refusal)}
        except ProblemError as refusal:
            return {"error": "refused", "path": refusal.path, "message": refusal.message}
        except Exception as error:
            logger.exception("warm.failed", op=question.get("op"))
            return {"error": "failed", "message": type(error).__name__}

    def _keep(self, question: Mapping[str, Any]) -> None:
        """Read the documents that came with the question, unless they are known."""
        for document in question.get("documents", {}).values():
            key = hashlib.sha256(document["text"].encode()).hexdigest()
            if document["kind"] == "problem":
                if self._problems.get(key) is None:
                    self._problems.put(key, read_problem(document["text"]))
            elif self._plans.get(key) is None:
                self._plans.put(key, read_plan(document["text"]))

    def problem(self, question: Mapping[str, Any]) -> Problem:
        """The problem that the question names."""
        found = self._problems.get(question["problem"])
        if found is None:
            raise _Needed("problem")
        return found

    def plan(self, question: Mapping[str, Any], key: str = "plan") -> Plan:
        """The plan that the question names under this key."""
        found = self._plans.get(question[key])
        if found is None:
            raise _Needed(key)
        return found

    def instance(self, question: Mapping[str, Any]) -> Instance:
        """The problem compiled."""
        found = self._compiled.get(question["problem"])
        if found is None:
            found = Instance(self.problem(question))
            self._compiled.put(question["problem"], found)
            _settle_memory()
        if len(found.cache) > ROUTES_KEPT:
            found.cache.clear()
        return found

    def standing(self, question: Mapping[str, Any]) -> Standing:
        """The plan against its problem, ready for questions."""
        key = (question["problem"], question["plan"])
        found = self._standing.get(key)
        if found is None:
            problem, plan = self.problem(question), self.plan(question)
            found = self._standing.put(key, Standing(problem, plan, self.instance(question)))
        else:
            self.instance(question)
        return found

    def retimed(self, question: Mapping[str, Any]) -> Plan:
        """The plan of the orders in the question: the board's pages ask with the same ones again and again."""
        orders = question["orders"]
        key = (question["problem"], json.dumps(orders, sort_keys=True))
        found = self._retimed.get(key)
        if found is None:
            found = self._retimed.put(key, inserting.retime_on(self.instance(question), orders))
        return found


def _settle_memory() -> None:
    """Spare objects that live long the look through all of them at every collection."""
    gc.collect()
    gc.freeze()


def _insert(server: Server, question: Mapping[str, Any]) -> object:
    return inserting.places(
        server.standing(question),
        question["visit"],
        question["k"],
        displacing=question["displacing"],
        shift=question["shift"],
    )


def _apply(server: Server, question: Mapping[str, Any]) -> object:
    insertion = restored(Insertion, question["insertion"])
    return inserting.apply_to(server.standing(question), insertion)


def _retime(server: Server, question: Mapping[str, Any]) -> object:
    return server.retimed(question)


def _relocate(server: Server, question: Mapping[str, Any]) -> object:
    return inserting.relocate_on(
        server.instance(question),
        question["orders"],
        question["visit"],
        question["shift"],
        question["position"],
    )


def _offers(server: Server, question: Mapping[str, Any]) -> object:
    asked = question["visit"]
    visit: str | Visit = asked if isinstance(asked, str) else _read_visit(asked, "visit")
    return offering.offered(server.standing(question), visit, question["windows"])


def _explain(server: Server, question: Mapping[str, Any]) -> object:
    return explaining.explained(server.standing(question), question["visit"])


def _trials(server: Server, question: Mapping[str, Any]) -> object:
    return trying.tried(server.standing(question), question["visit"])


def _settle(server: Server, question: Mapping[str, Any]) -> object:
    return explaining.settled(server.standing(question)).plan


def _compare(server: Server, question: Mapping[str, Any]) -> object:
    one, other = server.plan(question, "plan_a"), server.plan(question, "plan_b")
    return comparing.compare(server.problem(question), one, other)


_OPERATIONS: Mapping[str, Callable[[Server, Mapping[str, Any]], object]] = {
    "insert": _insert,
    "apply": _apply,
    "retime": _retime,
    "relocate": _relocate,
    "offers": _offers,
    "explain": _explain,
    "trials": _trials,
    "settle": _settle,
    "compare": _compare,
}
