"""The numbers of planning over HTTP: read by whoever plans, changed by an administrator."""

from dispatch.core.db import Database, transaction
from tests.api.conftest import SignIn
from tests.builders.planning import crew_on
from tests.builders.work import make_catalogue

RULES = "/api/v1/planning-rules"


def test_a_rule_is_changed_number_by_number_and_nonsense_is_refused(
    sign_in: SignIn, database: Database
) -> None:
    with transaction(database) as session:
        make_catalogue(session)
    admin, dispatcher = sign_in("admin"), sign_in("dispatcher")

    assert dispatcher.put(f"{RULES}/slack", json={"values": {"percent": 25}}).status_code == 403
    changed = admin.put(f"{RULES}/slack", json={"values": {"percent": 25}})

    assert changed.json() == {
        "name": "slack", "version": 1, "values": {"percent": 25, "window_minutes": 0}
    }  # fmt: skip
    found = {row["name"]: row["values"] for row in dispatcher.get(RULES).json()}
    assert found["slack"] == changed.json()["values"]
    assert found["weights"]["change"] == 900
    refused = admin.put(f"{RULES}/slack", json={"values": {"percent": 99}})
    assert (refused.status_code, refused.json()["code"]) == (422, "bad_planning_rule")
    assert admin.put(f"{RULES}/colour", json={"values": {"red": 1}}).status_code == 422
    assert admin.put(f"{RULES}/slack", json={"values": {}}).status_code == 422


def test_a_rule_that_somebody_else_has_edited_is_not_overwritten(
    sign_in: SignIn, database: Database
) -> None:
    with transaction(database) as session:
        make_catalogue(session)
    admin = sign_in("admin")
    shown = {row["name"]: row["version"] for row in admin.get(RULES).json()}
    assert set(shown.values()) == {0}

    def put(number: int, seen: int) -> tuple[int, str | None]:
        body = {"values": {"percent": number}}
        answer = admin.put(f"{RULES}/slack", json=body, headers={"If-Match": f'"{seen}"'})
        return answer.status_code, answer.headers.get("ETag")

    assert put(10, seen=0) == (200, '"1"')
    assert put(20, seen=0) == (409, None)
    assert put(20, seen=1) == (200, '"2"')
    assert {row["name"]: row["version"] for row in admin.get(RULES).json()}["slack"] == 2


def test_points_and_a_crews_stock_are_changed_as_they_were_seen(
    sign_in: SignIn, database: Database
) -> None:
    with transaction(database) as session:
        make_catalogue(session)
        crew_on(session, "K01")
    admin = sign_in("admin")
    points, stock = "/api/v1/points/P0", "/api/v1/crews/K01/stock"

    first = admin.put(f"{stock}/fuse", json={"quantity": 3, "version": 0})
    stale = admin.put(f"{stock}/fuse", json={"quantity": 4, "version": 0})
    second = admin.put(f"{stock}/fuse", json={"quantity": 4}, headers={"If-Match": '"1"'})

    assert (first.status_code, stale.json()["code"]) == (200, "stale_version")
    assert (second.headers["ETag"], admin.get(stock).json()) == ('"2"', [second.json()])
    figures = {"unserved": 9, "late_per_second": 1}
    seen = {row["priority"]: row["version"] for row in admin.get("/api/v1/points").json()}
    stale = admin.put(points, json=figures | {"version": seen["P0"] + 1})
    good = admin.put(points, json=figures | {"version": seen["P0"]})
    assert (stale.status_code, good.status_code) == (409, 200)
    assert good.json()["version"] == seen["P0"] + 1
