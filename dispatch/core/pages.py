"""Pages of long lists: each names where the next one begins, so that rows added meanwhile shift nothing."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlmodel import Session

from dispatch.core.errors import InvalidError

Item = TypeVar("Item")

MAX_PAGE = 200


class BadCursor(InvalidError):
    """The cursor was not made by this list."""

    code = "bad_cursor"


class BadPageSize(InvalidError):
    """A page holds 1 to 200 rows."""

    code = "bad_page_size"


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some rows of a list; `next` is the cursor of the page after it, None on the last one."""

    items: list[Item]
    next: str | None


def page(
    session: Session,
    statement: Any,
    *,
    key: Any,
    key_of: Callable[[Item], str],
    cursor: str | None,
    limit: int,
) -> Page[Item]:
    """The rows of `statement` that follow `cursor`, in the order of the unique text column `key`.

    Raises BadCursor and BadPageSize.
    """
    if not 1 <= limit <= MAX_PAGE:
        raise BadPageSize(f"A page holds 1 to {MAX_PAGE} rows, not {limit}.", field="limit")
    if cursor:
        statement = statement.where(key > key_before(cursor))
    rows = list(session.exec(statement.order_by(key).limit(limit + 1)))
    items = rows[:limit]
    return Page(items, cursor_after(key_of(items[-1])) if len(rows) > limit else None)


def cursor_after(key: str) -> str:
    """The cursor of the page after the row of this key."""
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def key_before(cursor: str) -> str:
    """The key of the row that a page comes after; raises BadCursor."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError, ValueError) as error:
        raise BadCursor(
            "This cursor is damaged; begin again without one.", field="cursor"
        ) from error
