"""Signed links: good until they expire, never when a character was changed."""

import string
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.contact.links import LinkExpired, LinkInvalid, read, sign
from tests.instants import NOW

KEY = b"k" * 32
TOKEN = sign(KEY, visit_id="V-000007-1", expires_at=NOW + timedelta(hours=1))
ALPHABET = string.ascii_letters + string.digits + "-_."


def test_a_link_names_its_visit_until_it_expires() -> None:
    assert read(KEY, TOKEN, now=NOW) == "V-000007-1"

    with pytest.raises(LinkExpired):
        read(KEY, TOKEN, now=NOW + timedelta(hours=1))


def test_a_link_for_one_purpose_does_not_open_another() -> None:
    token = sign(KEY, visit_id="V-1", expires_at=NOW + timedelta(hours=1), purpose="confirm")

    with pytest.raises(LinkInvalid):
        read(KEY, token, now=NOW)


def test_a_link_signed_with_another_key_is_refused() -> None:
    with pytest.raises(LinkInvalid):
        read(b"x" * 32, TOKEN, now=NOW)


@given(place=st.integers(0, len(TOKEN) - 1), sign_=st.sampled_from(ALPHABET))
def test_a_link_with_any_one_character_changed_is_refused(place: int, sign_: str) -> None:
    changed = TOKEN[:place] + sign_ + TOKEN[place + 1 :]
    if changed == TOKEN:
        assert read(KEY, changed, now=NOW)
        return

    with pytest.raises(LinkInvalid):
        read(KEY, changed, now=NOW)


def test_every_other_spelling_of_the_last_character_is_refused() -> None:
    passed = []
    for sign_ in ALPHABET:
        try:
            read(KEY, TOKEN[:-1] + sign_, now=NOW)
        except LinkInvalid:
            continue
        passed.append(sign_)

    assert passed == [TOKEN[-1]]


@given(text=st.text(max_size=80))
def test_any_text_is_refused_without_another_error(text: str) -> None:
    with pytest.raises(LinkInvalid):
        read(KEY, text, now=NOW)


@given(tail=st.text(ALPHABET, min_size=1, max_size=5))
def test_a_longer_link_is_refused(tail: str) -> None:
    with pytest.raises(LinkInvalid):
        read(KEY, TOKEN + tail, now=NOW)
