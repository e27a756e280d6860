"""Takes the pictures of the customers' pages anew: `./run test tests/browser/customer/pictures.py`."""

from datetime import timedelta

import pytest

from api.pages.built import BUNDLE
from tests.browser.customer.conftest import Customer, OpenPage, Service
from tests.instants import NOW, at

PICTURES = BUNDLE.parent.parent.parent / "docs" / "pictures"
SIZES = {"phone": (390, 844), "desktop": (1100, 900)}


@pytest.fixture(params=["zh-CN", "en"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def keep(customer: Customer, name: str, language: str, width: str) -> None:
    """Write the whole page as `customer-NAME-LANGUAGE-WIDTH.png`."""
    middle = f"customer-{name}" if name else "customer"
    customer.page.evaluate("() => document.activeElement?.blur()")
    path = PICTURES / f"{middle}-{language[:2]}-{width}.png"
    customer.page.screenshot(path=path, full_page=True)


def test_pictures(service: Service, open_page: OpenPage, language: str) -> None:
    for width, size in SIZES.items():
        customer = open_page(service.link(), language=language, size=size)
        keep(customer, "", language, width)
        customer.do("choose").click()
        customer.page.wait_for_selector(".windows")
        keep(customer, "windows", language, width)
    for width, size in reversed(SIZES.items()):
        customer = open_page(f"{service.url}/ask?kind=fault", language=language, size=size)
        keep(customer, "ask", language, width)
    _report(customer, language)
    keep(customer, "request", language, "phone")
    service.clock.now = at("13:50")
    service.act(
        *(["dispatch"] if service.visit().status == "published" else []), "accept", "depart"
    )
    service.clock.forward(minutes=4)
    service.drive_to(0.35)
    keep(open_page(service.link(), language=language), "on-the-way", language, "phone")
    dark = open_page(service.link(), language=language, scheme="dark")
    keep(dark, "on-the-way-dark", language, "phone")
    service.clock.forward(minutes=14)
    service.act("arrive", "start")
    service.clock.forward(minutes=30)
    service.finish()
    keep(open_page(service.link(), language=language), "done", language, "phone")
    assert service.clock.now > NOW + timedelta(hours=7)


def _report(customer: Customer, language: str) -> None:
    chinese = language == "zh-CN"
    fields = {
        "text": "整栋楼停电，楼道灯也不亮。" if chinese else "No power in the whole building.",
        "address": "虎门镇博涌社区连升路 7 号" if chinese else "7 Liansheng Road, Boyong",
        "name": "黄淑芬" if chinese else "Huang Shufen",
        "phone": "0769 5550 0142",
    }
    for name, value in fields.items():
        customer.page.fill(f"#{name}", value)
    customer.do("ask").click()
    customer.page.wait_for_url("**/r/*")
