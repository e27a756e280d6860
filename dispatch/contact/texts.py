"""The texts of messages: plain, short, in the reader's language, with the locale's dates and times."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_interval, format_time
from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

LANGUAGES = ("zh-CN", "en")
_HERE = Path(__file__).parent
_LOCALES = {"zh-CN": "zh_CN", "en": "en"}
_CLOCKS = {"zh-CN": "Hm", "en": "hm"}
_SPACES = str.maketrans({"\u202f": " ", "\u2009": " ", "\u00a0": " "})

LINK, CODE = "[[link]]", "[[code]]"
"""Places in a stored body that are filled in when it is sent."""


@dataclass(frozen=True, slots=True)
class Text:
    """A message's subject and plain-text body."""

    subject: str
    body: str


def language_for(wanted: str) -> str:
    """The language of ours that suits a BCP 47 tag: Chinese for any Chinese, English for the rest."""
    return "zh-CN" if wanted.lower().startswith("zh") else "en"


def render(template: str, language: str, values: Mapping[str, Any]) -> Text:
    """The text of one template. A value cannot add a line: control characters and breaks become spaces."""
    clean = {
        name: one_line(value) if isinstance(value, str) else value for name, value in values.items()
    }
    page = _environment().get_template(f"{template}.{language}.txt").render(clean)
    subject, _, body = page.partition("---\n")
    return Text(one_line(subject)[:200], body.strip() + "\n")


def one_line(text: str) -> str:
    """`text` without control characters, its runs of white space as single spaces."""
    printable = "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(printable.split())


def day_text(moment: datetime, zone: ZoneInfo, language: str) -> str:
    """The local date in full, with its weekday."""
    return format_date(moment.astimezone(zone), "full", locale=_LOCALES[language])


def clock_text(moment: datetime, zone: ZoneInfo, language: str) -> str:
    """The local time of day."""
    text = format_time(moment, "short", tzinfo=zone, locale=_LOCALES[language])
    return text.translate(_SPACES)


def span_text(start: datetime, end: datetime, zone: ZoneInfo, language: str) -> str:
    """A span of one day, as 09:00–11:00 or 9:00 – 11:00 AM."""
    skeleton = _CLOCKS[language]
    text = format_interval(start, end, skeleton, tzinfo=zone, locale=_LOCALES[language])
    return text.translate(_SPACES)


def purpose(work_type: str, language: str) -> str:
    """What a visit is for, in words that may stand in a message.

    A work type that the wording does not name is "on-site service": a type's own name may tell of arrears or of
    somebody's health, and a message may be read by others.
    """
    return _worded("purpose", work_type, language)


def outcome(closing_code: str, language: str) -> str:
    """What was done, in words; a code that the wording does not name is "completed"."""
    return _worded("outcome", closing_code, language)


def is_unannounced(work_type: str) -> bool:
    """Whether a visit of this type loses its purpose when it is announced."""
    return _entry("unannounced", work_type) is not None


def _worded(table: str, code: str, language: str) -> str:
    entry = _entry(table, code) or _wording()[table]["default"]
    return str(entry["zh" if language == "zh-CN" else "en"])


def _entry(table: str, code: str) -> Any:
    """The entry of `code`, or of the longest part of it before a hyphen: NC-ENE-2 is worded like NC-ENE."""
    entries = _wording()[table]
    while code:
        if code in entries:
            return entries[code]
        code = code.rpartition("-")[0]
    return None


@lru_cache(maxsize=1)
def _wording() -> dict[str, dict[str, Any]]:
    return tomllib.loads((_HERE / "wording.toml").read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def _environment() -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=False,  # plain text; `one_line` keeps values from forging lines
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
