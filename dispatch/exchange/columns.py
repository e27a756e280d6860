"""What files of each kind hold: their columns, what a cell may be, and the headers that utilities give them."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Form(StrEnum):
    """How a cell is written; `normal` in `mapping` brings what people write to it."""

    TEXT = "text"
    NUMBER = "number"
    CODE = "code"
    DAY = "day"
    CLOCK = "clock"
    MOMENT = "moment"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: `default` is what an empty cell means; `en` and `zh` say what would be right in one."""

    name: str
    en: str
    zh: str
    headers: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    """What utilities write for our words."""
    required: bool = False
    default: str = ""
    form: Form = Form.TEXT


def _read() -> tuple[dict[str, tuple[Column, ...]], dict[str, tuple[str, ...]]]:
    table = tomllib.loads((Path(__file__).parent / "columns.toml").read_text(encoding="utf-8"))
    columns = {
        kind: tuple(
            Column(
                name,
                values["en"],
                values["zh"],
                tuple(values.get("headers", ())),
                values.get("values", {}),
                required=values.get("required", False),
                default=values.get("default", ""),
                form=Form(values.get("form", Form.TEXT)),
            )
            for name, values in found["columns"].items()
        )
        for kind, found in table.items()
    }
    return columns, {kind: tuple(found["names"]) for kind, found in table.items()}


COLUMNS, FILE_NAMES = _read()
"""The columns of each kind, and how a file's name tells its kind besides the kind's own; from columns.toml."""


def kind_of_name(name: str) -> str | None:
    """The kind that a file's name begins with, as customers-2026.csv does; None when it tells none."""
    stem = name.lower()
    for kind, others in FILE_NAMES.items():
        if stem.startswith((kind, *others)):
            return kind
    return None


def column(kind: str, name: str) -> Column | None:
    """The kind's column of this name."""
    return next((found for found in COLUMNS[kind] if found.name == name), None)
