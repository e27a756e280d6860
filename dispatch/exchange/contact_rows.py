"""How customers want to be told, as rows of a branch's folder."""

from typing import Any

from sqlmodel import Session, col, select

from dispatch.contact import preferences
from dispatch.contact.preferences import Preference
from dispatch.contact.tables import ContactPreference
from dispatch.exchange.served import is_served
from dispatch.exchange.sheets import Row
from dispatch.registry.tables import Customer

_LISTS = ("channels", "stopped")
_HOURS = ("earliest_hour", "latest_hour")
_FLAGS = ("nominee_instead", "wants_marketing")


def write_contacts(session: Session, rows: list[Row]) -> int:
    """Write the wishes of customers who have none yet; how many are new. Raises BadFile with row and column."""
    known = set(session.exec(select(ContactPreference.customer_id)))
    fresh = [row for row in rows if row.text("customer_id") not in known]
    for row in fresh:
        with row.located():
            wished = Preference(row.text("customer_id"), **_values(row))
            preferences.check(wished)
        session.add(preferences.row_of(wished))
    session.flush()
    return len(fresh)


def contact_cells(session: Session, *, territory_id: str) -> list[list[object]]:
    """The wishes of customers of the territory, those who have any, by customer."""
    found = session.exec(
        select(ContactPreference)
        .join(Customer, col(Customer.id) == col(ContactPreference.customer_id))
        .where(is_served(territory_id))
        .order_by(ContactPreference.customer_id)
    )
    return [
        [
            row.customer_id, ";".join(row.channels), row.language, row.earliest_hour, row.latest_hour,
            row.nominee_name, row.nominee_phone, row.nominee_email, row.nominee_instead, ";".join(row.stopped),
            row.wants_marketing, row.do_not_contact,
        ]
        for row in found
    ]  # fmt: skip


def _values(row: Row) -> dict[str, Any]:
    return {
        **{name: tuple(row.several(name)) for name in _LISTS},
        **{name: _hour(row, name) for name in _HOURS},
        **{name: row.flag(name) for name in _FLAGS},
        "language": row.optional("language"),
        "nominee_name": row.optional("nominee_name", most=120) or "",
        "nominee_phone": row.optional("nominee_phone", most=32),
        "nominee_email": row.optional("nominee_email"),
        "do_not_contact": row.optional("do_not_contact", most=200) or "",
    }


def _hour(row: Row, name: str) -> int | None:
    return row.whole(name, most=24) if row.cells[name].strip() else None
