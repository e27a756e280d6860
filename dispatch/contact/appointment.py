"""What a customer and we agreed on for a visit, as far as a link to its page depends on it."""

import sqlalchemy as sa
from sqlmodel import Session, col

from dispatch.contact import preferences
from dispatch.contact.tables import MessageClass
from dispatch.registry.tables import Customer
from dispatch.work.tables import Promise, Visit


def appointment_of(session: Session, visit: Visit, customer: Customer) -> str:
    """The version of the appointment: another one when a new window is promised, or the customer opts out.

    What is only planned and not promised may move without a new appointment.
    """
    newest = session.execute(
        sa.select(sa.func.max(col(Promise.number))).where(col(Promise.visit_id) == visit.id)
    ).scalar()
    return f"{newest or 0}.{int(_is_written_to(session, customer))}"


def _is_written_to(session: Session, customer: Customer) -> bool:
    """Whether the customer wants to hear of visits."""
    wished = preferences.get(session, customer_id=customer.id)
    stopped = MessageClass.SERVICE.value in wished.stopped or bool(wished.do_not_contact)
    return customer.wants_messages and not stopped
