"""Finding anything of a territory."""

from fastapi import APIRouter

from api.deps import Reading, Who, requires
from api.repeats import Route
from api.schemas.forms import PathId
from api.schemas.search import HitOut, SearchIn
from dispatch.insight import search
from dispatch.insight.search import Kind

router = APIRouter(route_class=Route, tags=["search"])

NEEDED: dict[Kind, str] = {
    "crew": "registry:read",
    "work_order": "order:read",
    "request": "request:read",
    "customer": "registry:read",
    "premises": "registry:read",
}


@router.post("/territories/{territory_id}/search", dependencies=[requires("board:read")])
def find(territory_id: PathId, body: SearchIn, session: Reading, caller: Who) -> list[HitOut]:
    """Find customers, addresses, requests, work orders and crews, as far as the caller may read them.

    Asked by POST, since names and telephones do not belong into addresses, which proxies log. Nothing is changed,
    and no Idempotency-Key is needed. Who may not change customers sees the end of their telephones only.
    """
    kinds = [kind for kind, permission in NEEDED.items() if caller.may(permission)]
    hits = search.find(session, territory_id=territory_id, text=body.q, kinds=kinds)
    return HitOut.all_of(hits if caller.may("customer:write") else search.masked(hits))
