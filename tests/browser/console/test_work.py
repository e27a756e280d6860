"""Work that waits, on the console: why not, urgent visits, splitting, calling off."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.console.driving import Console, Json
from tests.builders.pictures import jpeg

pytestmark = pytest.mark.system


def _waiting(console: Console, reason: str) -> Json:
    found = [row for row in console.board()["queue"] if row["reason"] == reason]
    assert found, f"no visit of the example is left out for {reason}"
    visit: Json = found[0]["visit"]
    return visit


def _kept_out(console: Console) -> tuple[str, list[str]]:
    """A visit that fits only instead of others, and those: of a lucky plan two or more together."""
    plan = console.board()["plan"]["id"]
    for row in console.board()["queue"]:
        visit = row["visit"]["id"]
        found = console.get(f"/api/v1/plans/{plan}/visits/{visit}/explanation")
        if found["verdict"] == "displaced":
            return visit, found["pushed_out"]
    raise AssertionError("no visit of the example fits instead of another")


def test_why_not_says_the_proven_reason_and_its_button_puts_the_visit_in_instead(
    console: Console,
) -> None:
    visit, others = _kept_out(console)
    card = console.page.locator(f'[data-card="{visit}"]')

    card.get_by_role("button", name="Why not planned?").click()
    why = console.page.locator("[data-verdict]")
    expect(why.get_by_text("Proven by trying every shift")).to_be_visible()
    expect(why.get_by_text("It fits only instead of")).to_be_visible()
    if len(others) > 1:  # nobody takes two visits off a plan by one press
        expect(why.get_by_text(re.compile(r"^Put back .* instead"))).to_have_count(0)
        return
    why.get_by_role("button", name="Do this").first.click()

    expect(console.block(visit)).to_be_attached()
    assert console.stop(visit)["on_plan"]


def test_a_window_that_keeps_a_visit_out_is_agreed_anew_by_its_button(console: Console) -> None:
    visit = _waiting(console, "window")
    card = console.page.locator(f'[data-card="{visit["id"]}"]')

    card.get_by_role("button", name="Why not planned?").click()
    console.page.get_by_role("button", name="Agree with the customer").first.click()
    console.page.get_by_role("button", name="The customer agrees").click()

    expect(console.block(visit["id"])).to_be_attached()
    agreed = console.stop(visit["id"])["visit"]
    before = (visit["window_start_at"], visit["window_end_at"])
    assert (agreed["window_start_at"], agreed["window_end_at"]) != before


def test_what_a_customer_said_and_photographed_is_shown_with_the_visit(
    console: Console, troubles: list[str], tmp_path: Path
) -> None:
    photos = [tmp_path / "box.jpg", tmp_path / "meter.jpg"]
    for photo in photos:
        photo.write_bytes(jpeg(640, 480))
    visit = console.asked_for("LV-FIX-LV", "The meter box is scorched.", photos)

    console.page.locator(f'[data-card="{visit}"] .card-face').click()

    panel = console.page.locator(f'[data-panel="{visit}"]')
    expect(panel.get_by_text("The meter box is scorched.")).to_be_visible()
    shown = panel.get_by_role("img", name="Photo")
    expect(shown).to_have_count(2)
    for image in shown.all():
        image.scroll_into_view_if_needed()
        expect(image).to_have_js_property("naturalWidth", 640)
    assert troubles == []


def test_why_this_crew_is_answered_with_the_next_best(console: Console) -> None:
    stop, shift, tried = console.movable()
    able = [row for row in tried if row["reason"] is None and row["shift_id"] != shift]
    panel = console.choose(stop["visit"]["id"])

    panel.get_by_role("button", name="Why this crew?").click()

    expect(panel.locator("[data-verdict=served] .line")).to_have_count(min(3, len(able)))


def test_an_urgent_visit_is_added_and_put_into_one_of_its_three_best_places(
    console: Console,
) -> None:
    page = console.page
    like = console.movable()[0]["visit"]
    before = {row["visit"]["id"] for row in console.board()["queue"]}

    page.get_by_role("button", name="Urgent visit …").click()
    page.get_by_role("searchbox", name="Customer or address").fill(like["address"])
    page.get_by_role("dialog").locator("li button").first.click()
    page.get_by_role("combobox", name="Work").select_option(like["work_type"])
    page.get_by_role("button", name="Add and show the best places").click()
    places = page.locator("ol.places li")
    expect(places).to_have_count(3)
    expect(places.first).to_contain_text(re.compile("displaces nothing|delays|puts out"))
    visit = page.locator("[data-panel]").get_attribute("data-panel")
    places.first.get_by_role("button", name="Insert").click()

    assert visit is not None
    assert visit not in before
    expect(console.block(visit)).to_be_attached()


def test_a_visit_that_waits_is_split_and_one_part_called_off(console: Console) -> None:
    page = console.page
    visit = _waiting(console, "members")["id"]
    page.locator(f'[data-card="{visit}"] .card-face').click()

    page.get_by_role("button", name="Split …").click()
    page.get_by_role("dialog").get_by_role("button", name="Split", exact=True).click()
    second = visit.removesuffix("-1") + "-2"
    expect(page.get_by_text("The visit is split.")).to_be_visible()
    page.get_by_role("tab", name="Queue").click()
    page.locator(f'[data-card="{second}"] .card-face').click()
    page.get_by_role("button", name="Call off …").click()
    page.get_by_label("Reason").fill("not needed any more")
    page.get_by_role("dialog").get_by_role("button", name="Call off", exact=True).click()

    expect(page.get_by_text("The visit is called off.")).to_be_visible()
    expect(page.locator(f'[data-card="{second}"]')).to_have_count(0)
    expect(page.locator(f'[data-card="{visit}"]')).to_be_visible()
    assert console.get(f"/api/v1/visits/{second}")["status"] == "cancelled"
