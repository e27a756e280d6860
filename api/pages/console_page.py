"""The console: the dispatcher's one page."""

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from api.deps import TheSettings, Who, requires
from api.pages.built import built_page
from dispatch.registry.tables import Role

router = APIRouter(include_in_schema=False)


@router.get("/console", dependencies=[requires("self:read")])
def console(request: Request, caller: Who, settings: TheSettings) -> Response:
    """The console; a crew's people are sent to their own day."""
    if caller.account.role is Role.CREW:
        return RedirectResponse("/crew", status_code=303)
    return built_page(request, "console", caller=caller, settings=settings)
