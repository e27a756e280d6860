"""The office of a crew, and the telephones it is given."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext

from api.pages.built import BUNDLE
from dispatch.core.db import Database
from dispatch.registry.tables import Role
from tests.browser.conftest import listen
from tests.browser.crew.office import Office, served
from tests.browser.crew.phone import Phone
from tests.builders.pictures import jpeg

OpenPhone = Callable[..., Phone]


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Iterator[Office]:
    """A day of five visits for crew K01, at 07:40."""
    with served(database, tmp_path) as made:
        yield made


@pytest.fixture
def office_alone(database: Database, tmp_path: Path) -> Iterator[Office]:
    """The same, and only one member of the crew came."""
    with served(database, tmp_path, alone=True) as made:
        yield made


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A photograph as a telephone takes it, with its maker and place inside."""
    path = tmp_path / "IMG_0001.jpg"
    path.write_bytes(jpeg(2400, 1800))
    return path


@pytest.fixture
def open_phone(browser: Browser) -> Iterator[OpenPhone]:
    """`open_phone(office)` signs the crew in on a telephone and waits until its page is kept for times offline.

    With another role somebody of the office opens the page, which that telephone does not keep.
    """
    if not (BUNDLE / "crew.html").is_file():
        pytest.fail("The pages are not built: ./run setup builds them.")
    opened: list[BrowserContext] = []

    def made(
        office: Office,
        *,
        language: str = "zh-CN",
        scheme: str = "light",
        size: tuple[int, int] = (390, 844),
        role: Role = Role.CREW,
        path: str = "/crew",
    ) -> Phone:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            locale=language,
            color_scheme="dark" if scheme == "dark" else "light",
            timezone_id="Asia/Shanghai",
            has_touch=True,
            is_mobile=True,
        )
        context.set_default_timeout(15_000)
        opened.append(context)
        page = context.new_page()
        phone = Phone(office, context, page, [], [])
        page.on("request", lambda request: phone.asked.append(request.url))
        listen(page, phone.troubles)
        page.clock.install(time=office.clock())
        page.goto(office.link(role, language=language))
        page.locator("main button").first.click()
        page.wait_for_url(lambda url: "/sign-in" not in url)
        page.goto(office.url + path)
        page.wait_for_selector("[data-step]")
        if role is Role.CREW:
            page.wait_for_function("() => navigator.serviceWorker.ready.then(() => true)")
        phone.settled()
        return phone

    yield made
    for context in opened:
        context.close()
