"""Configuration: one frozen object, read at the edges (command line, API, workers) and passed down."""

import os
import secrets
from functools import cached_property
from ipaddress import ip_network
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from dispatch.core import redis_address

PLACEHOLDERS = {"secret", "changeme", "change-me", "password", "development", "test"}


class Settings(BaseSettings):
    """Every setting of an installation, from the environment (prefix `GRIDCREW_`).

    Raises `pydantic.ValidationError` naming the variable that is wrong.
    """

    model_config = SettingsConfigDict(env_prefix="GRIDCREW_", frozen=True, extra="ignore")

    environment: Literal["development", "production"] = "development"
    data_dir: Path = Path(".gridcrew")
    attachments_dir: Path | None = Field(
        None,
        description="where crews' and customers' pictures are kept; empty: attachments in data_dir",
    )
    database_url: str = Field(
        "", description="PostgreSQL or SQLite address; empty: SQLite in data_dir"
    )
    redis_url: str = Field(
        "",
        repr=False,
        description="Redis address, or its Sentinels'; empty: `gridcrew up` starts its own",
    )
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=1, le=65535)
    public_url: str = Field(
        "", description="what customers' links begin with; empty: http://host:port"
    )
    trusted_proxies: str = Field(
        "", description="addresses of proxies whose X-Forwarded-For is believed; empty: none"
    )
    secret_key: SecretStr = Field(SecretStr(""), description="empty: a random key kept in data_dir")
    smtp_url: str = Field(
        "", description="smtp://user:password@host:port; empty: files in data_dir/outbox"
    )
    mail_from: str = "Gridcrew <dispatch@localhost>"
    email_gateway: Path | None = Field(None, description="TOML file of an HTTP gateway for email")
    sms_gateway: Path | None = Field(None, description="TOML file of an HTTP gateway for texts")
    voice_gateway: Path | None = Field(None, description="TOML file of an HTTP gateway for calls")
    chat_gateway: Path | None = Field(None, description="TOML file of an HTTP gateway for chats")
    sms_url: SecretStr = Field(
        SecretStr(""), description="apprise address of a text service; {phone} is the recipient"
    )
    voice_url: SecretStr = Field(SecretStr(""), description="the same for calls")
    chat_url: SecretStr = Field(SecretStr(""), description="the same for a chat")
    email_per_second: float = Field(0.0, ge=0, le=1000, description="emails at most; 0: no limit")
    sms_per_second: float = Field(0.0, ge=0, le=1000, description="texts at most; 0: no limit")
    voice_per_second: float = Field(0.0, ge=0, le=1000, description="calls at most; 0: no limit")
    chat_per_second: float = Field(0.0, ge=0, le=1000, description="chats at most; 0: no limit")
    solve_seconds: float = Field(20.0, gt=0, le=3600)
    solve_workers: int = Field(
        default_factory=lambda: min(2, os.cpu_count() or 1),
        ge=1,
        le=64,
        description="walks that one run makes at once, each on a core",
    )
    solve_bound_seconds: float = Field(
        0.0, ge=0, le=3600, description="so many seconds more, to prove how cheap a plan can get"
    )
    solve_memory_mb: int = Field(4096, ge=512)
    roads: Literal["estimate", "osrm", "valhalla"] = Field(
        "estimate", description="who knows driving times; the estimate needs no server"
    )
    roads_url: str = Field("", description="the road server's address")
    roads_profile: str = Field(
        "", max_length=40, description="how crews drive; empty: OSRM's driving, Valhalla's auto"
    )
    roads_timeout: float = Field(10.0, gt=0, le=120, description="seconds for one answer")
    roads_coordinates: int = Field(
        100, ge=2, le=10_000, description="coordinates that the road server takes in one question"
    )
    geocoder: Literal["none", "nominatim", "photon", "amap", "baidu"] = "none"
    geocoder_url: str = Field("", description="the geocoder's address; AMap and Baidu have one")
    geocoder_key: SecretStr = SecretStr("")
    geocoder_timeout: float = Field(10.0, gt=0, le=120, description="seconds for one answer")
    geocoder_per_second: float = Field(1.0, gt=0, le=100, description="questions a second at most")
    geocoder_accuracy_m: float = Field(
        300.0, gt=0, le=20_000, description="how far off an answer may be that nobody looks at"
    )
    tiles_url: str = Field(
        "",
        pattern=r"^(https?://[^/\s;,'\"]+/\S*\{z\}\S*)?$",
        description="raster tiles under maps, https://host/{z}/{x}/{y}.png; empty: maps need nothing from outside",
    )
    tiles_attribution: str = Field("", max_length=200, description="whose tiles those are")
    webhook_networks: str = Field(
        "",
        description="networks that webhooks may call besides public addresses, as 10.1.0.0/16; with 127.0.0.0/8 "
        "also by http; empty: none",
    )
    worker_threads: int = Field(4, ge=1, le=64)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    crash_at: str = Field("", description="tests only: the crash point that ends the process")

    @model_validator(mode="after")
    def _refuse_what_is_unsafe(self) -> Self:
        key = self.secret_key.get_secret_value()
        if self.environment == "production":
            if key and (key.lower() in PLACEHOLDERS or len(key) < 32):
                raise ValueError(
                    "GRIDCREW_SECRET_KEY is a placeholder or shorter than 32 characters; make one with: "
                    'python3 -c "import secrets; print(secrets.token_urlsafe(48))"'
                )
            if self.crash_at:
                raise ValueError("GRIDCREW_CRASH_AT is for tests and is refused in production")
        return self

    @model_validator(mode="after")
    def _refuse_an_open_redis(self) -> Self:
        if not self.redis_url:
            return self
        try:
            address = redis_address.parsed(self.redis_url)
        except ValueError as error:
            raise ValueError(f"GRIDCREW_REDIS_URL: {error}") from None
        if not address.is_local and not address.is_authenticated:
            raise ValueError(
                "GRIDCREW_REDIS_URL names another machine without a password: whoever reaches that Redis could "
                "use it. Give it one (requirepass or ACL) and write redis://:PASSWORD@HOST:6379/0, "
                "best with rediss:// over TLS"
            )
        return self

    @model_validator(mode="after")
    def _refuse_half_a_service(self) -> Self:
        if self.roads != "estimate" and not self.roads_url:
            raise ValueError(
                f"GRIDCREW_ROADS={self.roads} needs GRIDCREW_ROADS_URL, such as http://localhost:5000"
            )
        if self.geocoder in ("nominatim", "photon") and not self.geocoder_url:
            raise ValueError(
                f"GRIDCREW_GEOCODER={self.geocoder} needs GRIDCREW_GEOCODER_URL, such as http://localhost:8080"
            )
        if self.geocoder in ("amap", "baidu") and not self.geocoder_key.get_secret_value():
            raise ValueError(f"GRIDCREW_GEOCODER={self.geocoder} needs GRIDCREW_GEOCODER_KEY")
        for name in ("roads_url", "geocoder_url"):
            address = getattr(self, name)
            if address and not address.startswith(("http://", "https://")):
                raise ValueError(
                    f"GRIDCREW_{name.upper()} begins with http:// or https://, not {address!r}"
                )
        if "nominatim.openstreetmap.org" in self.geocoder_url and self.geocoder_per_second > 1:
            raise ValueError(
                "nominatim.openstreetmap.org allows one question a second: lower GRIDCREW_GEOCODER_PER_SECOND"
            )
        return self

    @model_validator(mode="after")
    def _refuse_two_ways_for_one_channel(self) -> Self:
        if self.email_gateway and self.smtp_url:
            raise ValueError("give GRIDCREW_EMAIL_GATEWAY or GRIDCREW_SMTP_URL, not both")
        for name in ("sms", "voice", "chat"):
            file, address = getattr(self, f"{name}_gateway"), getattr(self, f"{name}_url")
            if file and address.get_secret_value():
                raise ValueError(
                    f"give GRIDCREW_{name.upper()}_GATEWAY or GRIDCREW_{name.upper()}_URL, not both"
                )
        return self

    @model_validator(mode="after")
    def _refuse_what_is_no_network(self) -> Self:
        for part in filter(None, (one.strip() for one in self.webhook_networks.split(","))):
            try:
                ip_network(part)
            except ValueError as error:
                raise ValueError(f"GRIDCREW_WEBHOOK_NETWORKS: {error}") from None
        return self

    @property
    def database(self) -> str:
        """The database's address, the embedded SQLite file's when none is configured."""
        return self.database_url or f"sqlite:///{self.data_dir.resolve() / 'gridcrew.db'}"

    @property
    def redis(self) -> str:
        """Redis' address, the embedded server's socket when none is configured."""
        return self.redis_url or f"unix://{self.data_dir.resolve() / 'redis' / 'redis.sock'}"

    @property
    def base_url(self) -> str:
        """What links to this installation begin with, without a closing slash."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def outbox_dir(self) -> Path:
        """Where messages are written when no mail server is configured."""
        return self.data_dir.resolve() / "outbox"

    @property
    def attachments(self) -> Path:
        """Where crews' and customers' pictures are kept: one folder for all machines of an installation."""
        return (self.attachments_dir or self.data_dir / "attachments").resolve()

    @cached_property
    def key(self) -> bytes:
        """The installation's secret: configured, or made once and kept in the data directory (0600)."""
        configured = self.secret_key.get_secret_value()
        return configured.encode() if configured else _kept_secret(self.data_dir / "secret")


def _kept_secret(path: Path) -> bytes:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        secret = path.read_bytes().strip()
        if len(secret) < 32:
            raise ValueError(
                f"{path} is damaged; restore it from a backup, or remove it to end all sessions"
            ) from None
        return secret
    with os.fdopen(handle, "wb") as file:
        secret = secrets.token_urlsafe(48).encode()
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    return secret
