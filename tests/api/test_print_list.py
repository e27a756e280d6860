"""The print list over HTTP: a PDF, and the word that its notices hang."""

from datetime import timedelta

import pytest

from dispatch.contact.tables import Message, MessageStatus
from dispatch.core.db import Database, transaction
from tests.api.conftest import SignIn
from tests.builders.contact import make_message
from tests.instants import DAY

PATH = "/api/v1/territories/humen/print-list"
EVE = {"day": (DAY - timedelta(days=1)).isoformat()}


@pytest.fixture
def notice(database: Database) -> int:
    with transaction(database) as session:
        message = make_message(session)
        message.channel = "print"
        assert message.id is not None
        return message.id


def test_the_notices_of_a_day_are_printed_and_then_handed_over(
    sign_in: SignIn, database: Database, notice: int
) -> None:
    client = sign_in("dispatcher")

    printed = client.post(PATH, params=EVE)
    listed = client.get(f"{PATH}/notices", params=EVE).json()
    done = client.post(f"{PATH}/handed-over", json={"message_ids": [notice]})

    assert printed.headers["content-type"] == "application/pdf"
    assert printed.content.startswith(b"%PDF-")
    assert b"/FontFile2" in printed.content
    assert [one["message_id"] for one in listed] == [notice]
    assert done.json() == {"handed_over": 1}
    with database.reading() as session:
        assert session.get_one(Message, notice).status is MessageStatus.SENT
    assert client.get(f"{PATH}/notices", params=EVE).json() == []


def test_who_only_looks_sees_the_list_and_prints_nothing(
    sign_in: SignIn, database: Database, notice: int
) -> None:
    client = sign_in("auditor")

    assert len(client.get(f"{PATH}/notices", params=EVE).json()) == 1
    assert client.post(PATH, params=EVE).status_code == 403
    assert client.post(f"{PATH}/handed-over", json={"message_ids": [notice]}).status_code == 403
    with database.reading() as session:
        assert session.get_one(Message, notice).status is MessageStatus.PENDING


def test_printing_sends_nothing(sign_in: SignIn, database: Database, notice: int) -> None:
    client = sign_in("dispatcher")

    assert client.post(PATH, params=EVE).status_code == 200

    with database.reading() as session:
        assert session.get_one(Message, notice).status is MessageStatus.PENDING


def test_what_is_not_on_the_list_is_refused_by_name(sign_in: SignIn, notice: int) -> None:
    client = sign_in("dispatcher")

    refused = client.post(f"{PATH}/handed-over", json={"message_ids": [notice, 999]})

    assert (refused.status_code, refused.json()["code"]) == (409, "not_on_print_list")
    assert refused.json()["field"] == "message_ids"
    assert client.post(PATH, params={"day": "tomorrow"}).status_code == 422
    assert client.post("/api/v1/territories/nowhere/print-list", params=EVE).status_code == 404
    assert client.post(f"{PATH}/handed-over", json={"message_ids": []}).status_code == 422
