"""A crew's day: one page that the browser keeps, for times without a network."""

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, RedirectResponse, Response

from api.deps import OwnCrew, Reading, TheSettings, Who, public, requires
from api.pages.built import BUNDLE, PagesNotBuilt, built_page
from dispatch.registry import crews

router = APIRouter(include_in_schema=False)


@router.get("/crew", dependencies=[requires("crew_day:read")])
def my_crew(request: Request, caller: Who, settings: TheSettings) -> Response:
    """A crew's own day; everybody else chooses a crew on the board."""
    if caller.account.crew_id is None:
        return RedirectResponse("/", status_code=303)
    return built_page(request, "crew", caller=caller, settings=settings)


@router.get("/crew/{crew_id}", dependencies=[requires("crew_day:read")])
def crew_page(
    crew_id: OwnCrew, request: Request, session: Reading, caller: Who, settings: TheSettings
) -> Response:
    """A crew's day, `?day=` of any day; to look at, to print, and to act for a crew that calls in."""
    crews.get(session, crew_id)
    return built_page(request, "crew", caller=caller, settings=settings)


@router.get(
    "/crew-worker.js",
    dependencies=[public("the page's own script; it holds nobody's data")],
)
def crew_worker() -> Response:
    """What keeps the crew's page in the browser. It lies at the root, since it serves `/crew`."""
    path = BUNDLE / "crew-worker.js"
    if not path.is_file():
        raise PagesNotBuilt("The pages are not built here. `./run setup` builds them.")
    return FileResponse(path, media_type="text/javascript")
