"""Who may do what: the one table of roles and permissions, and how a route declares what it needs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from fastapi.routing import RouteContext, iter_route_contexts
from starlette.routing import BaseRoute

from dispatch.core.errors import ForbiddenError
from dispatch.registry.tables import Role

_READ = frozenset(
    {
        "registry:read",
        "catalogue:read",
        "request:read",
        "order:read",
        "visit:read",
        "clock:read",
        "plan:read",
        "board:read",
        "crew_day:read",
        "message:read",
        "report:read",
        "event:read",
    }
)

PERMISSIONS: dict[Role, frozenset[str]] = {
    Role.CREW: frozenset({"self:read", "crew_day:read", "crew_day:act", "catalogue:read"}),
    Role.INTAKE: frozenset(
        {
            "self:read",
            "registry:read",
            "customer:write",
            "catalogue:read",
            "request:read",
            "request:write",
            "order:read",
            "order:write",
            "order:call",
            "visit:read",
            "promise:write",
            "clock:read",
            "message:read",
            "board:read",
        }
    ),
    Role.AUDITOR: _READ
    | {"self:read", "task:read", "metrics:read", "account:read", "webhook:read"},
    Role.DISPATCHER: _READ
    | {
        "self:read",
        "customer:write",
        "crew:write",
        "request:write",
        "order:write",
        "order:call",
        "visit:write",
        "promise:write",
        "series:write",
        "plan:write",
        "plan:publish",
        "outage:write",
        "crew_day:act",
        "day:close",
        "task:read",
        "metrics:read",
    },
    Role.ADMIN: _READ
    | {
        "self:read",
        "data:import",
        "data:export",
        "account:read",
        "account:write",
        "territory:write",
        "customer:write",
        "crew:write",
        "catalogue:write",
        "request:write",
        "order:write",
        "order:call",
        "visit:write",
        "promise:write",
        "series:write",
        "plan:write",
        "plan:publish",
        "outage:write",
        "template:write",
        "crew_day:act",
        "day:close",
        "task:read",
        "link:write",
        "task:write",
        "metrics:read",
        "webhook:read",
        "webhook:write",
    },
}
"""A crew's permissions reach its own day only; see `api.deps.own_crew`."""

ALL = frozenset().union(*PERMISSIONS.values())


class NotAllowed(ForbiddenError):
    """The signed-in person's role lacks the permission."""

    code = "not_allowed"


class UndeclaredRoute(RuntimeError):
    """A route says neither what permission it needs nor why it needs none: the app does not start."""


@dataclass(frozen=True)
class Public:
    """Marks a route that anybody may call, and says why that is safe."""

    why: str
    permission: ClassVar[None] = None

    def __call__(self) -> None:
        """Let everybody pass."""


def may(role: Role, permission: str) -> bool:
    """Whether the role has the permission."""
    return permission in PERMISSIONS[role]


def check(role: Role, permission: str) -> None:
    """Raise NotAllowed unless the role has the permission."""
    if not may(role, permission):
        raise NotAllowed(
            f"The role {role.value} may not do this (it needs {permission}). Ask an administrator for "
            "an account that may.",
            permission=permission,
        )


def declared(routes: Iterable[BaseRoute]) -> Iterator[tuple[RouteContext, str | Public | None]]:
    """Every route that answers requests, with what it declares: a permission, why it needs none, or None."""
    for context in iter_route_contexts(list(routes)):
        if getattr(context, "dependant", None) is None:
            continue  # a mounted folder of files, listed in `api.app`
        yield context, _marker(context.dependant)


def refuse_undeclared(routes: Iterable[BaseRoute]) -> None:
    """Raise UndeclaredRoute naming the routes that declare nothing, or an unknown permission."""
    bad = [
        str(context.path)
        for context, found in declared(routes)
        if found is None or (isinstance(found, str) and found not in ALL)
    ]
    if bad:
        raise UndeclaredRoute(f"These routes declare no known permission: {', '.join(sorted(bad))}")


def _marker(dependant: Any) -> str | Public | None:
    for dependency in dependant.dependencies:
        if isinstance(dependency.call, Public):
            return dependency.call
        permission = getattr(dependency.call, "permission", None)
        if isinstance(permission, str):
            return permission
    return None


def document_permissions(schema: dict[str, Any], routes: Iterable[BaseRoute]) -> None:
    """Say in an OpenAPI document what each operation needs, and how to sign in."""
    schema.setdefault("components", {})["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "cookie": {"type": "apiKey", "in": "cookie", "name": "gridcrew"},
    }
    for context, found in declared(routes):
        operations = schema["paths"].get(context.path_format, {})
        for method in context.methods or ():
            operation = operations.get(method.lower())
            if operation is None:
                continue
            if isinstance(found, str):
                operation["security"] = [{"bearer": []}, {"cookie": []}]
                operation["x-permission"] = found
            else:
                operation["security"] = []
