"""Plans: request, follow, compare, publish, discard."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response, status
from sqlmodel import Session, col, select

from api.deps import (
    IfMatch,
    Now,
    Reading,
    TheEngine,
    TheSettings,
    Who,
    Writing,
    requires,
)
from api.hints import in_chinese
from api.repeats import Route
from api.schemas.forms import PathDay, PathId, PathNumber
from api.schemas.planning import (
    AssignmentOut,
    ComparisonOut,
    LeftOutOut,
    MessagesGo,
    PlanContent,
    PlanDocument,
    PlanOptions,
    PlanOut,
    PlanVersion,
    Publication,
    ToldOut,
    UnplaceableOut,
)
from dispatch.contact import facts
from dispatch.contact.drafts import obstacle
from dispatch.core.config import Settings
from dispatch.field import tracking
from dispatch.planning import comparing, fallback, heads, plans, states
from dispatch.planning.differences import Told
from dispatch.planning.queries import BoardPage
from dispatch.planning.tables import Assignment, LeftOut, Plan, PlanStatus
from dispatch.registry import territories
from workers.channels.registry import installed

router = APIRouter(route_class=Route, tags=["plans"])


@router.get("/territories/{territory_id}/days/{day}/board", dependencies=[requires("board:read")])
def get_board(
    territory_id: PathId,
    day: PathDay,
    session: Reading,
    moment: Now,
    plan_id: Annotated[int | None, Query(ge=1, le=2**53)] = None,
    draft: Annotated[
        bool, Query(description="show a proposal that is newer than the plan in force")
    ] = False,
    hints: Annotated[
        Literal["en", "zh-CN"], Query(description="the language of the queue's hints")
    ] = "en",
    crew: Annotated[
        list[PathId] | None,
        Query(max_length=50, description="only these crews' days; all when left out"),
    ] = None,
    than: Annotated[
        int | None,
        Query(ge=1, le=2**53, description="only crews whose day is another than on this plan"),
    ] = None,
) -> BoardPage:
    """The board of the day under a plan: the one asked for, else the one in force, else the newest proposed.

    Each stop has the times that are expected from what its crew has done so far. The day's feed goes on from
    `?after=position`. Who has the board and is told of a change to one crew's day asks for that `crew` alone;
    who is told of another plan asks for the days that differ from the one that it has, which it names as `than`.
    """
    page = tracking.board(
        session,
        territory_id=territory_id,
        day=day,
        plan_id=plan_id,
        draft=draft,
        now=moment,
        crew_ids=crew,
        than=than,
    )
    if hints == "zh-CN":
        said = (replace(row, hint=in_chinese(row.hint)) for row in page.queue)
        page = replace(page, queue=tuple(said))
    return page


@router.get("/plans/{plan_id}/comparison", dependencies=[requires("plan:read")])
def compare(
    plan_id: PathNumber,
    session: Reading,
    with_plan: Annotated[int | None, Query(alias="with", ge=1, le=2**53)] = None,
) -> ComparisonOut | dict[str, dict[str, Any]]:
    """The plan against another of its day (`with`); else its figures beside the naive rule's, once it has some."""
    plans.get(session, plan_id)
    if with_plan is not None:
        return ComparisonOut.of(
            comparing.compare_plans(session, plan_id=plan_id, with_plan_id=with_plan)
        )
    return heads.compare_naive(session, plan_id=plan_id)


@router.post(
    "/territories/{territory_id}/days/{day}/insertions",
    status_code=status.HTTP_201_CREATED,
    dependencies=[requires("plan:write")],
)
def insert_waiting(
    territory_id: PathId,
    day: PathDay,
    session: Writing,
    caller: Who,
    moment: Now,
    engine: TheEngine,
) -> PlanOut:
    """Propose the day's plan with every waiting visit at its cheapest free place: no solver is needed."""
    plan = fallback.insert_waiting(
        session,
        territory_id=territory_id,
        day=day,
        engine=engine,
        actor=caller.actor,
        now=moment,
    )
    return PlanOut.of(plan)


@router.post(
    "/territories/{territory_id}/days/{day}/plans",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[requires("plan:write")],
)
def request_plan(
    territory_id: PathId,
    day: PathDay,
    body: PlanOptions,
    session: Writing,
    caller: Who,
    moment: Now,
) -> PlanOut:
    """Ask for a plan of the day; a worker makes it. A newer request replaces one that still waits."""
    plan = plans.request_plan(
        session,
        territory_id=territory_id,
        day=day,
        options=body.model_dump(exclude_none=True),
        actor=caller.actor,
        now=moment,
    )
    return PlanOut.of(plan)


@router.get("/territories/{territory_id}/days/{day}/plans", dependencies=[requires("plan:read")])
def list_plans(territory_id: PathId, day: PathDay, session: Reading) -> list[PlanOut]:
    """The day's plans, the newest first."""
    territories.get(session, territory_id)
    found = states.in_states(session, territory_id=territory_id, day=day, states=tuple(PlanStatus))
    return PlanOut.all_of(found)


