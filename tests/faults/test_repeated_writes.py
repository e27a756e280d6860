"""The same write many times at once, over HTTP: one effect, and everybody gets the answer to it."""

import asyncio
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from sqlmodel import select

from api.app import create_app
from dispatch.core import repeats
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.core.tables import Event, KeptAnswer
from dispatch.planning.engine import in_process
from dispatch.registry import accounts
from dispatch.registry.tables import Customer, Role
from tests.builders.registry import ADMIN
from tests.faults.counts import times
from tests.faults.racing import Copies
from tests.instants import NOW
from tests.system.servers import eventually, free_port

pytestmark = pytest.mark.faults

POSTS = times(60, 200)
OTHERS = times(5, 20)
URL = "/api/v1/customers"
BODY = {"name": "陈小明"}
KEY = {"Idempotency-Key": "one-press-of-a-button"}
SEED = 18


@contextmanager
def served(database: Database, folder: Path) -> Iterator[str]:
    """The API on this database, served by a real server: its address."""
    settings = Settings(data_dir=folder, secret_key="k" * 40)
    app = create_app(settings, database, clock=lambda: NOW, engine=in_process)
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    eventually(lambda: server.started, seconds=60, what="the server")
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def signed_in(database: Database) -> dict[str, str]:
    """What a dispatcher's program sends."""
    with transaction(database) as session:
        account = accounts.create(
            session, login="li", name="李明", role=Role.DISPATCHER, actor=ADMIN, now=NOW
        )
        link = accounts.make_link(session, account_id=account.id, now=NOW)
        token = accounts.sign_in_by_link(session, token=link, now=NOW).token
    return {"Authorization": f"Bearer {token}"}


async def _posted(
    base: str, headers: dict[str, str], bodies: list[dict[str, str]]
) -> list[httpx.Response]:
    """The answers to these bodies, posted at once by somebody who has been there before."""
    limits = httpx.Limits(max_connections=len(bodies))
    async with httpx.AsyncClient(
        base_url=base, headers=headers, timeout=300, limits=limits
    ) as client:
        assert (await client.get("/api/v1/me")).status_code == 200
        return await asyncio.gather(*(client.post(URL, json=body) for body in bodies))


def effects(database: Database) -> tuple[list[str], int]:
    """The customers' names, and how many events tell of one."""
    with database.reading() as session:
        made = session.exec(select(Event).where(Event.entity == "customer")).all()
        return [row.name for row in session.exec(select(Customer)).all()], len(made)


def test_many_posts_with_one_key_have_one_effect(copies: Copies, tmp_path: Path) -> None:
    bodies = [BODY] * POSTS + [{"name": f"李 {n}"} for n in range(OTHERS)]
    random.Random(SEED).shuffle(bodies)
    with copies.open() as database, served(database, tmp_path) as base:
        key = signed_in(database) | KEY
        answers = asyncio.run(_posted(base, key, bodies))
        names, told = effects(database)
        with database.reading() as session:
            assert session.exec(select(KeptAnswer)).one().status == 201

    assert (len(names), told) == (1, 1)
    same, others = list[httpx.Response](), list[httpx.Response]()
    for body, answer in zip(bodies, answers, strict=True):
        (same if body["name"] == names[0] else others).append(answer)
    done = [answer for answer in same if answer.status_code == 201]
    assert len({answer.content for answer in done}) == 1
    assert [answer.headers.get("Idempotency-Replayed") for answer in done].count(None) == 1
    assert {ending(answer) for answer in same} <= {"201", "409 key_in_flight"}
    assert {ending(answer) for answer in others} <= {"422 key_reused", "409 key_in_flight"}
    assert all(answer.headers["Retry-After"] for answer in answers if answer.status_code == 409)
    assert sum(answer.status_code != 409 for answer in answers) > 1, "some waited and were answered"


def ending(answer: httpx.Response) -> str:
    return "201" if answer.status_code == 201 else f"{answer.status_code} {answer.json()['code']}"


@pytest.mark.parametrize(
    ("copies", "processes"),
    [("sqlite", 1), ("postgresql", 1), ("postgresql", 2)],
    indirect=["copies"],
)
def test_while_the_first_is_worked_on_the_others_are_told_so_after_three_seconds(
    copies: Copies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    keep = repeats.keep

    def slowly(*arguments: Any, **named: Any) -> None:
        begun.set()
        go_on.wait(60)
        keep(*arguments, **named)

    monkeypatch.setattr(repeats, "keep", slowly)
    with copies.open() as database, served(database, tmp_path) as one, ExitStack() as more:
        other = more.enter_context(served(database, tmp_path)) if processes == 2 else one
        client = more.enter_context(httpx.Client(headers=signed_in(database) | KEY, timeout=60))
        threads = more.enter_context(ThreadPoolExecutor())
        first = threads.submit(client.post, f"{one}{URL}", json=BODY)
        try:
            assert begun.wait(30)
            began = time.monotonic()
            second = client.post(f"{other}{URL}", json=BODY)
            waited = time.monotonic() - began
        finally:
            go_on.set()
        third = client.post(f"{other}{URL}", json=BODY)

        assert ending(second) == "409 key_in_flight"
        assert second.headers["Retry-After"] == "1"
        assert 3 <= waited < 6
        assert (first.result().status_code, third.headers["Idempotency-Replayed"]) == (201, "true")
        assert third.content == first.result().content
        assert effects(database) == ([BODY["name"]], 1)


def test_without_a_key_every_post_has_its_effect(copies: Copies, tmp_path: Path) -> None:
    with copies.open() as database, served(database, tmp_path) as base:
        answers = asyncio.run(_posted(base, signed_in(database), [BODY] * POSTS))
        names, told = effects(database)

    done = [answer for answer in answers if answer.status_code == 201]
    assert {ending(answer) for answer in answers} <= {"201", "503 database_away"}
    assert len(done) > 1
    assert (len(names), told) == (len(done), len(done))
