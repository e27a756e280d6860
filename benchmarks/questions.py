"""`./run bench --suite questions`: how long a person waits for an answer about a plan that stands.

A branch's database is made up, its day planned and published; then the same questions are asked of the optimizer in
this process, of the warm process over its socket, and of the web server over HTTP, as the board's pages ask them.
"""

import http.client
import json
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import office
from dispatch.core.calendar import local_day, zone_named
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.core.events import Actor
from dispatch.planning import plans
from dispatch.planning.editing import stand
from dispatch.registry import accounts
from dispatch.registry.tables import Role
from dispatch.work import orders
from dispatch.work.progress import visits_of
from dispatch.work.tables import Visit
from optimizer.codec import read_problem, write_plan
from optimizer.explain import explained
from optimizer.insert import places, retime
from optimizer.offers import offered
from optimizer.solve import Limits, solve
from optimizer.standing import Standing
from workers import startup
from workers.installation import children
from workers.supervisor import Supervisor
from workers.warm import WarmOptimizer

SUITE = "questions"
VISITS = 1000
CALLS = 40
CHANGES = 10
WINDOWS = 30
WINDOW_S, EVERY_S = 7200, 900
OPENS_S = 8 * 3600
STEPS = 20_000
"""Iterations of the search that makes the plan: the same plan on every machine."""
BENCH = Actor("bench", "admin")


@dataclass(frozen=True, slots=True)
class Asked:
    """How long the answers to one question took where, seconds."""

    question: str
    where: str
    took: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Office:
    """A database with a published plan; `waiting` are visits that the plan leaves out."""

    database: Database
    plan_id: int
    day: date
    now: datetime
    waiting: tuple[str, ...]


def run(*, visits: int, shifts: int, calls: int = CALLS) -> str:
    """Make the office, ask everything everywhere; the figures as a Markdown table."""
    with tempfile.TemporaryDirectory(prefix="gridcrew-bench-") as folder:
        settings = Settings(
            data_dir=Path(folder), port=free_port(), database_url="", redis_url=NOBODY
        )
        _say(f"{visits} visits, {shifts} shifts: planning ...")
        found = planned(settings, visits=visits, shifts=shifts)
        with serving(settings, found) as (warm, client):
            rows = [
                *_in_process(found, calls),
                *_warm(found, warm, calls),
                *_over_http(found, client, calls),
                *_after_changes(found, client),
            ]
        found.database.close()
    return printed(rows, visits=visits, shifts=shifts)


