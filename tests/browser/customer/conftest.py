"""A customer with a visit to come, and the browser that its link is opened in."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from sqlmodel import Session, SQLModel

from api.pages.built import BUNDLE
from dispatch.contact import links
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.field import positions
from dispatch.field.positions import Position
from dispatch.registry import crews
from dispatch.registry.tables import Crew, Premises
from dispatch.work import promises, visits
from dispatch.work.tables import Visit
from tests.browser.conftest import listen
from tests.browser.crew.office import Clock, running
from tests.builders import field
from tests.builders import planning as day_of
from tests.builders.desk import make_counters
from tests.builders.registry import DISPATCHER, make_customer, make_premises, make_shift
from tests.builders.work import first_visit, make_order
from tests.instants import DAY, NOW, at

PATIENCE_MS = 30_000
"""How long anything may take to show on a machine that has other work."""
expect.set_options(timeout=PATIENCE_MS)
AXE = BUNDLE.parent / "node_modules" / "axe-core" / "axe.min.js"
CREW = "K01"
HOME = (day_of.HOME[0] + 0.012, day_of.HOME[1] + 2.6 * day_of.KM_EAST)
NAMES = {"zh-CN": ("陈小明", "虎门镇太平社区解放路 18 号 302 房"),
         "en": ("Chen Xiaoming", "18 Jiefang Road, Flat 302, Taiping, Humen")}  # fmt: skip


@dataclass
class Service:
    """The company that serves the customer: its server, its clock, and the customer's visit."""

    settings: Settings
    database: Database
    clock: Clock
    visit_id: str

    @property
    def url(self) -> str:
        """Where the server answers."""
        return self.settings.base_url

    def link(self) -> str:
        """A new link to the visit's page."""
        with transaction(self.database) as session:
            visit = visits.get(session, self.visit_id)
            token = links.for_visit(session, self.settings.key, visit, now=self.clock())
        return f"{self.url}/v/{token}"

    def visit(self) -> Visit:
        """The visit as it is."""
        with self.database.reading() as session:
            return visits.get(session, self.visit_id)

    def content(self) -> dict[str, list[str]]:
        """Every row of every table."""
        with self.database.reading() as session:
            return {
                table.name: sorted(str(tuple(row)) for row in session.execute(sa.select(table)))
                for table in SQLModel.metadata.sorted_tables
            }

    def act(self, *names: str) -> None:
        """What the crew does with the visit, one after the other."""
        with transaction(self.database) as session:
            visit = visits.get(session, self.visit_id)
            for name in names:
                visits.act(session, visit, name, actor=DISPATCHER, now=self.clock())

    def drive_to(self, share: float) -> None:
        """The crew has driven this share of its way from the depot."""
        lat = day_of.HOME[0] + share * (HOME[0] - day_of.HOME[0])
        lon = day_of.HOME[1] + share * (HOME[1] - day_of.HOME[1])
        here = Position(lat=lat, lon=lon, device_at=self.clock())
        with transaction(self.database) as session:
            positions.report(session, crew_id=CREW, positions=[here], now=self.clock())

    def finish(self) -> None:
        """The crew finishes the meter exchange with its readings."""
        with transaction(self.database) as session:
            visit = visits.get(session, self.visit_id)
            data = field.proof(session, visit)
            data["checklist"] |= {"reading_old": 12345.6, "reading_new": 0}
            field.act(session, visit, "done", crew=CREW, now=self.clock(), data=data)


@contextmanager
def served(database: Database, folder: Path, language: str) -> Iterator[Service]:
    """A meter exchange promised for 14:00 to 16:00, on the published plan of a crew that works three days."""
    clock = Clock(NOW - timedelta(hours=13))
    with transaction(database) as session:
        make_counters(session)
        visit_id = _a_visit(session, language)
    with running(database, folder, clock) as settings:
        yield Service(settings, database, clock, visit_id)


def _a_visit(session: Session, language: str) -> str:
    skills = {"LV": 1, "MT": 1}
    day_of.crew_on(session, CREW, skills=skills, stock={"meter": 6, "seal": 12})
    crew = session.get_one(Crew, CREW)
    crew.name_zh, crew.name_en = "计量一班", "Metering crew 1"
    for days in (1, 2):
        make_shift(session, crew=crews.get(session, CREW), day=DAY + timedelta(days=days))
    name, address = NAMES[language]
    place: Premises = make_premises(
        session, customer=make_customer(session, name=name, language=language), address=address,
        lat=HOME[0], lon=HOME[1],
    )  # fmt: skip
    visit = first_visit(
        session, make_order(session, work_type="MTR-XCH", premises=place, earliest_day=DAY)
    )
    promises.book(
        session, visit, start_at=at("14:00"), end_at=at("16:00"), actor=DISPATCHER, now=NOW
    )
    day_of.job(session, east=1.0)
    day_of.published(session)
    return visit.id


@pytest.fixture
def service(
    request: pytest.FixtureRequest, database: Database, tmp_path: Path
) -> Iterator[Service]:
    """The evening before the visit, for a customer of the test's language."""
    language = getattr(request, "param", None) or request.getfixturevalue("language")
    with served(database, tmp_path, language) as made:
        yield made


@dataclass
class Customer:
    """The page in the customer's browser, and whatever went wrong in it."""

    page: Page
    troubles: list[str]
    asked: list[str]

    def do(self, name: str) -> Locator:
        """The button or link of this name."""
        return self.page.locator(f"[data-do={name}]")

    def said(self) -> str:
        """What the page says about the press before."""
        return self.page.locator(".notice span").inner_text()

    def status(self) -> str:
        """The state that the page shows."""
        return self.page.locator("article.visit").get_attribute("data-status") or ""

    def axe(self) -> list[str]:
        """What axe finds of WCAG 2 A and AA, whatever its weight."""
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate(
            "() => axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] })"
        )
        return [f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in found["violations"]]


OpenPage = Callable[..., Customer]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """`open_page(address)` opens it as on a telephone; `script=False` as a browser without scripts."""
    opened: list[BrowserContext] = []

    def made(
        address: str,
        *,
        language: str = "zh-CN",
        scheme: str = "light",
        size: tuple[int, int] = (390, 844),
        script: bool = True,
        scale: int = 1,
    ) -> Customer:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            locale=language,
            color_scheme="dark" if scheme == "dark" else "light",
            java_script_enabled=script,
            device_scale_factor=scale,
        )
        context.set_default_timeout(PATIENCE_MS)
        opened.append(context)
        customer = Customer(context.new_page(), [], [])
        customer.page.on("request", lambda request: customer.asked.append(request.url))
        listen(customer.page, customer.troubles)
        customer.page.goto(address)
        return customer

    yield made
    for context in opened:
        context.close()
