"""The domain over HTTP: a case from the call to its trail, pages of lists, and nothing that was not offered."""

import pytest
from fastapi import FastAPI
from pydantic import BaseModel
from sqlmodel import select
from starlette.testclient import TestClient

import api.schemas.accounts
import api.schemas.desk
import api.schemas.field
import api.schemas.planning
import api.schemas.registry
import api.schemas.work  # noqa: F401 - imported so that their models are known
from api.schemas.forms import Input, Output
from dispatch.core.db import Database, transaction
from dispatch.desk.tables import Counter, RequestKind
from dispatch.registry.tables import Customer
from tests.api.conftest import SignIn
from tests.builders.registry import make_crew, make_customer, make_premises, make_shift
from tests.builders.work import make_catalogue

V1 = "/api/v1"


@pytest.fixture
def humen(database: Database) -> dict[str, str]:
    """A customer with premises, a counter for each kind, a crew on shift, the catalogue."""
    with transaction(database) as session:
        make_catalogue(session)
        premises = make_premises(session, id="P1", customer=make_customer(session, id="C1"))
        make_shift(session, crew=make_crew(session, id="K01"))
        for kind in RequestKind:
            session.add(
                Counter(
                    id=kind.value,
                    territory_id="humen",
                    name_zh="窗口",
                    name_en="Counter",
                    kinds=[kind.value],
                )
            )
        return {"customer_id": premises.customer_id, "premises_id": premises.id}


def test_a_case_runs_from_the_call_to_its_trail(sign_in: SignIn, humen: dict[str, str]) -> None:
    intake, dispatcher = sign_in("intake"), sign_in("dispatcher")
    asked = {"kind": "fault", "subject": "停电", "text": "整栋楼没有电"} | humen

    request = intake.post(f"{V1}/requests", json=asked).json()
    triaged = intake.post(f"{V1}/requests/{request['id']}/triage", json={}).json()
    order = dispatcher.post(
        f"{V1}/requests/{request['id']}/work-orders",
        json={"work_type": "OUT-LV", "version": triaged["version"]},
    ).json()
    detail = dispatcher.get(f"{V1}/work-orders/{order['id']}").json()
    watched = dispatcher.get(f"{V1}/territories/humen/watch-list").json()
    trail = dispatcher.get(f"{V1}/requests/{request['id']}/trail").json()

    assert request["owner"] == "fault"
    assert [visit["status"] for visit in detail["visits"]] == ["planned"]
    assert {clock["kind"] for clock in watched["clocks"]} == {"answer", "arrive"}
    kinds = [event["type"] for event in trail["items"]]
    assert kinds[0].startswith("request.")
    assert any(kind.startswith("work_order.") for kind in kinds)


def test_a_question_is_answered_and_its_clock_stops(sign_in: SignIn, humen: dict[str, str]) -> None:
    client = sign_in("intake")
    request = client.post(
        f"{V1}/requests", json={"kind": "billing", "subject": "电费"} | humen
    ).json()

    answered = client.post(f"{V1}/requests/{request['id']}/answer", json={"text": "已核对。"})

    assert answered.json()["status"] == "resolved"
    clocks = client.get(f"{V1}/clocks/request/{request['id']}").json()
    assert [clock["status"] for clock in clocks] == ["kept"]


def test_a_window_is_promised_confirmed_moved_and_taken_back(
    sign_in: SignIn, humen: dict[str, str]
) -> None:
    client = sign_in("intake")
    order = client.post(
        f"{V1}/work-orders", json={"territory_id": "humen", "work_type": "MTR-XCH"} | humen
    ).json()
    url = f"{V1}/visits/{order['visits'][0]['id']}/promises"
    window = {"start_at": "2026-03-10T09:00:00+08:00", "end_at": "2026-03-10T11:00:00+08:00"}

    booked = client.post(url, json=window)
    twice = client.post(url, json=window)
    confirmed = client.post(f"{url}/standing/confirm")
    later = client.put(
        f"{url}/standing",
        json={"start_at": "2026-03-10T14:00:00+08:00", "end_at": "2026-03-10T16:00:00+08:00"},
    )
    past = client.put(
        f"{url}/standing",
        json={"start_at": "2026-03-01T14:00:00+08:00", "end_at": "2026-03-01T16:00:00+08:00"},
    )
    gone = client.delete(f"{url}/standing")

    assert booked.status_code == 201
    assert (twice.status_code, twice.json()["code"]) == (409, "promise_stands")
    assert confirmed.json()["status"] == "confirmed"
    assert later.json()["number"] == 2
    assert (past.status_code, past.json()["code"]) == (422, "window_in_past")
    assert gone.json()["status"] == "cancelled"
    assert len(client.get(url).json()) == 2


