"""The fault tests' servers are those of the system tests."""

from tests.system.conftest import mail, postgresql, postgresql_server, redis, settings

__all__ = ["mail", "postgresql", "postgresql_server", "redis", "settings"]
