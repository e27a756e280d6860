"""Scripts of telephone calls: what is asked, what may be answered, and which answer needs somebody to act."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from dispatch.core.errors import InvalidError
from dispatch.desk.tables import RequestKind

SHIPPED = Path(__file__).parent / "scripts.toml"
DEFAULT = "default"
MOST_TEXT = 500
Kind = Literal["yes_no", "choice", "score", "text"]
_VALUES: Mapping[str, tuple[str, ...]] = {
    "yes_no": ("yes", "no"),
    "score": ("1", "2", "3", "4", "5"),
}


class BadCallAnswer(InvalidError):
    """An answer is missing, or is not what its question allows."""

    code = "bad_call_answer"


class BadScript(InvalidError):
    """A script is not as it must be; the message names the question."""

    code = "bad_script"


@dataclass(frozen=True, slots=True)
class Wording:
    """A text in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Option:
    """One answer that can be chosen."""

    value: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Question:
    """One question; `values` are the answers allowed, empty for a text. `opens`: answer -> kind of request."""

    id: str
    kind: Kind
    zh: str
    en: str
    about: Wording
    needed: bool
    options: tuple[Option, ...]
    values: tuple[str, ...]
    opens: Mapping[str, RequestKind]


@dataclass(frozen=True, slots=True)
class Script:
    """What is said and asked in one kind of call."""

    name: str
    greeting: Wording
    closing: Wording
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Need:
    """An answer that needs somebody to act: a request of `kind`, about `about`."""

    kind: RequestKind
    about: Wording
    answer: str


def script_for(work_type: str, series_id: str | None = None) -> Script:
    """The script of a series, else of its work type (or of its part before a hyphen), else the default."""
    known = shipped()
    if series_id is not None and series_id in known:
        return known[series_id]
    name = work_type
    while name:
        if name in known:
            return known[name]
        name = name.rpartition("-")[0]
    return known[DEFAULT]


def checked(script: Script, answers: Mapping[str, str]) -> dict[str, str]:
    """The answers in the order of the script, without empty ones; raises BadCallAnswer naming the question."""
    strange = sorted(answers.keys() - {question.id for question in script.questions})
    if strange:
        raise BadCallAnswer(
            f"The script {script.name} has no question {strange[0]}.", field=f"answers.{strange[0]}"
        )
    found: dict[str, str] = {}
    for question in script.questions:
        answer = answers.get(question.id, "").strip()
        field = f"answers.{question.id}"
        if not answer and question.needed:
            raise BadCallAnswer(f"{question.id} must be asked: {question.en}", field=field)
        if not answer:
            continue
        if question.values and answer not in question.values:
            raise BadCallAnswer(
                f"{question.id} is one of {', '.join(question.values)}, not {answer!r}.",
                field=field,
            )
        if len(answer) > MOST_TEXT:
            raise BadCallAnswer(f"{question.id} has at most {MOST_TEXT} characters.", field=field)
        found[question.id] = answer
    return found


def needs(script: Script, answers: Mapping[str, str]) -> list[Need]:
    """What the answers need somebody to act on, in the order of the script."""
    return [
        Need(question.opens[answer], question.about, answer)
        for question in script.questions
        if (answer := answers.get(question.id, "")) in question.opens
    ]


@lru_cache(maxsize=1)
def shipped() -> Mapping[str, Script]:
    """The scripts that this installation ships, by name."""
    return read(SHIPPED)


def read(path: Path) -> Mapping[str, Script]:
    """Read and check a file of scripts; raises BadScript."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    if DEFAULT not in content:
        raise BadScript(f"{path.name} has no script {DEFAULT}.", field=DEFAULT)
    return {name: _script(name, row) for name, row in content.items()}


def _script(name: str, row: dict[str, Any]) -> Script:
    try:
        questions = tuple(_question(name, one) for one in row["question"])
        script = Script(name, Wording(**row["greeting"]), Wording(**row["closing"]), questions)
    except (KeyError, TypeError) as error:
        raise BadScript(f"Script {name}: {error}", field=name) from error
    ids = [question.id for question in questions]
    if len(set(ids)) < len(ids):
        raise BadScript(f"Script {name} has two questions of one id.", field=name)
    return script


def _question(script: str, row: dict[str, Any]) -> Question:
    where = f"{script}.{row['id']}"
    options = tuple(Option(**option) for option in row.get("options", ()))
    if row["kind"] not in {"choice", "text", *_VALUES}:
        raise BadScript(f"{where}: there is no kind {row['kind']}.", field=where)
    if (row["kind"] == "choice") != bool(options):
        raise BadScript(f"{where}: a choice has options, and nothing else has.", field=where)
    values = _VALUES.get(row["kind"], tuple(option.value for option in options))
    opens = row.get("opens", {})
    for answer, kind in opens.items():
        if answer not in values or kind not in set(RequestKind):
            raise BadScript(f"{where}: {answer} cannot open {kind}.", field=where)
    return Question(
        id=row["id"],
        kind=row["kind"],
        zh=row["zh"],
        en=row["en"],
        about=Wording(**row["about"]),
        needed=row.get("needed", False),
        options=options,
        values=values,
        opens={answer: RequestKind(kind) for answer, kind in opens.items()},
    )
