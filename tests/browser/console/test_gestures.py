"""What a dispatcher does with a visit on the board: each gesture, as a person makes it."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.console.driving import Console, instant, stops

pytestmark = pytest.mark.system


def test_a_visit_is_dragged_to_another_crew_and_locked_there(console: Console) -> None:
    stop, shift, tried = console.movable()
    visit = stop["visit"]["id"]
    goal = next(row for row in tried if row["reason"] is None and row["shift_id"] != shift)

    console.drag(visit, goal["shift_id"])

    expect(console.lane(goal["shift_id"]).locator(f'[data-visit="{visit}"]')).to_be_visible()
    expect(console.state).to_have_text(re.compile(r"Draft \d+"))
    moved = console.stop(visit)
    assert moved["visit"]["locked_crew"]
    assert instant(moved["start_at"]) == instant(goal["start_at"])


def test_a_crew_that_cannot_take_the_visit_is_dimmed_with_the_reason_and_refuses_it(
    console: Console,
) -> None:
    stop, shift, tried = console.movable()
    visit = stop["visit"]["id"]
    refusing = next(row for row in tried if row["reason"])
    able = next(row for row in tried if row["reason"] is None and row["shift_id"] != shift)
    before = console.board()["plan"]["id"]

    console.drag(visit, refusing["shift_id"], drop=False)
    expect(console.lane(refusing["shift_id"])).to_have_class(re.compile("refused"))
    expect(console.lane(refusing["shift_id"]).locator(".verdict.bad")).not_to_be_empty()
    expect(console.lane(able["shift_id"]).locator(".verdict")).to_contain_text("min driving")
    console.page.mouse.up()

    expect(console.page.get_by_role("alert")).to_contain_text("It cannot go there.")
    assert console.board()["plan"]["id"] == before


def test_a_visit_dragged_to_the_queue_waits_there(console: Console) -> None:
    stop, _, _ = console.movable()
    visit = stop["visit"]["id"]

    console.take(visit)
    console.page.mouse.move(*console.middle(console.page.locator("[data-queue] .drop")), steps=4)
    console.page.mouse.up()

    expect(console.page.locator(f'[data-card="{visit}"]')).to_be_visible()
    assert visit not in {row["visit"]["id"] for row in stops(console.board())}


def test_a_visit_is_locked_to_its_crew_and_its_time_and_unlocked(console: Console) -> None:
    stop, _, _ = console.movable()
    visit = stop["visit"]["id"]
    panel = console.choose(visit)

    panel.get_by_role("button", name="Lock both").click()
    expect(panel.get_by_text("crew locked")).to_be_visible()
    expect(panel.get_by_text("time locked")).to_be_visible()
    locked = console.stop(visit)["visit"]
    panel.get_by_role("button", name="Unlock").click()
    expect(panel.get_by_text("crew locked")).to_be_hidden()

    assert locked["locked_crew"]
    assert instant(locked["locked_start_at"]) == instant(stop["start_at"])
    assert not console.stop(visit)["visit"]["locked_crew"]


def test_the_keyboard_walks_the_board_and_moves_a_visit(console: Console) -> None:
    stop, shift, tried = console.movable()
    visit = stop["visit"]["id"]
    able = [row for row in tried if row["reason"] is None and row["shift_id"] != shift]
    best = min(able, key=lambda row: row["cost"])
    first = console.page.locator("button.block").first
    first.focus()
    console.page.keyboard.press("ArrowRight")
    walked = console.page.evaluate("() => document.activeElement.dataset.visit")

    console.block(visit).focus()
    console.page.keyboard.press("m")
    list_of_crews = console.page.get_by_role("region", name="Move to")
    list_of_crews.get_by_role("button").first.focus()
    console.page.keyboard.press("Enter")

    assert walked not in {None, first.get_attribute("data-visit")}
    expect(console.lane(best["shift_id"]).locator(f'[data-visit="{visit}"]')).to_be_attached()


def test_what_is_chosen_in_one_place_is_chosen_everywhere_and_found_by_its_customer(
    console: Console,
) -> None:
    row = console.board()["queue"][0]["visit"]

    console.page.keyboard.press("/")
    console.page.keyboard.type(row["customer_name"])
    console.page.get_by_role("option").filter(has_text=row["customer_name"]).first.click()

    expect(console.page.locator("[data-panel]")).to_contain_text(row["customer_name"])
    expect(console.page.locator(".console canvas.maplibregl-canvas")).to_be_visible()
