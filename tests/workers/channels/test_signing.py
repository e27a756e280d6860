"""Signatures as the providers' own documents work them out, and as code written a second time from those does."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlsplit

import pytest

from tests.sink import Asked, Reply, Sink
from tests.workers.channels.conftest import outgoing
from workers.channels import gateway, signing
from workers.channels.delivery import Refused
from workers.channels.web import Request

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"


def test_alibaba_clouds_own_example_is_signed_as_its_documents_say() -> None:
    request = Request(
        "POST",
        "https://ecs.cn-shanghai.aliyuncs.com/?RegionId=cn-shanghai"
        "&ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd",
        {"x-acs-action": "RunInstances", "x-acs-version": "2014-05-26"},
        b"",
    )

    signed = signing.aliyun(
        request,
        key_id="YourAccessKeyId",
        secret="YourAccessKeySecret",
        now=datetime(2023, 10, 26, 10, 22, 32, tzinfo=UTC),
        nonce="3156853299f313e23d1673dc12e1703d",
    )

    assert signed.headers["authorization"] == (
        "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,"
        "SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,"
        "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )


@pytest.mark.parametrize(
    ("key_id", "secret", "signature"),
    [
        (
            "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE", "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE",
            "72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168",
        ),
        (
            "AKIDz8krbsJ5yKBZQpn74WFkmLPx3*******", "Gu5t9xGARNpq86cd98joQYCN3*******",
            "2230eefd229f582d8b1b891af7107b91597240707d778ab3738f756258d7652c",
        ),
    ],
)  # fmt: skip
def test_tencent_clouds_own_examples_are_signed_as_its_documents_say(
    key_id: str, secret: str, signature: str
) -> None:
    body = (
        '{"Limit": 1, "Filters": [{"Values": ["\\u672a\\u547d\\u540d"], "Name": "instance-name"}]}'
    )
    request = Request(
        "POST",
        "https://cvm.tencentcloudapi.com",
        {"Content-Type": "application/json; charset=utf-8"},
        body.encode(),
    )

    signed = signing.tencent(
        request, key_id=key_id, secret=secret, now=datetime.fromtimestamp(1551113065, UTC)
    )

    assert signed.headers["authorization"] == (
        f"TC3-HMAC-SHA256 Credential={key_id}/2019-02-25/cvm/tc3_request, "
        f"SignedHeaders=content-type;host, Signature={signature}"
    )


# -- providers that check what they get ----------------------------------------------------------------------


def digest(key: bytes | str, text: str) -> bytes:
    return hmac.new(
        key if isinstance(key, bytes) else key.encode(), text.encode(), "sha256"
    ).digest()


def checks_alibaba(asked: Asked) -> Reply:
    """A server that checks ACS3-HMAC-SHA256 step by step, by what it received."""
    scheme, _, rest = asked.headers["authorization"].partition(" ")
    told = dict(part.split("=", 1) for part in rest.split(","))
    canonical = f"{asked.method}\n{urlsplit(asked.path).path}\n"
    pairs = parse_qsl(urlsplit(asked.path).query, keep_blank_values=True)
    canonical += "&".join(
        sorted(f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}" for k, v in pairs)
    )
    canonical += "\n"
    for name in told["SignedHeaders"].split(";"):
        canonical += f"{name}:{asked.headers[name]}\n"
    payload = hashlib.sha256(asked.body).hexdigest()
    canonical += f"\n{told['SignedHeaders']}\n{payload}"
    assert payload == asked.headers["x-acs-content-sha256"]
    text = f"{scheme}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    if digest("ali-secret", text).hex() != told["Signature"] or told["Credential"] != "ali-id":
        return 403, {}, b'{"Code": "SignatureDoesNotMatch", "Message": "wrong signature"}'
    return 200, {}, b'{"Code": "OK", "BizId": "900619746936498440^0", "Message": "OK"}'


def checks_tencent(asked: Asked) -> Reply:
    """A server that checks TC3-HMAC-SHA256 step by step, by what it received."""
    header = asked.headers["authorization"]
    credential = header.split("Credential=")[1].split(",")[0]
    key_id, day, service, end = credential.split("/")
    names = header.split("SignedHeaders=")[1].split(",")[0]
    canonical = f"{asked.method}\n/\n\n"
    canonical += "".join(f"{name}:{asked.headers[name]}\n" for name in names.split(";"))
    canonical += f"\n{names}\n{hashlib.sha256(asked.body).hexdigest()}"
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"TC3-HMAC-SHA256\n{asked.headers['x-tc-timestamp']}\n{day}/{service}/{end}\n{hashed}"
    key = digest(digest(digest("TC3tencent-secret", day), service), end)
    if digest(key, text).hex() != header.split("Signature=")[1] or key_id != "tencent-id":
        return 200, {}, b'{"Response": {"Error": {"Code": "AuthFailure.SignatureFailure"}}}'
    status = {"SerialNo": "5000:1045", "Code": "Ok", "Message": "send success"}
    return 200, {}, json.dumps({"Response": {"SendStatusSet": [status]}}).encode()


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": "ali-id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "ali-secret",
        "TENCENTCLOUD_SECRET_ID": "tencent-id", "TENCENTCLOUD_SECRET_KEY": "tencent-secret",
        "ALIYUN_SMS_CALLBACK_SECRET": "a" * 32, "TENCENT_SMS_CALLBACK_SECRET": "t" * 32,
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)


def here(name: str, sink: Sink, folder: Path) -> Path:
    """The documented example, with this machine's server in the provider's place."""
    text = (EXAMPLES / f"gateway-{name}-sms.toml").read_text(encoding="utf-8")
    for host in ("https://dysmsapi.aliyuncs.com", "https://sms.tencentcloudapi.com"):
        text = text.replace(host, sink.url)
    path = folder / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_documented_example_for_alibaba_cloud_sends_a_text(
    sink: Sink, tmp_path: Path, keys: None
) -> None:
    sink.answer = checks_alibaba

    accepted = gateway.send(
        gateway.read(here("aliyun", sink, tmp_path)), outgoing(body="您好 & '再见'")
    )

    query = dict(parse_qsl(urlsplit(sink.asked[0].path).query))
    assert accepted.provider_id == "900619746936498440^0"
    assert query["PhoneNumbers"] == "+8613800000000"
    assert json.loads(query["TemplateParam"]) == {"content": "您好 & '再见'"}
    assert sink.asked[0].headers["x-acs-action"] == "SendSms"


def test_the_documented_example_for_tencent_cloud_sends_a_text(
    sink: Sink, tmp_path: Path, keys: None
) -> None:
    sink.answer = checks_tencent

    accepted = gateway.send(gateway.read(here("tencent", sink, tmp_path)), outgoing())

    assert accepted.provider_id == "5000:1045"
    assert sink.asked[0].document["TemplateParamSet"] == ["您好，工作人员明天上午上门。"]
    assert sink.asked[0].headers["x-tc-action"] == "SendSms"


@pytest.mark.parametrize(
    ("name", "check"), [("aliyun", checks_alibaba), ("tencent", checks_tencent)]
)
def test_a_wrong_secret_is_refused_for_good(
    sink: Sink,
    tmp_path: Path,
    keys: None,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    check: object,
) -> None:
    """The control: those servers do tell a wrong signature."""
    sink.answer = check  # type: ignore[assignment]
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "wrong")
    monkeypatch.setenv("TENCENTCLOUD_SECRET_KEY", "wrong")

    with pytest.raises(Refused) as caught:
        gateway.send(gateway.read(here(name, sink, tmp_path)), outgoing())

    assert caught.value.final
