"""Whoever listens hears of every change within a second, from where it left off, and of nobody else's."""

import asyncio
import json
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import FastAPI
from sqlmodel import Session, col, select

from api import feed, streams
from api.serving import Server
from dispatch.core import events
from dispatch.core.db import Database, transaction
from dispatch.core.tables import Event
from dispatch.registry.tables import Account
from dispatch.work import visits
from tests.api.conftest import SignIn, VirtualClock
from tests.builders.planning import crew_on, job, published
from tests.builders.registry import DISPATCHER
from tests.instants import NOW
from tests.listening import Ear, serving, until

DAY_FEED = "/api/v1/territories/humen/days/2026-03-10/feed"


@pytest.fixture
def town(database: Database) -> str:
    """Two crews, each with a visit that is published to it; the id of K01's visit."""
    with transaction(database) as session:
        for name in ("K01", "K02"):
            crew_on(session, name)
        first, second = job(session, allowed_crews=["K01"]), job(session, allowed_crews=["K02"])
        published(session)
        session.flush()
        assert (first.crew_id, second.crew_id) == ("K01", "K02")
        visit_id = first.id
    events.seal(database, b"k")
    return visit_id


@pytest.fixture
def server(app: FastAPI, town: str) -> Iterator[tuple[Server, int]]:
    with serving(app) as started:
        yield started


@pytest.fixture
def ear(server: tuple[Server, int], sign_in: SignIn) -> Callable[..., Ear]:
    """`ear()` is a dispatcher's at the day's feed; `ear("K01")` one of that crew at its own."""
    dispatcher = _token(sign_in("dispatcher"))

    def made(crew_id: str | None = None, path: str = DAY_FEED, token: str = "", **more: Any) -> Ear:
        if crew_id is not None:
            path = f"/api/v1/crews/{crew_id}/feed"
            token = token or _token(sign_in("crew", crew_id=crew_id))
        return Ear(server[1], path, token or dispatcher, **more)

    return made


def _token(client: Any) -> str:
    return str(client.headers["Authorization"].removeprefix("Bearer "))


def happen(
    database: Database, kind: str = "test.happened", *, count: int = 1, **about: Any
) -> None:
    told = {"entity": "test", "entity_id": "1", "territory_id": "humen", **about}
    with transaction(database) as session:
        for _ in range(count):
            events.record(session, kind, actor=DISPATCHER, now=NOW, **told)


@asynccontextmanager
async def listening(*ears: Ear) -> Any:
    """All of them listen for the block."""
    tasks = [asyncio.create_task(one.listen()) for one in ears]
    await until(lambda: all("ready" in one.names() for one in ears))
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run(coroutine)


def test_a_change_by_another_process_is_heard_within_a_second(
    database: Database, town: str, ear: Callable[..., Ear]
) -> None:
    async def main() -> None:
        one = ear()
        async with listening(one):
            took = []
            for number in range(10):
                began = time.monotonic()
                happen(database, f"test.{number}")
                await until(lambda kind=f"test.{number}": kind in one.kinds())
                took.append(one.heard[-1].at - began)
            assert max(took) < 1

    run(main())


def test_a_change_says_what_happened_to_which_version_and_nothing_about_a_person(
    database: Database, town: str, ear: Callable[..., Ear]
) -> None:
    async def main() -> None:
        one = ear()
        async with listening(one):
            with transaction(database) as session:
                visit = visits.get(session, town)
                visits.act(
                    session,
                    visit,
                    "withdraw",
                    actor=DISPATCHER,
                    now=NOW,
                    note="门铃坏了,打 13800138000",
                )
                session.flush()
                version = visit.version
            await until(lambda: "visit.planned" in one.kinds())
            told = next(heard for heard in one.changes() if heard.data["kind"] == "visit.planned")
            assert told.data == {
                "subject": "visit", "id": town, "kind": "visit.planned", "status": "planned",
                "version": version, "day": None, "crews": ["K01"], "at": NOW.isoformat(),
            }  # fmt: skip

    run(main())


def test_what_was_missed_is_told_first_and_nothing_twice(
    database: Database, town: str, ear: Callable[..., Ear]
) -> None:
    async def main() -> None:
        one = ear()
        async with listening(one):
            happen(database, "test.before")
            await until(lambda: "test.before" in one.kinds())
        for number in range(700):
            happen(database, f"test.missed.{number}")
        async with listening(one):
            await until(lambda: "test.missed.699" in one.kinds())
            happen(database, "test.after")
            await until(lambda: "test.after" in one.kinds())
        expected = ["test.before", *(f"test.missed.{n}" for n in range(700)), "test.after"]
        assert one.kinds() == expected
        positions = [heard.id for heard in one.changes()]
        assert positions == sorted(set(positions))

    run(main())


def test_a_publication_of_a_large_day_is_told_at_once_and_cuts_nobody_off(
    database: Database, town: str, ear: Callable[..., Ear]
) -> None:
    async def main() -> None:
        ears = [ear() for _ in range(5)]
        async with listening(*ears):
            happen(database, count=3 * feed.QUEUE)
            began = time.monotonic()
            await until(lambda: all(len(one.kinds()) == 3 * feed.QUEUE for one in ears))
            assert time.monotonic() - began < 2
        assert [len(one.connected) for one in ears] == [1] * 5

    run(main())