def test_an_instant_without_its_offset_is_refused_and_the_field_named(
    sign_in: SignIn, humen: dict[str, str]
) -> None:
    body = {
        "territory_id": "humen",
        "work_type": "MTR-XCH",
        "window": {"start_at": "2026-03-10T09:00:00", "end_at": "2026-03-10T11:00:00+08:00"},
    }

    answer = sign_in("dispatcher").post(f"{V1}/work-orders", json=body | humen)

    assert answer.status_code == 422
    assert answer.json()["field"] == "window.start_at"


def test_an_order_is_held_released_and_cancelled(sign_in: SignIn, humen: dict[str, str]) -> None:
    client = sign_in("dispatcher")
    order = client.post(
        f"{V1}/work-orders", json={"territory_id": "humen", "work_type": "MTR-XCH"} | humen
    ).json()
    url = f"{V1}/work-orders/{order['id']}/moves"

    wrong = client.post(url, json={"action": "hold", "reason": "laziness"})
    held = client.post(url, json={"action": "hold", "reason": "material"})
    stale = client.post(url, json={"action": "release", "version": order["version"]})
    released = client.post(url, json={"action": "release"})
    cancelled = client.post(url, json={"action": "cancel"})
    again = client.post(url, json={"action": "cancel"})

    assert (wrong.status_code, wrong.json()["field"]) == (422, "reason")
    assert held.json()["status"] == "on_hold"
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_version")
    assert released.json()["status"] == "ready"
    assert cancelled.json()["status"] == "cancelled"
    assert (again.status_code, again.json()["code"]) == (409, "illegal_move")


def test_premises_are_located_and_swapped_coordinates_are_told(
    sign_in: SignIn, humen: dict[str, str]
) -> None:
    client = sign_in("intake")
    url = f"{V1}/premises/P1/position"

    good = client.put(url, json={"lat": 22.81, "lon": 113.67, "accuracy_m": 15})
    swapped = client.put(url, json={"lat": 113.67, "lon": 22.81})
    at_sea = client.put(url, json={"lat": 22.0, "lon": 114.5})

    assert good.json()["lat"] == 22.81
    assert good.headers["ETag"] == f'"{good.json()["version"]}"'
    assert swapped.json()["code"] == "swapped_position"
    assert at_sea.json()["code"] == "outside_territory"


def test_overlapping_shifts_and_ends_before_begins_are_refused(
    sign_in: SignIn, humen: dict[str, str]
) -> None:
    client = sign_in("dispatcher")
    url = f"{V1}/crews/K01/shifts"

    overlap = client.post(url, json={"day": "2026-03-10", "starts": "16:00", "ends": "20:00"})
    backwards = client.post(url, json={"day": "2026-03-11", "starts": "17:00", "ends": "08:00"})
    night = client.post(
        url,
        json={"day": "2026-03-11", "starts": "20:00", "ends": "2026-03-12T04:00:00+08:00"},
    )

    assert (overlap.status_code, overlap.json()["code"]) == (409, "overlapping_shifts")
    assert (backwards.status_code, backwards.json()["field"]) == (422, "ends")
    assert night.status_code == 201


def test_an_ill_crew_is_marked_absent_and_present_again(
    sign_in: SignIn, humen: dict[str, str]
) -> None:
    client = sign_in("dispatcher")
    url = f"{V1}/shifts/K01-20260310/absence"

    ill = client.put(url, json={"reason": "ill"})
    well = client.put(url, json={"absent": False})

    assert (ill.json()["absent"], well.json()["absent"]) == (True, False)


