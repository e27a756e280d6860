"""From a file's own columns to ours: by header, by a saved profile, and cells brought to one way of writing."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError, model_validator

from dispatch.core.errors import InvalidError
from dispatch.exchange.columns import COLUMNS, Column, Form, column
from dispatch.exchange.sheets import BadFile, Row
from dispatch.exchange.sources import Record, Source

Text = Annotated[str, Field(max_length=200)]


class BadProfile(InvalidError):
    """A profile names what there is not; `details["field"]` is its path."""

    code = "bad_profile"


class SheetProfile(BaseModel):
    """How files of one kind are laid out. `columns` maps our names to the file's headers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    header_row: Annotated[int, Field(ge=1, le=50)] = 1
    sheet: Text | None = None
    encoding: Annotated[str, Field(max_length=32)] | None = None
    columns: dict[Text, Text] = Field(default_factory=dict)
    values: dict[Text, dict[Text, Text]] = Field(default_factory=dict)
    """By column: what the file writes, and what it means."""
    defaults: dict[Text, Text] = Field(default_factory=dict)
    """By column: what an empty cell means."""


class Profile(RootModel[dict[str, SheetProfile]]):
    """A layout for each kind of file."""

    model_config = ConfigDict(frozen=True)

    @model_validator(mode="after")
    def _known(self) -> "Profile":
        for kind, sheet in self.root.items():
            if kind not in COLUMNS:
                raise ValueError(f"{kind}: there is no such kind; there are {', '.join(COLUMNS)}")
            for part in ("columns", "values", "defaults"):
                for name in getattr(sheet, part):
                    if column(kind, name) is None:
                        known = ", ".join(found.name for found in COLUMNS[kind])
                        raise ValueError(f"{kind}.{part}.{name}: the columns are {known}")
        return self

    def of(self, kind: str) -> SheetProfile:
        """The layout of files of this kind."""
        return self.root.get(kind, SheetProfile())


NO_PROFILE = Profile({})


def profile_of(document: Mapping[str, Any]) -> Profile:
    """The profile that a document holds; raises BadProfile with the path of what is wrong."""
    try:
        return Profile.model_validate(dict(document))
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(part) for part in first["loc"])
        message = str(first["msg"]).removeprefix("Value error, ")
        raise BadProfile(
            f"The profile cannot be used: {path + ': ' if path else ''}{message}.", field=path
        ) from error


