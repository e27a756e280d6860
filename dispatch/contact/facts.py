"""What a message about a visit needs to know, read in one statement for any number of visits."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import Session, col

from dispatch.contact import texts
from dispatch.core.calendar import zone_named
from dispatch.registry.tables import Crew, Customer, Organisation, Premises, Territory
from dispatch.work.tables import Visit, VisitStatus, WorkOrder

ON_PLAN = (VisitStatus.PUBLISHED, VisitStatus.DISPATCHED, VisitStatus.ACCEPTED)
"""On a published plan and not yet begun."""

_ADDRESS = re.compile(r"[^\s@<>(),;:\"\\]+@[^\s@<>(),;:\"\\]+\.[^\s@<>(),;:\"\\]+")


@dataclass(frozen=True)
class Facts:
    """A visit with everybody and everything around it."""

    visit: Visit
    order: WorkOrder
    customer: Customer
    premises: Premises
    territory: Territory
    company: Organisation
    crew: Crew | None

    @cached_property
    def zone(self) -> ZoneInfo:
        """The territory's zone."""
        return zone_named(self.territory.zone)

    @property
    def language(self) -> str:
        """The language to write to the customer in."""
        return texts.language_for(self.customer.language)

    @property
    def recipient(self) -> str:
        """The customer's address, empty when there is none."""
        return (self.customer.email or "").strip()

    @property
    def obstacle(self) -> str:
        """Why no message may go out, as a code; empty when one may."""
        if texts.is_unannounced(self.order.work_type):
            return "unannounced"
        if not self.customer.wants_messages:
            return "no_consent"
        if not self.recipient:
            return "no_address"
        return "" if _ADDRESS.fullmatch(self.recipient) else "bad_address"

    def values(self) -> dict[str, str]:
        """What every template may say: no access notes, no health, no debts."""
        chinese = self.language == "zh-CN"
        crew = ("我们的工作人员" if chinese else "our crew") if self.crew is None else (
            self.crew.name_zh if chinese else self.crew.name_en
        )  # fmt: skip
        return {
            "company": self.company.name_zh if chinese else self.company.name_en,
            "customer": self.customer.name,
            "address": self.premises.address,
            "crew": crew,
            "purpose": texts.purpose(self.order.work_type, self.language),
        }


def load(session: Session, visit_ids: Collection[str]) -> list[Facts]:
    """The facts of these visits, in the order of their ids; unknown ids are left out."""
    statement = (
        sa.select(Visit, WorkOrder, Customer, Premises, Territory, Organisation, Crew)
        .join(WorkOrder, col(Visit.work_order_id) == col(WorkOrder.id))
        .join(Customer, col(WorkOrder.customer_id) == col(Customer.id))
        .join(Premises, col(WorkOrder.premises_id) == col(Premises.id))
        .join(Territory, col(Visit.territory_id) == col(Territory.id))
        .join(Organisation, col(Territory.organisation_id) == col(Organisation.id))
        .join(Crew, col(Visit.crew_id) == col(Crew.id), isouter=True)
        .where(col(Visit.id).in_(visit_ids))
        .order_by(col(Visit.id))
    )
    return [Facts(*row) for row in session.execute(statement)]
