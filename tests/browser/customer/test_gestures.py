"""Every gesture of a customer in a real browser, in both languages, with and without scripts."""

from datetime import timedelta
from pathlib import Path

import pytest
from icalendar import Calendar
from playwright.sync_api import expect

from dispatch.contact import links
from dispatch.core.db import transaction
from dispatch.core.pictures import MOST_BYTES
from dispatch.desk import photos, requests
from dispatch.desk.public import Report, take_in
from dispatch.desk.tables import RequestKind
from dispatch.registry.tables import Premises
from dispatch.work import visits
from dispatch.work.tables import WorkOrder
from tests.browser.customer.conftest import OpenPage, Service
from tests.builders.desk import CLERK, make_request
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


def test_a_window_that_somebody_else_took_is_said_where_the_others_are(
    service: Service, open_page: OpenPage, language: str
) -> None:
    service.clock.now = at("06:50")
    customer = open_page(service.link(), language=language)
    customer.do("choose").click()
    customer.page.locator(".window").first.click()
    service.clock.now = at("07:20")  # too late to tell a crew of 08:00
    customer.do("window").click()

    taken = "刚刚被约走" if language == "zh-CN" else "has just taken that time"
    expect(customer.page.locator(".notice.bad")).to_contain_text(taken)
    expect(customer.page.locator(".window").first).to_contain_text("10:00")
    assert service.visit().window_start_at == at("14:00")


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
    away = "0.9 公里" if language == "zh-CN" else "0.9 km away"
    eventually(lambda: away in page.locator("figcaption").inner_text(), what="the map")
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
    thanked = "感谢您的反馈" if language == "zh-CN" else "Thank you for your answer"
    expect(page.locator(".notice")).to_contain_text(thanked)
    expect(page.locator(".score input").nth(4)).to_be_checked()


def test_a_customer_puts_the_appointment_into_a_calendar(
    service: Service, open_page: OpenPage, language: str
) -> None:
    customer = open_page(service.link(), language=language)
    with customer.page.expect_download() as download:
        customer.do("calendar").click()

    saved = download.value
    (event,) = Calendar.from_ical(saved.path().read_bytes()).walk("VEVENT")
    assert saved.suggested_filename == "appointment.ics"
    assert (event.decoded("dtstart"), event.decoded("dtend")) == (at("14:00"), at("16:00"))
    assert "/v/" not in saved.path().read_text(encoding="utf-8"), "calendars are shared"
    assert customer.troubles == []


def test_pages_that_are_only_looked_at_change_nothing(
    service: Service, open_page: OpenPage, language: str
) -> None:
    with transaction(service.database) as session:
        visit = visits.get(session, service.visit_id)
        order = session.get_one(WorkOrder, visit.work_order_id)
        place = session.get_one(Premises, order.premises_id)
        request = make_request(session, premises=place, now=service.clock())
        followed = links.for_request(session, service.settings.key, request, now=service.clock())
    visit_link = service.link()
    addresses = [
        visit_link, f"{visit_link}/windows", f"{service.url}/r/{followed}", f"{service.url}/ask",
        f"{service.url}/follow",
    ]  # fmt: skip
    before = service.content()

    scanner = open_page("about:blank", language=language)
    scanner.page.clock.install()
    for address in addresses:
        scanner.page.goto(address)
        for link in scanner.page.locator("a[href^='/']").all():
            scanner.page.request.get(f"{service.url}{link.get_attribute('href')}")
        scanner.page.clock.run_for(900_000)  # as long as it loads itself anew several times
        scanner.page.wait_for_load_state("networkidle")

    assert service.content() == before
    assert len(scanner.asked) > 2 * len(addresses), "scripts ran"
    assert scanner.troubles == []


def test_somebody_reports_a_fault_and_follows_it(
    service: Service, open_page: OpenPage, language: str
) -> None:
    customer = open_page("about:blank", language=language)
    page = customer.page
    page.clock.install()
    page.goto(f"{service.url}/ask")
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
    problems += customer.axe()
    with transaction(service.database) as session:
        request = requests.get(session, "R-000001")
        requests.answer(session, request, text="已恢复供电", actor=CLERK, now=service.clock())
    page.clock.run_for(61_000)
    expect(page.locator(".result")).to_contain_text("已恢复供电")
    expect(page.locator("article.visit")).to_have_attribute("data-status", "done")

    assert [*problems, *customer.axe()] == []
    assert customer.troubles == []


def test_somebody_who_lost_the_link_follows_by_number_and_telephone(
    service: Service, open_page: OpenPage, language: str
) -> None:
    with transaction(service.database) as session:
        report = Report(RequestKind.FAULT, "李明", "0769 5550 0142", "停电", address="连升路 7 号")
        number = take_in(session, report, now=service.clock()).id
    customer = open_page(f"{service.url}/ask", language=language)
    page = customer.page
    page.locator("a[href='/follow']").click()
    problems = customer.axe()
    page.fill("#number", number)
    page.fill("#phone", "0769 5550 0199")
    customer.do("follow").click()
    expect(page.locator("#phone")).to_have_attribute("aria-invalid", "true")
    problems += customer.axe()
    page.fill("#phone", "0769 5550 0142")
    customer.do("follow").click()
    page.wait_for_url("**/r/*")

    expect(page.locator(".promise .time")).to_have_text(number)
    assert problems == []
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


def test_a_person_switches_the_language_and_it_stays(
    service: Service, open_page: OpenPage, language: str
) -> None:
    other = "en" if language == "zh-CN" else "zh-CN"
    customer = open_page(service.link(), language=language)
    customer.page.locator(".language").click()
    expect(customer.page.locator("html")).to_have_attribute("lang", other)
    customer.do("confirm").click()
    expect(customer.page.locator(".notice")).to_contain_text(SAID[other][0])
    customer.page.goto(service.link())
    assert customer.page.locator("html").get_attribute("lang") == other
