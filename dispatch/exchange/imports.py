"""An import over HTTP: opened, sent its files in pieces, started, followed, and read by a worker."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.core import tasks
from dispatch.core.db import lock_for
from dispatch.core.errors import ConflictError, InvalidError, NotFoundError
from dispatch.core.events import Actor
from dispatch.core.runs import LISTED, LONGEST_ERROR, Runs
from dispatch.exchange import profiles
from dispatch.exchange.checking import Choices, Given, check_kind
from dispatch.exchange.lifecycle import IMPORTS
from dispatch.exchange.mapping import NO_PROFILE, Profile
from dispatch.exchange.report import Ending, Report
from dispatch.exchange.sources import MAX_FILE_BYTES, Source
from dispatch.exchange.tables import ImportFile, ImportPart, ImportRun, ImportStatus
from dispatch.registry import territories

UNDER_WAY = (ImportStatus.WAITING, ImportStatus.RUNNING)
KEPT = LISTED
"""Imports of a territory that are kept: those that are listed."""
MOST_FILES = 20
MOST_PARTS = 512
_MOVE_OF = {Ending.CHECKED: "check", Ending.REFUSED: "refuse", Ending.IMPORTED: "keep"}
IDLE = timedelta(days=1)
"""How long files are kept that nobody imports."""


class NoSuchImport(NotFoundError):
    """No import has this number."""

    code = "no_such_import"


class ImportUnderWay(ConflictError):
    """The import, or another of the territory, is under way."""

    code = "import_under_way"


class ImportDone(ConflictError):
    """The import is done; its files are gone."""

    code = "import_done"


class NoFiles(InvalidError):
    """No file was sent, or a piece of one is missing."""

    code = "no_files"


class TooManyFiles(InvalidError):
    """An import holds so many files, and a file so many pieces."""

    code = "too_many_files"


RUNS: Runs[ImportRun, ImportStatus] = Runs(
    ImportRun,
    IMPORTS,
    NoSuchImport,
    under_way=UNDER_WAY,
    at_work=ImportStatus.RUNNING,
    key="import_id",
)


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker is to import."""

    territory_id: str
    given: list[Given]
    choices: Choices
    profile: Profile
    actor: Actor


def open_one(session: Session, *, territory_id: str, actor: Actor, now: datetime) -> ImportRun:
    """Begin an import that files can be sent to; the oldest, and files nobody imports, are forgotten."""
    territories.get(session, territory_id)
    _forget(session, territory_id, now)
    run = ImportRun(territory_id=territory_id, created_by=actor.id, created_at=now)
    session.add(run)
    session.flush()
    RUNS.record(session, run, run.status.value, actor=actor, now=now)
    return run


def files_of(session: Session, import_id: int) -> list[ImportFile]:
    """The import's files by name."""
    statement = select(ImportFile).where(ImportFile.import_id == import_id)
    return list(session.exec(statement.order_by(ImportFile.name)))


def add_part(
    session: Session, *, import_id: int, name: str, kind: str, number: int, content: bytes
) -> ImportFile:
    """Keep piece `number` (from 0) of a file; piece 0 begins the file anew.

    Raises NoSuchImport, NoSuchKind, ImportUnderWay, ImportDone, NoFiles and TooManyFiles.
    """
    run = RUNS.locked(session, import_id)
    _refuse_unless_open(run)
    check_kind(kind)
    found = next((row for row in files_of(session, import_id) if row.name == name), None)
    if number == 0 and found is not None:
        _remove_files(session, col(ImportFile.id) == found.id)
        found = None
    if found is None:
        if number != 0:
            raise NoFiles("Send a file's pieces in order, beginning with 0.", field="number")
        if len(files_of(session, import_id)) >= MOST_FILES:
            raise TooManyFiles(f"An import holds at most {MOST_FILES} files.", field="name")
        found = ImportFile(import_id=import_id, name=name, kind=kind)
        session.add(found)
        session.flush()
    assert found.id is not None
    count = _count(session, found.id)
    if number > count:
        raise NoFiles(f"Piece {count} of {name} was not sent yet.", field="number")
    if number >= MOST_PARTS:
        raise TooManyFiles(f"A file has at most {MOST_PARTS} pieces; split it.", field="number")
    session.merge(ImportPart(file_id=found.id, number=number, content=content))
    session.flush()
    return found