def read_profile(text: str) -> Profile:
    """The profile in a TOML text; raises BadProfile."""
    try:
        return profile_of(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise BadProfile(f"The profile is no TOML: {error}.", field="profile") from error


@dataclass(frozen=True, slots=True)
class Layout:
    """Which of a file's columns is which of ours. `places` are column numbers from 0."""

    file: str
    kind: str
    profile: SheetProfile
    headers: tuple[str, ...]
    places: Mapping[str, int]
    titles: Mapping[str, str]
    exact: bool
    """Whether every row has as many cells as the header: a workbook's row ends with its last filled cell."""

    @property
    def ignored(self) -> list[str]:
        """The headers that are none of ours."""
        used = set(self.places.values())
        return [name for place, name in enumerate(self.headers) if name and place not in used]

    def row(self, record: Record) -> Row:
        """The record with our columns, each cell as our rules read it; raises BadFile with row and column."""
        width = len(self.headers)
        cells = {name: self._cell(record, name) for name in self._names()}
        row = Row(self.file, record.number, cells, self.titles)
        if -1 in record.wrong:
            raise row.wrong(next(iter(cells)), record.wrong[-1])
        if self.exact and len(record.cells) < width - _empty_end(self.headers):
            raise row.wrong(
                next(iter(cells)),
                f"the row has {len(record.cells)} cells and the header {width}: is a separator missing?",
            )
        if any(cell.strip() for cell in record.cells[width:]):
            raise row.wrong(
                next(iter(cells)),
                f"the row has {len(record.cells)} cells and the header {width}: is a cell with a comma not in "
                "quotation marks?",
            )
        for name, place in self.places.items():
            if place in record.wrong:
                raise row.wrong(name, record.wrong[place])
        return row

    def _names(self) -> list[str]:
        return [found.name for found in COLUMNS[self.kind]]

    def _cell(self, record: Record, name: str) -> str:
        place = self.places.get(name)
        text = (
            record.cells[place].strip() if place is not None and place < len(record.cells) else ""
        )
        found = column(self.kind, name)
        assert found is not None, "a layout has the kind's own columns"
        text = {**found.values, **self.profile.values.get(name, {})}.get(text, text)
        return normal(found, text) or self.profile.defaults.get(name, found.default)


def layout_of(
    source: Source, kind: str, profile: SheetProfile, header: Sequence[str], *, exact: bool
) -> Layout:
    """The layout of a file by its header; raises BadFile naming a column that is missing or there twice."""
    headers = tuple(" ".join(cell.split()) for cell in header)
    places: dict[str, int] = {}
    for found in COLUMNS[kind]:
        wanted = _wanted(found, profile)
        matches = [place for place, name in enumerate(headers) if name.lower() in wanted]
        if len(matches) > 1:
            raise source.refuse(
                f"the column {headers[matches[0]]} is there twice.",
                row=profile.header_row, column=found.name,
            )  # fmt: skip
        if matches:
            places[found.name] = matches[0]
        elif found.name in profile.columns or (
            found.required and found.name not in profile.defaults
        ):
            raise _missing(source, found, profile, headers)
    _refuse_double_use(source, places, headers)
    titles = {name: headers[place] for name, place in places.items()}
    return Layout(source.name, kind, profile, headers, places, titles, exact)


def _wanted(found: Column, profile: SheetProfile) -> set[str]:
    asked = profile.columns.get(found.name)
    names = (asked,) if asked is not None else (found.name, *found.headers)
    return {" ".join(name.split()).lower() for name in names}


def _missing(
    source: Source, found: Column, profile: SheetProfile, headers: Sequence[str]
) -> BadFile:
    names = profile.columns.get(found.name) or " / ".join((found.name, *found.headers))
    there = ", ".join(name for name in headers if name) or "nothing"
    return source.refuse(
        f"the column {names} is missing in row {profile.header_row}, where there is: {there}. Add it, or say in a "
        "profile which column it is.",
        row=profile.header_row,
        column=found.name,
    )


def _refuse_double_use(source: Source, places: Mapping[str, int], headers: Sequence[str]) -> None:
    taken: dict[int, str] = {}
    for name, place in places.items():
        if place in taken:
            raise source.refuse(
                f"the column {headers[place]} cannot be both {taken[place]} and {name}; say in a profile which it "
                "is.",
                column=name,
            )
        taken[place] = name


def _empty_end(headers: Sequence[str]) -> int:
    filled = [place for place, name in enumerate(headers) if name]
    return len(headers) - (filled[-1] + 1 if filled else 0)


_FLOAT = re.compile(r"(\d{1,15})\.0")
_PLAIN_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
_TIGHT_DAY = re.compile(r"(20\d{2})(\d{2})(\d{2})")
_PLAIN_CLOCK = re.compile(r"(\d{1,2})[:：](\d{2})(?:[:：]\d{2}(?:\.0+)?)?")


def normal(found: Column, text: str) -> str:
    """The cell as our rules read it: 2026/3/1 is 2026-03-01, 8:30 is 08:30, the code 138.0 is 138.

    What cannot be understood stays as it is, so that the refusal shows what the file says.
    """
    if not text or found.form is Form.TEXT:
        return text
    if found.form in {Form.CODE, Form.NUMBER}:
        whole = _FLOAT.fullmatch(text)
        return whole[1] if whole else text
    if found.form is Form.DAY:
        return _day(text)
    parts = text.split(";") if found.form is Form.CLOCK else [text]
    return ";".join(_moment(part.strip()) for part in parts)


def _day(text: str) -> str:
    match = _PLAIN_DAY.fullmatch(text.removesuffix(" 00:00:00").removesuffix(" 00:00"))
    match = match or _TIGHT_DAY.fullmatch(text)
    return f"{match[1]}-{int(match[2]):02d}-{int(match[3]):02d}" if match else text


def _moment(text: str) -> str:
    day, _, clock = text.replace("T", " ").rpartition(" ")
    match = _PLAIN_CLOCK.fullmatch(clock)
    if match is None:
        return text
    plain = f"{int(match[1]):02d}:{match[2]}"
    return f"{_day(day.strip())} {plain}" if day else plain
