"""Pictures of visits over HTTP: who may send them, who may look, and how they are handed out."""

import pytest
from starlette.testclient import TestClient

from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from tests.api.conftest import SignIn
from tests.builders import planning as day_of
from tests.builders.pictures import MAKER, jpeg

NUMBER = "0b5c1c9e-6a57-4c1b-9d52-1f5d0a3e7a11"
BYTES = {"Content-Type": "application/octet-stream"}


@pytest.fixture
def visit(database: Database) -> str:
    """A published visit of crew K01; K02 has a shift and none."""
    with transaction(database) as session:
        shift = day_of.crew_on(session, "K01")
        day_of.crew_on(session, "K02")
        made = day_of.job(session, east=1)
        day_of.published(session, orders={shift.id: [made.id]})
        return made.id


def send(
    client: TestClient, visit: str, *, crew: str = "K01", content: bytes = b""
) -> tuple[int, dict[str, object]]:
    answer = client.put(
        f"/api/v1/crews/{crew}/visits/{visit}/attachments/{NUMBER}",
        params={"kind": "photo"},
        content=content or jpeg(),
        headers=BYTES,
    )
    return answer.status_code, answer.json()


def test_a_picture_is_handed_out_as_a_file_without_what_the_camera_wrote(
    sign_in: SignIn, visit: str
) -> None:
    crew = sign_in("crew", crew_id="K01")
    status, told = send(crew, visit)

    shown = crew.get(f"/api/v1/crews/K01/attachments/{NUMBER}")

    assert (status, told["kind"], told["media_type"]) == (200, "photo", "image/jpeg")
    assert "sent" not in told
    assert shown.headers["content-type"] == "image/jpeg"
    assert shown.headers["content-disposition"] == 'attachment; filename="photo-0b5c1c9e.jpg"'
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert shown.headers["cache-control"] == "no-store"
    assert MAKER.encode() not in shown.content


def test_the_office_finds_the_pictures_of_a_visit_and_another_crew_does_not(
    sign_in: SignIn, visit: str
) -> None:
    send(sign_in("crew", crew_id="K01"), visit)
    office, other = sign_in("auditor"), sign_in("crew", crew_id="K02")

    listed = office.get(f"/api/v1/visits/{visit}/attachments").json()

    assert [row["id"] for row in listed] == [NUMBER]
    assert office.get(f"/api/v1/crews/K01/attachments/{NUMBER}").status_code == 200
    assert other.get(f"/api/v1/crews/K01/attachments/{NUMBER}").json()["code"] == "no_such_crew"
    assert (
        other.get(f"/api/v1/crews/K02/attachments/{NUMBER}").json()["code"] == "no_such_attachment"
    )
    assert other.get(f"/api/v1/visits/{visit}/attachments").status_code == 403
    assert send(other, visit, crew="K02")[1]["code"] == "attachment_reused"
    assert sign_in("intake").get(f"/api/v1/crews/K01/attachments/{NUMBER}").status_code == 403


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", 422, "not_a_picture"),
        (b"MZ" + bytes(500), 422, "not_a_picture"),
        (b"\xff\xd8\xff" + bytes(1_000_001), 413, "too_large"),
    ],
)
def test_what_is_no_picture_or_too_large_is_refused_and_leaves_no_file(
    sign_in: SignIn, visit: str, settings: Settings, content: bytes, status: int, code: str
) -> None:
    answered, told = send(sign_in("crew", crew_id="K01"), visit, content=content)

    assert (answered, told["code"]) == (status, code)
    assert not settings.attachments.exists()


def test_pictures_are_sent_as_bytes_and_nothing_else(sign_in: SignIn, visit: str) -> None:
    crew = sign_in("crew", crew_id="K01")
    url = f"/api/v1/crews/K01/visits/{visit}/attachments/{NUMBER}?kind=photo"

    assert crew.put(url, json={}).json()["code"] == "not_bytes"
    assert crew.put(url, files={"file": jpeg()}).json()["code"] == "not_bytes"
