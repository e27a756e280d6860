"""Services through apprise: what it lets out of how a sending went, and what it keeps to itself."""

import logging
import time
from collections.abc import Iterator

import pytest

from tests.sink import Sink
from tests.workers.channels.conftest import outgoing
from workers.channels import chat
from workers.channels.delivery import Accepted, Refused, Unclear


@pytest.fixture(autouse=True)
def twice_at_once() -> Iterator[None]:
    """apprise itself waits between two sendings; not here."""
    import apprise.plugins.custom_json as plugin

    plugin.NotifyJSON.request_rate_per_sec = 0
    yield
    del plugin.NotifyJSON.request_rate_per_sec


def address(sink: Sink) -> str:
    return f"json://user:s3cretpass@127.0.0.1:{sink.port}/texts/{{phone}}"


def test_a_text_reaches_the_service_with_the_recipient_in_its_place(sink: Sink) -> None:
    sink.answer = lambda _asked: (200, {}, b"{}")

    assert chat.send(outgoing(recipient="+86 138-0000-0000"), url=address(sink)) == Accepted()

    assert sink.asked[0].path.startswith("/texts/%2B8613800000000") or sink.asked[
        0
    ].path.startswith("/texts/+8613800000000")
    assert sink.asked[0].document["message"] == outgoing().body
    assert sink.asked[0].document["title"] == "", "a text has no subject"


@pytest.mark.parametrize(
    ("status", "end"), [(400, True), (401, True), (404, True), (429, False), (503, False)]
)
def test_a_refusal_is_told_by_its_status(sink: Sink, status: int, end: bool) -> None:
    sink.answer = lambda _asked: (status, {}, b"{}")

    with pytest.raises(Refused) as caught:
        chat.send(outgoing(), url=address(sink))

    assert caught.value.final is end
    assert "13800000000" not in caught.value.reason
    assert "s3cretpass" not in caught.value.reason


def test_a_failure_of_the_service_leaves_the_fate_unclear(sink: Sink) -> None:
    sink.answer = lambda _asked: (500, {}, b"{}")

    with pytest.raises(Unclear):
        chat.send(outgoing(), url=address(sink))


def test_a_line_that_is_cut_leaves_the_fate_unclear(sink: Sink) -> None:
    sink.answer = lambda _asked: (200, {}, b"{}")
    sink.cut = True

    with pytest.raises(Unclear):
        chat.send(outgoing(), url=address(sink))


def test_a_service_that_answers_a_byte_now_and_then_holds_nobody_up(
    sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat, "TOTAL_S", 0.5)
    sink.answer = lambda _asked: (200, {}, b"{" + b" " * 20 + b"}")
    sink.drip_s = 0.1
    began = time.monotonic()

    with pytest.raises(Unclear):
        chat.send(outgoing(), url=address(sink))

    assert time.monotonic() - began < 3


@pytest.mark.parametrize("recipient", ["", "a@b.cn", "12345/../../admin", "1380000\r\n0000"])
def test_what_is_no_telephone_number_reaches_nobody(sink: Sink, recipient: str) -> None:
    with pytest.raises(Refused) as caught:
        chat.send(outgoing(recipient=recipient), url=address(sink))

    assert caught.value.final
    assert sink.asked == []


def test_an_address_that_apprise_cannot_read_is_refused_for_good() -> None:
    with pytest.raises(Refused) as caught:
        chat.send(outgoing(), url="nosuchservice://x/{phone}")

    assert caught.value.final


def test_nothing_of_the_secret_or_the_recipient_is_logged(
    sink: Sink, caplog: pytest.LogCaptureFixture
) -> None:
    sink.answer = lambda _asked: (401, {}, b"{}")
    with caplog.at_level(logging.INFO), pytest.raises(Refused):
        chat.send(outgoing(), url=address(sink))

    assert "s3cretpass" not in caplog.text


@pytest.mark.parametrize(
    "url",
    [
        "twilio://AC" + "a" * 32 + ":" + "b" * 32 + "@15550000000/{phone}",
        "wecombot://" + "a" * 36, "dingtalk://s" + "a" * 31 + "/{phone}", "feishu://" + "a" * 36,
    ],
)  # fmt: skip
def test_the_documented_addresses_are_those_of_services_that_apprise_knows(url: str) -> None:
    import apprise

    assert apprise.Apprise.instantiate(url.replace("{phone}", "+8613800000000")) is not None
