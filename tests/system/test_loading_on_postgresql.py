"""A branch is loaded and exported on PostgreSQL as on SQLite, and by one of several who try at once."""

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import select

from dispatch.core.db import Database, DatabaseAway
from dispatch.exchange.export import export_folder
from dispatch.exchange.folder import COLUMNS
from dispatch.exchange.loading import Loaded, load_folder
from dispatch.exchange.sheets import BadFile
from dispatch.registry.tables import Customer
from dispatch.work.queries import pool
from tests.builders.exchange import make_folder
from tests.instants import DAY, NOW

pytestmark = pytest.mark.system

HUMEN = Path(__file__).parents[2] / "examples" / "humen"


def customers(database: Database) -> int:
    with database.reading() as session:
        return session.exec(select(sa.func.count()).select_from(Customer)).one()


def test_two_who_load_at_the_same_moment_load_it_once(postgresql: Database) -> None:
    gate, outcomes = threading.Barrier(2), list[Loaded | DatabaseAway]()

    def load() -> None:
        gate.wait(10)
        try:
            outcomes.append(load_folder(postgresql, folder=HUMEN, now=NOW))
        except DatabaseAway as busy:  # waited longer for the other than a lock is waited for
            outcomes.append(busy)

    threads = [threading.Thread(target=load) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    made = [outcome for outcome in outcomes if isinstance(outcome, Loaded) and not outcome.already]
    assert len(outcomes) == 2
    assert len(made) == 1
    assert load_folder(postgresql, folder=HUMEN, now=NOW).already
    assert customers(postgresql) == 2000
    with postgresql.reading() as session:
        assert len(pool(session, territory_id="humen", day=DAY)) == 105


def test_a_refused_file_leaves_nothing_behind(postgresql: Database, tmp_path: Path) -> None:
    folder = make_folder(tmp_path, relations={(2, "type"): "before"})  # the last file of all

    with pytest.raises(BadFile, match=r"relations\.csv, row 2, column type"):
        load_folder(postgresql, folder=folder, now=NOW)

    assert customers(postgresql) == 0


def test_what_is_exported_can_be_loaded_elsewhere(
    postgresql: Database, database: Database, tmp_path: Path
) -> None:
    load_folder(postgresql, folder=make_folder(tmp_path / "in"), now=NOW)
    for name, source in (("out", postgresql), ("again", database)):
        if name == "again":
            load_folder(database, folder=tmp_path / "out", now=NOW)
        export_folder(source, folder=tmp_path / name, territory_id="town", day=DAY)

    for file in COLUMNS:
        assert (tmp_path / "out" / file).read_bytes() == (tmp_path / "again" / file).read_bytes()
