"""The database: engine, column types, and `transaction()`, the only place that commits."""

import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import declared_attr
from sqlalchemy.orm.exc import StaleDataError
from sqlmodel import Field, Session, SQLModel

from dispatch.core.crash import crashpoint
from dispatch.core.errors import ConflictError, DispatchError

Result = TypeVar("Result")

SQLModel.metadata.naming_convention = {  # stable names, so that migrations can address constraints
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

SAFE_SQLITE = ((3, 44, 6), (3, 50, 7), (3, 51, 3))
"""First releases of their lines without the bug that can corrupt a write-ahead log."""


WRITER_PATIENCE_S = 30.0
"""Seconds that a thread waits for its process' other threads to have written."""


class StaleVersion(ConflictError):
    """Somebody else changed the row since it was read."""

    code = "stale_version"


class DatabaseAway(DispatchError):
    """The database cannot be reached or is too busy; nothing was changed."""

    code = "database_away"
    status = 503


class Collided(DatabaseAway):
    """PostgreSQL gave this transaction up for the sake of another (40001, 40P01); the same again will do."""


class Bell(Protocol):
    """Tells workers that tasks wait. A lost ring costs seconds, never work: the sweeper rings again."""

    def __call__(self, rings: list[tuple[str, int]]) -> None:
        """Ring for each (queue, task id)."""


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware instant, stored in UTC; naive values are refused, naive results never leave."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone; instants are stored with one")
        instant = value.astimezone(UTC)
        return instant.replace(tzinfo=None) if dialect.name == "sqlite" else instant

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def instant(*, nullable: bool = False, index: bool = False) -> Any:
    """A column that holds an aware UTC instant."""
    default: dict[str, Any] = {"default": None} if nullable else {}
    return Field(sa_type=UtcDateTime, nullable=nullable, index=index, **default)


def choice(
    kind: type[StrEnum],
    default: StrEnum | None = None,
    *,
    index: bool = False,
    nullable: bool = False,
) -> Any:
    """A column that holds one value of `kind`, stored as its text and checked by the database."""
    column = sa.Enum(
        kind,
        native_enum=False,
        length=32,
        values_callable=lambda values: [member.value for member in values],
        create_constraint=True,
        name=kind.__name__.lower(),
    )
    extra: dict[str, Any] = {"default": default} if default or nullable else {}
    return Field(sa_type=column, nullable=nullable, index=index, **extra)


def document(default_factory: Callable[[], Any] = dict) -> Any:
    """A column that holds a small JSON document."""
    return Field(default_factory=default_factory, sa_type=sa.JSON, nullable=False)


