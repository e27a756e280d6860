"""The office's pages of what customers are told and asked: messages, their texts, and calls."""

import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.console.conftest import PATIENCE_MS
from tests.browser.console.driving import Console, Json

pytestmark = pytest.mark.system

LOG = "/api/v1/territories/humen/message-log"
SHOWN = {
    "pending": "Waits to be sent",
    "sent": "Sent",
    "deferred": "Waits for the morning",
    "suppressed": "Not sent",
    "expired": "Not sent, too late",
}
"""Where a message of the published day can be, whatever the hour of this test is, and how the page says it."""
GOOD = {"supply": "good", "voltage": "yes", "satisfaction": "5"}


@pytest.fixture
def office(another: Callable[..., Console], troubles: list[str]) -> Iterator[Console]:
    """A page of the office; in the end none has written an error."""
    yield another()
    assert troubles == []


def opened(office: Console, address: str) -> Page:
    """The page at `address`, in English."""
    office.page.goto(f"{address}{'&' if '?' in address else '?'}lang=en")
    return office.page


def _is_at_rest(row: Json) -> bool:
    return row["status"] != "pending" or row["channel"] == "print"


def settled(office: Console) -> list[Json]:
    """The newest messages, when none is on its way any more; letters wait until somebody carries them out."""
    end = time.monotonic() + PATIENCE_MS / 1000
    while True:
        rows: list[Json] = office.get(f"{LOG}?limit=50")["items"]
        if rows and all(row["status"] in SHOWN and _is_at_rest(row) for row in rows):
            return rows
        assert time.monotonic() < end, "messages of the published day are still on their way"
        time.sleep(0.3)


def test_what_one_customer_was_told_and_whether_it_arrived_is_found_by_the_number_of_the_work(
    office: Console,
) -> None:
    told = next(row for row in settled(office) if row["status"] != "suppressed")
    page = opened(office, "/console/messages?territory=humen")

    page.get_by_role("searchbox").fill(told["work_order_id"])
    page.get_by_role("button", name="Find").click()
    page.locator("#hits a", has_text=told["work_order_id"]).first.click()
    expect(page.get_by_role("heading", name=f"About {told['work_order_id']}")).to_be_visible()
    lines = page.locator("ul.log > li")
    customers = office.get(f"/api/v1/customers/{told['customer_id']}/messages")["items"]
    expect(lines).to_have_count(
        sum(row["work_order_id"] == told["work_order_id"] for row in customers)
    )
    lines.locator(f'a[href*="message={told["id"]}#"]', has_text=told["customer_name"]).click()

    read = page.locator("#opened")
    expect(read.get_by_role("heading")).to_contain_text(told["customer_name"])
    expect(read.locator(".chip").first).to_have_text(SHOWN[told["status"]])
    expect(read.locator("pre")).to_contain_text(told["subject"])
    expect(read.locator("pre")).to_contain_text("(the customer's link)")
    expect(read.locator("dd", has_text=told["recipient"])).to_be_visible()
    (same,) = [row for row in customers if row["id"] == told["id"]]
    assert same["status"] == told["status"]
    assert same["text"].splitlines()[0] in read.locator("pre").inner_text()


def test_messages_that_were_not_sent_are_picked_out_and_say_why(office: Console) -> None:
    settled(office)
    kept_back = office.get(f"{LOG}?status=suppressed&limit=50")["items"]
    assert kept_back, (
        "no letter reaches those of the first hours any more who have no other address"
    )
    page = opened(office, "/console/messages?territory=humen")

    page.get_by_label("Fate").select_option(label="Not sent")
    page.get_by_role("button", name="Show", exact=True).click()

    lines = page.locator("ul.log > li")
    expect(lines).to_have_count(len(kept_back))
    assert set(lines.locator(".chip").all_inner_texts()) == {"Not sent"}
    expect(lines.filter(has_text="has no address").first).to_be_visible()
    expect(lines.first).to_contain_text(kept_back[0]["customer_name"])
    page.get_by_role("link", name="Show all").click()
    expect(page.locator("ul.log > li").first).to_contain_text(
        office.get(f"{LOG}?limit=1")["items"][0]["customer_name"]
    )


