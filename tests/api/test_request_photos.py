"""Photographs sent with the public form: kept with the request, shown to the office and to the crew that goes."""

import re
from pathlib import Path

import httpx
import pytest
from starlette.testclient import TestClient

from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.desk import photos, requests
from dispatch.desk.queries import requests as listed
from dispatch.desk.tables import Request
from dispatch.registry import premises
from tests.api import public_form
from tests.api.conftest import SignIn
from tests.api.public_form import HTML, nonce_of
from tests.builders import planning as day_of
from tests.builders.desk import CLERK, make_counters
from tests.builders.pictures import MAKER, PLACE, jpeg, png
from tests.builders.registry import ADMIN
from tests.builders.work import first_visit, make_catalogue
from tests.instants import NOW

REPORT = {**public_form.REPORT, "text": "电表箱烧了"}
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"


@pytest.fixture(autouse=True)
def counters(database: Database) -> None:
    with transaction(database) as session:
        make_counters(session)


def send(client: TestClient, *pictures: bytes, **changes: str) -> httpx.Response:
    """The form as a browser sends it: with a nameless part when no photograph was chosen."""
    form = {"nonce": nonce_of(client), **REPORT, **changes}
    files = [
        ("photos", (f"{number}.jpg", content, "image/jpeg"))
        for number, content in enumerate(pictures)
    ]
    nothing = [("photos", ("", b"", "application/octet-stream"))]
    return client.post("/ask", data=form, files=files or nothing, headers=HTML)


def received(database: Database) -> list[Request]:
    with database.reading() as session:
        return list(listed(session).items)


def kept(settings: Settings) -> list[Path]:
    return [path for path in settings.attachments.rglob("*") if path.is_file()]


def test_photographs_are_kept_with_the_request_without_where_they_were_taken(
    anonymous: TestClient, sign_in: SignIn, database: Database, settings: Settings
) -> None:
    assert send(anonymous, jpeg(), png()).url.path.startswith("/r/")

    (request,) = received(database)
    clerk = sign_in("intake")
    rows = clerk.get(f"/api/v1/requests/{request.id}/photos").json()
    assert [(row["number"], row["media_type"]) for row in rows] == [
        (1, "image/jpeg"),
        (2, "image/png"),
    ]
    shown = clerk.get(f"/api/v1/requests/{request.id}/photos/1")
    assert shown.headers["content-type"] == "image/jpeg"
    assert shown.headers["content-disposition"] == f'inline; filename="{request.id}-1.jpg"'
    for path in kept(settings):
        assert MAKER.encode() not in path.read_bytes()
        assert PLACE not in path.read_bytes()
    assert clerk.get(f"/api/v1/requests/{request.id}/photos/3").json()["code"] == "no_such_photo"


def test_a_form_without_photographs_and_one_sent_the_old_way_are_taken(
    anonymous: TestClient, database: Database
) -> None:
    assert send(anonymous).status_code == 200
    form = {"nonce": nonce_of(anonymous), **REPORT, "text": "停电", "photos": "no file"}
    assert anonymous.post("/ask", data=form, headers=HTML).status_code == 200

    assert len(received(database)) == 2


@pytest.mark.parametrize(
    ("pictures", "said"),
    [
        ((jpeg(), SVG), "第 2 张不是完整的"),
        ((jpeg()[:60],), "第 1 张不是完整的"),
        ((jpeg(), jpeg(), b"\xff\xd8\xff" + bytes(1_000_000)), "第 3 张照片超过 1 MB"),
        ((jpeg(), jpeg(), png(), png(8, 8)), "最多 3 张"),
    ],
)
def test_a_file_that_cannot_be_taken_is_named_and_nothing_is_saved(
    anonymous: TestClient,
    database: Database,
    settings: Settings,
    pictures: tuple[bytes, ...],
    said: str,
) -> None:
    page = send(anonymous, *pictures)

    assert page.status_code == 422
    assert re.search(r'id="photos"[^>]*aria-invalid="true"', page.text)
    assert said in page.text
    assert all(text in page.text for text in (REPORT["name"], REPORT["text"], REPORT["address"]))
    assert received(database) == []
    assert kept(settings) == []


def test_after_another_mistake_the_photographs_are_asked_for_again(
    anonymous: TestClient, settings: Settings
) -> None:
    page = send(anonymous, jpeg(), phone="none")

    assert page.status_code == 422
    assert "请重新选择照片" in page.text
    assert not re.search(r'id="photos"[^>]*aria-invalid', page.text)
    assert kept(settings) == []


