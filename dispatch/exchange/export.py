"""Writing a branch as a folder of CSV files, in the form that loading reads."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from dispatch.core.calendar import zone_named
from dispatch.core.db import Database
from dispatch.core.errors import ConflictError
from dispatch.desk.lifecycle import OPEN
from dispatch.desk.tables import Counter, Request
from dispatch.exchange.contact_rows import contact_cells
from dispatch.exchange.folder import BOUNDARY, COLUMNS
from dispatch.exchange.outage_rows import outage_cells
from dispatch.exchange.registry_rows import Tell
from dispatch.exchange.served import is_served
from dispatch.exchange.sheets import write
from dispatch.registry import queries, territories
from dispatch.registry.tables import (
    Certificate,
    Crew,
    Customer,
    Member,
    Organisation,
    Premises,
    Stock,
    Territory,
)
from dispatch.work.lifecycle import READY_ORDERS
from dispatch.work.tables import Series, SeriesStatus, Visit, VisitRelation, VisitStatus, WorkOrder

Cells = Sequence[object]


class FolderNotEmpty(ConflictError):
    """The folder holds files already."""

    code = "folder_not_empty"


@dataclass(frozen=True, slots=True)
class Exported:
    """Where it was written, and the number of rows of each file."""

    folder: Path
    rows: dict[str, int]


def export_folder(
    database: Database,
    *,
    folder: Path,
    territory_id: str,
    day: date,
    progress: Tell | None = None,
) -> Exported:
    """Write a territory's registry, its series, the shifts of `day` and the work that is still open.

    Days and times are written in full, in the territory's zone. Loading the folder into an empty database makes the
    same rows, under new numbers where numbers are given out. What is in a crew's hands already is not written.
    Raises NoSuchTerritory, and FolderNotEmpty rather than write over anything.
    """
    with database.reading() as session:
        territory = territories.get(session, territory_id)
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise FolderNotEmpty(f"{folder} is not empty; name a new folder.", field="folder")
        boundary = json.dumps(territory.boundary, ensure_ascii=False, indent=1)
        (folder / BOUNDARY).write_text(boundary + "\n", encoding="utf-8")
        sheets = {
            **_registry(session, territory, day),
            **_work(session, territory),
            "outages.csv": outage_cells(session, territory, day),
        }
        counts = {}
        for file, columns in COLUMNS.items():
            counts[file] = write(folder / file, columns, sheets[file])
            if progress is not None:
                progress(file, counts[file], counts[file])
    return Exported(folder, counts)


def _registry(session: Session, territory: Territory, day: date) -> dict[str, Iterable[Cells]]:
    here = territory.id
    of_crew = col(Crew.territory_id) == here
    members = select(Member).join(Crew, col(Crew.id) == Member.crew_id).where(of_crew)
    papers = (
        select(Certificate)
        .join(Member, col(Member.id) == Certificate.member_id)
        .join(Crew, col(Crew.id) == Member.crew_id)
        .where(of_crew)
        .order_by(Certificate.member_id, Certificate.skill, col(Certificate.valid_from))
    )
    stock = select(Stock).join(Crew, col(Crew.id) == Stock.crew_id).where(of_crew)
    premises = select(Premises).where(Premises.territory_id == here).order_by(Premises.id)
    return {
        "organisations.csv": _above(session, territory),
        "territory.csv": [_cells(territory, "territory.csv")],
        "depots.csv": _all(territories.depots(session, territory_id=here), "depots.csv"),
        "counters.csv": [
            (row.id, row.name_zh, row.name_en, ";".join(row.kinds))
            for row in session.exec(
                select(Counter).where(Counter.territory_id == here).order_by(Counter.id)
            )
        ],
        "crews.csv": _all(session.exec(select(Crew).where(of_crew).order_by(Crew.id)), "crews.csv"),
        "members.csv": _all(session.exec(members.order_by(Member.id)), "members.csv"),
        "certificates.csv": _all(session.exec(papers), "certificates.csv"),
        "stock.csv": _all(session.exec(stock.order_by(Stock.crew_id, Stock.part)), "stock.csv"),
        "shifts.csv": _shifts(session, territory, day),
        "customers.csv": _all(
            session.exec(select(Customer).where(is_served(here)).order_by(Customer.id)),
            "customers.csv",
        ),
        "contacts.csv": contact_cells(session, territory_id=here),
        "premises.csv": _all(session.exec(premises), "premises.csv"),
    }


def _all(rows: Iterable[Any], file: str) -> list[Cells]:
    return [_cells(row, file) for row in rows]


def _cells(row: Any, file: str) -> Cells:
    return [getattr(row, column) for column in COLUMNS[file]]


def _above(session: Session, territory: Territory) -> list[Cells]:
    """The territory's organisation and those above it, from the top down."""
    line: list[Cells] = []
    name: str | None = territory.organisation_id
    while name is not None:
        organisation = session.get_one(Organisation, name)
        line.append(_cells(organisation, "organisations.csv"))
        name = organisation.parent_id
    return line[::-1]


