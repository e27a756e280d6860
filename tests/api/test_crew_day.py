"""A crew's people see and do their own crew's things only."""

import uuid

import pytest
from starlette.testclient import TestClient

from dispatch.core.db import Database, transaction
from dispatch.work.tables import Visit
from tests.api.conftest import SignIn
from tests.builders import planning as day_of
from tests.builders.field import answer_to

DAY = "2026-03-10"


@pytest.fixture
def visits(database: Database) -> dict[str, str]:
    """Two crews with one published visit each: the visit's id by crew."""
    with transaction(database) as session:
        first = day_of.crew_on(session, "K01")
        second = day_of.crew_on(session, "K02")
        one, two = day_of.job(session, east=1), day_of.job(session, east=2)
        day_of.published(session, orders={first.id: [one.id], second.id: [two.id]})
        return {"K01": one.id, "K02": two.id}


def _act(client: TestClient, crew: str, visit: str, action: str, **more: object) -> tuple[int, str]:
    body = {"op_id": uuid.uuid4().hex, "visit_id": visit, "action": action, **more}
    answer = client.post(f"/api/v1/crews/{crew}/actions", json=body)
    content = answer.json()
    return answer.status_code, content.get("status") if answer.is_success else content["code"]


def test_a_crew_sees_its_own_day_in_order(sign_in: SignIn, visits: dict[str, str]) -> None:
    day = sign_in("crew", crew_id="K01").get(f"/api/v1/crews/K01/days/{DAY}").json()

    assert [stop["visit_id"] for stop in day["stops"]] == [visits["K01"]]
    assert day["next_visit_id"] == visits["K01"]
    assert day["stops"][0]["next"] == "accept"
    assert len(day["stops"][0]["check_number"]) == 4


def test_another_crews_day_does_not_exist_for_a_crew(
    sign_in: SignIn, visits: dict[str, str]
) -> None:
    client = sign_in("crew", crew_id="K01")

    others = client.get(f"/api/v1/crews/K02/days/{DAY}")
    missing = client.get(f"/api/v1/crews/K99/days/{DAY}")

    assert (others.status_code, missing.status_code) == (404, 404)
    assert others.json() | {"detail": ""} == missing.json() | {"detail": ""}
    assert others.json()["detail"].replace("K02", "K99") == missing.json()["detail"]


def test_a_crew_reaches_nothing_of_another_crew_by_any_of_its_routes(
    sign_in: SignIn, visits: dict[str, str], database: Database
) -> None:
    client = sign_in("crew", crew_id="K01")

    assert _act(client, "K02", visits["K02"], "accept") == (404, "no_such_crew")
    assert _act(client, "K01", visits["K02"], "accept") == (403, "visit_not_yours")
    queued = {"actions": [{"op_id": "op-00000001", "visit_id": visits["K02"], "action": "accept"}]}
    outcome = client.post("/api/v1/crews/K01/queued-actions", json=queued).json()[0]
    assert outcome["code"] == "visit_not_yours"
    assert client.get("/api/v1/crews/K02/current-day").status_code == 404
    report = client.post(
        "/api/v1/crews/K01/shifts/K02-20260310/reports", json={"action": "report_on_duty"}
    )
    assert report.status_code == 404
    with database.reading() as session:
        assert session.get_one(Visit, visits["K02"]).crew_id == "K02"


def test_a_crew_works_through_a_visit(sign_in: SignIn, visits: dict[str, str]) -> None:
    client = sign_in("crew", crew_id="K01")
    mine = visits["K01"]
    stop = client.get(f"/api/v1/crews/K01/days/{DAY}").json()["stops"][0]
    proof = {
        "checklist": {code: answer_to(code) for code in stop["checklist"]},
        "parts": stop["parts"],
        "closing_code": (stop["closing_codes"] or [""])[0],
    }

    steps = [
        _act(client, "K01", mine, action) for action in ("accept", "en_route", "arrived", "start")
    ]
    without_proof = _act(client, "K01", mine, "done")
    done = _act(client, "K01", mine, "done", data=proof)

    assert [status for _, status in steps] == ["accepted", "en_route", "arrived", "working"]
    assert without_proof == (422, "checklist_incomplete")
    assert done == (200, "done")


def test_the_same_operation_twice_is_one_action(sign_in: SignIn, visits: dict[str, str]) -> None:
    client = sign_in("crew", crew_id="K01")
    body = {"op_id": "op-00000001", "visit_id": visits["K01"], "action": "accept"}
    url = "/api/v1/crews/K01/actions"

    first, again = client.post(url, json=body), client.post(url, json=body)
    other = client.post(url, json=body | {"action": "decline", "reason": "no_time"})

    assert first.json() == again.json()
    assert (other.status_code, other.json()["code"]) == (422, "operation_reused")


def test_a_step_out_of_order_names_what_is_possible(
    sign_in: SignIn, visits: dict[str, str]
) -> None:
    client = sign_in("crew", crew_id="K01")
    body = {"op_id": "op-00000001", "visit_id": visits["K01"], "action": "start"}

    answer = client.post("/api/v1/crews/K01/actions", json=body)

    assert (answer.status_code, answer.json()["code"]) == (409, "illegal_move")
    assert answer.json()["details"]["allowed"]


def test_a_crew_reports_on_duty_and_off(sign_in: SignIn, visits: dict[str, str]) -> None:
    client = sign_in("crew", crew_id="K01")
    url = "/api/v1/crews/K01/shifts/K01-20260310/reports"

    on = client.post(url, json={"action": "report_on_duty"})
    off = client.post(url, json={"action": "report_off_duty"})

    assert (on.json()["status"], off.json()["status"]) == ("on_duty", "off_duty")


def test_a_crew_sees_no_customers_no_board_and_no_plans(
    sign_in: SignIn, visits: dict[str, str]
) -> None:
    client = sign_in("crew", crew_id="K01")

    for path in (
        "/api/v1/customers",
        "/api/v1/visits",
        f"/api/v1/visits/{visits['K01']}",
        "/api/v1/plans/1",
        f"/api/v1/territories/humen/days/{DAY}/board",
        "/api/v1/territories/humen/messages",
    ):
        assert client.get(path).status_code == 403, path
