"""The web application on a fresh database, its clock in the test's hand, and people signed in to it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.app import create_app
from api.state import State
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.planning.engine import in_process
from dispatch.registry import accounts
from dispatch.registry.tables import Role
from tests.builders.registry import ADMIN, make_crew
from tests.instants import NOW

ORIGIN = "http://testserver"
PASSWORD = "correct horse battery"


@dataclass
class VirtualClock:
    """A clock that stands still until the test moves it."""

    now: datetime = field(default=NOW)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


SignIn = Callable[..., TestClient]


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, public_url=ORIGIN)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    """The application, put together once: its hundred routes take a second, and hold nothing of a test."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("app"), public_url=ORIGIN)
    return create_app(settings, Database("sqlite:///:memory:"), engine=in_process)


@pytest.fixture
def app(built: FastAPI, settings: Settings, database: Database, clock: VirtualClock) -> FastAPI:
    """The application on this test's database and clock, with nothing remembered."""
    built.state.gridcrew = State(settings, database, clock, in_process)
    return built


@pytest.fixture
def anonymous(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app) as client:
        yield client


@pytest.fixture
def sign_in(app: FastAPI, database: Database, clock: VirtualClock) -> SignIn:
    """`sign_in(role)` is a client that a new account of this role is signed in to, by bearer token."""

    def signed_in(
        role: Role | str, *, crew_id: str | None = None, cookie: bool = False
    ) -> TestClient:
        role = Role(role)
        with transaction(database) as session:
            account = accounts.create(
                session,
                login=f"{role.value}.{crew_id or 'x'}.{len(accounts.everybody(session))}".lower(),
                name="李明",
                role=role,
                crew_id=crew_id,
                actor=ADMIN,
                now=clock(),
            )
            link = accounts.make_link(session, account_id=account.id, now=clock())
            token = accounts.sign_in_by_link(session, token=link, now=clock()).token
        client = TestClient(app)
        if cookie:
            client.cookies.set("gridcrew", token)
        else:
            client.headers["Authorization"] = f"Bearer {token}"
        return client

    return signed_in


@pytest.fixture
def crew_a(database: Database) -> str:
    with transaction(database) as session:
        return make_crew(session, id="K01").id


@pytest.fixture
def crew_b(database: Database) -> str:
    with transaction(database) as session:
        return make_crew(session, id="K02").id
