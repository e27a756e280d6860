"""What a message needs to know of its subject, read in one statement for any number of visits.

`Facts` are a visit's; a request's, an outage's and a customer's own stand beside it. Whatever they are about, a
message is written to a customer in a territory: what those have in common is `About`.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import Session, col

from dispatch.contact import texts
from dispatch.contact.channels import Person
from dispatch.contact.preferences import Preference
from dispatch.contact.tables import ContactPreference, OutageNotice, SubjectKind
from dispatch.core.calendar import zone_named
from dispatch.desk.tables import Request
from dispatch.registry.tables import Crew, Customer, Organisation, Premises, Territory
from dispatch.work.tables import (
    HoldReason,
    Priority,
    Visit,
    VisitStatus,
    WorkOrder,
    WorkOrderStatus,
)

ON_PLAN = (VisitStatus.PUBLISHED, VisitStatus.DISPATCHED, VisitStatus.ACCEPTED)
"""On a published plan and not yet begun."""


@dataclass(frozen=True, kw_only=True)
class About:
    """A customer, the territory that serves it and how it wants to be told; `premises` may be none."""

    customer: Customer
    premises: Premises | None
    territory: Territory
    company: Organisation
    preference: Preference

    @cached_property
    def zone(self) -> ZoneInfo:
        """The territory's zone."""
        return zone_named(self.territory.zone)

    @property
    def language(self) -> str:
        """The language to write in."""
        return texts.language_for(self.preference.language or self.customer.language)

    @property
    def kind(self) -> SubjectKind:
        """What kind of subject it is."""
        return SubjectKind.CUSTOMER

    @property
    def subject(self) -> Any:
        """The row that the message is about."""
        return self.customer

    @property
    def priority(self) -> Priority | None:
        """The priority of the work, where there is any."""
        return None

    @property
    def is_unannounced(self) -> bool:
        """Whether it loses its purpose when it is announced."""
        return False

    @property
    def place(self) -> str:
        """Where it is, in one line."""
        return self.premises.address if self.premises else ""

    def people(self) -> list[Person]:
        """Who is told: the customer, whom the customer named, or both."""
        customer, wished = self.customer, self.preference
        own = Person(customer.name, customer.phone, customer.email, self.place)
        if not wished.has_nominee:
            return [own]
        nominee = Person(wished.nominee_name, wished.nominee_phone, wished.nominee_email, "", True)
        return [nominee] if wished.nominee_instead else [own, nominee]

    def values(self) -> dict[str, str]:
        """What every template may say: no access notes, no health, no debts."""
        return {
            "company": self._named(self.company),
            "customer": self.customer.name,
            "address": self.place,
        }

    def _named(self, row: Organisation | Crew) -> str:
        return row.name_zh if self.language == "zh-CN" else row.name_en


@dataclass(frozen=True, kw_only=True)
class Facts(About):
    """A visit with everybody and everything around it."""

    visit: Visit
    order: WorkOrder
    premises: Premises
    crew: Crew | None

    @property
    def kind(self) -> SubjectKind:
        """What kind of subject it is."""
        return SubjectKind.VISIT

    @property
    def subject(self) -> Visit:
        """The visit."""
        return self.visit

    @property
    def priority(self) -> Priority:
        """The work order's."""
        return self.order.priority

    @property
    def is_unannounced(self) -> bool:
        """Whether visits of this type are announced at all."""
        return texts.is_unannounced(self.order.work_type)

    @property
    def is_called_off(self) -> bool:
        """Whether the customer called the work off, which waits for the office to see to it."""
        order = self.order
        return order.status is WorkOrderStatus.ON_HOLD and order.hold_reason is HoldReason.CUSTOMER

    def values(self) -> dict[str, str]:
        """What every template about a visit may say."""
        ours = "我们的工作人员" if self.language == "zh-CN" else "our crew"
        return super().values() | {
            "crew": self._named(self.crew) if self.crew else ours,
            "purpose": texts.purpose(self.order.work_type, self.language),
        }


@dataclass(frozen=True, kw_only=True)
class RequestFacts(About):
    """A request with its customer."""

    request: Request

    @property
    def kind(self) -> SubjectKind:
        """What kind of subject it is."""
        return SubjectKind.REQUEST

    @property
    def subject(self) -> Request:
        """The request."""
        return self.request

    def values(self) -> dict[str, str]:
        """What every template about a request may say: its number, not its words."""
        return super().values() | {"number": self.request.id}


@dataclass(frozen=True, kw_only=True)
class CallFacts(About):
    """A customer whom we are going to call for this work order."""

    order: WorkOrder


