"""The task import.run: files that were sent are read, checked and written, with progress that a person can stop."""

import tempfile
from dataclasses import asdict
from pathlib import Path

import structlog
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from dispatch.core.db import DatabaseAway, StaleVersion, transaction
from dispatch.core.errors import DispatchError
from dispatch.core.tasks import LostLease
from dispatch.exchange import imports
from dispatch.exchange.checking import Progress, Stopped
from dispatch.exchange.importing import run
from dispatch.exchange.imports import Job
from dispatch.exchange.report import ProblemsFile, Report
from workers.execution import Interrupted, Work, describe
from workers.watching import Watch

logger = structlog.get_logger(__name__)


def import_files(work: Work) -> None:
    """Do one import; its rows, its report and the done-mark are one transaction. Raises Interrupted."""
    import_id = int(work.payload["import_id"])
    try:
        with tempfile.TemporaryDirectory(prefix="gridcrew-import-") as folder:
            job = _taken(work, import_id, Path(folder))
            if job is not None:
                with ProblemsFile(Path(folder) / "problems.csv") as problems:
                    _import(work, import_id, job, problems)
    except Stopped as stopped:
        stopping = work.is_cut_short()
        _end(work, import_id, "retry" if stopping else "stop", stopped.message)
        if stopping:
            raise Interrupted from None
    except DispatchError as error:
        if error.code in {LostLease.code, StaleVersion.code, DatabaseAway.code}:
            raise  # it is tried again, by us or by whoever has it now
        _end(work, import_id, "give_up", error.message)
    except DBAPIError:
        logger.exception("import.failed", import_id=import_id)
        _end(work, import_id, "give_up", "The database refused a value of the files.")
    except (
        Exception
    ) as error:  # it would fail so again, while nothing else of the territory is imported
        logger.exception("import.failed", import_id=import_id)
        said = f"The program failed at these files ({describe(error)}); nothing was taken."
        _end(work, import_id, "give_up", said)


def _taken(work: Work, import_id: int, folder: Path) -> Job | None:
    """What is to be imported, its files written to `folder`; None, and the task is finished, when nothing is."""
    with transaction(work.database) as session:
        now = work.clock(session)
        job = imports.take(session, import_id=import_id, folder=folder, now=now)
        if job is None:
            work.finish(session)
        return job


def _import(work: Work, import_id: int, job: Job, problems: ProblemsFile) -> None:
    watch = Watch(
        work,
        goes_on=lambda session: imports.RUNS.goes_on(session, import_id),
        store=lambda session, progress: imports.RUNS.record_progress(
            session, import_id, progress=progress
        ),
    )

    def tell(progress: Progress) -> None:
        # While rows are written, SQLite's one writer is this import: nobody could store how far it is.
        if progress.phase == "checking" or not work.database.is_sqlite:
            watch.note(asdict(progress))

    def closing(session: Session, report: Report) -> None:
        work.hold(session)
        now = work.clock(session)
        imports.answer(session, import_id=import_id, report=report, problems=problems, now=now)
        work.finish(session)

    with work.database.reading() as session:
        now = work.clock(session)
    run(
        work.database,
        job.given,
        territory_id=job.territory_id,
        choices=job.choices,
        profile=job.profile,
        actor=job.actor,
        now=now,
        tell=tell,
        should_stop=watch.should_stop,
        told=problems.note,
        closing=closing,
    )


def _end(work: Work, import_id: int, action: str, error: str) -> None:
    with transaction(work.database) as session:
        work.hold(session)
        now = work.clock(session)
        imports.end(session, import_id=import_id, action=action, error=error, now=now)
        if action != "retry":
            work.finish(session)
