"""Takes the pictures of the office in `docs/pictures` anew: `./run test tests/browser/console/pictures.py`."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import BrowserContext, Page

from tests.browser.console.driving import Console, stops

pytestmark = pytest.mark.system

PICTURES = Path(__file__).parents[3] / "docs" / "pictures"
LANGUAGES = ("zh-CN", "en")
WIDTHS = {"desktop": (1440, 900), "phone": (390, 844)}
PAGES = {
    "outlook": "/outlook?territory=humen",
    "places": "/places?territory=humen",
    "files": "/import?territory=humen",
    "calls": "/console/calls?territory=humen&day={day}",
    "messages": "/console/messages?territory=humen",
    "templates": "/console/templates",
    "customers": "/console/customers?territory=humen&customer=HM00024",
    "outages": "/console/outages?territory=humen",
    "webhooks": "/console/webhooks",
    "sign-in": "/sign-in",
}
DRAWN_MS = 900


def keep(page: Page, name: str, language: str, width: str = "desktop") -> None:
    """Write what the page shows as `NAME-LANGUAGE-WIDTH.png` when the map has been drawn."""
    page.wait_for_timeout(DRAWN_MS)
    page.screenshot(path=PICTURES / f"{name}-{language[:2]}-{width}.png")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_console_on_a_desk(another: Callable[..., Console], language: str) -> None:
    console = another()
    console.start_afresh()
    console.open(lang=language)
    page = console.page
    page.wait_for_selector(".maplibregl-canvas")
    keep(page, "console", language)

    full = next(r["visit"]["id"] for r in console.board()["queue"] if r["reason"] == "capacity")
    page.locator(f'[data-card="{full}"] .link').first.click()
    page.wait_for_selector("[data-verdict]")
    page.locator("[data-verdict]").scroll_into_view_if_needed()
    keep(page, "console-why", language)

    stop, shift, tried = console.movable()
    able = [row for row in tried if row["reason"] is None and row["shift_id"] != shift]
    console.drag(stop["visit"]["id"], able[0]["shift_id"], drop=False)
    keep(page, "console-drag", language)
    page.mouse.up()

    page.locator("[data-do=compare]").click()
    page.wait_for_selector("dialog table")
    keep(page, "console-compare", language)
    page.keyboard.press("Escape")
    page.locator("[data-do=publish]").click()
    page.wait_for_selector("dialog tr")
    page.locator(
        "dialog .way"
    ).evaluate(  # where this test's installation happens to be says nothing
        r"way => { way.textContent = way.textContent.replace(/\S+\/outbox/, '.gridcrew/outbox'); }"
    )
    keep(page, "console-publish", language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_customer_photographed(
    another: Callable[..., Console], language: str, tmp_path: Path
) -> None:
    console = another()
    console.start_afresh()
    console.open(lang=language)
    chinese = language == "zh-CN"
    visit = console.asked_for(
        "LV-FIX-LV",
        "电表箱烧焦了，有异味。" if chinese else "The meter box is scorched and smells.",
        photographs(tmp_path),
    )
    console.page.locator(f'[data-card="{visit}"] .card-face').click()
    console.page.locator(f'[data-panel="{visit}"] img').last.scroll_into_view_if_needed()
    keep(console.page, "console-photos", language)


def photographs(folder: Path) -> list[Path]:
    """Two pictures of a meter box, drawn: nobody's photographs lie in this repository."""
    made = []
    for number, soot in enumerate(((40, 90), (0, 30))):
        picture = Image.new("RGB", (640, 480), "#b8b2a6")
        draw = ImageDraw.Draw(picture)
        draw.rectangle((120, 60, 520, 440), fill="#e9e5da", outline="#77736a", width=6)
        draw.rounded_rectangle((190, 110, 450, 270), 16, fill="#333a3f")
        draw.rectangle((215, 135, 425, 195), fill="#cfd8c3")
        draw.text((250, 140), f"{47_318 + number:08d}", fill="#20241f", font_size=36)
        for spot in range(*soot, 5):
            draw.ellipse((340 - spot, 380 - spot, 360 + 2 * spot, 390 + spot), outline="#2b2622")
        made.append(folder / f"meter-{number}.jpg")
        picture.save(made[-1], "JPEG")
    return made


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_console_on_a_phone(another: Callable[..., Console], language: str) -> None:
    console = another(width=390, height=844)
    console.start_afresh()
    console.open(lang=language)
    keep(console.page, "console", language, "phone")
    for number, name in enumerate(("map", "queue", "watch"), start=1):
        console.page.locator(".dock button").nth(number).click()
        keep(console.page, f"console-{name}", language, "phone")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_console_in_the_dark_while_the_day_is_planned(
    another: Callable[..., Console], language: str
) -> None:
    console = another(color_scheme="dark")
    console.start_afresh()
    console.open(lang=language)
    page = console.page
    page.locator("[data-do=plan]").click()
    page.wait_for_function(r"() => /\d/.test(document.querySelector('.run dd')?.textContent)")
    keep(page, "console-plan-dark", language)
    console.start_afresh()


def look_ahead(console: Console, days: int = 5) -> None:
    """Give the days after this one the same shifts and ever less of the same work, and look at them all, once."""
    if any(
        run["status"] == "answered" for run in console.get("/api/v1/territories/humen/outlooks")
    ):
        return
    for row in console.get(f"{console.day}/shifts"):
        shift = row["shift"]
        starts, ends = (datetime.fromisoformat(shift[name]) for name in ("starts_at", "ends_at"))
        for later in range(1, days):
            body = {
                "day": (date.fromisoformat(console.date) + timedelta(days=later)).isoformat(),
                "starts": (starts + timedelta(days=later)).isoformat(),
                "ends": (ends + timedelta(days=later)).isoformat(),
            }
            console.send("POST", f"/api/v1/crews/{shift['crew_id']}/shifts", body)
    like = [stop["visit"] for stop in stops(console.board())]
    for later in range(1, days):
        for visit in like[:: later + 1]:
            body = {
                "territory_id": console.territory,
                "customer_id": visit["customer_id"],
                "premises_id": visit["premises_id"],
                "work_type": visit["work_type"],
                "earliest_day": (
                    date.fromisoformat(console.date) + timedelta(days=later)
                ).isoformat(),
            }
            console.send("POST", "/api/v1/work-orders", body)
    console.send(
        "POST", "/api/v1/territories/humen/outlooks", {"days": days, "first": console.date}
    )
    console.page.goto("/outlook?territory=humen&lang=en")
    console.page.wait_for_selector("table.ahead", timeout=180_000)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_other_pages(
    window: Callable[..., BrowserContext],
    another: Callable[..., Console],
    language: str,
    width: str,
) -> None:
    console = another()
    look_ahead(console)
    across, down = WIDTHS[width]
    page = window(width=across, height=down).new_page()
    for name, pattern in PAGES.items():
        address = pattern.format(day=console.date)
        page.goto(f"{address}{'&' if '?' in address else '?'}lang={language}")
        if name == "messages":
            page.locator("ul.log a").first.click()
            page.wait_for_selector("#opened")
            page.evaluate("scrollTo(0, 0)")
        keep(page, name, language, width)
