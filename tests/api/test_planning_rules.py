"""The numbers of planning over HTTP: read by whoever plans, changed by an administrator."""

from dispatch.core.db import Database, transaction
from tests.api.conftest import SignIn
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

    assert changed.json() == {"name": "slack", "values": {"percent": 25, "window_minutes": 0}}
    found = {row["name"]: row["values"] for row in dispatcher.get(RULES).json()}
    assert found["slack"] == changed.json()["values"]
    assert found["weights"]["change"] == 900
    refused = admin.put(f"{RULES}/slack", json={"values": {"percent": 99}})
    assert (refused.status_code, refused.json()["code"]) == (422, "bad_planning_rule")
    assert admin.put(f"{RULES}/colour", json={"values": {"red": 1}}).status_code == 422
    assert admin.put(f"{RULES}/slack", json={"values": {}}).status_code == 422
