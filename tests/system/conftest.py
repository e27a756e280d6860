"""What the system tests share: an installation in the test's own folder (`database` is in it), real servers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatch.core.config import Settings
from tests.system.servers import MailServer, Redis, mail_server, redis_running


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An installation in this test's own folder."""
    return Settings(data_dir=tmp_path, secret_key="k" * 40)


@pytest.fixture
def redis(settings: Settings) -> Iterator[Redis]:
    """The installation's Redis, running."""
    with redis_running(settings) as running:
        yield running


@pytest.fixture
def mail() -> Iterator[MailServer]:
    """A real mail server on this machine."""
    with mail_server() as server:
        yield server
