"""The pages that are built ahead, as the server hands them out."""

import json
import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from api.app import create_app
from api.cli.interface import document
from api.pages import built, crew_page
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.planning.engine import in_process
from dispatch.registry.tables import Account
from tests.api.conftest import SignIn

PAGE = """<!doctype html>
<html lang="en">
<head><script type="application/json" id="start">{}</script></head></html>
"""


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("console", "crew"):
        (tmp_path / f"{name}.html").write_text(PAGE, encoding="utf-8")
    (tmp_path / "crew-worker.js").write_text("// keeps the page\n", encoding="utf-8")
    for module in (built, crew_page):
        monkeypatch.setattr(module, "BUNDLE", tmp_path)
    return tmp_path


def started(html: str) -> dict[str, object]:
    found = re.search(r'id="start">(.*?)</script>', html)
    assert found is not None
    content: dict[str, object] = json.loads(found[1])
    return content


def test_the_console_starts_from_who_is_asking_and_in_which_language(
    sign_in: SignIn, bundle: Path
) -> None:
    dispatcher = sign_in("dispatcher")

    chinese = dispatcher.get("/console")
    english = dispatcher.get("/console", params={"lang": "en"})

    start = started(chinese.text)
    assert '<html lang="zh-CN">' in chinese.text
    assert "plan:publish" in start["me"]["permissions"]  # type: ignore[index]
    assert start["problems"]["crew_busy"].startswith("班组")  # type: ignore[index]
    assert '<html lang="en">' in english.text
    assert started(english.text)["problems"] == {}


def test_a_crews_account_is_sent_from_the_console_to_its_own_day(
    sign_in: SignIn, crew_a: str, bundle: Path
) -> None:
    answer = sign_in("crew", crew_id=crew_a).get("/console", follow_redirects=False)

    assert answer.status_code == 303
    assert answer.headers["location"] == "/crew"


def test_the_first_page_is_the_console_of_what_was_asked_for(sign_in: SignIn, bundle: Path) -> None:
    asked = sign_in("dispatcher").get("/?territory=humen&lang=en", follow_redirects=False)

    assert (asked.status_code, asked.headers["location"]) == (
        303,
        "/console?territory=humen&lang=en",
    )


def test_a_hostile_name_does_not_leave_the_block_it_is_in(
    sign_in: SignIn, database: Database, bundle: Path
) -> None:
    hostile = "</script><script>alert(1)</script>"
    client = sign_in("dispatcher")
    with transaction(database) as session:
        session.execute(sa.update(Account).values(name=hostile))

    page = client.get("/console").text

    assert "<script>alert" not in page
    assert started(page)["me"]["account"]["name"] == hostile  # type: ignore[index]


def test_a_crews_account_lands_on_its_own_day_and_sees_no_other(
    sign_in: SignIn, crew_a: str, crew_b: str, bundle: Path
) -> None:
    crew = sign_in("crew", crew_id=crew_a)

    page = crew.get("/", headers={"Accept": "text/html"})

    assert page.url.path == "/crew"
    assert started(page.text)["me"]["account"]["crew_id"] == crew_a  # type: ignore[index]
    assert crew.get(f"/crew/{crew_a}").status_code == 200
    assert crew.get(f"/crew/{crew_b}").status_code == 404


def test_the_office_opens_the_day_of_any_crew_there_is(
    sign_in: SignIn, crew_a: str, bundle: Path
) -> None:
    dispatcher = sign_in("dispatcher")

    assert dispatcher.get(f"/crew/{crew_a}?day=2026-03-10").status_code == 200
    assert dispatcher.get("/crew/K99").status_code == 404
    assert dispatcher.get("/crew", follow_redirects=False).headers["location"] == "/"


def test_what_keeps_the_crews_page_is_a_script_of_everybodys(
    anonymous: TestClient, bundle: Path
) -> None:
    answer = anonymous.get("/crew-worker.js")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == "no-store"


def test_whoever_is_not_signed_in_is_asked_to_and_comes_back_to_the_console(
    anonymous: TestClient,
) -> None:
    answer = anonymous.get("/console", headers={"Accept": "text/html"})

    assert answer.status_code == 401
    assert 'data-then="/console"' in answer.text


def test_sources_without_the_bundle_say_how_to_build_it(sign_in: SignIn, bundle: Path) -> None:
    (bundle / "console.html").unlink()

    answer = sign_in("dispatcher").get("/console")

    assert answer.status_code == 503
    assert "./run setup" in answer.json()["detail"]


def test_pages_may_load_nothing_from_elsewhere_but_the_tiles_that_are_configured(
    anonymous: TestClient, tmp_path: Path
) -> None:
    policy = anonymous.get("/healthz").headers["content-security-policy"]
    settings = Settings(data_dir=tmp_path, tiles_url="https://tiles.example/{z}/{x}/{y}.png?key=1")
    other = create_app(settings, Database("sqlite:///:memory:"), engine=in_process)

    with_tiles = TestClient(other).get("/healthz").headers["content-security-policy"]

    assert "unsafe" not in policy
    assert "http" not in policy
    assert "connect-src 'self' https://tiles.example" in with_tiles
    assert "script-src 'self';" in with_tiles


def test_the_document_of_the_interface_needs_nothing_running_and_is_repeatable() -> None:
    assert document() == document()
    assert "/api/v1/territories/{territory_id}/days/{day}/board" in document()["paths"]
