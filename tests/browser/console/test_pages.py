"""Every page of the office in a browser: nothing from elsewhere, a strict policy, nothing axe calls serious."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import listen
from tests.browser.console.driving import Console

pytestmark = pytest.mark.system

AXE = Path(__file__).parents[3] / "api" / "web" / "node_modules" / "axe-core" / "axe.min.js"
PAGES = (
    "/console",
    "/outlook?territory=humen",
    "/places?territory=humen",
    "/import?territory=humen",
    "/console/calls?territory=humen",
    "/console/requests?territory=humen",
    "/console/alerts?territory=humen",
    "/console/messages?territory=humen",
    "/console/templates",
    "/console/customers?territory=humen&customer=HM00024",
    "/console/outages?territory=humen",
    "/console/outages?territory=humen&notice=N-000001",
    "/console/satisfaction?territory=humen",
    "/console/webhooks",
    "/sign-in",
)
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def serious(page: Page) -> list[str]:
    """What axe finds serious or critical on the page, and where. It is run beside the page's own scripts."""
    page.evaluate(
        AXE.read_text(encoding="utf-8")
    )  # a script element would break the page's policy, and should
    found = page.evaluate(
        "tags => axe.run({runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})", WCAG
    )
    return [
        f"{each['id']}: {node['html'][:150]} {node['failureSummary'][:300]}"
        for each in found["violations"]
        if each["impact"] in {"serious", "critical"}
        for node in each["nodes"][:3]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("language", "width"), [("en", 1440), ("zh-CN", 390)])
def test_axe_finds_nothing_serious_on_any_page(
    window: Callable[..., BrowserContext], scheme: str, language: str, width: int
) -> None:
    page = window(width=width, color_scheme=scheme).new_page()
    found: dict[str, list[str]] = {}
    for address in PAGES:
        page.goto(f"{address}{'&' if '?' in address else '?'}lang={language}")
        if address == "/console":
            page.wait_for_selector("[data-visit]")
        found[address] = serious(page)

    assert {address: each for address, each in found.items() if each} == {}


def test_axe_finds_nothing_serious_in_what_the_console_opens(console: Console) -> None:
    page = console.page
    shown: dict[str, list[str]] = {}
    page.locator("[data-card] .link", has_text="Why not planned?").first.click()
    page.wait_for_selector("[data-verdict]")
    shown["why"] = serious(page)
    page.get_by_role("tab", name="Watch").click()
    shown["watch"] = serious(page)
    page.get_by_role("tab", name="Queue").click()
    page.get_by_role("button", name="Urgent visit …").click()
    shown["urgent"] = serious(page)
    page.keyboard.press("Escape")
    console.choose(console.movable()[0]["visit"]["id"])
    page.get_by_role("button", name="Move to another crew").click()
    page.wait_for_selector(".moves li")
    shown["move"] = serious(page)
    page.locator(".moves ol button").first.click()
    page.get_by_role("button", name="Compare").click()
    page.wait_for_selector("dialog table")
    shown["compare"] = serious(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Publish …").click()
    page.wait_for_selector("dialog .way")
    shown["publish"] = serious(page)

    assert {name: each for name, each in shown.items() if each} == {}


def test_no_page_asks_anybody_but_its_own_server_and_the_policy_is_kept(
    window: Callable[..., BrowserContext], product: tuple[str, str], troubles: list[str]
) -> None:
    page = window().new_page()
    listen(page, troubles)
    asked: set[str] = set()
    policies: set[str] = set()
    page.on("request", lambda request: asked.add(request.url))
    page.on("response", lambda got: policies.add(got.headers.get("content-security-policy", "")))
    for address in PAGES:
        page.goto(address)
        page.wait_for_load_state("networkidle" if address != "/console" else "load")
    page.goto("/console")
    expect(page.locator("canvas.maplibregl-canvas")).to_be_visible()
    page.wait_for_timeout(500)

    home = product[0]
    assert {url for url in asked if not url.startswith((home, f"blob:{home}"))} == set()
    assert policies
    assert not [
        policy for policy in policies if "unsafe" in policy or "default-src 'none'" not in policy
    ]
    assert troubles == []


def test_the_console_is_used_at_twice_the_size_without_scrolling_sideways(
    window: Callable[..., BrowserContext],
) -> None:
    page = window(width=720, height=450).new_page()  # what a window of 1440 by 900 shows at 200 %
    page.goto("/console?lang=en")
    page.wait_for_selector("[data-visit]")

    sideways = page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
    page.get_by_role("navigation").get_by_role("button", name="Queue").click()

    assert sideways <= 0
    expect(page.locator("[data-card]").first).to_be_visible()
