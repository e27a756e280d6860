"""Test sendings: a version of a text goes to the address of whoever asks for it, marked as a test."""

from datetime import datetime
from typing import Any

from sqlmodel import Session

from dispatch.contact.channels import Channel, Person, way_to
from dispatch.contact.editing import record_of, source_of
from dispatch.contact.proofing import BadTemplate
from dispatch.contact.tables import TextKind
from dispatch.core import tasks
from dispatch.core.events import Actor


def ask(
    session: Session,
    *,
    name: str,
    kind: TextKind,
    language: str,
    number: int,
    channel: str,
    address: str,
    actor: Actor,
    now: datetime,
) -> str:
    """Have a version sent to the caller's own address, marked as a test; the address as the channel takes it.

    Raises NoSuchTemplate, and BadTemplate for an address that the channel does not lead to.
    """
    source_of(session, name=name, kind=kind, language=language, number=number)
    if channel == Channel.PRINT:
        raise BadTemplate("A letter is looked at in the preview.", field="channel")
    way = way_to(Person("", address, address, ""), channel)
    if not way.address:
        raise BadTemplate(f"{channel} does not lead to this address.", field="address")
    event = record_of(session, "template.test_asked", name, kind, language, number, actor, now)
    payload = {
        "name": name, "kind": kind.value, "language": language, "number": number, "channel": channel,
        "address": way.address, "actor": actor.id, "role": actor.role,
    }  # fmt: skip
    tasks.enqueue(
        session, "template.test", key=f"template.test:{event}", payload=payload, max_attempts=1, now=now
    )  # fmt: skip
    return way.address


def tested(session: Session, payload: dict[str, Any], *, error: str, now: datetime) -> None:
    """Record what came of a test sending."""
    what = "template.test_failed" if error else "template.test_sent"
    record_of(
        session,
        what,
        payload["name"],
        TextKind(payload["kind"]),
        payload["language"],
        payload["number"],
        Actor(payload["actor"], payload["role"]),
        now,
        **({"error": error[:200]} if error else {}),
    )
