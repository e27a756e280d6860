"""The pages: in both languages, safe with hostile names, quick on a large day."""

import importlib
import pkgutil
import re
from html.parser import HTMLParser
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

import api
import dispatch
from api.pages.texts import Words, problems, table
from dispatch.contact import links
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.core.errors import DispatchError
from dispatch.registry import accounts
from dispatch.registry.tables import Crew, Customer, Premises
from dispatch.work.tables import Visit
from tests.api.conftest import ORIGIN, SignIn, VirtualClock
from tests.builders import planning as day_of
from tests.builders.registry import make_account
from tests.instants import NOW
from tests.pace import quickest

HOSTILE = "<script>alert(1)</script>\"' onload=x"
HTML = {"Accept": "text/html"}
BOARD = f"/api/v1/territories/humen/days/{day_of.DAY}/board"


class _Page(HTMLParser):
    """What a page holds that the content policy forbids, and where it points."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.inline: list[str] = []
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(tag)
        self.inline += [name for name in given if name == "style" or name.startswith("on")]
        loaded = {"script", "link", "img", "iframe", "form"}
        if tag in loaded:
            self.addresses += [
                given[name] or "" for name in ("src", "href", "action") if name in given
            ]


@pytest.fixture
def day(database: Database) -> str:
    """A published day with a hostile customer; the visit's id."""
    with transaction(database) as session:
        day_of.crew_on(session, "K01")
        visit = day_of.job(session, description=HOSTILE)
        day_of.job(session, work_type="PV-CON")
        day_of.published(session)
        session.execute(sa.update(Customer).values(name=HOSTILE))
        session.execute(sa.update(Premises).values(access_notes=HOSTILE))
        session.execute(sa.update(Crew).values(name_zh=HOSTILE, name_en=HOSTILE))
        return visit.id


@pytest.fixture
def link(day: str, settings: Settings, database: Database) -> str:
    with transaction(database) as session:
        visit = session.get_one(Visit, day)
        return "/v/" + links.for_visit(session, settings.key, visit, now=NOW)


def _read(client: TestClient, path: str, language: str) -> str:
    answer = client.get(path, params={"lang": language}, headers=HTML)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert f'<html lang="{language}">' in answer.text
    return answer.text


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("page", ["link", "/sign-in", "/sign-in/" + "x" * 43])
def test_a_page_is_written_in_the_language_without_inline_scripts_and_escapes_names(
    sign_in: SignIn, link: str, language: str, page: str
) -> None:
    text = _read(sign_in("dispatcher"), link if page == "link" else page, language)

    read = _Page(text)
    assert read.inline == []
    assert all(address.startswith("/") for address in read.addresses), read.addresses
    assert "<script>alert" not in text
    assert not re.search(r">\s*(?:day|customer|status|common|sign_in|error)\.[a-z_.]+\s*<", text)
    if page == "link":
        assert "&lt;script&gt;alert(1)" in text


def test_a_difference_that_rounds_to_nothing_has_no_sign() -> None:
    words = Words("en", ZoneInfo("Asia/Shanghai"))

    assert [words.number(value) for value in (-0.3, 0.3, -0.0, -1.2, 1234.5)] == [
        "0", "0", "0", "-1", "1,234",
    ]  # fmt: skip
    assert words.number(-0.04, digits=1) == "0"


def test_both_languages_have_the_same_texts_and_the_same_gaps_in_them() -> None:
    chinese, english = table("zh-CN"), table("en")

    assert set(chinese) == set(english)
    for key, text in english.items():
        gaps = set(re.findall(r"\{(\w+)\}", text))
        assert gaps == set(re.findall(r"\{(\w+)\}", chinese[key])), key


@pytest.mark.parametrize("path", ["/", "/sign-in", "/api/v1/me", "/nothing"])
def test_every_answer_carries_the_security_headers_and_is_not_stored(
    sign_in: SignIn, day: str, path: str
) -> None:
    headers = sign_in("dispatcher").get(path, headers=HTML).headers

    policy = headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["cross-origin-opener-policy"] == "same-origin"


