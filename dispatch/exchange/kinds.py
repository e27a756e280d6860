"""What a row of each kind becomes: its values, what it refers to, what tells it from others, how it is written."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import Session, col

from dispatch.core.events import Actor
from dispatch.desk import requests
from dispatch.desk.tables import Counter, Request, RequestKind
from dispatch.exchange import registry_rows as rows
from dispatch.exchange.moments import read_clock
from dispatch.exchange.sheets import Row
from dispatch.exchange.work_rows import breaks_of
from dispatch.exchange.writing import day_of_work, instant
from dispatch.registry import hours, shifts
from dispatch.registry.tables import (
    Certificate,
    Crew,
    Customer,
    Depot,
    Member,
    Premises,
    Shift,
    Territory,
)
from dispatch.registry.territories import check_id
from dispatch.work import recurrence, series
from dispatch.work.tables import Series, SeriesStatus, WorkType

Values = dict[str, Any]
Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Ground:
    """Where and when an import happens. `today` is the territory's local day."""

    territory: Territory
    zone: ZoneInfo
    today: date
    actor: Actor
    now: datetime


@dataclass(frozen=True, slots=True)
class Reference:
    """A column that names a row of another table, or of `kind` in the same import."""

    column: str
    table: type[Any]
    kind: str | None = None
    of_territory: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of file. `key` are the columns of `table` that tell its rows apart; `plain` rows have their own id.

    `read` raises BadFile; `write` makes one row by the operation that people use, and is None where rows are
    inserted as they are.
    """

    name: str
    table: type[Any]
    key: tuple[str, ...]
    read: Callable[[Row, Ground], Values]
    references: tuple[Reference, ...] = ()
    write: Callable[[Session, Row, Values, Ground], object] | None = None
    only: Callable[[], sa.ColumnElement[bool]] | None = None
    """Which rows of the table count as known, where not all do."""
    void: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Columns that no longer hold when one of those named changes, unless the file has them too."""

    def key_of(self, values: Values) -> Key:
        """What tells this row from others."""
        return tuple(_told(values[name]) for name in self.key)

    def known(self, session: Session, batch: Sequence[Values]) -> dict[Key, Mapping[str, Any]]:
        """The rows of the database that have the keys of the batch."""
        columns = self.table.__table__.c
        first = sorted({str(values[self.key[0]]) for values in batch})
        statement = sa.select(*columns).where(columns[self.key[0]].in_(first))
        if self.only is not None:
            statement = statement.where(self.only())
        found = session.execute(statement).mappings()
        return {tuple(_told(row[name]) for name in self.key): dict(row) for row in found}


def _told(part: Any) -> Any:
    """The part of a key as files tell it: instants to the minute."""
    return part.replace(second=0, microsecond=0) if isinstance(part, datetime) else part


def _identified(
    make: Callable[[Row, Ground], Values],
) -> Callable[[Row, Ground], Values]:
    """The values of a row that brings its own id."""

    def read(row: Row, ground: Ground) -> Values:
        with row.located():
            check_id(row.text("id", most=64))
        return make(row, ground)

    return read


def _shift(row: Row, ground: Ground) -> Values:
    day = day_of_work(row, "day", ground.today)
    with row.located(otherwise="day"):
        starts_at = hours.instant(row.parsed("starts", read_clock), day, ground.zone, "starts")
    breaks_of(row, day, ground.zone)
    return {
        "crew_id": row.text("crew_id"),
        "starts_at": starts_at,
        "ends_at": instant(row, "ends", day, ground.zone),
        "max_overtime_s": 60 * row.whole("max_overtime_minutes", most=1440),
    }


def _write_shift(session: Session, row: Row, values: Values, ground: Ground) -> object:
    day = day_of_work(row, "day", ground.today)
    rests = breaks_of(row, day, ground.zone)
    places = {f"breaks[{number}]": "break_earliest" for number in range(len(rests))}
    with row.located(places, otherwise="crew_id"):
        return shifts.create(
            session,
            crew_id=values["crew_id"],
            day=day,
            starts=values["starts_at"],
            ends=values["ends_at"],
            breaks=rests,
            max_overtime_s=values["max_overtime_s"],
            members=row.several("members") or None,
            actor=ground.actor,
            now=ground.now,
        )


def _series(row: Row, ground: Ground) -> Values:
    starts_on = day_of_work(row, "starts_on", ground.today)
    rrule = row.optional("rrule", most=200)
    if rrule is not None:
        with row.located():
            recurrence.check(rrule, starts_on)
    return {
        "customer_id": row.text("customer_id"),
        "premises_id": row.text("premises_id"),
        "work_type": row.text("work_type", most=16),
        "rrule": rrule,
        "starts_on": starts_on,
        "owner": row.optional("owner", most=32),
    }


def _write_series(session: Session, row: Row, values: Values, ground: Ground) -> object:
    with row.located(otherwise="premises_id"):
        return series.create(
            session,
            territory_id=ground.territory.id,
            **values,
            actor=ground.actor,
            now=ground.now,
        )


def _request(row: Row, ground: Ground) -> Values:
    received_at = instant(row, "received", ground.today, ground.zone)
    if received_at > ground.now:
        raise row.wrong("received", "it cannot have been received later than now.")
    return {
        "kind": row.choice("kind", RequestKind),
        "customer_id": row.text("customer_id"),
        "premises_id": row.optional("premises_id"),
        "channel": row.text("channel", most=16),
        "received_at": received_at,
        "subject": row.text("subject", most=200),
        "text": row.optional("text", most=1000) or "",
    }


def _write_request(session: Session, row: Row, values: Values, ground: Ground) -> object:
    with row.located(otherwise="kind"):
        return requests.receive(
            session,
            territory_id=ground.territory.id,
            **values,
            actor=ground.actor,
            now=ground.now,
        )


_CUSTOMER = Reference("customer_id", Customer, "customers")
_PREMISES = Reference("premises_id", Premises, "premises", of_territory=True)
_CREW = Reference("crew_id", Crew, "crews", of_territory=True)
_OWNER = Reference("owner", Counter, of_territory=True)

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("customers", Customer, ("id",), _identified(lambda row, _: rows.customer_values(row))),
        Kind(
            "premises", Premises, ("id",),
            _identified(lambda row, ground: rows.premises_values(row, ground.territory)),
            (_CUSTOMER,),
            void={"lat": ("address",), "lon": ("address",), "accuracy_m": ("address", "lat", "lon")},
        ),
        Kind(
            "crews", Crew, ("id",),
            _identified(lambda row, ground: rows.crew_values(row, ground.territory)),
            (Reference("depot_id", Depot, of_territory=True),),
        ),
        Kind("members", Member, ("id",), _identified(lambda row, _: rows.member_values(row)), (_CREW,)),
        Kind(
            "skills", Certificate, ("member_id", "skill", "valid_from"),
            lambda row, ground: rows.certificate_values(row, ground.today),
            (Reference("member_id", Member, "members"),),
        ),
        Kind("shifts", Shift, ("crew_id", "starts_at"), _shift, (_CREW,), _write_shift),
        Kind(
            "series", Series, ("premises_id", "work_type"), _series,
            (_CUSTOMER, _PREMISES, Reference("work_type", WorkType), _OWNER),
            _write_series, lambda: col(Series.status) != SeriesStatus.ENDED,
        ),
        Kind(
            "requests", Request, ("customer_id", "received_at", "kind", "subject"), _request,
            (_CUSTOMER, _PREMISES), _write_request,
        ),
    )
}  # fmt: skip
"""The kinds in the order in which they depend on each other."""
