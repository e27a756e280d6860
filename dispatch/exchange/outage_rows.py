"""Notices of planned interruptions, as rows of a branch's folder."""

from datetime import date

from sqlmodel import Session, col, select

from dispatch.contact import outages
from dispatch.contact.tables import OutageNotice
from dispatch.core.calendar import day_bounds, zone_named
from dispatch.exchange.writing import Writing, instant
from dispatch.registry.tables import Territory

LONGEST_LIST = 120_000
"""Characters of a list of premises."""


def write_outages(writing: Writing) -> int:
    """Give each notice, so that its customers are told; how many. Raises BadFile with row and column."""
    rows = writing.folder.sheets["outages.csv"]
    for row in rows:
        with row.located({"starts_at": "starts", "ends_at": "ends", "area": "premises"}):
            outages.announce(
                writing.session,
                territory_id=writing.territory_id,
                starts_at=instant(row, "starts", writing.day, writing.zone),
                ends_at=instant(row, "ends", writing.day, writing.zone),
                reason_zh=row.text("reason_zh", most=200),
                reason_en=row.text("reason_en", most=200),
                premises=row.several("premises", most=LONGEST_LIST),
                actor=writing.actor,
                now=writing.now,
            )
    return len(rows)


def outage_cells(session: Session, territory: Territory, day: date) -> list[list[object]]:
    """The notices of planned interruptions that begin on `day` or later and stand, the first one first."""
    zone = zone_named(territory.zone)
    standing = select(OutageNotice).where(
        OutageNotice.territory_id == territory.id,
        col(OutageNotice.starts_at) >= day_bounds(day, zone)[0],
        col(OutageNotice.withdrawn_at).is_(None),
        ~col(OutageNotice.unplanned),
    )
    ordered = standing.order_by(col(OutageNotice.starts_at), col(OutageNotice.id))
    return [
        [
            f"{row.starts_at.astimezone(zone):%Y-%m-%d %H:%M}",
            f"{row.ends_at.astimezone(zone):%Y-%m-%d %H:%M}",
            row.reason_zh, row.reason_en, ";".join(row.premises),
        ]
        for row in session.exec(ordered)
    ]  # fmt: skip
