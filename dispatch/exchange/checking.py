"""Checking files that are to be imported: every row read, its references looked up, the good ones laid aside.

Nothing is written and no lock is held; memory does not grow with the files.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from dispatch.core.errors import ConflictError, NotFoundError
from dispatch.exchange.aside import BATCH, Aside, Laid
from dispatch.exchange.kinds import KINDS, Ground, Kind, Values
from dispatch.exchange.mapping import Layout, Profile, layout_of
from dispatch.exchange.report import FileReport, Report
from dispatch.exchange.sheets import BadFile, Row
from dispatch.exchange.sources import Record, Source, csv_records, is_workbook, scanned
from dispatch.exchange.workbook import workbook_records


class Stopped(ConflictError):
    """The import was stopped; nothing of it was taken."""

    code = "import_stopped"


STOPPED = "The import was stopped; nothing of it was taken."


class NoSuchKind(NotFoundError):
    """Files of this kind are not imported."""

    code = "no_such_kind"


@dataclass(frozen=True, slots=True)
class Given:
    """A file and the kind of its rows."""

    source: Source
    kind: str


@dataclass(frozen=True, slots=True)
class Choices:
    """What an import may do.

    `dry_run`: only report. `skip_bad`: take the good rows though others are bad. `update`: known rows that differ
    get the file's values in the columns that the file has; else they stay as they are.
    """

    dry_run: bool = False
    skip_bad: bool = False
    update: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is: `phase` is checking or writing; `total` is about how many rows there are, 0 when unknown."""

    phase: str
    file: str
    rows: int
    total: int


Tell = Callable[[Progress], None]


def check_kind(kind: str) -> str:
    """The kind itself; raises NoSuchKind."""
    if kind not in KINDS:
        raise NoSuchKind(f"There is no kind {kind!r}; there are {', '.join(KINDS)}.", field="kind")
    return kind


@dataclass
class Step:
    """What the steps of one import share."""

    session: Session
    ground: Ground
    choices: Choices
    report: Report
    aside: Aside
    tell: Tell
    should_stop: Callable[[], bool]

    def beat(self, phase: str, file: str, rows: int, total: int) -> None:
        """Tell how far it is; raises Stopped."""
        if self.should_stop():
            raise Stopped(STOPPED)
        self.tell(Progress(phase, file, rows, total))


@dataclass(frozen=True, slots=True)
class _Opened:
    """A file whose header was understood; `about` counts its rows."""

    number: int
    kind: Kind
    layout: Layout
    records: Iterator[Record]
    about: FileReport
    lines: int


def check(step: Step, files: Sequence[Given], profile: Profile) -> None:
    """Read every file and lay the good rows aside. A file that cannot be read as a whole ends it.

    Nothing is held of the database while a file is read: PostgreSQL ends what idles for half a minute.
    """
    step.session.commit()
    opened = [
        found
        for number, one in enumerate(files)
        if (found := _opened(step.report, number, one, profile)) is not None
    ]
    if step.report.broken:
        return
    for file in opened:
        try:
            _check_file(step, file)
        except BadFile as error:
            step.report.note(file.about, error)
            step.report.broken = True
            return


def _opened(report: Report, number: int, one: Given, profile: Profile) -> _Opened | None:
    """The file with its header read; None when it is broken, which the report then says."""
    sheet = profile.of(one.kind)
    source = Source(one.source.path, one.source.name, sheet.encoding, sheet.sheet)
    about = FileReport(source.name, one.kind)
    report.files.append(about)
    try:
        book = is_workbook(source)
        scan = None if book else scanned(source)
        about.encoding = "xlsx" if scan is None else scan.encoding
        records = workbook_records(source) if scan is None else csv_records(source, scan.encoding)
        record = next((found for found in records if found.number >= sheet.header_row), None)
        if record is None or record.number != sheet.header_row or record.is_blank:
            raise source.refuse(f"row {sheet.header_row}, where the header should be, is empty.")
        if record.wrong:
            raise source.refuse(
                f"row {record.number}, the header: {next(iter(record.wrong.values()))}"
            )
        if any("\0" in cell for cell in record.cells):
            raise source.refuse(
                f"row {record.number}, the header, holds NUL bytes: it is no text, or UTF-16 without a mark. In a "
                "spreadsheet, save it as CSV UTF-8, or name the encoding in the profile."
            )
        about.headers = [cell.strip() for cell in record.cells if cell.strip()]
        layout = layout_of(source, one.kind, sheet, record.cells, exact=not book)
    except BadFile as error:
        report.note(about, error)
        report.broken = True
        return None
    about.columns, about.ignored = dict(layout.titles), layout.ignored
    return _Opened(number, KINDS[one.kind], layout, records, about, scan.lines if scan else 0)


