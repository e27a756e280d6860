"""Webhooks go to the public internet over https, and nowhere else unless that is allowed."""

import ipaddress

import pytest

from dispatch.webhooks.addresses import BadUrl, check, is_allowed, networks

PUBLIC = ("93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34")
PRIVATE = (
    "127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
    "192.0.2.1", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1",
    "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2001:db8::1",
)  # fmt: skip


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_are_called(text: str) -> None:
    assert is_allowed(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", PRIVATE)
def test_no_other_address_is_called(text: str) -> None:
    assert not is_allowed(ipaddress.ip_address(text))


def test_what_the_installation_allows_is_called_besides() -> None:
    allowed = networks("10.1.0.0/16, 127.0.0.0/8")

    assert is_allowed(ipaddress.ip_address("10.1.2.3"), allowed)
    assert is_allowed(ipaddress.ip_address("::ffff:10.1.2.3"), allowed)
    assert not is_allowed(ipaddress.ip_address("10.2.2.3"), allowed)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/hooks", "https://example.com:8443/a?b=c", "https://93.184.216.34/",
        "https://xn--fsqu00a.xn--0zwm56d/",
    ],
)  # fmt: skip
def test_a_good_address_is_kept_as_it_is(url: str) -> None:
    assert check(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/", "ftp://example.com/", "https://", "example.com", "https://user:p@example.com/",
        "https://example.com/#x", "https://127.0.0.1/", "https://[::1]/", "https://169.254.169.254/latest",
        "https://[::ffff:10.0.0.1]/", "https://localhost/", "https://intranet/", "https://example.com:0/",
        "https://example.com:99999/", "https://exa mple.com/", "https://例子.测试/", "https://exa\tmple.com/",
        "javascript:alert(1)", "http://127.0.0.1:8000/",
    ],
)  # fmt: skip
def test_an_address_that_is_none_is_refused_by_its_field(url: str) -> None:
    with pytest.raises(BadUrl) as refused:
        check(url)
    assert refused.value.details["field"] == "url"


def test_plain_http_is_for_loopback_where_that_is_allowed() -> None:
    allowed = networks("127.0.0.0/8,10.0.0.0/8")

    assert check("http://127.0.0.1:9000/hooks", allowed)
    for url in ("http://10.0.0.1/", "http://example.com/"):
        with pytest.raises(BadUrl):
            check(url, allowed)


def test_a_network_that_is_none_is_named() -> None:
    with pytest.raises(ValueError, match="ten"):
        networks("127.0.0.0/8, ten")
