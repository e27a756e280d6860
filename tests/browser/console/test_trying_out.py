"""Trying things out: a branch of the day, and taking one's last edit back."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.console.driving import Console, Json

pytestmark = pytest.mark.system


def _move(console: Console) -> tuple[str, Json]:
    """Move a visit by its panel to the crew that takes it at the least cost; the visit, and where it went."""
    stop, shift, tried = console.movable()
    able = [row for row in tried if row["reason"] is None and row["shift_id"] != shift]
    best: Json = min(able, key=lambda row: row["cost"])
    panel = console.choose(stop["visit"]["id"])
    panel.get_by_role("button", name="Move to another crew").click()
    panel.locator("ol").get_by_role("button").first.click()
    visit: str = stop["visit"]["id"]
    expect(console.lane(best["shift_id"]).locator(f'[data-visit="{visit}"]')).to_be_attached()
    return visit, best


def _branch(page: Page, name: str) -> None:
    page.get_by_role("button", name="Try out in a branch …").click()
    page.get_by_label("Name of the branch").fill(name)
    page.get_by_role("button", name="Begin").click()
    expect(page.locator(".state h2")).to_have_text(f"Branch: {name}")


def test_a_branch_is_changed_compared_and_merged_into_the_draft(console: Console) -> None:
    page, before = console.page, console.board()["plan"]["id"]
    _branch(page, "rain")
    visit, moved = _move(console)
    assert console.board()["plan"]["id"] == before, "a branch changes nothing but itself"

    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("dialog")).to_contain_text(visit)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Merge").click()

    expect(page.get_by_text("Merged: the draft has what was tried out.")).to_be_visible()
    board = console.board()
    assert board["plan"]["id"] != before
    assert board["plan"]["branch"] is None
    crew = next(row for row in board["crews"] if row["shift_id"] == moved["shift_id"])
    assert visit in {row["visit"]["id"] for row in crew["stops"]}


def test_a_branch_is_dropped_and_leaves_nothing(console: Console) -> None:
    before = console.board()["plan"]["id"]
    _branch(console.page, "heat")
    _move(console)

    console.page.get_by_role("button", name="Drop the branch").click()

    expect(console.page.get_by_text("The branch is dropped.")).to_be_visible()
    board = console.board()
    assert board["plan"]["id"] == before
    assert not [row for row in board["plans"] if row["branch"] and row["status"] == "proposed"]


def test_the_last_edit_is_taken_back_by_its_key(console: Console) -> None:
    visit, moved = _move(console)

    console.page.keyboard.press("Control+z")

    expect(console.page.get_by_text("Undone: move")).to_be_visible()
    expect(console.lane(moved["shift_id"]).locator(f'[data-visit="{visit}"]')).to_have_count(0)
    assert not console.stop(visit)["visit"]["locked_crew"]
