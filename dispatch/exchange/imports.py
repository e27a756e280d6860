"""An import over HTTP: opened, sent its files in pieces, started, followed, and read by a worker."""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.core import tasks
from dispatch.core.db import lock_for
from dispatch.core.errors import ConflictError, NotFoundError
from dispatch.core.events import Actor
from dispatch.core.runs import LISTED, LONGEST_ERROR, Runs
from dispatch.core.tables import Task, TaskState
from dispatch.exchange import profiles, sending
from dispatch.exchange.checking import STOPPED, Choices, Given
from dispatch.exchange.lifecycle import IMPORTS
from dispatch.exchange.mapping import NO_PROFILE, Profile
from dispatch.exchange.report import Ending, ProblemsFile, Report
from dispatch.exchange.sending import Sent
from dispatch.exchange.sources import Source
from dispatch.exchange.tables import ImportFile, ImportProblems, ImportRun, ImportStatus
from dispatch.registry import territories

UNDER_WAY = (ImportStatus.WAITING, ImportStatus.RUNNING)
KEPT = LISTED
"""Imports of a territory that are kept: those that are listed."""
_MOVE_OF = {Ending.CHECKED: "check", Ending.REFUSED: "refuse", Ending.IMPORTED: "keep"}
_PIECE = 1024 * 1024
_TASK = "import.run"
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


