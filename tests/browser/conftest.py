"""One browser for all these tests; each test has a page of its own."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser import chromium


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The system's Chromium, without a window.

    While it is open this thread is inside an event loop: it is closed before tests of other things run.
    """
    path = chromium.executable()
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=chromium.ARGUMENTS)
        yield opened
        opened.close()


def listen(page: Page, troubles: list[str]) -> None:
    """Keep what the page throws or its content policy refuses."""
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on(
        "console",
        lambda said: (
            troubles.append(said.text)
            if said.type == "error" and "status of" not in said.text
            else None
        ),
    )
