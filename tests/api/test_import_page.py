"""Files in and out as a page, in both languages."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from dispatch.core.config import Settings
from dispatch.core.db import Database
from tests.api.conftest import SignIn
from tests.api.test_imports import BAD, GOOD, sent, worked
from tests.builders.importing import make_town

HTML = {"Accept": "text/html"}
PAGE = "/import?territory=town"


@pytest.fixture
def admin(sign_in: SignIn, database: Database, tmp_path: Path) -> TestClient:
    make_town(database, tmp_path)
    return sign_in("admin")


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["Files in and out", "Nothing has been imported yet", "Send and check", "Premises"]),
        ("zh-CN", ["数据导入与导出", "尚未导入过数据", "上传并检查", "用电地址"]),
    ],
)
def test_the_empty_page_says_what_to_do(admin: TestClient, language: str, words: list[str]) -> None:
    page = admin.get(f"{PAGE}&lang={language}", headers=HTML).text

    for word in words:
        assert word in page
    assert "/api/v1/territories/town/exports/customers.csv" in page
    assert "<script>" not in page


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["Refused; nothing was changed", "it is empty.", "a name of 1 to 120 characters"]),
        ("zh-CN", ["已拒绝，未作更改", "内容为空。", "1 至 120 字的名称", "列对应关系"]),
    ],
)  # fmt: skip
def test_a_refused_import_shows_what_is_wrong_and_what_would_be_right(
    admin: TestClient, database: Database, settings: Settings, language: str, words: list[str]
) -> None:
    address = sent(admin, BAD, name="客户<b>.csv")
    number = address.rsplit("/", 1)[1]
    page = f"{PAGE}&import={number}&lang={language}"
    assert 'data-do="check"' in admin.get(page, headers=HTML).text
    admin.post(f"{address}/start", json={})
    waiting = admin.get(page, headers=HTML).text
    assert "data-waiting" in waiting
    assert 'data-do="stop"' in waiting
    worked(database, settings)

    shown = admin.get(page, headers=HTML).text

    for word in words:
        assert word in shown
    assert "客户&lt;b&gt;.csv" in shown
    assert '<option value="户名" selected>' in shown
    assert "data-waiting" not in shown


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", '<td lang="en">'), ("zh-CN", '<td lang="zh-CN">班组在该时间已有班次。</td>')],
)
def test_what_an_operation_refuses_is_said_in_the_pages_language(
    admin: TestClient, database: Database, settings: Settings, language: str, said: str
) -> None:
    rows = "crew_id,day,starts,ends\nK1,2026-04-10,08:00,17:00\nK1,2026-04-10,09:00,12:00\n"
    address = sent(admin, rows.encode(), name="shifts.csv", kind="shifts")
    admin.post(f"{address}/start", json={})
    worked(database, settings)

    page = f"{PAGE}&import={address.rsplit('/', 1)[1]}&lang={language}"

    assert said in admin.get(page, headers=HTML).text


def test_a_bad_telephone_number_is_said_in_the_pages_language_whoevers_it_is(
    admin: TestClient, database: Database, settings: Settings
) -> None:
    files = {
        "customers": "id,name,phone\nC9,甲,call me\n",
        "crews": "id,depot_id,name_zh,name_en,phone\nK9,north,九班,Crew 9,call me\n",
        "members": "id,crew_id,name,phone\nM9,K1,钱七,call me\n",
    }
    for kind, rows in files.items():
        address = sent(admin, rows.encode(), name=f"{kind}.csv", kind=kind)
        admin.post(f"{address}/start", json={})
        worked(database, settings)

        page = f"{PAGE}&import={address.rsplit('/', 1)[1]}&lang=zh-CN"

        assert "不是电话号码" in admin.get(page, headers=HTML).text, kind


def test_an_import_that_is_done_has_no_buttons_left(
    admin: TestClient, database: Database, settings: Settings
) -> None:
    address = sent(admin, GOOD)
    admin.post(f"{address}/start", json={"dry_run": False})
    worked(database, settings)

    page = admin.get(f"{PAGE}&import={address.rsplit('/', 1)[1]}&lang=en", headers=HTML).text

    assert "All of it is in the database." in page
    assert 'data-do="take"' not in page
    assert "Import 1" in admin.get(f"{PAGE}&lang=en", headers=HTML).text


def test_only_who_may_import_opens_the_page(admin: TestClient, sign_in: SignIn) -> None:
    assert sign_in("dispatcher").get(PAGE, headers=HTML).status_code == 403
    assert admin.get(f"{PAGE}&import=999", headers=HTML).status_code == 404
