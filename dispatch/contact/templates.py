"""The texts in force: the version that an administrator made active, else the file that Gridcrew comes with."""

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session, col, select

from dispatch.contact.tables import TemplateText, TextKind
from dispatch.contact.texts import Source, Text, render_source, shipped

_CACHE = "contact.templates"


def in_force(session: Session, name: str, kind: TextKind, language: str) -> tuple[Source, int]:
    """The source of a template's text and the number of its version, 0 for the file; read once a transaction."""
    known: dict[Any, tuple[Source, int]] = session.info.setdefault(_CACHE, {})
    key = (name, kind, language)
    if key not in known:
        statement = select(TemplateText).where(
            TemplateText.name == name,
            TemplateText.kind == kind,
            TemplateText.language == language,
            col(TemplateText.is_active),
        )
        row = session.exec(statement).first()
        known[key] = (
            (Source(row.subject, row.body), row.number) if row else (shipped(*_file(key)), 0)
        )
    return known[key]


def render(
    session: Session, name: str, kind: TextKind, language: str, values: Mapping[str, Any]
) -> tuple[Text, int]:
    """A template's text in force, rendered, and the number of its version."""
    source, number = in_force(session, name, kind, language)
    return render_source(source, kind, values), number


def forget(session: Session) -> None:
    """Another version is active now: read again what this transaction has read."""
    session.info.pop(_CACHE, None)


def _file(key: tuple[str, TextKind, str]) -> tuple[str, str, TextKind]:
    name, kind, language = key
    return name, language, kind
