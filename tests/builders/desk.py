"""Requests for tests, made by the product's own operations."""

from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from dispatch.core.events import Actor
from dispatch.desk import requests
from dispatch.desk.tables import Counter, Request, RequestKind
from dispatch.registry.tables import Premises
from tests.builders.registry import make_premises, make_territory
from tests.builders.work import make_catalogue
from tests.instants import NOW

CLERK = Actor("zhou", "intake")


def make_counters(session: Session, *, territory_id: str = "humen") -> None:
    """One counter of each kind, named for it, unless the territory has some."""
    make_territory(session, id=territory_id)
    if session.exec(select(Counter).where(Counter.territory_id == territory_id)).first():
        return
    prefix = "" if territory_id == "humen" else f"{territory_id}-"
    for kind in RequestKind:
        session.add(
            Counter(
                id=f"{prefix}{kind.value}",
                territory_id=territory_id,
                name_zh=f"{kind.value}窗口",
                name_en=kind.value,
                kinds=[kind.value],
            )
        )
    session.flush()


def make_request(
    session: Session,
    *,
    kind: RequestKind = RequestKind.CONSULTATION,
    premises: Premises | None = None,
    subject: str = "峰谷电价怎么算",
    actor: Actor = CLERK,
    now: datetime = NOW,
    **values: Any,
) -> Request:
    """A request about `premises`, or about new ones; `values` go to `requests.receive`."""
    make_catalogue(session)
    place = premises or make_premises(session)
    make_counters(session, territory_id=place.territory_id)
    return requests.receive(
        session,
        kind=kind,
        customer_id=place.customer_id,
        premises_id=place.id,
        subject=subject,
        actor=actor,
        now=now,
        **values,
    )
