"""The task import.run: a worker that stops gives it back untouched, and another one does it."""

from pathlib import Path

import pytest
from sqlmodel import select

from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.core.tables import Task
from dispatch.exchange import imports
from dispatch.exchange.checking import Choices
from dispatch.exchange.tables import ImportStatus
from dispatch.registry.tables import Customer
from tests.builders.importing import make_town
from tests.builders.registry import ADMIN
from tests.instants import NOW
from workers.execution import Outcome, Stopping, drain, execute
from workers.handlers import HANDLERS


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path)


def started(database: Database) -> tuple[int, int]:
    """An import that waits for a worker, and its task."""
    with transaction(database) as session:
        run = imports.open_one(session, territory_id="town", actor=ADMIN, now=NOW)
        assert run.id is not None
        imports.add_part(
            session,
            import_id=run.id,
            name="a.csv",
            kind="customers",
            number=0,
            content=b"id,name\nA1,a\n",
        )
        imports.start(
            session, import_id=run.id, choices=Choices(), profile=None, actor=ADMIN, now=NOW
        )
        task = session.exec(select(Task).where(Task.kind == "import.run")).one()
        assert task.id is not None
        return run.id, task.id


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
        assert imports.files_of(session, import_id) == []
        listed = imports.RUNS.listed(session, territory_id="town")
        assert len(listed) == imports.KEPT
        assert import_id not in {run.id for run in listed}
