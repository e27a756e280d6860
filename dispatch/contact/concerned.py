"""Whom an outage notice concerns: its premises' customers, each once."""

from collections.abc import Collection, Iterable, Mapping

import sqlalchemy as sa
from sqlmodel import Session, col

from dispatch.contact.facts import OutageFacts
from dispatch.contact.preferences import Preference
from dispatch.contact.tables import ContactPreference, OutageNotice
from dispatch.registry.tables import Customer, Organisation, Premises, Territory

_AT_ONCE = 500
"""Premises in one statement: databases allow only so many parameters."""

Row = sa.Row[Premises, Customer, ContactPreference]
Served = Mapping[str, tuple[Territory, Organisation]]


def load_outage(session: Session, notice: OutageNotice) -> list[OutageFacts]:
    """The notice for each customer whom it concerns, by customer."""
    rows: list[Row] = []
    for begin in range(0, len(notice.premises), _AT_ONCE):
        some = notice.premises[begin : begin + _AT_ONCE]
        rows += session.execute(_premises().where(col(Premises.id).in_(some)))
    return _facts(notice, rows, _served(session, [notice]))


def load_outages(
    session: Session, notices: Collection[OutageNotice], *, customer_ids: Collection[str]
) -> list[OutageFacts]:
    """Each notice for each of these customers whom it concerns, in two statements."""
    rows = session.execute(_premises().where(col(Customer.id).in_(customer_ids))).all()
    served = _served(session, notices)
    return [one for notice in notices for one in _facts(notice, rows, served)]


def _premises() -> sa.Select[Premises, Customer, ContactPreference]:
    return (
        sa.select(Premises, Customer, ContactPreference)
        .join(Customer, col(Premises.customer_id) == col(Customer.id))
        .join(
            ContactPreference, col(ContactPreference.customer_id) == col(Customer.id), isouter=True
        )
        .order_by(col(Customer.id), col(Premises.id))
    )


def _served(session: Session, notices: Iterable[OutageNotice]) -> Served:
    """The territories of the notices, with who runs them."""
    statement = (
        sa.select(Territory, Organisation)
        .join(Organisation, col(Territory.organisation_id) == col(Organisation.id))
        .where(col(Territory.id).in_({notice.territory_id for notice in notices}))
    )
    return {territory.id: (territory, company) for territory, company in session.execute(statement)}


def _facts(notice: OutageNotice, rows: Iterable[Row], served: Served) -> list[OutageFacts]:
    """The notice for the customers of those of the rows' premises that it concerns, by customer."""
    territory, company = served[notice.territory_id]
    concerned = set(notice.premises)
    found: dict[str, OutageFacts] = {}
    for premises, customer, wished in rows:
        if premises.id not in concerned:
            continue
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
