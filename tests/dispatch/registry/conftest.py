"""Argon2id at its smallest parameters: what is tested here is who may sign in, not how long hashing takes."""

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from dispatch.registry import passwords


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash in well under a millisecond."""
    quick = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
    monkeypatch.setattr(passwords, "_hasher", quick)
    nobody = quick.hash("nobody's")
    monkeypatch.setattr(passwords, "_nobody", lambda: nobody)
