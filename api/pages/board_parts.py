"""Parts of the board, fetched when asked for: why a visit is where it is, a draft beside the plan in force."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from sqlmodel import Session, col, select

from api.deps import Now, Reading, TheEngine, Who, requires
from api.pages.rendering import render, words_for
from api.schemas.forms import PathId, PathNumber
from dispatch.core.calendar import zone_named
from dispatch.planning import comparing, explaining, states
from dispatch.planning.explaining import Explanation
from dispatch.planning.lifecycle import IN_FORCE
from dispatch.planning.tables import Plan, PlanStatus
from dispatch.planning.tiles import VisitRow, visit_rows
from dispatch.registry import territories
from dispatch.registry.tables import Crew
from dispatch.work.tables import Visit

router = APIRouter(include_in_schema=False)

MOST_LINES = 60
"""Visits listed in a comparison; the rest is counted."""


@router.get(
    "/board/plans/{plan_id}/visits/{visit_id}/explanation", dependencies=[requires("plan:read")]
)
def explanation(
    plan_id: PathNumber,
    visit_id: PathId,
    request: Request,
    session: Reading,
    caller: Who,
    moment: Now,
    engine: TheEngine,
) -> HTMLResponse:
    """Why the visit is on no route and what would help, or why it is with this crew, in words with buttons."""
    plan = states.get(session, plan_id)
    found = explaining.explain(
        session, plan_id=plan_id, visit_id=visit_id, engine=engine, now=moment
    )
    words = words_for(request, caller.account.language, _zone(session, plan))
    return render(
        request,
        "board_explanation.html",
        words,
        found=found,
        plan=plan,
        version=session.get_one(Visit, visit_id).version,
        crews=_crews(session, plan.territory_id),
        visits=_named(session, found),
        reasons=_by_reason(found),
        may_edit=caller.may("plan:write") and plan.status in (PlanStatus.PROPOSED, *IN_FORCE),
    )


@router.get("/board/plans/{plan_id}/comparison", dependencies=[requires("plan:read")])
def comparison(
    plan_id: PathNumber,
    request: Request,
    session: Reading,
    caller: Who,
    with_plan: Annotated[int, Query(alias="with", ge=1, le=2**53)],
) -> HTMLResponse:
    """The plan beside another of its day: cost, crews, and who is affected."""
    plan = states.get(session, plan_id)
    found = comparing.compare_plans(session, plan_id=plan_id, with_plan_id=with_plan)
    words = words_for(request, caller.account.language, _zone(session, plan))
    return render(
        request,
        "board_comparison.html",
        words,
        found=found,
        terms=[term for term in found.terms if term.name == "total" or term.a or term.b],
        changed=[row for row in found.crews if row.a != row.b],
        lines=found.visits[:MOST_LINES],
        more=max(0, len(found.visits) - MOST_LINES),
        crews=_crews(session, plan.territory_id),
        number=states.get(session, with_plan).number,
        draft=plan.number,
    )


def _zone(session: Session, plan: Plan) -> Any:
    return zone_named(territories.get(session, plan.territory_id).zone)


def _crews(session: Session, territory_id: str) -> Mapping[str, Crew]:
    rows = session.exec(select(Crew).where(Crew.territory_id == territory_id))
    return {crew.id: crew for crew in rows}


def _named(session: Session, found: Explanation) -> Mapping[str, VisitRow]:
    """The other visits that the explanation names."""
    ids = {*found.pushed_out, *(c.detail or "" for c in found.changes if c.kind == "instead")}
    return visit_rows(session, [col(Visit.id).in_(sorted(ids))]) if ids else {}


def _by_reason(found: Explanation) -> list[tuple[str, list[str]]]:
    """The crews by the rule that fails first, those with the most crews first."""
    crews: dict[str, list[str]] = {}
    for each in found.reasons:
        crews.setdefault(each.reason, []).append(each.crew_id)
    known: Iterable[tuple[str, list[str]]] = (
        (reason, list(dict.fromkeys(names))) for reason, names in crews.items()
    )
    return sorted(known, key=lambda pair: (-len(pair[1]), pair[0]))
