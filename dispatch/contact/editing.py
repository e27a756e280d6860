"""Editing the texts of messages: drafts, previews, and which version is in force."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.contact import templates, texts
from dispatch.contact.drafts import Part, values_of
from dispatch.contact.facts import load
from dispatch.contact.kinds import KINDS
from dispatch.contact.placeholders import examples
from dispatch.contact.proofing import BadTemplate, proof
from dispatch.contact.tables import SubjectKind, TemplateText, TextKind
from dispatch.contact.tellings import when
from dispatch.contact.texts import Source, Text, render_source, shipped
from dispatch.contact.windows import told_window
from dispatch.core.db import lock_for
from dispatch.core.errors import NotFoundError
from dispatch.core.events import Actor, record
from dispatch.work.visits import NoSuchVisit


class NoSuchTemplate(NotFoundError):
    """No template has this name, kind and language, or no such version."""

    code = "no_such_template"


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a text; 0 is the file that Gridcrew comes with. A draft was never active."""

    number: int
    subject: str
    body: str
    is_active: bool
    is_draft: bool
    created_by: str
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class Overview:
    """A text of a template: the number of the version in force, and of the newest."""

    kind: TextKind
    language: str
    active: int
    newest: int


def overview(session: Session) -> dict[str, list[Overview]]:
    """The texts that each template has."""
    table = sa.select(
        col(TemplateText.name),
        col(TemplateText.kind),
        col(TemplateText.language),
        col(TemplateText.number),
        col(TemplateText.is_active),
    ).order_by(col(TemplateText.number))
    active: dict[tuple[str, TextKind, str], int] = {}
    newest: dict[tuple[str, TextKind, str], int] = {}
    for name, kind, language, number, is_active in session.execute(table):
        key = (name, TextKind(kind), language)
        newest[key] = number
        if is_active:
            active[key] = number
    return {
        name: [
            Overview(kind, language, active.get(key, 0), newest.get(key, 0))
            for kind in TextKind
            for language in texts.LANGUAGES
            if has_text(*(key := (name, kind, language)))
        ]
        for name in KINDS
    }


def has_text(name: str, kind: TextKind, language: str) -> bool:
    """Whether a template has a text of this kind."""
    try:
        _shipped(name, kind, language)
    except NoSuchTemplate:
        return False
    return True


def versions(session: Session, *, name: str, kind: TextKind, language: str) -> list[Version]:
    """Every version of a text, the newest first, the shipped one last; raises NoSuchTemplate."""
    file = _shipped(name, kind, language)
    rows = session.exec(_of(name, kind, language).order_by(col(TemplateText.number).desc())).all()
    found = [
        Version(
            row.number,
            row.subject,
            row.body,
            row.is_active,
            row.activated_at is None,
            row.created_by,
            row.created_at,
        )
        for row in rows
    ]
    is_active = not any(row.is_active for row in rows)
    return [*found, Version(0, file.subject, file.body, is_active, False, "", None)]


def version(session: Session, *, name: str, kind: TextKind, language: str, number: int) -> Version:
    """One version of a text; raises NoSuchTemplate."""
    for one in versions(session, name=name, kind=kind, language=language):
        if one.number == number:
            return one
    raise NoSuchTemplate(f"{name} has no version {number}.", field="number")


def save(
    session: Session,
    *,
    name: str,
    kind: TextKind,
    language: str,
    subject: str,
    body: str,
    actor: Actor,
    now: datetime,
) -> Version:
    """Keep a text as a draft, a new version; raises NoSuchTemplate, and BadTemplate naming what is wrong where."""
    _shipped(name, kind, language)
    proof(name, kind, Source(subject, body))
    lock_for(session, "contact.templates")
    newest = session.exec(
        _of(name, kind, language).order_by(col(TemplateText.number).desc())
    ).first()
    row = TemplateText(
        name=name,
        kind=kind,
        language=language,
        number=newest.number + 1 if newest else 1,
        subject=subject.strip(),
        body=body,
        created_by=actor.id,
        created_at=now,
    )
    session.add(row)
    session.flush()
    record_of(session, "template.saved", name, kind, language, row.number, actor, now)
    return version(session, name=name, kind=kind, language=language, number=row.number)


def activate(
    session: Session,
    *,
    name: str,
    kind: TextKind,
    language: str,
    number: int,
    actor: Actor,
    now: datetime,
) -> Version:
    """Put a version in force, an earlier one too; 0 goes back to the shipped text.

    Messages that are written already keep their words. Raises NoSuchTemplate, and BadTemplate for a text of an
    earlier release that cannot be sent any more.
    """
    source = source_of(session, name=name, kind=kind, language=language, number=number)
    proof(name, kind, source)
    lock_for(session, "contact.templates")
    for row in session.exec(_of(name, kind, language)):
        row.is_active = row.number == number
        if row.is_active:
            row.activated_at = now
    session.flush()
    templates.forget(session)
    record_of(session, "template.activated", name, kind, language, number, actor, now)
    return version(session, name=name, kind=kind, language=language, number=number)


def source_of(session: Session, *, name: str, kind: TextKind, language: str, number: int) -> Source:
    """A version's source; raises NoSuchTemplate."""
    found = version(session, name=name, kind=kind, language=language, number=number)
    return Source(found.subject, found.body)


def preview(
    session: Session,
    *,
    name: str,
    kind: TextKind,
    language: str,
    subject: str,
    body: str,
    visit_id: str | None = None,
) -> Text:
    """The text with example values, or with those of a visit; changes nothing.

    What a visit does not say of itself (how it ended) is taken from the examples. Raises NoSuchTemplate,
    BadTemplate and NoSuchVisit.
    """
    _shipped(name, kind, language)
    source = Source(subject, body)
    proof(name, kind, source)
    values = examples(name, language)[0]
    if visit_id is not None:
        if KINDS[name].subject is not SubjectKind.VISIT:
            raise BadTemplate("This text is not about a visit.", field="visit_id")
        values = _values_of_visit(session, visit_id, values)
    return render_source(source, kind, values)


def _values_of_visit(session: Session, visit_id: str, usual: dict[str, Any]) -> dict[str, Any]:
    found = load(session, [visit_id])
    if not found:
        raise NoSuchVisit(f"There is no visit {visit_id}.", field="visit_id")
    facts, told = found[0], told_window(found[0].visit)
    own = when(facts, told) if told else {}
    rest = {key: value for key, value in usual.items() if key not in ("visits", *own)}
    part = Part(facts, "", told, {**rest, **facts.values(), **own})
    return {**values_of([part]), "reader": facts.customer.name}


def _of(name: str, kind: TextKind, language: str) -> Any:
    return select(TemplateText).where(
        TemplateText.name == name,
        TemplateText.kind == kind,
        TemplateText.language == language,
    )


def _shipped(name: str, kind: TextKind, language: str) -> Source:
    if name not in KINDS or language not in texts.LANGUAGES:
        raise NoSuchTemplate(f"There is no template {name} in {language}.", field="name")
    try:
        return shipped(name, language, kind)
    except FileNotFoundError as error:
        raise NoSuchTemplate(f"{name} has no {kind.value} text.", field="name") from error


def record_of(
    session: Session,
    what: str,
    name: str,
    kind: TextKind,
    language: str,
    number: int,
    actor: Actor,
    now: datetime,
    **data: Any,
) -> int | None:
    """Record what happened to a text; the number of the event."""
    event = record(
        session,
        what,
        entity="template",
        entity_id=f"{name}.{kind.value}.{language}",
        actor=actor,
        now=now,
        data={"number": number, **data},
    )
    session.flush()
    return event.id