@router.get("/plans/{plan_id}", dependencies=[requires("plan:read")])
def get_plan(plan_id: PathNumber, session: Reading) -> PlanOut:
    """One plan: its status, how far its run is, its figures beside the naive rule's."""
    return PlanOut.of(plans.get(session, plan_id))


@router.get("/plans/{plan_id}/content", dependencies=[requires("plan:read")])
def get_content(plan_id: PathNumber, session: Reading) -> PlanContent:
    """The plan's stops, and what it leaves out and why."""
    return _content(session, plans.get(session, plan_id))


@router.get("/plans/{plan_id}/document", dependencies=[requires("plan:read")])
def get_document(plan_id: PathNumber, session: Reading) -> PlanDocument:
    """The problem and the answer in the public planning format."""
    return PlanDocument.of(plans.get(session, plan_id))


@router.post("/plans/{plan_id}/stop", dependencies=[requires("plan:write")])
def stop(plan_id: PathNumber, session: Writing, caller: Who, moment: Now) -> PlanOut:
    """Ask the run to end early with the best plan it has."""
    return PlanOut.of(plans.stop(session, plan_id=plan_id, actor=caller.actor, now=moment))


@router.get("/plans/{plan_id}/publication", dependencies=[requires("plan:read")])
def preview(
    plan_id: PathNumber, session: Reading, settings: TheSettings, moment: Now
) -> Publication:
    """Who would be told what if the plan were published now."""
    told = plans.preview(session, plan_id=plan_id)
    return Publication(
        plan=PlanOut.of(plans.get(session, plan_id)),
        told=_lines(session, told, settings, now=moment),
        superseded=[],
        messages=messages_go(settings),
    )


@router.post("/plans/{plan_id}/publish", dependencies=[requires("plan:publish")])
def publish(
    plan_id: PathNumber,
    body: PlanVersion,
    session: Writing,
    caller: Who,
    moment: Now,
    if_match: IfMatch,
    settings: TheSettings,
    response: Response,
) -> Publication:
    """Make the plan the one in force; refused when the board has moved since it was made."""
    published = plans.publish(
        session,
        plan_id=plan_id,
        expect=if_match.of(body.version),
        actor=caller.actor,
        now=moment,
    )
    session.flush()
    answer = PlanOut.of(published.plan)
    response.headers["ETag"] = f'"{answer.version}"'
    return Publication(
        plan=answer,
        told=_lines(session, published.told, settings, now=moment),
        superseded=list(published.superseded),
        messages=messages_go(settings),
    )


@router.post("/plans/{plan_id}/discard", dependencies=[requires("plan:write")])
def discard(
    plan_id: PathNumber,
    body: PlanVersion,
    session: Writing,
    caller: Who,
    moment: Now,
    if_match: IfMatch,
) -> PlanOut:
    """Drop a plan that was not published."""
    plan = plans.discard(
        session,
        plan_id=plan_id,
        expect=if_match.of(body.version),
        actor=caller.actor,
        now=moment,
    )
    session.flush()
    return PlanOut.of(plan)


def messages_go(settings: Settings) -> MessagesGo:
    """How messages leave this installation."""
    if settings.smtp_url:
        return MessagesGo(by="smtp", folder=None)
    if settings.email_gateway is not None:
        return MessagesGo(by="gateway", folder=None)
    return MessagesGo(by="files", folder=str(settings.outbox_dir))


def _lines(
    session: Session, told: Sequence[Told], settings: Settings, *, now: datetime
) -> list[ToldOut]:
    """The changes with whom they concern, and whether a message reaches them."""
    known = {row.visit.id: row for row in facts.load(session, [line.visit_id for line in told])}
    lines = []
    for line in told:
        about = known[line.visit_id]
        due_at = line.start_at or line.was_start_at or now
        why_not = obstacle(about, "booked", due_at=due_at, now=now, channels=installed(settings))
        lines.append(
            ToldOut(
                **asdict(line),
                customer=about.customer.name,
                is_reached=not why_not,
                obstacle=why_not,
            )
        )
    return lines


def _content(session: Session, plan: Plan) -> PlanContent:
    stops = session.exec(
        select(Assignment)
        .where(Assignment.plan_id == plan.id)
        .order_by(col(Assignment.shift_id), col(Assignment.position))
    ).all()
    left_out = session.exec(
        select(LeftOut).where(LeftOut.plan_id == plan.id).order_by(LeftOut.visit_id)
    ).all()
    return PlanContent(
        plan=PlanOut.of(plan),
        stops=AssignmentOut.all_of(stops),
        left_out=LeftOutOut.all_of(left_out),
        unplaceable=[
            UnplaceableOut(visit_id=row["visit_id"], reason=row["reason"])
            for row in plan.unplaceable
        ],
    )
