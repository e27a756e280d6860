"""Planning on the console: a run, a draft beside the plan in force, publishing, and two dispatchers at once."""

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Route, expect

from tests.browser.console.driving import Console, Json

pytestmark = pytest.mark.system


def test_a_run_is_watched_stopped_early_compared_and_published_to_those_it_names(
    console: Console,
) -> None:
    page = console.page
    page.get_by_role("button", name="Plan again").click()
    expect(page.locator(".run dd").first).to_have_text(re.compile(r"\d"), timeout=20_000)
    page.get_by_role("button", name="Stop, keep the best").click()
    expect(console.state).to_have_text(re.compile(r"Draft \d+"), timeout=20_000)
    draft = console.board()["plan"]

    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("dialog").get_by_role("row", name="Total")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Publish …").click()
    dialog = page.get_by_role("dialog")
    told = console.get(f"/api/v1/plans/{draft['id']}/publication")["told"]
    expect(dialog.locator("tr")).to_have_count(len(told))
    dialog.get_by_role("button", name="Publish and tell them").click()

    expect(console.state).to_have_text(f"Plan {draft['number']} in force")
    assert console.board()["in_force"]["id"] == draft["id"]


def test_a_change_by_another_dispatcher_appears_within_a_second(
    console: Console, another: Callable[..., Console]
) -> None:
    visit = console.movable()[0]["visit"]["id"]
    plan, other = console.board()["plan"]["id"], another()
    took = []

    for is_locked in (True, False, True, False, True):
        version = other.stop(visit)["visit"]["version"]
        where = (
            f"/api/v1/plans/{plan}/locks/{visit}" if is_locked else f"/api/v1/visits/{visit}/lock"
        )
        body = {"crew": True, "time": False} if is_locked else None
        other.send("PUT" if is_locked else "DELETE", where, body, version=version)
        told = time.monotonic()
        expect(console.block(visit).locator("svg")).to_have_count(int(is_locked))
        took.append(time.monotonic() - told)

    # The best of five: what else this machine does is no part of it.
    assert min(took) < 1.0, took


def test_a_draft_by_another_dispatcher_loads_only_the_days_that_it_changes(
    console: Console, another: Callable[..., Console]
) -> None:
    stop, shift, tried = console.movable()
    visit = stop["visit"]["id"]
    goal = next(row for row in tried if row["reason"] is None and row["shift_id"] != shift)
    plan = console.board()["plan"]
    body = {"visit_id": visit, "shift_id": goal["shift_id"], "version": plan["version"]}

    with console.page.expect_response(lambda answer: f"than={plan['id']}" in answer.url) as told:
        made = another().send("POST", f"/api/v1/plans/{plan['id']}/moves", body)

    expect(console.state).to_have_text(f"Draft {made['number']}")
    expect(console.lane(goal["shift_id"]).locator(f'[data-visit="{visit}"]')).to_be_attached()
    loaded = told.value.json()
    assert loaded["plan"]["id"] == made["id"]
    days = {row["shift_id"] for row in loaded["crews"]}
    assert {shift, goal["shift_id"]} <= days
    assert len(days) < len(console.board()["crews"]) / 2


def test_two_who_move_the_same_visit_are_told_of_each_other_and_nothing_is_lost(
    console: Console, another: Callable[..., Console]
) -> None:
    stop, shift, tried = console.movable()
    visit = stop["visit"]["id"]
    goals = [row["shift_id"] for row in tried if row["reason"] is None and row["shift_id"] != shift]
    plan = console.board()["plan"]
    other = another()
    theirs: list[Json] = []

    def first(route: Route) -> None:
        body = {"visit_id": visit, "shift_id": goals[-1], "version": plan["version"]}
        theirs.append(other.send("POST", f"/api/v1/plans/{plan['id']}/moves", body))
        route.continue_()

    console.page.route("**/moves", first)
    console.drag(visit, goals[0])

    said = console.page.get_by_role("alert")
    expect(said).to_contain_text("edited the same plan first")
    drafts = [row["id"] for row in console.board()["plans"] if row["status"] == "proposed"]
    assert len(drafts) == 2
    assert theirs[0]["id"] in drafts
    said.get_by_role("button", name="Show draft").click()
    expect(console.lane(goals[-1]).locator(f'[data-visit="{visit}"]')).to_be_attached()
