"""Telephone numbers as they are kept, whoever's they are: a customer's, a crew's, a member's."""

import re

from dispatch.core.errors import InvalidError

_PHONE = re.compile(r"\+?[0-9][0-9 ()-]{4,30}")


def is_phone(text: str) -> bool:
    """Whether it can be a telephone number: 1.38E+10, which a spreadsheet made of one, cannot."""
    return _PHONE.fullmatch(text) is not None


def check_phone(phone: str | None, refusal: type[InvalidError]) -> None:
    """Raise `refusal`, which names the field, unless there is none or it can be a telephone number."""
    if phone is not None and not is_phone(phone):
        raise refusal(f"{phone!r} is no telephone number such as +86 769 8555 0100.", field="phone")
