"""Writes asked for again are done once, and what a page changes must be what it showed."""

import hashlib
import json
from datetime import timedelta

import pytest
from fastapi import FastAPI
from sqlmodel import select
from starlette.testclient import TestClient

from api import permissions
from api.deps import seen_version, writing
from api.repeats import Route, _depends_on
from api.security import SAFE_METHODS
from dispatch.core import repeats
from dispatch.core.db import Database, DatabaseAway, transaction
from dispatch.core.tables import KeptAnswer
from dispatch.registry.tables import AccountSession, Customer, SignInLink
from tests.api.conftest import ORIGIN, SignIn, VirtualClock
from tests.builders import planning as day_of
from tests.builders.registry import make_customer

V1 = "/api/v1"
KEY = {"Idempotency-Key": "a-key-of-this-press"}
CUSTOMER = {"name": "陈小明"}


def customers(database: Database) -> int:
    with database.reading() as session:
        return len(session.exec(select(Customer)).all())


def test_the_same_request_again_gets_the_same_answer_and_is_not_done_again(
    sign_in: SignIn, database: Database
) -> None:
    client = sign_in("dispatcher")

    first = client.post(f"{V1}/customers", json=CUSTOMER, headers=KEY)
    again = client.post(f"{V1}/customers", json=CUSTOMER, headers=KEY)

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert first.headers["ETag"] == again.headers["ETag"] == '"1"'
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Content-Type"] == first.headers["Content-Type"]
    assert customers(database) == 1


def test_the_same_key_for_another_request_is_refused_and_the_header_named(
    sign_in: SignIn, database: Database
) -> None:
    client = sign_in("dispatcher")
    made = client.post(f"{V1}/customers", json=CUSTOMER, headers=KEY).json()

    other = client.post(f"{V1}/customers", json={"name": "李明"}, headers=KEY)
    url = f"{V1}/customers/{made['id']}"
    client.patch(url, json={"name": "李明"}, headers=KEY | {"If-Match": '"1"'})
    unseen = client.patch(url, json={"name": "李明"}, headers=KEY)

    for refused in (other, unseen):
        assert (refused.status_code, refused.json()["code"]) == (422, "key_reused")
        assert refused.json()["field"] == "Idempotency-Key"
    assert customers(database) == 1


def test_a_key_is_its_callers_and_its_routes_own(sign_in: SignIn, database: Database) -> None:
    one, two = sign_in("dispatcher"), sign_in("intake")

    answers = [client.post(f"{V1}/customers", json=CUSTOMER, headers=KEY) for client in (one, two)]
    elsewhere = one.patch(
        f"{V1}/customers/{answers[0].json()['id']}", json={"name": "李明"}, headers=KEY
    )

    assert [answer.status_code for answer in answers] == [201, 201]
    assert elsewhere.json()["name"] == "李明"
    assert customers(database) == 2


def test_a_refusal_leaves_nothing_and_the_key_may_be_used_again(
    sign_in: SignIn, database: Database
) -> None:
    client = sign_in("dispatcher")
    url = f"{V1}/customers/C1/premises"
    body = {"territory_id": "humen", "address": "解放路1号", "district": "太平"}

    missing = client.post(url, json=body, headers=KEY)
    with transaction(database) as session:
        day_of.crew_on(session, "K01")
        make_customer(session, id="C1")
    now = client.post(url, json=body, headers=KEY)

    assert (missing.status_code, now.status_code) == (404, 201)


