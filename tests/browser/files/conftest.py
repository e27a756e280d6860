"""A small town, an administrator's browser, and a worker that reads the files."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.registry import accounts
from dispatch.registry.tables import Role
from tests.browser.conftest import listen
from tests.browser.crew.office import Clock, running
from tests.builders.importing import make_town
from tests.builders.registry import ADMIN
from tests.instants import NOW
from workers.execution import drain
from workers.handlers import HANDLERS

PATIENCE_MS = 30_000
"""How long anything may take to show on a machine that has other work."""
expect.set_options(timeout=PATIENCE_MS)


@contextmanager
def working(database: Database, settings: Settings) -> Iterator[None]:
    """A worker at its work."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.2):
            drain(database, settings, now=NOW, handlers=HANDLERS)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield
    finally:
        stop.set()
        worker.join()


@pytest.fixture
def office(database: Database, tmp_path: Path, browser: Browser) -> Iterator[BrowserContext]:
    """The browser of an administrator of the town."""
    make_town(database, tmp_path)
    with transaction(database) as session:
        account = accounts.create(
            session, login="admin", name="李明", role=Role.ADMIN, actor=ADMIN, now=NOW
        )
        link = accounts.make_link(session, account_id=account.id, now=NOW)
        token = accounts.sign_in_by_link(session, token=link, now=NOW).token
    clock = Clock(NOW)
    with running(database, tmp_path, clock) as settings, working(database, settings):
        context = browser.new_context(base_url=settings.base_url)
        context.set_default_timeout(PATIENCE_MS)
        context.add_cookies([{"name": "gridcrew", "value": token, "url": settings.base_url}])
        yield context
        context.close()


@pytest.fixture
def troubles() -> list[str]:
    """What the page wrote as an error, refusals of the API apart."""
    return []


@pytest.fixture
def page(office: BrowserContext, troubles: list[str]) -> Page:
    """The page for files in and out, in English."""
    opened = office.new_page()
    listen(opened, troubles)
    opened.goto("/import?territory=town&lang=en")
    return opened
