"""The catalogue: work types, what priorities mean, and the numbers of planning."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.deps import IfMatch, Now, Reading, Who, Writing, requires
from api.repeats import Route
from api.schemas.forms import PathId
from api.schemas.planning import PlanningRuleIn, PlanningRuleOut
from api.schemas.work import PointsIn, PointsOut, WorkTypeChange, WorkTypeOut
from dispatch.planning import rules
from dispatch.work import catalogue
from dispatch.work.tables import PlanningRule, Priority

router = APIRouter(route_class=Route, tags=["catalogue"])


@router.get("/work-types", dependencies=[requires("catalogue:read")])
def list_work_types(
    session: Reading, include_inactive: Annotated[bool, Query()] = False
) -> list[WorkTypeOut]:
    """The work types by code."""
    return WorkTypeOut.all_of(catalogue.types(session, active_only=not include_inactive))


@router.get("/work-types/{code}", dependencies=[requires("catalogue:read")])
def get_work_type(code: PathId, session: Reading) -> WorkTypeOut:
    """One work type."""
    return WorkTypeOut.of(catalogue.get(session, code))


@router.patch("/work-types/{code}", dependencies=[requires("catalogue:write")])
def edit_work_type(
    code: PathId,
    body: WorkTypeChange,
    session: Writing,
    caller: Who,
    moment: Now,
    if_match: IfMatch,
) -> WorkTypeOut:
    """Change some values; orders that exist keep what they were made with."""
    work_type = catalogue.edit(
        session,
        code,
        changes=body.model_dump(exclude_unset=True, exclude={"version"}, mode="json"),
        expect=if_match.of(body.version),
        actor=caller.actor,
        now=moment,
    )
    return WorkTypeOut.of(work_type)


@router.get("/points", dependencies=[requires("catalogue:read")])
def list_points(session: Reading) -> list[PointsOut]:
    """What each priority class means to the optimizer, the most urgent first."""
    return PointsOut.all_of([row for _, row in sorted(catalogue.points(session).items())])


@router.put("/points/{priority}", dependencies=[requires("catalogue:write")])
def edit_points(
    priority: Priority,
    body: PointsIn,
    session: Writing,
    caller: Who,
    moment: Now,
    if_match: IfMatch,
) -> PointsOut:
    """Change what a priority class means to the optimizer."""
    row = catalogue.edit_points(
        session,
        priority,
        unserved=body.unserved,
        late_per_second=body.late_per_second,
        expect=if_match.of(body.version),
        actor=caller.actor,
        now=moment,
    )
    return PointsOut.of(row)


@router.get("/planning-rules", dependencies=[requires("catalogue:read")])
def list_planning_rules(session: Reading) -> list[PlanningRuleOut]:
    """The numbers of planning in force: weights, travel, age, class and slack."""
    return [_rule(row) for row in rules.listed(session)]


@router.put("/planning-rules/{name}", dependencies=[requires("catalogue:write")])
def edit_planning_rule(
    name: PathId,
    body: PlanningRuleIn,
    session: Writing,
    caller: Who,
    moment: Now,
    if_match: IfMatch,
) -> PlanningRuleOut:
    """Change some numbers of a rule; the others keep their values. Plans made from now on follow it.

    `If-Match: "0"` when nobody had edited it.
    """
    row = rules.edit(
        session,
        name=name,
        value=body.values,
        expect=if_match.of(body.version),
        actor=caller.actor,
        now=moment,
    )
    return _rule(row)


def _rule(row: PlanningRule) -> PlanningRuleOut:
    return PlanningRuleOut(name=row.name, version=row.version, values=row.value)
