"""Callbacks: only the provider's own, only fresh ones, and read as the gateway's file says."""

import base64
import hashlib
import hmac
import json
import tomllib
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
from standardwebhooks import Webhook

from dispatch.contact.callbacks import Fate, Reply, Report
from tests.instants import NOW
from workers.channels import gateway as gateways
from workers.channels.gateway_file import BadGateway, Gateway
from workers.channels.inbound import Forged, Unreadable, read_callback
from workers.channels.signing import keyed_hash

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
URL = "https://dispatch.example.com/api/v1/callbacks/own"


def gateway(**callback: object) -> Gateway:
    given = {"scheme": "standard", "secret": SECRET, "message": "data.id", "status": "data.status"}
    return Gateway.model_validate(
        {
            "name": "own",
            "request": {"url": "http://x/"},
            "callback": {**given, "sender": "data.from", "text": "data.text", **callback},
        }
    )


def signed(body: bytes, *, minutes: float = 0, number: str = "msg_1") -> dict[str, str]:
    moment = NOW + timedelta(minutes=minutes)
    return {
        "webhook-id": number,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(SECRET).sign(number, moment, body.decode()),
    }


def told(status: str = "delivered", **more: object) -> bytes:
    return json.dumps({"data": {"id": "sms-1", "status": status, **more}}).encode()


def read(body: bytes, headers: dict[str, str], given: Gateway | None = None) -> list[object]:
    return list(read_callback(given or gateway(), url=URL, headers=headers, body=body, now=NOW))


def test_a_signed_report_is_read() -> None:
    assert read(told(), signed(told())) == [Report("msg_1", "sms-1", Fate.DELIVERED)]
    assert read(told("failed"), signed(told("failed"))) == [Report("msg_1", "sms-1", Fate.FAILED)]
    assert read(told("routed"), signed(told("routed"))) == [Report("msg_1", "sms-1", Fate.QUEUED)]


def test_one_right_signature_among_several_is_enough() -> None:
    headers = signed(told())
    headers["webhook-signature"] = f"v1,AAAA {headers['webhook-signature']}"

    assert len(read(told(), headers)) == 1


@pytest.mark.parametrize("minutes", [-5.1, 5.1, -60])
def test_what_is_not_of_the_last_five_minutes_is_refused(minutes: float) -> None:
    with pytest.raises(Forged):
        read(told(), signed(told(), minutes=minutes))


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "msg_2"}, {"webhook-timestamp": ""}, {"webhook-timestamp": "soon"},
        {"webhook-timestamp": "9" * 40}, {"webhook-signature": ""}, {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,AAAA"}, {"webhook-signature": "é"},
    ],
)  # fmt: skip
def test_a_callback_whose_headers_were_changed_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(Forged):
        read(told(), {**signed(told()), **change})


def test_a_callback_whose_body_was_changed_is_refused() -> None:
    with pytest.raises(Forged):
        read(told("failed"), signed(told("delivered")))


def test_what_a_customer_writes_back_is_read() -> None:
    body = told("received", **{"from": "+8613800000000", "text": "退订"})

    assert read(body, signed(body)) == [Reply("msg_1", "+8613800000000", "退订")]


def test_several_events_in_one_body_are_told_apart() -> None:
    body = json.dumps(
        {"list": [{"id": "a", "status": "sent"}, {"id": "b", "status": "delivered"}]}
    ).encode()
    given = gateway(events="list", message="id", status="status", sender="", text="")

    assert read(body, signed(body), given) == [
        Report("msg_1:0", "a", Fate.SENT),
        Report("msg_1:1", "b", Fate.DELIVERED),
    ]


