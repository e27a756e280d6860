"""Customers' links over HTTP: handed out once, listed without their token, taken back."""

import pytest
from starlette.testclient import TestClient

from dispatch.core.db import Database, transaction
from dispatch.work.tables import Visit, WorkOrder
from tests.api.conftest import ORIGIN, SignIn
from tests.builders import planning as day_of

V1 = "/api/v1"


@pytest.fixture
def visit_id(database: Database) -> str:
    with transaction(database) as session:
        day_of.crew_on(session, "K01")
        visit = day_of.job(session)
        day_of.published(session)
        return visit.id


def handed_out(client: TestClient, visit_id: str) -> tuple[int, str]:
    made = client.post(f"{V1}/visits/{visit_id}/links")
    assert made.status_code == 201, made.text
    return made.json()["id"], made.json()["url"].removeprefix(ORIGIN)


def test_the_desk_hands_out_a_link_that_is_not_told_again(
    sign_in: SignIn, anonymous: TestClient, visit_id: str
) -> None:
    client = sign_in("intake")
    number, path = handed_out(client, visit_id)

    listed = sign_in("dispatcher").get(f"{V1}/visits/{visit_id}/links")

    assert anonymous.get(path).status_code == 200
    assert [row["id"] for row in listed.json()] == [number]
    assert path.removeprefix("/v/") not in listed.text
    assert client.post(f"{V1}/visits/none/links").status_code == 404


def test_one_link_a_customers_links_and_a_keys_links_are_taken_back_each_by_an_administrator(
    sign_in: SignIn, anonymous: TestClient, visit_id: str, database: Database
) -> None:
    admin, desk = sign_in("admin"), sign_in("dispatcher")
    with database.reading() as session:
        order = session.get_one(WorkOrder, session.get_one(Visit, visit_id).work_order_id)
    paths = [handed_out(desk, visit_id) for _ in range(3)]

    def statuses() -> list[int]:
        return [anonymous.get(path).status_code for _, path in paths]

    assert desk.delete(f"{V1}/links/{paths[0][0]}").status_code == 403
    assert admin.delete(f"{V1}/links/{paths[0][0]}").json()["revoked_at"] is not None
    assert statuses() == [410, 200, 200]
    assert admin.delete(f"{V1}/customers/{order.customer_id}/links").json() == {"revoked": 2}
    assert statuses() == [410, 410, 410]
    paths = [handed_out(desk, visit_id)]
    key = admin.get(f"{V1}/link-keys").json()[0]["id"]
    assert admin.post(f"{V1}/link-keys").status_code == 201
    paths.append(handed_out(desk, visit_id))
    assert admin.delete(f"{V1}/link-keys/{key}").json()["retired_at"] is not None
    assert statuses() == [410, 200]
    for unknown in ("links/99", "customers/none/links", "link-keys/99"):
        assert admin.delete(f"{V1}/{unknown}").status_code == 404
