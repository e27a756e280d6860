"""What the steps of one loading share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from dispatch.core.events import Actor
from dispatch.exchange.folder import Folder
from dispatch.exchange.moments import read_day, read_moment, within_reach
from dispatch.exchange.registry_rows import Tell
from dispatch.exchange.sheets import Row
from dispatch.work.tables import Visit


@dataclass
class Writing:
    """One loading: where it writes, what it reads, and the visits it has made so far."""

    session: Session
    folder: Folder
    day: date
    zone: ZoneInfo
    actor: Actor
    now: datetime
    tell: Tell
    visits: dict[str, Visit] = field(default_factory=dict)
    """The visit of each order's `ref`, and of each series that falls due on the day."""
    not_due: frozenset[str] = frozenset()
    """The series that do not fall due on the day."""

    @property
    def territory_id(self) -> str:
        """The territory of the folder."""
        return self.folder.territory.text("id")


def visits_of(session: Session, orders_by_name: Mapping[str, str]) -> dict[str, Visit]:
    """The visit of each named order that has one."""
    name_of = {order_id: name for name, order_id in orders_by_name.items()}
    rows = session.exec(select(Visit).where(col(Visit.work_order_id).in_(sorted(name_of))))
    return {name_of[visit.work_order_id]: visit for visit in rows}


def day_of_work(row: Row, column: str, day: date) -> date:
    """The day that a cell names when its file is loaded onto `day`; raises BadFile for one out of reach."""
    return row.parsed(column, lambda text: within_reach(read_day(text).on(day)))


def instant(row: Row, column: str, day: date, zone: ZoneInfo) -> datetime:
    """The instant that a cell names when its file is loaded onto `day`; raises BadFile."""
    moment = row.parsed(column, read_moment)
    try:
        return moment.on(day, zone)
    except ValueError as error:
        raise row.wrong(column, str(error)) from error
