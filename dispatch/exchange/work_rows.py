"""A folder's work: its shifts, its series with what falls due, and what `request_rows` writes."""

from collections.abc import Mapping
from datetime import date, time
from zoneinfo import ZoneInfo

from sqlmodel import col, select

from dispatch.core.db import Row as TableRow
from dispatch.exchange.folder import Folder
from dispatch.exchange.moments import read_clock
from dispatch.exchange.outage_rows import write_outages
from dispatch.exchange.request_rows import (
    write_orders,
    write_promises,
    write_relations,
    write_requests,
)
from dispatch.exchange.sheets import Row
from dispatch.exchange.writing import Writing, day_of_work, instant, visits_of
from dispatch.registry import shifts
from dispatch.registry.hours import Break
from dispatch.registry.tables import Customer, Premises, Territory
from dispatch.work import series
from dispatch.work.tables import (
    Series,
    SeriesOccurrence,
    SeriesStatus,
    WorkType,
)

BREAK_COLUMNS = ("break_earliest", "break_latest", "break_minutes")


def write_work(writing: Writing) -> dict[str, int]:
    """Write every sheet of the work; returns how many of each were made. Raises BadFile."""
    kept = _read_ahead(writing)
    made = {"shifts.csv": _shifts(writing)}
    made["series.csv"], made["due"] = _series(writing)
    received = write_requests(writing)
    made["requests.csv"] = len(received)
    made["orders.csv"] = write_orders(writing, received)
    made["promises.csv"] = write_promises(writing)
    made["relations.csv"] = write_relations(writing)
    made["outages.csv"] = write_outages(writing)
    kept.clear()
    return made


def _read_ahead(writing: Writing) -> list[TableRow]:
    """The rows that the operations ask for again and again; a session forgets what nobody holds on to."""
    files = [writing.folder.sheets[name] for name in ("series.csv", "requests.csv", "orders.csv")]
    people, places = (
        sorted({row.cells[column].strip() for rows in files for row in rows})
        for column in ("customer_id", "premises_id")
    )
    session = writing.session
    customers = session.exec(select(Customer).where(col(Customer.id).in_(people))).all()
    premises = session.exec(select(Premises).where(col(Premises.id).in_(places))).all()
    types = session.exec(select(WorkType)).all()
    return [*customers, *premises, *types, *session.exec(select(Territory)).all()]


def first_begin(folder: Folder) -> time:
    """The local time at which the day's first shift begins; raises BadFile."""
    times = [row.parsed("starts", read_clock) for row in folder.sheets["shifts.csv"]]
    return min(times, default=time(7, 30))


def _shifts(writing: Writing) -> int:
    rows = writing.folder.sheets["shifts.csv"]
    for row in rows:
        starts, ends = (
            row.parsed("starts", read_clock),
            instant(row, "ends", writing.day, writing.zone),
        )
        rests = breaks_of(row, writing.day, writing.zone)
        places = {f"breaks[{number}]": "break_earliest" for number in range(len(rests))}
        with row.located(places, otherwise="crew_id"):
            shifts.create(
                writing.session,
                crew_id=row.text("crew_id"),
                day=writing.day,
                starts=starts,
                ends=ends,
                breaks=rests,
                max_overtime_s=60 * row.whole("max_overtime_minutes", most=1440),
                members=row.several("members") or None,
                actor=writing.actor,
                now=writing.now,
            )
    writing.tell("shifts.csv", len(rows), len(rows))
    return len(rows)


def breaks_of(row: Row, day: date, zone: ZoneInfo) -> list[Break]:
    """The breaks of a shift: the n-th value of each of the three columns is the n-th break's. Raises BadFile."""
    earliest, latest, minutes = (row.several(name) for name in BREAK_COLUMNS)
    for name, values in zip(BREAK_COLUMNS[1:], (latest, minutes), strict=True):
        if len(values) != len(earliest):
            raise row.wrong(name, f"a break has all of {', '.join(BREAK_COLUMNS)}.")
    rests = []
    for begin, last, length in zip(earliest, latest, minutes, strict=True):
        cells = dict(zip(BREAK_COLUMNS, (begin, last, length), strict=True))
        one = Row(row.file, row.number, cells, row.titles)
        rests.append(
            Break(
                instant(one, "break_earliest", day, zone),
                instant(one, "break_latest", day, zone),
                one.whole("break_minutes", least=1, most=1440),
            )
        )
    return rests


def _series(writing: Writing) -> tuple[int, int]:
    session, rows = writing.session, writing.folder.sheets["series.csv"]
    known = _known_series(writing)
    fresh = [row for row in rows if _series_key(row) not in known]
    for number, row in enumerate(fresh, start=1):
        with row.located(otherwise="ref"):
            known[_series_key(row)] = series.create(
                session,
                territory_id=writing.territory_id,
                customer_id=row.text("customer_id"),
                premises_id=row.text("premises_id"),
                work_type=row.text("work_type", most=16),
                rrule=row.optional("rrule", most=200),
                starts_on=day_of_work(row, "starts_on", writing.day),
                owner=row.text("owner"),
                actor=writing.actor,
                now=writing.now,
            ).id
        if number % 50 == 0 or number == len(fresh):
            writing.tell("series.csv", number, len(fresh))
    series.generate(session, territory_id=writing.territory_id, day=writing.day, now=writing.now)
    ref_of = {known[_series_key(row)]: row.text("ref") for row in rows}
    due = _due_on(writing, ref_of)
    writing.visits.update(visits_of(session, due))
    writing.not_due = frozenset(ref_of.values()) - due.keys()
    return len(fresh), len(due)


def _series_key(row: Row) -> tuple[str, str]:
    return row.text("premises_id"), row.text("work_type", most=16)


def _known_series(writing: Writing) -> dict[tuple[str, str], str]:
    """The series there are, by premises and work type: the same again is not begun twice."""
    rows = writing.session.exec(
        select(Series.premises_id, Series.work_type, Series.id).where(
            Series.territory_id == writing.territory_id, Series.status != SeriesStatus.ENDED
        )
    )
    return {(premises_id, work_type): series_id for premises_id, work_type, series_id in rows}


def _due_on(writing: Writing, ref_of: Mapping[str, str]) -> dict[str, str]:
    """The refs of the series that fell due on the day, and the order that each became."""
    rows = writing.session.exec(
        select(SeriesOccurrence.series_id, SeriesOccurrence.work_order_id).where(
            SeriesOccurrence.due_on == writing.day, col(SeriesOccurrence.work_order_id).is_not(None)
        )
    )
    return {
        ref_of[series_id]: order_id
        for series_id, order_id in rows
        if order_id and series_id in ref_of
    }