@dataclass(frozen=True, kw_only=True)
class OutageFacts(About):
    """An outage notice and one of its customers, with all of the customer's premises that it concerns."""

    notice: OutageNotice
    addresses: tuple[str, ...]

    @property
    def kind(self) -> SubjectKind:
        """What kind of subject it is."""
        return SubjectKind.OUTAGE

    @property
    def subject(self) -> OutageNotice:
        """The notice."""
        return self.notice

    def values(self) -> dict[str, Any]:
        """What every template about an outage may say."""
        chinese = self.language == "zh-CN"
        return super().values() | {
            "number": self.notice.id,
            "cause": self.notice.reason_zh if chinese else self.notice.reason_en,
            "addresses": list(self.addresses),
        }


def load(session: Session, visit_ids: Collection[str]) -> list[Facts]:
    """The facts of these visits, in the order of their ids; unknown ids are left out."""
    statement = (
        sa.select(
            Visit, WorkOrder, Customer, Premises, Territory, Organisation, Crew, ContactPreference
        )
        .join(WorkOrder, col(Visit.work_order_id) == col(WorkOrder.id))
        .join(Customer, col(WorkOrder.customer_id) == col(Customer.id))
        .join(Premises, col(WorkOrder.premises_id) == col(Premises.id))
        .join(Territory, col(Visit.territory_id) == col(Territory.id))
        .join(Organisation, col(Territory.organisation_id) == col(Organisation.id))
        .join(Crew, col(Visit.crew_id) == col(Crew.id), isouter=True)
        .join(
            ContactPreference, col(ContactPreference.customer_id) == col(Customer.id), isouter=True
        )
        .where(col(Visit.id).in_(visit_ids))
        .order_by(col(Visit.id))
    )
    return [
        Facts(
            visit=visit,
            order=order,
            customer=customer,
            premises=premises,
            territory=territory,
            company=company,
            crew=crew,
            preference=Preference.of(customer.id, wished),
        )
        for visit, order, customer, premises, territory, company, crew, wished in session.execute(
            statement
        )
    ]


def load_requests(session: Session, request_ids: Collection[str]) -> list[RequestFacts]:
    """The facts of these requests, in the order of their numbers; unknown ones are left out."""
    statement = (
        sa.select(Request, Customer, Premises, Territory, Organisation, ContactPreference)
        .join(Customer, col(Request.customer_id) == col(Customer.id))
        .join(Territory, col(Request.territory_id) == col(Territory.id))
        .join(Organisation, col(Territory.organisation_id) == col(Organisation.id))
        .join(Premises, col(Request.premises_id) == col(Premises.id), isouter=True)
        .join(
            ContactPreference, col(ContactPreference.customer_id) == col(Customer.id), isouter=True
        )
        .where(col(Request.id).in_(request_ids))
        .order_by(col(Request.id))
    )
    return [
        RequestFacts(
            request=request,
            customer=customer,
            premises=premises,
            territory=territory,
            company=company,
            preference=Preference.of(customer.id, wished),
        )
        for request, customer, premises, territory, company, wished in session.execute(statement)
    ]


def load_calls(session: Session, work_order_ids: Collection[str]) -> list[CallFacts]:
    """Whom we are going to call for these work orders, in the order of their numbers; unknown ones are left out."""
    statement = (
        sa.select(WorkOrder, Customer, Territory, Organisation, ContactPreference)
        .join(Customer, col(WorkOrder.customer_id) == col(Customer.id))
        .join(Territory, col(WorkOrder.territory_id) == col(Territory.id))
        .join(Organisation, col(Territory.organisation_id) == col(Organisation.id))
        .join(
            ContactPreference, col(ContactPreference.customer_id) == col(Customer.id), isouter=True
        )
        .where(col(WorkOrder.id).in_(work_order_ids))
        .order_by(col(WorkOrder.id))
    )
    return [
        CallFacts(
            order=order,
            customer=customer,
            premises=None,
            territory=territory,
            company=company,
            preference=Preference.of(customer.id, wished),
        )
        for order, customer, territory, company, wished in session.execute(statement)
    ]


def load_customer(session: Session, *, customer_id: str, territory_id: str) -> About | None:
    """A customer as one territory's; None when either does not exist."""
    found = load_customers(session, customer_ids=[customer_id], territory_id=territory_id)
    return found[0] if found else None


def load_customers(
    session: Session, *, customer_ids: Collection[str], territory_id: str
) -> list[About]:
    """These customers as one territory's, by number; unknown ones are left out."""
    statement = (
        sa.select(Customer, Territory, Organisation, ContactPreference)
        .select_from(Customer)
        .join(Territory, col(Territory.id) == territory_id)
        .join(Organisation, col(Territory.organisation_id) == col(Organisation.id))
        .join(
            ContactPreference, col(ContactPreference.customer_id) == col(Customer.id), isouter=True
        )
        .where(col(Customer.id).in_(customer_ids))
        .order_by(col(Customer.id))
    )
    return [
        About(
            customer=customer,
            premises=None,
            territory=territory,
            company=company,
            preference=Preference.of(customer.id, wished),
        )
        for customer, territory, company, wished in session.execute(statement)
    ]
