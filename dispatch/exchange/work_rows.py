"""A folder's work: shifts, series with what falls due, requests, orders, promises and ties, by the operations."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from dispatch.core.events import Actor
from dispatch.desk import requests
from dispatch.desk.tables import Request, RequestKind
from dispatch.exchange.folder import Folder
from dispatch.exchange.moments import read_clock, read_day, read_moment
from dispatch.exchange.registry_rows import Tell
from dispatch.exchange.sheets import Row
from dispatch.registry import shifts
from dispatch.registry.hours import Break
from dispatch.work import orders, promises, series
from dispatch.work.tables import (
    Priority,
    Series,
    SeriesOccurrence,
    SeriesStatus,
    Visit,
    VisitRelation,
    WorkOrder,
)
from dispatch.work.visits import NoSuchVisit

JUST_BEFORE = timedelta(minutes=2)
"""Nothing of a folder was received later than this before it is loaded."""
BREAK_COLUMNS = ("break_earliest", "break_latest", "break_minutes")
RELATIONS = ("after", "together", "same_crew", "different_crew")


@dataclass
class Writing:
    """What the steps of one loading share."""

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


def write_work(writing: Writing) -> dict[str, int]:
    """Write every sheet of the work; returns how many of each were made. Raises BadFile."""
    made = {"shifts.csv": _shifts(writing)}
    made["series.csv"], made["due"] = _series(writing)
    received = _requests(writing)
    made["requests.csv"] = len(received)
    made["orders.csv"] = _orders(writing, received)
    made["promises.csv"] = _promises(writing)
    made["relations.csv"] = _relations(writing)
    return made


def first_begin(folder: Folder) -> time:
    """The local time at which the day's first shift begins; raises BadFile."""
    times = [row.parsed("starts", read_clock) for row in folder.sheets["shifts.csv"]]
    return min(times, default=time(7, 30))


def _shifts(writing: Writing) -> int:
    rows = writing.folder.sheets["shifts.csv"]
    for row in rows:
        starts, ends = row.parsed("starts", read_clock), _instant(writing, row, "ends")
        rests = _breaks(writing, row)
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


