"""The service desk's page and the page of alerts, in both languages."""

from datetime import timedelta

import pytest

from api.pages.texts import LANGUAGES, table
from dispatch.core.alerts import open_alerts, raise_alert
from dispatch.core.db import Database, transaction
from dispatch.core.tables import Task, TaskState
from dispatch.core.tasks import enqueue
from dispatch.desk import requests
from dispatch.desk.lifecycle import REQUESTS
from dispatch.desk.tables import Request, RequestStatus
from dispatch.registry.tables import Customer
from dispatch.work.tables import WorkOrderStatus
from tests.api.conftest import SignIn, VirtualClock
from tests.builders.desk import make_request
from tests.builders.registry import DISPATCHER, make_territory
from tests.instants import NOW, at

HTML = {"Accept": "text/html"}
PAGE = "/console/requests?territory=humen"
ALERTS = "/console/alerts?territory=humen&lang=en"


@pytest.fixture
def asked(database: Database, clock: VirtualClock) -> list[Request]:
    """Three requests, of which the second has been answered."""
    clock.now = at("10:00")
    with transaction(database) as session:
        made = [make_request(session, subject=f"About matter {number}") for number in range(3)]
        requests.answer(
            session, made[1], text="It is so", resolves=False, actor=DISPATCHER, now=NOW
        )
        return made


def test_the_open_requests_stand_by_their_clock_and_one_is_answered_there(
    sign_in: SignIn, asked: list[Request]
) -> None:
    client = sign_in("intake")
    page = client.get(f"{PAGE}&lang=en", headers=HTML).text
    first, second, third = (page.index(f"About matter {number}") for number in range(3))
    assert first < third < second, "what waits for no answer comes last"
    assert page.count("Answer by") == 2

    opened = client.get(f"{PAGE}&request={asked[0].id}&lang=en", headers=HTML).text
    assert 'id="answer"' in opened
    assert f'data-version="{asked[0].version}"' in opened
    body = {"text": "We come on Friday", "version": asked[0].version}
    assert client.post(f"/api/v1/requests/{asked[0].id}/answer", json=body).status_code == 200
    settled = client.get(f"{PAGE}&request={asked[0].id}&lang=en", headers=HTML).text
    assert "We come on Friday" in settled
    assert 'id="answer"' not in settled
    assert '<option value="close">Close it</option>' in settled


def test_a_request_is_merged_into_another_which_lists_it(
    sign_in: SignIn, asked: list[Request]
) -> None:
    client = sign_in("intake")
    path = f"/api/v1/requests/{asked[0].id}/moves"
    body = {"action": "merge", "version": asked[0].version}

    missing = client.post(path, json=body)
    done = client.post(path, json={**body, "into": asked[2].id})

    assert (missing.status_code, missing.json()["field"]) == (422, "into")
    assert (done.status_code, done.json()["merged_into"]) == (200, asked[2].id)
    for opened, other in ((asked[0], asked[2]), (asked[2], asked[0])):
        page = client.get(f"{PAGE}&request={opened.id}&lang=en", headers=HTML).text
        assert f"request={other.id}" in page
        assert ("Goes on in" in page) == (opened is asked[0])


def test_who_may_not_write_sees_no_form_and_a_crew_sees_nothing(
    sign_in: SignIn, asked: list[Request], database: Database, crew_a: str
) -> None:
    with transaction(database) as session:
        session.get_one(Customer, asked[0].customer_id).phone = "+86 769 8555 0100"
    address = f"{PAGE}&request={asked[0].id}&lang=en"

    auditor = sign_in("auditor").get(address, headers=HTML).text
    assert "tel:+8676985550100" in auditor
    assert "<form id=" not in auditor
    assert sign_in("crew", crew_id=crew_a).get(address, headers=HTML).status_code == 403


def test_the_page_after_the_first_goes_on(
    sign_in: SignIn, database: Database, clock: VirtualClock
) -> None:
    with transaction(database) as session:
        for number in range(51):
            make_request(session, subject=f"Matter {number:02}.", now=NOW + timedelta(0, number))
    client = sign_in("intake")

    first = client.get(PAGE, headers=HTML).text
    assert "Matter 49." in first
    assert "Matter 50." not in first
    assert "skip=50" in first
    assert "Matter 50." in client.get(f"{PAGE}&skip=50", headers=HTML).text


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_and_move_has_its_words(language: str) -> None:
    words = table(language)
    moves = {row.action for row in REQUESTS.moves} - {"triage", "resolve"}
    wanted = [
        *(f"requests.status.{status}" for status in RequestStatus),
        *(f"requests.order_status.{status}" for status in WorkOrderStatus),
        *(f"requests.do.{move}" for move in moves),
    ]

    assert [key for key in wanted if key not in words] == []


def test_an_administrator_settles_alerts_and_puts_tasks_back_and_others_read_whom_to_ask(
    sign_in: SignIn, database: Database
) -> None:
    with transaction(database) as session:
        make_territory(session)
        raise_alert(session, "clock.step", "The clock was set", now=NOW)
        raise_alert(session, "task.dead:plan.solve", "A plan.solve task gave up", now=NOW)
        enqueue(session, "plan.solve", key="x", payload={}, now=NOW)
        session.flush()
        task = session.get_one(Task, 1)
        task.state, task.finished_at, task.last_error = TaskState.DEAD, NOW, "out of memory"

    dispatcher, admin = sign_in("dispatcher"), sign_in("admin")
    seen = dispatcher.get(ALERTS, headers=HTML).text
    assert "The clock was set" in seen
    assert "out of memory" in seen
    assert "Only an administrator can act here" in seen
    assert "data-task=" not in seen
    assert dispatcher.post("/api/v1/alerts/settle", json={"key": "clock.step"}).status_code == 403

    assert 'data-alert="clock.step"' in admin.get(ALERTS, headers=HTML).text
    assert admin.post("/api/v1/alerts/settle", json={"key": "clock.step"}).status_code == 204
    assert admin.post("/api/v1/tasks/1/requeue").status_code == 200
    with transaction(database) as session:
        assert open_alerts(session) == [], "the last task of its kind closes their alert"
