"""What the installation itself needs of an administrator: its open alerts, and the tasks that gave up."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from sqlmodel import col, select

from api.deps import Reading, Who, requires
from api.pages.rendering import render, words_for
from dispatch.core import tasks
from dispatch.core.alerts import alert_list
from dispatch.core.calendar import zone_named
from dispatch.insight.watching import NAMED_ONE_BY_ONE
from dispatch.registry import territories
from dispatch.registry.tables import Account, Role

router = APIRouter(include_in_schema=False)


@router.get("/console/alerts", dependencies=[requires("task:read")])
def page(
    request: Request,
    session: Reading,
    caller: Who,
    territory: Annotated[str, Query(max_length=32)],
) -> HTMLResponse:
    """The open alerts and the dead tasks; who may not act is told who may. Times are the territory's."""
    chosen = territories.get(session, territory)
    admins = select(Account.name).where(Account.role == Role.ADMIN, ~col(Account.disabled))
    return render(
        request,
        "alerts.html",
        words_for(request, caller.account.language, zone_named(chosen.zone)),
        caller=caller,
        territory=chosen,
        alerts=alert_list(session, without=NAMED_ONE_BY_ONE),
        dead=tasks.dead(session),
        admins=list(session.exec(admins.order_by(Account.name))),
        may_act=caller.may("task:write"),
        may_board=caller.may("board:read"),
    )