def test_a_work_type_is_edited_by_an_administrator_only(
    sign_in: SignIn, humen: dict[str, str]
) -> None:
    admin, dispatcher = sign_in("admin"), sign_in("dispatcher")
    url = f"{V1}/work-types/MTR-XCH"
    version = admin.get(url).json()["version"]

    refused = dispatcher.patch(url, json={"p50_minutes": 30})
    changed = admin.patch(url, json={"p50_minutes": 30, "version": version})
    nonsense = admin.patch(url, json={"p90_minutes": 5})

    assert refused.status_code == 403
    assert changed.json()["p50_minutes"] == 30
    assert (nonsense.status_code, nonsense.json()["field"]) == (422, "p90_minutes")


def test_a_follow_up_series_is_made_suspended_and_ended(
    sign_in: SignIn, humen: dict[str, str]
) -> None:
    client = sign_in("dispatcher")
    series = client.post(
        f"{V1}/series", json={"territory_id": "humen", "rrule": "FREQ=MONTHLY"} | humen
    )
    url = f"{V1}/series/{series.json()['id']}"

    assert series.status_code == 201
    assert client.post(f"{url}/moves", json={"action": "suspend"}).json()["status"] == "suspended"
    assert client.post(f"{url}/moves", json={"action": "end"}).json()["status"] == "ended"
    assert client.get(f"{url}/occurrences").json() == []
    bad = client.post(f"{V1}/series", json={"territory_id": "humen", "rrule": "SOMETIMES"} | humen)
    assert bad.status_code == 422


def test_a_list_is_read_page_by_page_without_gaps_or_repeats(
    sign_in: SignIn, database: Database
) -> None:
    with transaction(database) as session:
        for number in range(25):
            make_customer(session, id=f"C{number:03d}")
    client = sign_in("auditor")

    seen: list[str] = []
    cursor: str | None = None
    for _ in range(10):
        page = client.get(
            f"{V1}/customers", params={"limit": 10} | ({"cursor": cursor} if cursor else {})
        ).json()
        seen += [row["id"] for row in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break

    assert seen == [f"C{number:03d}" for number in range(25)]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("customers?limit=201", "limit"),
        ("customers?limit=0", "limit"),
        ("customers?limit=x", "limit"),
        ("customers?cursor=%21%21", "cursor"),
        ("events?entity=visit&entity_id=V1&cursor=%21%21", "cursor"),
        ("events?entity=visit&entity_id=V1&cursor=QzAwMQ", "cursor"),
    ],
)
def test_a_page_that_cannot_be_is_refused(sign_in: SignIn, path: str, field: str) -> None:
    answer = sign_in("auditor").get(f"{V1}/{path}")

    assert answer.status_code == 422
    assert answer.json()["field"] == field


def test_the_numbered_lists_have_pages_too(sign_in: SignIn, humen: dict[str, str]) -> None:
    client = sign_in("dispatcher")
    order = client.post(
        f"{V1}/work-orders", json={"territory_id": "humen", "work_type": "OUT-LV"} | humen
    ).json()
    params = {"entity": "work_order", "entity_id": order["id"], "limit": 1}

    first = client.get(f"{V1}/events", params=params).json()
    second = client.get(f"{V1}/events", params=params | {"cursor": first["next"]}).json()

    assert len(first["items"]) == 1
    assert second["items"][0]["id"] > first["items"][0]["id"]


@pytest.mark.parametrize(
    "extra", [{"version": 9}, {"disabled": True}, {"status": "closed"}, {"territory_id": "other"}]
)
def test_fields_that_were_not_offered_are_refused_and_change_nothing(
    sign_in: SignIn, database: Database, extra: dict[str, object]
) -> None:
    answer = sign_in("dispatcher").post(f"{V1}/customers", json={"name": "陈小明"} | extra)

    assert answer.status_code == 422
    assert answer.json()["field"] == next(iter(extra))
    with database.reading() as session:
        assert session.exec(select(Customer)).all() == []


