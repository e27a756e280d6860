"""Loading a folder: all of it in one transaction, or nothing."""

from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from dispatch.core import events
from dispatch.core.calendar import at_local, local_day, next_working_day, zone_named
from dispatch.core.db import Database, lock_for, transaction
from dispatch.core.errors import InvalidError
from dispatch.core.events import SYSTEM, Actor
from dispatch.core.tables import Event
from dispatch.exchange.folder import Folder, read_folder
from dispatch.exchange.registry_rows import Tell, write_registry
from dispatch.exchange.work_rows import first_begin, write_work
from dispatch.exchange.writing import Writing
from dispatch.work import catalogue

LOADED = "territory.loaded"


class DayHasBegun(InvalidError):
    """The day to load onto is over, or its work has begun."""

    code = "day_has_begun"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a loading made. `already`: this day was loaded before, and nothing was changed.

    `new` counts the new rows by file, and under `due` the follow-ups that fall due on the day.
    """

    territory_id: str
    day: date
    already: bool
    new: dict[str, int] = field(default_factory=dict)

    @property
    def message(self) -> str:
        """What happened, in one sentence."""
        if self.already:
            return f"{self.territory_id} was already loaded onto {self.day}; nothing was changed."
        parts = ", ".join(f"{count} of {file}" for file, count in self.new.items() if count)
        return f"{self.territory_id} is loaded onto {self.day}: {parts}."


def load_folder(
    database: Database,
    *,
    folder: Path,
    day: date | None = None,
    now: datetime,
    progress: Tell | None = None,
    actor: Actor = SYSTEM,
) -> Loaded:
    """Load a folder onto `day`, by default the next working day of its territory that has not begun.

    Customers, crews and series that are known stay as they are; shifts, requests and orders are made for the day.
    Received times lie in the past: when the latest would not, all move back by the same amount. The same territory
    and day again change nothing. Raises BadFile with file, row and column, and DayHasBegun, with nothing changed.
    """
    content = read_folder(folder)
    chosen, zone = day_for(content, day=day, now=now)
    territory_id = content.territory.text("id")
    with transaction(database) as session:
        lock_for(session, f"load:{territory_id}")
        if chosen in loaded_days(session, territory_id=territory_id):
            return Loaded(territory_id, chosen, already=True)
        return _load(session, content, chosen, zone, actor, now, progress or _silent)


def loaded_days(session: Session, *, territory_id: str) -> list[date]:
    """The days that a folder was loaded onto, in the order of loading."""
    statement = select(Event).where(
        Event.type == LOADED, Event.entity == "territory", Event.entity_id == territory_id
    )
    return [
        date.fromisoformat(event.data["day"])
        for event in session.exec(statement.order_by(col(Event.id)))
    ]


def _load(
    session: Session,
    content: Folder,
    day: date,
    zone: ZoneInfo,
    actor: Actor,
    now: datetime,
    tell: Tell,
) -> Loaded:
    territory_id = content.territory.text("id")
    catalogue.seed(session)
    new = write_registry(session, content, day=day, tell=tell)
    new |= write_work(Writing(session, content, day, zone, actor, now, tell))
    events.record(
        session,
        LOADED,
        entity="territory",
        entity_id=territory_id,
        actor=actor,
        now=now,
        territory_id=territory_id,
        data={"day": day.isoformat(), "checksum": content.checksum, "new": new},
    )
    return Loaded(territory_id, day, already=False, new=new)


def day_for(content: Folder, *, day: date | None, now: datetime) -> tuple[date, ZoneInfo]:
    """The local day that a loading at `now` would choose, and the territory's zone; see `load_folder`."""
    with content.territory.located():
        zone = zone_named(content.territory.text("zone"))
    begins = first_begin(content)
    if day is None:
        return next_working_day(now, zone, begins=begins), zone
    if now >= at_local(day, begins, zone):
        today = local_day(now, zone)
        why = f"its work began at {begins:%H:%M}" if day == today else "it is over"
        raise DayHasBegun(
            f"{day} cannot be loaded: {why} ({zone.key}). Choose "
            f"{next_working_day(now, zone, begins=begins)} or later.",
            field="day",
        )
    return day, zone


def _silent(_file: str, _done: int, _all: int) -> None:
    """Tell nobody."""
