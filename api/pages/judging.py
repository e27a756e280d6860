"""The two questions after a visit, asked on its page; the answers are kept by `dispatch.contact.surveys`."""

import importlib
import importlib.util
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from dispatch.core.errors import NotFoundError

_MODULE = "dispatch.contact.surveys"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the customer has said so far; nothing of it before the first answer."""

    score: int | None = None
    solved: bool | None = None
    comment: str = ""


def judgement(session: Session, visit_id: str) -> Judgement | None:
    """What the customer has said of a finished visit; None where nobody keeps such answers."""
    surveys = _surveys()
    if surveys is None:
        return None
    try:
        found = surveys.get(session, visit_id)
    except NotFoundError:
        return Judgement()
    return Judgement(found.score, found.solved, found.comment)


def judge(session: Session, visit_id: str, form: dict[str, str], *, now: datetime) -> None:
    """Keep the answers of a form, the score from 1 to 5; raises what `surveys.answer` does."""
    surveys = _surveys()
    if surveys is not None:
        score = form.get("score", "")
        surveys.answer(
            session,
            visit_id=visit_id,
            score=int(score) if score.isascii() and score.isdigit() else 0,
            solved=form.get("solved") == "yes",
            comment=form.get("comment", ""),
            now=now,
        )


def _surveys() -> Any:
    """The surveys, where this installation has them."""
    found = importlib.util.find_spec(_MODULE)
    return importlib.import_module(_MODULE) if found else None
