"""Plans over HTTP: requested, looked at, published by one of two dispatchers, edited."""

import pytest
import sqlalchemy as sa

from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.planning.tables import Plan
from dispatch.registry.tables import Customer
from tests.api.conftest import SignIn, VirtualClock
from tests.builders import planning as day_of
from tests.builders.registry import make_territory
from workers.broker import bell, make_broker

DAY = "/api/v1/territories/humen/days/2026-03-10"


@pytest.fixture
def proposal(database: Database) -> int:
    """A proposed plan of two visits for one crew."""
    with transaction(database) as session:
        day_of.crew_on(session, "C1")
        day_of.job(session, east=1)
        day_of.job(session, east=2)
        return day_of.proposed(session).id or 0


def test_a_requested_plan_is_accepted_and_its_task_waits(
    sign_in: SignIn, database: Database
) -> None:
    with transaction(database) as session:
        day_of.crew_on(session, "C1")
        day_of.job(session)
    client = sign_in("dispatcher")

    answer = client.post(f"{DAY}/plans", json={"seconds": 5, "seed": 7})

    assert answer.status_code == 202
    plan = answer.json()
    assert plan["status"] == "draft"
    assert client.get(f"/api/v1/plans/{plan['id']}").headers["ETag"] == f'"{plan["version"]}"'
    assert [row["id"] for row in client.get(f"{DAY}/plans").json()] == [plan["id"]]
    assert client.get("/api/v1/tasks").json() == {"due": 1}


def test_work_is_taken_in_while_redis_is_away(
    sign_in: SignIn, database: Database, settings: Settings
) -> None:
    database.bell = bell(make_broker(settings))  # nothing listens on that socket
    with transaction(database) as session:
        day_of.crew_on(session, "C1")
        day_of.job(session)

    answer = sign_in("dispatcher").post(f"{DAY}/plans", json={})

    assert answer.status_code == 202
    assert sign_in("auditor").get("/api/v1/tasks").json() == {"due": 1}


def test_the_list_of_who_is_told_names_customers_and_what_keeps_a_message_from_them(
    sign_in: SignIn, proposal: int, settings: Settings, database: Database
) -> None:
    with database.engine.begin() as connection:
        first = sa.select(sa.func.min(Customer.id)).scalar_subquery()
        refusing = sa.update(Customer).where(Customer.id == first)  # type: ignore[arg-type]
        connection.execute(refusing.values(wants_messages=False))

    found = sign_in("dispatcher").get(f"/api/v1/plans/{proposal}/publication").json()

    assert {line["change"] for line in found["told"]} == {"new"}
    assert [line["obstacle"] for line in found["told"]] == ["no_consent", ""]
    assert [line["is_reached"] for line in found["told"]] == [False, True]
    assert found["messages"] == {"by": "files", "folder": str(settings.outbox_dir)}


def test_of_two_dispatchers_who_publish_the_same_plan_one_is_told_that_it_is_published(
    sign_in: SignIn, proposal: int
) -> None:
    first, second = sign_in("dispatcher"), sign_in("dispatcher")
    version = first.get(f"/api/v1/plans/{proposal}").json()["version"]
    url = f"/api/v1/plans/{proposal}/publish"

    won = first.post(url, json={"version": version})
    lost = second.post(url, json={"version": version})

    assert won.status_code == 200
    assert len(won.json()["told"]) == 2
    assert won.json()["plan"]["status"] in {"published", "active"}
    assert lost.status_code == 409
    assert lost.json()["code"] == "already_published"


def test_a_stale_version_is_refused_by_body_and_by_if_match(sign_in: SignIn, proposal: int) -> None:
    client = sign_in("dispatcher")
    version = client.get(f"/api/v1/plans/{proposal}").json()["version"]
    url = f"/api/v1/plans/{proposal}/publish"

    by_body = client.post(url, json={"version": version - 1})
    by_header = client.post(url, json={}, headers={"If-Match": f'"{version + 1}"'})
    at_odds = client.post(url, json={"version": version}, headers={"If-Match": '"99"'})
    nonsense = client.post(url, json={}, headers={"If-Match": "yesterday"})
    good = client.post(url, json={}, headers={"If-Match": f'"{version}"'})

    assert (by_body.status_code, by_body.json()["code"]) == (409, "stale_version")
    assert (by_header.status_code, by_header.json()["code"]) == (409, "stale_version")
    assert (at_odds.status_code, at_odds.json()["code"]) == (422, "bad_version")
    assert (nonsense.status_code, nonsense.json()["field"]) == (422, "If-Match")
    assert good.status_code == 200


def test_a_board_tells_only_the_days_that_differ_from_another_plan(
    sign_in: SignIn, database: Database
) -> None:
    with transaction(database) as session:
        for crew in ("C1", "C2", "C3"):
            day_of.crew_on(session, crew)
        visits = [day_of.job(session, east=1 + k).id for k in range(3)]
        shifts = [f"C{k}-20260310" for k in (1, 2, 3)]
        base = day_of.published(
            session, orders=dict(zip(shifts, [[v] for v in visits], strict=True))
        )
        plan = base.id or 0
    client = sign_in("dispatcher")
    version = client.get(f"/api/v1/plans/{plan}").json()["version"]
    body = {"visit_id": visits[0], "shift_id": shifts[1], "version": version}
    made = client.post(f"/api/v1/plans/{plan}/moves", json=body).json()

    def crews(**query: object) -> list[str]:
        answer = client.get(f"{DAY}/board", params={"draft": True, **query})
        assert answer.json()["plan"]["id"] == made["id"]
        return [row["crew_id"] for row in answer.json()["crews"]]

    assert crews() == ["C1", "C2", "C3"]
    assert crews(than=plan) == ["C1", "C2"]
    assert crews(than=made["id"]) == []
    assert crews(than=made["id"], crew=["C3"]) == ["C3"]
    unknown = client.get(f"{DAY}/board", params={"draft": True, "than": 999})
    assert (unknown.status_code, unknown.json()["field"]) == (404, "than")


