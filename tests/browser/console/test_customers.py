"""The office's pages of customers, planned outages and webhooks, driven as people do."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.browser.console.driving import Console, Json
from tests.browser.console.test_contact import LOG

pytestmark = pytest.mark.system

CUSTOMER = "HM00031"
WORDS = {
    "en": {"stopped": "stopped", "sent": "sent", "withdrawn": "withdrawn"},
    "zh-CN": {"stopped": "已退订", "sent": "发送", "withdrawn": "已撤回"},
}


@pytest.fixture(params=["en", "zh-CN"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def office(another: Callable[..., Console], troubles: list[str]) -> Iterator[Console]:
    """A page of the office; in the end none has written an error."""
    yield another()
    assert troubles == []


def go(office: Console, address: str, language: str) -> Page:
    """The page at `address` in this language."""
    office.page.goto(f"{address}{'&' if '?' in address else '?'}lang={language}")
    return office.page


def wishes(office: Console) -> Json:
    """What the customer wishes, as the API has it."""
    found: Json = office.get(f"/api/v1/customers/{CUSTOMER}/contact")
    return found


def test_a_stop_by_telephone_is_noted_and_taken_back_and_wishes_are_kept(
    office: Console, language: str
) -> None:
    page = go(office, "/console/customers?territory=humen", language)
    page.get_by_role("searchbox").fill(CUSTOMER)
    page.locator("#find button").click()
    page.locator(f"#hits a[data-found={CUSTOMER}]").click()
    survey = page.locator("li[data-class=survey]")

    survey.locator("[data-do=stop]").click()
    expect(survey.locator(".chip")).to_have_text(WORDS[language]["stopped"])
    assert wishes(office)["stopped"] == ["survey"]
    survey.locator("[data-do=resume]").click()
    expect(survey.locator(".chip")).to_have_text(WORDS[language]["sent"])
    page.wait_for_load_state("load")
    hour = 10 if language == "en" else 11
    page.locator("#wishes select[name=channel]").first.select_option("print")
    page.fill("[name=earliest_hour]", str(hour))
    with page.expect_navigation():  # the page is loaded anew once it is kept
        page.locator("#wishes button").click()

    expect(page.locator("[name=earliest_hour]")).to_have_value(str(hour))
    expect(page.locator("#wishes select[name=channel]").first).to_have_value("print")
    found = wishes(office)
    assert (found["channels"], found["earliest_hour"], found["stopped"]) == (["print"], hour, [])


def test_a_link_to_a_visit_is_made_for_its_customer_and_opens_it(
    office: Console, language: str
) -> None:
    told = next(row for row in office.get(f"{LOG}?limit=200")["items"] if row["visit_id"])
    address = f"/console/customers?territory=humen&customer={told['customer_id']}"
    page = go(office, address, language)

    page.locator(f"[data-do=link][data-path*='{told['visit_id']}']").click()

    expect(page.locator("#made-url")).to_be_focused()
    address = page.input_value("#made-url")
    assert "/v/" in address
    page.goto(address)
    expect(page.locator("article.visit")).to_be_visible()


def test_an_outage_is_drawn_looked_at_announced_and_withdrawn(
    office: Console, language: str
) -> None:
    page = go(office, "/console/outages?territory=humen", language)
    day = date.fromisoformat(office.date) + timedelta(days=20)
    before = len(office.get("/api/v1/outage-notices?territory=humen"))
    form, give = page.locator("#notice-form"), page.locator("[data-do=give]")
    for x, y in ((0.45, 0.3), (0.6, 0.3), (0.6, 0.42), (0.45, 0.42)):
        box = page.locator("#map").bounding_box()
        assert box is not None
        page.locator("#map").click(position={"x": x * box["width"], "y": y * box["height"]})
    expect(page.locator("circle.corner")).to_have_count(4)
    for name, hour in (("starts_at", "09:00"), ("ends_at", "15:00")):
        form.locator(f"[name={name}]").fill(f"{day}T{hour}")
    form.locator("[name=reason_zh]").fill("更换开关")
    form.locator("[name=reason_en]").fill("a switch is replaced")
    expect(give).to_be_hidden()
    form.locator("[data-step=look]").click()
    expect(give).to_be_visible()
    assert len(office.get("/api/v1/outage-notices?territory=humen")) == before
    form.locator("[name=reason_en]").fill("a switch is exchanged")
    expect(give).to_be_hidden()
    form.locator("[data-step=look]").click()
    give.click()

    page.wait_for_url("**notice=*")
    number = page.locator("#opened").get_attribute("data-notice")
    made = office.get(f"/api/v1/outage-notices/{number}")
    assert made["premises"] > 3
    assert made["starts_at"].startswith(f"{day}T01:00")
    page.locator("details:has([data-deed=withdraw]) summary").click()
    page.locator("[data-deed=withdraw] button").click()
    expect(page.locator("#opened .chip").first).to_have_text(WORDS[language]["withdrawn"])


def test_a_webhook_shows_its_secret_once_and_is_paused_and_removed(
    office: Console, language: str
) -> None:
    page = go(office, "/console/webhooks", language)
    page.fill("[name=url]", "https://example.com/hooks")
    page.fill("[name=description]", f"GIS {language}")
    page.locator("[data-form=create] button").click()

    secret = page.locator("#secret-text")
    expect(secret).to_be_focused()
    shown = secret.input_value()
    assert shown.startswith("whsec_")
    page.locator("#secret-kept").click()
    expect(page.locator("#which")).to_have_text(f"GIS {language}")
    assert shown not in page.content()
    page.locator("[data-do=disable]").click()
    expect(page.locator("[data-do=enable]")).to_be_visible()
    page.locator("details:has([data-do=remove]) summary").click()
    page.locator("[data-do=remove]").click()
    page.wait_for_url("**/console/webhooks")
    assert f"GIS {language}" not in page.content()
