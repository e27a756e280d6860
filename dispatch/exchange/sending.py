"""The files of an import as they are sent: in pieces, each file with the size that it is to have."""

from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.core.errors import InvalidError
from dispatch.exchange.checking import check_kind
from dispatch.exchange.sources import MAX_FILE_BYTES
from dispatch.exchange.tables import ImportFile, ImportPart

MOST_FILES = 20
MOST_PARTS = 512


class NoFiles(InvalidError):
    """No file was sent, or a piece of one is missing."""

    code = "no_files"


class TooManyFiles(InvalidError):
    """An import holds so many files, and a file so many pieces."""

    code = "too_many_files"


class FileTooLarge(InvalidError):
    """A file is larger than what is read."""

    code = "file_too_large"


class FileNotWhole(InvalidError):
    """What has arrived of a file is not of the size that it was begun with."""

    code = "file_not_whole"


@dataclass(frozen=True, slots=True)
class Sent:
    """A file of an import: `received` of its `size` bytes have arrived."""

    name: str
    kind: str
    size: int
    received: int

    @property
    def whole(self) -> bool:
        """Whether all of it has arrived."""
        return self.received == self.size


def files_of(session: Session, import_id: int) -> list[ImportFile]:
    """The import's files by name."""
    statement = select(ImportFile).where(ImportFile.import_id == import_id)
    return list(session.exec(statement.order_by(ImportFile.name)))


def sent(session: Session, import_id: int) -> list[Sent]:
    """The import's files by name, as far as they have arrived."""
    received = sa.func.coalesce(sa.func.sum(sa.func.length(ImportPart.content)), 0)
    statement = (
        select(ImportFile, received)
        .outerjoin(ImportPart, col(ImportPart.file_id) == col(ImportFile.id))
        .where(ImportFile.import_id == import_id)
        .group_by(*ImportFile.__table__.c)  # type: ignore[attr-defined]
        .order_by(ImportFile.name)
    )
    return [
        Sent(file.name, file.kind, file.size, int(bytes_))
        for file, bytes_ in session.exec(statement)
    ]


def check_whole(session: Session, import_id: int) -> None:
    """Raise NoFiles or FileNotWhole unless there are files and all of each has arrived."""
    files = sent(session, import_id)
    if not files:
        raise NoFiles("Send a file first.", field="files")
    for file in files:
        if not file.whole:
            raise FileNotWhole(
                f"{file.name} is not whole: {file.received:,} of {file.size:,} bytes have arrived. Send the pieces "
                "that are missing, or the file again from piece 0.",
                field="files",
                name=file.name,
            )


def keep_piece(
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

    Raises NoSuchKind, NoFiles, TooManyFiles, FileTooLarge and FileNotWhole.
    """
    check_kind(kind)
    if size > MAX_FILE_BYTES:
        raise FileTooLarge(
            f"{name} is larger than {MAX_FILE_BYTES // 1024**2} MiB; split it.", field="size"
        )
    found = next((row for row in files_of(session, import_id) if row.name == name), None)
    if number == 0:
        found = _begun(
            session, found, ImportFile(import_id=import_id, name=name, kind=kind, size=size)
        )
    elif found is None:
        raise NoFiles("Send a file's pieces in order, beginning with 0.", field="number")
    elif size != found.size:
        raise FileNotWhole(
            f"{name} was begun with {found.size:,} bytes, not {size:,}. Send it again from piece 0.",
            field="size",
        )
    assert found.id is not None, "it has been flushed"
    count = _count(session, found.id)
    if number > count:
        raise NoFiles(f"Piece {count} of {name} was not sent yet.", field="number")
    if number >= MOST_PARTS:
        raise TooManyFiles(f"A file has at most {MOST_PARTS} pieces; split it.", field="number")
    session.merge(ImportPart(file_id=found.id, number=number, content=content))
    session.flush()
    return next(file for file in sent(session, import_id) if file.name == name)


def write_out(session: Session, file: ImportFile, path: Path) -> None:
    """Write a file's pieces together, one in memory at a time."""
    assert file.id is not None, "it comes from the database"
    with path.open("wb") as out:
        for number in range(_count(session, file.id)):
            statement = select(ImportPart.content).where(
                ImportPart.file_id == file.id, ImportPart.number == number
            )
            out.write(session.exec(statement).one())


def forget_files(session: Session, which: sa.ColumnElement[bool]) -> None:
    """Remove these files with their pieces."""
    files = sa.select(ImportFile.__table__.c.id).where(which)  # type: ignore[attr-defined]
    session.execute(sa.delete(ImportPart).where(col(ImportPart.file_id).in_(files)))
    session.execute(sa.delete(ImportFile).where(which))


def _begun(session: Session, old: ImportFile | None, new: ImportFile) -> ImportFile:
    """The new file, in place of the old one of its name."""
    if old is not None:
        forget_files(session, col(ImportFile.id) == old.id)
    elif len(files_of(session, new.import_id)) >= MOST_FILES:
        raise TooManyFiles(f"An import holds at most {MOST_FILES} files.", field="name")
    session.add(new)
    session.flush()
    return new


def _count(session: Session, file_id: int) -> int:
    counted = select(sa.func.count()).select_from(ImportPart).where(ImportPart.file_id == file_id)
    return session.exec(counted).one()
