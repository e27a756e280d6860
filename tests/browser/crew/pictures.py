"""Takes the pictures of the crew's page in `docs/pictures` anew: `./run test tests/browser/crew/pictures.py`."""

from pathlib import Path

import pytest

from api.pages.built import BUNDLE
from dispatch.registry.tables import Role
from tests.browser.crew.conftest import OpenPhone
from tests.browser.crew.office import CREW, Office
from tests.browser.crew.phone import Phone
from tests.instants import DAY

PICTURES = BUNDLE.parent.parent.parent / "docs" / "pictures"
LANGUAGES = ("zh-CN", "en")


def keep(phone: Phone, name: str, language: str, width: str = "phone") -> None:
    """Write what the page shows as `crew-NAME-LANGUAGE-WIDTH.png`; whatever moves has come to rest."""
    phone.page.evaluate("() => Promise.all(document.getAnimations().map((one) => one.finished))")
    middle = f"crew-{name}" if name else "crew"
    phone.page.screenshot(path=PICTURES / f"{middle}-{language[:2]}-{width}.png")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_day_on_a_phone(
    office: Office, open_phone: OpenPhone, photo: Path, language: str
) -> None:
    phone = open_phone(office, language=language)
    phone.page.locator(".shift button").click()
    phone.settled()
    keep(phone, "", language)
    phone.to_work()
    phone.settled()
    phone.page.locator("[data-step=done]").click()
    phone.fill_in(photo, sign=False)
    phone.page.locator("dialog").evaluate("dialog => dialog.scrollTo(0, 0)")
    keep(phone, "finish", language)
    phone.sign()
    keep(phone, "signed", language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_a_network_and_after_it(
    office_alone: Office, open_phone: OpenPhone, language: str
) -> None:
    office = office_alone
    phone = open_phone(office, language=language, scheme="dark")
    for action in ("accept", "en_route"):
        phone.step(action)
    phone.settled()
    phone.offline()
    phone.step("arrived")
    phone.forward(12)
    keep(phone, "offline", language)
    office.act(0, "withdraw", reason="another_crew")
    office.act(2, "cancel")
    phone.online()
    phone.page.evaluate("scrollTo(0, 0)")
    keep(phone, "changed", language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_sharing_where_the_crew_is(office: Office, open_phone: OpenPhone, language: str) -> None:
    phone = open_phone(office, language=language)
    phone.context.grant_permissions(["geolocation"], origin=office.url)
    phone.context.set_geolocation({"latitude": 22.812, "longitude": 113.672, "accuracy": 12})
    phone.page.locator(".shift button").click()
    phone.page.get_by_role("switch").check()
    for action in ("accept", "en_route"):
        phone.step(action)
    phone.settled()
    phone.page.locator(".position details").evaluate("details => { details.open = true; }")
    phone.page.locator(".position [data-position=due]", has_text="100").wait_for()
    phone.page.locator(".position").evaluate("card => card.scrollIntoView({ block: 'center' })")
    keep(phone, "position", language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_day_at_a_desk(office: Office, open_phone: OpenPhone, language: str) -> None:
    phone = open_phone(
        office,
        language=language,
        size=(1440, 900),
        role=Role.DISPATCHER,
        path=f"/crew/{CREW}?day={DAY}&lang={language}",
    )
    keep(phone, "", language, "desktop")