def test_a_failure_on_our_side_is_not_kept(
    sign_in: SignIn, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise DatabaseAway("The database cannot be reached.")

    client = sign_in("dispatcher")
    with monkeypatch.context() as broken:
        broken.setattr(repeats, "keep", away)
        failed = client.post(f"{V1}/customers", json=CUSTOMER, headers=KEY)
    assert failed.status_code == 503
    assert customers(database) == 0, "the effect and the kept answer are one transaction"

    again = client.post(f"{V1}/customers", json=CUSTOMER, headers=KEY)

    assert again.status_code == 201
    assert "Idempotency-Replayed" not in again.headers


def test_answers_are_kept_for_a_day_and_forgotten_by_retention(
    sign_in: SignIn, database: Database, clock: VirtualClock
) -> None:
    client = sign_in("dispatcher")
    client.post(f"{V1}/customers", json=CUSTOMER, headers=KEY)
    with transaction(database) as session:
        assert repeats.forget(session, now=clock() + timedelta(hours=24)) == 0
        assert repeats.forget(session, now=clock() + timedelta(hours=25)) == 1
    client.post(f"{V1}/customers", json=CUSTOMER, headers=KEY)

    assert customers(database) == 2


def test_an_answer_whose_time_is_over_is_none_even_before_it_is_removed(
    sign_in: SignIn, database: Database
) -> None:
    client = sign_in("dispatcher")
    client.post(f"{V1}/customers", json=CUSTOMER, headers=KEY)
    with transaction(database) as session:
        kept = session.exec(select(KeptAnswer)).one()
        kept.kept_until = kept.created_at

    again = client.post(f"{V1}/customers", json={"name": "李明"}, headers=KEY)

    assert again.status_code == 201
    with database.reading() as session:
        assert json.loads(session.exec(select(KeptAnswer)).one().body)["name"] == "李明"


def test_a_crews_answers_are_kept_for_a_week(sign_in: SignIn, database: Database) -> None:
    with transaction(database) as session:
        day_of.crew_on(session, "K01")
    client = sign_in("crew", crew_id="K01")
    url = f"{V1}/crews/K01/shifts/K01-20260310/reports"

    on = client.post(url, json={"action": "report_on_duty"}, headers=KEY)
    again = client.post(url, json={"action": "report_on_duty"}, headers=KEY)
    unnumbered = client.post(url, json={"action": "report_on_duty"})

    assert on.json() == again.json()
    assert (unnumbered.status_code, unnumbered.json()["code"]) == (409, "illegal_move")
    with database.reading() as session:
        kept = session.exec(select(KeptAnswer)).one()
    assert kept.kept_until - kept.created_at == timedelta(days=7)


def test_a_secret_answer_is_never_kept(sign_in: SignIn, database: Database) -> None:
    client = sign_in("admin")
    me = client.get(f"{V1}/me").json()["account"]["id"]
    url = f"{V1}/accounts/{me}/sign-in-links"

    first = client.post(url, headers=KEY)
    again = client.post(url, headers=KEY)
    other = client.post(url, headers={"Idempotency-Key": "the-next-press"})

    assert first.status_code == other.status_code == 201
    assert (again.status_code, again.json()["code"]) == (409, "answer_not_kept")
    with database.reading() as session:
        for kept in session.exec(select(KeptAnswer)):
            assert (kept.secret, kept.body, kept.headers) == (True, "", {})
        unused = session.exec(select(SignInLink).where(SignInLink.used_at.is_(None))).all()  # type: ignore[union-attr]
        assert len(unused) == 2


def test_a_body_with_a_password_leaves_no_hash_that_could_be_guessed(
    sign_in: SignIn, database: Database
) -> None:
    body = json.dumps(
        {"login": "wang", "name": "W", "role": "intake", "password": "winter and sea"}
    )
    headers = KEY | {"Content-Type": "application/json"}
    made = sign_in("admin").post(f"{V1}/accounts", content=body, headers=headers)

    assert made.status_code == 201
    with database.reading() as session:
        kept = session.exec(select(KeptAnswer)).one()
    assert kept.mark != hashlib.sha256(body.encode()).hexdigest()
    assert "winter" not in kept.body


@pytest.mark.parametrize("key", ["short", "x" * 65, "with a space", 'quo"ted', ""])
def test_a_key_that_is_none_is_refused(sign_in: SignIn, database: Database, key: str) -> None:
    answer = sign_in("dispatcher").post(
        f"{V1}/customers", json=CUSTOMER, headers={"Idempotency-Key": key}
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "bad_key")
    assert answer.json()["field"] == "Idempotency-Key"
    assert customers(database) == 0


def test_a_key_in_quotes_is_the_same_key(sign_in: SignIn, database: Database) -> None:
    client = sign_in("dispatcher")
    for key in ("abcdefgh", '"abcdefgh"'):
        client.post(f"{V1}/customers", json=CUSTOMER, headers={"Idempotency-Key": key})

    assert customers(database) == 1


def test_what_a_page_writes_needs_a_key_and_what_it_changes_the_version_it_showed(
    sign_in: SignIn, database: Database
) -> None:
    page = sign_in("dispatcher", cookie=True)
    page.headers["Origin"] = ORIGIN

    without = page.post(f"{V1}/customers", json=CUSTOMER)
    made = page.post(f"{V1}/customers", json=CUSTOMER, headers=KEY)
    url = f"{V1}/customers/{made.json()['id']}"
    unseen = page.patch(url, json={"name": "李明"}, headers=KEY)
    stale = page.patch(url, json={"name": "李明", "version": 7}, headers=KEY)
    seen = page.patch(url, json={"name": "李明"}, headers=KEY | {"If-Match": made.headers["ETag"]})

    assert (without.status_code, without.json()["code"]) == (400, "key_missing")
    assert (unseen.status_code, unseen.json()["code"]) == (428, "version_missing")
    assert unseen.json()["field"] == "If-Match"
    assert (stale.status_code, stale.json()["details"]["current"]) == (409, 1)
    assert (seen.status_code, seen.headers["ETag"]) == (200, '"2"')


def test_a_stale_change_is_told_the_present_state(sign_in: SignIn, database: Database) -> None:
    with transaction(database) as session:
        day_of.crew_on(session, "K01")
        visit = day_of.job(session)
    client = sign_in("dispatcher")
    body = {"action": "cancel", "version": 9}

    stale = client.post(f"{V1}/visits/{visit.id}/moves", json=body)

    assert stale.status_code == 409
    assert stale.json()["details"] == {"seen": 9, "current": visit.version, "state": "planned"}


def test_every_write_of_the_api_takes_a_key_but_signing_in_and_ones_password(app: FastAPI) -> None:
    without = set()
    for context, _ in permissions.declared(app.routes):
        if not str(context.path).startswith(V1) or set(context.methods or ()) <= SAFE_METHODS:
            continue
        assert isinstance(context.original_route, Route), context.path
        if not _depends_on(context.dependant, writing):
            without.add(f"{context.methods} {context.path}")

    assert without == {
        f"{{'POST'}} {V1}/sessions",  # its answer is a token
        f"{{'POST'}} {V1}/sessions/link",
        f"{{'PUT'}} {V1}/me/password",  # two transactions: a wrong guess must count
        f"{{'POST'}} {V1}/visits/{{visit_id}}/offers",  # asks, changes nothing
        f"{{'POST'}} {V1}/territories/{{territory_id}}/search",  # asks, changes nothing
        f"{{'POST'}} {V1}/outage-notices/whom",  # the same
        f"{{'POST'}} {V1}/templates/{{name}}/{{kind}}/{{language}}/preview",  # the same
    }


UNSEEN = {
    "make something new": {
        "POST /accounts", "POST /organisations", "POST /territories", "POST /territories/{territory_id}/depots",
        "POST /customers", "POST /customers/{customer_id}/premises", "POST /territories/{territory_id}/crews",
        "POST /crews/{crew_id}/members", "POST /members/{member_id}/certificates", "POST /crews/{crew_id}/shifts",
        "POST /requests", "POST /work-orders", "POST /series", "POST /outage-notices",
        "POST /visits/{visit_id}/links", "POST /requests/{request_id}/links",
        "POST /link-keys", "POST /webhooks", "POST /territories/{territory_id}/imports",
        "POST /territories/{territory_id}/geocodings", "POST /territories/{territory_id}/outlooks",
        "POST /templates/{name}/{kind}/{language}/versions", "POST /accounts/{account_id}/sign-in-links",
        "POST /sessions", "POST /sessions/link",
    },
    "ask or try, and change nothing": {
        "POST /visits/{visit_id}/offers", "POST /territories/{territory_id}/search", "POST /outage-notices/whom",
        "POST /templates/{name}/{kind}/{language}/preview", "POST /webhooks/{webhook_id}/test",
        "POST /templates/{name}/{kind}/{language}/versions/{number}/test",
    },
    "make a plan, which has the board's fingerprint": {
        "POST /territories/{territory_id}/days/{day}/plans", "POST /visits/{visit_id}/insertions",
        "POST /territories/{territory_id}/days/{day}/insertions",
        "POST /territories/{territory_id}/days/{day}/branches", "POST /territories/{territory_id}/days/{day}/undo",
    },
    "end or hold what may have gone on meanwhile": {
        "DELETE /sessions/current", "PUT /me/password", "POST /geocodings/{geocoding_id}/stop",
        "POST /plans/{plan_id}/stop", "POST /outlooks/{outlook_id}/stop", "POST /imports/{import_id}/stop",
        "POST /customers/{customer_id}/contact/stop", "POST /customers/{customer_id}/contact/resume",
        "DELETE /links/{link_id}", "DELETE /customers/{customer_id}/links", "DELETE /link-keys/{key_id}",
        "POST /calls/{work_order_id}/claim", "DELETE /calls/{work_order_id}/claim",
    },
    "add to what there is, or do it once": {
        "POST /calls/{work_order_id}/attempts", "POST /messages/{message_id}/resend",
        "POST /tasks/{task_id}/requeue", "POST /messages/{message_id}/seen-to", "POST /alerts/settle",
        "POST /webhooks/{webhook_id}/replay", "POST /territories/{territory_id}/days/{day}/closing",
        "POST /territories/{territory_id}/print-list", "POST /territories/{territory_id}/print-list/handed-over",
        "PUT /imports/{import_id}/files/{name}/{number}", "POST /imports/{import_id}/start",
        "POST /templates/{name}/{kind}/{language}/versions/{number}/activate",
    },
    "say in the body what a crew or a provider saw": {
        "POST /crews/{crew_id}/actions", "POST /crews/{crew_id}/queued-actions",
        "POST /crews/{crew_id}/shifts/{shift_id}/reports", "POST /crews/{crew_id}/positions",
        "PUT /crews/{crew_id}/visits/{visit_id}/attachments/{attachment_id}", "POST /callbacks/{provider}",
        "POST /callbacks/{provider}/{secret}",
    },
}  # fmt: skip
"""The writes that take no version, by why: all others change a row that somebody else may have changed."""


def test_every_write_takes_the_version_that_was_seen_but_those_with_a_reason(app: FastAPI) -> None:
    without = set[str]()
    for context, _ in permissions.declared(app.routes):
        if not str(context.path).startswith(V1) or set(context.methods or ()) <= SAFE_METHODS:
            continue
        if not _depends_on(context.dependant, seen_version):
            path = str(context.path).removeprefix(V1)
            without.update(f"{method} {path}" for method in context.methods or ())

    assert without == set().union(*UNSEEN.values())


def test_every_answer_with_a_version_has_it_as_its_etag(app: FastAPI) -> None:
    for context, _ in permissions.declared(app.routes):
        if "version" in getattr(context.response_model, "model_fields", {}):
            assert isinstance(context.original_route, Route), context.path


def test_the_openapi_document_names_the_key_and_the_etag(anonymous: TestClient) -> None:
    paths = anonymous.get(f"{V1}/openapi.json").json()["paths"]
    publish = paths[f"{V1}/plans/{{plan_id}}/publish"]["post"]
    change = paths[f"{V1}/customers/{{customer_id}}"]["patch"]

    for operation in (publish, change):
        assert "Idempotency-Key" in {each["name"] for each in operation["parameters"]}
        assert "if-match" in {each["name"].lower() for each in operation["parameters"]}
    assert "ETag" in change["responses"]["200"]["headers"]
    signing_in = paths[f"{V1}/sessions"]["post"].get("parameters", [])
    assert "Idempotency-Key" not in {each["name"] for each in signing_in}


def test_signing_out_by_a_page_is_repeatable(sign_in: SignIn, database: Database) -> None:
    page = sign_in("dispatcher", cookie=True)
    page.headers["Origin"] = ORIGIN

    out = page.delete(f"{V1}/sessions/current", headers=KEY)

    assert (out.status_code, out.content) == (204, b"")
    with database.reading() as session:
        assert session.exec(select(AccountSession)).all() == []


def test_a_webhook_and_a_visit_are_not_changed_by_who_saw_another_version(
    sign_in: SignIn, database: Database
) -> None:
    with transaction(database) as session:
        day_of.crew_on(session, "K01")
        visit = day_of.job(session)
    admin, dispatcher = sign_in("admin"), sign_in("dispatcher")
    body = {"url": "https://example.com/hook", "event_types": ["*"]}
    hook = admin.post(f"{V1}/webhooks", json=body).json()
    window = {"start_at": "2026-03-10T09:00:00+08:00", "end_at": "2026-03-10T11:00:00+08:00"}
    url, promises = f"{V1}/webhooks/{hook['id']}", f"{V1}/visits/{visit.id}/promises"

    stale = {"If-Match": '"99"'}
    refused = [
        admin.post(f"{url}/secret", headers=stale),
        admin.delete(url, headers=stale),
        dispatcher.post(promises, json=window, headers=stale),
    ]

    assert [each.json()["code"] for each in refused] == ["stale_version"] * 3
    seen = {"If-Match": f'"{visit.version}"'}
    assert dispatcher.post(promises, json=window, headers=seen).status_code == 201
    assert admin.delete(url, headers={"If-Match": f'"{hook["version"]}"'}).status_code == 204
