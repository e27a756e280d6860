"""Every gesture of a customer in a real browser, in both languages, with and without scripts."""

from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from dispatch.core.pictures import MOST_BYTES
from dispatch.desk import photos
from tests.browser.customer.conftest import OpenPage, Service
from tests.builders.pictures import jpeg, png
from tests.instants import DAY, at
from tests.system.servers import eventually

pytestmark = pytest.mark.system

TOMORROW = DAY + timedelta(days=1)
SAID = {
    "zh-CN": ("谢谢", "新的时间已预约成功", "已保存", "已记录", "预约已取消", "预约已恢复"),
    "en": ("Thank you", "Your new time is booked", "Saved", "We will call you", "is cancelled", "stands again"),
}  # fmt: skip


@pytest.fixture(params=["zh-CN", "en"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_customer_confirms_moves_notes_asks_calls_off_and_takes_it_back(
    service: Service, open_page: OpenPage, language: str
) -> None:
    customer = open_page(
        service.link(), language=language, scheme="dark" if language == "en" else "light"
    )
    page, address = customer.page, customer.page.url
    problems = {"scheduled": customer.axe()}
    confirmed, chosen, saved, noted, cancelled, restored = SAID[language]

    customer.do("confirm").click()
    expect(page.locator(".notice")).to_contain_text(confirmed)
    expect(customer.do("confirm")).to_have_count(0)
    customer.do("choose").click()
    problems["windows"] = customer.axe()
    page.locator(f".days a[href*='{TOMORROW}']").click()
    page.locator(".window").nth(1).click()
    customer.do("window").click()
    expect(page.locator(".notice")).to_contain_text(chosen)
    assert service.visit().window_start_at == at("10:00", TOMORROW)
    page.fill("#note", "门铃坏了，请打电话")
    customer.do("note").click()
    expect(page.locator(".notice")).to_contain_text(saved)
    expect(page.locator("#note")).to_have_value("门铃坏了，请打电话")
    customer.do("choose").click()
    customer.do("call").click()
    expect(page.locator(".notice")).to_contain_text(noted)
    customer.do("cancel_open").click()
    customer.do("cancel").click()
    expect(page.locator(".notice")).to_contain_text(cancelled)
    assert customer.status() == "called_off"
    problems["called off"] = customer.axe()
    customer.do("uncancel").click()
    expect(page.locator(".notice")).to_contain_text(restored)
    assert service.visit().window_start_at == at("10:00", TOMORROW)

    page.goto(address)
    assert page.locator("html").get_attribute("lang") == language
    assert {state: found for state, found in problems.items() if found} == {}
    assert [url for url in customer.asked if not url.startswith(service.url)] == []
    assert customer.troubles == []


def test_everything_works_without_a_script(
    service: Service, open_page: OpenPage, language: str
) -> None:
    customer = open_page(service.link(), language=language, script=False)
    confirmed, chosen, saved, *_ = SAID[language]

    customer.do("confirm").click()
    assert confirmed in customer.said()
    customer.do("choose").click()
    customer.page.locator(".window").first.click()
    customer.do("window").click()
    assert chosen in customer.said()
    assert service.visit().window_start_at == at("08:00")
    customer.page.fill("#note", "x")
    customer.do("note").click()
    assert saved in customer.said()


@pytest.mark.parametrize("language", ["zh-CN"])
def test_a_window_that_somebody_else_took_is_said_where_the_others_are(
    service: Service, open_page: OpenPage, language: str
) -> None:
    service.clock.now = at("06:50")
    customer = open_page(service.link(), language=language)
    customer.do("choose").click()
    customer.page.locator(".window").first.click()
    service.clock.now = at("07:20")  # too late to tell a crew of 08:00
    customer.do("window").click()

    expect(customer.page.locator(".notice.bad")).to_contain_text("刚刚被约走")
    expect(customer.page.locator(".window").first).to_contain_text("10:00")
    assert service.visit().window_start_at == at("14:00")


@pytest.mark.parametrize("language", ["en"])
def test_on_the_day_the_page_follows_the_crew_by_itself_to_what_was_done(
    service: Service, open_page: OpenPage, language: str
) -> None:
    service.clock.now = at("13:40")
    customer = open_page("about:blank", language=language)
    page = customer.page
    page.clock.install()
    page.goto(service.link())
    assert customer.status() == "scheduled"
    service.act(
        *(["dispatch"] if service.visit().status == "published" else []), "accept", "depart"
    )
    service.clock.forward(minutes=3)
    service.drive_to(0.3)

    page.clock.run_for(300_000)
    expect(page.locator("article.visit")).to_have_attribute("data-status", "on_the_way")
    first = page.locator(".map circle.crew").get_attribute("cx")
    assert customer.axe() == []
    service.clock.forward(minutes=4)
    service.drive_to(0.7)
    page.clock.run_for(31_000)
    eventually(
        lambda: page.locator("figcaption").inner_text().endswith("0.9 km away"), what="the map"
    )
    assert first
    service.act("arrive", "start")
    page.clock.run_for(31_000)
    expect(page.locator("article.visit")).to_have_attribute("data-status", "there")
    expect(page.locator(".map")).to_have_count(0)
    expect(page.locator(".digits.small")).to_be_visible()
    service.clock.forward(minutes=30)
    service.finish()
    page.clock.run_for(31_000)
    expect(page.locator("article.visit")).to_have_attribute("data-status", "done")
    expect(page.locator(".result")).to_contain_text("12,345.6 kWh")
    assert customer.axe() == []
    page.locator(".score input").nth(4).check()
    page.locator(".survey [value=yes]").check()
    customer.do("answer").click()
    expect(page.locator(".notice")).to_contain_text("Thank you for your answer")
    expect(page.locator(".score input").nth(4)).to_be_checked()


def test_somebody_reports_a_fault_and_follows_it(
    service: Service, open_page: OpenPage, language: str
) -> None:
    customer = open_page(f"{service.url}/ask", language=language)
    page = customer.page
    problems = customer.axe()
    page.locator("[value=fault]").check()
    expect(page.locator(".when-fault")).to_be_visible()
    for name, value in (("text", "停电"), ("name", "李明"), ("phone", "0769 5550 0142")):
        page.fill(f"#{name}", value)
    customer.do("ask").click()
    expect(page.locator(".wrong")).to_have_count(1)
    expect(page.locator("#address")).to_have_attribute("aria-invalid", "true")
    page.fill("#address", "虎门镇连升路 7 号")
    customer.do("ask").click()
    page.wait_for_url("**/r/*")
    expect(page.locator(".promise .time")).to_have_text("R-000001")

    assert [*problems, *customer.axe()] == []
    assert customer.troubles == []


def test_a_customer_adds_photos_to_a_report_and_they_are_made_small_and_kept(
    service: Service, open_page: OpenPage, language: str, tmp_path: Path
) -> None:
    customer = open_page(f"{service.url}/ask", language=language)
    page = customer.page
    broken, large, small = tmp_path / "a.jpg", tmp_path / "b.jpg", tmp_path / "c.png"
    broken.write_bytes(b"no picture")
    large.write_bytes(jpeg(2600, 1900))
    small.write_bytes(png())
    assert large.stat().st_size > MOST_BYTES
    page.locator("[value=fault]").check()
    for name, value in (("text", "电表箱烧了"), ("name", "李明"), ("phone", "0769 5550 0142")):
        page.fill(f"#{name}", value)
    page.set_input_files("#photos", [broken, large])
    expect(page.locator(".photos li")).to_have_count(2)
    page.set_input_files("#photos", small)
    expect(page.locator(".photos li")).to_have_count(3)
    customer.do("ask").click()
    expect(page.locator("#address")).to_have_attribute("aria-invalid", "true")
    expect(page.locator(".photos li")).to_have_count(3)
    page.fill("#address", "虎门镇连升路 7 号")
    customer.do("ask").click()
    expect(page.locator("#photos")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#name")).to_have_value("李明")
    problems = customer.axe()
    page.set_input_files("#photos", [broken, large, small])
    page.locator(".photos li button").first.click()
    expect(page.locator(".photos li")).to_have_count(2)
    problems += customer.axe()
    customer.do("ask").click()
    page.wait_for_url("**/r/*")

    with service.database.reading() as session:
        kept = photos.of_request(session, "R-000001")
    assert [row.media_type for row in kept] == ["image/jpeg", "image/jpeg"]
    assert max(kept[0].width, kept[0].height) <= 1600
    assert problems == []
    assert customer.troubles == []


@pytest.mark.parametrize("language", ["zh-CN"])
def test_a_person_switches_the_language_and_it_stays(
    service: Service, open_page: OpenPage, language: str
) -> None:
    customer = open_page(service.link(), language=language)
    customer.page.locator(".language").click()
    expect(customer.page.locator("html")).to_have_attribute("lang", "en")
    customer.do("confirm").click()
    expect(customer.page.locator(".notice")).to_contain_text("Thank you")
    customer.page.goto(service.link())
    assert customer.page.locator("html").get_attribute("lang") == "en"
