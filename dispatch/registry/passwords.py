"""Passwords and tokens: what is accepted, and the only form in which either is kept."""

import hashlib
import secrets
from functools import cache

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from dispatch.core.errors import InvalidError

MIN_LENGTH = 12
MAX_LENGTH = 128
"""Longer texts would only make hashing a way to keep the server busy."""

COMMON = frozenset({
    "123456789012", "1234567890123", "12345678901234", "123456123456", "1234567890ab", "111111111111",
    "000000000000", "888888888888", "123123123123", "abcdefghijkl", "abcd12345678", "abc123456789",
    "a12345678901", "aa1234567890", "qwertyuiop12", "qwertyuiop123", "qwerty123456", "qwertyuiopas",
    "1q2w3e4r5t6y", "1qaz2wsx3edc", "q1w2e3r4t5y6", "zaq12wsxcde3", "passwordpassword", "password1234",
    "password12345", "password123456", "passw0rd1234", "p@ssw0rd1234", "adminadminadmin", "administrator",
    "administrator1", "admin1234567", "admin12345678", "welcome12345", "welcome123456", "letmein12345",
    "iloveyou1234", "iloveyou12345", "woaini1314520", "woaini123456", "5201314520131", "changemechangeme",
    "changeme1234", "gridcrew1234", "gridcrewgridcrew", "dispatcher12", "dispatcher123", "dispatcher1234",
})  # fmt: skip
"""Twelve characters and more, and yet among the first that anybody tries."""

_hasher = PasswordHash((Argon2Hasher(),))


class WeakPassword(InvalidError):
    """The password is too short, too long or well known."""

    code = "weak_password"


def hashed(password: str, *, login: str) -> str:
    """The argon2id hash of an acceptable password; raises WeakPassword."""
    if len(password) < MIN_LENGTH:
        raise WeakPassword(
            f"A password has at least {MIN_LENGTH} characters; a few words in a row are easiest to keep.",
            field="password",
        )
    if len(password) > MAX_LENGTH:
        raise WeakPassword(f"A password has at most {MAX_LENGTH} characters.", field="password")
    plain = password.casefold()
    if (
        plain in COMMON
        or len(set(plain)) < 4
        or (len(login) >= 4 and plain.strip("0123456789!.") == login)
    ):
        raise WeakPassword(
            "This password is among the first that anybody tries; choose another one.",
            field="password",
        )
    return _hasher.hash(password)


def verify(password: str, password_hash: str | None) -> tuple[bool, str | None]:
    """Whether the password is right, and a stronger hash to keep when the old one is out of date.

    Takes as long without a hash as with one, so that the time tells nobody which logins exist.
    """
    candidate = password[: MAX_LENGTH + 1]
    right, renewed = _hasher.verify_and_update(candidate, password_hash or _nobody())
    return (right, renewed) if password_hash else (False, None)


@cache
def _nobody() -> str:
    return _hasher.hash(secrets.token_urlsafe(24))


def new_token() -> str:
    """A random token of 256 bits for a sign-in or a link."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """The form in which a token is kept: whoever reads the table cannot sign in with it."""
    return hashlib.sha256(token.encode()).hexdigest()