def _shifts(session: Session, territory: Territory, day: date) -> list[Cells]:
    zone = zone_named(territory.zone)
    rows: list[Cells] = []
    for found in queries.crews_of_day(session, territory_id=territory.id, day=day):
        shift = found.shift
        rows.append(
            (
                shift.crew_id,
                on_day(shift.starts_at, day, zone),
                on_day(shift.ends_at, day, zone),
                ";".join(on_day(rest.earliest_at, day, zone) for rest in found.breaks),
                ";".join(on_day(rest.latest_at, day, zone) for rest in found.breaks),
                ";".join(str(rest.duration_s // 60) for rest in found.breaks),
                shift.max_overtime_s // 60,
                ";".join(member.id for member in found.members),
            )
        )
    return rows


def _work(session: Session, territory: Territory) -> dict[str, Iterable[Cells]]:
    zone, here = zone_named(territory.zone), territory.id
    series = session.exec(
        select(Series)
        .where(Series.territory_id == here, Series.status == SeriesStatus.ACTIVE)
        .order_by(Series.id)
    ).all()
    requests = session.exec(
        select(Request)
        .where(Request.territory_id == here, col(Request.status).in_(OPEN))
        .order_by(Request.id)
    ).all()
    visits = session.exec(
        select(Visit, WorkOrder)
        .join(WorkOrder, col(WorkOrder.id) == Visit.work_order_id)
        .where(
            Visit.territory_id == here,
            Visit.status == VisitStatus.PLANNED,
            col(WorkOrder.status).in_(READY_ORDERS),
        )
        .order_by(Visit.id)
    ).all()
    # A follow-up's order comes back when its series is loaded, so it goes by the name of the series.
    names = {visit.id: order.series_id or order.id for visit, order in visits}
    return {
        "series.csv": [
            (
                row.id,
                row.owner,
                row.customer_id,
                row.premises_id,
                row.work_type,
                row.rrule,
                row.starts_on,
            )
            for row in series
        ],
        "requests.csv": [
            (
                row.id,
                row.kind.value,
                row.customer_id,
                row.premises_id,
                row.channel,
                moment_text(row.received_at, zone),
                row.subject,
                " ".join(row.text.split()),
            )
            for row in requests
        ],
        "orders.csv": [
            _order(order, visit, zone) for visit, order in visits if order.series_id is None
        ],
        "promises.csv": [
            (
                names[visit.id],
                moment_text(visit.window_start_at, zone),
                moment_text(visit.window_end_at, zone),
            )
            for visit, _ in visits
            if visit.window_start_at and visit.window_end_at
        ],
        "relations.csv": _relations(session, here, names),
    }


def _order(order: WorkOrder, visit: Visit, zone: ZoneInfo) -> Cells:
    return (
        order.id,
        order.request_id,
        None if order.request_id else order.owner,
        order.customer_id,
        order.premises_id,
        order.work_type,
        order.priority.value,
        # A request's order takes its deadline from its clocks, which run from the same moment again.
        moment_text(order.due_at, zone) if order.due_at and not order.request_id else None,
        ";".join(visit.preferred_crews),
        " ".join(order.description.split()),
    )


def _relations(session: Session, territory_id: str, names: dict[str, str]) -> list[Cells]:
    ties = session.exec(
        select(VisitRelation)
        .where(VisitRelation.territory_id == territory_id)
        .order_by(col(VisitRelation.id))
    )
    return [
        (
            tie.type,
            ";".join(names[visit] for visit in tie.visits),
            -(-tie.min_gap_s // 60),
            None if tie.max_gap_s is None else tie.max_gap_s // 60,
        )
        for tie in ties
        if all(visit in names for visit in tie.visits)
    ]


def on_day(moment: datetime, day: date, zone: ZoneInfo) -> str:
    """The wall time, with `day+1` before it when a night shift ends on the next day."""
    local = moment.astimezone(zone)
    later = (local.date() - day).days
    return f"{local:%H:%M}" if later == 0 else f"day{later:+d} {local:%H:%M}"


def moment_text(moment: datetime, zone: ZoneInfo) -> str:
    """The local day and time, to the minute."""
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"