TEXT = "/api/v1/templates/put_off/email/en"
EDITOR = "/console/templates?name=put_off&kind=email&language=en"


def versions(office: Console) -> list[Json]:
    """The versions of the text that these tests edit."""
    found: list[Json] = office.get(TEXT)["versions"]
    return found


def test_a_text_with_an_unknown_word_is_refused_and_the_word_is_named(office: Console) -> None:
    before = versions(office)
    page = opened(office, EDITOR)
    preview = page.locator("#preview-body")
    expect(preview).to_contain_text("Chen Xiaoming")

    page.locator("textarea[name=body]").fill("Dear {{ reader }},\n\nyour {{ colour }} visit\n")
    mistake = page.locator("#mistake")
    expect(mistake).to_have_text("Line 3: colour is no placeholder of this text.")
    page.get_by_role("button", name="Keep as draft").click()

    expect(page.get_by_role("alert")).to_be_visible()
    expect(mistake).to_contain_text("colour")
    assert versions(office) == before


def test_a_text_is_edited_seen_in_both_languages_tried_out_and_put_in_force(
    office: Console,
) -> None:
    number = versions(office)[0]["number"] + 1
    page = opened(office, EDITOR)
    page.locator("textarea[name=body]").fill(
        "Dear {{ reader }},\n\nwe come on another day to {{ address }}.\n"
    )
    preview = page.locator("#preview-body")
    expect(preview).to_contain_text("we come on another day to 1 Jiefang Road")
    page.get_by_role("button", name="Keep as draft").click()

    expect(page.get_by_text(f"Version {number} · draft")).to_be_visible()
    expect(preview).to_contain_text("we come on another day")
    (draft,) = [row for row in versions(office) if row["number"] == number]
    assert "another day to {{ address }}" in draft["body"]
    assert not draft["is_active"]

    page.get_by_label("Your own address").fill("office@example.com")
    page.get_by_role("button", name="Send a test").click()
    expect(page.get_by_text("On its way to office@example.com")).to_be_visible()
    wait_for_event(office, "template.test_sent", "put_off.email.en")

    page.get_by_role("button", name=f"Put version {number} in force").click()
    expect(page.get_by_text(f"Version {number} · in force")).to_be_visible()
    assert [row["number"] for row in versions(office) if row["is_active"]] == [number]

    page.get_by_role("link", name="Email · Chinese").click()
    expect(page.locator("#preview-subject")).to_contain_text("虎门供电分局")
    expect(page.locator(".tabs [aria-current]")).to_have_text("Email · Chinese")

    page.goto(f"{EDITOR}&version=0")
    page.get_by_role("button", name="Go back to this text").click()
    expect(page.get_by_text("The text that Gridcrew comes with · in force")).to_be_visible()
    assert [row["number"] for row in versions(office) if row["is_active"]] == [0]


def wait_for_event(office: Console, type: str, subject: str) -> None:
    """Wait until the trail of the template has an event of this type."""
    end = time.monotonic() + PATIENCE_MS / 1000
    path = f"/api/v1/events?entity=template&entity_id={subject}"
    while not any(event["type"] == type for event in office.get(path)["items"]):
        assert time.monotonic() < end, f"no {type} of {subject}"
        time.sleep(0.3)


CALLS = "/console/calls?territory=humen"


def waiting(office: Console) -> list[Json]:
    """The calls of the published day that nobody has tried yet."""
    rows: list[Json] = office.get(f"/api/v1/territories/humen/calls?day={office.date}")
    return [row for row in rows if not row["tries"]]