def test_a_page_that_says_what_it_has_loaded_hears_what_came_after_it(
    database: Database, town: str, ear: Callable[..., Ear]
) -> None:
    events.seal(database, b"k")
    with database.reading() as session:
        top = session.exec(select(Event.position).order_by(col(Event.position).desc())).first()
    happen(database, "test.meanwhile")

    async def main() -> None:
        one = ear(path=f"{DAY_FEED}?after={top}")
        async with listening(one):
            await until(lambda: one.kinds() == ["test.meanwhile"])

    run(main())


def test_who_missed_too_much_or_another_databases_events_is_told_to_load_everything(
    database: Database, town: str, ear: Callable[..., Ear], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "REPLAYED", 10)
    happen(database, count=20)
    events.seal(database, b"k")

    async def main() -> None:
        late, strange = ear(last=2), ear(last=1_000_000)
        async with listening(late, strange):
            await until(lambda: "reset" in late.names() and "reset" in strange.names())
            happen(database, "test.next")
            await until(lambda: late.kinds() == strange.kinds() == ["test.next"])

    run(main())


def test_a_crew_hears_of_its_own_visits_and_of_publications_only(
    database: Database, town: str, ear: Callable[..., Ear]
) -> None:
    async def main() -> None:
        mine, others = ear("K01"), ear("K02")
        async with listening(mine, others):
            with transaction(database) as session:
                visit = visits.get(session, town)
                visits.act(session, visit, "withdraw", actor=DISPATCHER, now=NOW)
            happen(database, "plan.published", entity="plan", data={"day": "2026-03-10"})
            await until(
                lambda: "plan.published" in mine.kinds() and "plan.published" in others.kinds()
            )
            assert "visit.planned" in mine.kinds()
            assert others.kinds() == ["plan.published"]

    run(main())


def test_another_territorys_and_another_days_changes_are_not_told(
    database: Database, town: str, ear: Callable[..., Ear]
) -> None:
    async def main() -> None:
        one = ear()
        async with listening(one):
            happen(database, "test.elsewhere", territory_id="changan")
            happen(database, "test.nowhere", territory_id=None)
            happen(database, "test.tomorrow", data={"day": "2026-03-11"})
            happen(database, "test.today", data={"day": "2026-03-10"})
            await until(lambda: "test.today" in one.kinds())
            assert one.kinds() == ["test.today"]

    run(main())


def test_another_crews_feed_does_not_exist_for_a_crew(ear: Callable[..., Ear]) -> None:
    async def main() -> None:
        one, board = ear("K01"), ear("K01")
        one.path, board.path = "/api/v1/crews/K02/feed", DAY_FEED
        await asyncio.gather(one.listen(), board.listen())
        assert (one.status, json.loads(one.body)["code"]) == (404, "no_such_crew")
        assert (board.status, json.loads(board.body)["code"]) == (403, "not_allowed")

    run(main())


def test_the_sixth_window_of_a_person_and_the_last_of_all_are_refused(
    ear: Callable[..., Ear], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        windows = [ear() for _ in range(feed.PER_PERSON)]
        async with listening(*windows):
            sixth = ear()
            await sixth.listen()
            assert (sixth.status, json.loads(sixth.body)["code"]) == (429, "too_many_feeds")
            monkeypatch.setattr(feed, "IN_ALL", feed.PER_PERSON)
            other = ear("K01")
            await other.listen()
            assert (other.status, json.loads(other.body)["code"]) == (503, "feed_full")
        monkeypatch.undo()
        await asyncio.sleep(0.2)
        async with listening(ear()):
            pass

    run(main())


def test_who_may_not_listen_any_more_is_told_so_and_cut_off(
    database: Database,
    ear: Callable[..., Ear],
    monkeypatch: pytest.MonkeyPatch,
    clock: VirtualClock,
) -> None:
    monkeypatch.setattr(streams, "RECHECK_S", 0.2)

    async def main() -> None:
        one = ear()
        async with listening(one) as (task,):
            await asyncio.sleep(0.5)
            assert not task.done()
            with transaction(database) as session:
                _disable_dispatchers(session)
            await asyncio.wait_for(task, 5)
        assert one.heard[-1].name == "end"
        assert one.heard[-1].data == {"code": "not_signed_in"}
        await one.listen()
        assert one.status == 401

    run(main())


def _disable_dispatchers(session: Session) -> None:
    for account in session.exec(select(Account).where(Account.role == "dispatcher")):
        account.disabled = True


def test_a_quiet_line_is_kept_alive_and_every_client_comes_back_at_its_own_time(
    ear: Callable[..., Ear], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "PING_S", 0.05)

    async def main() -> None:
        ears = [ear() for _ in range(4)]
        async with listening(*ears):
            await until(lambda: all(one.pings > 2 for one in ears))
        assert len({one.retry_ms for one in ears}) > 1
        assert all(1000 <= one.retry_ms <= 4000 for one in ears)

    run(main())


def test_streams_end_at_once_when_the_server_stops(
    server: tuple[Server, int], ear: Callable[..., Ear]
) -> None:
    async def main() -> None:
        one = ear()
        async with listening(one) as (task,):
            began = time.monotonic()
            server[0].should_exit = True
            await asyncio.wait_for(task, 5)
            assert time.monotonic() - began < 2

    run(main())


def test_listening_does_not_keep_a_sign_in_alive(
    ear: Callable[..., Ear], monkeypatch: pytest.MonkeyPatch, clock: VirtualClock
) -> None:
    monkeypatch.setattr(streams, "RECHECK_S", 0.1)

    async def main() -> None:
        one = ear()
        async with listening(one) as (task,):
            clock.forward(minutes=31)
            await asyncio.wait_for(task, 5)
        assert one.heard[-1].data == {"code": "not_signed_in"}

    run(main())