def test_a_link_page_tells_its_address_to_nobody(anonymous: TestClient, link: str) -> None:
    assert anonymous.get(link).headers["referrer-policy"] == "no-referrer"
    assert anonymous.get("/sign-in/" + "x" * 43).headers["referrer-policy"] == "no-referrer"


def test_whoever_is_not_signed_in_gets_the_form_and_a_program_a_problem(
    anonymous: TestClient,
) -> None:
    page = anonymous.get("/", headers=HTML)
    program = anonymous.get("/")

    assert page.status_code == 401
    assert 'data-post="/api/v1/sessions"' in page.text
    assert program.json()["code"] == "not_signed_in"


def test_a_one_time_link_is_used_by_the_press_and_not_by_the_look(
    anonymous: TestClient, database: Database, clock: VirtualClock
) -> None:
    with transaction(database) as session:
        account = make_account(session)
        token = accounts.make_link(session, account_id=account.id, now=clock())

    for _ in range(5):
        assert anonymous.get(f"/sign-in/{token}", headers=HTML).status_code == 200
    assert anonymous.get("/api/v1/me").status_code == 401

    pressed = anonymous.post(
        "/api/v1/sessions/link", json={"token": token}, headers={"Origin": ORIGIN}
    )
    assert pressed.status_code == 201
    assert anonymous.get("/api/v1/me").status_code == 200


def test_a_customers_link_shows_what_when_and_the_number_to_check(
    anonymous: TestClient, link: str, day: str
) -> None:
    shown = anonymous.get("/api/v1/customer-visits/" + link.removeprefix("/v/"))
    english = anonymous.get(link, params={"lang": "en"}, headers=HTML)

    assert shown.status_code == 200
    body = shown.json()
    assert (body["status"], body["number"], body["language"]) == ("scheduled", day, "zh-CN")
    assert len(body["check_number"]) == 4
    assert body["check_number"] in english.text
    assert "Scheduled" in english.text
    assert body["may"] == ["call", "cancel", "choose", "note"]


def test_a_customers_page_names_no_neighbour_and_no_notes_for_the_crew(
    anonymous: TestClient, link: str
) -> None:
    body = anonymous.get("/api/v1/customer-visits/" + link.removeprefix("/v/")).json()

    assert set(body) == {
        "number", "language", "status", "purpose", "company", "address", "zone", "window_start_at",
        "window_end_at", "promised", "confirmed", "crew", "check_number", "done_code", "finished_at",
        "outcome", "may",
    }  # fmt: skip


@pytest.mark.parametrize("damage", [lambda t: t[:-1], lambda t: t + "x", lambda t: "x" + t[1:]])
def test_a_damaged_link_opens_nothing(anonymous: TestClient, link: str, damage: Any) -> None:
    token = damage(link.removeprefix("/v/"))

    assert anonymous.get(f"/api/v1/customer-visits/{token}").status_code in {403, 410}
    page = anonymous.get(f"/v/{token}", headers=HTML)
    assert page.status_code in {403, 410}
    assert "<html" in page.text


def test_an_expired_link_says_so(anonymous: TestClient, link: str, clock: VirtualClock) -> None:
    clock.forward(days=4)

    answer = anonymous.get("/api/v1/customer-visits/" + link.removeprefix("/v/"))

    assert (answer.status_code, answer.json()["code"]) == (410, "link_expired")


def test_looking_changes_nothing(
    sign_in: SignIn, link: str, database: Database, anonymous: TestClient
) -> None:
    client = sign_in("dispatcher")
    client.get("/api/v1/me")
    before = _everything(database)

    for path in ("/", "/sign-in", link, f"{link}/windows", f"{link}/appointment.ics"):
        client.get(path, headers=HTML)
        anonymous.get(path, headers=HTML)

    assert _everything(database) == before


def _everything(database: Database) -> dict[str, int]:
    with database.engine.connect() as connection:
        names = sa.inspect(connection).get_table_names()
        return {
            name: hash(str(sorted(map(str, connection.exec_driver_sql(f'SELECT * FROM "{name}"')))))
            for name in names
        }


