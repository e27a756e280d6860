"""Questions about a plan over HTTP: offers, explanations, comparisons; and what is refused."""

from typing import Any

import pytest

from dispatch.core.db import Database, transaction
from tests.api.conftest import SignIn
from tests.builders import planning as day_of

DAY = "2026-03-10"
V1 = "/api/v1"


@pytest.fixture
def day(database: Database) -> dict[str, Any]:
    """A published plan of two visits, a draft that gives one to another crew, and a visit that waits."""
    with transaction(database) as session:
        day_of.crew_on(session, "C1")
        day_of.crew_on(session, "C2")
        first, second = day_of.job(session, east=1), day_of.job(session, east=2)
        shifts = {"one": "C1-20260310", "two": "C2-20260310"}
        current = day_of.published(session, orders={shifts["one"]: [first.id, second.id]})
        draft = day_of.proposed(
            session, orders={shifts["one"]: [first.id], shifts["two"]: [second.id]}
        )
        waiting = day_of.job(session, east=1.5)
        return {
            "current": current.id,
            "draft": draft.id,
            "planned": first.id,
            "moved": second.id,
            "waiting": waiting.id,
        }


def test_intake_sees_what_windows_it_can_offer(sign_in: SignIn, day: dict[str, Any]) -> None:
    url = f"{V1}/visits/{day['waiting']}/offers"
    window = {"start_at": f"{DAY}T09:00:00+08:00", "end_at": f"{DAY}T11:00:00+08:00"}
    late = {"start_at": f"{DAY}T19:00:00+08:00", "end_at": f"{DAY}T20:00:00+08:00"}
    client = sign_in("intake")

    of_the_day = client.get(url, params={"day": DAY})
    named = client.post(url, json={"day": DAY, "windows": [window, late]})

    assert of_the_day.status_code == 200
    assert len(of_the_day.json()) == 5
    assert any(offer["recommended"] for offer in of_the_day.json())
    assert [offer["reason"] for offer in named.json()] == [None, "window"]
    assert named.json()[0]["crew_id"] in {"C1", "C2"}


@pytest.mark.parametrize(
    "windows",
    [
        [],
        [{"start_at": f"{DAY}T11:00:00+08:00", "end_at": f"{DAY}T09:00:00+08:00"}],
        [{"start_at": f"{DAY}T09:00:00", "end_at": f"{DAY}T11:00:00"}],
        [{"start_at": f"{DAY}T09:00:00Z", "end_at": f"{DAY}T11:00:00Z"}] * 61,
        "nine to eleven",
    ],
    ids=["none", "backwards", "no offset", "too many", "words"],
)
def test_windows_that_are_none_are_refused(
    sign_in: SignIn, day: dict[str, Any], windows: Any
) -> None:
    answer = sign_in("dispatcher").post(
        f"{V1}/visits/{day['waiting']}/offers", json={"day": DAY, "windows": windows}
    )

    assert answer.status_code == 422


def test_an_explanation_has_instants_and_crews(sign_in: SignIn, day: dict[str, Any]) -> None:
    client = sign_in("auditor")

    waiting = client.get(f"{V1}/plans/{day['draft']}/visits/{day['waiting']}/explanation").json()
    planned = client.get(f"{V1}/plans/{day['current']}/visits/{day['planned']}/explanation").json()

    assert waiting["verdict"] == "fits"
    assert waiting["start_at"].startswith(DAY)
    assert planned["verdict"] == "served"
    assert [other["crew_id"] for other in planned["alternatives"]] == ["C2"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("plans/99999/visits/{waiting}/explanation", 404),
        ("plans/{draft}/visits/nobody/explanation", 404),
        ("plans/0/visits/{waiting}/explanation", 422),
        ("plans/{draft}/comparison?with=99999", 404),
        ("plans/{draft}/comparison?with=0", 422),
        ("plans/{draft}/comparison?with=other", 422),
        ("visits/nobody/offers?day=2026-03-10", 404),
        ("visits/{waiting}/offers?day=yesterday", 422),
        ("visits/{waiting}/offers?day=2026-03-10&plan_id=0", 422),
    ],
)
def test_questions_about_nothing_are_refused(
    sign_in: SignIn, day: dict[str, Any], path: str, status: int
) -> None:
    assert sign_in("dispatcher").get(f"{V1}/{path.format(**day)}").status_code == status


def test_a_draft_is_compared_with_the_plan_in_force(sign_in: SignIn, day: dict[str, Any]) -> None:
    client = sign_in("auditor")
    url = f"{V1}/plans/{day['draft']}/comparison"

    found = client.get(url, params={"with": day["current"]}).json()
    beside_naive = client.get(url).json()

    assert found["terms"][0]["name"] == "total"
    assert [row["visit_id"] for row in found["visits"]] == [day["moved"]]
    assert found["visits"][0]["was_crew_id"] == "C1"
    assert sorted(found["affected"]) == ["C1", "C2"]
    assert set(beside_naive) == {"plan", "naive"}


def test_a_visit_is_tried_on_every_shift_with_its_change_or_the_reason(
    sign_in: SignIn, day: dict[str, Any]
) -> None:
    client = sign_in("dispatcher")
    url = f"{V1}/plans/{day['current']}/visits"

    planned = client.get(f"{url}/{day['moved']}/trials").json()
    waiting = client.get(f"{url}/{day['waiting']}/trials").json()

    assert [row["crew_id"] for row in planned] == ["C1", "C2"]
    assert planned[0]["driving_s"] == 0, "it is there already"
    assert planned[1]["driving_s"] > 0
    assert all(row["reason"] is None and row["start_at"] for row in waiting)


def test_a_lock_of_its_crew_does_not_hide_where_else_a_visit_could_go(
    sign_in: SignIn, day: dict[str, Any]
) -> None:
    client = sign_in("dispatcher")
    plan = f"{V1}/plans/{day['current']}"
    client.put(f"{plan}/locks/{day['moved']}", json={"crew": True, "time": False})

    found = client.get(f"{plan}/visits/{day['moved']}/trials").json()

    assert [row["reason"] for row in found] == [None, None]


def test_the_board_shows_a_draft_that_is_newer_than_the_plan_in_force_when_asked(
    sign_in: SignIn, day: dict[str, Any]
) -> None:
    client, url = sign_in("dispatcher"), f"{V1}/territories/humen/days/{DAY}/board"

    plain, draft = client.get(url).json(), client.get(url, params={"draft": True}).json()

    assert plain["plan"]["id"] == day["current"]
    assert draft["plan"]["id"] == day["draft"]
    assert draft["in_force"]["id"] == day["current"]


def test_the_board_gives_the_days_of_some_crews_and_hints_in_chinese(
    sign_in: SignIn, day: dict[str, Any]
) -> None:
    client, url = sign_in("dispatcher"), f"{V1}/territories/humen/days/{DAY}/board"

    whole = client.get(url).json()
    part = client.get(url, params={"crew": "C2", "hints": "zh-CN"}).json()

    assert [row["crew_id"] for row in part["crews"]] == ["C2"]
    assert part["crews"][0] == next(row for row in whole["crews"] if row["crew_id"] == "C2")
    assert [row["visit"]["id"] for row in part["queue"]] == [
        row["visit"]["id"] for row in whole["queue"]
    ]
    assert all(row["hint"].isascii() for row in whole["queue"])
    assert not any(row["hint"].isascii() for row in part["queue"] if row["hint"])
