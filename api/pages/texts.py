"""What the pages say, in Chinese and English, and how they write dates and numbers."""

import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_skeleton
from babel.numbers import format_decimal

from api import alert_words, hints

LANGUAGES = ("zh-CN", "en")
FOLDER = Path(__file__).parent / "texts"
_LOCALES = {"zh-CN": Locale.parse("zh_CN"), "en": Locale.parse("en_GB")}


class Words:
    """The words and formats of one language, with instants shown in one zone."""

    def __init__(self, language: str, zone: ZoneInfo) -> None:
        self.language = language
        self.zone = zone
        self._locale = _LOCALES[language]
        self._table = table(language)

    @property
    def other(self) -> str:
        """The other language of the two."""
        return "en" if self.language == "zh-CN" else "zh-CN"

    def __call__(self, key: str, **values: object) -> str:
        """The text of `key`, such as `sign_in.title`; an unknown key shows itself."""
        text = self._table.get(key, key)
        return text.format(**values) if values else text

    def known(self, key: str, otherwise: str) -> str:
        """The text of `key`, or `otherwise` where nobody has worded it yet."""
        return self._table.get(key, otherwise)

    def hint(self, hint: str) -> str:
        """What would make a visit fit, in this language."""
        return hints.in_chinese(hint) if self.language == "zh-CN" else hint

    def alert(self, text: str) -> str:
        """What an alert says, in this language."""
        return alert_words.in_chinese(text) if self.language == "zh-CN" else text

    def name(self, thing: Any) -> str:
        """The name of a thing that has one in each language."""
        return str(thing.name_zh if self.language == "zh-CN" else thing.name_en)

    def day(self, day: date) -> str:
        """A date with its weekday."""
        return format_date(day, "full", locale=self._locale)

    def weekday(self, day: date) -> str:
        """Weekday, day and month, short."""
        return format_skeleton("MMMEd", day, locale=self._locale)

    def short_day(self, moment: datetime) -> str:
        """Day and month of an instant."""
        local = moment.astimezone(self.zone)
        return format_skeleton("MMMd", local, locale=self._locale)

    def clock(self, moment: datetime | None) -> str:
        """The local time of day, in 24 hours as rosters write it; a dash when there is none."""
        if moment is None:
            return "–"
        return f"{moment.astimezone(self.zone):%H:%M}"  # the same in both languages, and quick

    def moment(self, moment: datetime) -> str:
        """Day and time of an instant."""
        return f"{self.short_day(moment)} {self.clock(moment)}"

    def span(self, start: datetime | None, end: datetime | None) -> str:
        """A span of time of one day."""
        return f"{self.clock(start)}–{self.clock(end)}"

    def number(self, value: float, *, digits: int = 0) -> str:
        """A number with so many digits after the point at most."""
        pattern = "#,##0" + ("." + "#" * digits if digits else "")
        shown = round(value, digits) + 0  # no minus before a zero
        return format_decimal(shown, format=pattern, locale=self._locale)

    def minutes(self, seconds: float) -> str:
        """A span of seconds in whole minutes."""
        return f"{self.number(seconds / 60)} {self('common.minutes')}"

    def span_of(self, seconds: float) -> str:
        """How long, in the largest two units: days and hours, or hours and minutes."""
        minutes = round(abs(seconds) / 60)
        days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
        if self.language == "zh-CN":
            return f"{days} 天 {hours} 小时" if days else f"{hours} 小时 {rest} 分"
        return f"{days} d {hours} h" if days else f"{hours} h {rest:02d} min"


@lru_cache(maxsize=4)
def problems(language: str) -> Mapping[str, str]:
    """Refusals by code; empty where the problem documents' own language is shown."""
    path = FOLDER / f"problems.{language}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


@lru_cache(maxsize=4)
def table(language: str) -> Mapping[str, str]:
    """Every text of a language by its dotted key."""
    content = tomllib.loads((FOLDER / f"{language}.toml").read_text(encoding="utf-8"))
    return dict(_flat(content, ""))


def _flat(content: Mapping[str, Any], prefix: str) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for key, value in content.items():
        if isinstance(value, Mapping):
            rows += _flat(value, f"{prefix}{key}.")
        else:
            rows.append((f"{prefix}{key}", str(value)))
    return rows
