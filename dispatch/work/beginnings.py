"""What new work begins with: its premises, its class, its clocks and its first visit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from dispatch.core import events
from dispatch.core.errors import InvalidError
from dispatch.core.events import Actor
from dispatch.registry.tables import AreaClass, Premises, SiteClass
from dispatch.sla import clocks, policy
from dispatch.sla.tables import ClockKind
from dispatch.work import catalogue
from dispatch.work.progress import SUBJECT
from dispatch.work.tables import Priority, Visit, WorkOrder, WorkType


class PremisesUnknown(InvalidError):
    """There are no such premises of this customer in this territory."""

    code = "premises_unknown"


@dataclass(frozen=True, slots=True)
class CrewWishes:
    """Which crews may come: `allowed` None means anybody, an empty tuple nobody."""

    allowed: Sequence[str] | None = None
    forbidden: Sequence[str] = ()
    preferred: Sequence[str] = ()


def priority_of(kind: WorkType, site_class: SiteClass) -> Priority:
    """The class of new work: the type's own, and P1 where supply is lost and an ordinary site it is not."""
    if kind.priority == Priority.P2 and site_class != SiteClass.ORDINARY:
        return Priority.P1
    return kind.priority


def premises_of(
    session: Session, territory_id: str, customer_id: str, premises_id: str
) -> Premises:
    """The premises, when they are the customer's and lie in the territory; raises PremisesUnknown."""
    premises = session.get(Premises, premises_id)
    if premises is None or premises.customer_id != customer_id:
        raise PremisesUnknown(
            f"Customer {customer_id} has no premises {premises_id}.", field="premises_id"
        )
    if premises.territory_id != territory_id:
        raise PremisesUnknown(
            f"Premises {premises_id} lie in territory {premises.territory_id}, not in {territory_id}.",
            field="territory_id",
        )
    return premises


def start_clocks(
    session: Session,
    order: WorkOrder,
    kind: WorkType,
    area: AreaClass,
    started_at: datetime,
    now: datetime,
) -> datetime | None:
    """Start the type's clocks; when the earliest falls due."""
    due: list[datetime] = []
    for name, text in kind.clocks.items():
        try:
            limit = policy.span(text)
        except policy.BadLimit:  # then it names an entry of the pack
            limit = None
        clock = clocks.start(
            session,
            kind=ClockKind(name),
            subject=SUBJECT,
            subject_id=order.id,
            territory_id=order.territory_id,
            area_class=area,
            entry=kind.code if limit else None if text == name else text,
            limit=limit,
            started_at=started_at,
            now=now,
        )
        due.append(clock.due_at)
    return min(due, default=None)


def first_visit(
    session: Session,
    order: WorkOrder,
    kind: WorkType,
    wishes: CrewWishes,
    *,
    actor: Actor,
    now: datetime,
) -> Visit:
    """Make the order's first visit, ready to be planned."""
    visit = Visit(
        id=f"{order.id}-1",
        work_order_id=order.id,
        territory_id=order.territory_id,
        earliest_day=order.earliest_day,
        duration_s=catalogue.planned_seconds(kind),
        setup_s=kind.setup_minutes * 60,
        due_at=order.due_at,
        allowed_crews=None if wishes.allowed is None else list(wishes.allowed),
        forbidden_crews=list(wishes.forbidden),
        preferred_crews=list(wishes.preferred),
    )
    session.add(visit)
    events.record(
        session,
        "visit.created",
        entity="visit",
        entity_id=visit.id,
        actor=actor,
        now=now,
        to_status=visit.status.value,
        territory_id=visit.territory_id,
        data={"work_order_id": order.id},
    )
    session.flush()
    return visit
