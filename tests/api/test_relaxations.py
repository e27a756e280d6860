"""Making a visit fit over HTTP: who may come along is asked, the change is made and taken back."""

from typing import Any

import pytest

from dispatch.core.db import Database, transaction
from tests.api.conftest import SignIn
from tests.builders import planning as day_of

DAY = "/api/v1/territories/humen/days/2026-03-10"
ONE = "C1-20260310"


@pytest.fixture
def short_crew(database: Database) -> tuple[int, str]:
    """A proposed plan of a crew of one and another of two, and a visit that needs two; the plan and the visit."""
    with transaction(database) as session:
        day_of.crew_on(session, "C1", members=1, skills={"LV": 1, "PL": 1})
        day_of.crew_on(session, "C2")
        day_of.job(session, east=1)
        plan = day_of.proposed(session).id or 0
        return plan, day_of.job(session, work_type="EMG-HAZ-LV").id


def test_a_member_is_lent_and_undoing_gives_the_member_back(
    sign_in: SignIn, short_crew: tuple[int, str]
) -> None:
    client, (plan, visit) = sign_in("dispatcher"), short_crew
    lendable = client.get(
        f"/api/v1/plans/{plan}/visits/{visit}/shifts/{ONE}/lendable-members"
    ).json()
    assert lendable["needed"] == 1
    member = lendable["members"][0]["member_id"]
    version = client.get(f"/api/v1/plans/{plan}").json()["version"]
    body: dict[str, Any] = {
        "visit_id": visit, "shift_id": ONE, "version": version,
        "change": {"kind": "loan", "member_ids": [member], "reason": "both crews agreed"},
    }  # fmt: skip

    made = client.post(f"/api/v1/plans/{plan}/relaxations", json=body)
    undone = client.post(f"{DAY}/undo")

    assert made.status_code == 201
    assert made.json()["origin"] == "edit"
    assert (undone.status_code, undone.json()["kind"]) == (200, "loan")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "loan", "member_ids": [], "reason": "x"}, "change.loan.member_ids"),
        ({"kind": "overtime", "minutes": 10}, "change.overtime.reason"),
        ({"kind": "load", "part": "meter", "quantity": 0}, "change.load.quantity"),
        ({"kind": "magic"}, "change"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused_and_the_field_named(
    sign_in: SignIn, short_crew: tuple[int, str], change: dict[str, Any], field: str
) -> None:
    plan, visit = short_crew
    body = {"visit_id": visit, "shift_id": ONE, "version": 1, "change": change}

    answer = sign_in("dispatcher").post(f"/api/v1/plans/{plan}/relaxations", json=body)

    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_neither_an_auditor_nor_a_clerk_changes_what_a_crew_can_do(
    sign_in: SignIn, short_crew: tuple[int, str]
) -> None:
    plan, visit = short_crew
    body = {
        "visit_id": visit, "shift_id": ONE, "version": 1,
        "change": {"kind": "load", "part": "meter", "quantity": 1},
    }  # fmt: skip

    for role in ("auditor", "intake"):
        answer = sign_in(role).post(f"/api/v1/plans/{plan}/relaxations", json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
