"""Backups: one archive with the database and the key that its audit chain is sealed with."""

import hashlib
import io
import json
import os
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from dispatch.core.db import Database
from dispatch.core.errors import ConflictError, InvalidError

MANIFEST = "manifest.json"
SECRET = "secret"  # noqa: S105 - a file's name
CONTENT = {"sqlite": "gridcrew.db", "postgresql": "gridcrew.pgdump"}


class BackupFailed(ConflictError):
    """The backup could not be made or put back; nothing was changed."""

    code = "backup_failed"


class NoBackup(InvalidError):
    """The file is no backup of this product, or it is damaged."""

    code = "no_backup"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive holds; `tail` is the audit chain's last (position, hash) at that moment."""

    kind: str
    made_at: str
    revision: str
    sha256: str
    tail: tuple[int, str]
    rows: dict[str, int]


def back_up(database: Database, *, key: bytes, target: Path, now: datetime) -> Manifest:
    """Write a consistent copy of the database to `target` while it is in use.

    SQLite is copied through its online backup, PostgreSQL by pg_dump, which must be on PATH.
    Raises BackupFailed.
    """
    kind = "sqlite" if database.is_sqlite else "postgresql"
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / CONTENT[kind]
        if database.is_sqlite:
            _copy_sqlite(database, copy)
            with _copied(copy) as connection:
                facts = _facts(connection)
        else:
            with _exported(database) as (connection, snapshot):
                _run_postgresql(database, "pg_dump", "--format=custom", f"--file={copy}",
                                f"--snapshot={snapshot}")  # fmt: skip
                facts = _facts(connection)
        manifest = Manifest(kind=kind, made_at=now.isoformat(), sha256=_sha256(copy), **facts)
        partial = target.with_name(target.name + ".part")
        with tarfile.open(partial, "w:gz") as archive:
            archive.add(copy, CONTENT[kind])
            _add_text(archive, MANIFEST, json.dumps(asdict(manifest), indent=2).encode())
            _add_text(archive, SECRET, key)
        partial.chmod(0o600)
        partial.replace(target)
    return manifest


def put_back(
    database: Database, *, archive: Path, secret_file: Path | None, replace: bool = False
) -> Manifest:
    """Restore `archive` into the database and the key into `secret_file` (None: it is configured elsewhere).

    Raises NoBackup for a damaged or foreign file and BackupFailed when the database holds data and `replace`
    is not said. The check sum is compared before anything is touched.
    """
    manifest, content, secret = _opened(archive)
    kind = "sqlite" if database.is_sqlite else "postgresql"
    if manifest.kind != kind:
        raise BackupFailed(
            f"{archive} holds a {manifest.kind} database, but {kind} is configured here.",
            field="archive",
        )
    if not replace and _has_rows(database):
        raise BackupFailed(
            "This installation's database holds data already. Say --replace to lose it.",
            field="replace",
        )
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / CONTENT[kind]
        copy.write_bytes(content)
        if database.is_sqlite:
            database.close()
            _replace_sqlite(Path(str(database.url.database)), copy)
        else:
            _run_postgresql(database, "pg_restore", "--clean", "--if-exists", "--single-transaction",
                            "--no-owner", f"--dbname={_conninfo(database)}", str(copy))  # fmt: skip
    if secret_file is not None:
        secret_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        secret_file.write_bytes(secret)
        secret_file.chmod(0o600)
    return manifest


def _facts(connection: sa.Connection) -> dict[str, Any]:
    names = sa.inspect(connection).get_table_names()
    if "event" not in names or "alembic_version" not in names:
        raise BackupFailed("The database has not been set up yet; there is nothing to back up.")
    tail = connection.exec_driver_sql(
        "SELECT position, hash FROM event WHERE position IS NOT NULL ORDER BY position DESC LIMIT 1"
    ).first()
    return {
        "revision": str(
            connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()
        ),
        "tail": (tail[0], tail[1]) if tail else (0, ""),
        "rows": {
            name: int(
                connection.execute(
                    sa.select(sa.func.count()).select_from(sa.table(name))
                ).scalar_one()
            )
            for name in sorted(names)
        },
    }


def _has_rows(database: Database) -> bool:
    with database.engine.connect() as connection:
        if "territory" not in sa.inspect(connection).get_table_names():
            return False
        return connection.exec_driver_sql("SELECT 1 FROM territory LIMIT 1").first() is not None


def _copy_sqlite(database: Database, copy: Path) -> None:
    with database.engine.connect() as connection:
        connection.exec_driver_sql("ROLLBACK")  # the copy is made outside any transaction of ours
        source: Any = connection.connection.driver_connection
        target = type(source)(copy)
        try:
            source.backup(target)
        finally:
            target.close()


@contextmanager
def _exported(database: Database) -> Iterator[tuple[sa.Connection, str]]:
    """A view of one moment and its name, by which pg_dump sees the same."""
    engine = database.engine.execution_options(isolation_level="REPEATABLE READ")
    with engine.connect() as connection:
        connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
        name = connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one()
        yield connection, str(name)


@contextmanager
def _copied(copy: Path) -> Iterator[sa.Connection]:
    engine = sa.create_engine(f"sqlite:///{copy}")
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _replace_sqlite(path: Path, copy: Path) -> None:
    check = sqlite3.connect(copy)
    try:
        verdict = check.execute("PRAGMA integrity_check").fetchone()[0]
    finally:
        check.close()
    if verdict != "ok":
        raise NoBackup(f"The archive's database is damaged: {verdict}", field="archive")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".restored")
    shutil.copyfile(copy, fresh)
    for old in (path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
        old.unlink(missing_ok=True)
    fresh.replace(path)


def _conninfo(database: Database) -> str:
    return database.url.set(drivername="postgresql", password=None).render_as_string()


def _run_postgresql(database: Database, program: str, *arguments: str) -> None:
    found = shutil.which(program)
    if found is None:
        raise BackupFailed(f"{program} is not on PATH; install PostgreSQL's client programs.")
    target = [f"--dbname={_conninfo(database)}"] if program == "pg_dump" else []
    password = {"PGPASSWORD": str(database.url.password)} if database.url.password else {}
    done = subprocess.run(
        [found, *target, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **password},
        check=False,
    )
    if done.returncode:
        raise BackupFailed(f"{program} failed: {done.stderr.strip().splitlines()[-1]}")


def _opened(archive: Path) -> tuple[Manifest, bytes, bytes]:
    try:
        with tarfile.open(archive, "r:gz") as tar:
            raw = json.loads(_member(tar, MANIFEST))
            manifest = Manifest(**{**raw, "tail": tuple(raw["tail"])})
            content, secret = _member(tar, CONTENT[manifest.kind]), _member(tar, SECRET)
    except (OSError, tarfile.TarError, ValueError, KeyError, TypeError, EOFError) as error:
        raise NoBackup(
            f"{archive} is no backup of Gridcrew, or it is damaged: {error}", field="archive"
        ) from error
    if hashlib.sha256(content).hexdigest() != manifest.sha256:
        raise NoBackup(f"{archive} is damaged: its check sum differs.", field="archive")
    return manifest, content, secret


def _member(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    if file is None:
        raise KeyError(name)
    return file.read()


def _add_text(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o600
    archive.addfile(info, io.BytesIO(content))


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