def test_null_clears_what_may_be_empty_and_nothing_else(
    sign_in: SignIn, humen: dict[str, str]
) -> None:
    client = sign_in("admin")

    cleared = client.patch(f"{V1}/customers/C1", json={"phone": None})
    nameless = client.patch(f"{V1}/customers/C1", json={"name": None})
    timeless = client.patch(f"{V1}/work-types/MTR-XCH", json={"p50_minutes": None})

    assert cleared.json()["phone"] is None
    assert (nameless.status_code, nameless.json()["field"]) == (422, "name")
    assert (timeless.status_code, timeless.json()["field"]) == (422, "p50_minutes")


def test_an_account_cannot_raise_itself(sign_in: SignIn) -> None:
    client = sign_in("dispatcher")
    me = client.get(f"{V1}/me").json()["account"]

    assert client.patch(f"{V1}/accounts/{me['id']}", json={"role": "admin"}).status_code == 403
    assert client.post(
        f"{V1}/accounts", json={"login": "mallory", "name": "M", "role": "admin"}
    ).status_code == 403  # fmt: skip


def test_every_input_refuses_unknown_fields_and_no_answer_is_a_table(app: FastAPI) -> None:
    def all_of(kind: type[BaseModel]) -> set[type[BaseModel]]:
        return {kind, *(found for sub in kind.__subclasses__() for found in all_of(sub))}

    inputs = all_of(Input) - {Input}
    assert len(inputs) > 25
    assert [kind for kind in inputs if kind.model_config.get("extra") != "forbid"] == []
    assert not any(hasattr(kind, "__table__") for kind in all_of(Output))


def test_the_openapi_document_names_permissions_problems_and_no_table(
    anonymous: TestClient,
) -> None:
    document = anonymous.get(f"{V1}/openapi.json").json()

    assert document["openapi"].startswith("3.1")
    publish = document["paths"][f"{V1}/plans/{{plan_id}}/publish"]["post"]
    assert publish["x-permission"] == "plan:publish"
    assert publish["security"]
    schema = publish["responses"]["default"]["content"]["application/problem+json"]["schema"]
    assert schema["$ref"].endswith("/Problem")
    assert document["paths"][f"{V1}/sessions"]["post"]["security"] == []
    assert not {"Account", "Customer", "Visit", "Plan"} & set(document["components"]["schemas"])
    assert "password_hash" not in str(document)


def test_the_api_has_no_page_that_loads_from_the_internet(anonymous: TestClient) -> None:
    assert anonymous.get("/docs").status_code == 404
    assert anonymous.get("/redoc").status_code == 404


def test_health_readiness_and_metrics(anonymous: TestClient, sign_in: SignIn) -> None:
    assert anonymous.get("/healthz").json() == {"status": "ok"}
    assert anonymous.get("/readyz").json()["status"] == "ready"
    local = anonymous.get("/metrics")
    forwarded = anonymous.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"})
    crew = sign_in("intake").get("/metrics")

    assert "gridcrew_http_requests_total" in local.text
    assert 'route="/healthz"' in local.text
    assert forwarded.status_code == 401
    assert crew.status_code == 403


def test_dead_tasks_are_listed_and_put_back(sign_in: SignIn, database: Database) -> None:
    with database.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO task (kind, queue, dedupe_key, payload, task_class, state, run_at, attempts, recoveries, "
            "max_attempts, lease_token, created_at, finished_at) VALUES ('message.send', 'messages', 'k', '{}', "
            "'normal', 'dead', '2026-03-09 00:00:00', 6, 0, 6, 6, '2026-03-09 00:00:00', '2026-03-09 01:00:00')"
        )
    admin, auditor = sign_in("admin"), sign_in("auditor")

    listed = auditor.get(f"{V1}/tasks/dead").json()
    refused = auditor.post(f"{V1}/tasks/{listed[0]['id']}/requeue")
    back = admin.post(f"{V1}/tasks/{listed[0]['id']}/requeue")
    again = admin.post(f"{V1}/tasks/{listed[0]['id']}/requeue")

    assert refused.status_code == 403
    assert back.json()["state"] == "due"
    assert (again.status_code, again.json()["code"]) == (409, "task_not_dead")
