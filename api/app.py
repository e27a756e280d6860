"""The web application: `create_app(settings, database)` puts the front doors together."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.staticfiles import StaticFiles

from api import open311, permissions, problems, repeats
from api.deps import writing
from api.gate import Gate
from api.pages import (
    alerts_page,
    asking,
    calls_page,
    choices,
    console_page,
    crew_page,
    customers,
    customers_page,
    following,
    import_page,
    messages_page,
    naming,
    outages_page,
    outlook_page,
    pages,
    places_page,
    requests_page,
    satisfaction_page,
    templates_page,
    webhooks_page,
)
from api.pages.built import BUNDLE
from api.routes import ROUTERS, system
from api.state import State
from dispatch.core.config import Settings
from dispatch.core.db import Database
from dispatch.planning.engine import Engine
from workers.warm import WarmOptimizer

PREFIX = "/api/v1"
STATIC = Path(__file__).parent / "pages" / "static"


def _utc_now() -> datetime:
    return datetime.now(UTC)


def create_app(
    settings: Settings,
    database: Database,
    *,
    clock: Callable[[], datetime] = _utc_now,
    engine: Engine | None = None,
) -> FastAPI:
    """The application on this database; `clock` gives each request its moment (a virtual one in a demo).

    `engine` answers small planning questions; left out, that is the warm optimizer process.

    Raises permissions.UndeclaredRoute when a route forgot to say what it needs.
    """
    state = State(settings, database, clock, engine or WarmOptimizer(settings))
    app = FastAPI(
        title="Gridcrew",
        summary="Field-service dispatch for power utilities",
        version=version("gridcrew"),
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,  # its assets come from the internet, and no page of ours needs that
        redoc_url=None,
        lifespan=_lifespan,
    )
    app.state.gridcrew = state
    problems.install(app)
    paths: dict[object, str] = {}
    app.add_middleware(Gate, paths=paths)
    rest = APIRouter(prefix=PREFIX)
    for router in ROUTERS:
        rest.include_router(router)
    app.include_router(rest)
    app.include_router(system.router)
    app.include_router(console_page.router)
    app.include_router(crew_page.router)
    app.include_router(calls_page.router)
    app.include_router(requests_page.router)
    app.include_router(alerts_page.router)
    app.include_router(outlook_page.router)
    app.include_router(messages_page.router)
    app.include_router(customers_page.router)
    app.include_router(outages_page.router)
    app.include_router(import_page.router)
    app.include_router(places_page.router)
    app.include_router(templates_page.router)
    app.include_router(satisfaction_page.router)
    app.include_router(webhooks_page.router)
    app.include_router(pages.router)
    app.include_router(choices.router)
    app.include_router(naming.router)
    app.include_router(customers.router)
    app.include_router(asking.router)
    app.include_router(following.router)
    app.include_router(open311.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    built = StaticFiles(directory=BUNDLE / "assets", check_dir=False)
    app.mount("/web/assets", built, name="assets")
    permissions.refuse_undeclared(app.routes)
    paths |= {
        context.endpoint: str(context.path) for context, _ in permissions.declared(app.routes)
    }
    _describe(app)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    app.state.gridcrew.database.close()


def _describe(app: FastAPI) -> None:
    """Add to the OpenAPI document what FastAPI cannot know: problems, permissions, ways to sign in, keys."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = plain()
            problems.document_problems(schema)
            permissions.document_permissions(schema, app.routes)
            repeats.document_keys(schema, app.routes, writing)
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]
