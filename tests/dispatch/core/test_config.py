"""Configuration: safe defaults, clear refusals."""

import stat
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from dispatch.core.config import Settings
from dispatch.core.redis_address import parsed


def test_without_configuration_everything_lives_in_the_data_directory(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)

    assert settings.database == f"sqlite:///{tmp_path / 'gridcrew.db'}"
    assert settings.redis == f"unix://{tmp_path / 'redis' / 'redis.sock'}"
    assert settings.base_url == "http://127.0.0.1:8000"


def test_the_secret_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    key = Settings(data_dir=tmp_path).key

    assert len(key) >= 32
    assert Settings(data_dir=tmp_path).key == key
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_a_damaged_secret_is_named_rather_than_replaced(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("short")

    with pytest.raises(ValueError, match="damaged"):
        _ = Settings(data_dir=tmp_path).key


@pytest.mark.parametrize("secret", ["changeme", "secret", "only-thirty-one-characters-long"])
def test_production_refuses_a_placeholder_secret(secret: str) -> None:
    with pytest.raises(ValidationError, match="GRIDCREW_SECRET_KEY"):
        Settings(environment="production", secret_key=secret)


def test_production_refuses_crash_points(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDCREW_ENVIRONMENT", "production")
    monkeypatch.setenv("GRIDCREW_CRASH_AT", "before_commit")

    with pytest.raises(ValidationError, match="GRIDCREW_CRASH_AT"):
        Settings()


def test_the_secret_is_not_shown_when_settings_are_printed() -> None:
    assert "hidden-from-logs" not in repr(Settings(secret_key="hidden-from-logs" * 3))


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"roads": "valhalla"}, "GRIDCREW_ROADS_URL"),
        ({"roads": "osrm", "roads_url": "localhost:5000"}, "GRIDCREW_ROADS_URL"),
        ({"geocoder": "photon"}, "GRIDCREW_GEOCODER_URL"),
        ({"geocoder": "amap"}, "GRIDCREW_GEOCODER_KEY"),
        (
            {
                "geocoder": "nominatim",
                "geocoder_url": "https://nominatim.openstreetmap.org",
                "geocoder_per_second": 5,
            },
            "GRIDCREW_GEOCODER_PER_SECOND",
        ),
    ],
)
def test_half_a_service_outside_is_refused(given: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        Settings(**given)


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:6379/0",
        "redis://[::1]/0",
        "redis://localhost",
        "unix:///run/redis.sock",
        "redis://:word@redis.example/0",
        "rediss://gridcrew:word@10.0.0.7:6380/0?ssl_ca_certs=/etc/ca.pem",
        "rediss://10.0.0.7/0?ssl_certfile=/etc/own.pem",
        "redis+sentinel://:word@s1,s2:26380,[fd00::3]:26379/mymaster/1",
        "redis+sentinel://127.0.0.1:26379/mymaster",
    ],
)
def test_a_redis_here_or_with_a_password_is_taken(url: str) -> None:
    assert Settings(redis_url=url).redis == url


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("redis://redis.example:6379/0", "without a password"),
        ("redis://user@10.0.0.7/0", "without a password"),
        ("rediss://10.0.0.7/0", "without a password"),
        ("redis+sentinel://127.0.0.1,10.0.0.7/mymaster", "without a password"),
        ("redis+sentinel://:word@s1:26379", "SERVICE"),
        ("redis+sentinel:///mymaster", "SERVICE"),
        ("redis://localhost:redis/0", "'redis' is no port"),
        ("redis-sentinel://s1/mymaster", "begins with"),
        ("localhost:6379", "begins with"),
    ],
)
def test_an_open_redis_or_a_bent_address_is_refused_with_the_way_out(url: str, said: str) -> None:
    with pytest.raises(ValidationError, match="GRIDCREW_REDIS_URL") as refused:
        Settings(redis_url=url)

    assert said in str(refused.value)


def test_sentinels_and_their_master_are_read_from_the_address() -> None:
    address = parsed("rediss+sentinel://u:p%40@s1,[fd00::3]:26380/mymaster/2?sentinel_password=x")

    assert (address.hosts, address.service) == ((("s1", 26379), ("fd00::3", 26380)), "mymaster")
    assert address.master_like == "rediss://u:p%40@localhost/2?sentinel_password=x"


@pytest.mark.parametrize(
    "given",
    [
        {"smtp_url": "smtp://localhost", "email_gateway": "mail.toml"},
        {"sms_url": "twilio://x", "sms_gateway": "sms.toml"},
        {"voice_url": "twilio://x", "voice_gateway": "voice.toml"},
        {"chat_url": "wecombot://x", "chat_gateway": "chat.toml"},
    ],
)
def test_a_channel_has_one_way(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="not both"):
        Settings(**given)
