"""Signing in and out, and what a session cookie is allowed to do."""

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.registry import accounts
from tests.api.conftest import ORIGIN, PASSWORD, SignIn, VirtualClock
from tests.builders.registry import make_account


@pytest.fixture
def login(database: Database) -> str:
    with transaction(database) as session:
        return make_account(session).login


def _post(client: TestClient, path: str, **body: object) -> tuple[int, dict[str, object]]:
    answer = client.post(path, json=body)
    return answer.status_code, answer.json()


def test_a_browser_signs_in_with_a_cookie_that_scripts_cannot_read(
    anonymous: TestClient, login: str
) -> None:
    answer = anonymous.post("/api/v1/sessions", json={"login": login, "password": PASSWORD})

    assert answer.status_code == 201
    assert answer.json()["token"] is None
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("gridcrew=")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert anonymous.get("/api/v1/me").json()["account"]["login"] == login


def test_over_https_the_cookie_is_bound_to_the_host(database: Database, settings: Settings) -> None:
    with transaction(database) as session:
        login = make_account(session).login
    secure = settings.model_copy(update={"public_url": "https://gridcrew.example"})
    app = create_app(secure, database)

    answer = TestClient(app, base_url="https://gridcrew.example").post(
        "/api/v1/sessions", json={"login": login, "password": PASSWORD}
    )

    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-gridcrew=")
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert "max-age=31536000" in answer.headers["strict-transport-security"]


def test_a_program_signs_in_with_a_bearer_token(anonymous: TestClient, login: str) -> None:
    status, body = _post(anonymous, "/api/v1/sessions", login=login, password=PASSWORD, use="token")

    assert status == 201
    anonymous.cookies.clear()
    anonymous.headers["Authorization"] = f"Bearer {body['token']}"
    me = anonymous.get("/api/v1/me").json()
    assert me["account"]["role"] == "dispatcher"
    assert "plan:publish" in me["permissions"]


def test_a_one_time_link_signs_in_once(
    anonymous: TestClient, login: str, database: Database, clock: VirtualClock
) -> None:
    with transaction(database) as session:
        account = accounts.by_login(session, login)
        assert account is not None
        token = accounts.make_link(session, account_id=account.id, now=clock())

    first, _ = _post(anonymous, "/api/v1/sessions/link", token=token)
    second, problem = _post(anonymous, "/api/v1/sessions/link", token=token)

    assert (first, second) == (201, 401)
    assert problem["code"] == "bad_link"


def test_signing_out_ends_the_session(sign_in: SignIn) -> None:
    client = sign_in("auditor")

    assert client.delete("/api/v1/sessions/current").status_code == 204
    assert client.get("/api/v1/me").status_code == 401


def test_a_session_ends_after_thirty_idle_minutes_but_not_while_it_is_used(
    sign_in: SignIn, clock: VirtualClock
) -> None:
    client = sign_in("auditor")
    for _ in range(4):
        clock.forward(minutes=20)
        assert client.get("/api/v1/me").status_code == 200

    clock.forward(minutes=31)

    assert client.get("/api/v1/me").status_code == 401


def test_a_session_ends_after_twelve_hours_however_busy(
    sign_in: SignIn, clock: VirtualClock
) -> None:
    client = sign_in("auditor")
    for _ in range(35):
        clock.forward(minutes=20)
        assert client.get("/api/v1/me").status_code == 200

    clock.forward(minutes=21)

    assert client.get("/api/v1/me").status_code == 401


def test_unknown_logins_and_wrong_passwords_get_the_same_answer(
    anonymous: TestClient, login: str
) -> None:
    wrong = _post(anonymous, "/api/v1/sessions", login=login, password="not the password")
    unknown = _post(anonymous, "/api/v1/sessions", login="nobody", password="not the password")

    assert wrong == unknown
    assert wrong[0] == 401


def test_bad_tries_stay_counted_although_they_are_refused(
    anonymous: TestClient, login: str, database: Database
) -> None:
    for _ in range(3):
        _post(anonymous, "/api/v1/sessions", login=login, password="not the password")

    with database.reading() as session:
        account = accounts.by_login(session, login)
        assert account is not None
        assert account.failed_logins == 3


def test_an_address_has_ten_tries_a_minute_whatever_it_claims_to_be(
    anonymous: TestClient, clock: VirtualClock
) -> None:
    statuses = []
    for number in range(12):
        answer = anonymous.post(
            "/api/v1/sessions/link",
            json={"token": f"guess-number-{number:06d}"},
            headers={"X-Forwarded-For": f"203.0.113.{number}"},
        )
        statuses.append(answer.status_code)

    assert statuses == [401] * 10 + [429] * 2
    assert int(answer.headers["Retry-After"]) <= 60
    clock.forward(minutes=1)
    again = anonymous.post("/api/v1/sessions/link", json={"token": "guess-number-last-one"})
    assert again.status_code == 401


def test_a_new_password_ends_the_other_sessions(
    anonymous: TestClient, login: str, app: object
) -> None:
    tokens = []
    for _ in range(2):
        _, body = _post(anonymous, "/api/v1/sessions", login=login, password=PASSWORD, use="token")
        tokens.append(body["token"])
    mine, other = ({"Authorization": f"Bearer {token}"} for token in tokens)
    anonymous.cookies.clear()

    answer = anonymous.put(
        "/api/v1/me/password",
        json={"current": PASSWORD, "new": "another long sentence"},
        headers=mine,
    )

    assert answer.status_code == 200
    assert anonymous.get("/api/v1/me", headers=mine).status_code == 200
    assert anonymous.get("/api/v1/me", headers=other).status_code == 401


def test_the_old_password_is_needed_for_a_new_one(anonymous: TestClient, login: str) -> None:
    _, body = _post(anonymous, "/api/v1/sessions", login=login, password=PASSWORD, use="token")
    anonymous.cookies.clear()

    answer = anonymous.put(
        "/api/v1/me/password",
        json={"current": "a guess of mine", "new": "another long sentence"},
        headers={"Authorization": f"Bearer {body['token']}"},
    )

    assert answer.status_code == 401


CHANGE = "/api/v1/customers"
NEW = {"name": "陈小明"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": ORIGIN}, 201),
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": ORIGIN}, 403),
    ],
)
def test_with_a_cookie_only_our_own_pages_change_anything(
    sign_in: SignIn, headers: dict[str, str], status: int
) -> None:
    client = sign_in("dispatcher", cookie=True)

    answer = client.post(CHANGE, json=NEW, headers=headers | {"Idempotency-Key": "one-press"})

    assert answer.status_code == status
    if status == 403:
        assert answer.json()["code"] == "foreign_origin"
        assert client.get(CHANGE).json()["items"] == []


def test_a_bearer_token_needs_no_origin_but_may_not_come_from_another_site(
    sign_in: SignIn,
) -> None:
    client = sign_in("dispatcher")

    assert client.post(CHANGE, json=NEW).status_code == 201
    foreign = client.post(CHANGE, json=NEW, headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 403


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_only_json_is_taken(sign_in: SignIn, kind: str) -> None:
    client = sign_in("dispatcher")

    answer = client.post(CHANGE, content=b'{"name": "x"}', headers={"Content-Type": kind})

    assert answer.status_code == 415
    assert answer.json()["code"] == "not_json"


def test_a_body_without_a_content_type_is_refused(sign_in: SignIn) -> None:
    answer = sign_in("dispatcher").post(CHANGE, content=b'{"name": "x"}')

    assert answer.status_code == 415
