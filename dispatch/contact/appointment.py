"""What a customer and we agreed on for a visit, as far as a link to its page depends on it."""

from collections.abc import Mapping

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.contact import preferences
from dispatch.contact.preferences import Preference
from dispatch.contact.tables import MessageClass
from dispatch.registry.tables import Customer
from dispatch.work.tables import Promise, Visit


def appointment_of(session: Session, visit: Visit, customer: Customer) -> str:
    """The version of the appointment: another one when a new window is promised, or the customer opts out.

    What is only planned and not promised may move without a new appointment.
    """
    return appointments_of(session, {visit.id: customer})[visit.id]


def appointments_of(session: Session, customers: Mapping[str, Customer]) -> dict[str, str]:
    """The version of each visit's appointment with its customer, as `appointment_of` gives it."""
    statement = (
        select(Promise.visit_id, sa.func.max(col(Promise.number)))
        .where(col(Promise.visit_id).in_(set(customers)))
        .group_by(col(Promise.visit_id))
    )
    newest = dict(session.exec(statement).all())
    wishes = preferences.of_all(session, {customer.id for customer in customers.values()})
    return {
        visit_id: f"{newest.get(visit_id) or 0}.{int(_is_written_to(customer, wishes[customer.id]))}"
        for visit_id, customer in customers.items()
    }


def _is_written_to(customer: Customer, wished: Preference) -> bool:
    """Whether the customer wants to hear of visits."""
    stopped = MessageClass.SERVICE.value in wished.stopped or bool(wished.do_not_contact)
    return customer.wants_messages and not stopped