@pytest.mark.parametrize("body", [b"no json", b"[1]", b'{"data": {}}', b"null"])
def test_a_signed_body_that_says_nothing_is_refused_by_name(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read(body, signed(body))


def test_a_shared_secret_signs_the_moment_and_the_body() -> None:
    given, body = gateway(scheme="hmac", secret="s3cret"), told()
    stamp = str(int(NOW.timestamp()))
    headers = {"x-timestamp": stamp, "x-signature": keyed_hash("s3cret", stamp, body)}
    by_hand = hmac.new(b"s3cret", stamp.encode() + b"." + body, hashlib.sha256).hexdigest()

    assert headers["x-signature"] == by_hand
    assert len(read(body, headers, given)) == 1
    for wrong in ({"x-timestamp": str(int(stamp) - 400)}, {"x-signature": "0" * 64}):
        with pytest.raises(Forged):
            read(body, {**headers, **wrong}, given)


# -- Twilio ---------------------------------------------------------------------------------------------------

TOKEN = "12345"


def twilio(form: dict[str, str], url: str = URL) -> tuple[bytes, dict[str, str]]:
    text = url + "".join(name + value for name, value in sorted(form.items()))
    mark = base64.b64encode(hmac.new(TOKEN.encode(), text.encode(), hashlib.sha1).digest())
    return urlencode(form).encode(), {"x-twilio-signature": mark.decode()}


def test_twilios_own_example_of_a_signature_is_right() -> None:
    """The values of Twilio's page "Validating signatures"."""
    given = gateway(scheme="twilio", secret=TOKEN)
    form = {
        "CallSid": "CA1234567890ABCDE", "Caller": "+14158675309", "Digits": "1234",
        "From": "+14158675309", "To": "+18005551212",
    }  # fmt: skip
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    headers = {"x-twilio-signature": "RSOYDt4T1cUTdK1PDd93/VVr8B8="}

    with pytest.raises(Unreadable):  # it is Twilio's, but of a call and not of a message
        read_callback(given, url=url, headers=headers, body=urlencode(form).encode(), now=NOW)
    with pytest.raises(Forged):
        read_callback(given, url=URL, headers=headers, body=urlencode(form).encode(), now=NOW)


def test_twilios_reports_and_replies_are_read() -> None:
    given = gateway(scheme="twilio", secret=TOKEN)
    body, headers = twilio({"MessageSid": "SM1", "MessageStatus": "undelivered", "To": "+1555"})
    assert read(body, headers, given) == [Report("SM1:undelivered", "SM1", Fate.FAILED)]

    body, headers = twilio({"MessageSid": "SM2", "From": "+15550000001", "Body": "Stop "})
    assert read(body, headers, given) == [Reply("SM2:reply", "+15550000001", "Stop ")]


def test_a_gateway_that_does_not_call_back_is_not_believed() -> None:
    silent = gateway().model_copy(update={"callback": None})

    with pytest.raises(Forged):
        read(told(), signed(told()), silent)


# -- providers that sign nothing ------------------------------------------------------------------------------

IN_ADDRESS = "a1B2c3D4e5F6a7B8c9D0e1F2a3B4c5D6"
ALIYUN_REPORT = {
    "phone_number": "13800138000", "send_time": "2026-03-09 10:05:00", "report_time": "2026-03-09 10:05:03",
    "success": True, "err_code": "DELIVERED", "err_msg": "用户接收成功", "sms_size": "1",
    "biz_id": "706715193751989145^0", "out_id": "gridcrew-7",
}  # fmt: skip
ALIYUN_REPLY = {
    "phone_number": "13800138000", "send_time": "2026-03-09 10:06:00", "content": "退订", "sign_name": "虎门供电",
    "dest_code": "1234", "sequence_id": 1234567890,
}  # fmt: skip
TENCENT_REPORT = {
    "user_receive_time": "2026-03-09 10:05:03", "nationcode": "86", "mobile": "13800138000",
    "report_status": "SUCCESS", "errmsg": "DELIVRD", "description": "用户短信送达成功", "sid": "8:aIt9bcbZ",
}  # fmt: skip
TENCENT_REPLY = {"mobile": "13800138000", "time": 1457336869, "text": "TD", "port": "106901333914"}


def example(name: str, monkeypatch: pytest.MonkeyPatch) -> Gateway:
    """The gateway of this name that the documentation gives, with our secret in its address."""
    path = Path(__file__).parents[3] / f"docs/examples/gateway-{name}-sms.toml"
    for variable in tomllib.loads(path.read_text(encoding="utf-8"))["secrets"].values():
        monkeypatch.setenv(variable, IN_ADDRESS)
    return gateways.read(path)


def pushed(
    given: Gateway, *events: object, in_path: str = IN_ADDRESS, lone: bool = False
) -> list[object]:
    body = json.dumps(events[0] if lone else events).encode()
    return list(read_callback(given, url=URL, headers={}, body=body, now=NOW, in_path=in_path))


def test_alibabas_reports_and_replies_are_read_as_it_pushes_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given, number = example("aliyun", monkeypatch), "706715193751989145^0"

    assert pushed(given, ALIYUN_REPORT, {**ALIYUN_REPORT, "biz_id": "b", "success": False}) == [
        Report(f"{number}:delivered", number, Fate.DELIVERED), Report("b:failed", "b", Fate.FAILED),
    ]  # fmt: skip
    assert pushed(given, ALIYUN_REPORT) == [Report(f"{number}:delivered", number, Fate.DELIVERED)]
    assert pushed(given, ALIYUN_REPLY) == [Reply("1234567890", "13800138000", "退订")]


def test_tencents_reports_and_replies_are_read_as_it_pushes_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = example("tencent", monkeypatch)

    assert pushed(given, TENCENT_REPORT, {**TENCENT_REPORT, "sid": "b", "report_status": "FAIL"}) == [
        Report("8:aIt9bcbZ:delivered", "8:aIt9bcbZ", Fate.DELIVERED), Report("b:failed", "b", Fate.FAILED),
    ]  # fmt: skip
    (reply,) = pushed(given, TENCENT_REPLY, lone=True)
    assert isinstance(reply, Reply)
    assert (reply.sender, reply.text) == ("13800138000", "TD")
    (later,) = pushed(given, {**TENCENT_REPLY, "time": 1457336870}, lone=True)
    assert later != reply, "said again at another time it counts again"


@pytest.mark.parametrize(
    "in_path", ["", "x", IN_ADDRESS[:-1], IN_ADDRESS + "x", IN_ADDRESS.lower(), "é"]
)
def test_without_the_secret_in_the_address_nothing_is_believed(
    in_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Forged):
        pushed(example("aliyun", monkeypatch), ALIYUN_REPORT, in_path=in_path)


def test_a_provider_that_signs_is_not_believed_at_an_address_with_a_secret() -> None:
    with pytest.raises(Forged):
        read_callback(
            gateway(), url=URL, headers=signed(told()), body=told(), now=NOW, in_path=SECRET
        )


@pytest.mark.parametrize("secret", ["short", "a" * 31, "a/b" * 20, "a" * 101])
def test_a_secret_that_can_be_guessed_or_fits_no_address_is_refused_at_the_start(
    tmp_path: Path, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "sms.toml"
    path.write_text(
        'name = "own"\n[secrets]\nmine = "MINE"\n[request]\nurl = "https://x.example/"\n'
        '[callback]\nscheme = "path"\nsecret = "{{ secret.mine }}"\n'
    )
    monkeypatch.setenv("MINE", secret)

    with pytest.raises(BadGateway, match=r"callback\.secret") as refused:
        gateways.read(path)

    assert secret not in str(refused.value)
