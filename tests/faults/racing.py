"""What the races share: both databases prepared alike."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from dispatch.core.db import Database, DatabaseAway, transaction
from tests.system import postgresql as postgres


def stubbornly(database: Database, work: Callable[..., object]) -> None:
    """Do the work in a transaction, as often as it takes while the database is too busy for it."""
    again = True
    while again:
        try:
            with transaction(database) as session:
                work(session)
            again = False
        except DatabaseAway:
            continue


class Copies:
    """Fresh copies of a prepared database, on either kind."""

    def __init__(
        self, kind: str, folder: Path, empty: Path, server: str | None, template: str
    ) -> None:
        self.kind, self.folder, self.empty = kind, folder, empty
        self.server, self.template = server, template
        self.made = 0

    @contextmanager
    def open(self, prepared: "Path | str | None" = None) -> Iterator[Database]:
        """A copy of `prepared` (see `prepare`), or an empty database, for the block."""
        if self.server is None:
            self.made += 1
            path = self.folder / f"copy-{self.made}.db"
            shutil.copyfile(prepared or self.empty, path)
            with closing(Database(f"sqlite:///{path}")) as database:
                yield database
            for name in self.folder.glob(f"{path.name}*"):
                name.unlink()
            return
        with (
            postgres.fresh_database(self.server, str(prepared or self.template)) as url,
            closing(Database(url)) as database,
        ):
            yield database

    @contextmanager
    def prepare(self, fill: Callable[[Database], None]) -> "Iterator[Path | str]":
        """A database that `fill` has filled, to be copied within the block."""
        with self.open() as database:
            fill(database)
            if database.is_sqlite:
                with database.engine.connect() as connection:
                    connection.exec_driver_sql("ROLLBACK")
                    connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            database.close()
            yield (
                Path(str(database.url.database))
                if database.is_sqlite
                else str(database.url.database)
            )
