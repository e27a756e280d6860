"""HTTP gateways: the file says what is asked, and each answer has one consequence."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.sink import Sink, gateway_file
from tests.system.servers import free_port
from tests.workers.channels.conftest import outgoing
from workers.channels import gateway, web
from workers.channels.delivery import Refused, Unclear
from workers.channels.gateway_file import BadGateway, Gateway, value_at

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"


@pytest.fixture
def own(sink: Sink, tmp_path: Path) -> Gateway:
    return gateway.read(gateway_file(tmp_path, sink, look_up=True))


def test_what_is_asked_is_what_the_file_says(own: Gateway, sink: Sink) -> None:
    text = 'line\n"quoted" {{ recipient }} \\ 您好'

    accepted = gateway.send(own, outgoing(body=text))

    assert accepted.provider_id == "sms-1"
    assert sink.asked[0].document == {
        "to": "+8613800000000",
        "text": text,
        "reference": "gridcrew-7",
    }
    assert sink.asked[0].headers["idempotency-key"] == "gridcrew-7"


_AT_ONCE = """
import sys, threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tests.workers.channels.conftest import outgoing
from workers.channels import gateway

own, start = gateway.read(Path(sys.argv[1])), threading.Barrier(8)

def send(number):
    start.wait()
    gateway.send(own, outgoing(key=f"gridcrew-{number}"))

with ThreadPoolExecutor(8) as pool:
    list(pool.map(send, range(8)))
