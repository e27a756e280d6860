"""What a crew tells of a visit: what finishing asks for, why it could not be done, and that all is well."""

from pathlib import Path

import pytest
from sqlmodel import select

from dispatch.core.db import transaction
from dispatch.core.tables import Alert
from dispatch.field import lone
from dispatch.field.door import done_code
from dispatch.field.tables import Attachment, CrewAction
from tests.browser.crew.conftest import OpenPhone
from tests.browser.crew.office import Office

pytestmark = pytest.mark.system


def test_what_could_not_be_done_has_a_reason_and_a_photograph(
    office: Office, open_phone: OpenPhone, photo: Path
) -> None:
    phone = open_phone(office)
    for action in ("accept", "en_route", "arrived"):
        phone.step(action)
    page = phone.page
    page.locator(".next [data-step=not_done]").click()
    page.locator("dialog .button.huge").click()
    assert page.locator("dialog").is_visible(), "a reason is needed"
    page.locator("dialog input[value=no_access]").check()
    page.set_input_files("dialog input[type=file]", photo)
    page.wait_for_selector("dialog img")
    page.locator("dialog textarea").fill("门锁已换")
    phone.send_form()
    phone.settled()

    visit = office.visit(0)
    assert (visit.status.value, visit.reason, visit.note) == ("not_done", "no_access", "门锁已换")
    with office.database.reading() as session:
        assert session.exec(select(Attachment)).one().visit_id == visit.id


def test_an_unusual_reading_is_looked_at_twice_and_the_customers_code_stands_for_a_signature(
    office: Office, open_phone: OpenPhone, photo: Path
) -> None:
    phone = open_phone(office, language="en")
    phone.to_work()
    page = phone.page
    page.locator("[data-step=done]").click()
    phone.fill_in(photo, sign=False)
    page.get_by_label("or the customer's code").fill(
        done_code(office.settings.key, office.visits[0])
    )
    page.locator("#reading-voltage_after").fill("23")
    page.locator("dialog .button.huge").click()
    assert page.get_by_role("alert").inner_text() == "Still to do: Voltage after"
    page.get_by_label("I looked again; it is right").check()
    phone.send_form()
    phone.settled()

    assert office.status(0) == "done"
    with office.database.reading() as session:
        done = session.exec(select(CrewAction).where(CrewAction.action == "done")).one()
    assert done.data["checklist"]["voltage_after"] == {"value": 23, "checked": True}
    assert set(done.data["checklist"]["customer_signed"]) == {"code"}


def test_who_works_alone_checks_in_and_a_missed_check_in_reaches_the_office(
    office_alone: Office, open_phone: OpenPhone
) -> None:
    office = office_alone
    phone = open_phone(office, language="en")
    page = phone.page
    for action in ("accept", "en_route"):
        phone.step(action)
    phone.offline()
    phone.step("arrived")
    assert page.locator("[data-lone=calm]").is_visible(), "the timer runs without a network too"
    phone.online()
    page.wait_for_selector("[data-lone=calm]")

    phone.forward(66)  # a meter exchange asks for a word every 60 minutes, and waits for 5 more
    page.wait_for_selector("[data-lone=now]")
    with transaction(office.database) as session:
        assert lone.sweep(session, now=office.clock()) == 1
    page.wait_for_selector("[data-lone=missed]", timeout=10_000)
    page.get_by_role("button", name="All is well").click()
    page.wait_for_selector("[data-lone=calm]")
    phone.settled()
    with office.database.reading() as session:
        assert [row.resolved_at is None for row in session.exec(select(Alert))] == [False]
