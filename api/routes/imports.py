"""Files in and out: an import is opened, sent its files in pieces, started and followed; exports are streamed."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Body, Path, Query, status
from fastapi.responses import StreamingResponse

from api.deps import IfMatch, Now, Reading, TheDatabase, Who, Writing, requires
from api.repeats import Route
from api.schemas.forms import PathId, PathNumber
from api.schemas.imports import ImportFileOut, ImportOut, ImportStart, ProfileIn, ProfileOut
from dispatch.core import backlog
from dispatch.core.db import Database
from dispatch.exchange import imports, profiles, sending
from dispatch.exchange.checking import check_kind
from dispatch.exchange.kind_export import exported_lines
from dispatch.registry import territories

router = APIRouter(route_class=Route, tags=["imports"])

FileName = Annotated[str, Path(min_length=1, max_length=120, pattern=r"^[^/\\\x00-\x1f]+$")]
ProfileName = Annotated[str, Path(min_length=1, max_length=64)]
Piece = Annotated[bytes, Body(media_type="application/octet-stream", max_length=1_000_000)]


@router.post(
    "/territories/{territory_id}/imports",
    status_code=status.HTTP_201_CREATED,
    dependencies=[requires("data:import")],
)
def open_import(territory_id: PathId, session: Writing, caller: Who, moment: Now) -> ImportOut:
    """Open an import that files can be sent to."""
    return ImportOut.of(
        imports.open_one(session, territory_id=territory_id, actor=caller.actor, now=moment)
    )


@router.get("/territories/{territory_id}/imports", dependencies=[requires("data:import")])
def list_imports(territory_id: PathId, session: Reading) -> list[ImportOut]:
    """The territory's last imports, the newest first."""
    territories.get(session, territory_id)
    return ImportOut.all_of(imports.RUNS.listed(session, territory_id=territory_id))


@router.get("/imports/{import_id}", dependencies=[requires("data:import")])
def get_import(import_id: PathNumber, session: Reading) -> ImportOut:
    """One import: how far it is, and its report once it has ended."""
    return ImportOut.of(imports.RUNS.get(session, import_id))


@router.get(
    "/imports/{import_id}/problems.csv",
    dependencies=[requires("data:import")],
    response_class=StreamingResponse,
)
def download_problems(
    import_id: PathNumber, session: Reading, database: TheDatabase
) -> StreamingResponse:
    """Every problem that the import found as a CSV file, also those that its report does not list."""
    imports.RUNS.get(session, import_id)
    return StreamingResponse(
        _problems(database, import_id),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="problems-{import_id}.csv"'},
    )


@router.get("/imports/{import_id}/files", dependencies=[requires("data:import")])
def list_files(import_id: PathNumber, session: Reading) -> list[ImportFileOut]:
    """The files that were sent and not imported yet, and how much of each has arrived."""
    imports.RUNS.get(session, import_id)
    return ImportFileOut.all_of(sending.sent(session, import_id))


@router.put("/imports/{import_id}/files/{name}/{number}", dependencies=[requires("data:import")])
def send_piece(
    import_id: PathNumber,
    name: FileName,
    number: Annotated[int, Path(ge=0, lt=sending.MOST_PARTS)],
    kind: Annotated[str, Query(max_length=16)],
    size: Annotated[int, Query(ge=0, le=2**53, description="bytes of the whole file")],
    session: Writing,
    content: Piece = b"",
) -> ImportFileOut:
    """Send a piece of a file, up to 1,000,000 bytes, as application/octet-stream; piece 0 begins the file anew.

    Each piece says the size of the whole file: an import whose files have not arrived whole is not started. A file
    that is empty is one empty piece, which the import's report names.
    """
    return ImportFileOut.of(
        imports.add_part(
            session,
            import_id=import_id,
            name=name,
            kind=kind,
            size=size,
            number=number,
            content=content,
        )
    )


@router.post(
    "/imports/{import_id}/start",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[requires("data:import")],
)
def start_import(
    import_id: PathNumber, body: ImportStart, session: Writing, caller: Who, moment: Now
) -> ImportOut:
    """Have a worker read the files. One that took nothing (a dry run, a refusal) may be started again.

    While other work is more than two minutes late it is refused: 503 `too_busy` and `Retry-After`.
    """
    backlog.refuse_bulk_when_behind(session, now=moment)
    run = imports.start(
        session,
        import_id=import_id,
        choices=body.choices(),
        profile=body.profile,
        actor=caller.actor,
        now=moment,
    )
    return ImportOut.of(run)


@router.post("/imports/{import_id}/stop", dependencies=[requires("data:import")])
def stop_import(import_id: PathNumber, session: Writing, caller: Who, moment: Now) -> ImportOut:
    """Stop it with nothing taken: the worker is asked to, and what no worker has ends at once."""
    return ImportOut.of(imports.stop(session, import_id, actor=caller.actor, now=moment))


@router.get("/import-profiles", dependencies=[requires("data:import")])
def list_profiles(session: Reading) -> list[ProfileOut]:
    """The saved layouts, by name."""
    return ProfileOut.all_of(profiles.listed(session))


@router.put("/import-profiles/{name}", dependencies=[requires("data:import")])
def save_profile(
    name: ProfileName,
    body: ProfileIn,
    session: Writing,
    caller: Who,
    moment: Now,
    if_match: IfMatch,
) -> ProfileOut:
    """Save a layout under a name, in place of the one it had; `If-Match: "0"` when there was none."""
    return ProfileOut.of(
        profiles.save(
            session,
            name=name,
            document=body.document,
            expect=if_match.of(body.version),
            actor=caller.actor,
            now=moment,
        )
    )


@router.delete(
    "/import-profiles/{name}",
    status_code=status.HTTP_204_NO_CONTENT,
    dependencies=[requires("data:import")],
)
def remove_profile(
    name: ProfileName, session: Writing, caller: Who, moment: Now, if_match: IfMatch
) -> None:
    """Forget a layout."""
    profiles.remove(session, name=name, expect=if_match.of(None), actor=caller.actor, now=moment)


@router.get(
    "/territories/{territory_id}/exports/{kind}.csv",
    dependencies=[requires("data:export")],
    response_class=StreamingResponse,
)
def export_kind(
    territory_id: PathId, kind: PathId, session: Reading, database: TheDatabase
) -> StreamingResponse:
    """The territory's rows of a kind as imports read them; no cell is a formula."""
    check_kind(kind)
    territories.get(session, territory_id)
    return StreamingResponse(
        _streamed(database, kind, territory_id),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{kind}-{territory_id}.csv"'},
    )


def _streamed(database: Database, kind: str, territory_id: str) -> Iterator[bytes]:
    """The answer is sent after the request's own session has ended, so it has one of its own."""
    yield b"\xef\xbb\xbf"  # without the mark spreadsheets take it for their country's old encoding
    with database.reading() as session:
        gathered: list[str] = []
        for line in exported_lines(session, kind=kind, territory_id=territory_id):
            gathered.append(line)
            if len(gathered) == 500:
                yield "".join(gathered).encode()
                gathered = []
        yield "".join(gathered).encode()


def _problems(database: Database, import_id: int) -> Iterator[bytes]:
    """As `_streamed`, with a session of its own."""
    with database.reading() as session:
        yield from imports.problems_of(session, import_id)
