"""The days ahead over HTTP and as a page: asked for, followed, stopped, read in both languages."""

import pytest
from starlette.testclient import TestClient

from dispatch.core.db import Database, transaction
from dispatch.planning import looking
from dispatch.planning.outlook import told
from optimizer.solve import Limits, solve
from tests.api.conftest import SignIn
from tests.builders import planning as day_of
from tests.instants import DAY, NOW

OUTLOOKS = "/api/v1/territories/humen/outlooks"
HTML = {"Accept": "text/html"}


@pytest.fixture
def office(sign_in: SignIn, database: Database) -> TestClient:
    """A dispatcher of a territory where one crew works and one visit has no place."""
    with transaction(database) as session:
        day_of.crew_on(session, "C1")
        day_of.job(session, minutes=60)
        day_of.job(session, work_type="OUT-CBL")
    return sign_in("dispatcher")


def answered(database: Database, outlook_id: int) -> None:
    """What a worker does with the look."""
    with transaction(database) as session:
        built = looking.take(session, outlook_id=outlook_id, now=NOW)
        assert built is not None
        found = told(built, solve(built.problem, Limits(iterations=100)))
        looking.answer(session, outlook_id=outlook_id, found=found, now=NOW)


def test_a_look_is_asked_for_followed_and_read(office: TestClient, database: Database) -> None:
    asked = office.post(OUTLOOKS, json={"days": 2, "first": DAY.isoformat(), "seconds": 5})

    assert asked.status_code == 202
    run = asked.json()
    assert (run["status"], run["found"]) == ("waiting", None)
    assert office.post(OUTLOOKS, json={}).json()["code"] == "outlook_under_way"
    answered(database, run["id"])
    done = office.get(f"/api/v1/outlooks/{run['id']}").json()
    assert done["status"] == "answered"
    assert [day["visits"] for day in done["found"]["days"]] == [1, 0]
    assert done["found"]["travel_times"] == {"source": "estimate"}
    (left,) = done["found"]["left_out"]
    assert left["reason"] == "skill"
    assert [row["id"] for row in office.get(OUTLOOKS).json()] == [run["id"]]


def test_a_stop_is_asked_for(office: TestClient) -> None:
    run = office.post(OUTLOOKS, json={"first": DAY.isoformat()}).json()

    stopped = office.post(f"/api/v1/outlooks/{run['id']}/stop")

    assert stopped.status_code == 200
    assert stopped.json()["stop_asked"] is True
    assert office.get("/api/v1/outlooks/999").json()["code"] == "no_such_outlook"


@pytest.mark.parametrize("body", [{"days": 0}, {"days": 8}, {"engine": "naive"}, {"seconds": -1}])
def test_a_horizon_or_an_option_that_is_none_is_refused(
    office: TestClient, body: dict[str, object]
) -> None:
    assert office.post(OUTLOOKS, json=body).status_code == 422


def test_an_auditor_reads_and_does_not_ask(office: TestClient, sign_in: SignIn) -> None:
    auditor = sign_in("auditor")

    assert auditor.get(OUTLOOKS).json() == []
    assert auditor.post(OUTLOOKS, json={}).status_code == 403
    page = auditor.get("/outlook?territory=humen", headers=HTML)
    assert page.status_code == 200
    assert 'data-do="ask"' not in page.text
    assert sign_in("intake").get("/outlook?territory=humen", headers=HTML).status_code == 403


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            [
                "Days ahead",
                "1 visit<",
                "0 visits",
                "No crew has the skill",
                "How full the crews are",
                "Driving times are estimates by distance",
            ],
        ),
        ("zh-CN", ["未来几天", "1 个任务", "没有班组具备该技能", "各班组负荷", "车程按距离估算"]),
    ],
)
def test_the_page_shows_the_last_look_in_both_languages(
    office: TestClient, database: Database, language: str, words: list[str]
) -> None:
    address = f"/outlook?territory=humen&lang={language}"
    assert 'data-do="ask"' in office.get(address, headers=HTML).text
    run = office.post(OUTLOOKS, json={"days": 2, "first": DAY.isoformat()}).json()
    assert f'data-waiting="{run["id"]}"' in office.get(address, headers=HTML).text
    answered(database, run["id"])

    page = office.get(address, headers=HTML).text

    for word in words:
        assert word in page
    assert "<script>" not in page
    assert " style=" not in page
