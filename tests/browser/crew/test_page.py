"""The crew's page as a page: private, accessible, installable, printable."""

from pathlib import Path

import pytest
from playwright.sync_api import CDPSession, expect

from dispatch.registry.tables import Role
from tests.browser.crew.conftest import OpenPhone
from tests.browser.crew.office import CREW, JOBS, Office
from tests.builders.pictures import jpeg, png
from tests.instants import DAY
from tests.system.servers import eventually

pytestmark = pytest.mark.system

LOOKS = (("zh-CN", "light"), ("en", "dark"))


def test_the_customer_is_called_and_found_without_a_name_in_any_address(
    office: Office, open_phone: OpenPhone
) -> None:
    phone = open_phone(office)
    page = phone.page
    page.locator(".next details summary").click()
    links = [link.get_attribute("href") or "" for link in page.locator(".next details a").all()]
    assert page.locator(".next a[href^='tel:']").get_attribute("href") == "tel:+8676955500100"
    assert [link.split("/")[2] for link in links] == [
        "uri.amap.com",
        "maps.apple.com",
        "www.google.com",
    ]
    amap, apple = links[0].split("to=")[1].split("&")[0], links[1].split("daddr=")[1].split("&")[0]
    east, north = map(float, amap.split(","))
    lat, lon = map(float, apple.split(","))
    assert "coordinate=gaode" in links[0]
    assert 0.002 < abs(north - lat) < 0.004
    assert 0.004 < east - lon < 0.006
    for secret in (JOBS[0].customer, "5550", "解放路"):
        assert all(secret not in link for link in links)


def test_what_the_customer_photographed_is_shown_while_there_is_a_network(
    office: Office, open_phone: OpenPhone
) -> None:
    office.photographed(0, jpeg(640, 480), png())
    phone = open_phone(office)
    shown = phone.page.locator(".photos img")
    expect(shown).to_have_count(2)
    for image, width in zip(shown.all(), (640, 48), strict=True):
        image.scroll_into_view_if_needed()
        expect(image).to_have_js_property("naturalWidth", width)

    phone.offline()
    phone.page.reload()
    phone.page.wait_for_selector("[data-step]")
    expect(shown).to_have_count(0)
    assert phone.complaints() == []


def test_nothing_is_asked_of_anybody_else_and_no_address_names_a_person(
    office: Office, open_phone: OpenPhone, photo: Path
) -> None:
    phone = open_phone(office)
    phone.to_work()
    phone.page.locator("[data-step=done]").click()
    phone.fill_in(photo)
    phone.send_form()
    phone.settled()

    assert phone.asked
    assert [url for url in phone.asked if not url.startswith((office.url, "blob:", "data:"))] == []
    assert not [url for url in phone.asked for job in JOBS if job.customer in url or "5550" in url]
    assert phone.complaints() == []


@pytest.mark.parametrize(("language", "scheme"), LOOKS)
def test_axe_finds_nothing_serious_in_any_state(
    office: Office, open_phone: OpenPhone, language: str, scheme: str
) -> None:
    phone = open_phone(office, language=language, scheme=scheme)
    page = phone.page
    found = {"day": phone.axe()}
    phone.to_work()
    phone.offline()
    found["offline"] = phone.axe()
    page.locator("[data-step=done]").click()
    page.wait_for_selector("dialog form")
    page.locator("dialog .button.huge").click()
    page.locator("#reading-voltage_after").fill("5")
    found["finish"] = phone.axe()
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")
    page.locator(".next [data-step=not_done]").click()
    page.wait_for_selector("dialog form")
    found["could not"] = phone.axe()
    page.keyboard.press("Escape")
    office.act(2, "cancel")
    phone.step("pause")
    phone.online()
    page.locator("header summary").click()
    found["changed"] = phone.axe()

    assert {state: faults for state, faults in found.items() if faults} == {}


def test_at_twice_the_size_nothing_is_cut_off_and_nothing_is_scrolled_sideways(
    office: Office, open_phone: OpenPhone
) -> None:
    phone = open_phone(office, language="en", size=(195, 422))  # a telephone's 390 pixels at 200 %
    page = phone.page
    fits = "() => document.documentElement.scrollWidth <= innerWidth"
    assert page.evaluate(fits)
    for action in ("accept", "en_route", "arrived", "start"):
        phone.step(action)
        assert page.evaluate(fits), action
    page.locator(".next [data-step=done]").click()
    page.wait_for_selector("dialog form")
    assert page.evaluate("() => document.querySelector('dialog').scrollWidth <= innerWidth")
    assert page.evaluate(
        "() => [...document.querySelectorAll('dialog button, dialog select')].every(e => e.offsetHeight >= 24)"
    )


def test_the_page_can_be_installed(office: Office, open_phone: OpenPhone) -> None:
    phone = open_phone(office)
    devtools = phone.context.new_cdp_session(phone.page)

    manifest = devtools.send("Page.getAppManifest")
    assert manifest["errors"] == []
    assert manifest["url"].endswith("/static/crew.webmanifest")
    assert _hindrances(devtools) == []
    phone.page.goto(f"{office.url}/sign-in")
    assert "no-manifest" in _hindrances(devtools), "other pages are no application of their own"


def _hindrances(devtools: CDPSession) -> list[str]:
    """Why Chromium would not offer to install the page; a test's window is always incognito."""
    answer = devtools.send("Page.getInstallabilityErrors")
    found = [error["errorId"] for error in answer["installabilityErrors"]]
    return [code for code in found if code != "in-incognito"]


def test_signing_out_leaves_no_customer_on_the_telephone(
    office: Office, open_phone: OpenPhone
) -> None:
    phone = open_phone(office, language="en")
    page = phone.page
    phone.settled()
    eventually(lambda: phone.kept("days") != [], what="the day on the telephone")
    page.locator("header summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    page.wait_for_load_state("load")

    assert [phone.kept(name) for name in ("days", "drafts", "news")] == [[], [], []]
    assert page.evaluate("async () => await caches.match('/crew') === undefined")


def test_the_office_prints_a_crews_day_and_acts_for_a_crew_that_calls_in(
    office: Office, open_phone: OpenPhone
) -> None:
    phone = open_phone(
        office, language="en", role=Role.DISPATCHER, path=f"/crew/{CREW}?day={DAY}&lang=en"
    )
    page = phone.page
    phone.step("accept")
    phone.settled()
    assert office.status(0) == "accepted"
    assert phone.kept("days") == [], "the office's telephone keeps no crew's day"

    page.emulate_media(media="print")
    assert page.locator("article li").count() == 5
    assert page.locator("article li").first.get_by_text(JOBS[0].address, exact=False).is_visible()
    assert not page.locator("main").is_visible()
