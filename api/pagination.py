"""Opaque cursors for lists whose rows are numbered."""

import base64
import binascii

from dispatch.core.pages import BadCursor


def write_cursor(number: int | None) -> str | None:
    """The cursor of the page that begins after row `number`; None on the last page."""
    if number is None:
        return None
    return base64.urlsafe_b64encode(f"n{number}".encode()).decode().rstrip("=")


def read_cursor(cursor: str | None) -> int | None:
    """The row that a cursor points after; raises BadCursor."""
    if not cursor:
        return None
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        if text[:1] == b"n" and len(text) < 20:
            return int(text[1:])
    except (binascii.Error, ValueError) as error:
        raise BadCursor(
            "This cursor is damaged; begin again without one.", field="cursor"
        ) from error
    raise BadCursor("This cursor is another list's; begin again without one.", field="cursor")
