"""The texts of messages over HTTP: by an administrator, with a test sending that really goes out."""

import email
from email import policy

from sqlmodel import select

from dispatch.core.config import Settings
from dispatch.core.db import Database
from dispatch.core.tables import Event
from tests.api.conftest import SignIn
from tests.instants import NOW
from workers.execution import Outcome, drain
from workers.handlers import HANDLERS

TEXT = "/api/v1/templates/booked/email/en"
DRAFT = {"subject": "{{ company }}: a visit", "body": "Dear {{ reader }},\n\n{{ day }}\n\n[[link]]"}


def test_every_template_is_listed_with_the_version_in_force(sign_in: SignIn) -> None:
    rows = {row["name"]: row for row in sign_in("dispatcher").get("/api/v1/templates").json()}

    assert rows["booked"]["message_class"] == "service"
    assert rows["planned_outage"]["subject"] == "outage"
    assert {(one["kind"], one["language"], one["active"]) for one in rows["booked"]["texts"]} == {
        ("email", "zh-CN", 0), ("email", "en", 0), ("sms", "zh-CN", 0), ("sms", "en", 0),
    }  # fmt: skip


def test_a_text_is_drafted_looked_at_put_in_force_and_taken_back(sign_in: SignIn) -> None:
    admin = sign_in("admin")

    seen = admin.post(f"{TEXT}/preview", json=DRAFT).json()
    draft = admin.post(f"{TEXT}/versions", json=DRAFT)
    used = admin.post(f"{TEXT}/versions/1/activate")
    known = admin.get(TEXT).json()
    back = admin.post(f"{TEXT}/versions/0/activate").json()

    assert seen == {
        "subject": "Humen Power Supply: a visit",
        "body": "Dear Chen Xiaoming,\n\nTuesday, March 10, 2026\n\n[[link]]\n",
        "sms": None,
    }
    assert (draft.status_code, draft.json()["is_draft"]) == (201, True)
    assert used.json()["is_active"]
    assert [one["number"] for one in known["versions"]] == [1, 0]
    assert known["versions"][0]["body"] == DRAFT["body"], "its lines stay as they were written"
    assert "span" in {one["name"] for one in known["placeholders"]}
    assert (back["number"], back["is_active"]) == (0, True)


def test_a_mistake_is_named_by_field_line_and_placeholder(sign_in: SignIn) -> None:
    answer = sign_in("admin").post(
        f"{TEXT}/versions", json={"subject": "x", "body": "a\n{{ custmer }}"}
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "bad_template")
    assert answer.json()["field"] == "body"
    assert answer.json()["details"] == {"line": 2, "placeholder": "custmer"}


def test_an_sms_says_how_many_it_is(sign_in: SignIn) -> None:
    admin, path = sign_in("admin"), "/api/v1/templates/booked/sms/zh-CN/preview"

    assert admin.post(path, json={"body": "电" * 71}).json()["sms"] == 2


def test_only_an_administrator_edits(sign_in: SignIn) -> None:
    dispatcher = sign_in("dispatcher")

    assert dispatcher.get(TEXT).status_code == 200
    for path in ("versions", "preview", "versions/0/activate"):
        assert dispatcher.post(f"{TEXT}/{path}", json=DRAFT).status_code == 403
    assert sign_in("admin").get("/api/v1/templates/nothing/email/en").status_code == 404


def test_a_test_goes_through_the_channel_and_is_marked(
    sign_in: SignIn, database: Database, settings: Settings
) -> None:
    admin = sign_in("admin")
    admin.post(f"{TEXT}/versions", json=DRAFT)

    asked = admin.post(
        f"{TEXT}/versions/1/test", json={"channel": "email", "address": "me@example.com"}
    )
    outcomes = drain(database, settings, now=NOW, handlers=HANDLERS)

    assert (asked.status_code, asked.json()) == (202, {"address": "me@example.com"})
    assert list(outcomes.values()) == [Outcome.DONE]
    (path,) = settings.outbox_dir.glob("*.eml")
    mail = email.message_from_bytes(path.read_bytes(), policy=policy.default)
    assert mail["To"] == "me@example.com"
    assert mail["Subject"] == "[Test] Humen Power Supply: a visit"
    with database.reading() as session:
        (event,) = session.exec(select(Event).where(Event.type == "template.test_sent"))
    assert event.entity_id == "booked.email.en"
    assert "example.com" not in str(event.data)
