"""Whom an outage notice concerns: its premises' customers, and who reported it from elsewhere, each once."""

from collections.abc import Collection, Iterable, Mapping

import sqlalchemy as sa
from sqlmodel import Session, col

from dispatch.contact.facts import OutageFacts
from dispatch.contact.preferences import Preference
from dispatch.contact.tables import ContactPreference, OutageNotice
from dispatch.desk.tables import Request
from dispatch.registry.tables import Customer, Organisation, Premises, Territory

_AT_ONCE = 500
"""Premises in one statement: databases allow only so many parameters."""

Row = sa.Row[Premises, Customer, ContactPreference]
Served = Mapping[str, tuple[Territory, Organisation]]


def load_outage(session: Session, notice: OutageNotice) -> list[OutageFacts]:
    """The notice for each customer whom it concerns, by customer."""
    reported = _reported(session, [notice])
    reach = sorted({*notice.premises, *reported[notice.id]})
    rows: list[Row] = []
    for begin in range(0, len(reach), _AT_ONCE):
        some = reach[begin : begin + _AT_ONCE]
        rows += session.execute(_premises().where(col(Premises.id).in_(some)))
    return _facts(notice, rows, _served(session, [notice]), reported[notice.id])


def load_outages(
    session: Session, notices: Collection[OutageNotice], *, customer_ids: Collection[str]
) -> list[OutageFacts]:
    """Each notice for each of these customers whom it concerns, in three statements."""
    rows = session.execute(_premises().where(col(Customer.id).in_(customer_ids))).all()
    served = _served(session, notices)
    reported = _reported(session, notices, col(Request.customer_id).in_(customer_ids))
    return [one for notice in notices for one in _facts(notice, rows, served, reported[notice.id])]


def _reported(
    session: Session, notices: Iterable[OutageNotice], *which: sa.ColumnElement[bool]
) -> dict[str, set[str]]:
    """The premises from which each notice was reported, which may be others than it names."""
    found: dict[str, set[str]] = {notice.id: set() for notice in notices}
    statement = sa.select(col(Request.outage_id), col(Request.premises_id)).where(
        col(Request.outage_id).in_(found), col(Request.premises_id).is_not(None), *which
    )
    for number, premises_id in session.execute(statement):
        found[number].add(premises_id)
    return found


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


def _facts(
    notice: OutageNotice, rows: Iterable[Row], served: Served, reported: Collection[str]
) -> list[OutageFacts]:
    """The notice for the customers of those of the rows' premises that it concerns, by customer."""
    territory, company = served[notice.territory_id]
    concerned = {*notice.premises, *reported}
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
