"""Files in and out as a person uses them: sent, checked, mapped, imported; premises without a position placed."""

import csv
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, Response, Route, expect

pytestmark = pytest.mark.system

FILES = "/import?territory=town&lang=en"
PLACES = "/places?territory=town&lang=en"


def payload(name: str, content: str, encoding: str = "utf-8") -> FilePayload:
    return {"name": name, "mimeType": "text/csv", "buffer": content.encode(encoding)}


def send(page: Page, *files: FilePayload) -> None:
    page.locator("#choose").set_input_files(list(files))
    page.get_by_role("button", name="Send and check").click()


def status(page: Page) -> str:
    """What the page says of the import once it has ended."""
    expect(page.locator("#import:not([data-waiting])")).to_be_visible()
    return page.locator("#import h2").inner_text()


def test_files_are_sent_checked_mapped_and_imported_and_their_premises_placed(
    page: Page, troubles: list[str]
) -> None:
    customers = "编码,单位,级\nBT-1,甲厂,重要\nBT-2,乙厂,\n"
    premises = "用电地址编号,户号,用电地址\nBT-P1,BT-1,解放路1号\n"
    send(page, payload("客户.csv", customers, "gb18030"), payload("用电地址.csv", premises))
    assert status(page) == "Refused; nothing was changed"
    assert "the column id / 户号" in page.locator(".problems").inner_text()

    group = page.locator("fieldset[data-kind=customers]")
    for ours, theirs in (("id", "编码"), ("name", "单位"), ("customer_class", "级")):
        group.locator(f"select[data-column={ours}]").select_option(theirs)
    words = group.locator(".column", has=page.locator("[data-column=customer_class]"))
    words.locator("summary").click()
    words.locator("textarea").fill("重要")
    page.locator("#layout-name").fill("browser")
    page.get_by_role("button", name="Keep the layout and check again").click()
    expect(page.locator("#notice")).to_contain_text("A line is no meaning")
    words.locator("textarea").fill("重要 = B")
    words.locator("input").fill("C")
    group.locator("[data-field=encoding]").fill("gb18030")
    page.get_by_role("button", name="Keep the layout and check again").click()
    expect(page.locator("#import h2")).to_have_text("Checked; nothing was changed")
    expect(words.locator("textarea")).to_have_value("重要 = B\n")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.locator("#import h2")).to_have_text("Imported")
    classes = {
        id: page.request.get(f"/api/v1/customers/{id}").json()["customer_class"]
        for id in ("BT-1", "BT-2")
    }
    assert classes == {"BT-1": "B", "BT-2": "C"}

    page.goto(PLACES)
    row = page.locator("[data-premises=BT-P1]")
    row.get_by_role("button", name="Place", exact=True).click()
    expect(page.locator("#chosen")).to_have_text("解放路1号")
    page.locator("#map").click()
    page.get_by_role("button", name="Place here").click()
    expect(row).to_have_count(0)
    listed = page.request.get("/api/v1/territories/town/unplaced?limit=500").json()["rows"]
    assert "BT-P1" not in [each["premises_id"] for each in listed]
    assert troubles == []


def test_a_file_whose_sending_breaks_off_is_not_imported_and_is_sent_again(
    page: Page, troubles: list[str]
) -> None:
    lines = "".join(f"BH-{number},{'甲' * 40}\n" for number in range(9000))
    opened: list[Response] = []
    page.on("response", lambda answer: opened.append(answer) if answer.status == 201 else None)

    def broken(route: Route) -> None:
        route.abort()

    page.route("**/files/*/1?*", broken)
    send(page, payload("customers.csv", f"id,name\n{lines}"))
    expect(page.locator("#notice")).to_be_visible()
    number = opened[0].json()["id"]

    half = page.context.new_page()
    half.goto(f"{FILES}&import={number}")
    expect(half.locator(".files .chip.warn")).to_contain_text("900,000 of")
    expect(half.locator("[data-do=take], [data-do=check]")).to_have_count(0)

    page.unroute("**/files/*/1?*", broken)
    page.get_by_role("button", name="Send and check").click()
    expect(page.locator("#import h2")).to_have_text("Checked; nothing was changed")
    assert page.url.endswith(f"import={number}")
    assert [trouble for trouble in troubles if "net::ERR_FAILED" not in trouble] == []


def test_every_problem_is_downloaded(page: Page, tmp_path: Path) -> None:
    send(page, payload("customers.csv", "id,name\n" + "".join(f"BB-{n},\n" for n in range(700))))
    assert status(page) == "Refused; nothing was changed"
    expect(page.locator(".problems tbody tr")).to_have_count(100)

    with page.expect_download() as download:
        page.get_by_role("link", name="Download all of it").click()
    download.value.save_as(tmp_path / "problems.csv")

    with (tmp_path / "problems.csv").open(encoding="utf-8-sig", newline="") as file:
        assert len(list(csv.reader(file))) == 701


def test_what_is_wrong_is_read_in_whole_words_on_a_telephone(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    send(page, payload("customers of the third quarter.csv", "id,name,phone\nBB-1,A,1.38E+10\n"))
    assert status(page) == "Refused; nothing was changed"

    sentence = page.locator(".problems tbody td:nth-child(4)").bounding_box()

    assert sentence is not None
    assert sentence["width"] >= 150