def printed(rows: Sequence[Asked], *, visits: int, shifts: int) -> str:
    """The rows as a Markdown table."""
    lines = [
        f"### Questions about a plan of {visits:,} visits and {shifts} shifts, milliseconds",
        "",
        "| question | where | answers | median | worst |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    for row in rows:
        middle, worst = 1000 * median(row.took), 1000 * max(row.took)
        lines.append(
            f"| {row.question} | {row.where} | {len(row.took)} | {_digits(middle)} | {_digits(worst)} |"
        )
    return "\n".join([*lines, ""])


def _digits(milliseconds: float) -> str:
    """One decimal; two figures of what would be nothing then."""
    return f"{milliseconds:.1f}" if milliseconds >= 1 else f"{milliseconds:.2g}"


NOBODY = "redis://127.0.0.1:1/0"
"""No Redis: nothing that is asked here rings for a worker, and no worker takes time from the answers."""


def planned(settings: Settings, *, visits: int, shifts: int) -> Office:
    """Make the office, and plan and publish its day."""
    database = startup.prepare(settings, say=_say)
    now = datetime.now(UTC).replace(microsecond=0)
    day = local_day(now, zone_named(office.ZONE)) + timedelta(days=1)
    with transaction(database) as session:
        office.opened(session, first=day, visits=visits, shifts=shifts)
    with transaction(database) as session:
        plan = plans.request_plan(
            session, territory_id=office.TERRITORY, day=day, actor=BENCH, now=now
        )
        taken = plans.take(session, plan_id=plan.id or 0, now=now)
    assert taken is not None, "a plan that was just asked for is waiting"
    answer = solve(read_problem(taken.document), Limits(iterations=STEPS), 1)
    with transaction(database) as session:
        plan = plans.propose(session, plan_id=taken.plan_id, answer=write_plan(answer), now=now)
        plans.publish(session, plan_id=taken.plan_id, actor=BENCH, now=now)
    waiting = tuple(entry.visit for entry in answer.unserved)
    return Office(database, taken.plan_id, day, now, waiting)


@contextmanager
def serving(settings: Settings, found: Office) -> Iterator[tuple[WarmOptimizer, "Client"]]:
    """The web server and the warm process, and somebody signed in."""
    with transaction(found.database) as session:
        account = accounts.create(
            session, login="bench", name="Bench", role=Role.ADMIN, actor=BENCH, now=found.now
        )
        link = accounts.make_link(session, account_id=account.id, now=datetime.now(UTC))
        token = accounts.sign_in_by_link(session, token=link, now=datetime.now(UTC)).token
    supervisor = Supervisor(logs=settings.data_dir / "logs", say=_say)
    warm, client = WarmOptimizer(settings), Client(settings.port, token)
    try:
        for child in children(settings, api=[sys.executable, "-m", "api"]):
            if child.name in {"api", "optimizer"}:
                env = {**child.env, "GRIDCREW_REDIS_URL": settings.redis_url}
                supervisor.start(replace(child, env=env))
        supervisor.wait_ready("optimizer", warm.answers, seconds=60)
        supervisor.wait_ready("api", client.answers, seconds=60)
        yield warm, client
    finally:
        supervisor.stop()


class Client:
    """Asks the web server over one connection, as a browser does; `token` is what signs in."""

    def __init__(self, port: int, token: str) -> None:
        self.token = token
        self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def answers(self) -> bool:
        """Whether the server is there."""
        try:
            self.ask("/api/v1/territories")
        except OSError:
            return False
        finally:
            self._line.close()  # the next question comes when this line may have rested too long
        return True

    def ask(self, path: str, body: Any = None) -> Any:
        """The JSON answer; a refusal ends the bench."""
        self._line.request(
            "GET" if body is None else "POST",
            path,
            body=None if body is None else json.dumps(body),
            headers=self._headers,
        )
        answer = self._line.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{path}: {answer.status} {text.decode()[:300]}")
        return json.loads(text)


def _in_process(found: Office, calls: int) -> list[Asked]:
    standing = _standing(found)
    windows = _windows()
    return [
        _timed("places", "optimizer", found, calls, lambda v: places(standing, v, displacing=True)),
        _timed(
            f"offers, {WINDOWS} windows", "optimizer", found, calls,
            lambda v: offered(standing, v, windows),
        ),
        _timed("explain", "optimizer", found, calls, lambda v: explained(standing, v)),
    ]  # fmt: skip


def _warm(found: Office, warm: WarmOptimizer, calls: int) -> list[Asked]:
    standing = _standing(found)
    problem, plan, windows = standing.problem, standing.plan, _windows()
    warm.insert(problem, plan, found.waiting[0])
    return [
        _timed(
            "places", "warm process", found, calls,
            lambda v: warm.insert(problem, plan, v, displacing=True),
        ),
        _timed(
            f"offers, {WINDOWS} windows", "warm process", found, calls,
            lambda v: warm.offers(problem, plan, v, windows),
        ),
        _timed("explain", "warm process", found, calls, lambda v: warm.explain(problem, plan, v)),
    ]  # fmt: skip


def _over_http(found: Office, client: "Client", calls: int) -> list[Asked]:
    midnight = office.midnight(found.day)
    windows = [
        {
            "start_at": (midnight + timedelta(seconds=opens)).isoformat(),
            "end_at": (midnight + timedelta(seconds=closes + 1)).isoformat(),
        }
        for opens, closes in _windows()
    ]
    body = {"plan_id": found.plan_id, "windows": windows}
    api, plan = "/api/v1", f"plan_id={found.plan_id}"
    client.ask(f"{api}/visits/{found.waiting[0]}/places?{plan}")
    return [
        _timed(
            "places", "HTTP", found, calls,
            lambda v: client.ask(f"{api}/visits/{v}/places?{plan}"),
        ),
        _timed(
            f"offers, {WINDOWS} windows", "HTTP", found, calls,
            lambda v: client.ask(f"{api}/visits/{v}/offers", body),
        ),
        _timed(
            "explain", "HTTP", found, calls,
            lambda v: client.ask(f"{api}/plans/{found.plan_id}/visits/{v}/explanation"),
        ),
    ]  # fmt: skip


def _after_changes(found: Office, client: "Client") -> list[Asked]:
    """Each time a new order comes in, and its visit's places are asked for at once."""
    took = []
    for visit_id in found.waiting[:CHANGES]:
        with transaction(found.database) as session:
            like = orders.get(session, session.get_one(Visit, visit_id).work_order_id)
            order = orders.create(
                session,
                territory_id=like.territory_id,
                work_type=like.work_type,
                customer_id=like.customer_id,
                premises_id=like.premises_id,
                owner=like.owner,
                earliest_day=found.day,
                actor=BENCH,
                now=found.now,
            )
            new = visits_of(session, order.id)[0].id
        began = time.perf_counter()
        client.ask(f"/api/v1/visits/{new}/places?plan_id={found.plan_id}")
        took.append(time.perf_counter() - began)
    return [Asked("places of a new visit, first question after the change", "HTTP", tuple(took))]


def _standing(found: Office) -> Standing:
    with found.database.reading() as session:
        stands = stand(session, plans.get(session, found.plan_id), now=datetime.now(UTC))
    plan = retime(stands.problem, stands.orders)
    return Standing(stands.problem, plan)


def _timed(
    question: str, where: str, found: Office, calls: int, ask: Callable[[str], object]
) -> Asked:
    _say(f"{question}, {where} ...")
    took = []
    for number in range(calls):
        began = time.perf_counter()
        ask(found.waiting[number % len(found.waiting)])
        took.append(time.perf_counter() - began)
    return Asked(question, where, tuple(took))


def _windows() -> list[tuple[int, int]]:
    """Two hours each, one beginning every quarter of an hour, in the problem's seconds."""
    begins = (OPENS_S + EVERY_S * number for number in range(WINDOWS))
    return [(opens, opens + WINDOW_S - 1) for opens in begins]


def free_port() -> int:
    """A port that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
