"""A territory's day: `plan`, `publish`, `report`, `simulate`, `demo`."""

import tempfile
from datetime import date, datetime, time
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from api.cli.console import OPERATOR, clock, err, opened, out, print_json, progress
from api.cli.figures import show_plan, show_reports
from api.cli.opening import EXAMPLE, chosen_day, plan_and_wait, typed_date
from dispatch.core.calendar import at_local, next_working_day, zone_named
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.core.migrate import migrate
from dispatch.exchange.folder import read_folder
from dispatch.exchange.loading import load_folder
from dispatch.insight.report import DayReport, day_report, render
from dispatch.planning import plans, rules, states
from dispatch.planning.options import DEFAULT_ENGINE
from dispatch.planning.rules import MOST_SLACK
from workers.simulation.day import Scene, SimulatedDay

Day = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="Which day; else the one `up` opens on."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print for a script.")]

MORNING = time(7)
"""When a simulated day is loaded and planned, local time."""
DEMO_WINDOW_SLACK = 15
"""Minutes; see "Slack" in docs/architecture.md."""
TOLD = {
    "published": "the plan is published",
    "outage": "an outage comes in",
    "inserted": "it is put into the running plan and published",
    "ill": "a crew falls ill",
    "low_score": "a customer is not satisfied, and a complaint is opened",
    "replanned": "the rest of the day is planned anew and published",
}


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(plan)
    app.command()(publish)
    app.command()(report)
    app.command()(simulate)
    app.command(help="Play the Humen day on a virtual clock and print its report.")(demo)


def plan(
    day: Day = None,
    seconds: Annotated[
        float | None, typer.Option(min=1, max=3600, help="How long to search.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Have the workers plan a day and show the proposal; nothing is told to anybody before `publish`."""
    settings = Settings()
    with opened(settings, rings=True) as database:
        where = chosen_day(database, day=day, now=clock())
        options = {} if seconds is None else {"seconds": seconds}
        proposed = plan_and_wait(
            database, where, seconds=seconds or settings.solve_seconds, options=options, clock=clock
        )
        if as_json:
            with database.reading() as session:
                row = states.get(session, proposed.plan_id or 0)
                print_json(
                    {"id": row.id, "number": row.number, "day": row.day, "figures": row.figures}
                )
            return
        show_plan(database, proposed)
        out.print(f"publish it with: gridcrew publish {proposed.plan_id}")


def publish(
    plan_id: Annotated[int, typer.Argument(help="The plan's id, as `gridcrew plan` prints it.")],
    as_json: AsJson = False,
) -> None:
    """Publish a proposed plan: crews get their day and customers their messages."""
    settings = Settings()
    with opened(settings, rings=True) as database, transaction(database) as session:
        told = plans.publish(session, plan_id=plan_id, actor=OPERATOR, now=clock())
        count = len(told.told)
    if as_json:
        print_json({"plan": plan_id, "told": count})
        return
    where = "" if settings.smtp_url else f"; messages are written to {settings.outbox_dir}"
    out.print(f"plan {plan_id} is published, {count} customers will be told{where}", soft_wrap=True)


def report(day: Day = None, as_json: AsJson = False) -> None:
    """Report on a day: what was planned, what became of it."""
    with opened(Settings()) as database:
        where = chosen_day(database, day=day, now=clock())
        with database.reading() as session:
            found = day_report(session, territory_id=where.territory_id, day=where.day, now=clock())
    if as_json:
        print_json(render(found))
    else:
        show_reports(where.day, {"Gridcrew": found})


def simulate(
    folder: Annotated[
        Path, typer.Argument(help="The branch to play: a folder of CSV files.")
    ] = EXAMPLE,
    day: Day = None,
    seconds: Annotated[
        float, typer.Option(min=1, max=600, help="Search time for each plan.")
    ] = 8.0,
    seed: Annotated[
        int, typer.Option(min=0, help="The day's luck: durations, traffic, nobody at home.")
    ] = 1,
    slack: Annotated[
        int, typer.Option(min=0, max=MOST_SLACK, help="The planning rule slack.percent that day.")
    ] = 0,
    window_slack: Annotated[
        int, typer.Option(min=0, max=240, help="The planning rule slack.window_minutes that day.")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Play a branch's whole day on a virtual clock: once planned by Gridcrew, once by hand rules.

    Crews move, an outage comes in at 10:40, a crew falls ill; both days have the same luck. Nothing of this
    installation is touched: the day is played in a database of its own.
    """
    reports: dict[str, DayReport] = {}
    played = clock()
    with progress("{task.fields[at]}") as bar:
        for name, engine in (("Gridcrew", DEFAULT_ENGINE), ("by hand rules", "naive")):
            reports[name], chosen = _play(
                bar,
                folder,
                typed_date(day),
                engine=engine,
                seconds=seconds,
                seed=seed,
                slack={"percent": slack, "window_minutes": window_slack},
                loud=not as_json,
            )
    if as_json:
        print_json({name: render(found) for name, found in reports.items()})
        return
    show_reports(chosen, reports)
    err.print(f"played in {(clock() - played).total_seconds():.0f} s")


def demo() -> None:
    """Play the example's day, planned with a quarter of an hour's slack before promised windows end."""
    simulate(EXAMPLE, None, 8.0, 1, 0, DEMO_WINDOW_SLACK, as_json=False)


def _play(
    bar: Progress,
    folder: Path,
    day: date | None,
    *,
    engine: str,
    seconds: float,
    seed: int,
    slack: dict[str, int],
    loud: bool,
) -> tuple[DayReport, date]:
    task = bar.add_task(f"playing the day, planned {'by hand rules' if engine == 'naive' else 'by Gridcrew'}",
                        total=None, at="")  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="gridcrew-day-") as home:
        settings = Settings(
            data_dir=Path(home), database_url="", solve_seconds=seconds, smtp_url=""
        )
        database = Database(settings.database)
        migrate(database)
        zone = zone_named(read_folder(folder).territory.text("zone"))
        day = day or next_working_day(clock(), zone)
        now = at_local(day, MORNING, zone)
        loaded = load_folder(database, folder=folder, day=day, now=now)
        with transaction(database) as session:
            rules.edit(session, name="slack", value=slack, actor=OPERATOR, now=now)

        def tell(scene: Scene) -> None:
            local = scene.at.astimezone(zone)
            bar.update(task, at=f"{local:%H:%M}")
            if loud and engine != "naive" and scene.kind in TOLD:
                detail = f": {scene.detail}" if scene.detail else ""
                bar.console.print(f"{local:%H:%M}  {TOLD[scene.kind]}{detail}")

        player = SimulatedDay(
            database,
            settings,
            territory_id=loaded.territory_id,
            day=day,
            now=now,
            engine=engine,
            seed=seed,
            tell=tell,
        )
        try:
            return player.play(), day
        finally:
            database.close()
            bar.remove_task(task)
