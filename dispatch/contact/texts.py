"""The texts of messages: plain, short, in the reader's language, with the locale's dates and times."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_interval, format_time
from jinja2 import StrictUndefined, Template
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from dispatch.contact.tables import TextKind

LANGUAGES = ("zh-CN", "en")
_HERE = Path(__file__).parent
_LOCALES = {"zh-CN": "zh_CN", "en": "en"}
_CLOCKS = {"zh-CN": "Hm", "en": "hm"}
_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_PLAIN = str.maketrans({"–": "-", "—": "-", "’": "'", "“": '"', "”": '"'})
"""Signs that would make every SMS they are in a short one, for none of its 160 would fit."""
_GSM_TWICE = frozenset("^{}\\[~]|€")
_GAPS = re.compile(r"\n(?:[ \t]*\n){2,}")
_PLACES = re.compile(r"\[\[(link|code)(?: \d+)?\]\]")
_SPACES = str.maketrans({"\u202f": " ", "\u2009": " ", "\u00a0": " "})

LINK, CODE = "[[link]]", "[[code]]"
"""Places in a stored body that are filled in when it is sent."""


def place(name: str, index: int) -> str:
    """The place of the link or code of a message's visit by its index: `[[link]]`, then `[[link 2]]`."""
    return f"[[{name}]]" if index == 0 else f"[[{name} {index + 1}]]"


def filled(body: str, *, link: str, code: str) -> str:
    """A stored body with these in all of its places, for who is not to have the real ones."""
    return _PLACES.sub(lambda found: link if found[1] == "link" else code, body)


@dataclass(frozen=True, slots=True)
class Text:
    """A message's subject and plain-text body."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Source:
    """What a text is made from: Jinja templates of its subject (empty for an SMS) and its body."""

    subject: str
    body: str


def language_for(wanted: str) -> str:
    """The language of ours that suits a BCP 47 tag: Chinese for any Chinese, English for the rest."""
    return "zh-CN" if wanted.lower().startswith("zh") else "en"


def render(
    template: str, language: str, values: Mapping[str, Any], kind: TextKind = TextKind.EMAIL
) -> Text:
    """The text that Gridcrew comes with for a template; see `render_source`."""
    return render_source(shipped(template, language, kind), kind, values)


def render_source(source: Source, kind: TextKind, values: Mapping[str, Any]) -> Text:
    """A text from its source. A value cannot add a line: control characters and breaks become spaces.

    Raises jinja2's TemplateError for a source that is wrong or names what `values` do not hold.
    """
    clean = _clean(dict(values))
    body = _compiled(source.body).render(clean)
    if kind is TextKind.SMS:
        return Text("", one_line(body).translate(_PLAIN))
    subject = one_line(_compiled(source.subject).render(clean))
    return Text(subject[:200], _GAPS.sub("\n\n", body).strip() + "\n")


@lru_cache(maxsize=128)
def shipped(template: str, language: str, kind: TextKind) -> Source:
    """The source of the text that Gridcrew comes with: a subject and a body, or an SMS."""
    if kind is TextKind.SMS:
        return Source("", _read(f"{template}.{language}.sms.txt"))
    subject, _, body = _read(f"{template}.{language}.txt").partition("---\n")
    return Source(subject.strip(), body)


def _read(name: str) -> str:
    return (_HERE / "templates" / name).read_text(encoding="utf-8")


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, dict):
        return {name: _clean(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(inner) for inner in value]
    return value


def sms_parts(text: str) -> int:
    """How many SMS a text is: of 160 signs of the GSM alphabet, else of 70; several carry 153 and 67 each."""
    if all(sign in _GSM or sign in _GSM_TWICE for sign in text):
        length, single, several = len(text) + sum(sign in _GSM_TWICE for sign in text), 160, 153
    else:
        length, single, several = len(text.encode("utf-16-be")) // 2, 70, 67
    return 1 if length <= single else -(-length // several)


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


def why_not_done(reason: str, language: str) -> str:
    """Why a visit was not done, in words; a reason that the wording does not name is "unforeseen circumstances"."""
    return _worded("why", reason, language)


def class_named(message_class: str, language: str) -> str:
    """What messages of a class are, in words."""
    return _worded("class", message_class, language)


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


@lru_cache(maxsize=256)
def _compiled(source: str) -> Template:
    return environment().from_string(source)


class _Sandbox(ImmutableSandboxedEnvironment):
    """A sandbox without what could make a text of any length: no functions, no products, few filters."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:  # noqa: ARG002
        """Refuse it."""
        raise SecurityError(f"{operator} is not allowed in a text")


_FILTERS = ("default", "first", "join", "last", "length", "lower", "replace", "trim", "upper")


@lru_cache(maxsize=1)
def environment() -> ImmutableSandboxedEnvironment:
    """Where templates run: sandboxed, and a name that has no value is an error."""
    sandbox = _Sandbox(
        autoescape=False,  # plain text; `one_line` keeps values from forging lines
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    sandbox.globals.clear()
    sandbox.filters = {name: sandbox.filters[name] for name in _FILTERS}
    return sandbox
