"""The day's figures as tables: a plan beside the naive rule, and a day's report."""

from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import Any

from rich.table import Table
from sqlmodel import select

from api.cli.console import out
from api.cli.opening import Opened
from dispatch.core.db import Database
from dispatch.insight.report import DayReport
from dispatch.planning.drives import ESTIMATE
from dispatch.planning.tables import LeftOut, Plan

Line = tuple[str, Callable[[dict[str, Any]], str]]

PLAN_LINES: tuple[Line, ...] = (
    ("visits planned", lambda f: f"{f['visits']} of {f['pool']}"),
    ("left out", lambda f: str(f["left_out_total"])),
    ("deadlines kept", lambda f: f"{f['deadlines_kept']} of {f['deadlines']}"),
    ("promised windows kept", lambda f: f"{f['promises_planned']} of {f['promises']}"),
    ("driving per visit", lambda f: f"{f['travel_minutes_per_visit']:.1f} min"),
    ("overtime", lambda f: f"{f['overtime_minutes']:.0f} min"),
    ("cost", lambda f: f"{f['cost']:,}"),
)


def show_plan(database: Database, opened: Opened) -> None:
    """Print the plan in force: its figures, the naive rule's on the same day, and who is left out and why."""
    with database.reading() as session:
        plan = None if opened.plan_id is None else session.get(Plan, opened.plan_id)
        if plan is None:
            return
        left_out = session.exec(
            select(LeftOut).where(LeftOut.plan_id == plan.id).order_by(LeftOut.visit_id)
        ).all()
    naive = plan.figures.get("naive")
    table = Table(title=f"{plan.territory_id}, {plan.day}: plan {plan.number}, {plan.status.value}")
    table.add_column("")
    table.add_column("Gridcrew", justify="right")
    if naive:
        table.add_column("by hand rules", justify="right", style="dim")
    for name, show in PLAN_LINES:
        table.add_row(name, show(plan.figures), *([show(naive)] if naive else []))
    out.print(table)
    out.print(travel_words(plan.figures.get("travel_times", {})), soft_wrap=True)
    reasons = Table("left out", "reason", "what would make it fit", box=None)
    for entry in left_out:
        reasons.add_row(entry.visit_id, entry.reason, entry.hint)
    for row in plan.unplaceable:
        reasons.add_row(row["visit_id"], row["reason"], row.get("text", ""))
    if reasons.row_count:
        out.print(reasons)


def travel_words(times: dict[str, Any]) -> str:
    """What a plan's driving times rest on, as a sentence."""
    source = times.get("source", ESTIMATE)
    if source == ESTIMATE:
        return "driving times: estimates by distance, no road network"
    words = f"driving times: the road network's, by {source}"
    if times["estimated"]:
        share = 100 * times["estimated"] / times["pairs"]
        words += f"; {share:.1f} % are estimates, for the service has not given them"
    if times["unreachable"]:
        words += f"; {times['unreachable']} pairs of places have no road between them"
    return words


def show_reports(day: date, reports: dict[str, DayReport]) -> None:
    """Print reports of the same day side by side, each under its name."""
    table = Table(title=f"The day's report, {day}")
    table.add_column("")
    for name in reports:
        table.add_column(name, justify="right")
    lines: tuple[tuple[str, Callable[[DayReport], str]], ...] = (
        ("visits done", lambda r: str(r.visits.done)),
        ("could not be done", lambda r: _counted(r.visits.not_done, r.visits.not_done_reasons)),
        ("back in the pool", lambda r: str(r.visits.returned)),
        ("left out", lambda r: str(len(r.visits.left_out))),
        ("deadlines kept", _clocks),
        ("promised windows kept", _promises),
        ("driving per visit, planned", lambda r: _minutes(r.driving.planned_per_visit)),
        ("driving per visit, driven", lambda r: _minutes(r.driving.driven_per_visit)),
        ("overtime worked", lambda r: _minutes(r.driving.overtime_worked)),
        ("calls made", lambda r: f"{r.calls.done} of {r.calls.done + r.calls.left}"),
        ("requests answered", lambda r: f"{r.requests.answered}, {r.requests.unanswered} open"),
        ("customers satisfied", _satisfied),
        ("messages sent", lambda r: str(_sent(r))),
    )
    for name, show in lines:
        table.add_row(name, *(show(report) for report in reports.values()))
    out.print(table)
    for name, report in reports.items():
        reasons = Counter(entry.reason for entry in report.visits.left_out)
        said = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
        out.print(f"left out, {name}: {said or 'nobody'}")


def _counted(total: int, reasons: dict[str, int]) -> str:
    said = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in reasons.items())
    return f"{total} ({said})" if said else str(total)


def _clocks(report: DayReport) -> str:
    kept = sum(clock.kept for clock in report.clocks)
    broken = sum(clock.broken + clock.overdue for clock in report.clocks)
    return f"{kept} of {kept + broken}"


def _promises(report: DayReport) -> str:
    kept, missed = report.promises.kept, report.promises.missed_by_company
    return f"{kept} of {kept + missed}"


def _satisfied(report: DayReport) -> str:
    found = report.satisfaction
    return f"{found.satisfied} of {found.answered}, {found.bad} to make good"


def _minutes(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} min"


def _sent(report: DayReport) -> int:
    return sum(by_status.get("sent", 0) for by_status in report.messages.values())
