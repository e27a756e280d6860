"""Whose customers a territory's are: a customer has no territory of its own, only premises and requests have."""

import sqlalchemy as sa
from sqlmodel import col

from dispatch.desk.tables import Request
from dispatch.registry.tables import Customer, Premises


def is_served(territory_id: str) -> sa.ColumnElement[bool]:
    """Whether a customer goes out with a territory's files.

    Those with premises or a request here do, and those who have no premises anywhere: no territory's files would
    hold them otherwise.
    """
    owned = col(Premises.customer_id) == col(Customer.id)
    return sa.or_(
        sa.exists().where(owned, col(Premises.territory_id) == territory_id),
        ~sa.exists().where(owned),
        sa.exists().where(
            col(Request.customer_id) == col(Customer.id), col(Request.territory_id) == territory_id
        ),
    )
