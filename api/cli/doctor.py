"""`gridcrew doctor`: is this installation well, and if not, what to do."""

import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated

import typer
from geopy.exc import GeopyError
from sqlalchemy import func
from sqlmodel import col, select

from api.cli.console import clock, opened, out, print_json
from dispatch.core import alerts, events, tasks
from dispatch.core.config import Settings
from dispatch.core.db import Database, sqlite_driver
from dispatch.core.errors import DispatchError
from dispatch.core.migrate import revisions
from dispatch.geo.datum import Datum
from dispatch.registry.tables import Depot, Premises
from workers import geocoders, redis_server, road_services
from workers.outside import ServiceAway
from workers.solver import run_solver
from workers.startup import check_data_dir

OLD_TASK_S = 30.0
SMALLEST = (
    '{"version":1,"start":"2026-01-01T00:00:00Z","places":[{"id":"p"}],"travel":{"seconds":[[0]]},'
    '"crews":[{"id":"c"}],"shifts":[{"id":"s","crew":"c","start":0,"end":60,"from":"p"}],'
    '"visits":[{"id":"v","place":"p","duration":1,"unserved_cost":1}],"weights":{}}'
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `advice` is what to do when it is not well."""

    what: str
    well: bool
    found: str
    advice: str = ""


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command()(doctor)


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print for a script.")] = False,
) -> None:
    """Look at everything an installation needs. Exit code 0 when all is well, 1 otherwise."""
    settings = Settings()
    findings = [_looked(what, look) for what, look in _looks(settings)]
    with opened(settings) as database:
        findings += [_looked(what, look) for what, look in _database_looks(settings, database)]
    if as_json:
        print_json([_row(finding) for finding in findings])
    else:
        for finding in findings:
            sign = "[green]well[/]" if finding.well else "[red]ill [/]"
            out.print(f"{sign}  {finding.what}: {finding.found}", soft_wrap=True)
            if not finding.well and finding.advice:
                out.print(f"      {finding.advice}", soft_wrap=True)
    raise typer.Exit(0 if all(finding.well for finding in findings) else 1)


Look = Callable[[], Finding]


def _looked(what: str, look: Look) -> Finding:
    try:
        return look()
    except (DispatchError, OSError, ValueError) as error:
        return Finding(what, False, str(error))


def _row(finding: Finding) -> dict[str, object]:
    return {
        "what": finding.what, "well": finding.well, "found": finding.found, "advice": finding.advice,
    }  # fmt: skip


def _looks(settings: Settings) -> Iterator[tuple[str, Look]]:
    yield "Python", lambda: Finding("Python", True, platform.python_version())
    yield "data directory", lambda: _data_dir(settings)
    yield "Redis", lambda: _redis(settings)
    yield "solver", lambda: _solver(settings)
    yield "geocoder", lambda: _geocoder(settings)


def _database_looks(settings: Settings, database: Database) -> Iterator[tuple[str, Look]]:
    yield "database", lambda: _database(database)
    yield "audit chain", lambda: _chain(settings, database)
    yield "tasks", lambda: _tasks(database)
    yield "alerts", lambda: _alerts(database)
    yield "road times", lambda: _roads(settings, database)
    yield "positions", lambda: _positions(database)


def _data_dir(settings: Settings) -> Finding:
    check_data_dir(settings)
    return Finding("data directory", True, str(settings.data_dir.absolute()))


def _redis(settings: Settings) -> Finding:
    well = redis_server.answers(settings.redis)
    embedded = "" if settings.redis_url else " (started by `gridcrew up`)"
    return Finding(
        "Redis", well, f"{'answers' if well else 'does not answer'}{embedded}",
        "Start it, or `gridcrew up`; work waits in the database until then and none is lost.",
    )  # fmt: skip


def _solver(settings: Settings) -> Finding:
    run_solver(settings, SMALLEST, seconds=5.0, iterations=1, seed=0)
    return Finding("solver", True, "answers in its own process")


def _geocoder(settings: Settings) -> Finding:
    provider = geocoders.configured(settings)
    if provider is None:
        return Finding("geocoder", True, "none configured; premises are placed on the map")
    try:
        provider.find("1")
    except GeopyError as error:
        return Finding(
            "geocoder", False, f"{provider.name}: {type(error).__name__}: {error}",
            "Look at GRIDCREW_GEOCODER_URL and GRIDCREW_GEOCODER_KEY; until then place premises on the map.",
        )  # fmt: skip
    converts = "" if provider.datum is Datum.WGS84 else f"; {provider.datum.value} is converted"
    return Finding("geocoder", True, f"{provider.name} answers{converts}")


def _roads(settings: Settings, database: Database) -> Finding:
    service = road_services.configured(settings)
    if service is None:
        return Finding("road times", True, "estimated by distance; no road service configured")
    with database.reading() as session:
        depot = session.exec(select(Depot).order_by(col(Depot.id)).limit(1)).first()
    at = (0.0, 0.0) if depot is None else (depot.lat, depot.lon)
    try:
        service.block([at], [(at[0] + 0.01, at[1])])
    except ServiceAway as error:
        return Finding(
            "road times", False, f"{service.name}: {error.message}",
            "Start it, or look at GRIDCREW_ROADS_URL; until then drives are estimated.",
        )  # fmt: skip
    return Finding("road times", True, f"{service.name} answers")


def _positions(database: Database) -> Finding:
    with database.reading() as session:
        missing = session.exec(
            select(func.count()).select_from(Premises).where(col(Premises.lat).is_(None))
        ).one()
    none = f"{missing:,} premises have none; `gridcrew places list` names them"
    return Finding("positions", True, none if missing else "every premises has one")


def _database(database: Database) -> Finding:
    current, head = revisions(database)
    kind = f"SQLite {sqlite_driver().sqlite_version}" if database.is_sqlite else "PostgreSQL"
    return Finding(
        "database", current == head, f"{kind}, revision {current or 'none'}, this release has {head}",
        "Run `gridcrew migrate`.",
    )  # fmt: skip


def _chain(settings: Settings, database: Database) -> Finding:
    with database.reading() as session:
        broken = events.verify(session, settings.key)
    if broken is None:
        return Finding("audit chain", True, "every event is in its place and unchanged")
    return Finding(
        "audit chain", False, f"does not hold at event {broken.event_id}: {broken.reason}",
        "Somebody changed the database by hand; compare with a backup.",
    )  # fmt: skip


def _tasks(database: Database) -> Finding:
    with database.reading() as session:
        counts = tasks.counts(session)
        oldest = tasks.oldest_due_seconds(session, now=clock())
    found = ", ".join(f"{count} {state}" for state, count in sorted(counts.items())) or "none yet"
    return Finding(
        "tasks", not counts.get("dead") and oldest < OLD_TASK_S, f"{found}; the oldest waits {oldest:.0f} s",
        "See `gridcrew tasks list`; are workers running?",
    )  # fmt: skip


def _alerts(database: Database) -> Finding:
    with database.reading() as session:
        open_ones = alerts.open_alerts(session)
    found = "; ".join(alert.text for alert in open_ones[:5]) or "none open"
    return Finding("alerts", not open_ones, found, "Each needs a person; the board lists them.")
