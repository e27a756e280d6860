"""Every route says who may call it, and the table of roles is what decides."""

import pytest
import sqlalchemy as sa
from fastapi import APIRouter, FastAPI
from starlette.routing import Mount
from starlette.testclient import TestClient

from api import permissions
from api.deps import requires
from api.permissions import PERMISSIONS, Public, UndeclaredRoute
from dispatch.core.config import Settings
from dispatch.core.db import Database
from dispatch.registry.tables import Account, Role
from tests.api.conftest import SignIn, VirtualClock

PUBLIC = {
    "/healthz",
    "/readyz",
    "/api/v1/sessions",
    "/api/v1/sessions/link",
    "/api/v1/customer-visits/{token}",
    "/api/v1/callbacks/{provider}",
    "/api/v1/callbacks/{provider}/{secret}",
    "/sign-in",
    "/sign-in/{token}",
    "/v/{token}",
    "/v/{token}/windows",
    "/v/{token}/appointment.ics",
    "/v/{token}/{what}",
    "/c/{token}",
    "/n/{token}",
    "/{where}/{token}/choices",
    "/ask",
    "/follow",
    "/r/{token}",
    "/open311/discovery.{format}",
    "/open311/v2/services.{format}",
    "/open311/v2/requests.{format}",
    "/open311/v2/requests/{request_id}.{format}",
    "/crew-worker.js",
}


def test_every_route_declares_a_permission_or_why_it_needs_none(app: FastAPI) -> None:
    seen = {str(context.path): found for context, found in permissions.declared(app.routes)}

    assert len(seen) > 20
    assert [path for path, found in seen.items() if found is None] == []
    assert {path for path, found in seen.items() if isinstance(found, Public)} <= PUBLIC


def test_nothing_else_answers_but_the_static_files(app: FastAPI) -> None:
    mounts = [route.path for route in app.routes if isinstance(route, Mount)]

    assert mounts == ["/static", "/web/assets"]


def test_an_app_with_an_undeclared_route_does_not_start() -> None:
    app, router = FastAPI(), APIRouter()

    @router.get("/forgotten")
    def forgotten() -> None: ...

    app.include_router(router)

    with pytest.raises(UndeclaredRoute, match="/forgotten"):
        permissions.refuse_undeclared(app.routes)


def test_a_route_with_a_misspelt_permission_does_not_start() -> None:
    app, router = FastAPI(), APIRouter()

    @router.get("/misspelt", dependencies=[requires("plan:publsh")])
    def misspelt() -> None: ...

    app.include_router(router)

    with pytest.raises(UndeclaredRoute, match="/misspelt"):
        permissions.refuse_undeclared(app.routes)


def test_every_permission_of_a_role_is_needed_somewhere(app: FastAPI) -> None:
    needed = {found for _, found in permissions.declared(app.routes) if isinstance(found, str)}

    assert needed == permissions.ALL


def test_anonymous_callers_get_401_from_every_route_that_needs_a_permission(
    app: FastAPI, anonymous: TestClient
) -> None:
    calls = 0
    for context, found in permissions.declared(app.routes):
        if isinstance(found, Public) or not str(context.path).startswith("/api/"):
            continue
        for method in context.methods or ():
            path = str(context.path).replace("{day}", "2026-03-10")
            for name in ("plan_id", "task_id", "promise_id", "message_id"):
                path = path.replace("{" + name + "}", "1")
            path = path.replace("{", "").replace("}", "")
            answer = anonymous.request(method, path, json={} if method != "GET" else None)

            assert answer.status_code == 401, f"{method} {path}: {answer.text}"
            assert answer.json()["code"] == "not_signed_in"
            calls += 1
    assert calls > 20


def test_the_role_that_lacks_a_permission_gets_403_from_every_such_route(
    app: FastAPI, sign_in: SignIn, crew_a: str
) -> None:
    clients = {role: sign_in(role, crew_id=crew_a if role is Role.CREW else None) for role in Role}
    for context, found in permissions.declared(app.routes):
        if not isinstance(found, str) or not str(context.path).startswith("/api/"):
            continue
        for method in context.methods or ():
            path = str(context.path).replace("{day}", "2026-03-10").replace("_id}", "}")
            for name in ("plan", "task", "promise", "message"):
                path = path.replace("{" + name + "}", "1")
            path = path.replace("{", "").replace("}", "")
            for role, client in clients.items():
                if found not in PERMISSIONS[role]:
                    answer = client.request(method, path, json={} if method != "GET" else None)

                    assert answer.status_code == 403, f"{role} {method} {path}: {answer.text}"
                    assert answer.json()["code"] == "not_allowed"
                    assert answer.json()["details"]["permission"] == found


def test_a_change_of_role_counts_at_once(
    sign_in: SignIn, database: Database, clock: VirtualClock, settings: Settings
) -> None:
    client = sign_in("dispatcher")
    assert client.get("/api/v1/customers").status_code == 200

    with database.engine.begin() as connection:
        dispatchers = sa.update(Account).where(Account.role == Role.DISPATCHER)  # type: ignore[arg-type]
        connection.execute(dispatchers.values(disabled=True))

    assert client.get("/api/v1/customers").status_code == 401
