"""The product on the Humen example with its day published, and the console in a browser on it."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, StorageState, expect

from tests.browser.conftest import listen
from tests.browser.console.driving import Console
from tests.system.servers import free_port

START_S = 220
PATIENCE_MS = 20_000
"""How long anything may take to show on a machine that has other work."""
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="package")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The product, running: its address, and a link that signs in once."""
    home = tmp_path_factory.mktemp("product")
    port = free_port()
    settings = {
        "GRIDCREW_DATA_DIR": str(home / "data"),
        "GRIDCREW_PORT": str(port),
        "GRIDCREW_SOLVE_SECONDS": "6",
        "PYTHONUNBUFFERED": "1",
    }
    log = home / "up.log"
    with log.open("wb") as output:
        running = subprocess.Popen(
            [sys.executable, "-c", "from api.cli import main; main()", "up"],
            env={**os.environ, **settings},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield f"http://127.0.0.1:{port}", _link(running, log)
    finally:
        running.terminate()
        try:
            running.wait(timeout=40)
        except subprocess.TimeoutExpired:
            running.kill()


def _link(running: "subprocess.Popen[bytes]", log: Path) -> str:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        found = re.search(r"Sign in once with (\S+)", log.read_text(errors="replace"))
        if found:
            return found[1]
        if running.poll() is not None:
            break
        time.sleep(0.2)
    pytest.fail(f"The product did not start: {log.read_text(errors='replace')[-2000:]}")


@pytest.fixture(scope="package")
def signed_in(browser: Browser, product: tuple[str, str]) -> tuple[StorageState, str]:
    """The cookies of a person who has used the one-time link, and the day that the console opened on."""
    address, link = product
    context = browser.new_context(base_url=address)
    page = context.new_page()
    page.goto(link)
    page.click("button.primary")
    page.wait_for_url("**/console?*day=*")
    day = parse_qs(urlsplit(page.url).query)["day"][0]
    state = context.storage_state()
    context.close()
    return state, day


OpenContext = Callable[..., BrowserContext]


@pytest.fixture(scope="package")
def windows() -> Iterator[dict[str, BrowserContext]]:
    """Browser windows by their kind: what the product's files are is loaded once in each, as by a person."""
    opened: dict[str, BrowserContext] = {}
    yield opened
    for each in opened.values():
        each.close()


@pytest.fixture
def window(
    browser: Browser,
    product: tuple[str, str],
    signed_in: tuple[StorageState, str],
    windows: dict[str, BrowserContext],
) -> Iterator[OpenContext]:
    """`window(width=390, height=844)`: the signed-in person's browser; its pages are closed after the test."""

    def make(width: int = 1440, height: int = 900, **more: object) -> BrowserContext:
        kind = f"{width} {height} {sorted(more.items())}"
        if kind not in windows:
            windows[kind] = browser.new_context(
                base_url=product[0],
                storage_state=signed_in[0],
                viewport={"width": width, "height": height},
                **more,  # type: ignore[arg-type]
            )
            windows[kind].set_default_timeout(PATIENCE_MS)
        return windows[kind]

    yield make
    for each in windows.values():
        for page in each.pages:
            page.close()


@pytest.fixture
def troubles() -> list[str]:
    """What pages of the test wrote as an error, refusals of the API apart."""
    return []


@pytest.fixture
def another(
    window: OpenContext, signed_in: tuple[StorageState, str], troubles: list[str]
) -> Callable[..., Console]:
    """`another(width=...)`: the console in one more browser, in English, on the published day."""

    def opened(**options: object) -> Console:
        page = window(**options).new_page()
        listen(page, troubles)
        return Console(page, signed_in[1])

    return opened


@pytest.fixture
def console(another: Callable[..., Console], troubles: list[str]) -> Iterator[Console]:
    """The console in English on a day as it was published; no page of the test has written an error in the end."""
    opened = another()
    opened.start_afresh()
    opened.open()
    yield opened
    assert troubles == []
