"""Planned interruptions over HTTP and as a page, in both languages."""

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from api.pages.outages_page import STATES
from api.pages.texts import LANGUAGES, table
from dispatch.contact.tables import Message, MessageStatus
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.desk.tables import RequestKind
from dispatch.registry.tables import Premises
from tests.api.conftest import SignIn, VirtualClock
from tests.builders.desk import make_request
from tests.builders.registry import make_customer, make_premises, make_territory
from tests.instants import NOW
from tests.statements import counted
from workers.execution import drain
from workers.handlers import HANDLERS

HTML = {"Accept": "text/html"}
PAGE = "/console/outages?territory=humen"
START = NOW + timedelta(days=2)
Json = dict[str, Any]


@pytest.fixture
def places(database: Database) -> list[str]:
    """Three premises, two of them of one customer."""
    with transaction(database) as session:
        customer = make_customer(session)
        made = [make_premises(session, customer=customer).id for _ in range(2)]
        return [*made, make_premises(session).id]


def give(client: TestClient, places: list[str], **changes: Any) -> Json:
    body = {
        "territory_id": "humen",
        "starts_at": START.isoformat(),
        "ends_at": (START + timedelta(hours=6)).isoformat(),
        "reason_zh": "线路检修<b>",
        "reason_en": "line maintenance",
        "premises": places,
        **changes,
    }
    answer = client.post("/api/v1/outage-notices", json=body)
    assert answer.status_code == 201
    made: Json = answer.json()
    return made


def test_whom_a_notice_would_concern_is_told_before_it_is_given(
    sign_in: SignIn, places: list[str]
) -> None:
    client, path = sign_in("dispatcher"), "/api/v1/outage-notices/whom"

    found = client.post(path, json={"territory_id": "humen", "premises": places}).json()

    assert (found["premises"], found["customers"], len(found["addresses"])) == (3, 2, 3)
    assert client.get("/api/v1/outage-notices?territory=humen").json() == []
    nobody = client.post(path, json={"territory_id": "humen"})
    assert (nobody.status_code, nobody.json()["field"]) == (422, "premises")
    assert sign_in("intake").post(path, json={"territory_id": "humen"}).status_code == 403


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("line maintenance", "planned", "Planned outage", "Withdraw the notice")),
        ("zh-CN", ("线路检修&lt;b&gt;", "计划中", "撤回该通知", "2 处用电地址")),
    ],
)
def test_a_notice_shows_how_many_were_told_and_whether_it_arrived(
    sign_in: SignIn,
    places: list[str],
    database: Database,
    settings: Settings,
    language: str,
    words: tuple[str, ...],
) -> None:
    client = sign_in("dispatcher")
    made = give(client, places[:2])
    drain(database, settings, now=NOW, handlers=HANDLERS)
    with database.reading() as session:
        (message,) = session.exec(select(Message)).all()
    status = MessageStatus(message.status).value

    page = client.get(f"{PAGE}&notice={made['id']}&lang={language}", headers=HTML).text

    assert all(word in page for word in words)
    behind = f"outage={made['id']}&amp;template=planned_outage&amp;status={status}"
    assert behind in page
    log = client.get(f"/console/messages?territory=humen&{behind.replace('&amp;', '&')}")
    assert f"message={message.id}#opened" in log.text
    assert 'id="give"' not in page, "an opened notice stands alone"


def test_the_page_offers_what_can_be_done_with_a_notice_as_it_is_now(
    sign_in: SignIn, places: list[str], clock: VirtualClock
) -> None:
    number = give(sign_in("dispatcher"), places)["id"]

    def deeds() -> tuple[str, set[str]]:
        address = f"{PAGE}&notice={number}&lang=en"
        page = sign_in("dispatcher").get(address, headers=HTML).text
        known = {
            deed for deed in ("restored", "times", "withdraw") if f'data-deed="{deed}"' in page
        }
        state = next(name for name in STATES if f">{table('en')[f'outages.state.{name}']}<" in page)
        return state, known

    assert deeds() == ("planned", {"times", "withdraw"})
    clock.now = START + timedelta(hours=1)
    assert deeds() == ("off", {"restored", "times", "withdraw"})
    clock.now = START + timedelta(hours=7)
    assert deeds() == ("over", {"restored", "times", "withdraw"})
    sign_in("dispatcher").post(f"/api/v1/outage-notices/{number}/restored", json={})
    assert deeds() == ("restored", set())