class Row(SQLModel):
    """What every table derives from: its name is the class's in snake case."""

    @declared_attr.directive
    def __tablename__(cls) -> str:  # noqa: N805
        """`WorkOrder` is kept in `work_order`."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower()


class Versioned(Row):
    """Rows that two people may change: the second to write is told (StaleVersion), never overwritten."""

    version: int = Field(default=1, nullable=False)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805
        """Have SQLAlchemy check and count `version` in every UPDATE."""
        table = getattr(cls, "__table__", None)
        return {} if table is None else {"version_id_col": table.c.version}

    def expect(self, version: int | None) -> None:
        """Raise StaleVersion when the caller saw another version than this one."""
        if version is not None and version != self.version:
            state = getattr(self, "status", None)
            raise StaleVersion(
                f"This was changed in the meantime: you saw version {version}, it is now {self.version}. "
                "Load it again and repeat.",
                seen=version,
                current=self.version,
                **({} if state is None else {"state": state.value}),
            )


class Database:
    """An engine and the bell that is rung after commits."""

    def __init__(self, url: str, *, bell: Bell | None = None) -> None:
        self.url = make_url(url)
        self.bell = bell
        self.engine = _sqlite_engine(self.url) if self.is_sqlite else _postgresql_engine(self.url)
        self.turn: threading.RLock | None = None
        self.reader = self.engine.execution_options(gridcrew_reads=True)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded kind, which allows one writer at a time."""
        return self.url.get_backend_name() == "sqlite"

    def write_in_turns(self) -> None:
        """On SQLite, have the threads of this process write one after the other.

        Who waits for the file's own lock sleeps and looks again, and busy threads overtake it until its time is up.
        For processes whose transactions begin and end in one thread: workers, not web servers.
        """
        if self.is_sqlite:
            self.turn = threading.RLock()

    def close(self) -> None:
        """Give every connection back."""
        self.engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A consistent view that never commits."""
        with _translated(), Session(self.reader, expire_on_commit=False) as session:
            yield session


@contextmanager
def transaction(database: Database) -> Iterator[Session]:
    """One unit of work: all of it is committed, then the bell is rung; or none of it is.

    Raises StaleVersion when another writer was faster and DatabaseAway when the database is.
    """
    with (
        _turn(database),
        _translated(),
        Session(database.engine, expire_on_commit=False) as session,
    ):
        yield session
        session.flush()
        crashpoint("before_commit")
        session.commit()
        crashpoint("after_commit")
        rings = session.info.pop("rings", [])
    if rings and database.bell:
        crashpoint("before_ring")
        database.bell(rings)
        crashpoint("after_ring")


def retrying(
    database: Database, operation: Callable[[Session], Result], *, attempts: int = 4
) -> Result:
    """Run `operation` in a transaction, again when PostgreSQL asks for it (40001, 40P01); at last raises Collided.

    Source: PostgreSQL manual, "Serialization Failure Handling".
    """
    for attempt in range(1, attempts + 1):
        try:
            with transaction(database) as session:
                return operation(session)
        except Collided:
            if attempt == attempts:
                raise
            time.sleep(0.02 * 2**attempt)
    raise AssertionError("unreachable")  # pragma: no cover


@contextmanager
def _turn(database: Database) -> Iterator[None]:
    if database.turn is None:
        yield
        return
    if not database.turn.acquire(timeout=WRITER_PATIENCE_S):
        raise DatabaseAway("The database is too busy; nothing was changed. Try again shortly.")
    try:
        yield
    finally:
        database.turn.release()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except StaleDataError as error:
        raise StaleVersion(
            "Somebody else changed this in the meantime; load it again and repeat."
        ) from error
    except OperationalError as error:
        collided = getattr(error.orig, "sqlstate", None) in {"40001", "40P01"}
        raise (Collided if collided else DatabaseAway)(
            "The database cannot be reached or is too busy; nothing was changed. Try again shortly."
        ) from error


def database_now(session: Session) -> datetime:
    """The database's clock: leases are counted on one clock, whatever the workers' own clocks say."""
    if session.get_bind().dialect.name == "sqlite":
        text = (
            session.connection()
            .exec_driver_sql("SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')")
            .scalar_one()
        )
        return datetime.strptime(str(text), "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC)
    moment = session.connection().exec_driver_sql("SELECT clock_timestamp()").scalar_one()
    assert isinstance(moment, datetime)
    return moment.astimezone(UTC)


def lock_for(session: Session, name: str) -> None:
    """Hold a named lock until the transaction ends (SQLite: its one writer already is that lock)."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(name))))


def _is_safe(version: tuple[int, ...]) -> bool:
    return any(version >= safe and version[:2] == safe[:2] for safe in SAFE_SQLITE) or version >= (
        3,
        52,
    )


def sqlite_driver() -> Any:
    """The SQLite driver to use: Python's own when its library is sound, else the pysqlite3 wheel's.

    Raises DatabaseAway when neither is sound.
    """
    if _is_safe(sqlite3.sqlite_version_info):
        return sqlite3
    try:
        from pysqlite3 import dbapi2  # a wheel for Linux only, so it may be absent
    except ImportError:
        dbapi2 = None
    if dbapi2 is not None and _is_safe(dbapi2.sqlite_version_info):
        return dbapi2
    raise DatabaseAway(
        f"SQLite {sqlite3.sqlite_version} can corrupt its write-ahead log. Install the pysqlite3 package, "
        "a Python with SQLite 3.51.3 or newer, or set GRIDCREW_DATABASE_URL to a PostgreSQL database."
    )


def _sqlite_engine(url: sa.URL) -> sa.Engine:
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    engine = sa.create_engine(
        url,
        hide_parameters=True,  # errors end up in logs, and parameters are people's data
        module=sqlite_driver(),
        connect_args={"timeout": 5.0, "check_same_thread": False},
        **({} if url.database else {"poolclass": sa.StaticPool}),
    )

    @sa.event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy's BEGIN below is the only one
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "busy_timeout=5000",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        # A deferred BEGIN that later writes loses the race with another writer at once; IMMEDIATE waits.
        if connection.get_execution_options().get("gridcrew_reads", False):
            connection.exec_driver_sql("BEGIN")
            return
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        except OperationalError as error:
            if "locked" not in str(error.orig):
                raise
            # SQLite's waiting is not fair: among many writers on a busy machine one may miss its turn for 5 s.
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _postgresql_engine(url: sa.URL) -> sa.Engine:
    if url.drivername in {"postgresql", "postgres"}:
        url = url.set(drivername="postgresql+psycopg")
    # A prepared statement's plan of when the tables were empty would stay in use when they are full.
    limits = (
        "-c statement_timeout=10s -c lock_timeout=3s -c idle_in_transaction_session_timeout=30s "
        "-c timezone=UTC -c plan_cache_mode=force_custom_plan"
    )
    return sa.create_engine(
        url,
        hide_parameters=True,
        pool_size=10,
        max_overflow=10,
        pool_pre_ping=True,
        connect_args={"options": limits, "connect_timeout": 5},
    )
