"""Refusals are problem documents that name the code and the field, and give nothing away."""

import logging

import pytest
import sqlalchemy as sa
from fastapi import APIRouter
from starlette.testclient import TestClient

from api.app import create_app
from api.deps import public
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from tests.api.conftest import SignIn
from tests.builders.registry import make_crew

CUSTOMERS = "/api/v1/customers"


def _is_problem(answer: object, status: int, code: str) -> None:
    assert answer.status_code == status  # type: ignore[attr-defined]
    assert answer.headers["content-type"] == "application/problem+json"  # type: ignore[attr-defined]
    body = answer.json()  # type: ignore[attr-defined]
    assert body["type"] == f"urn:gridcrew:problem:{code}"
    assert body["code"] == code
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]


def test_an_expected_refusal_names_its_code_and_field(sign_in: SignIn) -> None:
    answer = sign_in("dispatcher").post(CUSTOMERS, json={"name": "陈小明", "phone": "nonsense"})

    _is_problem(answer, 422, "bad_customer")
    assert answer.json()["field"] == "phone"


@pytest.mark.parametrize(
    ("where", "names", "code"),
    [
        (
            "territories/humen/crews",
            {"depot_id": "depot", "name_zh": "九班", "name_en": "Crew 9"},
            "bad_crew",
        ),
        ("crews/K1/members", {"name": "钱七"}, "bad_member"),
    ],
)
def test_telephone_numbers_of_crews_and_members_are_checked_as_customers_are(
    sign_in: SignIn, database: Database, where: str, names: dict[str, str], code: str
) -> None:
    with transaction(database) as session:
        make_crew(session, id="K1")
    admin, body = sign_in("admin"), {"id": "X9"} | names

    refused = admin.post(f"/api/v1/{where}", json=body | {"phone": "call me"})
    taken = admin.post(f"/api/v1/{where}", json=body | {"phone": "13800138000"})

    _is_problem(refused, 422, code)
    assert refused.json()["field"] == "phone"
    assert (taken.status_code, taken.json()["phone"]) == (201, "13800138000")


def test_a_body_of_the_wrong_shape_names_every_field(sign_in: SignIn) -> None:
    answer = sign_in("dispatcher").post(
        CUSTOMERS, json={"name": "陈小明", "wants_messages": "perhaps", "nickname": "x"}
    )

    _is_problem(answer, 422, "invalid")
    fields = {fault["field"] for fault in answer.json()["details"]["faults"]}
    assert fields == {"wants_messages", "nickname"}


def test_the_refused_value_is_not_repeated(sign_in: SignIn) -> None:
    answer = sign_in("dispatcher").post(CUSTOMERS, json={"name": ["secret-name"]})

    assert "secret-name" not in answer.text


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 422), (b"[" * 10_000, 400), (b'{"name": "a\\u0000b"}', 422), (b"[]", 422), (b"", 422)],
)
def test_a_body_that_is_no_json_object_is_refused(
    sign_in: SignIn, body: bytes, status: int
) -> None:
    answer = sign_in("dispatcher").post(
        CUSTOMERS, content=body, headers={"Content-Type": "application/json"}
    )

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_body_above_a_megabyte_is_refused_with_or_without_its_length(sign_in: SignIn) -> None:
    client = sign_in("dispatcher")
    kind = {"Content-Type": "application/json"}

    told = client.post(CUSTOMERS, content=b"x" * 1_000_001, headers=kind)
    streamed = client.post(CUSTOMERS, content=(b"x" * 10_000 for _ in range(101)), headers=kind)

    _is_problem(told, 413, "too_large")
    _is_problem(streamed, 413, "too_large")


def test_unknown_addresses_and_methods_are_problems_too(anonymous: TestClient) -> None:
    _is_problem(anonymous.get("/api/v1/nothing"), 404, "no_such_path")
    _is_problem(anonymous.patch("/healthz", json={}), 405, "no_such_method")


@pytest.mark.parametrize("path", ["/api/v1/customers/C%00", "/api/v1/customers/" + "x" * 5000])
def test_impossible_ids_are_refused(sign_in: SignIn, path: str) -> None:
    assert sign_in("dispatcher").get(path).status_code == 422


def test_what_nobody_expected_gets_a_number_that_the_log_repeats(
    settings: Settings,
    database: Database,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    app = create_app(settings, database)
    router = APIRouter()

    @router.get("/broken", dependencies=[public("test")])
    def broken() -> None:
        raise RuntimeError("the canary phone is 13800138000")

    app.include_router(router)

    with caplog.at_level(logging.INFO):
        answer = TestClient(app).get("/broken")

    _is_problem(answer, 500, "internal_error")
    assert "canary" not in answer.text
    assert "Traceback" not in answer.text
    number = answer.json()["details"]["error_id"]
    assert number in caplog.text + capsys.readouterr().out
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_without_the_database_the_answer_says_so_and_nothing_changed(
    sign_in: SignIn, database: Database, anonymous: TestClient
) -> None:
    client = sign_in("dispatcher")
    assert client.get(CUSTOMERS).status_code == 200

    def away(*_: object) -> None:
        raise sa.exc.OperationalError("", {}, Exception("the connection was refused"))

    sa.event.listen(database.engine, "before_cursor_execute", away)
    answer = client.get(CUSTOMERS)
    sa.event.remove(database.engine, "before_cursor_execute", away)
    _is_problem(answer, 503, "database_away")
    assert int(answer.headers["Retry-After"]) >= 1
    assert anonymous.get("/healthz").status_code == 200


@pytest.mark.sqlite("only there does one writer keep out all others")
def test_a_writer_that_holds_the_database_too_long_makes_others_wait_not_crash(
    sign_in: SignIn, database: Database
) -> None:
    client = sign_in("dispatcher")
    assert client.get("/api/v1/me").status_code == 200
    _shorten_patience(database)

    with database.engine.begin():
        answer = client.post(CUSTOMERS, json={"name": "陈小明"})
        reading = client.get(CUSTOMERS)

    _is_problem(answer, 503, "database_away")
    assert reading.status_code == 200
    assert client.post(CUSTOMERS, json={"name": "陈小明"}).status_code == 201


def _shorten_patience(database: Database) -> None:
    @sa.event.listens_for(database.engine, "checkout")
    def _short(connection: object, _record: object, _proxy: object) -> None:
        connection.execute("PRAGMA busy_timeout=50")  # type: ignore[attr-defined]


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "2026-02-30", "today"])
@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/territories/humen/days/{day}/board",
        "/api/v1/crews/K01/days/{day}",
        "/console?day={day}",
    ],
)
def test_days_beyond_the_calendar_are_refused(sign_in: SignIn, day: str, path: str) -> None:
    answer = sign_in("dispatcher").get(path.format(day=day))

    assert (answer.status_code, answer.json()["field"]) == (422, "day")


def test_an_instant_beyond_the_calendar_is_refused(sign_in: SignIn) -> None:
    body = {"start_at": "0001-01-01T00:00:00+14:00", "end_at": "9999-12-31T23:59:59-12:00"}

    answer = sign_in("dispatcher").post("/api/v1/visits/V1/promises", json=body)

    assert (answer.status_code, answer.json()["field"]) == (422, "start_at")
