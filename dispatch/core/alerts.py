"""Alerts: one row per cause, however often it repeats."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.core.tables import Alert
from dispatch.core.upserts import insert_into

ROWS = 50
"""As many rows a person reads; beyond that one row stands for each family of causes."""
OTHERS = "other"
"""The key of the row that stands for what even that is too many for."""


@dataclass(frozen=True, slots=True)
class AlertRow:
    """One row of the list: an alert, or `causes` alerts whose keys begin alike, with the newest one's text."""

    key: str
    text: str
    count: int
    first_at: datetime
    last_at: datetime
    causes: int = 1


def raise_alert(session: Session, key: str, text: str, *, now: datetime) -> Alert:
    """Say that a person is needed; the same `key` again raises the count and opens it anew.

    The database counts, so that of any number that come at once none is lost.
    """
    session.flush()
    row = {"key": key, "text": text[:500], "count": 1, "first_at": now, "last_at": now}
    again = {"text": text[:500], "count": Alert.count + 1, "last_at": now, "resolved_at": None}
    session.execute(
        insert_into(session, Alert)
        .values(row)
        .on_conflict_do_update(index_elements=["key"], set_=again)
    )
    return session.get_one(Alert, key, populate_existing=True)


def resolve(session: Session, key: str, *, now: datetime) -> None:
    """Close the alert of this cause, if one is open."""
    alert = session.get(Alert, key)
    if alert is not None and alert.resolved_at is None:
        alert.resolved_at = now


def open_alerts(session: Session, *, limit: int = ROWS) -> list[Alert]:
    """The open alerts, newest first."""
    statement = (
        select(Alert).where(col(Alert.resolved_at).is_(None)).order_by(col(Alert.last_at).desc())
    )
    return list(session.exec(statement.limit(limit)))


def alert_list(
    session: Session, *, limit: int = ROWS, without: tuple[str, ...] = ()
) -> list[AlertRow]:
    """The open alerts as a person reads them, the newest first, in `limit` rows at most that count all of them.

    Where there are more alerts than rows, those whose keys are the same up to the colon share one. Alerts whose
    keys begin like one of `without` are left out.
    """
    statement = (
        sa.select(Alert.key, Alert.text, Alert.count, Alert.first_at, Alert.last_at)  # type: ignore[call-overload]
        .where(col(Alert.resolved_at).is_(None))
        .order_by(col(Alert.last_at).desc(), col(Alert.key).desc())
    )
    rows = [AlertRow(*row) for row in session.execute(statement) if not row.key.startswith(without)]
    if len(rows) <= limit:
        return rows
    families: dict[str, list[AlertRow]] = {}
    for row in rows:
        families.setdefault(row.key.partition(":")[0], []).append(row)
    grouped = [_together(name, found) for name, found in families.items()]
    if len(grouped) <= limit:
        return grouped
    return [*grouped[: limit - 1], _together(OTHERS, grouped[limit - 1 :])]


def _together(key: str, rows: Iterable[AlertRow]) -> AlertRow:
    """Rows as one, the newest of them first."""
    found = list(rows)
    if len(found) == 1:
        return found[0]
    return AlertRow(
        key=key,
        text=found[0].text,
        count=sum(row.count for row in found),
        first_at=min(row.first_at for row in found),
        last_at=found[0].last_at,
        causes=sum(row.causes for row in found),
    )