def test_the_same_form_again_is_one_request_with_each_photograph_once(
    anonymous: TestClient, database: Database, sign_in: SignIn
) -> None:
    form = {"nonce": nonce_of(anonymous), **REPORT}
    first, second = jpeg(), png()

    for files in ([first], [first, second], [png(8, 8), png(9, 9)]):
        page = anonymous.post(
            "/ask", data=form, files=[("photos", ("a", one)) for one in files], headers=HTML
        )

    assert page.status_code == 422, "four photographs of one request"
    (request,) = received(database)
    rows = sign_in("intake").get(f"/api/v1/requests/{request.id}/photos").json()
    assert [row["media_type"] for row in rows] == ["image/jpeg", "image/png"]


def test_what_is_too_much_at_once_is_said_on_a_page_and_elsewhere_the_limit_stays(
    anonymous: TestClient, database: Database
) -> None:
    page = send(anonymous, bytes(4_000_000))

    assert page.status_code == 413
    assert "请返回上一页" in page.text
    other = anonymous.post(
        "/open311/v2/requests.json", files={"photos": ("a.jpg", jpeg())}, headers=HTML
    )
    assert other.status_code == 415
    long = anonymous.post("/open311/v2/requests.json", data={"description": "x" * 1_000_000})
    assert long.status_code == 413
    assert received(database) == []


def test_a_flood_with_photographs_is_held_back_and_a_form_without_a_nonce_refused(
    anonymous: TestClient, settings: Settings
) -> None:
    statuses = [send(anonymous, jpeg(), text=f"停电 {n}").status_code for n in range(4)]

    assert statuses == [200, 200, 200, 429]
    assert len(kept(settings)) == 3
    assert send(anonymous, jpeg(), nonce="").status_code == 403


def test_the_crew_that_goes_sees_the_photographs_and_nobody_else_in_the_field(
    anonymous: TestClient, sign_in: SignIn, database: Database
) -> None:
    send(anonymous, jpeg())
    (request,) = received(database)
    with transaction(database) as session:
        shift = day_of.crew_on(session, "K01")
        day_of.crew_on(session, "K02")
        make_catalogue(session)
        assert request.premises_id
        lat, lon = day_of.HOME
        premises.locate(
            session, premises_id=request.premises_id, lat=lat, lon=lon, accuracy_m=None,
            actor=ADMIN, now=NOW,
        )  # fmt: skip
        order = requests.make_order(
            session, requests.get(session, request.id), work_type="SAFE-DIS",
            actor=CLERK, now=NOW,
        )  # fmt: skip
        visit = first_visit(session, order)
        day_of.published(session, orders={shift.id: [visit.id]})
        number = visit.id
    crew, other = sign_in("crew", crew_id="K01"), sign_in("crew", crew_id="K02")

    (stop,) = crew.get("/api/v1/crews/K01/current-day").json()["stops"]

    assert (stop["visit_id"], stop["photos"]) == (number, [1])
    shown = crew.get(f"/api/v1/crews/K01/visits/{number}/photos/1")
    assert shown.headers["content-type"] == "image/jpeg"
    missing = crew.get(f"/api/v1/crews/K01/visits/{number}/photos/2")
    assert missing.json()["code"] == "no_such_photo"
    assert other.get(f"/api/v1/crews/K02/visits/{number}/photos/1").status_code in {403, 404, 409}
    assert other.get(f"/api/v1/crews/K01/visits/{number}/photos/1").status_code == 404
    assert crew.get(f"/api/v1/requests/{request.id}/photos").status_code == 403
    assert crew.get(f"/api/v1/visits/{number}/photos").status_code == 403
    office = sign_in("dispatcher").get(f"/api/v1/visits/{number}/photos").json()
    assert [(row["request_id"], row["number"]) for row in office] == [(request.id, 1)]


def test_a_visit_that_nobody_asked_for_has_no_photographs(
    sign_in: SignIn, anonymous: TestClient, database: Database
) -> None:
    with transaction(database) as session:
        day_of.crew_on(session, "K01")
        number = day_of.job(session, east=1).id
    url = f"/api/v1/visits/{number}/photos"

    assert sign_in("auditor").get(url).json() == []
    assert anonymous.get(url).status_code == 401
    assert photos.MOST_OF_A_REQUEST == 3
