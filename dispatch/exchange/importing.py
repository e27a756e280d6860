"""Importing files: first every row is checked, then all accepted rows are written in one transaction, or none.

What is imported a second time is found known, so nothing changes.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from dispatch.core import events
from dispatch.core.calendar import local_day, zone_named
from dispatch.core.db import Database, lock_for, transaction
from dispatch.core.errors import ConflictError
from dispatch.core.events import Actor
from dispatch.exchange.aside import laid_aside
from dispatch.exchange.checking import Choices, Given, Progress, Step, Tell, check, check_kind
from dispatch.exchange.kinds import KINDS, Ground, Kind, Values
from dispatch.exchange.mapping import NO_PROFILE, Profile
from dispatch.exchange.report import Ending, FileReport, Problem, Report
from dispatch.exchange.sheets import BadFile, Row
from dispatch.registry import territories

IMPORTED = "import.done"

Closing = Callable[[Session, Report], None]


class ChangedMeanwhile(ConflictError):
    """Somebody else wrote rows of the import while it went on; nothing of it was taken."""

    code = "changed_meanwhile"


class _Undone(Exception):
    """Ends a transaction whose rows are not to stay."""


def _silent(_progress: Progress) -> None:
    """Tell nobody."""


def _never() -> bool:
    """Never stop."""
    return False


def run(
    database: Database,
    given: Sequence[Given],
    *,
    territory_id: str,
    choices: Choices,
    profile: Profile = NO_PROFILE,
    actor: Actor,
    now: datetime,
    tell: Tell = _silent,
    should_stop: Callable[[], bool] = _never,
    told: Callable[[Problem], None] | None = None,
    closing: Closing | None = None,
) -> Report:
    """Import files into a territory, customers before their premises whatever their order.

    `told` hears of every problem; `closing` is called in the transaction that keeps the rows, or in one of its own
    when none are kept. Raises NoSuchTerritory, NoSuchKind, Stopped and ChangedMeanwhile, with nothing changed.
    """
    order = list(KINDS)
    files = sorted(given, key=lambda one: order.index(check_kind(one.kind)))
    report = Report(told=told)
    with laid_aside() as aside:
        with database.reading() as session:
            territory = territories.get(session, territory_id)
            zone = zone_named(territory.zone)
            ground = Ground(territory, zone, local_day(now, zone), actor, now)
            step = Step(session, ground, choices, report, aside, tell, should_stop)
            check(step, files, profile)
        refused = report.broken or (report.problem_count > 0 and not choices.skip_bad)
        report.ending = Ending.REFUSED if refused else Ending.CHECKED
        if not refused and (not choices.dry_run or _by_operation(report)):
            try:
                with transaction(database) as session:
                    _write(session, step)
                    if closing is not None:
                        closing(session, report)
            except _Undone:
                pass
            except IntegrityError as error:
                raise ChangedMeanwhile(
                    "Somebody else wrote some of these rows in the meantime; nothing was taken. Import again."
                ) from error
            else:
                return report
    if closing is not None:
        with transaction(database) as session:
            closing(session, report)
    return report


def _by_operation(report: Report) -> bool:
    """Whether rows are made by operations, which may still refuse one; a dry run tries them and takes them back."""
    return any(file.new and KINDS[file.kind].write for file in report.files)


def _write(session: Session, step: Step) -> None:
    """Write what was laid aside; raises _Undone when it is not to stay."""
    ground, report, done = step.ground, step.report, 0
    lock_for(session, f"import:{ground.territory.id}")
    for batch in step.aside.batches():
        about = report.files[batch[0].file]
        kind = KINDS[about.kind]
        rows = [Row(about.file, laid.number, laid.cells, about.columns) for laid in batch]
        if kind.write is not None:
            _operate(session, step, kind, about, rows)
        else:
            values = [kind.read(row, ground) for row in rows]
            if batch[0].known:
                _change(session, step, kind, about, values)
            else:
                session.execute(sa.insert(kind.table), values)
        done += len(batch)
        step.beat("writing", about.file, done, step.aside.count)
    refused = report.problem_count > 0 and not step.choices.skip_bad
    if refused or step.choices.dry_run:
        report.ending = Ending.REFUSED if refused else Ending.CHECKED
        raise _Undone
    report.ending = Ending.IMPORTED
    if report.new + report.changed > 0:
        _record(session, step)


def _operate(
    session: Session, step: Step, kind: Kind, about: FileReport, rows: Sequence[Row]
) -> None:
    """Make each row by its operation; one that is refused leaves nothing behind."""
    assert kind.write is not None, "asked for by the caller"
    for row in rows:
        try:
            with session.begin_nested():
                kind.write(session, row, kind.read(row, step.ground), step.ground)
        except BadFile as error:
            about.new -= 1
            about.bad += 1
            step.report.note(about, error)


def _change(
    session: Session, step: Step, kind: Kind, about: FileReport, values: Sequence[Values]
) -> None:
    """Give known rows the file's values in the columns that the file has, and record which rows changed."""
    columns = kind.table.__table__.c
    fields = [name for name in about.columns if name in values[0] and name not in kind.key]
    statement = sa.update(kind.table.__table__).where(
        *(columns[name] == sa.bindparam(f"key_{name}") for name in kind.key)
    )
    new: dict[str, object] = {name: sa.bindparam(f"new_{name}") for name in fields}
    for name, others in kind.void.items():
        same = [columns[other] == new[other] for other in others if other in fields]
        if same and name not in fields:
            new[name] = sa.case((sa.and_(*same), columns[name]), else_=None)
    if "version" in columns:
        new["version"] = columns.version + 1
    session.execute(
        statement.values(new),
        [
            {f"key_{name}": row[name] for name in kind.key}
            | {f"new_{name}": row[name] for name in fields}
            for row in values
        ],
    )
    for row in values:
        events.record(
            session,
            f"{kind.table.__tablename__}.changed",
            entity=kind.table.__tablename__,
            entity_id=str(row[kind.key[0]]),
            actor=step.ground.actor,
            now=step.ground.now,
            territory_id=step.ground.territory.id,
            data={"fields": sorted(fields), "by": "import"},
        )
    session.flush()


def _record(session: Session, step: Step) -> None:
    counts = [
        {"kind": file.kind, "rows": file.rows, "new": file.new, "changed": file.changed}
        for file in step.report.files
    ]
    events.record(
        session,
        IMPORTED,
        entity="territory",
        entity_id=step.ground.territory.id,
        actor=step.ground.actor,
        now=step.ground.now,
        territory_id=step.ground.territory.id,
        data={"files": counts},
    )