def _check_file(step: Step, file: _Opened) -> None:
    while batch := list(islice(file.records, BATCH)):
        records = [record for record in batch if not record.is_blank]
        good: list[tuple[Row, Values]] = []
        for record in records:
            try:
                row = file.layout.row(record)
                good.append((row, file.kind.read(row, step.ground)))
            except BadFile as error:
                _refuse(step, file, error)
        _accept(step, file, _referring(step, file, good))
        file.about.rows += len(records)
        step.session.commit()
        step.beat("checking", file.about.file, file.about.rows, file.lines)


def _refuse(step: Step, file: _Opened, error: BadFile) -> None:
    file.about.bad += 1
    step.report.note(file.about, error)


def _referring(
    step: Step, file: _Opened, rows: Sequence[tuple[Row, Values]]
) -> list[tuple[Row, Values]]:
    """The rows whose references exist: in the database, or accepted in this import."""
    bad: set[int] = set()
    for reference in file.kind.references:
        names = sorted({str(name) for _, values in rows if (name := values[reference.column])})
        table = reference.table.__table__.c
        key = table.code if "code" in table else table.id
        where = table.territory_id if reference.of_territory else sa.null()
        statement = sa.select(key, where).where(key.in_(names))
        found = {line[0]: line[1] for line in step.session.execute(statement)}
        for row, values in rows:
            name = values[reference.column]
            if not name or row.number in bad:
                continue
            why = _no_reference(step, reference.kind, name, found)
            if why is not None:
                bad.add(row.number)
                _refuse(step, file, row.wrong(reference.column, why))
    return [(row, values) for row, values in rows if row.number not in bad]


def _no_reference(
    step: Step, kind: str | None, name: str, found: Mapping[str, str | None]
) -> str | None:
    here = step.ground.territory.id
    if name in found:
        there = found[name]
        return None if there in {None, here} else f"{name} is in territory {there}, not in {here}."
    if kind is not None and step.aside.has(kind, (name,)):
        return None
    return f"{name} is not known{'' if kind is None else ', nor a good row of this import'}."


def _accept(step: Step, file: _Opened, rows: Sequence[tuple[Row, Values]]) -> None:
    """Lay aside what is new or changes something; what is there twice is refused, what is known counted."""
    known = file.kind.known(step.session, [values for _, values in rows])
    for row, values in rows:
        key = file.kind.key_of(values)
        place = f"row {row.number} of {row.file}"
        before = step.aside.seen_before(file.kind.name, key, place)
        if before is not None:
            name = file.kind.key[0] if file.kind.key[0] in row.cells else next(iter(row.cells))
            said = " ".join(str(part) for part in key)
            _refuse(step, file, row.wrong(name, f"{said} is already in {before}."))
        elif key not in known:
            file.about.new += 1
            step.aside.lay(Laid(file.number, row.number, row.cells, known=False))
        else:
            _meet(step, file, row, values, known[key])


def _meet(step: Step, file: _Opened, row: Row, values: Values, there: Mapping[str, Any]) -> None:
    """Compare with the row that is known, in the columns that the file has."""
    home = there.get("territory_id")
    if home is not None and home != step.ground.territory.id:
        _refuse(step, file, row.wrong("id" if "id" in row.cells else next(iter(row.cells)),
                                      f"it is known in territory {home}; import it there."))  # fmt: skip
    elif file.kind.write is not None or not _differing(file.layout, values, there):
        file.about.same += 1
    elif step.choices.update:
        file.about.changed += 1
        step.aside.lay(Laid(file.number, row.number, row.cells, known=True))
    else:
        file.about.differing += 1


def _differing(layout: Layout, values: Values, there: Mapping[str, Any]) -> list[str]:
    return [name for name in layout.places if name in values and values[name] != there[name]]
