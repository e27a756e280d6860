"""Making a visit fit on the console: what keeps it out is changed for the day, and taken back by one key."""

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.console.driving import OPEN, Console, Json, stops

pytestmark = pytest.mark.system


def _asked(console: Console, kind: str) -> tuple[str, Json, Locator]:
    """A visit that a change of this kind would make fit, the change, and what the page says of why not."""
    for _ in range(8):
        board = console.board()
        for row in board["queue"]:
            visit = row["visit"]["id"]
            found = _explained(console, board, visit)
            change = next((each for each in found["changes"] if each["kind"] == kind), None)
            if change is not None and _can_be_made(console, board, visit, change):
                card = console.page.locator(f'[data-card="{visit}"]')
                card.get_by_role("button", name="Why not planned?").click()
                return visit, change, console.page.locator("[data-verdict]")
        _make_room(console, board, kind)
    raise AssertionError(f"no visit of the example fits by {kind}")


def _can_be_made(console: Console, board: Json, visit: str, change: Json) -> bool:
    """Whether, when a member must be lent, there is anybody: the plan decides who is free."""
    if change["kind"] != "skill":
        return True
    path = f"/api/v1/plans/{board['plan']['id']}/visits/{visit}/shifts/{change['shift_id']}/lendable-members"
    found: Json = console.get(path)
    return len(found["members"]) >= max(1, found["needed"])


def _explained(console: Console, board: Json, visit: str) -> Json:
    found: Json = console.get(f"/api/v1/plans/{board['plan']['id']}/visits/{visit}/explanation")
    return found


def _make_room(console: Console, board: Json, reason: str) -> None:
    """Put back a visit of a crew that lacks nothing but this, and is too full even with it."""
    for row in board["queue"]:
        if row["reason"] != reason:
            continue
        reasons = _explained(console, board, row["visit"]["id"])["reasons"]
        lacking = {each["crew_id"] for each in reasons if each["reason"] == reason}
        for crew in board["crews"]:
            free = [each["visit"] for each in crew["stops"] if each["visit"]["status"] in OPEN]
            if crew["crew_id"] in lacking and len(free) > 1:
                plan = board["plan"]
                body = {"visit_id": free[-1]["id"], "version": plan["version"]}
                console.send("POST", f"/api/v1/plans/{plan['id']}/put-backs", body)
                return


def _shift(console: Console, shift: str) -> Json:
    rows = console.get(f"{console.day}/shifts")
    return next(row for row in rows if row["shift"]["id"] == shift)


def _is_put_in_and_taken_back(console: Console, visit: str, shift: str, said: str) -> None:
    expect(console.lane(shift).locator(f'[data-visit="{visit}"]')).to_be_attached()
    assert console.stop(visit)["on_plan"]
    console.page.keyboard.press("Control+z")
    expect(console.page.get_by_text(f"Undone: {said}")).to_be_visible()
    expect(console.block(visit)).to_have_count(0)


def _somebody_else_locks_a_visit(console: Console) -> None:
    """A change by another hand, once the page shows it."""
    board = console.board()
    found = next(stop["visit"] for stop in stops(board) if stop["visit"]["status"] in OPEN)
    path = f"/api/v1/plans/{board['plan']['id']}/locks/{found['id']}"
    console.send("PUT", path, {"crew": True, "time": False}, found["version"])
    expect(console.page.locator(f'[data-visit="{found["id"]}"] svg').first).to_be_attached()


def test_overtime_is_allowed_for_the_day_and_the_visit_put_in(console: Console) -> None:
    visit, change, why = _asked(console, "overtime")
    before = _shift(console, change["shift_id"])["shift"]["max_overtime_s"]

    why.get_by_role("button", name="Allow it for this day").click()
    why.get_by_label("Why, and who agreed").fill("the crew agreed on the telephone")
    _somebody_else_locks_a_visit(console)
    expect(why.get_by_label("Why, and who agreed")).to_have_value(
        "the crew agreed on the telephone"
    )
    why.locator("form").get_by_role("button", name="Do this").click()

    expect(console.lane(change["shift_id"]).locator(f'[data-visit="{visit}"]')).to_be_attached()
    allowed = _shift(console, change["shift_id"])["shift"]["max_overtime_s"]
    assert allowed == before + 60 * change["amount"]
    _is_put_in_and_taken_back(console, visit, change["shift_id"], "overtime and insertion")
    assert _shift(console, change["shift_id"])["shift"]["max_overtime_s"] == before


def test_missing_parts_are_put_on_the_vehicle_and_the_visit_put_in(console: Console) -> None:
    visit, change, why = _asked(console, "parts")
    part, before = change["detail"], _shift(console, change["shift_id"])["stock"]

    why.get_by_role("button", name="Load them").click()
    why.get_by_role("button", name="They are loaded").click()

    expect(console.lane(change["shift_id"]).locator(f'[data-visit="{visit}"]')).to_be_attached()
    loaded = _shift(console, change["shift_id"])["stock"]
    assert loaded[part] == before.get(part, 0) + change["amount"]
    _is_put_in_and_taken_back(console, visit, change["shift_id"], "parts and insertion")


def test_a_member_with_the_missing_skill_is_lent_and_the_visit_put_in(console: Console) -> None:
    visit, change, why = _asked(console, "skill")
    before = {row["id"] for row in _shift(console, change["shift_id"])["members"]}

    why.get_by_role("button", name="Lend a member for this day").click()
    lent = why.get_by_label("Member").input_value()
    why.get_by_label("Why, and who agreed").fill("both crews agreed")
    why.locator("form").get_by_role("button", name="Do this").click()

    expect(console.lane(change["shift_id"]).locator(f'[data-visit="{visit}"]')).to_be_attached()
    crew = _shift(console, change["shift_id"])
    assert {row["id"] for row in crew["members"]} == {*before, lent}
    assert crew["skills"][change["detail"]] >= change["amount"]
    _is_put_in_and_taken_back(console, visit, change["shift_id"], "loan and insertion")
    assert {row["id"] for row in _shift(console, change["shift_id"])["members"]} == before