def _breaks(writing: Writing, row: Row) -> list[Break]:
    """The breaks of a shift: the n-th value of each of the three columns is the n-th break's."""
    earliest, latest, minutes = (row.several(name) for name in BREAK_COLUMNS)
    for name, values in zip(BREAK_COLUMNS[1:], (latest, minutes), strict=True):
        if len(values) != len(earliest):
            raise row.wrong(name, f"a break has all of {', '.join(BREAK_COLUMNS)}.")
    rests = []
    for begin, last, length in zip(earliest, latest, minutes, strict=True):
        cells = dict(zip(BREAK_COLUMNS, (begin, last, length), strict=True))
        one = Row(row.file, row.number, cells)
        rests.append(
            Break(
                _instant(writing, one, "break_earliest"),
                _instant(writing, one, "break_latest"),
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
                starts_on=row.parsed("starts_on", read_day).on(writing.day),
                owner=row.text("owner"),
                actor=writing.actor,
                now=writing.now,
            ).id
        if number % 50 == 0 or number == len(fresh):
            writing.tell("series.csv", number, len(fresh))
    series.generate(session, territory_id=writing.territory_id, day=writing.day, now=writing.now)
    ref_of = {known[_series_key(row)]: row.text("ref") for row in rows}
    due = _due_on(writing, ref_of)
    writing.visits.update(_visits_of(session, due))
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


def _visits_of(session: Session, orders_by_name: Mapping[str, str]) -> dict[str, Visit]:
    name_of = {order_id: name for name, order_id in orders_by_name.items()}
    rows = session.exec(select(Visit).where(col(Visit.work_order_id).in_(sorted(name_of))))
    return {name_of[visit.work_order_id]: visit for visit in rows}


def _requests(writing: Writing) -> dict[str, Request]:
    rows = writing.folder.sheets["requests.csv"]
    moments = {row.text("ref"): _instant(writing, row, "received") for row in rows}
    latest = max(moments.values(), default=writing.now)
    earlier = max(timedelta(0), latest - (writing.now - JUST_BEFORE))
    received: dict[str, Request] = {}
    for row in sorted(rows, key=lambda row: moments[row.text("ref")]):
        ref = row.text("ref")
        with row.located(otherwise="ref"):
            received[ref] = requests.receive(
                writing.session,
                territory_id=writing.territory_id,
                kind=row.choice("kind", RequestKind),
                customer_id=row.text("customer_id"),
                premises_id=row.optional("premises_id"),
                subject=row.text("subject", most=200),
                text=row.optional("text", most=4000) or "",
                channel=row.text("channel", most=16),
                actor=writing.actor,
                received_at=moments[ref] - earlier,
                now=writing.now,
            )
    writing.tell("requests.csv", len(rows), len(rows))
    return received


def _orders(writing: Writing, received: Mapping[str, Request]) -> int:
    rows = writing.folder.sheets["orders.csv"]
    made: dict[str, str] = {}
    for number, row in enumerate(rows, start=1):
        with row.located({"due_at": "due"}, otherwise="ref"):
            made[row.text("ref")] = _order(writing, row, received).id
        if number % 20 == 0 or number == len(rows):
            writing.tell("orders.csv", number, len(rows))
    writing.visits.update(_visits_of(writing.session, made))
    return len(rows)


def _order(writing: Writing, row: Row, received: Mapping[str, Request]) -> WorkOrder:
    ref = row.optional("request")
    due = _instant(writing, row, "due") if row.optional("due") else None
    priority = row.choice("priority", Priority) if row.optional("priority") else None
    if ref is None:
        return orders.create(
            writing.session,
            territory_id=writing.territory_id,
            work_type=row.text("work_type"),
            customer_id=row.text("customer_id"),
            premises_id=row.text("premises_id"),
            owner=row.text("owner"),
            priority=priority,
            description=row.optional("description", most=1000) or "",
            earliest_day=writing.day,
            due_at=due,
            preferred_crews=row.several("preferred_crews"),
            actor=writing.actor,
            now=writing.now,
        )
    return requests.make_order(
        writing.session,
        received[ref],
        work_type=row.text("work_type"),
        priority=priority,
        description=row.optional("description", most=1000) or "",
        earliest_day=writing.day,
        due_at=due,
        preferred_crews=tuple(row.several("preferred_crews")),
        actor=writing.actor,
        now=writing.now,
    )


def _promises(writing: Writing) -> int:
    count = 0
    for row in writing.folder.sheets["promises.csv"]:
        visit = _visit(writing, row, "order", row.text("order"))
        if visit is None:
            continue
        starts, ends = _instant(writing, row, "starts"), _instant(writing, row, "ends")
        with row.located({"start_at": "starts", "end_at": "ends"}, otherwise="starts"):
            promises.book(
                writing.session,
                visit,
                start_at=starts,
                end_at=ends,
                actor=writing.actor,
                now=writing.now,
            )
        count += 1
    return count


def _relations(writing: Writing) -> int:
    count = 0
    for row in writing.folder.sheets["relations.csv"]:
        kind = row.text("type")
        if kind not in RELATIONS:
            raise row.wrong("type", f"{kind!r} is not one of {', '.join(RELATIONS)}.")
        tied = [_visit(writing, row, "orders", name) for name in row.several("orders")]
        if None in tied:
            continue
        least = row.whole("min_gap_minutes", most=14_400) if row.optional("min_gap_minutes") else 0
        most = (
            row.whole("max_gap_minutes", most=14_400) if row.optional("max_gap_minutes") else None
        )
        if most is not None and most < least:
            raise row.wrong("max_gap_minutes", f"{most} is less than min_gap_minutes, {least}.")
        if kind == "after" and len(tied) != 2:
            raise row.wrong("orders", "after names two orders, the first and the second.")
        writing.session.add(
            VisitRelation(
                territory_id=writing.territory_id,
                type=kind,
                visits=[visit.id for visit in tied if visit is not None],
                min_gap_s=60 * least,
                max_gap_s=None if most is None else 60 * most,
            )
        )
        count += 1
    writing.session.flush()
    return count


def _visit(writing: Writing, row: Row, column: str, name: str) -> Visit | None:
    """The visit of an order or series; None for a series that does not fall due on the day."""
    visit = writing.visits.get(name)
    if visit is None and name not in writing.not_due:
        with row.located(otherwise=column):
            raise NoSuchVisit(f"{name} is done by telephone and has no visit.", field=column)
    return visit


def _instant(writing: Writing, row: Row, column: str) -> datetime:
    moment = row.parsed(column, read_moment)
    try:
        return moment.on(writing.day, writing.zone)
    except ValueError as error:
        raise row.wrong(column, str(error)) from error