def start(
    session: Session,
    *,
    import_id: int,
    choices: Choices,
    profile: str | None,
    actor: Actor,
    now: datetime,
) -> ImportRun:
    """Have a worker read the files; one that took nothing may be started again with other choices.

    Raises NoSuchImport, NoFiles, NoSuchProfile, ImportDone and ImportUnderWay.
    """
    run = RUNS.locked(session, import_id)
    _refuse_unless_open(run)
    lock_for(session, f"import.start:{run.territory_id}")
    others = RUNS.listed(session, territory_id=run.territory_id)
    if any(other.status in UNDER_WAY for other in others):
        raise ImportUnderWay("Another import is under way: wait for it, or stop it.")
    if not files_of(session, import_id):
        raise NoFiles("Send a file first.", field="files")
    if profile is not None:
        profiles.get(session, profile)
    run.dry_run, run.skip_bad, run.update = choices.dry_run, choices.skip_bad, choices.update
    run.profile, run.starts, run.stop_asked = profile, run.starts + 1, False
    run.progress, run.found, run.error, run.ended_at = {}, None, "", None
    run.created_by = actor.id
    RUNS.move(session, run, "start", actor=actor, now=now)
    key = f"import.run:{run.id}:{run.starts}"
    tasks.enqueue(session, "import.run", key=key, payload={"import_id": run.id}, now=now)
    return run


def take(session: Session, *, import_id: int, folder: Path, now: datetime) -> Job | None:
    """Begin: the files are written to `folder`. None when there is nothing to do. Raises NoSuchImport."""
    run = RUNS.locked(session, import_id)
    if run.status not in UNDER_WAY:
        return None
    given = []
    for number, file in enumerate(files_of(session, import_id)):
        path = folder / f"{number}"
        _write_out(session, file, path)
        given.append(Given(Source(path, file.name), file.kind))
    profile = NO_PROFILE if run.profile is None else profiles.named(session, run.profile)
    RUNS.move(session, run, "read", now=now)
    return Job(
        run.territory_id,
        given,
        Choices(run.dry_run, run.skip_bad, run.update),
        profile,
        Actor(run.created_by, "admin"),
    )


def answer(session: Session, *, import_id: int, report: Report, now: datetime) -> None:
    """Record what came of it, in the transaction of its rows; the files of one that is done are forgotten."""
    run = RUNS.locked(session, import_id)
    run.found, run.ended_at = report.document(), now
    RUNS.move(session, run, _MOVE_OF[report.ending], now=now)
    if report.ending is Ending.IMPORTED:
        _remove_files(session, col(ImportFile.import_id) == import_id)


def end(session: Session, *, import_id: int, action: str, error: str, now: datetime) -> None:
    """Record that it took nothing: `stop`, `give_up` with its error, or `retry` when another worker begins anew."""
    run = RUNS.locked(session, import_id)
    if run.status in UNDER_WAY and not (action == "retry" and run.status is ImportStatus.WAITING):
        run.error = error[:LONGEST_ERROR]
        run.ended_at = None if action == "retry" else now
        RUNS.move(session, run, action, now=now)


def _refuse_unless_open(run: ImportRun) -> None:
    if run.status in UNDER_WAY:
        raise ImportUnderWay("The import is under way: wait for it, or stop it.")
    if run.status is ImportStatus.IMPORTED:
        raise ImportDone("The import is done; open another one.")


def _count(session: Session, file_id: int) -> int:
    counted = select(sa.func.count()).select_from(ImportPart).where(ImportPart.file_id == file_id)
    return session.exec(counted).one()


def _write_out(session: Session, file: ImportFile, path: Path) -> None:
    """The file's pieces, one in memory at a time."""
    assert file.id is not None
    size = 0
    with path.open("wb") as out:
        for number in range(_count(session, file.id)):
            statement = select(ImportPart.content).where(
                ImportPart.file_id == file.id, ImportPart.number == number
            )
            size += out.write(session.exec(statement).one())
            if size > MAX_FILE_BYTES:
                break  # the reader refuses it


def _forget(session: Session, territory_id: str, now: datetime) -> None:
    runs = list(
        session.exec(
            select(ImportRun)
            .where(ImportRun.territory_id == territory_id)
            .order_by(col(ImportRun.id).desc())
        )
    )
    idle = [run.id for run in runs if run.created_at < now - IDLE and run.status not in UNDER_WAY]
    _remove_files(session, col(ImportFile.import_id).in_(idle))
    old = [run.id for run in runs[KEPT - 1 :] if run.status not in UNDER_WAY]
    _remove_files(session, col(ImportFile.import_id).in_(old))
    session.execute(sa.delete(ImportRun).where(col(ImportRun.id).in_(old)))


def _remove_files(session: Session, which: sa.ColumnElement[bool]) -> None:
    files = sa.select(ImportFile.__table__.c.id).where(which)  # type: ignore[attr-defined]
    session.execute(sa.delete(ImportPart).where(col(ImportPart.file_id).in_(files)))
    session.execute(sa.delete(ImportFile).where(which))
