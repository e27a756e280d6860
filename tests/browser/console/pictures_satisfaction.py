"""Takes the pictures of *Satisfaction* anew: `./run test tests/browser/console/pictures_satisfaction.py`.

A first day has no answers, so that these are taken of a few that are made for them.
"""

from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from sqlmodel import Session

from dispatch.contact import surveys
from dispatch.core.db import Database, transaction
from dispatch.registry import accounts
from dispatch.registry.tables import Crew, CustomerClass, Role
from dispatch.work.tables import VisitStatus
from tests.browser.console.pictures import LANGUAGES, PICTURES, WIDTHS
from tests.browser.crew.office import Clock, running
from tests.builders.desk import make_counters
from tests.builders.planning import crew_on
from tests.builders.registry import ADMIN, make_customer, make_premises
from tests.builders.work import make_visit
from tests.instants import NOW, at

pytestmark = pytest.mark.system

CREWS = {
    "K01": ("计量一班", "Metering crew 1"),
    "K02": ("配电二班", "Distribution crew 2"),
    "K03": ("综合三班", "General crew 3"),
}
A, B, C, D = CustomerClass
ANSWERS: tuple[tuple[str, str, CustomerClass, int, bool, tuple[str, str]], ...] = (
    ("K01", "MTR-XCH", A, 5, True, ("师傅很专业，提前打了电话。", "Very professional, and they called ahead.")),
    ("K01", "MTR-TST", B, 5, True, ("", "")),
    ("K01", "MTR-XCH", C, 4, True, ("准时。", "On time.")),
    ("K02", "FUSE", C, 5, True, ("半小时就恢复了，谢谢。", "Power was back in half an hour, thank you.")),
    ("K02", "FUSE", D, 4, True, ("", "")),
    ("K03", "FUSE", B, 5, True, ("", "")),
    ("K02", "LV-FIX-LV", C, 3, True, ("等的时间有点长。", "The wait was rather long.")),
    ("K01", "MTR-XCH", D, 2, False, ("换表后还是跳闸，请再来看看。", "It still trips; please come again.")),
    ("K03", "MTR-XCH", D, 4, True, ("服务态度好。", "Friendly.")),
)  # fmt: skip
NAMES = (
    ("虎门镇第一小学", "Humen No. 1 Primary School"), ("广东同达电子有限公司", "Tongda Electronics Ltd"),
    ("陈小明", "Chen Xiaoming"), ("黄淑芬", "Huang Shufen"), ("何建华", "He Jianhua"),
    ("富民商场", "Fumin Market"), ("梁志强", "Liang Zhiqiang"), ("林月娥", "Lin Yue'e"), ("周家俊", "Zhou Jiajun"),
)  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_customers_think(
    database: Database, browser: Browser, tmp_path: Path, language: str
) -> None:
    clock = Clock(at("18:00"))
    with transaction(database) as session:
        _days_answers(session, 0 if language == "zh-CN" else 1)
    with running(database, tmp_path, clock) as settings:
        for width, (across, down) in WIDTHS.items():
            context = browser.new_context(
                viewport={"width": across, "height": down}, locale=language
            )
            page = context.new_page()
            page.goto(f"{settings.base_url}/sign-in/{_link(database, clock, language, width)}")
            page.click("button.primary")
            page.wait_for_url("**/console?*")
            page.goto(
                f"{settings.base_url}/console/satisfaction?territory=humen&by=crew&lang={language}"
            )
            page.screenshot(path=PICTURES / f"satisfaction-{language[:2]}-{width}.png")
            context.close()


def _days_answers(session: Session, words: int) -> None:
    make_counters(session)
    for number, (crew, work_type, kind, score, solved, said) in enumerate(ANSWERS):
        if session.get(Crew, crew) is None:
            crew_on(session, crew)
            made = session.get_one(Crew, crew)
            made.name_zh, made.name_en = CREWS[crew]
        customer = make_customer(session, customer_class=kind, name=NAMES[number][words])
        visit = make_visit(
            session, status=VisitStatus.DONE, crew=crew, work_type=work_type,
            premises=make_premises(session, customer=customer),
        )  # fmt: skip
        survey = surveys.answer(
            session, visit_id=visit.id, score=score, solved=solved, comment=said[words],
            now=NOW + timedelta(hours=4, minutes=17 * number),
        )  # fmt: skip
        survey.asked_at = NOW + timedelta(hours=3)


def _link(database: Database, clock: Clock, language: str, width: str) -> str:
    with transaction(database) as session:
        account = accounts.create(
            session, login=f"dispatcher.{width}", name="李明" if language == "zh-CN" else "Li Ming",
            role=Role.DISPATCHER, language=language, actor=ADMIN, now=clock(),
        )  # fmt: skip
        return accounts.make_link(session, account_id=account.id, now=clock())