def test_who_may_not_give_notice_reads(sign_in: SignIn, places: list[str]) -> None:
    made = give(sign_in("dispatcher"), places)

    for address in (PAGE, f"{PAGE}&notice={made['id']}"):
        page = sign_in("intake").get(address, headers=HTML).text
        assert made["id"] in page
        assert "data-deed=" not in page
        assert 'id="notice-form"' not in page


def test_a_notice_of_another_territory_is_not_found(
    sign_in: SignIn, places: list[str], database: Database
) -> None:
    with transaction(database) as session:
        make_territory(session, id="changan")
    client = sign_in("dispatcher")
    number = give(client, places)["id"]

    assert client.get(f"{PAGE}&notice={number}").status_code == 200
    assert client.get(f"/console/outages?territory=changan&notice={number}").status_code == 404


def test_many_notices_are_listed_with_as_many_statements_as_one(
    sign_in: SignIn, places: list[str], database: Database
) -> None:
    client = sign_in("dispatcher")

    def asked(path: str) -> int:
        client.get(path)
        with counted(database) as statements:
            client.get(path)
        return len(statements)

    give(client, places)
    paths = ("/api/v1/outage-notices?territory=humen", PAGE)
    before = [asked(path) for path in paths]
    for _ in range(4):
        give(client, places)

    assert [asked(path) for path in paths] == before


def test_lines_are_chosen_on_the_page_and_over_the_api(
    sign_in: SignIn, places: list[str], database: Database
) -> None:
    with transaction(database) as session:
        for line in ("太平线/1号台区", "太平线/2号台区", "太平线/2号台区"):
            make_premises(session, feeder=line)
    client = sign_in("dispatcher")

    known = client.get("/api/v1/territories/humen/feeders").json()
    page = client.get(PAGE, headers=HTML).text
    whole = client.post(
        "/api/v1/outage-notices/whom", json={"territory_id": "humen", "feeders": ["太平线"]}
    ).json()
    made = give(client, [], feeders=["太平线/2号台区"])

    assert [(one["feeder"], one["premises"]) for one in known] == [
        ("太平线", 3),
        ("太平线/1号台区", 1),
        ("太平线/2号台区", 2),
    ]
    assert all(f'name="feeder" value="{one["feeder"]}"' in page for one in known)
    assert (whole["premises"], made["premises"], made["feeders"]) == (3, 2, ["太平线/2号台区"])
    unknown = client.post(
        "/api/v1/outage-notices/whom", json={"territory_id": "humen", "feeders": ["无此线"]}
    )
    assert (unknown.status_code, unknown.json()["field"]) == (422, "feeders")


def test_a_fault_counts_its_reports_and_its_end_is_estimated_anew(
    sign_in: SignIn, places: list[str], database: Database, settings: Settings, clock: VirtualClock
) -> None:
    client = sign_in("dispatcher")
    with transaction(database) as session:
        place = session.get_one(Premises, places[0])
        report = make_request(session, kind=RequestKind.FAULT, premises=place, now=clock.now)
        number = report.id
    begun = (clock.now - timedelta(minutes=20)).isoformat()
    back = clock.now + timedelta(hours=3)
    made = give(client, places, unplanned=True, starts_at=begun, ends_at=back.isoformat())
    drain(database, settings, now=clock.now, handlers=HANDLERS)

    listed = client.get(f"/api/v1/outage-notices/{made['id']}").json()
    page = client.get(f"{PAGE}&notice={made['id']}&lang=en", headers=HTML).text
    later = (back + timedelta(hours=1)).isoformat()
    body = {"ends_at": later, "version": listed["version"]}
    moved = client.put(f"/api/v1/outage-notices/{made['id']}/times", json=body)
    joined = client.get(f"/api/v1/requests/{number}").json()

    assert (listed["unplanned"], listed["reports"]) == (True, 1)
    assert ">fault<" in page
    assert "template=unplanned_outage" in page
    assert 'name="ends_at"' in page
    assert 'name="starts_at"' not in page, "it has begun"
    assert moved.status_code == 200
    assert joined["outage_id"] == made["id"]


def test_every_state_is_worded() -> None:
    for language in LANGUAGES:
        assert {f"outages.state.{state}" for state in STATES} <= set(table(language))
