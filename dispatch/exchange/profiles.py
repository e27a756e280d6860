"""Saved layouts of files: each has a name and is used by imports that name it."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from dispatch.core import events
from dispatch.core.errors import NotFoundError
from dispatch.core.events import Actor
from dispatch.exchange.mapping import BadProfile, Profile, profile_of
from dispatch.exchange.tables import ImportProfile

_NAME = re.compile(r"[\w][\w .-]{0,63}")


class NoSuchProfile(NotFoundError):
    """No profile has this name."""

    code = "no_such_profile"


def save(
    session: Session,
    *,
    name: str,
    document: Mapping[str, Any],
    expect: int | None = None,
    actor: Actor,
    now: datetime,
) -> ImportProfile:
    """Keep a layout under a name, in place of the one it had.

    `expect` is the version that the caller saw, 0 when there was none. Raises BadProfile, StaleVersion, and
    NoSuchProfile when the one that was seen is gone.
    """
    if not _NAME.fullmatch(name):
        raise BadProfile(
            "A profile's name has 1 to 64 letters, digits, spaces, dots, hyphens and underscores.",
            field="name",
        )
    profile = profile_of(document)
    row = get(session, name) if expect else session.get(ImportProfile, name)
    if row is not None:
        row.expect(expect)
    else:
        row = ImportProfile(name=name, changed_by=actor.id, changed_at=now)
        session.add(row)
    row.document = profile.model_dump(exclude_defaults=True)
    row.changed_by, row.changed_at = actor.id, now
    session.flush()
    events.record(
        session,
        "import_profile.saved",
        entity="import_profile",
        entity_id=name,
        actor=actor,
        now=now,
    )
    return row


def get(session: Session, name: str) -> ImportProfile:
    """The profile of this name; raises NoSuchProfile."""
    row = session.get(ImportProfile, name)
    if row is None:
        raise NoSuchProfile(f"There is no profile {name!r}.", field="profile")
    return row


def named(session: Session, name: str) -> Profile:
    """The layout kept under this name; raises NoSuchProfile."""
    return profile_of(get(session, name).document)


def listed(session: Session) -> list[ImportProfile]:
    """All profiles, by name."""
    return list(session.exec(select(ImportProfile).order_by(ImportProfile.name)))


def remove(
    session: Session, *, name: str, expect: int | None = None, actor: Actor, now: datetime
) -> None:
    """Forget a profile; raises NoSuchProfile, StaleVersion when the caller saw another version."""
    row = get(session, name)
    row.expect(expect)
    session.delete(row)
    session.flush()
    events.record(
        session,
        "import_profile.removed",
        entity="import_profile",
        entity_id=name,
        actor=actor,
        now=now,
    )
