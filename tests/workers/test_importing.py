"""The task import.run: a worker that stops gives it back untouched, and another one does it."""

from pathlib import Path

import pytest
from sqlmodel import Session, select

from dispatch.core import tasks
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.core.tables import Task, TaskState
from dispatch.core.tasks import LEASE, MAX_RECOVERIES
from dispatch.exchange import imports, sending
from dispatch.exchange.checking import Choices
from dispatch.exchange.tables import ImportRun, ImportStatus
from dispatch.exchange.wording import in_chinese
from dispatch.registry.tables import Customer
from tests.builders.importing import make_town
from tests.builders.registry import ADMIN
from tests.instants import NOW
from workers import importing
from workers.broker import make_stub_broker
from workers.execution import Outcome, Stopping, drain, execute
from workers.handlers import HANDLERS
from workers.sweeper import Sweeper


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path)


def sent(session: Session, run: ImportRun) -> None:
    """A small file, sent whole."""
    content = b"id,name\nA1,a\n"
    imports.add_part(
        session,
        import_id=run.id or 0,
        name="a.csv",
        kind="customers",
        size=len(content),
        number=0,
        content=content,
    )


def started(database: Database) -> tuple[int, int]:
    """An import that waits for a worker, and its task."""
    with transaction(database) as session:
        run = imports.open_one(session, territory_id="town", actor=ADMIN, now=NOW)
        assert run.id is not None
        sent(session, run)
        imports.start(
            session, import_id=run.id, choices=Choices(), profile=None, actor=ADMIN, now=NOW
        )
        task = session.exec(select(Task).where(Task.kind == "import.run")).one()
        assert task.id is not None
        return run.id, task.id


def error(database: Database, import_id: int) -> str:
    with database.reading() as session:
        return imports.RUNS.get(session, import_id).error


def startable(database: Database) -> bool:
    """Whether another import of the territory can be started; it raises when not."""
    with transaction(database) as session:
        run = imports.open_one(session, territory_id="town", actor=ADMIN, now=NOW)
        sent(session, run)
        imports.start(
            session, import_id=run.id or 0, choices=Choices(), profile=None, actor=ADMIN, now=NOW
        )
    return True


def status(database: Database, import_id: int) -> ImportStatus:
    with database.reading() as session:
        return imports.RUNS.get(session, import_id).status


def test_a_worker_that_stops_gives_the_import_back_and_another_does_it(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    make_town(database, tmp_path)
    import_id, task_id = started(database)
    stopping = Stopping()
    stopping.work.set()

    outcome = execute(
        database,
        settings,
        task_id,
        owner="first",
        handlers=HANDLERS,
        clock=lambda _: NOW,
        stopping=stopping,
    )

    assert outcome is Outcome.HANDED_BACK
    assert status(database, import_id) is ImportStatus.WAITING
    drain(database, settings, now=NOW, handlers=HANDLERS)
    assert status(database, import_id) is ImportStatus.IMPORTED
    with database.reading() as session:
        assert session.get(Customer, "A1") is not None


def test_a_profile_removed_while_the_import_waits_ends_it_with_a_word_about_that(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    make_town(database, tmp_path)
    import_id, _ = started(database)
    with transaction(database) as session:
        imports.RUNS.get(session, import_id).profile = "gone"

    drain(database, settings, now=NOW, handlers=HANDLERS)

    assert status(database, import_id) is ImportStatus.FAILED
    assert error(database, import_id) == "There is no profile 'gone'."
    assert startable(database)


def test_an_import_at_which_the_program_fails_ends_with_what_happened(
    database: Database, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_town(database, tmp_path)
    import_id, task_id = started(database)

    def fails(*_: object, **__: object) -> None:
        raise OverflowError("date value out of range")

    monkeypatch.setattr(importing, "run", fails)
    outcomes = drain(database, settings, now=NOW, handlers=HANDLERS)

    assert outcomes[task_id] is Outcome.DONE
    assert status(database, import_id) is ImportStatus.FAILED
    assert "OverflowError: date value out of range" in error(database, import_id)
    assert in_chinese(error(database, import_id)).startswith(
        "程序处理这些文件时出错（OverflowError"
    )
    assert startable(database)


def test_an_import_whose_workers_died_is_ended_by_the_sweeper_with_what_happened(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    make_town(database, tmp_path)
    import_id, task_id = started(database)
    now = NOW
    for _ in range(MAX_RECOVERIES):
        with transaction(database) as session:
            assert tasks.claim(session, task_id, owner="killed", now=now) is not None
            imports.take(session, import_id=import_id, folder=tmp_path, now=now)
        now += LEASE * 2
        with transaction(database) as session:
            tasks.recover_expired(session, now=now)
    assert status(database, import_id) is ImportStatus.RUNNING

    Sweeper(database, settings, make_stub_broker(), clock=lambda _: now).sweep()

    assert status(database, import_id) is ImportStatus.FAILED
    assert "its worker died 3 times during it" in error(database, import_id)
    assert startable(database)


def test_an_import_that_no_worker_has_is_stopped_at_once(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    make_town(database, tmp_path)
    import_id, task_id = started(database)
    with transaction(database) as session:
        imports.take(session, import_id=import_id, folder=tmp_path, now=NOW)  # its worker then died

    with transaction(database) as session:
        imports.stop(session, import_id, actor=ADMIN, now=NOW)

    assert status(database, import_id) is ImportStatus.STOPPED
    drain(database, settings, now=NOW, handlers=HANDLERS)
    assert status(database, import_id) is ImportStatus.STOPPED

    with transaction(database) as session:
        imports.start(
            session, import_id=import_id, choices=Choices(), profile=None, actor=ADMIN, now=NOW
        )
        due = select(Task.id).where(Task.kind == "import.run", Task.state == TaskState.DUE)
        task_id = session.exec(due).one() or 0
        tasks.claim(session, task_id, owner="alive", now=NOW)
        run = imports.stop(session, import_id, actor=ADMIN, now=NOW)
        assert (run.status, run.stop_asked) == (ImportStatus.WAITING, True)


def test_files_nobody_imports_are_forgotten_after_a_day_and_old_imports_after_twenty(
    database: Database, tmp_path: Path
) -> None:
    make_town(database, tmp_path)
    import_id, _ = started(database)
    with transaction(database) as session:
        imports.RUNS.get(session, import_id).status = ImportStatus.REFUSED

    with transaction(database) as session:
        later = NOW + imports.IDLE * 2
        for _ in range(imports.KEPT):
            imports.open_one(session, territory_id="town", actor=ADMIN, now=later)

    with database.reading() as session:
        assert sending.files_of(session, import_id) == []
        listed = imports.RUNS.listed(session, territory_id="town")
        assert len(listed) == imports.KEPT
        assert import_id not in {run.id for run in listed}