print(sum(thread.name == "channels" for thread in threading.enumerate()))
"""


def test_the_first_messages_of_a_process_may_leave_at_once(sink: Sink, tmp_path: Path) -> None:
    argv = [sys.executable, "-c", _AT_ONCE, str(gateway_file(tmp_path, sink))]

    done = subprocess.run(
        argv, capture_output=True, text=True, timeout=60, check=False, cwd=EXAMPLES.parents[1]
    )

    assert (done.returncode, done.stdout.strip()) == (0, "1"), done.stderr
    assert len({asked.headers["idempotency-key"] for asked in sink.asked}) == 8


@pytest.mark.parametrize("status", [408, 425, 429, 503])
def test_later_is_later_and_says_when(own: Gateway, sink: Sink, status: int) -> None:
    sink.answer = lambda _asked: (status, {"Retry-After": "7"}, b"{}")

    with pytest.raises(Refused) as caught:
        gateway.send(own, outgoing())

    assert (caught.value.final, caught.value.retry_after) == (False, 7.0)


def test_later_may_be_told_as_a_date(own: Gateway, sink: Sink) -> None:
    dates = {
        "Date": "Tue, 10 Mar 2026 02:00:00 GMT",
        "Retry-After": "Tue, 10 Mar 2026 02:01:30 GMT",
    }
    sink.answer = lambda _asked: (503, dates, b"")

    with pytest.raises(Refused) as caught:
        gateway.send(own, outgoing())

    assert caught.value.retry_after == 90.0


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 301, 501])
def test_never_is_final_and_says_why(own: Gateway, sink: Sink, status: int) -> None:
    sink.answer = lambda _asked: (status, {}, b'{"error": "no such number +8613800000000"}')

    with pytest.raises(Refused) as caught:
        gateway.send(own, outgoing())

    assert caught.value.final
    assert caught.value.reason == f"{status} no such number [phone]"
    assert len(sink.asked) == 1, "a redirection is not followed"


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_server_that_fails_in_the_middle_leaves_the_fate_unclear(
    own: Gateway, sink: Sink, status: int
) -> None:
    sink.answer = lambda _asked: (status, {}, b"oops")

    with pytest.raises(Unclear):
        gateway.send(own, outgoing())


def test_a_line_that_is_cut_after_the_message_leaves_the_fate_unclear(
    own: Gateway, sink: Sink
) -> None:
    sink.cut = True

    with pytest.raises(Unclear):
        gateway.send(own, outgoing())

    assert sink.accepted == ["gridcrew-7"]


def test_a_server_that_answers_a_byte_now_and_then_holds_nobody_up(
    own: Gateway, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "TOTAL_S", 0.4)
    sink.drip_s = 0.1
    began = time.monotonic()

    with pytest.raises(Unclear):
        gateway.send(own, outgoing())

    assert time.monotonic() - began < 2


def test_a_server_that_is_away_is_worth_another_try(sink: Sink, tmp_path: Path) -> None:
    sink.port = free_port()

    with pytest.raises(Refused) as caught:
        gateway.send(gateway.read(gateway_file(tmp_path, sink)), outgoing())

    assert not caught.value.final
    assert caught.value.away


def test_an_answer_without_end_is_not_read(own: Gateway, sink: Sink) -> None:
    sink.answer = lambda _asked: (200, {}, b"x" * (web.MOST_BYTES + 1))

    with pytest.raises(Unclear):
        gateway.send(own, outgoing())


def test_whoever_can_be_asked_says_what_it_has(own: Gateway, sink: Sink) -> None:
    look_up = gateway.channel(own).look_up
    assert look_up is not None

    assert look_up(outgoing()) is None
    gateway.send(own, outgoing())
    found = look_up(outgoing())

    assert found is not None
    assert found.provider_id == "sms-1"


@pytest.mark.parametrize("status", [401, 429, 503])
def test_who_does_not_say_whether_it_has_a_message_has_not_said_no(
    own: Gateway, sink: Sink, status: int
) -> None:
    look_up = gateway.channel(own).look_up
    assert look_up is not None
    sink.answer = lambda _asked: (status, {}, b"")

    with pytest.raises(Refused) as caught:
        look_up(outgoing())

    assert not caught.value.final


@pytest.mark.parametrize(
    "recipient", ["", "a@b.cn", "+86138\r\nX: y", "12345,67890", "１３８００００００００"]
)
def test_what_is_no_telephone_number_reaches_nobody(
    own: Gateway, sink: Sink, recipient: str
) -> None:
    texts_only = own.model_copy(update={"recipient": "phone"})

    with pytest.raises(Refused) as caught:
        gateway.send(texts_only, outgoing(recipient=recipient))

    assert caught.value.final
    assert sink.asked == []


def test_a_line_break_in_a_header_is_refused(own: Gateway, sink: Sink) -> None:
    asked = own.request.model_copy(update={"headers": {"X-Subject": "{{ subject }}"}})

    with pytest.raises(Refused) as caught:
        gateway.send(
            own.model_copy(update={"request": asked}), outgoing(subject="hi\r\nX-Admin: yes")
        )

    assert caught.value.final
    assert sink.asked == []


def test_many_threads_send_over_the_same_connections(own: Gateway, sink: Sink) -> None:
    threads = [
        threading.Thread(target=gateway.send, args=(own, outgoing(key=f"gridcrew-{number}")))
        for number in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(sink.accepted)) == 20


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('name = "sink"', 'name = "Sink!"'), "name"),
        (('url = "http', 'url = "ftp'), "request.url"),
        (("keys_last_hours = 24", "keys_last_hours = -1"), "keys_last_hours"),
        (('to = "{{ recipient }}"', 'to = "{{ nobody }}"'), "nobody"),
        (('to = "{{ recipient }}"', 'to = "{{ recipient "'), "template"),
        (('to = "{{ recipient }}"', "to = \"{{ ''.__class__.__mro__ }}\""), "unsafe"),
        (('id = "id"', 'id = "id"\nidea = "x"'), "answer.idea"),
        (("[request]", "[request"), "no TOML"),
        (("[request]", "[secrets]\ntoken = 'NOT_IN_THE_ENVIRONMENT'\n[request]"), "NOT_IN_THE_ENVIRONMENT"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_and_names_what_is_wrong(
    sink: Sink, tmp_path: Path, change: tuple[str, str], says: str
) -> None:
    path = gateway_file(tmp_path, sink)
    text = path.read_text(encoding="utf-8")
    assert change[0] in text
    path.write_text(text.replace(*change), encoding="utf-8")

    with pytest.raises(BadGateway, match=says):
        gateway.read(path)


def test_keys_that_are_not_sent_are_not_believed(sink: Sink, tmp_path: Path) -> None:
    path = gateway_file(tmp_path, sink)
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace('key_header = "Idempotency-Key"', "").replace("{{ key }}", "{{ mail_id }}"),
        encoding="utf-8",
    )

    with pytest.raises(BadGateway, match="keys_last_hours"):
        gateway.read(path)


@pytest.mark.parametrize(
    "path", sorted(EXAMPLES.glob("gateway-*.toml")), ids=lambda path: path.stem
)
def test_every_documented_example_is_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for line in path.read_text(encoding="utf-8").splitlines():
        if "=" in line and line.split('"')[1:2] and line.split('"')[1].isupper():
            monkeypatch.setenv(line.split('"')[1], "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

    assert gateway.read(path).name in path.stem


def test_values_are_found_by_their_path() -> None:
    document = {"a": [{"b": 0}, {"b": None}]}

    assert value_at(document, "a.0.b") == 0
    assert value_at(document, "a.1.b") is None
    assert value_at(document, "a.-1") == {"b": None}
    assert value_at(document, "a.7.b") is None
    assert value_at("text", "a") is None
