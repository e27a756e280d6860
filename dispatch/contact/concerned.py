"""Whom an outage notice concerns: its premises' customers, each once."""

import sqlalchemy as sa
from sqlmodel import Session, col

from dispatch.contact.facts import OutageFacts
from dispatch.contact.preferences import Preference
from dispatch.contact.tables import ContactPreference, OutageNotice
from dispatch.registry.tables import Customer, Organisation, Premises, Territory


def load_outage(
    session: Session, notice: OutageNotice, *, customer_id: str | None = None
) -> list[OutageFacts]:
    """The notice for each customer whom it concerns, or for one, by customer."""
    statement = (
        sa.select(Premises, Customer, Territory, Organisation, ContactPreference)
        .join(Customer, col(Premises.customer_id) == col(Customer.id))
        .join(Territory, col(Territory.id) == notice.territory_id)
        .join(Organisation, col(Territory.organisation_id) == col(Organisation.id))
        .join(
            ContactPreference, col(ContactPreference.customer_id) == col(Customer.id), isouter=True
        )
        .order_by(col(Customer.id), col(Premises.id))
    )
    if customer_id is not None:
        statement = statement.where(col(Customer.id) == customer_id)
    found: dict[str, OutageFacts] = {}
    for begin in range(0, len(notice.premises), _AT_ONCE):
        some = notice.premises[begin : begin + _AT_ONCE]
        rows = session.execute(statement.where(col(Premises.id).in_(some)))
        for premises, customer, territory, company, wished in rows:
            known = found.get(customer.id)
            addresses = (*known.addresses, premises.address) if known else (premises.address,)
            found[customer.id] = OutageFacts(
                notice=notice,
                addresses=tuple(dict.fromkeys(addresses)),
                customer=customer,
                premises=known.premises if known else premises,
                territory=territory,
                company=company,
                preference=Preference.of(customer.id, wished),
            )
    return [found[key] for key in sorted(found)]


_AT_ONCE = 500
"""Premises in one statement: databases allow only so many parameters."""
