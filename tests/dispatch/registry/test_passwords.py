from pwdlib.hashers.argon2 import Argon2Hasher

from dispatch.registry import passwords

PASSWORD = "correct horse battery"


def test_a_password_fits_its_own_hash_only() -> None:
    kept = passwords.hashed(PASSWORD, login="li.ming")

    assert passwords.verify(PASSWORD, kept) == (True, None)
    assert passwords.verify(PASSWORD + "!", kept)[0] is False


def test_without_a_hash_no_password_is_right() -> None:
    assert passwords.verify(PASSWORD, None) == (False, None)


def test_a_hash_of_weaker_parameters_is_renewed() -> None:
    old = Argon2Hasher(time_cost=2, memory_cost=16, parallelism=1).hash(PASSWORD)

    right, renewed = passwords.verify(PASSWORD, old)

    assert right
    assert renewed is not None
    assert passwords.verify(PASSWORD, renewed) == (True, None)


def test_the_parameters_in_use_are_at_least_those_owasp_asks_for() -> None:
    # OWASP Password Storage Cheat Sheet: Argon2id with 19 MiB, two passes and one lane, or stronger.
    passes, memory_kib = _parameters_in_use()

    assert memory_kib >= 19 * 1024
    assert passes >= 2


def test_tokens_differ_and_are_long() -> None:
    tokens = {passwords.new_token() for _ in range(100)}

    assert len(tokens) == 100
    assert min(map(len, tokens)) >= 43


def _parameters_in_use() -> tuple[int, int]:
    _, _, _, values, *_ = Argon2Hasher().hash(PASSWORD).split("$")
    named = dict(pair.split("=") for pair in values.split(","))
    return int(named["t"]), int(named["m"])