def take(office: Console) -> tuple[Page, Json]:
    """Take a call of the list on the page; the call."""
    call = waiting(office)[0]
    page = opened(office, f"{CALLS}&day={office.date}")
    page.locator(f'#calls li a[href*="call={call["work_order_id"]}"]').click()
    expect(page.get_by_role("heading", name=call["customer_name"])).to_be_visible()
    page.get_by_role("button", name="Take this call").click()
    expect(page.locator("a.number")).to_be_visible()
    return page, call


def answer(page: Page, answers: dict[str, str]) -> None:
    """Choose the answers to the script's questions."""
    for question, value in answers.items():
        page.locator(f'input[name="answer.{question}"][value="{value}"]').check()


def last_attempt(office: Console, call: Json) -> Json:
    """What came of the call, as the API has it."""
    attempt: Json = office.get(f"/api/v1/calls/{call['work_order_id']}")["last"][0]
    return attempt


def test_who_was_reached_has_answered_the_script_and_is_called_again_when_the_series_says(
    office: Console,
) -> None:
    page, call = take(office)
    expect(page.get_by_text(call["script"]["greeting"]["en"])).to_be_visible()
    expect(page.get_by_text("How has your supply been lately?")).to_be_hidden()

    page.get_by_label("Reached", exact=True).check()
    expect(page.get_by_text("How has your supply been lately?")).to_be_visible()
    page.get_by_role("button", name="Done").click()
    assert office.get(f"/api/v1/calls/{call['work_order_id']}")["last"] == call["last"]
    answer(page, GOOD)
    page.get_by_role("button", name="Done").click()

    shown = page.locator(".call")
    expect(shown.locator(".chip", has_text="over")).to_be_visible()
    expect(shown.locator("dd", has_text="Reached")).to_be_visible()
    expect(shown.get_by_text("Next follow-up")).to_be_visible()
    expect(shown).to_contain_text(call["next_on"][:4])
    assert call["next_on"] > office.date
    attempt = last_attempt(office, call)
    assert (attempt["outcome"], attempt["answers"], attempt["requests"]) == ("reached", GOOD, [])
    assert call["work_order_id"] not in {row["work_order_id"] for row in waiting(office)}


def test_who_does_not_answer_is_on_the_list_again_with_the_time_to_try(office: Console) -> None:
    page, call = take(office)

    page.get_by_label("No answer").check()
    expect(page.get_by_text("They are called again at another time of day")).to_be_visible()
    page.get_by_role("button", name="Done").click()

    shown = page.locator(".call")
    expect(shown.locator("dd", has_text="No answer")).to_be_visible()
    expect(shown.locator(".chip", has_text="tried: 1")).to_be_visible()
    row = page.locator(f'#calls li:has(a[href*="call={call["work_order_id"]}"])')
    expect(row.locator(".chip", has_text="again ")).to_be_visible()
    attempt = last_attempt(office, call)
    assert attempt["outcome"] == "no_answer"
    assert attempt["again_at"] is not None


def test_a_request_that_the_caller_opens_stands_with_the_call_and_at_its_counter(
    office: Console,
) -> None:
    page, call = take(office)
    page.get_by_label("Reached", exact=True).check()
    answer(page, GOOD)
    page.get_by_text("Open a request for the customer").click()
    page.get_by_label("Kind").select_option("metering")
    page.get_by_label("What it is about").fill("The meter ticks")
    page.get_by_role("button", name="Done").click()

    expect(page.locator(".call .chip", has_text="over")).to_be_visible()
    (number,) = last_attempt(office, call)["requests"]
    expect(page.get_by_text(f"opened request {number}")).to_be_visible()
    request = office.get(f"/api/v1/requests/{number}")
    assert (request["kind"], request["subject"]) == ("metering", "The meter ticks")
    assert request["customer_id"] == call["customer_id"]


def test_a_day_without_calls_leads_to_the_next_one_that_has_some(office: Console) -> None:
    waiting(office)
    page = opened(office, f"{CALLS}&day=2020-01-01")
    expect(page.get_by_text("No calls to make.")).to_be_visible()

    page.get_by_role("link", name="The next ones").click()

    expect(page.locator("#calls li a").first).to_be_visible()
