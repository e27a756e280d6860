"""Proof-reading: whether a text of a template can be sent, and where it is wrong when it cannot."""

import re
import traceback
from typing import Any

from jinja2 import TemplateError, TemplateSyntaxError, nodes

from dispatch.contact import links, texts
from dispatch.contact.kinds import KINDS
from dispatch.contact.placeholders import PLACES, examples, placeholders
from dispatch.contact.tables import TextKind
from dispatch.contact.texts import Source, Text, render_source, sms_parts
from dispatch.core.errors import InvalidError

MOST_SMS = 3
"""SMS that one message may become, with an example's names in it."""
LONGEST = 4000
LINK = "https://power.example/v/" + "x" * links.LENGTH
"""As long as customers' links are."""

_PLACE = re.compile(r"\[\[[^\]\n]*\]?\]?")


class BadTemplate(InvalidError):
    """A text cannot be sent: `field` is subject or body, `line` counts from 1, `placeholder` is the name."""

    code = "bad_template"


def proof(name: str, kind: TextKind, source: Source) -> None:
    """Raise BadTemplate unless the text can be rendered with the examples of both languages.

    It names the field, the line, and the placeholder that is at fault.
    """
    if kind is TextKind.SMS and source.subject.strip():
        raise BadTemplate("An SMS has no subject.", field="subject", line=1)
    if kind is TextKind.EMAIL and not source.subject.strip():
        raise BadTemplate("An email has a subject.", field="subject", line=1)
    if len(source.subject) > 300 or len(source.subject.splitlines()) > 1:
        raise BadTemplate(
            "A subject is one line of at most 300 characters.", field="subject", line=1
        )
    if not source.body.strip() or len(source.body) > LONGEST:
        raise BadTemplate(f"A text has 1 to {LONGEST} characters.", field="body", line=1)
    for field in ("subject", "body"):
        _check_names(name, field, getattr(source, field))
    for language in texts.LANGUAGES:
        for values in examples(name, language):
            _check_rendered(kind, _rendered(kind, source, values))


def _check_names(name: str, field: str, text: str) -> None:
    """Refuse what is no template, and names that the template does not have, whichever branch they are in."""
    try:
        tree = texts.environment().parse(text)
    except TemplateSyntaxError as error:
        raise BadTemplate(
            f"Line {error.lineno}: {error.message}", field=field, line=error.lineno
        ) from error
    known = set(placeholders(name))
    own = {node.name for node in tree.find_all(nodes.Name) if node.ctx == "store"} | {"loop"}
    for node in tree.find_all(nodes.Name):
        if node.ctx == "load" and node.name not in known | own:
            raise _unknown(field, node.lineno, node.name, known)
    places = PLACES.get(KINDS[name].subject, ())
    for number, line in enumerate(text.splitlines(), start=1):
        for found in _PLACE.findall(line):
            if found not in places:
                raise _unknown(field, number, found, set(places))


def _rendered(kind: TextKind, source: Source, values: dict[str, Any]) -> Text:
    for field in ("subject", "body"):
        lone = Source("x", getattr(source, field)) if kind is TextKind.EMAIL else source
        try:
            render_source(lone, kind, values)
        except TemplateError as error:
            line = _line_of(error)
            raise BadTemplate(f"Line {line}: {error}", field=field, line=line) from error
        except Exception as error:  # whatever a text may do wrong is its writer's to mend
            line = _line_of(error)
            raise BadTemplate(
                f"Line {line}: this cannot be worked out ({type(error).__name__}).",
                field=field,
                line=line,
            ) from error
    return render_source(source, kind, values)


def _check_rendered(kind: TextKind, text: Text) -> None:
    if kind is TextKind.SMS:
        count = sms_parts(texts.filled(text.body, link=LINK, code="0000"))
        if count > MOST_SMS:
            raise BadTemplate(
                f"It would be {count} SMS, at most {MOST_SMS} are allowed.", field="body", line=1
            )
    if not text.body.strip() or len(text.body) > LONGEST:
        raise BadTemplate(
            f"The text that comes of it has 1 to {LONGEST} characters.", field="body", line=1
        )
    if kind is TextKind.EMAIL and not text.subject:
        raise BadTemplate("The subject that comes of it is empty.", field="subject", line=1)


def _unknown(field: str, line: int, name: str, known: set[str]) -> BadTemplate:
    return BadTemplate(
        f"Line {line}: {name} is no placeholder of this text. It has {', '.join(sorted(known)) or 'none'}.",
        field=field,
        line=line,
        placeholder=name,
    )


def _line_of(error: BaseException) -> int:
    """The line of the template in which the error arose: Jinja puts it into the traceback."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == "<template>"]
    return (lines[-1] if lines else 1) or 1
