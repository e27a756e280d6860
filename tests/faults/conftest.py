"""The fault tests' servers are those of the system tests."""

from tests.system.conftest import database_folder, mail, postgresql, redis, settings

__all__ = ["database_folder", "mail", "postgresql", "redis", "settings"]
