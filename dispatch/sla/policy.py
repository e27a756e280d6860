"""Policy packs: dated limits with their sources, read from TOML and checked once.

A pack is a file of `packs/`. Limits are elapsed time: nights, weekends and holidays count.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from dispatch.core.errors import InvalidError
from dispatch.registry.tables import AreaClass
from dispatch.sla.tables import ClockKind

PACKS = Path(__file__).parent / "packs"
DEFAULT_PACK = "cn-csg-2017"

_LIMIT = re.compile(r"([1-9]\d{0,4}) ?(min|h|d)")
_UNITS = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_KEYS = {"id", "kind", "limit", "source", "date", "area_class"}


class BadPack(InvalidError):
    """A policy pack is not as it must be; the message names the file and the entry."""

    code = "bad_policy_pack"


class NoSuchPolicy(InvalidError):
    """The pack has no such entry."""

    code = "no_such_policy"


class BadLimit(InvalidError):
    """The text is no span of time such as 45 min, 24 h or 5 d."""

    code = "bad_limit"


@dataclass(frozen=True, slots=True)
class Entry:
    """One limit of a pack. `date` is when it came into force, `source` where it is published."""

    id: str
    kind: ClockKind
    limit: timedelta
    source: str
    date: date
    area_class: AreaClass | None


@dataclass(frozen=True, slots=True)
class Pack:
    """A dated set of limits."""

    id: str
    name_zh: str
    name_en: str
    date: date
    entries: Mapping[str, Entry]

    def entry(
        self, kind: ClockKind, *, name: str | None = None, area_class: AreaClass | None = None
    ) -> Entry:
        """The limit of `kind`: the one called `name`, else the one of the area, else the general one.

        Raises NoSuchPolicy.
        """
        names = [name] if name else []
        if area_class is not None:
            names.append(f"{name or kind.value}.{area_class.value}")
        if not name:
            names.append(kind.value)
        for candidate in names:
            found = self.entries.get(candidate)
            if found is not None and found.kind == kind:
                return found
        raise NoSuchPolicy(
            f"Policy pack {self.id} has no {kind.value} limit called {' or '.join(names)}; "
            "add it to the pack or give the limit itself, such as 24 h.",
            field="clocks",
            pack=self.id,
        )


def span(text: str) -> timedelta:
    """The span that `text` (45 min, 24 h, 5 d) names; raises BadLimit."""
    found = _LIMIT.fullmatch(text.strip())
    if not found:
        raise BadLimit(
            f"{text!r} is no limit; write a whole number and min, h or d, such as 45 min, 24 h or 5 d.",
            field="limit",
        )
    return int(found[1]) * _UNITS[found[2]]


@lru_cache(maxsize=8)
def load(name: str = DEFAULT_PACK) -> Pack:
    """The pack `name` that this installation ships; raises BadPack."""
    path = PACKS / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in PACKS.glob("*.toml")))
        raise BadPack(f"There is no policy pack {name!r}; there is {known}.", field="pack")
    return read(path)


def read(path: Path) -> Pack:
    """Read and check one pack; raises BadPack that names the file and the faulty entry."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadPack(f"{path.name}: {error}", file=path.name) from error
    for key, kind in (("id", str), ("name_zh", str), ("name_en", str), ("date", date)):
        if not isinstance(content.get(key), kind):
            raise BadPack(
                f"{path.name}: {key} is missing or not a {kind.__name__}.",
                file=path.name,
                field=key,
            )
    if content["id"] != path.stem:
        raise BadPack(f"{path.name}: id is {content['id']!r}, the file's name must be the same.")
    entries: dict[str, Entry] = {}
    for number, row in enumerate(content.get("entry", [])):
        entry = _entry(row, f"{path.name}: entry[{number}]")
        if entry.id in entries:
            raise BadPack(f"{path.name}: entry[{number}] repeats the id {entry.id}.", field="id")
        entries[entry.id] = entry
    if not entries:
        raise BadPack(f"{path.name}: has no [[entry]].", file=path.name)
    return Pack(content["id"], content["name_zh"], content["name_en"], content["date"], entries)


def _entry(row: dict[str, Any], where: str) -> Entry:
    unknown = sorted(row.keys() - _KEYS)
    if unknown:
        raise BadPack(f"{where} has the unknown key {unknown[0]}.", field=unknown[0])
    for key in ("id", "kind", "limit", "source"):
        if not isinstance(row.get(key), str) or not row[key].strip():
            raise BadPack(f"{where}: {key} is missing or empty.", field=key)
    if not isinstance(row.get("date"), date):
        raise BadPack(f"{where}: date is missing or no day such as 2017-01-01.", field="date")
    try:
        kind = ClockKind(row["kind"])
        area = AreaClass(row["area_class"]) if "area_class" in row else None
        limit = span(row["limit"])
    except (ValueError, BadLimit) as error:
        raise BadPack(f"{where} ({row['id']}): {error}", entry=row["id"]) from error
    if row["id"].split(".")[0] != kind.value:
        raise BadPack(f"{where}: the id {row['id']} must begin with {kind.value}.", field="id")
    if area is not None and not row["id"].endswith(f".{area.value}"):
        raise BadPack(f"{where}: the id {row['id']} must end with .{area.value}.", field="id")
    return Entry(row["id"], kind, limit, row["source"], row["date"], area)
