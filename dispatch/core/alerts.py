"""Alerts: one row per cause, however often it repeats."""

from datetime import datetime

from sqlmodel import Session, col, select

from dispatch.core.tables import Alert


def raise_alert(session: Session, key: str, text: str, *, now: datetime) -> Alert:
    """Say that a person is needed; the same `key` again raises the count and opens it anew."""
    alert = session.get(Alert, key)
    if alert is None:
        alert = Alert(key=key, text=text[:500], first_at=now, last_at=now)
        session.add(alert)
    else:
        alert.text, alert.count, alert.last_at, alert.resolved_at = (
            text[:500],
            alert.count + 1,
            now,
            None,
        )
    session.flush()
    return alert


def resolve(session: Session, key: str, *, now: datetime) -> None:
    """Close the alert of this cause, if one is open."""
    alert = session.get(Alert, key)
    if alert is not None and alert.resolved_at is None:
        alert.resolved_at = now


def open_alerts(session: Session, *, limit: int = 50) -> list[Alert]:
    """The open alerts, newest first."""
    statement = (
        select(Alert).where(col(Alert.resolved_at).is_(None)).order_by(col(Alert.last_at).desc())
    )
    return list(session.exec(statement.limit(limit)))
