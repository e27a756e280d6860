"""The same write many times at once, over HTTP: one effect, and everybody gets the answer to it."""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from sqlmodel import select

from api.app import create_app
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


@contextmanager
def served(database: Database, folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The API on this database, served by a real server: its address, and what a dispatcher's program sends."""
    settings = Settings(data_dir=folder, secret_key="k" * 40)
    with transaction(database) as session:
        account = accounts.create(
            session, login="li", name="李明", role=Role.DISPATCHER, actor=ADMIN, now=NOW
        )
        link = accounts.make_link(session, account_id=account.id, now=NOW)
        token = accounts.sign_in_by_link(session, token=link, now=NOW).token
    app = create_app(settings, database, clock=lambda: NOW, engine=in_process)
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    eventually(lambda: server.started, seconds=60, what="the server")
    try:
        yield f"http://127.0.0.1:{port}", {"Authorization": f"Bearer {token}"}
    finally:
        server.should_exit = True
        thread.join()


async def _post(client: httpx.AsyncClient, body: dict[str, str]) -> httpx.Response:
    """Post it, and again when it is told to: nothing was done then."""
    while True:
        answer = await client.post(URL, json=body)
        if answer.status_code != 503:
            return answer
        await asyncio.sleep(float(answer.headers["Retry-After"]) / 10)


async def _posted(
    base: str, headers: dict[str, str], bodies: list[dict[str, str]]
) -> list[httpx.Response]:
    limits = httpx.Limits(max_connections=len(bodies))
    async with httpx.AsyncClient(
        base_url=base, headers=headers, timeout=300, limits=limits
    ) as client:
        return await asyncio.gather(*(_post(client, body) for body in bodies))


def effects(database: Database) -> tuple[int, int]:
    """How many customers there are, and how many events tell of one."""
    with database.reading() as session:
        made = session.exec(select(Event).where(Event.entity == "customer")).all()
        return len(session.exec(select(Customer)).all()), len(made)


def test_many_posts_with_one_key_have_one_effect(copies: Copies, tmp_path: Path) -> None:
    with copies.open() as database, served(database, tmp_path) as (base, headers):
        key = headers | {"Idempotency-Key": "one-press-of-a-button"}
        answers = asyncio.run(_posted(base, key, [BODY] * POSTS))
        others = asyncio.run(_posted(base, key, [{"name": f"李 {n}"} for n in range(OTHERS)]))

        by_status = Counter(answer.status_code for answer in answers)
        done = [answer for answer in answers if answer.status_code == 201]
        assert set(by_status) <= {201, 409}, by_status
        assert len({answer.content for answer in done}) == 1
        assert [a.headers.get("Idempotency-Replayed") for a in done].count(None) == 1
        assert all(a.headers["Retry-After"] for a in answers if a.status_code == 409)
        assert {(a.status_code, a.json()["code"]) for a in others} == {(422, "key_reused")}
        assert effects(database) == (1, 1)
        with database.reading() as session:
            assert session.exec(select(KeptAnswer)).one().status == 201
        assert len(done) > 1, "some were asked again and answered"


def test_without_a_key_every_post_has_its_effect(copies: Copies, tmp_path: Path) -> None:
    with copies.open() as database, served(database, tmp_path) as (base, headers):
        answers = asyncio.run(_posted(base, headers, [BODY] * POSTS))

        assert {answer.status_code for answer in answers} == {201}
        assert effects(database) == (POSTS, POSTS)