def test_the_board_of_a_thousand_visits_is_quick_and_asks_no_more_than_that_of_ten(
    sign_in: SignIn, database: Database
) -> None:
    client = sign_in("dispatcher")
    with transaction(database) as session:
        shifts = [day_of.crew_on(session, f"K{n:02d}") for n in range(20)]
        for n in range(10):
            day_of.job(session, east=n / 10)
        day_of.published(session)
    statements_of_ten = _statements(client, database)
    with transaction(database) as session:
        original = session.exec(sa.select(Visit)).scalars().first()  # type: ignore[call-overload]
        assert original is not None
        _copy(session, original.id, [shift.id for shift in shifts], 1000)

    assert _statements(client, database) == statements_of_ten
    assert quickest(lambda: client.get(BOARD)) < 0.2


def _statements(client: TestClient, database: Database) -> int:
    client.get(BOARD)
    counted: list[str] = []

    def count(*args: Any) -> None:
        counted.append(args[2])

    sa.event.listen(database.engine, "before_cursor_execute", count)
    answer = client.get(BOARD)
    sa.event.remove(database.engine, "before_cursor_execute", count)
    assert answer.status_code == 200
    return len([one for one in counted if one.lstrip().startswith("SELECT")])


def _copy(session: Any, visit_id: str, shift_ids: list[str], count: int) -> None:
    """Fill the published plan with copies of one visit, spread over the shifts."""
    connection = session.connection()
    for n in range(count):
        shift = shift_ids[n % len(shift_ids)]
        crew = shift.split("-")[0]
        new = f"W-9{n:05d}-1"
        for name, key in (("work_order", "W"), ("visit", "V")):
            columns = [column["name"] for column in sa.inspect(connection).get_columns(name)]
            changed = {"id": f"'{new}'" if key == "V" else f"'W-9{n:05d}'"}
            if key == "V":
                changed |= {
                    "work_order_id": f"'W-9{n:05d}'",
                    "crew_id": f"'{crew}'",
                    "shift_id": f"'{shift}'",
                    "planned_end_at": "planned_start_at",  # a crew has one visit at a time
                }
            values = ", ".join(changed.get(column, column) for column in columns)
            source = visit_id if key == "V" else visit_id.rsplit("-", 1)[0]
            connection.exec_driver_sql(
                f"INSERT INTO {name} SELECT {values} FROM {name} WHERE id = '{source}'"
            )
        connection.exec_driver_sql(
            "INSERT INTO assignment (plan_id, visit_id, crew_id, shift_id, position, arrive_at, start_at, end_at, "
            f"travel_s) SELECT plan_id, '{new}', '{crew}', '{shift}', {n + 100}, arrive_at, start_at, end_at, "
            f"travel_s FROM assignment WHERE visit_id = '{visit_id}'"
        )


def test_refusals_are_worded_in_chinese_for_the_chinese_pages_only(anonymous: TestClient) -> None:
    chinese = anonymous.get("/sign-in", params={"lang": "zh-CN"}, headers=HTML).text
    english = anonymous.get("/sign-in", params={"lang": "en"}, headers=HTML).text

    assert "账号或密码不正确" in chinese
    assert 'data-problems="{}"' in english


def test_every_refusal_that_a_page_may_show_is_worded_in_chinese() -> None:
    def kinds(of: type[DispatchError]) -> set[type[DispatchError]]:
        return {of, *(kind for sub in of.__subclasses__() for kind in kinds(sub))}

    for package in (dispatch, api):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".migrations." not in module.name:
                importlib.import_module(module.name)
    worded = set(problems("zh-CN"))
    ours = {kind for kind in kinds(DispatchError) if not kind.__module__.startswith("tests.")}
    known = {kind.code for kind in ours}
    of_pages = {
        kind.code
        for kind in ours
        if kind.__module__.startswith(("dispatch.", "api.")) and "api.cli" not in kind.__module__
    }
    at_a_terminal = {"newer_database", "backup_failed", "no_backup", "folder_not_empty"}

    assert worded - known <= {"internal_error", "solver_failed", "service_away"}
    assert of_pages - worded <= {"refused", *at_a_terminal}
