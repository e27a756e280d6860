"""Between a commit and its ring: what is committed happens though nobody rang; what is not is rung for never."""

import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import httpx
import pytest
from sqlmodel import Session, func, select

from dispatch.contact.tables import Message, MessageStatus
from dispatch.core import db
from dispatch.core.db import Database, transaction
from dispatch.core.tables import Event, Task
from dispatch.registry import accounts
from dispatch.registry.tables import Role
from dispatch.work import promises, visits
from dispatch.work.tables import Promise
from tests.builders.contact import make_told_visit
from tests.builders.registry import DISPATCHER
from tests.faults import office
from tests.faults.counts import times
from tests.faults.crowd import Crowd
from tests.faults.forking import forked
from tests.faults.test_workers_killed import MORNING
from tests.instants import at
from tests.system.servers import Redis, environment, eventually, free_port
from workers.broker import bell, make_broker, waiting

pytestmark = pytest.mark.faults

WITHIN_S = 10.0
SEED = 20260310


# -- kill -9 of the web process after its commit ------------------------------------------------------------------


def told_visits(workers: Crowd, count: int) -> list[str]:
    """Visits on a published plan; whoever promises a window for one has its customer told."""
    with transaction(workers.database) as session:
        return [make_told_visit(session).id for _ in range(count)]


def sign_in(workers: Crowd, now: datetime) -> str:
    with transaction(workers.database) as session:
        account = accounts.create(
            session, login="dora", name="Dora", role=Role.DISPATCHER, actor=DISPATCHER, now=now
        )
        link = accounts.make_link(session, account_id=account.id, now=now)
        return accounts.sign_in_by_link(session, token=link, now=now).token


def promise_and_die(workers: Crowd, visit_id: str, token: str, shift: float, number: int) -> None:
    """Promise a window over HTTP; the web process dies between its commit and its ring."""
    port, log = free_port(), workers.settings.data_dir / f"office-{number}.log"
    env = environment(workers.settings)
    url = f"http://127.0.0.1:{port}"
    with forked(office.main, [str(shift), str(port), "before_ring"], env=env, log=log) as web:
        eventually(lambda: _answers(f"{url}/readyz"), seconds=60, what="the web process")
        window = {"start_at": at("10:00").isoformat(), "end_at": at("12:00").isoformat()}
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.post(
                f"{url}/api/v1/visits/{visit_id}/promises", json=window, timeout=30,
                headers={"Authorization": f"Bearer {token}"},
            )  # fmt: skip
        assert web.wait(timeout=10) == 137, log.read_text()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def waits(workers: Crowd) -> list[float]:
    """How long after each promise its customer was told, seconds."""
    with workers.database.reading() as session:
        promised = dict(
            session.exec(
                select(Event.entity_id, Event.recorded_at).where(Event.type == "visit.booked")
            ).all()
        )
        told = session.exec(
            select(Message.subject_id, Message.sent_at).where(Message.status == MessageStatus.SENT)
        ).all()
    return sorted((sent - promised[visit]).total_seconds() for visit, sent in told if sent)


def test_what_a_killed_web_process_had_committed_is_done_within_ten_seconds(
    workers_on_either: Crowd,
) -> None:
    workers, count = workers_on_either, times(2, 200)
    now, shift = MORNING, (MORNING - datetime.now(UTC)).total_seconds()
    token = sign_in(workers, now)
    workers.add_worker("one", "--shift", str(shift))

    for number, visit_id in enumerate(told_visits(workers, count)):
        promise_and_die(workers, visit_id, token, shift, number)

    eventually(lambda: len(waits(workers)) == count, seconds=60, what="the messages")
    assert max(waits(workers)) <= WITHIN_S, waits(workers)


def test_without_the_sweeper_nobody_does_it(workers: Crowd) -> None:
    """The control."""
    shift = (MORNING - datetime.now(UTC)).total_seconds()
    token = sign_in(workers, MORNING)
    workers.add_worker("one", "--shift", str(shift), "--no-sweeper")
    promise_and_die(workers, told_visits(workers, 1)[0], token, shift, 0)

    time.sleep(WITHIN_S)

    assert waits(workers) == []
    assert workers.open() == 1


# -- rollback after the work --------------------------------------------------------------------------------------


class Injected(Exception):
    """What goes wrong in the last moment."""


@pytest.fixture
def ringing(either: Database, redis: Redis) -> Iterator[Callable[[], int]]:
    """A bell on a real Redis, and how many rings wait in it."""
    broker = make_broker(redis.settings, patience=5)
    either.bell = bell(broker)
    yield lambda: waiting(broker, "default")
    broker.close()


def promise(session: Session, visit_id: str) -> None:
    """What a dispatcher does, and what it brings about: a promise, an event, a task, a ring."""
    promises.book(
        session,
        visits.get(session, visit_id),
        start_at=at("10:00"),
        end_at=at("12:00"),
        actor=DISPATCHER,
        now=MORNING,
    )


def rows(database: Database) -> dict[str, int]:
    with database.reading() as session:
        return {
            table.__name__: session.exec(select(func.count()).select_from(table)).one()
            for table in (Promise, Event, Task)
        }


def test_a_rollback_after_the_work_leaves_no_row_and_no_ring(
    either: Database, ringing: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    chance, hits = random.Random(SEED), 0
    with transaction(either) as session:
        visit_id = make_told_visit(session).id
    before, silent = rows(either), ringing()

    def fail(point: str) -> None:
        if point == "before_commit":
            raise Injected

    for _ in range(times(20, 200)):
        with monkeypatch.context() as patch:
            at_the_end = chance.random() < 0.5  # else in the business code, after its last flush
            if at_the_end:
                patch.setattr(db, "crashpoint", fail)
            with pytest.raises(Injected), transaction(either) as session:
                promise(session, visit_id)
                session.flush()
                assert session.info["rings"]
                hits += 1
                if not at_the_end:
                    raise Injected
    assert hits == times(20, 200), f"seed {SEED}"
    assert rows(either) == before
    assert ringing() == silent

    with transaction(either) as session:
        promise(session, visit_id)
    assert ringing() == silent + 1
    assert rows(either)["Task"] == before["Task"] + 1


def test_ringing_before_the_commit_rings_for_nothing(
    either: Database, ringing: Callable[[], int]
) -> None:
    """The control."""
    with transaction(either) as session:
        visit_id = make_told_visit(session).id
    before, silent = rows(either), ringing()

    with pytest.raises(Injected), transaction(either) as session:
        promise(session, visit_id)
        assert either.bell is not None
        either.bell(session.info["rings"])
        raise Injected

    assert ringing() == silent + 1
    assert rows(either) == before
