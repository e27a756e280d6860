"""The report of a day: what was planned, what became of it, and the same day under the naive rule."""

from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from dispatch.contact.queries import counts_between
from dispatch.insight.driving import DrivingFigures, driving_figures, plan_of_day
from dispatch.insight.satisfaction import Satisfaction, of_day
from dispatch.insight.service import (
    CallFigures,
    ClockFigures,
    PromiseFigures,
    RequestFigures,
    call_figures,
    clock_figures,
    promise_figures,
    request_figures,
)
from dispatch.insight.span import span_of
from dispatch.insight.visits import VisitFigures, published_plans, visit_figures


@dataclass(frozen=True, slots=True)
class DayReport:
    """A territory's local day as it is at `as_of`. What each figure counts stands at its own type.

    `messages` counts the messages written on the day, by template and status. `plan` holds the figures of the day's
    plan (the last one published before the first shift began), and `naive` those of the naive rule (priority,
    then the nearest crew that can) on the same problem; see `planning.figures`. Both are None without such a plan.
    """

    territory_id: str
    day: date
    as_of: datetime
    visits: VisitFigures
    promises: PromiseFigures
    clocks: tuple[ClockFigures, ...]
    driving: DrivingFigures
    calls: CallFigures
    requests: RequestFigures
    satisfaction: Satisfaction
    messages: dict[str, dict[str, int]]
    plan: dict[str, Any] | None
    naive: dict[str, Any] | None


def day_report(session: Session, *, territory_id: str, day: date, now: datetime) -> DayReport:
    """Report on a local day of a territory; on a day under way, as far as it has come. Raises NoSuchTerritory."""
    span = span_of(session, territory_id=territory_id, day=day, now=now)
    plans = published_plans(session, span)
    plan = plan_of_day(session, span, plans)
    return DayReport(
        territory_id=territory_id,
        day=day,
        as_of=now,
        visits=visit_figures(session, span, plans),
        promises=promise_figures(session, span),
        clocks=clock_figures(session, span),
        driving=driving_figures(session, span, plan),
        calls=call_figures(session, span),
        requests=request_figures(session, span),
        satisfaction=of_day(session, span),
        messages=counts_between(session, territory_id=territory_id, begin=span.begin, end=span.end),
        plan={k: v for k, v in plan.figures.items() if k != "naive"} if plan else None,
        naive=plan.figures.get("naive") if plan else None,
    )


def render(report: DayReport) -> dict[str, Any]:
    """The report as plain JSON values: days and instants as ISO 8601 text, minutes as numbers."""
    content: dict[str, Any] = asdict(report)
    content["day"], content["as_of"] = report.day.isoformat(), report.as_of.isoformat()
    content["visits"]["left_out"] = [asdict(one) for one in report.visits.left_out]
    content["clocks"] = [asdict(one) for one in report.clocks]
    content["promises"]["kept_share"] = report.promises.kept_share
    return content
