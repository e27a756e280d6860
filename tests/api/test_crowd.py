"""Many requests at once: each is answered, none waits for a thread that only it could free."""

from collections import Counter

import anyio
import httpx
from fastapi import FastAPI

from dispatch.core.db import Database
from tests.api.conftest import SignIn


def test_more_writers_than_threads_all_get_through(
    app: FastAPI, sign_in: SignIn, database: Database
) -> None:
    # Without the places in `api.gate` the writers that wait for the lock take every thread, and the one that
    # holds it cannot get back to its commit: most of these answers would be 503, after 5 s each.
    token = sign_in("dispatcher").headers["Authorization"]
    answers: Counter[int] = Counter()

    async def ask(client: httpx.AsyncClient, method: str, number: int) -> None:
        body = {"name": f"客户 {number}"} if method == "POST" else None
        answer = await client.request(method, "/api/v1/customers", json=body)
        answers[answer.status_code] += 1

    async def crowd() -> None:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(
            transport=transport,
            base_url="http://testserver",
            headers={"Authorization": token},
            timeout=60,
        ) as client:
            await client.get("/api/v1/me")
            async with anyio.create_task_group() as group:
                for number in range(60):
                    group.start_soon(ask, client, "POST", number)
                    group.start_soon(ask, client, "GET", number)

    anyio.run(crowd)

    assert answers == {201: 60, 200: 60}
    with database.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM customer").scalar_one() == 60
