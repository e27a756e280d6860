"""The search box over HTTP: what may be seen of what is found depends on who looks."""

from dispatch.core.db import Database, transaction
from tests.api.conftest import SignIn
from tests.builders.registry import make_customer, make_premises

SEARCH = "/api/v1/territories/humen/search"


def test_who_may_change_customers_sees_their_telephones_and_others_the_end(
    database: Database, sign_in: SignIn
) -> None:
    with transaction(database) as session:
        customer = make_customer(session, id="C7001", name="欧阳小明", phone="13800138000")
        make_premises(session, customer=customer)

    seen = {
        role: [hit["phone"] for hit in sign_in(role).post(SEARCH, json={"q": "欧阳"}).json()]
        for role in ("dispatcher", "intake", "auditor")
    }
    assert seen == {
        "dispatcher": ["13800138000"], "intake": ["13800138000"], "auditor": ["*******8000"],
    }  # fmt: skip


def test_too_little_and_an_unknown_territory_are_refused(
    database: Database, sign_in: SignIn
) -> None:
    with transaction(database) as session:
        make_premises(session)
    client = sign_in("dispatcher")

    short = client.post(SEARCH, json={"q": "1"})
    assert (short.status_code, short.json()["code"], short.json()["field"]) == (
        422, "search_too_short", "q",
    )  # fmt: skip
    unknown = client.post("/api/v1/territories/nowhere/search", json={"q": "欧阳"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "no_such_territory")
