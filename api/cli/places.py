"""Where premises are: `gridcrew places`."""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from api.cli.console import OPERATOR, clock, opened, out, print_json, progress, refuse
from dispatch.core.config import Settings
from dispatch.core.db import transaction
from dispatch.geo import geocoding, road_map
from dispatch.geo.datum import Datum, to_wgs84
from dispatch.geo.geocoding import Suggestion
from dispatch.geo.lifecycle import UNDER_WAY
from dispatch.geo.tables import GeocodingStatus
from dispatch.planning.unplaced import unplaced
from dispatch.registry import premises, territories

group = typer.Typer(help="List and locate premises without a position.", no_args_is_help=True)
PATIENCE_S = 60.0
"""How long a worker may take to begin."""
AsJson = Annotated[bool, typer.Option("--json", help="Print for a script.")]
TerritoryId = Annotated[str, typer.Argument(help="The territory's id.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.add_typer(group, name="places")


@group.command("list")
def list_unplaced(
    territory: TerritoryId,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many to list.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List the premises without a position, those that visits wait for first."""
    settings = Settings()
    with opened(settings) as database, database.reading() as session:
        territories.get(session, territory)
        found = unplaced(
            session,
            territory_id=territory,
            provider=settings.geocoder,
            good_enough_m=settings.geocoder_accuracy_m,
            limit=limit,
        )
    if as_json:
        print_json({**asdict(found), "geocoder": settings.geocoder})
        return
    out.print(
        f"{found.total:,} premises have no position; {found.visits:,} visits wait for one.",
        soft_wrap=True,
    )
    table = Table("premises", "address", "district", "visits", f"what {settings.geocoder} says")
    for row in found.rows:
        words = "" if row.suggestion is None else _said(row.suggestion)
        table.add_row(
            row.premises_id,
            escape(row.address),
            escape(row.district),
            str(row.visits),
            escape(words),
        )
    if found.rows:
        out.print(table)
        out.print(
            "place one: gridcrew places set PREMISES LATITUDE LONGITUDE, or on the page /places"
        )
    if found.total > len(found.rows):
        out.print(f"and {found.total - len(found.rows):,} more: --limit")


@group.command()
def geocode(territory: TerritoryId, as_json: AsJson = False) -> None:
    """Have the workers look up the addresses without a position, and follow them; Ctrl-C leaves them at it.

    The geocoder is set by GRIDCREW_GEOCODER. What it is sure of becomes the position, the rest is listed by
    `gridcrew places list`.
    """
    settings = Settings()
    with opened(settings, rings=True) as database:
        with transaction(database) as session:
            run = geocoding.ask(
                session,
                territory_id=territory,
                provider=settings.geocoder,
                actor=OPERATOR,
                now=clock(),
            )
        with progress("{task.completed}/{task.total}") as bar:
            shown = bar.add_task(f"asking {run.provider}", total=run.total)
            began = time.monotonic()
            while run.status in UNDER_WAY:
                time.sleep(0.3)
                if run.status is GeocodingStatus.WAITING and time.monotonic() - began > PATIENCE_S:
                    refuse(
                        f"no worker has begun after {PATIENCE_S:.0f} s; it will be done when one runs: "
                        "gridcrew up, or gridcrew worker"
                    )
                with database.reading() as session:
                    run = geocoding.RUNS.get(session, run.id or 0)
                bar.update(shown, completed=run.looked_up)
    if as_json:
        print_json(run.model_dump(mode="json"))
    else:
        out.print(
            f"{run.looked_up} addresses looked up, {run.placed} placed; "
            f"the others: gridcrew places list {territory}"
        )
        if run.error and run.status is GeocodingStatus.DONE:
            out.print(
                f"the geocoder failed at some, which the next run asks about again; the last: {escape(run.error)}",
                soft_wrap=True,
            )
    if run.status is GeocodingStatus.FAILED:
        refuse(run.error)


@group.command("roads")
def load_roads(
    territory: TerritoryId,
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="GeoJSON of lines, WGS 84.")
    ],
    attribution: Annotated[str, typer.Option(help="Whose data it is, as shown on the map.")] = "",
    as_json: AsJson = False,
) -> None:
    """Draw the territory's maps with the roads of a GeoJSON file, such as an extract of OpenStreetMap.

    How large a road is drawn follows its property highway. Loading again puts the new ones in place of the old.
    """
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        refuse(f"{file} is no JSON: {error}")
    with opened(Settings()) as database, transaction(database) as session:
        found = road_map.load(
            session,
            territory_id=territory,
            document=document,
            attribution=attribution,
            actor=OPERATOR,
            now=clock(),
        )
    if as_json:
        print_json(asdict(found))
    else:
        out.print(
            f"{found.lines:,} roads of {found.points:,} points loaded; {found.left_out:,} left out.",
            soft_wrap=True,
        )


@group.command("set")
def locate(
    premises_id: Annotated[str, typer.Argument(help="The premises' id.")],
    lat: Annotated[float, typer.Argument(help="Latitude, degrees.")],
    lon: Annotated[float, typer.Argument(help="Longitude, degrees.")],
    accuracy: Annotated[
        float | None, typer.Option(min=0, help="How far off that may be, metres.")
    ] = None,
    datum: Annotated[
        Datum, typer.Option(help="What the degrees refer to; AMap gives gcj02, Baidu bd09.")
    ] = Datum.WGS84,
) -> None:
    """Say where premises are; a place outside the territory is refused."""
    found = to_wgs84(datum, lat, lon)
    with opened(Settings()) as database, transaction(database) as session:
        row = premises.locate(
            session,
            premises_id=premises_id,
            lat=found[0],
            lon=found[1],
            accuracy_m=accuracy,
            actor=OPERATOR,
            now=clock(),
            given={"by": "person", "datum": datum.value, "lat": lat, "lon": lon},
        )
        address = row.address
    converted = "" if datum is Datum.WGS84 else f" (converted from {datum.value})"
    out.print(f"{escape(address)} is at {found[0]:.6f}, {found[1]:.6f} in WGS 84{converted}")


def _said(suggestion: Suggestion) -> str:
    words = {
        "unknown": "no such address",
        "outside": f"{suggestion.away_m / 1000:.1f} km outside the territory",
        "coarse": f"only accurate to {suggestion.accuracy_m or 0:.0f} m",
        "": "nothing against it",
    }[suggestion.doubt]
    if suggestion.lat is None or suggestion.lon is None:
        return words
    return f"{words}: {suggestion.lat:.6f}, {suggestion.lon:.6f} {suggestion.label}"
