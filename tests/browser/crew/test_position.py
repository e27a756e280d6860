"""Where the crew is: told while it is on its way, and never otherwise."""

import re

import pytest
from playwright.sync_api import Browser, expect
from sqlmodel import select

from dispatch.field.tables import CrewPosition
from dispatch.registry.tables import Role
from tests.browser.crew.conftest import OpenPhone
from tests.browser.crew.office import Office
from tests.browser.crew.phone import Phone
from tests.instants import DAY

pytestmark = pytest.mark.system


def places(office: Office) -> list[tuple[float, float]]:
    with office.database.reading() as session:
        rows = session.exec(select(CrewPosition).order_by(CrewPosition.device_at)).all()  # type: ignore[arg-type]
        return [(row.lat, row.lon) for row in rows]


def at_place(phone: Phone, lat: float, lon: float) -> None:
    phone.context.grant_permissions(["geolocation"], origin=phone.office.url)
    phone.context.set_geolocation({"latitude": lat, "longitude": lon, "accuracy": 12})


def told(phone: Phone, count: int) -> list[tuple[float, float]]:
    """What the office knows once it knows so many places."""
    for _ in range(200):
        if len(places(phone.office)) >= count:
            break
        phone.page.wait_for_timeout(25)
    return places(phone.office)


def test_a_crew_that_allows_it_is_followed_coarsely_from_setting_out_to_arriving(
    office: Office, open_phone: OpenPhone
) -> None:
    phone = open_phone(office, language="en")
    page = phone.page
    at_place(phone, 22.812345, 113.672345)
    page.get_by_role("button", name="Report on duty").click()
    phone.step("accept")
    page.get_by_role("switch").check()
    page.locator("[data-position=resting]").wait_for()
    phone.forward(5)
    assert places(office) == [], "nobody is followed who is not on the way"

    phone.step("en_route")
    assert told(phone, 1) == [(22.812, 113.672)]
    at_place(phone, 22.82, 113.68)
    for _ in range(2):  # two places go together
        phone.forward(1)
        page.wait_for_timeout(200)
    assert told(phone, 3)[-1] == (22.82, 113.68)
    page.get_by_text(re.compile("Sent at")).wait_for()
    phone.step("arrived")
    count = len(places(office))
    phone.forward(10)
    phone.settled()
    assert len(places(office)) == count
    assert phone.complaints() == []


def set_out(phone: Phone) -> None:
    """Report on duty, allow to be followed, and set out; the office knows the first place."""
    at_place(phone, 22.812, 113.672)
    phone.page.get_by_role("button", name="Report on duty").click()
    phone.page.get_by_role("switch").check()
    phone.step("accept")
    phone.step("en_route")
    told(phone, 1)


def test_without_a_network_old_places_are_given_up(office: Office, open_phone: OpenPhone) -> None:
    phone = open_phone(office, language="en")
    set_out(phone)
    phone.settled()
    before = len(places(office))

    phone.offline()
    for _ in range(70):
        phone.forward(1)
        phone.page.wait_for_timeout(5)
    phone.online()
    phone.forward(1)

    kept = len(told(phone, before + 30)) - before
    assert 30 <= kept <= 64, "the last sixty places, not the 140 of an hour and ten minutes"


def test_a_crew_that_does_not_allow_it_or_signs_out_is_not_followed(
    office: Office, open_phone: OpenPhone
) -> None:
    phone = open_phone(office, language="en")
    at_place(phone, 22.812, 113.672)
    phone.page.get_by_role("button", name="Report on duty").click()
    phone.step("accept")
    phone.step("en_route")
    phone.forward(5)
    phone.settled()
    assert places(office) == []
    assert not [url for url in phone.asked if url.endswith("/positions")]

    phone.page.get_by_role("switch").check()
    told(phone, 1)
    phone.page.get_by_role("switch").uncheck()
    phone.page.locator("[data-position=off]").wait_for()
    count = len(places(office))
    phone.forward(5)
    assert len(places(office)) == count


def test_the_dispatcher_sees_on_the_map_where_the_crew_is_while_it_is_on_its_way(
    office: Office, open_phone: OpenPhone, browser: Browser
) -> None:
    console = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    console.clock.install(time=office.clock())
    console.goto(office.link(Role.DISPATCHER, language="en"))
    console.locator("main button").first.click()
    console.wait_for_url("**/console*")
    console.goto(f"{office.url}/console?lang=en&day={DAY}")
    expect(console.locator("canvas.maplibregl-canvas")).to_be_visible()
    crew = console.locator(".map-crew")
    expect(crew).to_have_count(0)

    phone = open_phone(office, language="en")
    set_out(phone)
    office.clock.forward(minutes=1)
    console.clock.fast_forward("01:00")

    expect(crew).to_have_attribute("aria-label", "Metering crew 1")
    console.context.close()
