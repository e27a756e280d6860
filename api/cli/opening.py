"""The first minute of `up`: the example loaded, its day planned and published, the figures shown."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from rich.progress import Progress, TaskID
from sqlmodel import col, select

from api.cli.console import OPERATOR, progress, refuse
from dispatch.contact.quiet import quiet_until
from dispatch.core.calendar import FIRST_DAY, LAST_DAY, next_working_day, zone_named
from dispatch.core.db import Database, transaction
from dispatch.core.errors import DispatchError, NotFoundError
from dispatch.exchange.loading import Loaded, load_folder
from dispatch.planning import plans
from dispatch.planning.tables import Plan, PlanStatus
from dispatch.registry import accounts
from dispatch.registry.tables import Role, Territory

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "humen"
LOGIN = "admin"
POLL_S = 0.2
BEGINNING_S = 180
"""How long the workers may take beside the search itself; on one slow core with other work that is long."""


class ExampleMissing(DispatchError):
    """The example's files are not there: an installation from the wheel has none."""

    code = "example_missing"
    status = 404


class NoTerritory(NotFoundError):
    """Nothing has been loaded yet."""

    code = "no_territory"


class PlanningFailed(DispatchError):
    """The day could not be planned; the plan says why."""

    code = "planning_failed"
    status = 500


@dataclass(frozen=True, slots=True)
class Opened:
    """What `up` opens on: a territory's day and its plan in force, None when it has none yet."""

    territory_id: str
    day: date
    plan_id: int | None
    quiet_until: datetime | None = None
    """When the quiet hours that hold now end, local time: messages to customers wait until then."""


def load_example(database: Database, *, day: date | None, now: datetime) -> None:
    """Load the Humen example unless the database has a territory already."""
    with database.reading() as session:
        if session.exec(select(Territory.id).limit(1)).first() is not None:
            return
    if not EXAMPLE.is_dir():
        raise ExampleMissing(
            f"{EXAMPLE} is missing; start with `gridcrew up --empty`, then `gridcrew import`."
        )
    load_with_progress(database, folder=EXAMPLE, day=day, now=now)


def load_with_progress(
    database: Database, *, folder: Path, day: date | None, now: datetime
) -> Loaded:
    """Load a folder of a branch's data, showing how far it is."""
    with progress() as bar:
        task = bar.add_task(f"loading {folder.name}", total=None)

        def show(file: str, done: int, total: int) -> None:
            bar.update(
                task, description=f"loading {folder.name}: {file}", completed=done, total=total
            )

        return load_folder(database, folder=folder, day=day, now=now, progress=show)


def open_day(database: Database, *, day: date | None, now: datetime) -> Opened | None:
    """The day to open on: the one asked for, else the newest published and not over, else the next working day.

    None when there is no territory at all.
    """
    with database.reading() as session:
        territory = session.exec(select(Territory).order_by(Territory.id).limit(1)).first()
        if territory is None:
            return None
        zone = zone_named(territory.zone)
        night = quiet_until(now, zone)
        quiet = None if night is None else night.astimezone(zone)
        in_force = select(Plan).where(
            Plan.territory_id == territory.id,
            col(Plan.status).in_((PlanStatus.PUBLISHED, PlanStatus.ACTIVE)),
        )
        wanted = (
            in_force.where(Plan.day == day)
            if day
            else in_force.where(Plan.day >= now.astimezone(zone).date())
        )
        plan = session.exec(
            wanted.order_by(col(Plan.day), col(Plan.number).desc()).limit(1)
        ).first()
        if plan is not None:
            return Opened(territory.id, plan.day, plan.id, quiet)
        return Opened(territory.id, day or next_working_day(now, zone), None, quiet)


def chosen_day(database: Database, *, day: datetime | None, now: datetime) -> Opened:
    """What `open_day` finds for the day typed on the command line; raises NoTerritory."""
    found = open_day(database, day=typed_date(day), now=now)
    if found is None:
        raise NoTerritory(
            "there is no territory yet; `gridcrew import examples/humen` loads the example"
        )
    return found


def typed_date(moment: datetime | None) -> date | None:
    """The date of a day typed on the command line, which is read as a datetime; one out of reach is refused."""
    if moment is None:
        return None
    day = moment.date()
    if not FIRST_DAY <= day <= LAST_DAY:
        refuse(f"{day} does not lie between {FIRST_DAY} and {LAST_DAY}.")
    return day


def plan_and_wait(
    database: Database,
    opened: Opened,
    *,
    seconds: float,
    options: dict[str, Any],
    clock: Callable[[], datetime],
) -> Opened:
    """Have the workers plan the day and show their progress until it is proposed. Raises PlanningFailed."""
    with transaction(database) as session:
        plan_id = plans.request_plan(
            session,
            territory_id=opened.territory_id,
            day=opened.day,
            options=options,
            actor=OPERATOR,
            now=clock(),
        ).id
    assert plan_id is not None
    with progress("{task.fields[best]}") as bar:
        task = bar.add_task(f"planning {opened.day}", total=seconds, best="")
        _follow(database, plan_id, bar, task, patience=seconds + BEGINNING_S)
    return replace(opened, plan_id=plan_id)


def plan_and_publish(
    database: Database, opened: Opened, *, seconds: float, clock: Callable[[], datetime]
) -> Opened:
    """Plan the day and publish it. Raises PlanningFailed."""
    proposed = plan_and_wait(database, opened, seconds=seconds, options={}, clock=clock)
    assert proposed.plan_id is not None
    with transaction(database) as session:
        plans.publish(session, plan_id=proposed.plan_id, actor=OPERATOR, now=clock())
    return proposed


def _follow(
    database: Database, plan_id: int, bar: Progress, task: TaskID, *, patience: float
) -> None:
    given_up = time.monotonic() + patience
    while time.monotonic() < given_up:
        with database.reading() as session:
            plan = session.get_one(Plan, plan_id)
        if plan.status is PlanStatus.PROPOSED:
            return
        if plan.status not in {PlanStatus.DRAFT, PlanStatus.SOLVING}:
            raise PlanningFailed(f"The day could not be planned: {plan.error or plan.status.value}")
        now = plan.progress
        if now:
            best = f"cost {now['total']:,}, {now['served']} visits"
            bar.update(task, completed=now["seconds"], best=best)
        time.sleep(POLL_S)
    raise PlanningFailed("The workers have not planned the day in time; see `gridcrew doctor`.")


def sign_in_link(database: Database, *, base_url: str, now: datetime) -> str:
    """A one-time link that signs the operator in; the account is made at the first start."""
    with transaction(database) as session:
        account = accounts.by_login(session, LOGIN)
        if account is None:
            account = accounts.create(
                session, login=LOGIN, name="Admin", role=Role.ADMIN, actor=OPERATOR, now=now
            )
        token = accounts.make_link(session, account_id=account.id, now=now)
    return f"{base_url}/sign-in/{token}"