def test_publishing_is_refused_when_the_board_has_moved(
    sign_in: SignIn, proposal: int, database: Database
) -> None:
    with transaction(database) as session:
        day_of.job(session, east=3)

    answer = sign_in("dispatcher").post(f"/api/v1/plans/{proposal}/publish", json={})

    assert answer.status_code == 409
    assert answer.json()["code"] == "board_moved"


def test_a_plan_shows_its_stops_and_what_it_leaves_out(sign_in: SignIn, database: Database) -> None:
    with transaction(database) as session:
        day_of.crew_on(session, "C1", skills={"MT": 1})
        day_of.job(session)
        day_of.job(session, located=False)
        plan_id = day_of.proposed(session).id

    content = sign_in("auditor").get(f"/api/v1/plans/{plan_id}/content").json()

    assert content["stops"] == []
    assert [row["reason"] for row in content["left_out"]] == ["skill"]
    assert [row["reason"] for row in content["unplaceable"]] == ["no_position"]


def test_a_new_visit_is_offered_places_and_inserted_as_a_proposal(
    sign_in: SignIn, proposal: int, database: Database
) -> None:
    client = sign_in("dispatcher")
    client.post(f"/api/v1/plans/{proposal}/publish", json={})
    with transaction(database) as session:
        visit_id = day_of.job(session, east=1.5).id

    places = client.get(f"/api/v1/visits/{visit_id}/places", params={"day": "2026-03-10"})
    plan = client.post(f"/api/v1/visits/{visit_id}/insertions", json={"day": "2026-03-10"})

    assert places.status_code == 200
    assert 1 <= len(places.json()) <= 3
    assert plan.status_code == 201
    assert (plan.json()["status"], plan.json()["origin"]) == ("proposed", "insert")


def test_a_visit_is_moved_put_back_locked_and_unlocked(
    sign_in: SignIn, proposal: int, database: Database
) -> None:
    client = sign_in("dispatcher")
    content = client.get(f"/api/v1/plans/{proposal}/content").json()
    stop = content["stops"][0]
    moved = client.post(
        f"/api/v1/plans/{proposal}/moves",
        json={"visit_id": stop["visit_id"], "shift_id": stop["shift_id"], "position": 1},
    )
    newer = moved.json()["id"]
    back = client.post(f"/api/v1/plans/{newer}/put-backs", json={"visit_id": stop["visit_id"]})
    lock = f"/api/v1/plans/{proposal}/locks/{content['stops'][1]['visit_id']}"
    locked = client.put(lock, json={"crew": True})
    unlocked = client.delete(f"/api/v1/visits/{content['stops'][1]['visit_id']}/lock")

    assert (moved.status_code, back.status_code) == (201, 201)
    assert locked.json()["locked_crew"] is True
    assert unlocked.json()["locked_crew"] is False


def test_a_discarded_plan_is_superseded_and_a_second_time_refused(
    sign_in: SignIn, proposal: int
) -> None:
    client = sign_in("dispatcher")

    first = client.post(f"/api/v1/plans/{proposal}/discard", json={})
    second = client.post(f"/api/v1/plans/{proposal}/discard", json={})

    assert first.json()["status"] == "superseded"
    assert second.status_code == 409
    assert second.json()["details"]["state"] == "superseded"


@pytest.mark.parametrize("plan_id", ["0", "-1", "99999999999999999999999", "x"])
def test_an_impossible_plan_number_is_refused(sign_in: SignIn, plan_id: str) -> None:
    assert sign_in("dispatcher").get(f"/api/v1/plans/{plan_id}").status_code == 422


def test_an_unknown_plan_is_not_found(sign_in: SignIn) -> None:
    answer = sign_in("dispatcher").get("/api/v1/plans/12345")

    assert (answer.status_code, answer.json()["code"]) == (404, "no_such_plan")


def test_the_day_is_closed_and_reported(
    sign_in: SignIn, proposal: int, database: Database, clock: VirtualClock
) -> None:
    client = sign_in("dispatcher")
    client.post(f"/api/v1/plans/{proposal}/publish", json={})

    early = client.post(f"{DAY}/closing", json={})
    clock.forward(hours=10.9)
    client = sign_in("dispatcher")
    closed = client.post(f"{DAY}/closing", json={})
    report = client.get(f"{DAY}/report")
    sheet = client.get(f"{DAY}/report.csv")

    assert (early.status_code, early.json()["code"]) == (409, "crews_still_out")
    assert closed.status_code == 200
    assert len(closed.json()["returned"]) == 2
    assert report.json()["visits"]["returned"] == 2
    assert sheet.headers["content-type"].startswith("text/csv")
    assert "visits.returned" in sheet.text


def test_a_mass_of_plan_requests_leaves_one_plan_waiting(
    sign_in: SignIn, database: Database
) -> None:
    with transaction(database) as session:
        make_territory(session)
        day_of.crew_on(session, "C1")
    client = sign_in("dispatcher")

    for _ in range(20):
        assert client.post(f"{DAY}/plans", json={}).status_code == 202

    statuses = [plan["status"] for plan in client.get(f"{DAY}/plans").json()]
    assert statuses.count("draft") == 1
    with database.reading() as session:
        assert session.get(Plan, 1) is not None