def add_part(
    session: Session,
    *,
    import_id: int,
    name: str,
    kind: str,
    size: int,
    number: int,
    content: bytes,
) -> Sent:
    """Keep piece `number` (from 0) of a file of `size` bytes; piece 0 begins the file anew.

    Raises NoSuchImport, ImportUnderWay, ImportDone and what `sending.keep_piece` does.
    """
    _refuse_unless_open(RUNS.locked(session, import_id))
    return sending.keep_piece(
        session,
        import_id=import_id,
        name=name,
        kind=kind,
        size=size,
        number=number,
        content=content,
    )


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

    Raises NoSuchImport, NoFiles, FileNotWhole, NoSuchProfile, ImportDone and ImportUnderWay.
    """
    run = RUNS.locked(session, import_id)
    _refuse_unless_open(run)
    lock_for(session, f"import.start:{run.territory_id}")
    others = RUNS.listed(session, territory_id=run.territory_id)
    if any(other.status in UNDER_WAY for other in others):
        raise ImportUnderWay("Another import is under way: wait for it, or stop it.")
    sending.check_whole(session, import_id)
    if profile is not None:
        profiles.get(session, profile)
    run.dry_run, run.skip_bad, run.update = choices.dry_run, choices.skip_bad, choices.update
    run.profile, run.starts, run.stop_asked = profile, run.starts + 1, False
    run.progress, run.found, run.error, run.ended_at = {}, None, "", None
    run.created_by = actor.id
    _forget_problems(session, [import_id])
    RUNS.move(session, run, "start", actor=actor, now=now)
    payload = {"import_id": run.id}
    tasks.enqueue(session, _TASK, key=_task_of(run), payload=payload, now=now)
    return run


def stop(session: Session, import_id: int, *, actor: Actor, now: datetime) -> ImportRun:
    """Ask the worker to stop; an import that no worker has at the moment ends at once. Raises NoSuchImport."""
    run = RUNS.stop(session, import_id, actor=actor, now=now)
    held = session.exec(
        select(Task.id).where(
            Task.dedupe_key == _task_of(run),
            Task.state == TaskState.LEASED,
            col(Task.lease_until) > now,
        )
    ).first()
    if run.status in UNDER_WAY and held is None:
        end(session, import_id=import_id, action="stop", error=STOPPED, now=now)
    return run


def take(session: Session, *, import_id: int, folder: Path, now: datetime) -> Job | None:
    """Begin: the files are written to `folder`. None when there is nothing to do. Raises NoSuchImport."""
    run = RUNS.locked(session, import_id)
    if run.status not in UNDER_WAY:
        return None
    given = []
    for number, file in enumerate(sending.files_of(session, import_id)):
        path = folder / f"{number}"
        sending.write_out(session, file, path)
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


def answer(
    session: Session, *, import_id: int, report: Report, problems: ProblemsFile, now: datetime
) -> None:
    """Record what came of it, in the transaction of its rows; the files of one that is done are forgotten."""
    run = RUNS.locked(session, import_id)
    run.found, run.ended_at = report.document(), now
    if report.problem_count:
        for number, piece in enumerate(problems.pieces(_PIECE)):
            content = zlib.compress(piece)
            session.add(ImportProblems(import_id=import_id, number=number, content=content))
            session.flush()
    RUNS.move(session, run, _MOVE_OF[report.ending], now=now)
    if report.ending is Ending.IMPORTED:
        sending.forget_files(session, col(ImportFile.import_id) == import_id)


def problems_of(session: Session, import_id: int) -> Iterator[bytes]:
    """Every problem that the import found, as a CSV file in pieces; nothing when it found none."""
    statement = select(ImportProblems.content).where(ImportProblems.import_id == import_id)
    found = session.exec(
        statement.order_by(col(ImportProblems.number)).execution_options(yield_per=1)
    )
    return (zlib.decompress(piece) for piece in found)


def end(session: Session, *, import_id: int, action: str, error: str, now: datetime) -> None:
    """Record that it took nothing: `stop`, `give_up` with its error, or `retry` when another worker begins anew."""
    run = RUNS.locked(session, import_id)
    if run.status in UNDER_WAY and not (action == "retry" and run.status is ImportStatus.WAITING):
        run.error = error[:LONGEST_ERROR]
        run.ended_at = None if action == "retry" else now
        RUNS.move(session, run, action, now=now)


def stranded(session: Session) -> list[tuple[int, str]]:
    """The imports that nobody will end, because their task is dead, each with what the task died of."""
    table = ImportRun.__table__.c  # type: ignore[attr-defined]
    key = sa.literal(f"{_TASK}:").concat(sa.cast(table.id, sa.String))
    key = key.concat(":").concat(sa.cast(table.starts, sa.String))
    statement = (
        select(table.id, col(Task.last_error))
        .join(Task, col(Task.dedupe_key) == key)
        .where(table.status.in_(UNDER_WAY), col(Task.state) == TaskState.DEAD)
    )
    return [(number, error or "") for number, error in session.exec(statement)]


def give_up_stranded(session: Session, *, now: datetime) -> int:
    """End them, so that nobody waits for them and they stand in no other one's way; how many."""
    found = stranded(session)
    for number, error in found:
        said = f"Its task gave up ({error}); nothing was taken."
        end(session, import_id=number, action="give_up", error=said, now=now)
    return len(found)


def _task_of(run: ImportRun) -> str:
    return f"{_TASK}:{run.id}:{run.starts}"


def _refuse_unless_open(run: ImportRun) -> None:
    if run.status in UNDER_WAY:
        raise ImportUnderWay("The import is under way: wait for it, or stop it.")
    if run.status is ImportStatus.IMPORTED:
        raise ImportDone("The import is done; open another one.")


def _forget(session: Session, territory_id: str, now: datetime) -> None:
    runs = list(
        session.exec(
            select(ImportRun)
            .where(ImportRun.territory_id == territory_id)
            .order_by(col(ImportRun.id).desc())
        )
    )
    idle = [run.id for run in runs if run.created_at < now - IDLE and run.status not in UNDER_WAY]
    sending.forget_files(session, col(ImportFile.import_id).in_(idle))
    old = [run.id for run in runs[KEPT - 1 :] if run.status not in UNDER_WAY]
    sending.forget_files(session, col(ImportFile.import_id).in_(old))
    _forget_problems(session, old)
    session.execute(sa.delete(ImportRun).where(col(ImportRun.id).in_(old)))


def _forget_problems(session: Session, numbers: Sequence[int | None]) -> None:
    session.execute(sa.delete(ImportProblems).where(col(ImportProblems.import_id).in_(numbers)))
