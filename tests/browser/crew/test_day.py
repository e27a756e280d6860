"""A crew's day on the telephone, with and without a network."""

from pathlib import Path

import pytest
from sqlmodel import select

from dispatch.core import picture_files
from dispatch.field.tables import Attachment, CrewAction, RefusedAction
from dispatch.registry.tables import Stock
from tests.browser.crew.conftest import OpenPhone
from tests.browser.crew.office import CREW, JOBS, Office
from tests.builders.pictures import MAKER

pytestmark = pytest.mark.system


def test_a_whole_day_with_ten_minutes_without_a_network(
    office: Office, open_phone: OpenPhone, photo: Path
) -> None:
    phone = open_phone(office)
    page = phone.page
    page.get_by_role("button", name="上班报到").click()
    phone.step("accept")
    phone.step("en_route")
    phone.settled()
    phone.forward(20)  # 08:00
    assert office.status(0) == "en_route"

    phone.offline()
    phone.step("arrived")
    phone.forward(2)
    phone.step("start")
    phone.forward(8)
    assert page.get_by_text("2 个操作等待网络").is_visible()
    page.reload()  # the telephone restarts without a network
    page.wait_for_selector("[data-step=done]")
    page.locator("[data-step=done]").click()
    phone.fill_in(photo)
    while not [draft for draft in phone.kept("drafts") if draft["closing"] == "exchanged"]:
        page.wait_for_timeout(20)
    page.reload()  # in the middle of the form: nothing that was filled in is lost
    page.locator("[data-step=done]").click()
    page.wait_for_selector("dialog img")
    assert page.locator("#reading-reading_old").input_value() == "12345.6"
    phone.send_form()
    assert page.get_by_text("3 个操作等待网络").is_visible()
    assert page.locator("#next").inner_text() == "表箱、熔丝故障"
    assert office.status(0) == "en_route", "the office knows of nothing yet"

    phone.online()
    visit = office.visit(0)
    assert (visit.status.value, visit.note) == ("done", "")
    assert [f"{visit.arrived_at:%H:%M}", f"{visit.started_at:%H:%M}"] == ["00:00", "00:02"]
    with office.database.reading() as session:
        acted = session.exec(select(CrewAction).order_by(CrewAction.id)).all()  # type: ignore[arg-type]
        assert [row.action for row in acted] == ["accept", "en_route", "arrived", "start", "done"]
        assert [row.late for row in acted][:3] == [False, False, True]
        kept = session.exec(select(Attachment)).all()
        assert sorted(row.kind.value for row in kept) == ["photo", "signature"]
        for row in kept:
            content = picture_files.read(
                office.settings.attachments, kept=row.kept, media_type=row.media_type
            )
            assert MAKER.encode() not in content
            assert max(row.width, row.height) <= 1600
        assert session.get_one(Stock, (CREW, "meter")).quantity == 5
        assert not session.exec(select(RefusedAction)).all()

    for number in range(1, len(JOBS)):  # the rest of the day, with the network
        for action in ("accept", "en_route", "arrived"):
            phone.step(action)
        page.locator(".next [data-step=not_done]").click()
        page.locator("dialog input[type=radio][value=out_of_time]").check()
        phone.send_form()
        page.wait_for_function(
            "id => !document.querySelector(`.next[data-visit='${id}']`)", arg=office.visits[number]
        )
    phone.settled()
    assert [office.status(number) for number in range(5)] == ["done", *["not_done"] * 4]
    assert page.get_by_text("全部完成，辛苦了。").is_visible()
    page.get_by_role("button", name="下班报到").click()
    page.get_by_text("已下班").wait_for()
    phone.settled()
    assert phone.complaints() == []


def test_what_was_refused_after_the_return_is_named_until_it_is_read(
    office: Office, open_phone: OpenPhone
) -> None:
    phone = open_phone(office, language="en")
    phone.step("accept")
    phone.settled()
    phone.offline()
    phone.step("en_route")
    office.act(0, "withdraw")
    phone.forward(3)
    phone.online()

    conflict = phone.page.locator("[data-news=conflict]")
    assert "Not accepted: Meter exchange" in conflict.inner_text()
    assert "On my way" in conflict.inner_text()
    phone.page.reload()
    phone.page.wait_for_selector("[data-news=conflict]")
    conflict.get_by_role("button", name="Seen").click()
    conflict.wait_for(state="detached")
    phone.page.reload()
    phone.settled()
    assert conflict.count() == 0
    assert phone.page.locator(".next").get_attribute("data-visit") == office.visits[1]
    with office.database.reading() as session:
        assert [row.code for row in session.exec(select(RefusedAction))] == ["visit_not_yours"]


def test_what_the_office_changed_meanwhile_shows_at_once_after_the_return(
    office: Office, open_phone: OpenPhone
) -> None:
    phone = open_phone(office, language="en")
    phone.offline()
    office.act(2, "cancel")
    office.act(3, "withdraw")
    phone.online()

    phone.page.wait_for_selector("[data-news=changes]")
    assert phone.page.locator("[data-news=cancelled]").inner_text().startswith("Cancelled: ")
    assert phone.page.locator("[data-news=gone]").inner_text().startswith("Not yours any more: ")


def test_a_change_by_the_office_shows_without_anybody_asking(
    office: Office, open_phone: OpenPhone
) -> None:
    phone = open_phone(office, language="en")

    office.act(0, "cancel")
    phone.page.wait_for_selector("[data-news=cancelled]", timeout=10_000)
    assert phone.page.locator(".next").get_attribute("data-visit") == office.visits[1]
